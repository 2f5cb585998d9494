/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_juniper.c - the header that Juniper's routers put before frames (tcpdump, print-juniper.c).
 *
 *     "MGC" flags | extensions, where bit 7 says so | cookie of the card | frame
 *
 * Bit 0: received; bit 1: no link header, an address family instead. What a card's cookie is and how long differs by
 * card, software and direction: what looks right behind it is searched for, within a few bytes.
 */
#include "agent/flow/link.h"

#define COOKIE_MAX 40u

/* 0: the header is there, and *next is what follows if the flags do not say otherwise */
static bool header(struct link_walk *w, link_next_t *next)
{
	const uint8_t *p = cursor_take(&w->c, 4), *x;

	*next = NEXT_CUT;
	if (!p)
		return false;
	*next = NEXT_NONE;
	if (p[0] != 0x4d || p[1] != 0x47 || p[2] != 0x43)
		return false;
	w->side = p[3] & 1 ? PACKET_SIDE_IN : PACKET_SIDE_OUT;
	*next = NEXT_CUT;
	if (p[3] & 0x80) {
		x = cursor_take(&w->c, 2);
		if (!x || !cursor_take(&w->c, be16(x)))
			return false;
	}
	if (!(p[3] & 2))
		return true;
	*next = cursor_take(&w->c, 4) ? NEXT_IP : NEXT_CUT;
	return false;
}

static link_next_t juniper(struct link_walk *w, link_next_t next)
{
	link_next_t other;

	return header(w, &other) ? next : other;
}

link_next_t link_juniper_ethernet(struct link_walk *w)
{
	return juniper(w, NEXT_ETHERNET);
}

link_next_t link_juniper_ppp(struct link_walk *w)
{
	return juniper(w, NEXT_PPP);
}

link_next_t link_juniper_frame_relay(struct link_walk *w)
{
	return juniper(w, NEXT_LINK + 107);
}

link_next_t link_juniper_hdlc(struct link_walk *w)
{
	return juniper(w, NEXT_LINK + 104);
}

/* An IP header that fits what is left, or whose version and lengths can be right when the end was not captured. */
static bool fits(const struct cursor *c)
{
	size_t left = cursor_left(c), said;

	if (!link_looks_ip(c))
		return false;
	said = c->p[0] >> 4 == 4 ? be16(c->p + 2) : be16(c->p + 4) + 40u;
	return said <= left || left >= 64;
}

static link_next_t card(struct link_walk *w, bool atm)
{
	link_next_t other;
	struct cursor at;

	if (!header(w, &other))
		return other;
	at = w->c;
	for (unsigned i = 0; i <= COOKIE_MAX && cursor_left(&at) >= 20; i++, at.p++) {
		if (fits(&at)) {
			w->c = at;
			return NEXT_IP;
		}
	}
	if (atm && cursor_left(&w->c) >= 4 && w->c.p[0] == 0x80) /* OAM cells */
		return NEXT_CONTROL;
	return NEXT_NONE;
}

link_next_t link_juniper_card(struct link_walk *w)
{
	return card(w, false);
}

link_next_t link_juniper_atm(struct link_walk *w)
{
	return card(w, true);
}
