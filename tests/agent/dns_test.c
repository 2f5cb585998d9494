/* SPDX-License-Identifier: BSD-2-Clause */
/* dns_test.c - DNS answers by hand: chains, lives, hints, what nobody asked for; names as hostile
 * text; every answer cut at every byte. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/names/dns.h"

struct message {
	uint8_t b[2048];
	size_t n;
};

static void raw(struct message *m, const void *p, size_t n)
{
	cr_assert_leq(m->n + n, sizeof(m->b));
	memcpy(m->b + m->n, p, n);
	m->n += n;
}
static void u16(struct message *m, unsigned v)
{
	uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};

	raw(m, b, 2);
}
static void name(struct message *m, const char *s)
{
	while (*s) {
		size_t n = strcspn(s, ".");
		uint8_t len = (uint8_t)n;

		raw(m, &len, 1);
		raw(m, s, n);
		s += n + (s[n] == '.');
	}
	raw(m, "", 1);
}
static void question(struct message *m, const char *s, unsigned type, unsigned answers)
{
	m->n = 0;
	u16(m, 0x1234);
	u16(m, 0x8180);
	u16(m, 1);
	u16(m, answers);
	u16(m, 0);
	u16(m, 0);
	name(m, s);
	u16(m, type);
	u16(m, 1);
}
static void head(struct message *m, const char *owner, unsigned type, unsigned ttl, size_t len)
{
	if (owner)
		name(m, owner);
	else
		u16(m, 0xc00c);
	u16(m, type);
	u16(m, 1);
	u16(m, 0);
	u16(m, ttl);
	u16(m, (unsigned)len);
}
static void a(struct message *m, const char *owner, unsigned ttl, unsigned last)
{
	uint8_t ip[] = {3, 80, 0, (uint8_t)last};

	head(m, owner, 1, ttl, 4);
	raw(m, ip, 4);
}
static void cname(struct message *m, const char *owner, unsigned ttl, const char *to)
{
	head(m, owner, 5, ttl, strlen(to) + 2);
	name(m, to);
}

/* of its own, so that a byte too far is seen */
static int parse(struct dns_answer *ret, const struct message *m, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	int r;

	memcpy(copy, m->b, n);
	r = dns_parse(ret, copy, n);
	free(copy);
	return r;
}

static struct message m;
static struct dns_answer got;

static void cut_everywhere(void)
{
	struct dns_answer x;

	for (size_t i = 0; i < m.n; i++)
		cr_expect_lt(parse(&x, &m, i), 0, "cut at %zu of %zu", i, m.n);
}

Test(dns, addresses)
{
	char text[IP_STRLEN];

	question(&m, "API.Example.com", 1, 2);
	a(&m, NULL, 60, 1);
	a(&m, NULL, 30, 2);
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_expect_str_eq(got.chain[0], "api.example.com");
	cr_expect_eq(got.nchain, 1);
	cr_assert_eq(got.naddresses, 2);
	cr_expect_str_eq(ip_format(text, &got.address[0].ip), "3.80.0.1");
	cr_expect_eq(got.address[0].ttl, 60);
	cr_expect_eq(got.address[1].ttl, 30);
	cut_everywhere();
}

Test(dns, chain_in_any_order_and_the_least_life)
{
	question(&m, "a.example", 1, 3);
	a(&m, "c.vendor.net", 600, 7);
	cname(&m, "b.vendor.net", 5, "c.vendor.net");
	cname(&m, "a.example", 300, "b.vendor.net");
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_assert_eq(got.nchain, 3);
	cr_expect_str_eq(got.chain[1], "b.vendor.net");
	cr_expect_str_eq(got.chain[2], "c.vendor.net");
	cr_assert_eq(got.naddresses, 1);
	cr_expect_eq(got.address[0].ttl, 5);
	cr_expect_eq(got.address[0].length, 3);
	cut_everywhere();
}

Test(dns, loop_ends)
{
	question(&m, "a.example", 1, 3);
	cname(&m, "a.example", 60, "b.example");
	cname(&m, "b.example", 60, "a.example");
	a(&m, "b.example", 60, 1);
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_expect_eq(got.nchain, 2);
	cr_expect_eq(got.naddresses, 1);
}

Test(dns, long_chain_keeps_its_end)
{
	char from[16], to[16];

	question(&m, "n0.example", 1, 11);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(from, sizeof(from), "n%u.example", i);
		snprintf(to, sizeof(to), "n%u.example", i + 1);
		cname(&m, from, 60, to);
	}
	a(&m, "n10.example", 60, 1);
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_expect_eq(got.nchain, DNS_CHAIN_MAX);
	cr_expect_str_eq(got.chain[DNS_CHAIN_MAX - 1], "n10.example");
	cr_expect_eq(got.left_out, 5);
	cr_expect_eq(got.naddresses, 1);
}

Test(dns, nobody_asked_for_it)
{
	question(&m, "a.example", 1, 2);
	a(&m, "bank.example", 60, 6);
	a(&m, NULL, 60, 1);
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_expect_eq(got.naddresses, 1);
	cr_expect_eq(got.strange, 1);
}

Test(dns, hints)
{
	static const uint8_t svc[] = {0,  1, 0,	 0, 4, 0, 8,  3,    80, 0,    9,    3,
				      80, 0, 10, 0, 6, 0, 16, 0x26, 0,	0x1f, 0x18, 0,
				      0,  0, 0,	 0, 0, 0, 0,  0,    0,	0,    1};
	char text[IP_STRLEN];

	question(&m, "a.example", 65, 1);
	head(&m, NULL, 65, 90, sizeof(svc));
	raw(&m, svc, sizeof(svc));
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_assert_eq(got.naddresses, 3);
	cr_expect(got.address[0].hint);
	cr_expect_str_eq(ip_format(text, &got.address[1].ip), "3.80.0.10");
	cr_expect_str_eq(ip_format(text, &got.address[2].ip), "2600:1f18::1");
	cut_everywhere();
}

Test(dns, more_addresses_than_are_kept)
{
	question(&m, "a.example", 1, 40);
	for (unsigned i = 0; i < 40; i++)
		a(&m, NULL, 60, i);
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_expect_eq(got.naddresses, DNS_ADDRESSES_MAX);
	cr_expect_eq(got.left_out, 8);
}

Test(dns, what_is_no_answer)
{
	static const uint8_t loop[] = {0x12, 0x34, 0x81, 0x80, 0,  1, 0, 0, 0,
				       0,    0,	   0,	 0xc0, 12, 0, 1, 0, 1};

	question(&m, "a.example", 1, 0);
	m.b[2] = 1;
	cr_expect_eq(parse(&got, &m, m.n), -ENOMSG, "a question");
	memcpy(m.b, loop, m.n = sizeof(loop));
	cr_expect_eq(parse(&got, &m, m.n), -EINVAL, "a name that points to itself");
	question(&m, "a.example", 1, 1);
	a(&m, NULL, 60, 1);
	m.b[m.n - 5] = 200;
	cr_expect_eq(parse(&got, &m, m.n), -EINVAL, "data past the end");
}

Test(dns, truncated_keeps_what_is_whole)
{
	question(&m, "a.example", 1, 2);
	a(&m, NULL, 60, 1);
	m.b[2] |= 2;
	cr_assert_eq(parse(&got, &m, m.n), 0);
	cr_expect(got.truncated);
	cr_expect_eq(got.naddresses, 1);
}

Test(dns, hostile_text)
{
	static const struct {
		const char *what, *in, *out;
		size_t len;
	} rows[] = {
		{"upper case and a last dot", "A.Example.COM.", "a.example.com", 14},
		{"an escape sequence", "a\033[2J.example", "a\\027\\0912j.example", 13},
		{"a line end", "a\n.b", "a\\010.b", 4},
		{"letters that look alike", "\xd0\xb0.example", "\\208\\176.example", 10},
		{"international", "xn--bcher-kva.example", "xn--bcher-kva.example", 21},
		{"a NUL", "a\0b.c", "a\\000b.c", 5},
		{"a star", "*.example", "\\042.example", 9},
		{"an empty label", "a..b", "", 4},
		{"a dot before", ".b", "", 2},
		{"nothing", "", "", 0},
	};
	char ret[NAMES_TEXT], longest[300];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		(void)names_text(ret, (const uint8_t *)rows[i].in, rows[i].len);
		cr_expect_str_eq(ret, rows[i].out, "%s: '%s'", rows[i].what, ret);
	}
	memset(longest, 'a', sizeof(longest));
	cr_expect_eq(names_text(ret, (const uint8_t *)longest, 64), -EINVAL);
	cr_expect_eq(names_text(ret, (const uint8_t *)longest, 63), 0);
	for (unsigned i = 50; i < sizeof(longest); i += 51)
		longest[i] = '.';
	cr_expect_eq(names_text(ret, (const uint8_t *)longest, 253), 0);
	cr_expect_eq(strlen(ret), 253);
	cr_expect_eq(names_text(ret, (const uint8_t *)longest, 254), -EINVAL);
}
