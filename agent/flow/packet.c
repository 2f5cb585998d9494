/* SPDX-License-Identifier: BSD-2-Clause */
/* packet.c - the IP headers of a frame, their extension headers, fragments, source routes, and ports. */
#include "agent/flow/link.h"
#include "agent/flow/tunnel.h"

#define OPTION_LSRR  131 /* RFC 791 */
#define OPTION_SSRR  137
#define FILLED_UP    46u /* Ethernet fills a frame up to this: more than a short packet says nothing */
#define FRAME_FULL   1500u
#define FRAME_CHECK  4u
#define TUNNEL_SHOWS 72u /* bytes of a datagram that show whether it is the tunnel of its port */

static const char *const results[] = {
	[PACKET_IP] = "ip",
	[PACKET_CONTROL] = "control",
	[PACKET_BAD_IP] = "bad_ip_header",
	[PACKET_SHORT] = "short_frame",
	[PACKET_TOO_DEEP] = "too_deep",
	[PACKET_UNKNOWN_LINK] = "unknown_link",
	[PACKET_UNKNOWN_TYPE] = "unknown_type",
	[PACKET_ENCRYPTED] = "encrypted",
};
_Static_assert(sizeof(results) / sizeof(*results) == PACKET_RESULTS, "a name each");

const char *packet_result_name(enum packet_result r)
{
	return r < PACKET_RESULTS ? results[r] : "";
}

/* Transport header: ports where the protocol has them; flags that say who opens. */
static inline void transport(struct packet *k, struct cursor c)
{
	const uint8_t *p = c.p;
	size_t left = cursor_left(&c);

	k->payload = p;
	k->payload_len = (uint32_t)left;
	switch (k->proto) {
	case 6:
	case 17:
	case 33:
	case 132:
	case 136:
		if (left < 4) {
			k->flags |= PACKET_CUT;
			return;
		}
		k->sport = be16(p);
		k->dport = be16(p + 2);
		k->flags |= PACKET_HAS_PORTS;
		if (k->proto == 6 && left >= 14 && (p[13] & 0x02))
			k->flags |= p[13] & 0x10 ? PACKET_SYNACK : PACKET_SYN;
		if (k->proto == 6 && left >= 14 && (p[13] & 0x05))
			k->flags |= PACKET_CLOSE;
		return;
	case 1:
	case 58:
		if (left < 2) {
			k->flags |= PACKET_CUT;
			return;
		}
		k->icmp_type = p[0];
		k->icmp_code = p[1];
	}
}

/* Strict or loose source route that is not used up: the last address is where the packet goes in
 * the end. */
static void ipv4_route(struct packet *k, const uint8_t *p, size_t len)
{
	if (len < 3 || p[2] > len) /* the pointer counts from 1 */
		return;
	k->flags |= PACKET_ROUTED;
	if (len >= 7)
		k->final = p + 3 + ((len - 3) / 4 - 1) * 4;
}

static void ipv4_options(struct packet *k, const uint8_t *p, size_t left)
{
	while (left && p[0] != 0) {
		size_t len = p[0] == 1 ? 1 : left >= 2 ? p[1] : 0;

		if (!len || len > left || (p[0] != 1 && len < 2)) {
			k->flags |= PACKET_DEEP;
			return;
		}
		if (p[0] == OPTION_LSRR || p[0] == OPTION_SSRR)
			ipv4_route(k, p, len);
		p += len;
		left -= len;
	}
}

static inline bool authentication(struct packet *k, struct cursor *c)
{
	const uint8_t *p = c->p;

	if (cursor_left(c) < 8 || !cursor_take(c, ((size_t)p[1] + 2) * 4)) {
		k->flags |= PACKET_CUT;
		return false;
	}
	k->proto = p[0];
	return true;
}

/* A length that says more than the frame had. A frame that fills a usual MTU was cut by who captured
 * it, and a few bytes may be a checksum that was taken off: there the header is believed. */
static inline uint32_t over(struct packet *k, uint32_t said, uint32_t on_wire)
{
	k->flags |= PACKET_OVER;
	return on_wire >= FRAME_FULL || said - on_wire <= FRAME_CHECK ? said : on_wire;
}

/* How long the packet was. The header is believed unless the frame shows that it was made before
 * the packet was cut into pieces (segmentation offload leaves 0, or the header's length), or that
 * it lies. */
static inline uint32_t ipv4_length(struct packet *k, uint32_t said, uint32_t header,
				   uint32_t on_wire)
{
	if (!said)
		return on_wire;
	if (said > on_wire)
		return over(k, said, on_wire);
	if (said == header && on_wire > FILLED_UP) {
		k->flags |= PACKET_UNDER;
		return on_wire;
	}
	return said;
}

static inline enum packet_result ipv4(struct packet *k, struct cursor c, uint32_t on_wire)
{
	const uint8_t *p = c.p;
	size_t header = (size_t)(p[0] & 15) * 4;
	uint16_t fragment;

	if (cursor_left(&c) < 20 || header < 20)
		return PACKET_BAD_IP;
	if (be16(p + 2) && be16(p + 2) < header)
		return PACKET_BAD_IP;
	k->v = 4;
	k->length = ipv4_length(k, be16(p + 2), (uint32_t)header, on_wire);
	k->proto = k->raw_proto = p[9];
	k->src = p + 12;
	k->dst = p + 16;
	fragment = be16(p + 6);
	if (fragment & 0x3fff) {
		k->flags |= fragment & 0x1fff ? PACKET_FRAGMENT | PACKET_LATER : PACKET_FRAGMENT;
		k->fragment_id = be16(p + 4);
	}
	if (!cursor_take(&c, header)) {
		k->flags |= PACKET_CUT;
		return PACKET_IP;
	}
	if (header > 20)
		ipv4_options(k, p + 20, header - 20);
	if (k->flags & PACKET_LATER)
		return PACKET_IP;
	if (k->proto == 51 && !authentication(k, &c))
		return PACKET_IP;
	transport(k, c);
	return PACKET_IP;
}

/* The jumbo option of a hop-by-hop header (RFC 2675), 0 without one */
static uint32_t jumbo(const uint8_t *p, size_t left)
{
	while (left >= 2) {
		size_t len = p[0] ? (size_t)p[1] + 2 : 1;

		if (len > left)
			return 0;
		if (p[0] == 0xc2 && len == 6)
			return be32(p + 2);
		p += len;
		left -= len;
	}
	return 0;
}

/* Routing header with segments left: type 0 and 2 end at the last address, segment routing at the
 * first of its list; where others end is not known. */
static void ipv6_route(struct packet *k, const uint8_t *p, size_t len)
{
	if (!p[3])
		return;
	k->flags |= PACKET_ROUTED;
	if (len < 24)
		return;
	if (p[2] == 4)
		k->final = p + 8;
	else if (p[2] == 0 || p[2] == 2)
		k->final = p + 8 + ((len - 8) / 16 - 1) * 16;
}

static bool is_extension(uint8_t proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 60 || proto == 135 ||
	       proto == 139 || proto == 140 || proto == 51;
}

static void fragment_header(struct packet *k, const uint8_t *p)
{
	uint16_t offset = be16(p + 2);

	/* neither an offset nor more to come: a whole packet that only wears the header (RFC 6946)
	 */
	if (!(offset & 0xfff9))
		return;
	k->flags |= offset & 0xfff8 ? PACKET_FRAGMENT | PACKET_LATER : PACKET_FRAGMENT;
	k->fragment_id = be32(p + 4);
	k->raw_proto = p[0];
}

/* Steps over one extension header. False: what follows is not known. */
static bool extension(struct packet *k, struct cursor *c)
{
	const uint8_t *p = c->p;
	uint8_t type = k->proto;
	size_t len;

	if (type == 51)
		return authentication(k, c);
	if (cursor_left(c) < 8) {
		k->flags |= PACKET_CUT;
		return false;
	}
	len = type == 44 ? 8 : ((size_t)p[1] + 1) * 8;
	if (type == 44)
		fragment_header(k, p);
	k->proto = p[0];
	if (!cursor_take(c, len)) {
		k->flags |= PACKET_CUT;
		return false;
	}
	if (type == 43)
		ipv6_route(k, p, len);
	return !(k->flags & PACKET_LATER);
}

static uint32_t ipv6_length(const uint8_t *p, struct cursor c, uint32_t on_wire)
{
	uint32_t payload = be16(p + 4), big;

	if (payload || p[6] == 59)
		return 40 + payload;
	if (p[6] == 0 && cursor_left(&c) >= 8) {
		size_t len = ((size_t)c.p[1] + 1) * 8;

		big = len <= cursor_left(&c) ? jumbo(c.p + 2, len - 2) : 0;
		if (big && big <= UINT32_MAX - 40)
			return 40 + big;
	}
	return on_wire;
}

static inline enum packet_result ipv6(struct packet *k, struct cursor c, uint32_t on_wire)
{
	const uint8_t *p = cursor_take(&c, 40);

	if (!p)
		return PACKET_BAD_IP;
	k->v = 6;
	k->src = p + 8;
	k->dst = p + 24;
	k->proto = k->raw_proto = p[6];
	k->length = ipv6_length(p, c, on_wire);
	if (k->length > on_wire)
		k->length = over(k, k->length, on_wire);
	for (int i = 0; is_extension(k->proto); i++) {
		if (i == PACKET_EXTENSIONS_MAX) {
			k->flags |= PACKET_DEEP;
			return PACKET_IP;
		}
		if (!extension(k, &c))
			return PACKET_IP;
	}
	transport(k, c);
	return PACKET_IP;
}

static inline void clear(struct packet *k)
{
	k->flags = 0;
	k->sport = k->dport = 0;
	k->fragment_id = 0;
	k->icmp_type = k->icmp_code = 0;
	k->final = k->payload = k->more = NULL;
	k->payload_len = 0;
}

static inline enum packet_result ip_header(struct packet *k, struct cursor c, uint32_t on_wire)
{
	k->ip = c.p;
	if (c.p[0] >> 4 == 4)
		return ipv4(k, c, on_wire);
	if (c.p[0] >> 4 == 6)
		return ipv6(k, c, on_wire);
	return PACKET_BAD_IP;
}

/* From where the walk has ended. 'behind' are the bytes on the wire that the capture does not hold. */
static enum packet_result walked(struct packet *k, const struct link_walk *w, enum packet_result r,
				 uint32_t behind)
{
	k->type = w->type;
	k->side = w->side;
	if (r == PACKET_IP && !cursor_left(&w->c))
		r = PACKET_BAD_IP;
	if (r == PACKET_IP)
		r = ip_header(k, w->c, (uint32_t)cursor_left(&w->c) + behind);
	k->more = w->more;
	k->more_len = (uint32_t)w->more_len;
	return r;
}

enum packet_result packet_decode(struct packet *k, const struct packet_frame *f)
{
	struct link_walk w = {.c = {f->data, f->data + f->caplen}};
	enum packet_result r;

	clear(k);
	if (f->link == LINK_ETHERNET && f->caplen >= 34 &&
	    (be16(f->data + 12) == 0x0800 || be16(f->data + 12) == 0x86dd)) {
		w.c.p += 14;
		k->type = be16(f->data + 12);
		k->side = f->side;
		return ip_header(k, w.c, f->len - 14);
	}
	r = link_walk(&w, NEXT_LINK + (link_next_t)f->link);
	r = walked(k, &w, r, f->len - f->caplen);
	if (f->side)
		k->side = f->side;
	return r;
}

/* Of the packet's bytes, those that the capture does not hold: what is inside lost them too. */
static uint32_t not_captured(const struct packet *k)
{
	size_t have = (size_t)(k->payload - k->ip) + k->payload_len;

	return k->length > have ? (uint32_t)(k->length - have) : 0;
}

/* The rest of it is in the later fragments of the packet around it. */
static void whole_length(struct packet *k)
{
	k->flags &= (uint16_t)~PACKET_OVER;
	k->length = k->v == 4 ? be16(k->ip + 2) : be16(k->ip + 4) + 40u;
}

/* A port may belong to others than the tunnel: what does not look like it is not one, unless so little of the datagram was
 * captured that nobody can tell. */
static bool nobodys(const struct packet *k, enum packet_result r)
{
	if (r == PACKET_SHORT)
		return !not_captured(k);
	return r == PACKET_UNKNOWN_TYPE && (!not_captured(k) || k->payload_len >= TUNNEL_SHOWS);
}

int packet_inner(const struct packet *outer, struct packet *ret, const char **tunnel)
{
	int t = tunnel_of(outer);
	struct packet k = *outer;
	struct link_walk w;
	enum packet_result r;
	size_t before;

	if (t < 0)
		return -1;
	before = (size_t)(k.payload - k.ip);
	if (before > k.length)
		return -1;
	if (before + k.payload_len > k.length) /* what fills up the frame is not the packet's */
		k.payload_len = k.length - (uint32_t)before;
	r = tunnel_open(&k, t, &w);
	if (!tunnel_sure(t) && nobodys(&k, r))
		return -1;
	clear(ret);
	*tunnel = tunnel_name(t);
	r = walked(ret, &w, r, not_captured(&k));
	if (r == PACKET_IP && k.flags & PACKET_FRAGMENT && ret->flags & PACKET_OVER)
		whole_length(ret);
	return (int)r;
}

int packet_sibling(const struct packet *k, struct packet *ret)
{
	struct link_walk w = {0};
	enum packet_result r;

	if (!k->more)
		return -1;
	w.c = (struct cursor){k->more, k->more + k->more_len};
	clear(ret);
	r = link_walk(&w, link_subframe(&w));
	return (int)walked(ret, &w, r, 0);
}
