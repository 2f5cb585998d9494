/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.h - a frame -> the outermost IP header and its ports, behind one checked cursor. No state,
 * no allocation.
 *
 * Link layers down to IP are peeled (tags of any depth up to PACKET_LAYERS_MAX, MPLS, PPPoE, NSH,
 * ...). packet_decode stops at the first IP header; packet_inner goes on to the one that a tunnel
 * carries, and packet_sibling to the next of several frames in one.
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
	PACKET_CONTROL,	     /* no IP in it, of the closed list: ARP, LLDP, spanning tree, ... */
	PACKET_BAD_IP,	     /* an IP header that is none: cut, or its lengths are wrong */
	PACKET_SHORT,	     /* the frame ends inside a link header */
	PACKET_TOO_DEEP,     /* more than PACKET_LAYERS_MAX headers before IP */
	PACKET_UNKNOWN_LINK, /* a link type that nobody knows */
	PACKET_UNKNOWN_TYPE, /* no IP in it as far as is known: what its type means is not */
	PACKET_ENCRYPTED,    /* MACsec, protected 802.11 */
	PACKET_RESULTS
};
const char *packet_result_name(enum packet_result r); /* "unknown_type" */

#define PACKET_HAS_PORTS 0x01
#define PACKET_FRAGMENT	 0x02 /* any fragment */
#define PACKET_LATER	 0x04 /* not the first: the transport header is elsewhere */
#define PACKET_SYN	 0x08 /* TCP SYN without ACK: the sender opens */
#define PACKET_SYNACK	 0x10
/* a source route that is not used up: the header's destination is a hop */
#define PACKET_ROUTED 0x20
/* more extension headers than the bound, or options that cannot be followed */
#define PACKET_DEEP  0x40
#define PACKET_CUT   0x80  /* the capture ends before the transport header */
#define PACKET_CLOSE 0x100 /* TCP FIN or RST */
/* its length says more than the frame had, or a header only where the frame had more: the frame's
 * bytes count */
#define PACKET_OVER  0x200
#define PACKET_UNDER 0x400

struct packet {
	uint8_t v;	   /* 4 or 6 */
	uint8_t proto;	   /* after extension headers and AH */
	uint8_t raw_proto; /* what the fragment header (or the IPv4 header) says */
	uint16_t flags;
	uint16_t sport, dport; /* 0 unless PACKET_HAS_PORTS; ICMP: 0 */
	uint32_t length; /* IP layer, header included: as the header says, TSO and jumbo resolved */
	uint32_t fragment_id;
	const uint8_t *src, *dst; /* 4 or 16 bytes in the frame */
	const uint8_t *final;	  /* PACKET_ROUTED: where it ends; NULL = cannot be told */
	const uint8_t *payload;	  /* after the last header understood; NULL when cut */
	uint32_t payload_len;
	uint8_t icmp_type, icmp_code; /* proto 1 and 58, first fragment */
	uint8_t side;		      /* enum packet_side */
	const uint8_t *ip;	      /* its header */
	uint32_t type;		      /* no IP: what it is instead (link.h, LINK_TYPE_) */
	const uint8_t *more;	      /* frames that follow in the same frame, or NULL */
	uint32_t more_len;
};
/* Any result but PACKET_IP sets type and side only. */
enum packet_result packet_decode(struct packet *ret, const struct packet_frame *f);
/* What the packet carries, if it is a tunnel: PACKET_IP, and *tunnel names it; another result: its
 * header is there, and no IP behind it; -1: no tunnel. */
int packet_inner(const struct packet *outer, struct packet *ret, const char **tunnel);
/* The next of the frames that share one: as packet_decode; -1: there is none. */
int packet_sibling(const struct packet *k, struct packet *ret);
/* "Ethernet"; NULL: not one that packet_decode knows */
const char *packet_link_name(uint16_t link);
#endif
