/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_test.c - memory that runs out at any moment is an error, never a crash, a leak or half a
 * policy.
 *
 * malloc, calloc and realloc of this program fail at the N-th call (and, in a second pass, from the
 * N-th on), for every N that a parse, print, lint and compile reach.
 */
#include <errno.h>
#include "tests/rules/fixture.h"
#include "tests/lib/alloc.h"
#include "tests/lib/leaks.h"

TestSuite(memory, .fini = no_leaks);

static long countdown = -1; /* calls until one fails; -1: none does */
static bool for_good;
static long calls;

static bool fails(void)
{
	if (countdown < 0)
		return false;
	calls++;
	if (countdown > 0) {
		countdown--;
		return false;
	}
	if (!for_good)
		countdown = -1;
	return true;
}

void *malloc(size_t n)
{
	return fails() ? NULL : REAL_ALLOC(malloc)(n);
}
void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : REAL_ALLOC(calloc)(n, size);
}
void *realloc(void *p, size_t n)
{
	return fails() ? NULL : REAL_ALLOC(realloc)(p, n);
}

static char text[1 << 15];

/* Large enough for lists to grow and for arenas to take several chunks. */
static void make_text(void)
{
	size_t n = (size_t)snprintf(
		text, sizeof(text),
		"home DE 50 8 \"x\"\ninside 10.0.0.0/8\nplace 192.0.2.0/24 is DE provider aws under US\n"
		"zone t { eea CH }\nservice s { tcp 1-5 udp icmp }\nsubject d { unit \"x\" user y }\n"
		"feed file \"/x\"\ngeo \"/y\" max-age 5d\njournal \"/z\"\n");

	for (int i = 0; i < 120; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "alert from d, address 10.%d.0.0/16 to t, FR, "
				      "203.0.113.%d, provider p%d region \"e*\" under US "
				      "port %d until 2027-01-01 because \"%d\"\n",
				      i % 5, i, i % 7, i % 30 + 1, i);
	snprintf(text + n, sizeof(text) - n, "allow to eea\nblock to any\n");
}

/* 0, or the first error. */
static int everything(void)
{
	struct diag_sink quiet = {0};
	struct place_class classes[3] = {place_in("DE", PLACE_KNOWN), place_in("US", PLACE_KNOWN),
					 place_in("", 0)};
	struct compile_env env = {
		.classes = classes, .nclasses = 3, .string = string_of, .now = NOW, .live = 1};
	struct policy *p = NULL;
	struct compiled *c = NULL;
	char *printed;
	int err = policy_parse(&p, "f", text, strlen(text), &quiet);

	if (err)
		return quiet.errors && !p ? err : -EPROTO;
	printed = policy_print(p);
	if (!printed)
		err = -ENOMEM;
	free(printed);
	policy_lint(p, NOW, &quiet);
	if (!err)
		err = policy_compile(&c, p, &env, &quiet);
	if (err && c)
		err = -EPROTO;
	if (!err)
		compiled_free(c);
	policy_free(p);
	return err;
}

static void fail_everywhere(bool good)
{
	int err;

	/* libcrypto remembers for ever that its own start had no memory: let it start first */
	cr_assert_eq(everything(), 0);
	for (long n = 0; n < 100000; n++) {
		for_good = good;
		calls = 0;
		countdown = n;
		err = everything();
		countdown = -1;
		if (calls <= n) {
			cr_assert_eq(err, 0, "with all the memory it works: %d after %ld calls",
				     err, calls);
			cr_expect(n > 20, "only %ld calls were tried", n);
			return;
		}
		/* lint says in a warning that it had no memory, and the policy is good all the same
		 */
		cr_assert(err == -ENOMEM || (!err && !good), "call %ld: %d", n, err);
	}
	cr_assert_fail("it never ends");
}

Test(memory, one_call_fails)
{
	make_text();
	fail_everywhere(false);
}

Test(memory, all_calls_fail_from_then_on)
{
	make_text();
	fail_everywhere(true);
}
