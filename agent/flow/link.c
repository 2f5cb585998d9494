/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c - peels link layers until IP: each layer is a function that steps over its header and says
 * what follows.
 *
 * Link types: www.tcpdump.org/linktypes.html. A new one is a row of 'links'; a new encapsulation a
 * row of 'ethertypes'.
 */
#include "agent/flow/link.h"

/* What the next bytes are. Values up to 0xffff are ether types (below 1536: an LLC header of that
 * length). */
enum next {
	NEXT_DONE = 0x10000, /* IP: let its version decide */
	NEXT_NONE,	     /* no IP in it */
	NEXT_CUT,	     /* the frame ends too soon */
	NEXT_UNKNOWN,	     /* a link type inside that nobody knows */
	NEXT_ETHERNET,
	NEXT_LLC,
	NEXT_PPP,
	NEXT_MPLS,
	NEXT_LINK = 0x20000, /* + a LINKTYPE */
};
typedef uint32_t next_t;

static next_t ethernet(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 14);

	return p ? be16(p + 12) : NEXT_CUT;
}

static next_t raw(struct cursor *c)
{
	(void)c;
	return NEXT_DONE;
}

/* IEEE 802.2, with SNAP or with the old service access point of IP */
static next_t llc(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 3);

	if (!p)
		return NEXT_CUT;
	if (p[0] == 0x06 && p[1] == 0x06)
		return NEXT_DONE;
	if (p[0] != 0xaa || p[1] != 0xaa || p[2] != 3)
		return NEXT_NONE;
	p = cursor_take(c, 5);
	if (!p)
		return NEXT_CUT;
	/* organisation 0 (RFC 1042) and 0000f8 (802.1H) carry ether types; others their own numbers
	 */
	if (p[0] || p[1] || (p[2] && p[2] != 0xf8))
		return NEXT_NONE;
	return be16(p + 3) < 1536 ? (next_t)NEXT_NONE : be16(p + 3);
}

/* One or two bytes of protocol (RFC 1661, 2); an address and control field before it may have been
 * left out. */
static next_t ppp(struct cursor *c)
{
	const uint8_t *p;
	uint32_t proto;

	if (cursor_left(c) >= 2 && c->p[0] == 0xff && c->p[1] == 0x03)
		c->p += 2;
	p = cursor_take(c, 1);
	if (!p)
		return NEXT_CUT;
	proto = p[0];
	if (!(proto & 1)) {
		p = cursor_take(c, 1);
		if (!p)
			return NEXT_CUT;
		proto = proto << 8 | p[0];
	}
	if (proto == 0x21 || proto == 0x57)
		return NEXT_DONE;
	return proto == 0x281 || proto == 0x283 ? NEXT_MPLS : NEXT_NONE;
}

static next_t hdlc(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? be16(p + 2) : NEXT_CUT;
}

/* Serial: PPP in HDLC framing, or Cisco's where the address says so (RFC 1547) */
static next_t ppp_serial(struct cursor *c)
{
	if (cursor_left(c) >= 2 && (c->p[0] == 0x0f || c->p[0] == 0x8f))
		return hdlc(c);
	if (cursor_left(c) >= 2 && (c->p[0] != 0xff || c->p[1] != 0x03))
		return NEXT_NONE;
	return NEXT_PPP;
}

static next_t pppoe(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 6);

	if (!p)
		return NEXT_CUT;
	return p[1] ? NEXT_NONE : NEXT_PPP; /* code 0: session data */
}

/* Labels up to the bottom of the stack (RFC 3032); then IP, or a pseudowire's control word and
 * Ethernet (RFC 4448) */
static next_t mpls(struct cursor *c)
{
	const uint8_t *p;

	do {
		p = cursor_take(c, 4);
		if (!p)
			return NEXT_CUT;
	} while (!(p[2] & 1));
	if (!cursor_left(c))
		return NEXT_CUT;
	if (c->p[0] >> 4)
		return c->p[0] >> 4 == 4 || c->p[0] >> 4 == 6 ? NEXT_DONE : NEXT_NONE;
	return cursor_take(c, 4) ? NEXT_ETHERNET : NEXT_CUT;
}

static next_t vlan(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? be16(p + 2) : NEXT_CUT;
}

static next_t etag(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 8);

	return p ? be16(p + 6) : NEXT_CUT;
}

/* RFC 8300: length in words in the low six bits, next protocol in the fourth byte */
static next_t nsh(struct cursor *c)
{
	const uint8_t *p = c->p;
	size_t len;

	if (cursor_left(c) < 8)
		return NEXT_CUT;
	len = (size_t)(p[1] & 0x3f) * 4;
	if (len < 8)
		return NEXT_NONE;
	if (!cursor_take(c, len))
		return NEXT_CUT;
	switch (p[3]) {
	case 1:
	case 2:
		return NEXT_DONE;
	case 3:
		return NEXT_ETHERNET;
	case 5:
		return NEXT_MPLS;
	}
	return NEXT_NONE;
}

/* BSD loopback: an address family in the writer's byte order; IPv6 is 10, 24, 28 or 30 by system */
static next_t null(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);
	uint32_t family;

	if (!p)
		return NEXT_CUT;
	family = be32(p) < 0x10000 ? be32(p) : le32(p);
	if (family == 2 || family == 10 || family == 24 || family == 28 || family == 30)
		return NEXT_DONE;
	return NEXT_NONE;
}

static next_t cooked(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 16);

	if (!p)
		return NEXT_CUT;
	return be16(p + 14) == 4 ? (next_t)NEXT_LLC : be16(p + 14);
}

static next_t cooked2(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 20);

	if (!p)
		return NEXT_CUT;
	return be16(p) == 4 ? (next_t)NEXT_LLC : be16(p);
}

/* Q.922 address, control, and a network layer protocol id (RFC 2427) */
static next_t frame_relay(struct cursor *c)
{
	const uint8_t *p;

	do {
		p = cursor_take(c, 1);
		if (!p)
			return NEXT_CUT;
	} while (!(p[0] & 1));
	p = cursor_take(c, 2);
	if (!p)
		return NEXT_CUT;
	if (p[0] != 3) { /* Cisco's: an ether type follows the address */
		return be16(p) < 1536 ? (next_t)NEXT_NONE : be16(p);
	}
	if (p[1] == 0) {
		p = cursor_take(c, 1);
		if (!p)
			return NEXT_CUT;
		p--;
	}
	if (p[1] == 0xcc || p[1] == 0x8e)
		return NEXT_DONE;
	if (p[1] != 0x80)
		return NEXT_NONE;
	p = cursor_take(c, 5);
	return p ? be16(p + 3) : NEXT_CUT;
}

/* Attributes in the byte order of the machine that captured, which the frame does not say: the
 * plausible one. */
static next_t nflog(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	if (!p)
		return NEXT_CUT;
	if (p[0] != 2 && p[0] != 10)
		return NEXT_NONE;
	while ((p = cursor_take(c, 4))) {
		bool little = le16(p) >= 4 && (size_t)le16(p) - 4 <= cursor_left(c);
		size_t len = little ? le16(p) : be16(p);
		unsigned type = little ? le16(p + 2) : be16(p + 2);

		if (len < 4)
			return NEXT_NONE;
		if (type == 9) /* NFULA_PAYLOAD */
			return NEXT_DONE;
		if (!cursor_take(c, len - 4))
			return NEXT_CUT;
		(void)cursor_take(c, (4 - len % 4) % 4);
	}
	return NEXT_CUT;
}

/* IEEE 802.11: only data frames that are neither encrypted nor empty */
static next_t wireless(struct cursor *c)
{
	const uint8_t *p = c->p;
	size_t len = 24;

	if (cursor_left(c) < 2)
		return NEXT_CUT;
	if ((p[0] & 0x0f) != 0x08 || (p[0] & 0x40) || (p[1] & 0x40))
		return NEXT_NONE;
	if ((p[1] & 3) == 3)
		len += 6;
	if (p[0] & 0x80)
		len += p[1] & 0x80 ? 6 : 2;
	if (cursor_left(c) < len)
		return NEXT_CUT;
	if ((p[0] & 0x80) && ((p[1] & 3) == 3 ? p[30] : p[24]) & 0x80)
		return NEXT_NONE; /* several frames in one */
	c->p += len;
	return NEXT_LLC;
}

static next_t radiotap(struct cursor *c)
{
	if (cursor_left(c) < 4)
		return NEXT_CUT;
	if (le16(c->p + 2) < 8)
		return NEXT_NONE;
	return cursor_take(c, le16(c->p + 2)) ? NEXT_LINK + 105 : (next_t)NEXT_CUT;
}

static next_t ppi(struct cursor *c)
{
	uint32_t link;

	if (cursor_left(c) < 8)
		return NEXT_CUT;
	link = le32(c->p + 4);
	if (le16(c->p + 2) < 8)
		return NEXT_NONE;
	if (!cursor_take(c, le16(c->p + 2)))
		return NEXT_CUT;
	return link < 0x10000 ? NEXT_LINK + link : (next_t)NEXT_UNKNOWN;
}

/* Apple: header length, record type, link type of what follows; little endian */
static next_t pktap(struct cursor *c)
{
	uint32_t len, link;

	if (cursor_left(c) < 12)
		return NEXT_CUT;
	len = le32(c->p);
	link = le32(c->p + 8);
	if (len < 12)
		return NEXT_NONE;
	if (!cursor_take(c, len))
		return NEXT_CUT;
	return link < 0x10000 ? NEXT_LINK + link : (next_t)NEXT_UNKNOWN;
}

/* 40 bytes that stand for the addresses, then an ether type and two reserved bytes (RFC 4391) */
static next_t infiniband(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 44);

	return p ? be16(p + 40) : NEXT_CUT;
}

static const struct link_row {
	uint16_t link;
	next_t (*peel)(struct cursor *c);
	const char *name;
} links[] = {
	{0, null, "BSD loopback"},
	{LINK_ETHERNET, ethernet, "Ethernet"},
	{9, ppp, "PPP"},
	{12, raw, "raw IP"},
	{14, raw, "raw IP"},
	{50, ppp_serial, "PPP in HDLC framing"},
	{51, pppoe, "PPPoE"},
	{101, raw, "raw IP"},
	{104, hdlc, "Cisco HDLC"},
	{105, wireless, "IEEE 802.11"},
	{107, frame_relay, "Frame Relay"},
	{108, null, "OpenBSD loopback"},
	{113, cooked, "Linux cooked"},
	{127, radiotap, "IEEE 802.11 with radiotap"},
	{149, pktap, "Apple PKTAP"},
	{192, ppi, "PPI"},
	{219, mpls, "MPLS"},
	{228, raw, "raw IPv4"},
	{229, raw, "raw IPv6"},
	{239, nflog, "NFLOG"},
	{242, infiniband, "IP over InfiniBand"},
	{258, pktap, "Apple PKTAP"},
	{276, cooked2, "Linux cooked v2"},
};
static const struct {
	uint16_t type;
	next_t (*peel)(struct cursor *c);
} ethertypes[] = {
	{0x8100, vlan}, {0x88a8, vlan}, {0x9100, vlan},	    {0x9200, vlan},
	{0x9300, vlan}, {0x8847, mpls}, {0x8848, mpls},	    {0x8864, pppoe},
	{0x893f, etag}, {0x894f, nsh},	{0x6558, ethernet},
};

static const struct link_row *find_link(uint16_t link)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (links[i].link == link)
			return &links[i];
	return NULL;
}

const char *packet_link_name(uint16_t link)
{
	const struct link_row *l = find_link(link);

	return l ? l->name : NULL;
}

static next_t by_ethertype(uint16_t type, struct cursor *c)
{
	if (type == 0x0800 || type == 0x86dd)
		return NEXT_DONE;
	if (type < 1536)
		return llc(c);
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(*ethertypes); i++)
		if (ethertypes[i].type == type)
			return ethertypes[i].peel(c);
	return NEXT_NONE;
}

static next_t step(next_t next, struct cursor *c)
{
	const struct link_row *l;

	if (next < 0x10000)
		return by_ethertype((uint16_t)next, c);
	switch (next) {
	case NEXT_ETHERNET:
		return ethernet(c);
	case NEXT_LLC:
		return llc(c);
	case NEXT_PPP:
		return ppp(c);
	case NEXT_MPLS:
		return mpls(c);
	}
	l = next >= NEXT_LINK ? find_link((uint16_t)(next - NEXT_LINK)) : NULL;
	return l ? l->peel(c) : (next_t)NEXT_UNKNOWN;
}

enum packet_result link_peel(uint16_t link, struct cursor *c)
{
	next_t next = NEXT_LINK + (next_t)link;

	for (int i = 0; i < PACKET_LAYERS_MAX; i++) {
		next = step(next, c);
		switch (next) {
		case NEXT_DONE:
			return PACKET_IP;
		case NEXT_NONE:
			return PACKET_OTHER;
		case NEXT_CUT:
			return PACKET_SHORT;
		case NEXT_UNKNOWN:
			return PACKET_UNKNOWN_LINK;
		}
	}
	return PACKET_TOO_DEEP;
}
