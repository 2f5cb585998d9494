/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.h - link layers: from the first byte of a frame, or of what a tunnel carries, to the first byte of an IP header.
 *
 * Each layer is a function that steps over its header and says what follows. A link type is a row of link.c's table, an
 * encapsulation a row of link_ether.c's; tunnels inside IP say what follows in the same words (tunnel.c).
 */
#ifndef AGENT_FLOW_LINK_H
#define AGENT_FLOW_LINK_H
#include "agent/base/cursor.h"
#include "agent/flow/packet.h"

#define LINK_ETHERNET 1
#define LINK_WIRELESS 105

/* What the next bytes are. Values up to 0xffff are ether types (below 1536: an LLC header of that length). */
enum link_next {
	NEXT_IP = 0x10000, /* let its version decide */
	NEXT_CONTROL,	   /* a protocol that carries nobody's data: the closed list */
	NEXT_NONE,	   /* no IP in it, and not on that list */
	NEXT_SECRET,	   /* encrypted */
	NEXT_CUT,	   /* the frame ends too soon */
	NEXT_UNKNOWN,	   /* a link type inside that nobody knows */
	NEXT_ETHERNET,
	NEXT_LLC,
	NEXT_PPP,
	NEXT_MPLS,
	NEXT_GUESS,	     /* IP or Ethernet, whichever it looks like */
	NEXT_LINK = 0x20000, /* + a LINKTYPE */
};
typedef uint32_t link_next_t;

/* PACKET_TYPE: what the number in link_walk.type counts. */
#define LINK_TYPE_PPP  0x10000u
#define LINK_TYPE_LLC  0x20000u /* destination service access point */
#define LINK_TYPE_BSD  0x30000u /* address family */
#define LINK_TYPE_SNAP 0x40000u

struct link_walk {
	struct cursor c;
	uint32_t type;	     /* the last ether type, or a number of LINK_TYPE_ */
	uint8_t side;	     /* enum packet_side */
	const uint8_t *more; /* frames that follow this one in the same: 802.11 A-MSDU; NULL */
	size_t more_len;
};
/* PACKET_IP: the cursor stands at the IP header; another result says why not. */
enum packet_result link_walk(struct link_walk *w, link_next_t next);
/* One subframe of an A-MSDU at the cursor; what is behind it goes to 'more'. */
link_next_t link_subframe(struct link_walk *w);

/* The layers' own files. */
link_next_t link_ethertype(struct link_walk *w, uint16_t type);
bool link_known_ethertype(uint16_t type);
link_next_t link_ethernet(struct link_walk *w);
link_next_t link_llc(struct link_walk *w);
/* p: organisation and number, which the cursor stands behind */
link_next_t link_snap(struct link_walk *w, const uint8_t *p);
/* id: a network layer protocol identifier, which the cursor stands behind */
link_next_t link_nlpid(struct link_walk *w, uint8_t id);
link_next_t link_ppp(struct link_walk *w);
link_next_t link_mpls(struct link_walk *w);
link_next_t link_guess(struct link_walk *w);
link_next_t link_hdlc(struct link_walk *w);
link_next_t link_ppp_serial(struct link_walk *w);
link_next_t link_pppoe(struct link_walk *w);
link_next_t link_frame_relay(struct link_walk *w);
link_next_t link_wireless(struct link_walk *w);
link_next_t link_radiotap(struct link_walk *w);
link_next_t link_prism(struct link_walk *w);
link_next_t link_ppi(struct link_walk *w);
link_next_t link_nflog(struct link_walk *w);
link_next_t link_pflog(struct link_walk *w);
link_next_t link_erf(struct link_walk *w);
link_next_t link_juniper_ethernet(struct link_walk *w);
link_next_t link_juniper_ppp(struct link_walk *w);
link_next_t link_juniper_frame_relay(struct link_walk *w);
link_next_t link_juniper_hdlc(struct link_walk *w);
link_next_t link_juniper_card(struct link_walk *w);
link_next_t link_juniper_atm(struct link_walk *w);
link_next_t link_slip(struct link_walk *w);
link_next_t link_token_ring(struct link_walk *w);
link_next_t link_fddi(struct link_walk *w);
link_next_t link_arcnet(struct link_walk *w);
link_next_t link_arcnet_linux(struct link_walk *w);
link_next_t link_sun_atm(struct link_walk *w);
link_next_t link_fibre_channel(struct link_walk *w);
link_next_t link_docsis(struct link_walk *w);
link_next_t link_ipnet(struct link_walk *w);
link_next_t link_tzsp(struct link_walk *w);
link_next_t link_pktap(struct link_walk *w);
/* Does an IPv4 or IPv6 header stand here, by its lengths? Does an Ethernet header? */
bool link_looks_ip(const struct cursor *c);
bool link_looks_ethernet(const struct cursor *c);
/* And IP behind it? */
bool link_looks_ethernet_ip(const struct cursor *c);
#endif
