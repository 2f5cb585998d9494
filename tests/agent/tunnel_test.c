/* SPDX-License-Identifier: BSD-2-Clause */
/* tunnel_test.c - packets in packets, by hand: every tunnel, whole and cut at every byte; several frames in one. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "agent/flow/link.h"

#define FRAME_MAX 1024
struct frame {
	uint8_t b[FRAME_MAX];
	size_t n;
};

static void hex(struct frame *f, const char *s)
{
	for (; *s; s += 2) {
		char two[3] = {s[0], s[1], 0};

		if (*s == ' ') {
			s--;
			continue;
		}
		cr_assert(s[1] && f->n < FRAME_MAX);
		f->b[f->n++] = (uint8_t)strtoul(two, NULL, 16);
	}
}

#define INNER  "45000020 00000000 40110000 0a000005 cb007109 d431 1538 000c 0000 61626364 "
#define SUMMED "45000020 00000000 401134bf 0a000005 cb007109 d431 1538 000c 0000 61626364 "
#define INNER6                                                                                     \
	"60000000 000c 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "   \
	"d431 1538 000c 0000 61626364 "
#define ETH "020000000001 020000000002 "

/* Outer headers with their lengths put in by outer_of(). */
#define OUTER(proto) "45000000 00000000 40" proto "0000 0a010101 0a010102 "
#define UDP(port)    OUTER("11") "c000 " port " 0000 0000 "

struct row {
	const char *name, *hex, *tunnel;
	int result;
	uint32_t length;
};
static const struct row rows[] = {
	{"ipip", OUTER("04") INNER, "ipip", PACKET_IP, 32},
	{"6in4", OUTER("29") INNER6, "6in4", PACKET_IP, 52},
	{"gre", OUTER("2f") "0000 0800" INNER, "gre", PACKET_IP, 32},
	{"gre with all", OUTER("2f") "b000 0800 00000000 00000007 00000001" INNER, "gre", PACKET_IP,
	 32},
	{"gre ethernet", OUTER("2f") "2000 6558 00000007" ETH "0800" INNER, "gre", PACKET_IP, 32},
	{"gre keepalive", OUTER("2f") "0000 0000", "gre", PACKET_CONTROL, 0},
	{"gre arp", OUTER("2f") "0000 0806 0001", "gre", PACKET_CONTROL, 0},
	{"pptp", OUTER("2f") "3081 880b 0004 0007 00000001 00000002 21" INNER, "gre", PACKET_IP,
	 32},
	{"pptp ack", OUTER("2f") "2081 880b 0000 0007 00000002", "gre", PACKET_CONTROL, 0},
	{"erspan 1", OUTER("2f") "0000 88be" ETH "0800" INNER, "gre", PACKET_IP, 32},
	{"erspan 2", OUTER("2f") "1000 88be 00000001 1001 0000 00000000" ETH "0800" INNER, "gre",
	 PACKET_IP, 32},
	{"erspan 3", OUTER("2f") "1000 22eb 00000001 2001 0000 00000000 00000000" ETH "0800" INNER,
	 "gre", PACKET_IP, 32},
	{"erspan 3 with a subheader",
	 OUTER("2f") "1000 22eb 00000001 2001 0000 00000000 00000001 0000000000000000" ETH
		     "0800" INNER,
	 "gre", PACKET_IP, 32},
	{"wccp", OUTER("2f") "0000 883e 00000000" INNER, "gre", PACKET_IP, 32},
	{"mpls in gre", OUTER("2f") "0000 8847 00010140" INNER, "gre", PACKET_IP, 32},
	{"etherip", OUTER("61") "3000" ETH "0800" INNER, "etherip", PACKET_IP, 32},
	{"l2tp3 in ip", OUTER("73") "00000001 00000000" ETH "0800" INNER, "l2tp", PACKET_IP, 32},
	{"mpls in ip", OUTER("89") "00010140" INNER, "mpls", PACKET_IP, 32},
	{"ethernet in ip", OUTER("8f") ETH "0800" INNER, "ethernet", PACKET_IP, 32},
	{"vxlan", UDP("12b5") "08000000 00000700" ETH "0800" INNER, "vxlan", PACKET_IP, 32},
	{"vxlan of linux", UDP("2118") "08000000 00000700" ETH "8100 0005 86dd" INNER6, "vxlan",
	 PACKET_IP, 52},
	{"vxlan with arp", UDP("12b5") "08000000 00000700" ETH "0806 00", "vxlan", PACKET_CONTROL,
	 0},
	{"vxlan without its flag", UDP("12b5") "00000000 00000700" ETH "0800" INNER, "vxlan",
	 PACKET_IP, 32},
	{"no vxlan",
	 UDP("12b5") "08000000 00000700"
		     "0102030405060708090a0b0c0000",
	 NULL, -1, 0},
	{"vxlan on a port of its own", UDP("2a30") "08000000 00000700" ETH "0800" INNER, "vxlan",
	 PACKET_IP, 32},
	{"no vxlan on a port", UDP("2a30") "08000000 00000700" ETH "0806 0001", NULL, -1, 0},
	{"ip in a datagram", UDP("15b3") SUMMED, "ip-in-udp", PACKET_IP, 32},
	{"ip in a datagram, not by its checksum", UDP("15b3") INNER, NULL, -1, 0},
	{"ip6 in a datagram", UDP("15b3") INNER6, "ip-in-udp", PACKET_IP, 52},
	{"gue", UDP("17c0") "00040000" INNER, "gue", PACKET_IP, 32},
	{"gue with options", UDP("17c0") "01290000 00000000" INNER6, "gue", PACKET_IP, 52},
	{"gue direct", UDP("17c0") INNER, "gue", PACKET_IP, 32},
	{"gue of gre", UDP("17c0") "002f0000 0000 0800" INNER, "gue", PACKET_IP, 32},
	{"gue control", UDP("17c0") "20040000" INNER, NULL, -1, 0},
	{"juniper's mirror", UDP("754e") "00000001 00000002" INNER, "jmirror", PACKET_IP, 32},
	{"gtp with ppp", UDP("0868") "30ff 0024 00000001 ff03 0021" INNER, "gtp-u", PACKET_IP, 32},
	{"capwap 802.11 swapped",
	 UDP("147f") "00 10 03 00 0000 0000 0108 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" INNER,
	 "capwap", PACKET_IP, 32},
	{"gre with a route", OUTER("2f") "4000 0800 00000000 0001 00 04 01020304 0000 00 00" INNER,
	 "gre", PACKET_IP, 32},
	{"gre with a route without end", OUTER("2f") "4000 0800 00000000 0001 00 04 01020304",
	 "gre", PACKET_SHORT, 0},
	{"gre of nobody knows what", OUTER("2f") "0000 0999 00", "gre", PACKET_UNKNOWN_TYPE, 0},
	{"gre nhrp", OUTER("2f") "0000 2001 00", "gre", PACKET_CONTROL, 0},
	{"erspan 3 with IP", OUTER("2f") "1000 22eb 00000001 2001 0000 00000000 00000800" INNER,
	 "gre", PACKET_IP, 32},
	{"l2tp3 with a cookie", OUTER("73") "00000001 1122334455667788" ETH "0800" INNER, "l2tp",
	 PACKET_IP, 32},
	{"vxlan gpe", UDP("12b6") "0c000001 00000700" INNER, "vxlan-gpe", PACKET_IP, 32},
	{"vxlan gpe ethernet", UDP("12b6") "0c000003 00000700" ETH "0800" INNER, "vxlan-gpe",
	 PACKET_IP, 32},
	{"geneve", UDP("17c1") "0000 6558 00000700" ETH "0800" INNER, "geneve", PACKET_IP, 32},
	{"geneve with options", UDP("17c1") "0200 0800 00000700 0102030405060708" INNER, "geneve",
	 PACKET_IP, 32},
	{"gtp", UDP("0868") "30ff 0020 00000001" INNER, "gtp-u", PACKET_IP, 32},
	{"gtp with an extension", UDP("0868") "34ff 0028 00000001 00000085 01100200" INNER, "gtp-u",
	 PACKET_IP, 32},
	{"gtp echo", UDP("0868") "3201 0004 00000000 00000000", NULL, -1, 0},
	{"teredo", UDP("0dd8") INNER6, "teredo", PACKET_IP, 52},
	{"teredo with origin", UDP("0dd8") "0000 1234 01020304" INNER6, "teredo", PACKET_IP, 52},
	{"teredo with all", UDP("0dd8") "0001 00 00 0000000000000000 00 0000 1234 01020304" INNER6,
	 "teredo", PACKET_IP, 52},
	{"l2tp", UDP("06a5") "4002 0028 0001 0002 ff03 0021" INNER, "l2tp", PACKET_IP, 32},
	{"l2tp with offset", UDP("06a5") "0202 0001 0002 0002 0000 0021" INNER, "l2tp", PACKET_IP,
	 32},
	{"l2tp control", UDP("06a5") "c802 000c 0000 0000 0000 0000", "l2tp", PACKET_CONTROL, 0},
	{"l2tp3", UDP("06a5") "0003 0000 00000001" ETH "0800" INNER, "l2tp", PACKET_IP, 32},
	{"tzsp", UDP("9090") "01 00 0001 0a02 0102 00 01" ETH "0800" INNER, "tzsp", PACKET_IP, 32},
	{"ayiya",
	 UDP("13d0") "44 52 11 29 00000000 00000000000000000000000000000000 "
		     "0000000000000000000000000000000000000000" INNER6,
	 "ayiya", PACKET_IP, 52},
	{"capwap", UDP("147f") "00 10 00 00 0000 0000" ETH "0800" INNER, "capwap", PACKET_IP, 32},
	{"capwap 802.11",
	 UDP("147f") "00 10 03 00 0000 0000 0800 0000 020000000001 020000000002 020000000003 0000 "
		     "aaaa03 000000 0800" INNER,
	 "capwap", PACKET_IP, 32},
	{"capwap encrypted", UDP("147f") "01 00 00 00 0000 0000", "capwap", PACKET_ENCRYPTED, 0},
	{"mpls in udp", UDP("19eb") "00010140" INNER, "mpls", PACKET_IP, 32},
	{"gre in udp", UDP("1292") "0000 0800" INNER, "gre", PACKET_IP, 32},
	{"lisp", UDP("10f5") "0000000000000000" INNER, "lisp", PACKET_IP, 32},
	{"plain udp", UDP("0035") INNER, NULL, -1, 0},
	{"esp", OUTER("32") "00000001 00000001", NULL, -1, 0},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static enum packet_result outer_of(struct frame *f, const struct row *row, struct packet *k)
{
	struct packet_frame pf = {.data = f->b, .link = 101};

	hex(f, row->hex);
	f->b[2] = (uint8_t)(f->n >> 8);
	f->b[3] = (uint8_t)f->n;
	pf.caplen = pf.len = (uint32_t)f->n;
	return packet_decode(k, &pf);
}

Test(tunnel, every_one)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		const char *tunnel = "";
		struct frame f = {0};
		struct packet k, in;
		int r;

		cr_assert_eq(outer_of(&f, row, &k), PACKET_IP, "%s", row->name);
		cr_assert_eq(k.length, f.n);
		r = packet_inner(&k, &in, &tunnel);
		cr_expect_eq(r, row->result, "%s: result %d", row->name, r);
		if (r >= 0)
			cr_expect_str_eq(tunnel, row->tunnel, "%s", row->name);
		if (r != PACKET_IP)
			continue;
		cr_expect_eq(in.length, row->length, "%s: %u bytes", row->name, in.length);
		cr_expect_eq(in.sport, 0xd431, "%s: port %u", row->name, in.sport);
		cr_expect_eq(in.dport, 5432);
		cr_expect_eq(in.flags, PACKET_HAS_PORTS, "%s: flags %x", row->name, in.flags);
		cr_expect_eq(packet_inner(&in, &k, &tunnel), -1, "%s: another one inside",
			     row->name);
	}
}

/* What the capture cut off is told, as soon as it can be known for a tunnel: by IP's protocol or UDP's port. On a port that
 * says nothing a tunnel is known by all of its headers only. */
static bool known_from(const struct row *row, size_t n)
{
	bool udp = !strncmp(row->hex + 20, "11", 2),
	     any = strstr(row->name, "on a port of its own") ||
		   (row->tunnel && !strcmp(row->tunnel, "ip-in-udp"));

	return row->result == PACKET_IP && !any && n >= (udp ? 24 : 20);
}

/* In memory of its own size, so that a read past the end is seen; the packet's length stays. */
Test(tunnel, cut_at_every_byte)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct frame f = {0};
		struct packet k;

		outer_of(&f, &rows[i], &k);
		for (size_t n = 1; n < f.n; n++) {
			uint8_t *exact = malloc(n);
			struct packet_frame pf = {exact, (uint32_t)n, (uint32_t)f.n, .link = 101};
			const char *tunnel;
			struct packet in;
			int r = -1;

			cr_assert_not_null(exact);
			memcpy(exact, f.b, n);
			if (packet_decode(&k, &pf) == PACKET_IP)
				r = packet_inner(&k, &in, &tunnel);
			if (known_from(&rows[i], n))
				cr_expect_geq(r, 0, "%s cut to %zu passes untold", rows[i].name, n);
			if (r == PACKET_IP) {
				cr_expect(in.src >= exact && in.dst + 4 <= exact + n);
				cr_expect(in.length == rows[i].length, "%s cut to %zu: %u bytes",
					  rows[i].name, n, in.length);
			}
			free(exact);
		}
	}
}

/* The frame is filled up behind the packet: what is there belongs to nobody. */
Test(tunnel, what_fills_up_is_no_packet)
{
	struct frame f = {0};
	struct packet k, in;
	struct packet_frame pf = {.data = f.b, .link = 101};
	const char *tunnel;

	hex(&f, OUTER("04"));
	f.b[3] = (uint8_t)f.n;
	hex(&f, INNER);
	pf.caplen = pf.len = 46;
	cr_assert_eq(packet_decode(&k, &pf), PACKET_IP);
	cr_assert_eq(k.length, 20);
	cr_expect_neq(packet_inner(&k, &in, &tunnel), PACKET_IP);
}

#define AMSDU "8801 0000 020000000001 020000000002 020000000003 0000 8000 "
#define SUB   ETH "0028 aaaa03 000000 0800" INNER

Test(tunnel, frames_that_share_one)
{
	struct frame f = {0};
	struct packet_frame pf = {.data = f.b, .link = 105};
	struct packet k, next;

	hex(&f, AMSDU SUB "0000" SUB "0000" ETH "0008 aaaa03 000000 0806");
	pf.caplen = pf.len = (uint32_t)f.n;
	cr_assert_eq(packet_decode(&k, &pf), PACKET_IP);
	cr_expect_eq(k.length, 32);
	cr_assert_eq(packet_sibling(&k, &next), PACKET_IP);
	cr_expect_eq(next.length, 32);
	cr_expect_eq(next.sport, 0xd431);
	k = next;
	cr_expect_eq(packet_sibling(&k, &next), PACKET_CONTROL);
	k = next;
	cr_expect_eq(packet_sibling(&k, &next), -1);
}

/* Who sent it, where the link says so. */
Test(tunnel, sides)
{
	static const struct {
		uint16_t link;
		const char *hex;
		enum packet_side side;
	} sides[] = {
		{113, "0004 0001 0006 0200000000010000 0800", PACKET_SIDE_OUT},
		{113, "0000 0001 0006 0200000000010000 0800", PACKET_SIDE_IN},
		{113, "0003 0001 0006 0200000000010000 0800", PACKET_SIDE_UNKNOWN},
		{276, "0800 0000 00000002 0001 04 06 0200000000010000", PACKET_SIDE_OUT},
		{204, "01 0021", PACKET_SIDE_OUT},
		{178, "4d474301" ETH "0800", PACKET_SIDE_IN},
		{239, "02 00 0000 0800 0100 0800 0300 0400 0900", PACKET_SIDE_OUT},
		{258,
		 "28000000 01000000 0c000000 000000000000000000000000000000000000000000000000 "
		 "02000000",
		 PACKET_SIDE_OUT},
		{1, ETH "0800", PACKET_SIDE_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
		struct frame f = {0};
		struct packet_frame pf = {.data = f.b, .link = sides[i].link};
		struct packet k;

		hex(&f, sides[i].hex);
		hex(&f, INNER);
		pf.caplen = pf.len = (uint32_t)f.n;
		cr_assert_eq(packet_decode(&k, &pf), PACKET_IP, "%zu", i);
		cr_expect_eq(k.side, sides[i].side, "link %u: side %d", sides[i].link, k.side);
	}
}
