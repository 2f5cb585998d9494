/* SPDX-License-Identifier: BSD-2-Clause */
/* link_lan.c - links that are rare by now: token ring, FDDI, ARCNET, ATM, fibre channel, cable modems, Solaris. */
#include "agent/flow/link.h"

/* Access and frame control, two addresses; a source route, where the source's first bit says so (IEEE 802.5). AIX gives
 * Ethernet this number: the interface's of RFC 1573. */
link_next_t link_token_ring(struct link_walk *w)
{
	const uint8_t *p;

	if (link_looks_ethernet_ip(&w->c))
		return NEXT_ETHERNET;
	p = cursor_take(&w->c, 14);
	if (!p)
		return NEXT_CUT;
	if (!(p[1] & 0xc0))
		return NEXT_CONTROL; /* of the ring itself */
	if ((p[1] & 0xc0) != 0x40)
		return NEXT_NONE;
	if (p[8] & 0x80) {
		size_t route = cursor_left(&w->c) ? w->c.p[0] & 0x1f : 0;

		if (route < 2)
			return NEXT_NONE;
		if (!cursor_take(&w->c, route))
			return NEXT_CUT;
	}
	return NEXT_LLC;
}

link_next_t link_fddi(struct link_walk *w) /* frame control, two addresses */
{
	const uint8_t *p = cursor_take(&w->c, 13);

	if (!p)
		return NEXT_CUT;
	if (!(p[0] & 0x30))
		return NEXT_CONTROL; /* of the ring itself */
	return (p[0] & 0x30) == 0x10 ? NEXT_LLC : NEXT_NONE;
}

/* Source, destination, protocol; from 0xd0 on (but for the old numbers) a flag and a sequence number (RFC 1201) */
static link_next_t arcnet(struct link_walk *w, size_t reserved)
{
	const uint8_t *p = cursor_take(&w->c, 2 + reserved), *type;

	type = p ? cursor_take(&w->c, 1) : NULL;
	if (!type)
		return NEXT_CUT;
	w->type = *type;
	switch (*type) {
	case 240: /* RFC 1051 */
		return NEXT_IP;
	case 241:
	case 213:
	case 214:
		return NEXT_CONTROL; /* ARP, RARP */
	case 212:
	case 196: /* IPv6 */
		p = cursor_take(&w->c, 3);
		if (!p)
			return NEXT_CUT;
		if (p[0] == 0xff && !cursor_take(&w->c, 4))
			return NEXT_CUT;
		return p[0] && p[0] != 0xff ? NEXT_NONE : NEXT_IP; /* pieces are not put together */
	}
	return NEXT_NONE;
}

link_next_t link_arcnet(struct link_walk *w)
{
	return arcnet(w, 0);
}

link_next_t link_arcnet_linux(struct link_walk *w)
{
	return arcnet(w, 2);
}

/* Direction and kind of traffic, path, channel (libpcap, atmuni31.h) */
link_next_t link_sun_atm(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 4);

	if (!p)
		return NEXT_CUT;
	w->side = p[0] & 0x80 ? PACKET_SIDE_OUT : PACKET_SIDE_IN;
	switch (p[0] & 0x0f) {
	case 1: /* LAN emulation: two bytes before the frame */
		return cursor_take(&w->c, 2) ? NEXT_ETHERNET : NEXT_CUT;
	case 2:
		return NEXT_LINK + 100;
	}
	return (p[0] & 0x0f) == 5 || (p[0] & 0x0f) == 6 ? NEXT_CONTROL
							: NEXT_NONE; /* ILMI, signalling */
}

link_next_t link_fibre_channel(struct link_walk *w) /* RFC 2625: two network addresses */
{
	return cursor_take(&w->c, 16) ? NEXT_LLC : NEXT_CUT;
}

/* DOCSIS 3.1 MULPI, 6.2: packets of users have type 0; an extended header where the lowest bit says so. Of type 3, time,
 * management and requests are the modem's own; fragments and concatenations hold packets of users. */
link_next_t link_docsis(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 6);

	if (!p)
		return NEXT_CUT;
	if (p[0] & 0xc0)
		return p[0] >> 6 == 3 && (p[0] >> 1 & 31) <= 2 ? NEXT_CONTROL : NEXT_NONE;
	if (p[0] & 1 && !cursor_take(&w->c, p[1]))
		return NEXT_CUT;
	return NEXT_ETHERNET;
}

link_next_t link_ipnet(struct link_walk *w) /* Solaris: 2 or 26 in the second byte, 24 in all */
{
	return cursor_take(&w->c, 24) ? NEXT_IP : NEXT_CUT;
}
