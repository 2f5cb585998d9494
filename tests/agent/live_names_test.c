/* SPDX-License-Identifier: BSD-2-Clause */
/* live_names_test.c - the kernel's copies become names of flows: whose answer, which flow, in how many pieces; what lies, and what is too much. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "agent/source/live_names.h"

#define SECOND 1000000000ull
#define NOW    (1795430400 * SECOND)

static struct live_names *n;

static void setup(void)
{
	cr_assert_eq(live_names_new(&n), 0);
}
static void teardown(void)
{
	live_names_free(n);
}
TestSuite(live_names, .init = setup, .fini = teardown);

static struct kernel_record flow(int pid, uint64_t cookie, unsigned last, uint64_t at)
{
	return (struct kernel_record){.dst = ip_from_v4(0x03500000u + last),
				      .dport = 443,
				      .proto = 6,
				      .pid = pid,
				      .start_ns = 7,
				      .cookie = cookie,
				      .first_ns = at};
}

static void bytes(const struct kernel_record *r, enum abi_names_kind kind, uint32_t offset,
		  const void *p, size_t len)
{
	struct kernel_bytes b = {
		.record = *r, .kind = kind, .offset = offset, .bytes = p, .length = len};

	live_names_bytes(n, &b);
}

/* An answer: name A last, ttl. Returns its length. */
static size_t message(uint8_t *m, const char *name, unsigned last, uint8_t ttl)
{
	static const uint8_t head[12] = {0, 1, 0x81, 0x80, 0, 1, 0, 1};
	const uint8_t question[] = {0, 0, 1, 0, 1};
	const uint8_t record[] = {
		0xc0,	      12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, 3, 0x50, (uint8_t)(last >> 8),
		(uint8_t)last};
	size_t at = sizeof(head);

	memcpy(m, head, sizeof(head));
	while (*name) {
		size_t label = strcspn(name, ".");

		m[at++] = (uint8_t)label;
		memcpy(m + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	memcpy(m + at, question, sizeof(question));
	at += sizeof(question);
	memcpy(m + at, record, sizeof(record));
	return at + sizeof(record);
}

static void answer(int pid, const char *name, unsigned last, uint8_t ttl, uint64_t at)
{
	struct kernel_record r = flow(pid, 1000 + (uint64_t)pid, 53, at);
	uint8_t m[512];

	bytes(&r, ABI_NAMES_ANSWER, 0, m, message(m, name, last, ttl));
}

static void says(const struct kernel_record *r, const char *name)
{
	char text[400];
	int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", name);

	bytes(r, ABI_NAMES_STREAM, 0, text, (size_t)len);
}

/* "grade name status" of the best claim, or "-". */
static const char *known(const struct kernel_record *r)
{
	static char text[400];
	const struct event_names *e = live_names_of(n, r);

	if (!e || !e->n)
		return "-";
	snprintf(text, sizeof(text), "%s %s %s", event_name_grade_text(event_name_grade(&e->v[0])),
		 e->v[0].name, event_names_status(e));
	return text;
}
#define is(r, want) cr_expect_str_eq(known(&(r)), want, "%d: %s", __LINE__, known(&(r)))

Test(live_names, whose)
{
	struct kernel_record mine = flow(1, 1, 1, NOW + SECOND), his = flow(2, 2, 1, NOW + SECOND);

	answer(1, "a.test", 1, 60, NOW);
	is(mine, "asked a.test asked");
	is(his, "others a.test others");
	his = flow(1, 3, 1, NOW + SECOND);
	his.start_ns = 8; /* the number again, another process */
	is(his, "others a.test others");
	mine.opened = OPENED_PEER;
	is(mine, "-");
}

Test(live_names, when)
{
	struct kernel_record r = flow(1, 1, 1, NOW - SECOND),
			     old = flow(1, 2, 1, NOW + 100 * SECOND);

	answer(1, "a.test", 1, 60, NOW);
	is(r, "-");			  /* it began before the answer */
	is(old, "-");			  /* it had expired */
	r = flow(1, 4, 1, NOW - 4000000); /* the kernel's clock of packets is a tick behind */
	is(r, "asked a.test asked");
	r = flow(1, 3, 1, NOW + SECOND);
	is(r, "asked a.test asked");
	answer(1, "b.test", 1, 60, NOW + 2 * SECOND);
	is(r, "asked a.test asked"); /* what it was told stays */
}

Test(live_names, own_word)
{
	struct kernel_record r = flow(1, 1, 1, NOW), next = flow(1, 2, 1, NOW);

	says(&r, "a.test");
	is(r, "said a.test said");
	is(next, "-"); /* a neighbour on the same address */
	answer(1, "c.test", 2, 60, NOW);
	r = flow(1, 3, 2, NOW);
	says(&r, "a.test");
	is(r, "said a.test disputed");
	says(&r, "c.test"); /* the first word stays */
	is(r, "said a.test disputed");
	live_names_end(n, &r);
	is(r, "asked c.test asked");
}

/* An answer to another process changes nothing of what this one asked or said. */
Test(live_names, poisoned)
{
	struct kernel_record r = flow(1, 1, 1, NOW + SECOND);

	answer(2, "evil.test", 1, 255, NOW);
	answer(1, "a.test", 1, 60, NOW);
	is(r, "asked a.test asked");
	says(&r, "a.test");
	is(r, "said a.test verified");
}

Test(live_names, pieces)
{
	static const char hello[] = "GET / HTTP/1.1\r\nX: y\r\nHost: split.test\r\n\r\n";
	struct kernel_record r = flow(1, 1, 1, NOW);

	bytes(&r, ABI_NAMES_STREAM, 20, hello + 20, 12);
	bytes(&r, ABI_NAMES_STREAM, 0, hello, 20);
	is(r, "-");
	bytes(&r, ABI_NAMES_STREAM, 0, "GET / HTTP/1.1\r\nHost: o.test\r\n\r\n", 32);
	bytes(&r, ABI_NAMES_STREAM, 32, hello + 32, sizeof(hello) - 33);
	is(r, "said split.test said"); /* bytes that came first stay */
}

Test(live_names, over_tcp)
{
	uint8_t m[512], s[1200];
	size_t one = message(m, "a.test", 1, 60), at = 0;
	struct kernel_record ask = flow(1, 9, 53, NOW), r = flow(1, 1, 1, NOW),
			     q = flow(1, 2, 2, NOW);

	for (unsigned i = 1; i <= 2; i++) {
		one = message(m, i == 1 ? "a.test" : "b.test", i, 60);
		s[at++] = 0;
		s[at++] = (uint8_t)one;
		memcpy(s + at, m, one);
		at += one;
	}
	bytes(&ask, ABI_NAMES_ANSWERS, 0, s, 10);
	bytes(&ask, ABI_NAMES_ANSWERS, 10, s + 10, one);
	is(r, "asked a.test asked");
	bytes(&ask, ABI_NAMES_ANSWERS, (uint32_t)(10 + one), s + 10 + one, at - 10 - one);
	is(q, "asked b.test asked");
}

Test(live_names, broken)
{
	struct live_names_counts c;
	uint8_t m[512];
	size_t len = message(m, "a.test", 1, 60);
	struct kernel_record r = flow(1, 9, 53, NOW);

	bytes(&r, ABI_NAMES_ANSWER, 0, m, len - 3);
	live_names_counts(n, &c);
	cr_expect_eq(c.naming.broken, 1);
	cr_expect_eq(c.naming.answers, 0);
}

Test(live_names, full)
{
	struct live_names_counts c;
	char name[32];

	for (unsigned i = 0; i < 2 * LIVE_NAMES_FLOWS; i++) {
		struct kernel_record r = flow(1, i + 1, 1, NOW);

		snprintf(name, sizeof(name), "n%u.test", i % 100);
		says(&r, name);
	}
	live_names_counts(n, &c);
	cr_expect_geq(c.given_up, LIVE_NAMES_FLOWS);
	cr_expect_eq(c.naming.said, 2 * LIVE_NAMES_FLOWS);
}
