/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns.c - reads a DNS answer twice: first the aliases, each of which must follow on the one before,
 * then the addresses of the names that they lead to. A record of a name that nobody asked for is
 * counted and not taken: that is how a poisoned answer looks.
 */
#include <errno.h>
#include <string.h>
#include "agent/base/cursor.h"
#include "agent/names/dns.h"

#define HEADER	    12u
#define RECORDS_MAX 256u
#define TYPE_A	    1
#define TYPE_CNAME  5
#define TYPE_AAAA   28
#define TYPE_SVCB   64
#define TYPE_HTTPS  65
#define CLASS_IN    1
#define KEY_IPV4    4 /* of an SVCB record: hints */
#define KEY_IPV6    6

struct record {
	char owner[NAMES_TEXT];
	uint16_t type, class;
	uint32_t ttl;
	const uint8_t *data;
	size_t at, len; /* of the data, in the message */
};
struct message {
	const uint8_t *p;
	size_t len, at;
	uint32_t ttl[DNS_CHAIN_MAX]; /* the least up to each name of the chain */
};

/* A name that is no text is one that nobody asked for. 0, or -EINVAL: the message ends. */
static int record(struct message *m, struct record *ret)
{
	const uint8_t *p;

	if (names_text_dns(ret->owner, m->p, m->len, &m->at) < 0 || m->len - m->at < 10)
		return -EINVAL;
	p = m->p + m->at;
	ret->type = be16(p);
	ret->class = be16(p + 2);
	ret->ttl = be32(p + 4) > INT32_MAX ? 0 : be32(p + 4); /* RFC 2181, 8 */
	ret->len = be16(p + 8);
	ret->at = m->at + 10;
	ret->data = p + 10;
	if (m->len - ret->at < ret->len)
		return -EINVAL;
	m->at = ret->at + ret->len;
	return 0;
}

/* The place of a name in the chain, from 1; 0: it is not there. */
static unsigned in_chain(const struct dns_answer *a, const char *name)
{
	for (unsigned i = 0; i < a->nchain; i++)
		if (!strcmp(a->chain[i], name))
			return i + 1;
	return 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* An alias of the chain's last name. */
static void alias(struct message *m, struct dns_answer *a, const struct record *r)
{
	unsigned last = a->nchain - 1;
	size_t at = r->at;
	char to[NAMES_TEXT];

	if (strcmp(a->chain[last], r->owner) != 0 || names_text_dns(to, m->p, m->len, &at) < 0 ||
	    !*to || in_chain(a, to))
		return;
	if (a->nchain == DNS_CHAIN_MAX) {
		a->left_out++;
		memcpy(a->chain[last], to, sizeof(to)); /* the end matters more than the middle */
		m->ttl[last] = least(m->ttl[last], r->ttl);
		return;
	}
	memcpy(a->chain[a->nchain], to, sizeof(to));
	m->ttl[a->nchain++] = least(m->ttl[last], r->ttl);
}

static void address(struct dns_answer *a, int family, const uint8_t *bytes, uint32_t ttl,
		    unsigned length, bool hint)
{
	struct ip ip = ip_from_bytes(family, bytes);

	for (unsigned i = 0; i < a->naddresses; i++)
		if (!ip_cmp(&a->address[i].ip, &ip))
			return;
	if (a->naddresses == DNS_ADDRESSES_MAX) {
		a->left_out++;
		return;
	}
	a->address[a->naddresses++] = (struct dns_address){ip, ttl, (uint8_t)length, hint};
}

/* Priority, target, then parameters: key, length, value. */
static void service(struct message *m, struct dns_answer *a, const struct record *r, uint32_t ttl,
		    unsigned length)
{
	size_t at = r->at + 2, end = r->at + r->len;
	char target[NAMES_TEXT];

	if (r->len < 3 || !be16(r->data) || /* 0: an alias, which has no hints */
	    names_text_dns(target, m->p, end, &at) < 0)
		return;
	while (at + 4 <= end) {
		uint16_t key = be16(m->p + at), n = be16(m->p + at + 2);
		size_t one = key == KEY_IPV4 ? 4 : 16;

		at += 4;
		if (n > end - at)
			return;
		if (key == KEY_IPV4 || key == KEY_IPV6)
			for (size_t i = 0; i + one <= n; i += one)
				address(a, one == 4 ? 4 : 6, m->p + at + i, ttl, length, true);
		at += n;
	}
}

static void take(struct message *m, struct dns_answer *a, const struct record *r)
{
	unsigned length;
	uint32_t ttl;
	bool v4 = r->type == TYPE_A && r->len == 4, v6 = r->type == TYPE_AAAA && r->len == 16;
	bool svc = r->type == TYPE_HTTPS || r->type == TYPE_SVCB;

	if (r->class != CLASS_IN || (!v4 && !v6 && !svc))
		return;
	length = in_chain(a, r->owner);
	if (!length) {
		a->strange++;
		return;
	}
	ttl = least(m->ttl[length - 1], r->ttl);
	if (svc)
		service(m, a, r, ttl, length);
	else
		address(a, v4 ? 4 : 6, r->data, ttl, length, false);
}

/* Every record of the answers; those of the other sections are nobody's answer. */
static int walk(struct message *m, struct dns_answer *a, unsigned n,
		void (*see)(struct message *m, struct dns_answer *a, const struct record *r))
{
	struct record r;

	for (unsigned i = 0; i < n; i++) {
		if (record(m, &r) < 0)
			return a->truncated ? 0 : -EINVAL;
		see(m, a, &r);
	}
	return 0;
}

static void see_alias(struct message *m, struct dns_answer *a, const struct record *r)
{
	if (r->type == TYPE_CNAME && r->class == CLASS_IN)
		alias(m, a, r);
}

/* Aliases may stand in any order: as many passes as there can be names. */
static int answers(struct message *m, struct dns_answer *a, unsigned n)
{
	size_t begin = m->at;
	unsigned before = 0;
	int r = 0;

	while (r == 0 && before != a->nchain && a->nchain < DNS_CHAIN_MAX) {
		before = a->nchain;
		m->at = begin;
		r = walk(m, a, n, see_alias);
	}
	m->at = begin;
	return r < 0 ? r : walk(m, a, n, take);
}

int dns_parse(struct dns_answer *ret, const uint8_t *msg, size_t len)
{
	struct message m = {.p = msg, .len = len, .at = HEADER};
	unsigned n;

	if (len < HEADER || !(msg[2] & 0x80) || msg[2] & 0x78 || be16(msg + 4) != 1)
		return -ENOMSG;
	*ret = (struct dns_answer){
		.id = be16(msg), .rcode = msg[3] & 15, .truncated = msg[2] & 2, .nchain = 1};
	n = be16(msg + 6);
	if (names_text_dns(ret->chain[0], msg, len, &m.at) < 0 || len - m.at < 4)
		return -EINVAL;
	ret->type = be16(msg + m.at);
	if (be16(msg + m.at + 2) != CLASS_IN || !ret->chain[0][0])
		return -ENOMSG;
	m.at += 4;
	m.ttl[0] = UINT32_MAX;
	return answers(&m, ret, n < RECORDS_MAX ? n : RECORDS_MAX);
}
