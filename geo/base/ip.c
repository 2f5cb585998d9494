/* SPDX-License-Identifier: BSD-2-Clause */
/* ip.c - addresses and prefixes: parse, print (RFC 5952), compare, step. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/base/ip.h"

static unsigned bytes_of(const struct ip *ip)
{
	return ip->v == 4 ? 4 : 16;
}

int ip_parse(struct ip *ret, const char *text)
{
	struct ip ip = {0};

	if (strnlen(text, IP_STRLEN) == IP_STRLEN)
		return -EINVAL;
	if (inet_pton(AF_INET, text, ip.b) == 1)
		ip.v = 4;
	else if (inet_pton(AF_INET6, text, ip.b) == 1)
		ip.v = 6;
	else
		return -EINVAL;
	*ret = ip;
	return 0;
}

/* Plain digits, no sign, no leading zero, at most max; -1 otherwise. */
static int small_number(const char *s, int max)
{
	int n = 0;

	if (!*s || (*s == '0' && s[1]))
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		n = n * 10 + (*s - '0');
		if (n > max)
			return -1;
	}
	return n;
}

/* Clears the host bits; true when one was set. */
static bool mask_host_bits(struct ip *ip, unsigned len)
{
	bool had = false;

	for (unsigned i = len / 8; i < bytes_of(ip); i++) {
		uint8_t keep = (uint8_t)(i == len / 8 ? 0xff00 >> len % 8 : 0);

		had |= (ip->b[i] & ~keep) != 0;
		ip->b[i] = (uint8_t)(ip->b[i] & keep);
	}
	return had;
}

int cidr_parse(struct cidr *ret, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[IP_STRLEN];
	struct cidr c = {0};
	int len, r;

	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	r = ip_parse(&c.addr, address);
	if (r)
		return r;
	len = c.addr.v == 4 ? 32 : 128;
	if (slash)
		len = small_number(slash + 1, len);
	if (len < 0)
		return -EINVAL;
	c.len = (uint8_t)len;
	r = mask_host_bits(&c.addr, c.len) ? -EDOM : 0;
	*ret = c;
	return r;
}

bool cidr_mapped(struct cidr *ret, const struct cidr *c)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	struct cidr v4 = {.addr.v = 4};

	if (c->addr.v != 6 || c->len < 96 || memcmp(c->addr.b, prefix, sizeof(prefix)) != 0)
		return false;
	memcpy(v4.addr.b, c->addr.b + 12, 4);
	v4.len = (uint8_t)(c->len - 96);
	*ret = v4;
	return true;
}

/* The longest run of at least two zero groups, the first of equals. */
static void longest_zeros(const uint16_t g[8], int *start, int *count)
{
	*start = -1;
	*count = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !g[i + n])
			n++;
		if (n > *count) {
			*start = i;
			*count = n;
		}
		i += n;
	}
}

static char *put_hex(char *to, unsigned n)
{
	static const char digit[] = "0123456789abcdef";

	for (int shift = 12; shift >= 0; shift -= 4)
		if (n >> shift || !shift)
			*to++ = digit[n >> shift & 15];
	return to;
}

static void format6(char *buf, const struct ip *ip)
{
	uint16_t g[8];
	int start, count, groups = 8;
	char *p = buf, *end = buf + IP_STRLEN;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v4_tail = !memcmp(ip->b, mapped, sizeof(mapped));

	for (int i = 0; i < 8; i++)
		g[i] = (uint16_t)(ip->b[2 * i] << 8 | ip->b[2 * i + 1]);
	longest_zeros(g, &start, &count);
	if (v4_tail)
		groups = 6;
	for (int i = 0; i < groups; i++) {
		if (i == start) {
			*p++ = ':';
			*p++ = ':';
			i += count - 1;
			continue;
		}
		if (i && p[-1] != ':')
			*p++ = ':';
		p = put_hex(p, g[i]);
	}
	*p = 0;
	if (v4_tail)
		snprintf(p, (size_t)(end - p), ":%u.%u.%u.%u", ip->b[12], ip->b[13], ip->b[14],
			 ip->b[15]);
}

/* By hand: a summary formats a hundred thousand of them. */
static void format4(char *to, const uint8_t b[4])
{
	for (int i = 0; i < 4; i++) {
		if (b[i] >= 100)
			*to++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*to++ = (char)('0' + b[i] / 10 % 10);
		*to++ = (char)('0' + b[i] % 10);
		*to++ = i < 3 ? '.' : '\0';
	}
}

const char *ip_format(char *buf, const struct ip *ip)
{
	if (ip->v == 4)
		format4(buf, ip->b);
	else if (ip->v == 6)
		format6(buf, ip);
	else
		snprintf(buf, IP_STRLEN, "-");
	return buf;
}

const char *cidr_format(char *buf, const struct cidr *c)
{
	size_t n;

	ip_format(buf, &c->addr);
	n = strlen(buf);
	snprintf(buf + n, IP_STRLEN - n, "/%u", c->len);
	return buf;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
	if (a->v != b->v)
		return a->v < b->v ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

struct ip cidr_first(const struct cidr *c)
{
	return c->addr;
}

struct ip cidr_last(const struct cidr *c)
{
	struct ip ip = c->addr;

	for (unsigned i = c->len / 8; i < bytes_of(&ip); i++)
		ip.b[i] = (uint8_t)(ip.b[i] | (i == c->len / 8 ? 0xff >> c->len % 8 : 0xff));
	return ip;
}

bool cidr_has(const struct cidr *c, const struct ip *ip)
{
	struct ip masked = *ip;

	if (ip->v != c->addr.v)
		return false;
	mask_host_bits(&masked, c->len);
	return ip_cmp(&masked, &c->addr) == 0;
}

bool ip_next(struct ip *ip)
{
	struct ip n = *ip;

	for (unsigned i = bytes_of(ip); i-- > 0;) {
		if (++n.b[i]) {
			*ip = n;
			return true;
		}
	}
	return false;
}

bool ip_prev(struct ip *ip)
{
	struct ip n = *ip;

	for (unsigned i = bytes_of(ip); i-- > 0;) {
		if (n.b[i]--) {
			*ip = n;
			return true;
		}
	}
	return false;
}

struct ip ip_from_v4(uint32_t host_order)
{
	struct ip ip = {.v = 4};

	for (int i = 0; i < 4; i++)
		ip.b[i] = (uint8_t)(host_order >> (24 - 8 * i));
	return ip;
}

struct ip ip_from_bytes(int family_4_or_6, const void *bytes)
{
	struct ip ip = {.v = (uint8_t)family_4_or_6};

	memcpy(ip.b, bytes, bytes_of(&ip));
	return ip;
}

u128 ip_number(const struct ip *ip)
{
	u128 n = 0;

	if (ip->v == 4)
		return ip_v4(ip);
	for (int i = 0; i < 16; i++)
		n = n << 8 | ip->b[i];
	return n;
}

struct ip ip_from_number(bool is6, u128 n)
{
	struct ip ip = {.v = 6};

	if (!is6)
		return ip_from_v4((uint32_t)n);
	for (int i = 15; i >= 0; i--, n >>= 8)
		ip.b[i] = (uint8_t)n;
	return ip;
}
