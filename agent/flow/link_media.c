/* SPDX-License-Identifier: BSD-2-Clause */
/* link_media.c - 802.11 and what cards and packet filters put before frames. */
#include "agent/flow/link.h"

/* NFLOG's attributes: NFULA_PACKET_HDR says the hook, NFULA_PAYLOAD is the packet (linux/netfilter/nfnetlink_log.h) */
#define NFULA_PACKET_HDR 1
#define NFULA_PAYLOAD	 9
#define HOOK_LOCAL_IN	 1
#define HOOK_LOCAL_OUT	 3

static void nflog_side(struct link_walk *w, const uint8_t *p, size_t len)
{
	if (len < 7)
		return;
	if (p[6] == HOOK_LOCAL_IN)
		w->side = PACKET_SIDE_IN;
	else if (p[6] == HOOK_LOCAL_OUT)
		w->side = PACKET_SIDE_OUT;
}

/* Attributes in the byte order of the machine that captured, which the frame does not say: the plausible one. */
link_next_t link_nflog(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 4);
	unsigned family = p ? p[0] : 0;

	if (!p)
		return NEXT_CUT;
	w->type = LINK_TYPE_BSD | family;
	while ((p = cursor_take(&w->c, 4))) {
		bool little = le16(p) >= 4 && (size_t)le16(p) - 4 <= cursor_left(&w->c);
		size_t len = little ? le16(p) : be16(p);
		unsigned type = little ? le16(p + 2) : be16(p + 2);

		if (len < 4)
			return NEXT_NONE;
		if (type == NFULA_PAYLOAD)
			return family == 2 || family == 10 ? NEXT_IP : NEXT_GUESS;
		if (!cursor_take(&w->c, len - 4))
			return NEXT_CUT;
		if (type == NFULA_PACKET_HDR)
			nflog_side(w, p, len);
		(void)cursor_take(&w->c, (4 - len % 4) % 4);
	}
	return NEXT_CUT;
}

/* struct pfloghdr: its length without padding, family, ... direction at 60 (OpenBSD, net/if_pflog.h) */
link_next_t link_pflog(struct link_walk *w)
{
	const uint8_t *p = w->c.p;
	size_t len;

	if (cursor_left(&w->c) < 64)
		return NEXT_CUT;
	len = ((size_t)p[0] + 3) & ~(size_t)3;
	w->type = LINK_TYPE_BSD | p[1];
	if (len < 48)
		return NEXT_NONE;
	if (len > 60)
		w->side = p[60] == 1   ? PACKET_SIDE_IN
			  : p[60] == 2 ? PACKET_SIDE_OUT
				       : PACKET_SIDE_UNKNOWN;
	if (!cursor_take(&w->c, len))
		return NEXT_CUT;
	return p[1] == 2 || p[1] == 10 || p[1] == 24 || p[1] == 28 || p[1] == 30 ? NEXT_IP
										 : NEXT_NONE;
}

/* IEEE 802.11: data frames that are neither encrypted nor empty. Cisco's access points send the two bytes of frame
 * control the other way round: then the version, which is always 0, is not. */
static link_next_t wireless(struct link_walk *w, bool padded)
{
	const uint8_t *p = w->c.p;
	size_t len = 24, qos;
	bool swapped;
	uint8_t kind, flags;

	if (cursor_left(&w->c) < 2)
		return NEXT_CUT;
	swapped = (p[0] & 3) && (p[1] & 0x0f) == 0x08;
	kind = p[swapped];
	flags = p[!swapped];
	if ((kind & 0x0f) != 0x08 || (kind & 0x40))
		return NEXT_CONTROL; /* management, control, data frames without data */
	if (flags & 0x40)
		return NEXT_SECRET;
	if ((flags & 3) == 3)
		len += 6;
	qos = len;
	if (kind & 0x80)
		len += flags & 0x80 ? 6 : 2;
	if (padded)
		len = (len + 3) & ~(size_t)3;
	if (cursor_left(&w->c) < len)
		return NEXT_CUT;
	w->c.p += len;
	return (kind & 0x80) && (p[qos] & 0x80) ? link_subframe(w) : NEXT_LLC;
}

link_next_t link_wireless(struct link_walk *w)
{
	return wireless(w, false);
}

/* A-MSDU: destination, source, length, that many bytes, filled up to four */
link_next_t link_subframe(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 14);
	size_t len = p ? be16(p + 12) : 0, left = cursor_left(&w->c), step;

	w->more = NULL;
	if (!p)
		return NEXT_CUT;
	step = ((14 + len + 3) & ~(size_t)3) - 14;
	if (step < left) {
		w->more = w->c.p + step;
		w->more_len = left - step;
	}
	if (len < left)
		w->c.end = w->c.p + len;
	return NEXT_LLC;
}

/* Words of what is present, as long as bit 31 says that another follows; then the time (bit 0, on a multiple of 8) and the
 * flags (bit 1): 0x20 says that zeros follow the 802.11 header up to a multiple of four (radiotap.org). */
static bool radiotap_padded(const uint8_t *p, size_t len)
{
	size_t at = 8;
	uint32_t present = le32(p + 4);

	for (uint32_t word = present; word & 0x80000000u; at += 4) {
		if (at + 4 > len)
			return false;
		word = le32(p + at);
	}
	if (present & 1)
		at = ((at + 7) & ~(size_t)7) + 8;
	return (present & 2) && at < len && p[at] & 0x20;
}

link_next_t link_radiotap(struct link_walk *w)
{
	struct cursor *c = &w->c;
	const uint8_t *p = c->p;
	size_t len;

	if (cursor_left(c) < 4)
		return NEXT_CUT;
	len = le16(p + 2);
	if (len < 8)
		return NEXT_NONE;
	return cursor_take(c, len) ? wireless(w, radiotap_padded(p, len)) : (link_next_t)NEXT_CUT;
}

/* Prism's header has its length in the card's byte order; AVS's, which is seen under both link types, in network order
 * behind a magic number. */
link_next_t link_prism(struct link_walk *w)
{
	struct cursor *c = &w->c;
	uint32_t len;

	if (cursor_left(c) < 8)
		return NEXT_CUT;
	if ((be32(c->p) & 0xfffff000u) == 0x80211000u)
		len = be32(c->p + 4);
	else
		len = le32(c->p + 4) < 0x10000 ? le32(c->p + 4) : be32(c->p + 4);
	if (len < 8)
		return NEXT_NONE;
	return cursor_take(c, len) ? NEXT_LINK + LINK_WIRELESS : (link_next_t)NEXT_CUT;
}

link_next_t link_ppi(struct link_walk *w)
{
	struct cursor *c = &w->c;
	uint32_t link;

	if (cursor_left(c) < 8)
		return NEXT_CUT;
	link = le32(c->p + 4);
	if (le16(c->p + 2) < 8)
		return NEXT_NONE;
	if (!cursor_take(c, le16(c->p + 2)))
		return NEXT_CUT;
	return link < 0x10000 ? NEXT_LINK + link : (link_next_t)NEXT_UNKNOWN;
}

/* Apple: header length, record type, link type of what follows, interface, flags; little endian */
link_next_t link_pktap(struct link_walk *w)
{
	struct cursor *c = &w->c;
	uint32_t len, link;

	if (cursor_left(c) < 12)
		return NEXT_CUT;
	len = le32(c->p);
	link = le32(c->p + 8);
	if (len >= 40 && cursor_left(c) >= 40) {
		uint32_t flags = le32(c->p + 36) & 3;

		w->side = flags == 1   ? PACKET_SIDE_IN
			  : flags == 2 ? PACKET_SIDE_OUT
				       : PACKET_SIDE_UNKNOWN;
	}
	if (len < 12)
		return NEXT_NONE;
	if (!cursor_take(c, len))
		return NEXT_CUT;
	return link < 0x10000 ? NEXT_LINK + link : (link_next_t)NEXT_UNKNOWN;
}
