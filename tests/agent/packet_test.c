/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_test.c - hand-built frames of every link type and header, and each cut at every byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/flow/packet.h"

#define FRAME_MAX 512
struct frame {
	uint8_t b[FRAME_MAX];
	size_t n;
};

/* "45 00 0014"; spaces do not count */
static void hex(struct frame *f, const char *s)
{
	for (; *s; s++) {
		char two[3] = {0};

		if (*s == ' ')
			continue;
		two[0] = s[0];
		two[1] = s[1];
		cr_assert(s[1] && f->n < FRAME_MAX, "half a byte, or too long");
		f->b[f->n++] = (uint8_t)strtoul(two, NULL, 16);
		s++;
	}
}

#define MACS "020000000001 020000000002 "
#define ETH4 MACS "0800 "
#define ETH6 MACS "86dd "
#define UDP4 "45000020 00000000 40110000 0a000001 c0000207 d431 1538 000c 0000 61626364 "
#define UDP6                                                                                       \
	"60000000 000c 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002 d431 1538 000c 0000 61626364 "
#define A6  "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define F6  "20010db8000000000000000000000003 "
#define UDP "d431 1538 000c 0000 61626364 "

struct row {
	const char *name;
	uint16_t link;
	const char *hex;
	enum packet_result result;
	uint8_t v, proto;
	uint16_t sport, dport;
	uint32_t length;
	uint16_t flags;
};
#define P4	   PACKET_IP, 4, 17, 0xd431, 5432, 32, PACKET_HAS_PORTS
#define P6	   PACKET_IP, 6, 17, 0xd431, 5432, 52, PACKET_HAS_PORTS
#define NO(result) result, 0, 0, 0, 0, 0, 0
static const struct row rows[] = {
	/* link types */
	{"ethernet", 1, ETH4 UDP4, P4},
	{"ethernet IPv6", 1, ETH6 UDP6, P6},
	{"vlan", 1, MACS "8100 0005 0800" UDP4, P4},
	{"802.1ad twice", 1, MACS "88a8 0005 8100 0006 0800" UDP4, P4},
	{"five vlan tags", 1, MACS "9100 0001 8100 0002 88a8 0003 9200 0004 9300 0005 86dd" UDP6,
	 P6},
	{"llc snap", 1, MACS "0028 aaaa03 000000 0800" UDP4, P4},
	{"llc snap in vlan", 1, MACS "8100 0001 0028 aaaa03 000000 0800" UDP4, P4},
	{"llc of IP", 1, MACS "0023 060603" UDP4, P4},
	{"mpls two labels", 1, MACS "8847 00010040 00020140" UDP4, P4},
	{"mpls pseudowire", 1, MACS "8847 00010140 00000000" ETH4 UDP4, P4},
	{"pppoe", 1, MACS "8864 11000001 0022 0021" UDP4, P4},
	{"pppoe discovery", 1, MACS "8863 11090000 0000", NO(PACKET_CONTROL)},
	{"e-tag", 1, MACS "893f 000000000000 0800" UDP4, P4},
	{"nsh", 1, MACS "894f 0006 01 01 00000100 00000000 00000000 00000000 00000000" UDP4, P4},
	{"arp", 1, MACS "0806 0001 0800 06 04 0001", NO(PACKET_CONTROL)},
	{"null little", 0, "02000000" UDP4, P4},
	{"null big", 0, "00000002" UDP4, P4},
	{"null IPv6 darwin", 0, "1e000000" UDP6, P6},
	{"loop IPv6 openbsd", 108, "00000018" UDP6, P6},
	{"null appletalk", 0, "10000000 00", NO(PACKET_UNKNOWN_TYPE)},
	{"raw 12", 12, UDP4, P4},
	{"raw 101", 101, UDP6, P6},
	{"raw IPv4", 228, UDP4, P4},
	{"raw IPv4 with an IPv6 packet", 228, UDP6, P6},
	{"raw IPv6", 229, UDP6, P6},
	{"ppp bare", 9, "0021" UDP4, P4},
	{"ppp framed", 9, "ff03 0057" UDP6, P6},
	{"ppp short protocol", 9, "21" UDP4, P4},
	{"ppp lcp", 9, "ff03 c021 01", NO(PACKET_CONTROL)},
	{"ppp mpls", 9, "0281 00010140" UDP4, P4},
	{"serial ppp", 50, "ff03 0021" UDP4, P4},
	{"serial cisco", 50, "0f00 0800" UDP4, P4},
	{"serial unframed", 50, "4500 0021", NO(PACKET_UNKNOWN_TYPE)},
	{"cisco hdlc", 104, "0f00 86dd" UDP6, P6},
	{"cooked", 113, "0004 0001 0006 0200000000010000 0800" UDP4, P4},
	{"cooked 802.2", 113, "0004 0001 0006 0200000000010000 0004 aaaa03 000000 0800" UDP4, P4},
	{"cooked v2", 276, "86dd 0000 00000002 0001 00 06 0200000000010000" UDP6, P6},
	{"frame relay", 107, "1841 03cc" UDP4, P4},
	{"frame relay IPv6", 107, "1841 038e" UDP6, P6},
	{"frame relay snap", 107, "1841 0300 80 000000 0800" UDP4, P4},
	{"frame relay cisco", 107, "1841 0800" UDP4, P4},
	{"nflog", 239, "02 00 0000 0800 0100 00000000 2400 0900" UDP4, P4},
	{"nflog big endian", 239, "0a 00 0000 0038 0009" UDP6, P6},
	{"nflog without packet", 239, "02 00 0000 0800 0100 00000000", NO(PACKET_SHORT)},
	{"802.11 data", 105,
	 "0800 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" UDP4, P4},
	{"802.11 qos, four addresses", 105,
	 "8803 0000 020000000001 020000000002 020000000003 0000 020000000004 0000 aaaa03 000000 0800" UDP4,
	 P4},
	{"802.11 encrypted", 105, "0840 0000 020000000001 020000000002 020000000003 0000 aaaa03",
	 NO(PACKET_ENCRYPTED)},
	{"802.11 beacon", 105, "8000 0000", NO(PACKET_CONTROL)},
	{"radiotap", 127,
	 "00000800 00000000 0800 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" UDP4,
	 P4},
	{"ppi", 192, "0000 0800 65000000" UDP4, P4},
	{"ppi of an unknown link", 192, "0000 0800 e7000000 00", NO(PACKET_UNKNOWN_LINK)},
	{"ppi in ppi without end", 192,
	 "00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 "
	 "00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 "
	 "00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000 00000800c0000000",
	 NO(PACKET_TOO_DEEP)},
	{"pktap", 258, "0c000000 01000000 01000000" ETH4 UDP4, P4},
	{"infiniband", 242,
	 "0000000000000000000000000000000000000000 0000000000000000000000000000000000000000 0800 0000" UDP4,
	 P4},
	/* tags and frames in frames */
	{"vntag", 1, MACS "8926 00000000 8100 0005 0800" UDP4, P4},
	{"cisco metadata", 1, MACS "8909 0101 0001 0010 0800" UDP4, P4},
	{"cisco metadata of two", 1, MACS "8909 0102 0001 0010 0002 0020 0800" UDP4, P4},
	{"cisco time stamp", 1, MACS "8988 000000000000 0800" UDP4, P4},
	{"hsr", 1, MACS "892f 0034 0001 0800" UDP4, P4},
	{"backbone", 1, MACS "88a8 0001 88e7 00000007" ETH4 UDP4, P4},
	{"fabricpath", 1, MACS "8903 0020" ETH6 UDP6, P6},
	{"trill", 1, MACS "22f3 0003 0001 0002" ETH4 UDP4, P4},
	{"trill with an option", 1, MACS "22f3 0043 0001 0002 00000000" ETH4 UDP4, P4},
	{"batman unicast", 1, MACS "4305 400f3200 020000000009" ETH4 UDP4, P4},
	{"batman unicast of four", 1, MACS "4305 420f3200 020000000009 020000000008 0000" ETH4 UDP4,
	 P4},
	{"batman broadcast", 1, MACS "4305 010f3200 00000001 020000000009" ETH4 UDP4, P4},
	{"batman originator", 1, MACS "4305 000f3200 00000001", NO(PACKET_CONTROL)},
	{"edsa", 1, MACS "dada 0000 40000000 0800" UDP4, P4},
	{"dsa", 284, MACS "40000000 0800" UDP4, P4},
	{"edsa as a link", 285, MACS "dada 0000 40000000 0800" UDP4, P4},
	{"broadcom", 281, MACS "20000001 0800" UDP4, P4},
	{"broadcom before", 282, "20000001" ETH4 UDP4, P4},
	{"macsec in clear", 1, MACS "88e5 0010 00000001 0800" UDP4, P4},
	{"macsec in clear with channel", 1, MACS "88e5 2010 00000001 0102030405060708 0800" UDP4,
	 P4},
	{"macsec", 1, MACS "88e5 0c00 00000001 0102030405060708 0800", NO(PACKET_ENCRYPTED)},
	{"pseudowire without control word", 1,
	 MACS "8847 00010140 441122334455 020000000002 0800" UDP4, P4},
	{"pseudowire without control word, address of zeros", 1,
	 MACS "8847 00010140 001122334455 020000000002 0800" UDP4, P4},
	{"pseudowire's channel", 1, MACS "8847 00010140 10000000 01", NO(PACKET_CONTROL)},
	{"an ether type nobody knows", 1, MACS "1234 00", NO(PACKET_UNKNOWN_TYPE)},
	{"spanning tree", 1, MACS "0007 424203 000000", NO(PACKET_CONTROL)},
	{"netbios", 1, MACS "0007 f0f003 000000", NO(PACKET_UNKNOWN_TYPE)},
	{"cdp", 1, MACS "0010 aaaa03 00000c 2000 00", NO(PACKET_CONTROL)},
	{"appletalk", 1, MACS "0010 aaaa03 080007 809b 00", NO(PACKET_UNKNOWN_TYPE)},
	{"lldp", 1, MACS "88cc 00", NO(PACKET_CONTROL)},
	/* more links */
	{"ppp with cisco's framing", 9, "0f00 0800" UDP4, P4},
	{"ppp compressed headers", 9, "002d 00", NO(PACKET_UNKNOWN_TYPE)},
	{"ppp encrypted", 9, "0053 00", NO(PACKET_ENCRYPTED)},
	{"ppp bridged", 9, "0031 0001" ETH4 UDP4, P4},
	{"atm", 100, "aaaa03 000000 0800" UDP4, P4},
	{"atm bridged", 100, "aaaa03 0080c2 0007 0000" ETH4 UDP4, P4},
	{"enc", 109, "02000000 00000001 00000000" UDP4, P4},
	{"pflog", 117,
	 "3d020000 00000000000000000000000000000000 00000000000000000000000000000000 00000000 00000000 "
	 "00000000 00000000 00000000 00000000 02000000" UDP4,
	 P4},
	{"prism", 119,
	 "44000000 0c000000 00000000 0800 0000 020000000001 020000000002 020000000003 0000 "
	 "aaaa03 000000 0800" UDP4,
	 P4},
	{"avs", 163,
	 "80211001 0000000c 00000000 0800 0000 020000000001 020000000002 020000000003 0000 "
	 "aaaa03 000000 0800" UDP4,
	 P4},
	{"erf ethernet", 197, "0000000000000000 02 04 0000 0000 0000 0000" ETH4 UDP4, P4},
	{"erf with an extension", 197,
	 "0000000000000000 82 04 0000 0000 0000 0000000000000000 0000" ETH4 UDP4, P4},
	{"erf IPv4", 197, "0000000000000000 16 04 0000 0000 0000" UDP4, P4},
	{"juniper ethernet", 178, "4d474300" ETH4 UDP4, P4},
	{"juniper with extensions", 178, "4d474380 0006 010100 020100" ETH4 UDP4, P4},
	{"juniper without a link header", 178, "4d474302 00000002" UDP4, P4},
	{"juniper ppp", 179, "4d474300 0021" UDP4, P4},
	{"juniper frame relay", 180, "4d474300 1841 03cc" UDP4, P4},
	{"juniper hdlc", 181, "4d474300 0f00 0800" UDP4, P4},
	{"ppp with direction", 204, "01 ff03 0021" UDP4, P4},
	{"hdlc with direction", 205, "00 0f00 0800" UDP4, P4},
	{"frame relay with direction", 206, "00 1841 03cc" UDP4, P4},
	{"netanalyzer", 240, "00000000" ETH4 UDP4, P4},
	{"netanalyzer with preamble", 241, "00000000 55555555555555d5" ETH4 UDP4, P4},
	{"802.11 several in one", 105,
	 "8801 0000 020000000001 020000000002 020000000003 0000 8000 "
	 "020000000001 020000000002 0028 aaaa03 000000 0800" UDP4,
	 P4},
	{"802.11 with zeros behind its header", 127,
	 "00000900 02000000 20 8801 0000 020000000001 020000000002 020000000003 0000 0000 0000 aaaa03 000000 0800" UDP4,
	 P4},
	{"802.11 the same, with a time before the flags", 127,
	 "00001900 03000080 00000000 00000000 0000000000000000 20 8801 0000 020000000001 020000000002 020000000003 0000 0000 0000 aaaa03 000000 0800" UDP4,
	 P4},
	{"802.11 with its first bytes swapped", 105,
	 "0108 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" UDP4, P4},
	{"nflog of a bridge", 239, "07 00 0000 2400 0900" UDP4, P4},
	{"null IPv6 windows", 0, "17000000" UDP6, P6},
	{"null IPX", 0, "17000000 ffff", NO(PACKET_UNKNOWN_TYPE)},
	{"jumbo llc", 1, MACS "8870 aaaa03 000000 0800" UDP4, P4},
	{"inter-switch link", 1,
	 "01000c000000 020000000002 003a aaaa03 000000 0000 0000 0000 " ETH4 UDP4, P4},
	{"realtek", 1, MACS "8899 040000000001 0800" UDP4, P4},
	{"realtek short", 1, MACS "8899 a001 0800" UDP4, P4},
	{"pseudowire without control word, address like IPv6", 1,
	 MACS "8847 00010140 601122334455 020000000002 0800" UDP4, P4},
	{"ppp multilink, whole", 9, "ff03 003d c0000001 0021" UDP4, P4},
	{"ppp multilink, a piece", 9, "ff03 003d 80000001 0021" UDP4, NO(PACKET_UNKNOWN_TYPE)},
	{"serial ppp without address", 50, "0021" UDP4, P4},
	{"hdlc with ppp", 104, "ff03 0021" UDP4, P4},
	{"frame relay bridged", 107, "1841 0300 80 0080c2 0007" ETH4 UDP4, P4},
	{"slip", 8, "01 40 0000000000000000000000000000" UDP4, P4},
	{"token ring", 6, "1040 020000000001 020000000002 aaaa03 000000 0800" UDP4, P4},
	{"token ring with a route", 6,
	 "1040 020000000001 820000000002 0690 0001 0002 aaaa03 000000 0800" UDP4, P4},
	{"token ring of a kind that is not defined", 6,
	 "1080 020000000001 020000000002 aaaa03 000000 0800" UDP4, NO(PACKET_UNKNOWN_TYPE)},
	{"AIX, Ethernet under token ring's number", 6, ETH4 UDP4, P4},
	{"token ring beacon", 6, "1000 020000000001 020000000002 0000", NO(PACKET_CONTROL)},
	{"fddi", 10, "50 020000000001 020000000002 aaaa03 000000 0800" UDP4, P4},
	{"fddi of the ring", 10, "41 020000000001 020000000002 0000", NO(PACKET_CONTROL)},
	{"fddi of an implementer", 10, "60 020000000001 020000000002 aaaa03 000000 0800" UDP4,
	 NO(PACKET_UNKNOWN_TYPE)},
	{"arcnet", 7, "0102 d4 000001" UDP4, P4},
	{"arcnet of linux", 129, "0102 0000 d4 000001" UDP4, P4},
	{"arcnet ARP", 7, "0102 d5 000001", NO(PACKET_CONTROL)},
	{"sunatm", 123, "82 00 0005 aaaa03 000000 0800" UDP4, P4},
	{"sunatm signalling", 123, "06 00 0005 00", NO(PACKET_CONTROL)},
	{"sunatm of a kind that is not known", 123, "80 00 0005 aaaa03 000000 0800" UDP4,
	 NO(PACKET_UNKNOWN_TYPE)},
	{"fibre channel", 122, "0102030405060708 0102030405060708 aaaa03 000000 0800" UDP4, P4},
	{"docsis", 143, "00 00 0040 0000" ETH4 UDP4, P4},
	{"docsis with an extended header", 143, "01 03 0040 010203 0000" ETH4 UDP4, P4},
	{"docsis management", 143, "c2 00 0040 0000", NO(PACKET_CONTROL)},
	{"docsis fragment", 143, "c6 00 0040 0000" ETH4 UDP4, NO(PACKET_UNKNOWN_TYPE)},
	{"docsis concatenation", 143, "f8 00 0040 0000" ETH4 UDP4, NO(PACKET_UNKNOWN_TYPE)},
	{"ipnet", 226, "0102 0000 0000003c 00000001 00000002 00000000 00000000" UDP4, P4},
	{"tzsp as a link", 128, "01000001 01" ETH4 UDP4, P4},
	{"erf aal5", 197, "0000000000000000 04 04 0000 0000 0000 00000000 aaaa03 000000 0800" UDP4,
	 P4},
	{"juniper atm2", 135, "4d474300 0000000000000001 aaaa03 000000 0800" UDP4, P4},
	{"juniper atm1", 137, "4d474301 00000001 aaaa03 000000 0800" UDP4, P4},
	{"juniper multilink", 130, "4d474300 54000001 00000000 0021" UDP4, P4},
	{"juniper monitor", 164, "4d474300 0000000100000000" UDP4, P4},
	{"juniper services", 136, "4d474300 0000000100000000" UDP6, P6},
	{"juniper pppoe over atm", 168,
	 "4d474300 00000001 aaaa03 0080c2 0007 0000" MACS "8864 11000001 0022 0021" UDP4, P4},
	{"juniper card without IP", 135, "4d474300 0102030405060708 0102030405060708 01020304",
	 NO(PACKET_UNKNOWN_TYPE)},
	{"juniper card of no ATM with such a byte", 130, "4d474300 80000001",
	 NO(PACKET_UNKNOWN_TYPE)},
	{"juniper card's cells", 137, "4d474300 80000001", NO(PACKET_CONTROL)},
	{"dbus", 231, "6c", NO(PACKET_UNKNOWN_LINK)},
	/* IPv4 */
	{"not IP after all", 101, "55000020 00000000", NO(PACKET_BAD_IP)},
	{"header length under 5", 101, "44000020 00000000 40110000 0a000001 c0000207",
	 NO(PACKET_BAD_IP)},
	{"total length under the header", 101, "45000013 00000000 40110000 0a000001 c0000207",
	 NO(PACKET_BAD_IP)},
	{"header cut", 101, "45000020 00000000 40110000 0a000001 c00002", NO(PACKET_BAD_IP)},
	{"total length over the frame", 101, "4500ffff 00000000 40110000 0a000001 c0000207" UDP,
	 PACKET_IP, 4, 17, 0xd431, 5432, 32, PACKET_HAS_PORTS | PACKET_OVER},
	{"total length a checksum over the frame is believed", 101,
	 "45000024 00000000 40110000 0a000001 c0000207" UDP, PACKET_IP, 4, 17, 0xd431, 5432, 36,
	 PACKET_HAS_PORTS | PACKET_OVER},
	{"total length of the header, and a frame that is filled up", 1,
	 ETH4 "45000014 00000000 40110000 0a000001 c0000207" UDP, PACKET_IP, 4, 17, 0xd431, 5432,
	 20, PACKET_HAS_PORTS},
	{"total length of the header, and a frame with more", 101,
	 "45000014 00000000 40110000 0a000001 c0000207" UDP UDP UDP, PACKET_IP, 4, 17, 0xd431, 5432,
	 56, PACKET_HAS_PORTS | PACKET_UNDER},
	{"total length 0: the frame's", 1, ETH4 "45000000 00000000 40110000 0a000001 c0000207" UDP,
	 PACKET_IP, 4, 17, 0xd431, 5432, 32, PACKET_HAS_PORTS},
	{"first fragment", 101, "45000020 00072000 40110000 0a000001 c0000207" UDP, PACKET_IP, 4,
	 17, 0xd431, 5432, 32, PACKET_HAS_PORTS | PACKET_FRAGMENT},
	{"later fragment", 101, "45000020 00070001 40110000 0a000001 c0000207" UDP, PACKET_IP, 4,
	 17, 0, 0, 32, PACKET_FRAGMENT | PACKET_LATER},
	{"ports cut", 101, "45000020 00000000 40110000 0a000001 c0000207 d431 15", PACKET_IP, 4, 17,
	 0, 0, 23, PACKET_CUT | PACKET_OVER},
	{"options", 101, "46000024 00000000 40110000 0a000001 c0000207 01010100" UDP, PACKET_IP, 4,
	 17, 0xd431, 5432, 36, PACKET_HAS_PORTS},
	{"loose source route", 101,
	 "47000028 00000000 40110000 0a000001 c0000207 83 07 04 08080808 00" UDP, PACKET_IP, 4, 17,
	 0xd431, 5432, 40, PACKET_HAS_PORTS | PACKET_ROUTED},
	{"source route used up", 101,
	 "47000028 00000000 40110000 0a000001 c0000207 89 07 08 08080808 00" UDP, PACKET_IP, 4, 17,
	 0xd431, 5432, 40, PACKET_HAS_PORTS},
	{"source route without an address", 101,
	 "46000024 00000000 40110000 0a000001 c0000207 83030300" UDP, PACKET_IP, 4, 17, 0xd431,
	 5432, 36, PACKET_HAS_PORTS | PACKET_ROUTED},
	{"option without end", 101, "46000024 00000000 40110000 0a000001 c0000207 83ff0408" UDP,
	 PACKET_IP, 4, 17, 0xd431, 5432, 36, PACKET_HAS_PORTS | PACKET_DEEP},
	{"option of length 0", 101, "46000024 00000000 40110000 0a000001 c0000207 44000000" UDP,
	 PACKET_IP, 4, 17, 0xd431, 5432, 36, PACKET_HAS_PORTS | PACKET_DEEP},
	{"syn", 101,
	 "45000028 00000000 40060000 0a000001 c0000207 d431 1538 00000000 00000000 5002 0000 0000 0000",
	 PACKET_IP, 4, 6, 0xd431, 5432, 40, PACKET_HAS_PORTS | PACKET_SYN},
	{"syn ack", 101,
	 "45000028 00000000 40060000 0a000001 c0000207 1538 d431 00000000 00000000 5012 0000 0000 0000",
	 PACKET_IP, 4, 6, 5432, 0xd431, 40, PACKET_HAS_PORTS | PACKET_SYNACK},
	{"ah then udp", 101,
	 "4500002c 00000000 40330000 0a000001 c0000207 11010000 00000001 00000001" UDP, PACKET_IP,
	 4, 17, 0xd431, 5432, 44, PACKET_HAS_PORTS},
	{"sctp", 101, "45000020 00000000 40840000 0a000001 c0000207" UDP, PACKET_IP, 4, 132, 0xd431,
	 5432, 32, PACKET_HAS_PORTS},
	{"esp has no ports", 101, "45000020 00000000 40320000 0a000001 c0000207" UDP, PACKET_IP, 4,
	 50, 0, 0, 32, 0},
	/* IPv6 */
	{"IPv6 cut", 101,
	 "60000000 000c 1140 20010db800000000000000000000000120010db80000000000000000000000",
	 NO(PACKET_BAD_IP)},
	{"hop by hop, destination options", 101,
	 "60000000 001c 0040" A6 "3c00010400000000 1100010400000000" UDP, PACKET_IP, 6, 17, 0xd431,
	 5432, 68, PACKET_HAS_PORTS},
	{"IPv6 first fragment", 101, "60000000 0014 2c40" A6 "11000001 00000007" UDP, PACKET_IP, 6,
	 17, 0xd431, 5432, 60, PACKET_HAS_PORTS | PACKET_FRAGMENT},
	{"IPv6 later fragment", 101, "60000000 0014 2c40" A6 "11000008 00000007" UDP, PACKET_IP, 6,
	 17, 0, 0, 60, PACKET_FRAGMENT | PACKET_LATER},
	{"IPv6 atomic fragment", 101, "60000000 0014 2c40" A6 "11000000 00000007" UDP, PACKET_IP, 6,
	 17, 0xd431, 5432, 60, PACKET_HAS_PORTS},
	{"routing header 0", 101, "60000000 0024 2b40" A6 "11020001 00000000" F6 UDP, PACKET_IP, 6,
	 17, 0xd431, 5432, 76, PACKET_HAS_PORTS | PACKET_ROUTED},
	{"routing header, no segments left", 101,
	 "60000000 0024 2b40" A6 "11020000 00000000" F6 UDP, PACKET_IP, 6, 17, 0xd431, 5432, 76,
	 PACKET_HAS_PORTS},
	{"segment routing", 101, "60000000 0024 2b40" A6 "11020401 00000000" F6 UDP, PACKET_IP, 6,
	 17, 0xd431, 5432, 76, PACKET_HAS_PORTS | PACKET_ROUTED},
	{"a routing type nobody knows", 101, "60000000 0024 2b40" A6 "11026301 00000000" F6 UDP,
	 PACKET_IP, 6, 17, 0xd431, 5432, 76, PACKET_HAS_PORTS | PACKET_ROUTED},
	{"eight extension headers", 101,
	 "60000000 004c 3c40" A6 "3c000104000000003c000104000000003c000104000000003c00010400000000"
	 "3c000104000000003c000104000000003c000104000000001100010400000000" UDP,
	 PACKET_IP, 6, 17, 0xd431, 5432, 116, PACKET_HAS_PORTS},
	{"nine", 101,
	 "60000000 0054 3c40" A6 "3c000104000000003c000104000000003c000104000000003c00010400000000"
	 "3c000104000000003c000104000000003c000104000000003c000104000000001100010400000000" UDP,
	 PACKET_IP, 6, 60, 0, 0, 124, PACKET_DEEP},
	{"extension header cut", 101, "60000000 0010 3c40" A6 "1101010400000000", PACKET_IP, 6, 17,
	 0, 0, 48, PACKET_CUT | PACKET_OVER},
	{"jumbogram", 101, "60000000 0000 0040" A6 "1100c204 00010000" UDP, PACKET_IP, 6, 17,
	 0xd431, 5432, 60, PACKET_HAS_PORTS | PACKET_OVER},
	{"payload length 0 without jumbo: the frame's", 101, "60000000 0000 1140" A6 UDP, PACKET_IP,
	 6, 17, 0xd431, 5432, 52, PACKET_HAS_PORTS},
	{"no next header", 101, "60000000 0000 3b40" A6, PACKET_IP, 6, 59, 0, 0, 40, 0},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static struct packet_frame of(const struct frame *f, uint16_t link)
{
	return (struct packet_frame){
		.data = f->b, .caplen = (uint32_t)f->n, .len = (uint32_t)f->n, .link = link};
}

Test(packet, table)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		struct frame f = {.n = 0};
		struct packet_frame pf;
		struct packet k;
		enum packet_result result;

		hex(&f, r->hex);
		pf = of(&f, r->link);
		result = packet_decode(&k, &pf);
		cr_expect_eq(result, r->result, "%s: result %d, expected %d", r->name, result,
			     r->result);
		if (result != PACKET_IP || r->result != PACKET_IP)
			continue;
		cr_expect_eq(k.v, r->v, "%s: version %u", r->name, k.v);
		cr_expect_eq(k.proto, r->proto, "%s: protocol %u", r->name, k.proto);
		cr_expect_eq(k.sport, r->sport, "%s: source port %u", r->name, k.sport);
		cr_expect_eq(k.dport, r->dport, "%s: destination port %u", r->name, k.dport);
		cr_expect_eq(k.length, r->length, "%s: length %u", r->name, k.length);
		cr_expect_eq(k.flags, r->flags, "%s: flags %02x, expected %02x", r->name, k.flags,
			     r->flags);
	}
}

Test(packet, where_a_source_route_ends)
{
	static const struct {
		const char *hex, *end;
	} routes[] = {
		{"4a000034 00000000 40110000 0a000001 c0000207 83 0f 04 01010101 02020202 08080808 00" UDP,
		 "08080808"},
		{"60000000 0034 2b40" A6 "11040002 00000000" A6 UDP,
		 "20010db8000000000000000000000002"},
		{"60000000 0034 2b40" A6 "11040401 01000000" A6 UDP,
		 "20010db8000000000000000000000001"},
	};

	for (size_t i = 0; i < 3; i++) {
		struct frame f = {.n = 0}, end = {.n = 0};
		struct packet_frame pf;
		struct packet k;

		hex(&f, routes[i].hex);
		hex(&end, routes[i].end);
		pf = of(&f, 101);
		cr_assert_eq(packet_decode(&k, &pf), PACKET_IP);
		cr_assert(k.flags & PACKET_ROUTED, "route %zu", i);
		cr_assert_not_null(k.final);
		cr_expect_arr_eq(k.final, end.b, end.n, "route %zu ends elsewhere", i);
	}
}

/* Every frame cut at every byte, in memory of exactly that size, so that ASan sees a read past the
 * end. What is left must never say more than the whole said. */
Test(packet, cut_anywhere)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct frame f = {.n = 0};

		hex(&f, rows[i].hex);
		for (size_t n = 0; n < f.n; n++) {
			uint8_t *exact = malloc(n ? n : 1);
			struct packet_frame pf = {.data = exact,
						  .caplen = (uint32_t)n,
						  .len = (uint32_t)f.n,
						  .link = rows[i].link};
			struct packet k;
			enum packet_result r;

			memcpy(exact, f.b, n);
			r = packet_decode(&k, &pf);
			cr_expect(r == PACKET_IP || r < PACKET_RESULTS, "%s cut at %zu: %d",
				  rows[i].name, n, r);
			if (r == PACKET_IP) {
				cr_expect(k.src >= exact &&
						  k.dst + (k.v == 4 ? 4 : 16) <= exact + n,
					  "%s cut at %zu: addresses outside", rows[i].name, n);
				if (k.flags & PACKET_HAS_PORTS)
					cr_expect_eq(k.sport, rows[i].sport, "%s cut at %zu",
						     rows[i].name, n);
			}
			free(exact);
		}
	}
}

Test(packet, every_link_type_has_a_name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].result == PACKET_IP)
			cr_expect_not_null(packet_link_name(rows[i].link), "%u", rows[i].link);
	cr_expect_null(packet_link_name(231));
}
