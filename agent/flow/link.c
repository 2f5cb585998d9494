/* SPDX-License-Identifier: BSD-2-Clause */
/* link.c - the link types (www.tcpdump.org/linktypes.html), and the walk from layer to layer. */
#include "agent/flow/link.h"

static link_next_t raw(struct link_walk *w)
{
	(void)w;
	return NEXT_IP;
}

/* By address family; IPv6 is 10, 24, 28 or 30 by system */
static link_next_t family(struct link_walk *w, uint32_t f)
{
	w->type = LINK_TYPE_BSD | (f & 0xffff);
	if (f == 23) /* of Windows: IPv6; of BSD: IPX */
		return link_looks_ip(&w->c) ? NEXT_IP : NEXT_NONE;
	return f == 2 || f == 10 || f == 24 || f == 28 || f == 30 ? NEXT_IP : NEXT_NONE;
}

/* BSD loopback: an address family in the writer's byte order */
static link_next_t null(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 4);

	if (!p)
		return NEXT_CUT;
	return family(w, be32(p) < 0x10000 ? be32(p) : le32(p));
}

/* OpenBSD's IPsec interface: family, index, flags */
static link_next_t enc(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 12);

	if (!p)
		return NEXT_CUT;
	return family(w, be32(p) < 0x10000 ? be32(p) : le32(p));
}

/* Linux: 0 to us, 1 broadcast, 2 multicast, 3 to another, 4 sent by us */
static void cooked_side(struct link_walk *w, unsigned type)
{
	if (type == 4)
		w->side = PACKET_SIDE_OUT;
	else if (type < 3)
		w->side = PACKET_SIDE_IN;
}

static link_next_t cooked_protocol(uint16_t protocol)
{
	if (protocol == 4)
		return NEXT_LLC;
	return protocol < 1536 ? (link_next_t)NEXT_NONE : protocol;
}

static link_next_t cooked(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 16);

	if (!p)
		return NEXT_CUT;
	cooked_side(w, be16(p));
	w->type = be16(p + 14);
	return cooked_protocol(be16(p + 14));
}

static link_next_t cooked2(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 20);

	if (!p)
		return NEXT_CUT;
	cooked_side(w, p[10]);
	w->type = be16(p);
	return cooked_protocol(be16(p));
}

/* n bytes that say nothing of interest, then 'next' */
static link_next_t behind(struct link_walk *w, size_t n, link_next_t next)
{
	return cursor_take(&w->c, n) ? next : (link_next_t)NEXT_CUT;
}

static link_next_t atm(struct link_walk *w) /* RFC 2684: LLC, or nothing of it */
{
	return link_looks_ip(&w->c) ? NEXT_IP : NEXT_LLC;
}

/* 40 bytes that stand for the addresses, then an ether type and two reserved bytes (RFC 4391) */
static link_next_t infiniband(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 44);

	return p ? be16(p + 40) : (link_next_t)NEXT_CUT;
}

static link_next_t firewire(struct link_walk *w) /* RFC 2734, as Apple writes it */
{
	const uint8_t *p = cursor_take(&w->c, 18);

	return p ? be16(p + 16) : (link_next_t)NEXT_CUT;
}

/* A byte before the frame: 0 received, another sent */
static link_next_t with_direction(struct link_walk *w, link_next_t next)
{
	const uint8_t *p = cursor_take(&w->c, 1);

	if (!p)
		return NEXT_CUT;
	w->side = p[0] ? PACKET_SIDE_OUT : PACKET_SIDE_IN;
	return next;
}

static link_next_t ppp_direction(struct link_walk *w)
{
	return with_direction(w, NEXT_PPP);
}

static link_next_t hdlc_direction(struct link_walk *w)
{
	return with_direction(w, NEXT_LINK + 104);
}

static link_next_t frame_relay_direction(struct link_walk *w)
{
	return with_direction(w, NEXT_LINK + 107);
}

static link_next_t ppp_pppd(struct link_walk *w) /* 1 sent, 0 received, instead of the address */
{
	if (cursor_left(&w->c) >= 2 && w->c.p[1] == 0x03)
		w->c.p += 2;
	return NEXT_PPP;
}

static link_next_t netanalyzer(struct link_walk *w)
{
	return behind(w, 4, NEXT_ETHERNET);
}

static link_next_t netanalyzer_whole(struct link_walk *w) /* with preamble and delimiter */
{
	return behind(w, 12, NEXT_ETHERNET);
}

/* Switch tags between the addresses and the ether type (Marvell, Broadcom) */
static link_next_t switch_tag(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 18);

	return p ? be16(p + 16) : (link_next_t)NEXT_CUT;
}

static link_next_t switch_tag8(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 22);

	return p ? be16(p + 20) : (link_next_t)NEXT_CUT;
}

static link_next_t switch_tag_before(struct link_walk *w)
{
	return behind(w, 4, NEXT_ETHERNET);
}

static const struct link_row {
	uint16_t link;
	link_next_t (*peel)(struct link_walk *w);
	const char *name;
} links[] = {
	{0, null, "BSD loopback"},
	{LINK_ETHERNET, link_ethernet, "Ethernet"},
	{6, link_token_ring, "token ring"},
	{7, link_arcnet, "ARCNET"},
	{8, link_slip, "SLIP"},
	{9, link_ppp, "PPP"},
	{10, link_fddi, "FDDI"},
	{12, raw, "raw IP"},
	{14, raw, "raw IP"},
	{50, link_ppp_serial, "PPP in HDLC framing"},
	{51, link_pppoe, "PPPoE"},
	{100, atm, "ATM, RFC 1483"},
	{101, raw, "raw IP"},
	{104, link_hdlc, "Cisco HDLC"},
	{LINK_WIRELESS, link_wireless, "IEEE 802.11"},
	{106, atm, "Linux ATM"},
	{107, link_frame_relay, "Frame Relay"},
	{108, null, "OpenBSD loopback"},
	{109, enc, "OpenBSD IPsec"},
	{113, cooked, "Linux cooked"},
	{117, link_pflog, "OpenBSD pflog"},
	{119, link_prism, "IEEE 802.11 with Prism header"},
	{122, link_fibre_channel, "IP over fibre channel"},
	{123, link_sun_atm, "SunATM"},
	{127, link_radiotap, "IEEE 802.11 with radiotap"},
	{128, link_tzsp, "TZSP"},
	{129, link_arcnet_linux, "Linux ARCNET"},
	{130, link_juniper_card, "Juniper multilink PPP"},
	{131, link_juniper_card, "Juniper multilink Frame Relay"},
	{132, link_juniper_card, "Juniper encryption services"},
	{133, link_juniper_card, "Juniper GGSN"},
	{134, link_juniper_card, "Juniper FRF.16"},
	{135, link_juniper_atm, "Juniper ATM2"},
	{136, link_juniper_card, "Juniper services"},
	{137, link_juniper_atm, "Juniper ATM1"},
	{138, firewire, "IP over IEEE 1394"},
	{143, link_docsis, "DOCSIS"},
	{149, link_pktap, "Apple PKTAP"},
	{163, link_prism, "IEEE 802.11 with AVS header"},
	{164, link_juniper_card, "Juniper monitor"},
	{166, ppp_pppd, "PPP of pppd"},
	{167, link_juniper_ethernet, "Juniper PPPoE"},
	{168, link_juniper_card, "Juniper PPPoE over ATM"},
	{174, link_juniper_card, "Juniper PIC peer"},
	{178, link_juniper_ethernet, "Juniper Ethernet"},
	{179, link_juniper_ppp, "Juniper PPP"},
	{180, link_juniper_frame_relay, "Juniper Frame Relay"},
	{181, link_juniper_hdlc, "Juniper C-HDLC"},
	{182, link_juniper_card, "Juniper multilink Frame Relay"},
	{183, link_juniper_card, "Juniper voice"},
	{192, link_ppi, "PPI"},
	{194, link_juniper_card, "Juniper integrated services"},
	{197, link_erf, "Endace ERF"},
	{200, link_juniper_card, "Juniper secure tunnel"},
	{204, ppp_direction, "PPP with direction"},
	{205, hdlc_direction, "Cisco HDLC with direction"},
	{206, frame_relay_direction, "Frame Relay with direction"},
	{219, link_mpls, "MPLS"},
	{226, link_ipnet, "Solaris ipnet"},
	{228, raw, "raw IPv4"},
	{229, raw, "raw IPv6"},
	{233, link_juniper_card, "Juniper SRX end to end"},
	{238, link_juniper_card, "Juniper ATM CEMIC"},
	{239, link_nflog, "NFLOG"},
	{240, netanalyzer, "netANALYZER"},
	{241, netanalyzer_whole, "netANALYZER with preamble"},
	{242, infiniband, "IP over InfiniBand"},
	{258, link_pktap, "Apple PKTAP"},
	{276, cooked2, "Linux cooked v2"},
	{281, switch_tag, "Broadcom switch tag"},
	{282, switch_tag_before, "Broadcom switch tag before Ethernet"},
	{284, switch_tag, "Marvell DSA"},
	{285, switch_tag8, "Marvell EDSA"},
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

static link_next_t step(struct link_walk *w, link_next_t next)
{
	const struct link_row *l;

	if (next < 0x10000)
		return link_ethertype(w, (uint16_t)next);
	switch (next) {
	case NEXT_ETHERNET:
		return link_ethernet(w);
	case NEXT_LLC:
		return link_llc(w);
	case NEXT_PPP:
		return link_ppp(w);
	case NEXT_MPLS:
		return link_mpls(w);
	case NEXT_GUESS:
		return link_guess(w);
	}
	l = next >= NEXT_LINK ? find_link((uint16_t)(next - NEXT_LINK)) : NULL;
	return l ? l->peel(w) : (link_next_t)NEXT_UNKNOWN;
}

enum packet_result link_walk(struct link_walk *w, link_next_t next)
{
	for (int i = 0; i <= PACKET_LAYERS_MAX; i++) {
		switch (next) {
		case NEXT_IP:
			return PACKET_IP;
		case NEXT_CONTROL:
			return PACKET_CONTROL;
		case NEXT_NONE:
			return PACKET_UNKNOWN_TYPE;
		case NEXT_SECRET:
			return PACKET_ENCRYPTED;
		case NEXT_CUT:
			return PACKET_SHORT;
		case NEXT_UNKNOWN:
			return PACKET_UNKNOWN_LINK;
		}
		if (i < PACKET_LAYERS_MAX)
			next = step(w, next);
	}
	return PACKET_TOO_DEEP;
}
