/* SPDX-License-Identifier: BSD-2-Clause */
/* link_ether.c - what an ether type says that follows: tags, labels, and frames in frames. */
#include "agent/flow/link.h"

#define MACSEC_SCI	 0x20
#define MACSEC_ENCRYPTED 0x08

/* Cisco's inter-switch link begins with its own group address, which no frame of others goes to: 26 bytes around a whole
 * frame. */
static bool inter_switch(const uint8_t *p)
{
	return (p[0] == 0x01 || p[0] == 0x03) && !p[1] && p[2] == 0x0c && !p[3] && !p[4];
}

link_next_t link_ethernet(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 14);

	if (!p)
		return NEXT_CUT;
	if (inter_switch(p) && be16(p + 12) < 1536)
		return cursor_take(&w->c, 12) ? (link_next_t)NEXT_ETHERNET : NEXT_CUT;
	return be16(p + 12);
}

/* A tag of n bytes whose last two are the next ether type */
static link_next_t tag(struct link_walk *w, size_t n)
{
	const uint8_t *p = cursor_take(&w->c, n);

	return p ? be16(p + n - 2) : (link_next_t)NEXT_CUT;
}

static link_next_t tag4(struct link_walk *w) /* 802.1Q */
{
	return tag(w, 4);
}

static link_next_t tag6(struct link_walk *w) /* VNTAG; HSR: path, size, sequence number */
{
	return tag(w, 6);
}

static link_next_t tag8(struct link_walk *w) /* E-tag; Cisco's TTag: a time stamp */
{
	return tag(w, 8);
}

/* Cisco MetaData: version, length in words behind the first, options */
static link_next_t metadata(struct link_walk *w)
{
	size_t words = cursor_left(&w->c) >= 2 ? w->c.p[1] : 0;

	return tag(w, 4 + words * 4);
}

/* A frame inside the frame, behind n bytes */
static link_next_t frame_behind(struct link_walk *w, size_t n)
{
	return cursor_take(&w->c, n) ? NEXT_ETHERNET : NEXT_CUT;
}

static link_next_t backbone(struct link_walk *w) /* 802.1ah: flags and service */
{
	return frame_behind(w, 4);
}

static link_next_t fabricpath(struct link_walk *w) /* Cisco: forwarding tag and time to live */
{
	return frame_behind(w, 2);
}

/* Realtek's switches: a tag of 8 bytes for protocol 4, of 4 for 10 in the upper half; others are the switch's own words */
static link_next_t realtek(struct link_walk *w)
{
	unsigned protocol = cursor_left(&w->c) ? w->c.p[0] : 0;

	if (protocol == 4)
		return tag(w, 8);
	return protocol >> 4 == 10 ? tag(w, 4) : (link_next_t)NEXT_NONE;
}

static link_next_t edsa(struct link_walk *w) /* two reserved bytes, a DSA tag */
{
	return tag(w, 8);
}

static link_next_t trill(struct link_walk *w) /* RFC 6325: options in words, two nicknames */
{
	if (cursor_left(&w->c) < 6)
		return NEXT_CUT;
	return frame_behind(w, 6 + (size_t)(be16(w->c.p) >> 6 & 31) * 4);
}

/* batman-adv, version 15: what carries frames is unicast, unicast with four addresses, broadcast */
static link_next_t batman(struct link_walk *w)
{
	if (cursor_left(&w->c) < 1)
		return NEXT_CUT;
	switch (w->c.p[0]) {
	case 0x40:
		return frame_behind(w, 10);
	case 0x42:
		return frame_behind(w, 18);
	case 0x01:
		return frame_behind(w, 14);
	case 0x41: /* a piece of one */
		return NEXT_NONE;
	}
	return NEXT_CONTROL;
}

/* 802.1AE: association number, packet number, maybe a channel; without encryption what follows can be read */
static link_next_t macsec(struct link_walk *w)
{
	const uint8_t *p = w->c.p;

	if (cursor_left(&w->c) < 1)
		return NEXT_CUT;
	if (p[0] & MACSEC_ENCRYPTED)
		return NEXT_SECRET;
	return tag(w, p[0] & MACSEC_SCI ? 16 : 8);
}

link_next_t link_pppoe(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 6);

	if (!p)
		return NEXT_CUT;
	return p[1] ? NEXT_CONTROL : NEXT_PPP; /* code 0: session data */
}

bool link_looks_ip(const struct cursor *c)
{
	const uint8_t *p = c->p;
	size_t left = cursor_left(c);

	if (left >= 20 && p[0] >> 4 == 4)
		return (p[0] & 15) >= 5 && be16(p + 2) >= (p[0] & 15) * 4u && p[8];
	return left >= 40 && p[0] >> 4 == 6 && (size_t)be16(p + 4) + 40 <= left + 1500;
}

/* SNAP, spanning tree, IP, OSI, NetWare, NetBIOS */
static bool known_llc(const uint8_t *p)
{
	static const uint8_t known[] = {0xaa, 0x42, 0x06, 0xfe, 0xe0, 0xf0};

	for (size_t i = 0; i < sizeof(known); i++)
		if (p[0] == known[i] && p[1] == known[i])
			return true;
	return false;
}

bool link_looks_ethernet(const struct cursor *c)
{
	uint16_t type;

	if (cursor_left(c) < 14)
		return false;
	type = be16(c->p + 12);
	if (type >= 1536)
		return link_known_ethertype(type);
	return type >= 3 && type <= cursor_left(c) - 14 && known_llc(c->p + 14);
}

/* An Ethernet header with an IP header behind it, which is much less likely to be seen by chance */
bool link_looks_ethernet_ip(const struct cursor *c)
{
	struct cursor behind = *c;

	if (!link_looks_ethernet(c) || !cursor_take(&behind, 14) || !link_looks_ip(&behind))
		return false;
	return be16(c->p + 12) == (behind.p[0] >> 4 == 4 ? 0x0800 : 0x86dd);
}

link_next_t link_guess(struct link_walk *w)
{
	if (link_looks_ip(&w->c))
		return NEXT_IP;
	return link_looks_ethernet(&w->c) ? NEXT_ETHERNET : NEXT_NONE;
}

/*
 * Labels up to the bottom of the stack (RFC 3032). What follows is not said: IP; a pseudowire's control word (first
 * four bits 0) and Ethernet (RFC 4448); a control channel (first four bits 1); or Ethernet without a control word,
 * whose address may begin with any bits.
 */
link_next_t link_mpls(struct link_walk *w)
{
	struct cursor behind;
	const uint8_t *p;

	do {
		p = cursor_take(&w->c, 4);
		if (!p)
			return NEXT_CUT;
	} while (!(p[2] & 1));
	if (!cursor_left(&w->c))
		return NEXT_CUT;
	switch (w->c.p[0] >> 4) {
	case 4:
	case 6:
		return link_looks_ethernet_ip(&w->c) ||
				       (!link_looks_ip(&w->c) && link_looks_ethernet(&w->c))
			       ? NEXT_ETHERNET
			       : NEXT_IP;
	case 1:
		return link_looks_ethernet(&w->c) ? NEXT_ETHERNET : NEXT_CONTROL;
	case 0:
		behind = w->c;
		if (!cursor_take(&behind, 4))
			return NEXT_CUT;
		if (!link_looks_ethernet(&behind) && link_looks_ethernet(&w->c))
			return NEXT_ETHERNET;
		w->c = behind;
		return NEXT_ETHERNET;
	}
	return link_looks_ethernet(&w->c) ? NEXT_ETHERNET : NEXT_NONE;
}

/* RFC 8300: length in words in the low six bits, next protocol in the fourth byte */
static link_next_t nsh(struct link_walk *w)
{
	const uint8_t *p = w->c.p;
	size_t len;

	if (cursor_left(&w->c) < 8)
		return NEXT_CUT;
	len = (size_t)(p[1] & 0x3f) * 4;
	if (len < 8)
		return NEXT_NONE;
	if (!cursor_take(&w->c, len))
		return NEXT_CUT;
	switch (p[3]) {
	case 1:
	case 2:
		return NEXT_IP;
	case 3:
		return NEXT_ETHERNET;
	case 5:
		return NEXT_MPLS;
	}
	return NEXT_NONE;
}

/* Organisation and number behind a SNAP header: Cisco's, bridged frames (RFC 2684) */
link_next_t link_snap(struct link_walk *w, const uint8_t *p)
{
	uint32_t organisation = (uint32_t)p[0] << 16 | be16(p + 1);
	uint16_t type = be16(p + 3);

	w->type = LINK_TYPE_SNAP | type;
	if (organisation == 0x00000c && type == 0x2007) /* inter-switch link */
		return NEXT_NONE;
	if (organisation == 0x00000c)
		return NEXT_CONTROL; /* CDP, VTP, spanning tree of a VLAN, DTP, UDLD */
	if (organisation == 0x0080c2 && (type == 1 || type == 7)) {
		struct cursor padded = w->c; /* ATM has two bytes before the frame, others none */

		if (cursor_take(&padded, 2) && link_looks_ethernet(&padded))
			w->c = padded;
		return NEXT_ETHERNET;
	}
	/* 0 (RFC 1042) and 0000f8 (802.1H) carry ether types; others their own numbers */
	if (organisation && organisation != 0x0000f8)
		return NEXT_NONE;
	return type < 1536 ? (link_next_t)NEXT_NONE : type;
}

/* The network layer by its number (ISO/IEC TR 9577; RFC 2427, 2364) */
link_next_t link_nlpid(struct link_walk *w, uint8_t id)
{
	const uint8_t *p;

	switch (id) {
	case 0xcc:
	case 0x8e:
		return NEXT_IP;
	case 0xcf:
		return NEXT_PPP;
	case 0x08: /* Q.933 */
	case 0x82: /* ES-IS, IS-IS, IDRP */
	case 0x83:
	case 0x85:
		return NEXT_CONTROL;
	case 0x80:
		p = cursor_take(&w->c, 5);
		return p ? link_snap(w, p) : (link_next_t)NEXT_CUT;
	}
	return NEXT_NONE;
}

/* IEEE 802.2, with SNAP or with the old service access point of IP */
link_next_t link_llc(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 3);

	if (!p)
		return NEXT_CUT;
	w->type = LINK_TYPE_LLC | p[0];
	if (p[0] == 0x06 && p[1] == 0x06)
		return NEXT_IP;
	if (p[0] == 0xfe && p[1] == 0xfe && p[2] == 3) { /* OSI; IP and PPP inside ATM */
		p = cursor_take(&w->c, 1);
		return p ? link_nlpid(w, p[0]) : (link_next_t)NEXT_CUT;
	}
	if (p[0] == 0x42 && p[1] == 0x42)
		return NEXT_CONTROL; /* spanning tree */
	if ((p[2] & 0xef) == 0xaf || (p[2] & 0xef) == 0xe3)
		return NEXT_CONTROL; /* XID, TEST */
	if (p[0] != 0xaa || p[1] != 0xaa || p[2] != 3)
		return NEXT_NONE;
	p = cursor_take(&w->c, 5);
	return p ? link_snap(w, p) : (link_next_t)NEXT_CUT;
}

static link_next_t ethernet_inside(struct link_walk *w)
{
	(void)w;
	return NEXT_ETHERNET;
}

static link_next_t mpls_inside(struct link_walk *w)
{
	return link_mpls(w);
}

static link_next_t llc_inside(struct link_walk *w)
{
	(void)w;
	return NEXT_LLC;
}

static link_next_t control(struct link_walk *w)
{
	(void)w;
	return NEXT_CONTROL;
}

static link_next_t ppp_inside(struct link_walk *w)
{
	(void)w;
	return NEXT_PPP;
}

/* The closed list of what may go unjudged without a word is the rows with 'control'. */
static const struct {
	uint16_t type;
	link_next_t (*peel)(struct link_walk *w);
} ethertypes[] = {
	{0x8100, tag4},
	{0x88a8, tag4},
	{0x9100, tag4},
	{0x9200, tag4},
	{0x9300, tag4},
	{0x8847, mpls_inside},
	{0x8848, mpls_inside},
	{0x8864, link_pppoe},
	{0x880b, ppp_inside},
	{0x893f, tag8},
	{0x894f, nsh},
	{0x6558, ethernet_inside},
	{0x8926, tag6},
	{0x8909, metadata},
	{0x8988, tag8},
	{0x892f, tag6},
	{0x88e7, backbone},
	{0x8903, fabricpath},
	{0x22f3, trill},
	{0x4305, batman},
	{0xdada, edsa},
	{0x8870, llc_inside}, /* a jumbo frame with LLC */
	{0x8899, realtek},
	{0x88e5, macsec},
	{0x0806, control}, /* ARP */
	{0x8035, control} /* RARP */,
	{0x8863, control} /* PPPoE discovery */,
	{0x88cc, control} /* LLDP */,
	{0x888e, control} /* EAPOL */,
	{0x88c7, control} /* pre-authentication */,
	{0x8808, control} /* pause */,
	{0x8809, control} /* LACP */,
	{0x8902, control} /* CFM */,
	{0x9000, control} /* loopback test */,
	{0x88f7, control} /* PTP */,
	{0x88f5, control} /* MVRP */,
	{0x88f6, control} /* MMRP */,
	{0x22ea, control} /* SRP */,
	{0x88e3, control} /* MRP */,
	{0x88fb, control} /* HSR, PRP supervision */,
	{0x22f4, control} /* IS-IS of TRILL */,
	{0x2000, control} /* CDP in HDLC */,
	{0x6002, control} /* MOP */,
};

bool link_known_ethertype(uint16_t type)
{
	if (type == 0x0800 || type == 0x86dd)
		return true;
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(*ethertypes); i++)
		if (ethertypes[i].type == type)
			return true;
	return false;
}

link_next_t link_ethertype(struct link_walk *w, uint16_t type)
{
	w->type = type;
	if (type == 0x0800 || type == 0x86dd)
		return NEXT_IP;
	if (type < 1536)
		return link_llc(w);
	for (size_t i = 0; i < sizeof(ethertypes) / sizeof(*ethertypes); i++)
		if (ethertypes[i].type == type)
			return ethertypes[i].peel(w);
	return NEXT_NONE;
}
