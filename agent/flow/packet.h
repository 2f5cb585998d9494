/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.h - a frame -> the outermost IP header and its ports, behind one checked cursor. No state,
 * no allocation.
 *
 * Link layers down to IP are peeled (VLAN of any depth up to PACKET_LAYERS_MAX, MPLS, PPPoE, E-tag,
 * NSH); tunnels inside IP are not: packet_decode stops at the first IP header. What is inside is a
 * later walk over 'payload'.
 */
#ifndef AGENT_FLOW_PACKET_H
#define AGENT_FLOW_PACKET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_LAYERS_MAX     16 /* link-layer headers before IP */
#define PACKET_EXTENSIONS_MAX 8	 /* IPv6 extension headers; past it the ports are not known */

/* A frame as a source hands it over; bytes belong to the source. */
struct packet_frame {
	const uint8_t *data;
	uint32_t caplen; /* bytes at data */
	uint32_t len;	 /* on the wire; >= caplen */
	uint64_t time_ns;
	uint16_t link;	 /* LINKTYPE_ value of the file format */
	uint8_t side;	 /* enum packet_side, where the capture says it beside the frame */
	uint64_t number; /* in its capture, from 1 */
};

/* Which way a packet went, as seen by the host that captured it. */
enum packet_side { PACKET_SIDE_UNKNOWN, PACKET_SIDE_IN, PACKET_SIDE_OUT };

enum packet_result {
	PACKET_IP,
	PACKET_OTHER,	 /* no IP in it: ARP, LLDP, ... */
	PACKET_BAD_IP,	 /* an IP header that is none: cut, or its lengths are wrong */
	PACKET_SHORT,	 /* the frame ends inside a link header */
	PACKET_TOO_DEEP, /* more than PACKET_LAYERS_MAX headers before IP */
	PACKET_UNKNOWN_LINK,
	PACKET_RESULTS
};
#define PACKET_HAS_PORTS 0x01
#define PACKET_FRAGMENT	 0x02 /* any fragment */
#define PACKET_LATER	 0x04 /* not the first: the transport header is elsewhere */
#define PACKET_SYN	 0x08 /* TCP SYN without ACK: the sender opens */
#define PACKET_SYNACK	 0x10
/* a source route that is not used up: the header's destination is a hop */
#define PACKET_ROUTED 0x20
/* more extension headers than the bound, or options that cannot be followed */
#define PACKET_DEEP 0x40
#define PACKET_CUT  0x80 /* the capture ends before the transport header */

struct packet {
	uint8_t v;	   /* 4 or 6 */
	uint8_t proto;	   /* after extension headers and AH */
	uint8_t raw_proto; /* what the fragment header (or the IPv4 header) says */
	uint8_t flags;
	uint16_t sport, dport; /* 0 unless PACKET_HAS_PORTS; ICMP: 0 */
	uint32_t length; /* IP layer, header included: as the header says, TSO and jumbo resolved */
	uint32_t fragment_id;
	const uint8_t *src, *dst; /* 4 or 16 bytes in the frame */
	const uint8_t *final;	  /* PACKET_ROUTED: where it ends; NULL = cannot be told */
	const uint8_t *payload;	  /* after the last header understood; NULL when cut */
	uint32_t payload_len;
	uint8_t icmp_type, icmp_code; /* proto 1 and 58, first fragment */
};
enum packet_result packet_decode(struct packet *ret, const struct packet_frame *f);
const char *
packet_link_name(uint16_t link); /* "Ethernet"; NULL: not one that packet_decode knows */
#endif
