/* ip.h - addresses, prefixes and ranges of both families. Bytes are in network order. */
#ifndef GEO_BASE_IP_H
#define GEO_BASE_IP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip {
	uint8_t b[16]; /* IPv4 uses b[0..3], the rest is zero */
	uint8_t v;     /* 4 or 6; 0 = none */
};
struct cidr {
	struct ip addr; /* host bits are zero */
	uint8_t len;	/* 0..32 or 0..128 */
};
#define IP_STRLEN 48 /* the longest text with NUL, prefix length included */

/* 0 or -EINVAL. The whole of text must be the address. No zone ids, no leading zeros, no host bits
 * for cidr_parse (-EDOM when host bits are set: *ret then holds the prefix masked, to say in the
 * error). A bare address is /32 or /128. */
int ip_parse(struct ip *ret, const char *text);
int cidr_parse(struct cidr *ret, const char *text);
/* The IPv4 prefix that c writes as ::ffff:a.b.c.d (RFC 4291 2.5.5.2); false when c is none. What a socket sends
 * to such an address is IPv4: nobody who means it should have to know that. */
bool cidr_mapped(struct cidr *ret, const struct cidr *c);
/* RFC 5952; buf has at least IP_STRLEN bytes; returns buf. */
const char *ip_format(char *buf, const struct ip *ip);
const char *cidr_format(char *buf, const struct cidr *c);
int ip_cmp(const struct ip *a, const struct ip *b); /* IPv4 before IPv6 */
struct ip cidr_first(const struct cidr *c);
struct ip cidr_last(const struct cidr *c);
bool cidr_has(const struct cidr *c, const struct ip *ip);
bool ip_next(struct ip *ip); /* false when it was the last of its family; then unchanged */
bool ip_prev(struct ip *ip);
static inline uint32_t ip_v4(const struct ip *ip) /* host order */
{
	return (uint32_t)ip->b[0] << 24 | (uint32_t)ip->b[1] << 16 | (uint32_t)ip->b[2] << 8 |
	       ip->b[3];
}
struct ip ip_from_v4(uint32_t host_order);
struct ip ip_from_bytes(int family_4_or_6, const void *bytes);

/* Both families as numbers: what sweeps over sorted ranges count in. */
typedef unsigned __int128 u128;
#define U128(hi, lo) ((u128)(hi) << 64 | (lo))
#define U128_MAX     (~(u128)0)
static inline u128 ip_number_max(bool is6)
{
	return is6 ? U128_MAX : UINT32_MAX;
}
u128 ip_number(const struct ip *ip);
struct ip ip_from_number(bool is6, u128 n);
#endif
