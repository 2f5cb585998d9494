/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel.c - what a packet carries that is a packet itself: by IP protocol, or by the UDP port and a header that fits.
 *
 * A tunnel's port says little: where the bytes behind it cannot be that tunnel's header, there is none. What is
 * encrypted (ESP, WireGuard, DTLS) is judged by its outer header alone.
 */
#include "agent/flow/link.h"
#include "agent/flow/tunnel.h"

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING  0x4000
#define GRE_KEY	     0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK	     0x0080

/* Mirrored frames: type I has no header of its own, II has 8 bytes, III 12 and maybe 8 more
 * (draft-foschiano-erspan). */
static link_next_t erspan(struct link_walk *w, bool sequence)
{
	if (!sequence)
		return NEXT_ETHERNET;
	return cursor_take(&w->c, 8) ? NEXT_ETHERNET : NEXT_CUT;
}

static link_next_t erspan3(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 12);

	if (!p)
		return NEXT_CUT;
	if (p[11] & 1 && !cursor_take(&w->c, 8))
		return NEXT_CUT;
	return (be16(p + 10) >> 10 & 31) == 2 ? NEXT_IP : NEXT_ETHERNET; /* the frame's type */
}

/* RFC 1701: family, offset, length and that many bytes, up to one of family and length 0 */
static bool gre_routes(struct link_walk *w)
{
	const uint8_t *p;

	while ((p = cursor_take(&w->c, 4)))
		if (!be16(p) && !p[3])
			return true;
		else if (!cursor_take(&w->c, p[3]))
			return false;
	return false;
}

/* RFC 2784, 2890; version 1 is PPTP's (RFC 2637) */
static link_next_t gre(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 4);
	unsigned flags = p ? be16(p) : 0, type = p ? be16(p + 2) : 0;
	size_t more = (flags & (GRE_CHECKSUM | GRE_ROUTING) ? 4u : 0u) +
		      (flags & GRE_KEY ? 4u : 0u) + (flags & GRE_SEQUENCE ? 4u : 0u);

	if (!p)
		return NEXT_CUT;
	if ((flags & 7) > 1)
		return NEXT_NONE;
	more += (flags & 7) == 1 && (flags & GRE_ACK) ? 4 : 0;
	if (!cursor_take(&w->c, more) || (flags & GRE_ROUTING && !gre_routes(w)))
		return NEXT_CUT;
	w->type = type;
	switch (type) {
	case 0:
		return NEXT_CONTROL; /* keepalive */
	case 0x2001:		     /* NHRP, RFC 2332 */
		return NEXT_CONTROL;
	case 0x880b:
		return cursor_left(&w->c) ? NEXT_PPP : NEXT_CONTROL;
	case 0x88be:
		return erspan(w, flags & GRE_SEQUENCE);
	case 0x22eb:
		return erspan3(w);
	case 0x6559:
		return NEXT_LINK + 107;
	case 0x883e: /* WCCP: IP, or four bytes before it */
		if (!link_looks_ip(&w->c))
			(void)cursor_take(&w->c, 4);
		return NEXT_IP;
	}
	return type < 1536 ? (link_next_t)NEXT_NONE : type;
}

/* RFC 7348: Ethernet; with its P bit the generic extension (draft-ietf-nvo3-vxlan-gpe) */
static link_next_t vxlan(struct link_walk *w)
{
	static const link_next_t inside[] = {NEXT_NONE,	    NEXT_IP, NEXT_IP,
					     NEXT_ETHERNET, 0x894f,  NEXT_MPLS};
	const uint8_t *p = cursor_take(&w->c, 8);

	if (!p)
		return NEXT_CUT;
	if (p[0] & 0x04)
		return p[3] < sizeof(inside) / sizeof(*inside) ? inside[p[3]]
							       : (link_next_t)NEXT_NONE;
	if (cursor_left(&w->c) < 14)
		return NEXT_CUT;
	return link_looks_ethernet(&w->c) ? NEXT_ETHERNET
					  : NEXT_NONE; /* some leave the I bit out */
}

static link_next_t geneve(struct link_walk *w) /* RFC 8926 */
{
	const uint8_t *p = cursor_take(&w->c, 8);

	if (!p)
		return NEXT_CUT;
	if (p[0] >> 6)
		return NEXT_NONE;
	if (!cursor_take(&w->c, (size_t)(p[0] & 0x3f) * 4))
		return NEXT_CUT;
	return be16(p + 2) < 1536 ? (link_next_t)NEXT_NONE : be16(p + 2);
}

/* 3GPP TS 29.281: user data is message 255; sequence number and extension headers where flags say so */
static link_next_t gtp(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 8), *x;
	uint8_t next = 0;

	if (!p)
		return NEXT_CUT;
	if (p[0] >> 5 != 1 || !(p[0] & 0x10) || p[1] != 255)
		return NEXT_NONE;
	if (p[0] & 7) {
		x = cursor_take(&w->c, 4);
		if (!x)
			return NEXT_CUT;
		next = p[0] & 4 ? x[3] : 0;
	}
	while (next) {
		size_t len = cursor_left(&w->c) ? (size_t)w->c.p[0] * 4 : 0;

		x = len ? cursor_take(&w->c, len) : NULL;
		if (!x)
			return NEXT_CUT;
		next = x[len - 1];
	}
	if (cursor_left(&w->c) >= 2 && w->c.p[0] == 0xff && w->c.p[1] == 0x03)
		return NEXT_PPP;
	return NEXT_GUESS;
}

static link_next_t teredo(struct link_walk *w) /* RFC 4380: authentication, origin, IPv6 */
{
	struct cursor *c = &w->c;

	if (cursor_left(c) >= 13 && c->p[0] == 0 && c->p[1] == 1 &&
	    !cursor_take(c, 13 + (size_t)c->p[2] + c->p[3]))
		return NEXT_CUT;
	if (cursor_left(c) >= 8 && c->p[0] == 0 && c->p[1] == 0)
		c->p += 8;
	return cursor_left(c) >= 40 && c->p[0] >> 4 == 6 ? NEXT_IP : NEXT_NONE;
}

/* Version 3 says nothing of its cookie's size nor of what follows: what looks right is. */
static link_next_t l2tp3(struct link_walk *w)
{
	for (unsigned i = 0; i < 4; i++) {
		if (link_looks_ip(&w->c))
			return NEXT_IP;
		if (link_looks_ethernet(&w->c))
			return NEXT_ETHERNET;
		if (!cursor_take(&w->c, 4))
			break;
	}
	return NEXT_NONE;
}

static link_next_t l2tp(struct link_walk *w) /* RFC 2661, 3931 */
{
	const uint8_t *p = cursor_take(&w->c, 2);
	unsigned flags = p ? be16(p) : 0;
	size_t len = 4 + (flags & 0x4000 ? 2u : 0u) + (flags & 0x0800 ? 4u : 0u);

	if (!p)
		return NEXT_CUT;
	if (flags & 0x8000)
		return NEXT_CONTROL;
	if ((flags & 15) == 3)
		return cursor_take(&w->c, 6) ? l2tp3(w) : (link_next_t)NEXT_CUT;
	if ((flags & 15) != 2)
		return NEXT_NONE;
	if (!cursor_take(&w->c, len))
		return NEXT_CUT;
	if (flags & 0x0200) { /* offset */
		p = cursor_take(&w->c, 2);
		if (!p || !cursor_take(&w->c, be16(p)))
			return NEXT_CUT;
	}
	return NEXT_PPP;
}

static link_next_t l2tp_ip(struct link_walk *w) /* session 0: control */
{
	const uint8_t *p = cursor_take(&w->c, 4);

	if (!p)
		return NEXT_CUT;
	return be32(p) ? l2tp3(w) : (link_next_t)NEXT_CONTROL;
}

link_next_t link_tzsp(struct link_walk *w) /* version, type, what is inside, tags up to the last */
{
	const uint8_t *p = cursor_take(&w->c, 4), *tag;
	unsigned inside = p ? be16(p + 2) : 0;

	if (!p)
		return NEXT_CUT;
	if (p[0] != 1)
		return NEXT_NONE;
	if (p[1] > 1)
		return NEXT_CONTROL;
	while ((tag = cursor_take(&w->c, 1)) && tag[0] != 1) {
		if (!tag[0])
			continue;
		tag = cursor_take(&w->c, 1);
		if (!tag || !cursor_take(&w->c, tag[0]))
			return NEXT_CUT;
	}
	if (!tag)
		return NEXT_CUT;
	if (inside == 1)
		return NEXT_ETHERNET;
	if (inside == 18)
		return NEXT_LINK + LINK_WIRELESS;
	return inside == 119 || inside == 127 ? NEXT_LINK + 119 : (link_next_t)NEXT_NONE;
}

static link_next_t ayiya(struct link_walk *w) /* draft-massar-v6ops-ayiya */
{
	const uint8_t *p = w->c.p;

	if (cursor_left(&w->c) < 8)
		return NEXT_CUT;
	if ((p[2] & 15) != 1 || (p[3] != 41 && p[3] != 4))
		return NEXT_NONE;
	if (!cursor_take(&w->c, 8 + ((size_t)1 << (p[0] >> 4)) + (size_t)(p[1] >> 4) * 4))
		return NEXT_CUT;
	return NEXT_IP;
}

static link_next_t capwap(struct link_walk *w) /* RFC 5415, 4.3 */
{
	const uint8_t *p = w->c.p;
	bool native;

	if (cursor_left(&w->c) < 8)
		return NEXT_CUT;
	if (p[0] == 1)
		return NEXT_SECRET; /* DTLS */
	if (p[0])
		return NEXT_NONE;
	if (p[3] & 0x08)
		return NEXT_CONTROL; /* keepalive */
	native = p[2] & 1;
	if (!cursor_take(&w->c, (size_t)(p[1] >> 3) * 4))
		return NEXT_CUT;
	if (be16(p + 6) & 0xfff8 && p[3] & 0x80) /* a later fragment */
		return NEXT_NONE;
	return native ? NEXT_LINK + LINK_WIRELESS : (link_next_t)NEXT_ETHERNET;
}

static link_next_t lisp(struct link_walk *w) /* RFC 6830 */
{
	return cursor_take(&w->c, 8) && link_looks_ip(&w->c) ? NEXT_IP : NEXT_NONE;
}

static link_next_t mpls(struct link_walk *w) /* RFC 7510 */
{
	(void)w;
	return NEXT_MPLS;
}

static link_next_t ethernet(struct link_walk *w)
{
	(void)w;
	return NEXT_ETHERNET;
}

static link_next_t etherip(struct link_walk *w) /* RFC 3378 */
{
	const uint8_t *p = cursor_take(&w->c, 2);

	if (!p)
		return NEXT_CUT;
	return p[0] >> 4 == 3 ? NEXT_ETHERNET : NEXT_NONE;
}

/* RFC 7761, 4.9.3: a Register carries a packet of whoever sends to a group, unless it is null */
static link_next_t pim(struct link_walk *w)
{
	const uint8_t *p = cursor_take(&w->c, 8);

	if (!p)
		return NEXT_CUT;
	if (p[0] != 0x21 || p[4] & 0x40)
		return NEXT_CONTROL;
	return NEXT_IP;
}

static link_next_t ip(struct link_walk *w)
{
	(void)w;
	return NEXT_IP;
}

/* Linux, fou.c: version 0 says what follows, in IP's numbers; version 1 is the packet itself */
static link_next_t gue(struct link_walk *w)
{
	const uint8_t *p = w->c.p;

	if (cursor_left(&w->c) < 4)
		return NEXT_CUT;
	if (p[0] >> 6 == 1)
		return link_looks_ip(&w->c) ? NEXT_IP : NEXT_NONE;
	if (p[0] & 0xe0) /* control */
		return NEXT_NONE;
	if (!cursor_take(&w->c, 4 + (size_t)(p[0] & 0x1f) * 4))
		return NEXT_CUT;
	if (p[1] == 47)
		return gre(w);
	return p[1] == 4 || p[1] == 41 ? NEXT_IP : NEXT_NONE;
}

static link_next_t jmirror(struct link_walk *w) /* Juniper's mirror: two numbers, IP */
{
	return cursor_take(&w->c, 8) && link_looks_ip(&w->c) ? NEXT_IP : NEXT_NONE;
}

static const struct tunnel {
	uint8_t proto;
	uint16_t port;
	bool either; /* side's port */
	link_next_t (*peel)(struct link_walk *w);
	const char *name;
} tunnels[] = {
	{4, 0, false, ip, "ipip"},
	{41, 0, false, ip, "6in4"},
	{94, 0, false, ip, "ipip"},
	{47, 0, false, gre, "gre"},
	{97, 0, false, etherip, "etherip"},
	{103, 0, false, pim, "pim"},
	{115, 0, false, l2tp_ip, "l2tp"},
	{137, 0, false, mpls, "mpls"},
	{143, 0, false, ethernet, "ethernet"},
	{17, 4789, false, vxlan, "vxlan"},
	{17, 4790, false, vxlan, "vxlan-gpe"},
	{17, 8472, false, vxlan, "vxlan"},
	{17, 6081, false, geneve, "geneve"},
	{17, 2152, true, gtp, "gtp-u"},
	{17, 3544, true, teredo, "teredo"},
	{17, 1701, true, l2tp, "l2tp"},
	{17, 37008, true, link_tzsp, "tzsp"},
	{17, 5072, true, ayiya, "ayiya"},
	{17, 5247, true, capwap, "capwap"},
	{17, 6635, false, mpls, "mpls"},
	{17, 4754, false, gre, "gre"},
	{17, 4341, true, lisp, "lisp"},
	{17, 6080, false, gue, "gue"},
	{17, 30030, false, jmirror, "jmirror"},
	/* on any port: mirrors and gateways of clouds choose their own (guessed) */
	{0, 0, false, vxlan, "vxlan"},
	{0, 0, false, ip, "ip-in-udp"},
};
#define TUNNELS	    (int)(sizeof(tunnels) / sizeof(*tunnels))
#define GUESS_VXLAN (TUNNELS - 2)
#define GUESS_IP    (TUNNELS - 1)

static bool checksum_right(const uint8_t *p)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < (p[0] & 15) * 4u; i += 2)
		sum += be16(p + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return ((sum + (sum >> 16)) & 0xffff) == 0xffff;
}

/* A packet that fills the datagram, beyond chance */
static bool is_ip(const struct cursor *c)
{
	size_t left = cursor_left(c);

	if (!link_looks_ip(c))
		return false;
	if (c->p[0] >> 4 == 4)
		return be16(c->p + 2) == left && (c->p[0] & 15) * 4u <= left &&
		       checksum_right(c->p);
	return be16(c->p + 4) + 40u == left &&
	       (c->p[6] == 6 || c->p[6] == 17 || c->p[6] == 58 || c->p[6] == 44);
}

/* What a datagram carries whose port says nothing; -1: nothing */
static int guessed(const struct packet *k)
{
	struct cursor c = {k->payload, k->payload + k->payload_len};
	const uint8_t *p = cursor_take(&c, 8);
	uint8_t first = p && cursor_left(&c) ? c.p[0] : 0;

	if (first >> 4 == 4 || first >> 4 == 6)
		return is_ip(&c) ? GUESS_IP : -1;
	if (first != 0x08)
		return -1;
	p = cursor_take(&c, 8);
	return p && be32(p) == 0x08000000u && !p[7] && link_looks_ethernet_ip(&c) ? GUESS_VXLAN
										  : -1;
}

int tunnel_of(const struct packet *k)
{
	if (!k->payload || (k->flags & (PACKET_LATER | PACKET_CUT)))
		return -1;
	if (k->proto == 6)
		return -1;
	for (int i = 0; i < GUESS_VXLAN; i++) {
		const struct tunnel *t = &tunnels[i];

		if (t->proto == k->proto &&
		    (!t->port || t->port == k->dport || (t->either && t->port == k->sport)))
			return i;
	}
	return k->proto == 17 ? guessed(k) : -1;
}

bool tunnel_sure(int tunnel)
{
	return tunnels[tunnel].proto && !tunnels[tunnel].port;
}

const char *tunnel_name(int tunnel)
{
	return tunnel >= 0 && tunnel < TUNNELS ? tunnels[tunnel].name : "";
}

enum packet_result tunnel_open(const struct packet *k, int tunnel, struct link_walk *w)
{
	*w = (struct link_walk){.c = {k->payload, k->payload + k->payload_len}};
	if (k->proto == 17 && !cursor_take(&w->c, 8))
		return PACKET_SHORT;
	return link_walk(w, tunnels[tunnel].peel(w));
}
