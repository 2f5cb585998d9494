/* SPDX-License-Identifier: BSD-2-Clause */
/* link_serial.c - PPP, Cisco's HDLC, frame relay, SLIP, and the header that Endace puts before frames. */
#include "agent/flow/link.h"

/* Negotiation, authentication, compression: what carries nobody's data. */
static bool ppp_control(uint32_t proto)
{
	return proto >= 0x8000 && proto != 0x8281 && proto != 0x8283;
}

static link_next_t multilink(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 4);

	if (!p)
		return NEXT_CUT;
	return (p[0] & 0xc0) == 0xc0 ? NEXT_PPP : NEXT_NONE;
}

/* One or two bytes of protocol (RFC 1661, 2); an address and control field before it may have been left out. Cisco's
 * framing is seen under this link type too. */
link_next_t link_ppp(struct link_walk *w)
{
	struct cursor *c = &w->c;
	const uint8_t *p;
	uint32_t proto;

	if (cursor_left(c) >= 4 && (c->p[0] == 0x0f || c->p[0] == 0x8f) && !c->p[1] &&
	    link_known_ethertype(be16(c->p + 2)))
		return link_hdlc(w);
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
	w->type = LINK_TYPE_PPP | proto;
	if (proto == 0x21 || proto == 0x57)
		return NEXT_IP;
	if (proto == 0x281 || proto == 0x283)
		return NEXT_MPLS;
	if (proto == 0x31) /* bridged: flags, a kind, Ethernet (RFC 3518) */
		return cursor_take(c, 2) ? NEXT_ETHERNET : NEXT_CUT;
	if (proto == 0x3d) /* RFC 1990: a fragment that is first and last is whole */
		return multilink(w);
	if (proto == 0x53 || proto == 0x55)
		return NEXT_SECRET;
	return ppp_control(proto) ? NEXT_CONTROL : NEXT_NONE;
}

link_next_t link_hdlc(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 4);

	if (!p)
		return NEXT_CUT;
	if (p[0] == 0xff && p[1] == 0x03) { /* PPP on the same line */
		w->c.p = p;
		return NEXT_PPP;
	}
	w->type = be16(p + 2);
	if (be16(p + 2) == 0x8035) /* SLARP: keepalives */
		return NEXT_CONTROL;
	return be16(p + 2);
}

/* Serial: PPP in HDLC framing, or Cisco's where the address says so (RFC 1547) */
link_next_t link_ppp_serial(struct link_walk *w)
{
	const struct cursor *c = &w->c;

	if (cursor_left(c) >= 2 && (c->p[0] == 0x0f || c->p[0] == 0x8f))
		return link_hdlc(w);
	if (link_looks_ip(c)) /* no framing at all */
		return NEXT_NONE;
	return NEXT_PPP;
}

/* Q.922 address, control, and a network layer protocol id (RFC 2427) */
link_next_t link_frame_relay(struct link_walk *w)
{
	struct cursor *c = &w->c;
	const uint8_t *p;

	do {
		p = cursor_take(c, 1);
		if (!p)
			return NEXT_CUT;
	} while (!(p[0] & 1));
	p = cursor_take(c, 2);
	if (!p)
		return NEXT_CUT;
	if (p[0] != 3) /* Cisco's: an ether type follows the address */
		return be16(p) < 1536 ? (link_next_t)NEXT_NONE : be16(p);
	if (p[1] == 0) {
		p = cursor_take(c, 1);
		if (!p)
			return NEXT_CUT;
		p--;
	}
	return link_nlpid(w, p[1]);
}

/* A record of 16 bytes, extension headers of 8 as long as bit 7 of their first byte says so, then by the record's type
 * (Endace, ERF types reference) */
link_next_t link_erf(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 16), *x = p ? p + 8 : NULL;
	unsigned type;

	if (!p)
		return NEXT_CUT;
	type = p[8] & 0x7f;
	while (x[0] & 0x80) {
		x = cursor_take(&w->c, 8);
		if (!x)
			return NEXT_CUT;
	}
	switch (type) {
	case 2:	 /* Ethernet, behind an offset and a padding byte */
	case 11: /* the same in colour, with a hash, for another stream */
	case 16:
	case 20:
		return cursor_take(&w->c, 2) ? NEXT_ETHERNET : NEXT_CUT;
	case 1:
	case 10:
	case 15:
	case 17:
		return NEXT_LINK + 50;
	case 4: /* AAL5: a cell's header, without its checksum, before the frame */
	case 18:
		return cursor_take(&w->c, type == 4 ? 4 : 8) ? NEXT_LINK + 100
							     : (link_next_t)NEXT_CUT;
	case 22:
	case 23:
		return NEXT_IP;
	case 27:
	case 48:
		return NEXT_CONTROL; /* metadata, padding */
	}
	return NEXT_NONE;
}

/* libpcap's 16 bytes for SLIP: 0 received, 1 sent, then the compressed header as it came */
link_next_t link_slip(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 16);

	if (!p)
		return NEXT_CUT;
	w->side = p[0] ? PACKET_SIDE_OUT : PACKET_SIDE_IN;
	return NEXT_IP;
}
