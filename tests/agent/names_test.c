/* SPDX-License-Identifier: BSD-2-Clause */
/* names_test.c - users' names without waiting: a slow service, one that fails, more questions than room. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/host/names.h"

static atomic_uint asked, slow_ms, fails;

static int answer(uint32_t uid, char name[NAMES_LEN])
{
	asked++;
	if (slow_ms)
		usleep(slow_ms * 1000);
	if (fails)
		return -EIO;
	if (uid >= 100000)
		return -ENOENT;
	text_put(name, NAMES_LEN, "u%u", uid);
	return 0;
}
static int number(const char *name, uint32_t *uid)
{
	asked++;
	if (slow_ms)
		usleep(slow_ms * 1000);
	if (strcmp(name, "postgres") != 0)
		return -ENOENT;
	*uid = 113;
	return 0;
}
static const struct names_service service = {answer, number};

static uint64_t ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

Test(names, the_first_answer_is_not_yet_then_the_name)
{
	char buf[NAMES_LEN];
	struct names *n;
	uint32_t uid;

	cr_assert_eq(names_new(&n, &service), 0);
	cr_expect_eq(names_user(n, 7, buf), -EAGAIN);
	cr_expect_eq(names_user(n, 100007, buf), -EAGAIN);
	cr_expect_eq(names_uid(n, "postgres", &uid), -EAGAIN);
	cr_expect_eq(names_uid(n, "nobody-here", &uid), -EAGAIN);
	cr_assert_eq(names_settle(n, 5000), 0);
	cr_expect_eq(names_user(n, 7, buf), 0);
	cr_expect_str_eq(buf, "u7");
	cr_expect_eq(names_user(n, 100007, buf), -ENOENT);
	cr_expect_eq(names_uid(n, "postgres", &uid), 0);
	cr_expect_eq(uid, 113);
	cr_expect_eq(names_uid(n, "nobody-here", &uid), -ENOENT);
	cr_expect_eq(asked, 4, "kept, not asked again");
	cr_expect_eq(names_user(n, 113, buf), 0, "the policy's name is the events' name");
	cr_expect_str_eq(buf, "postgres");
	names_free(n);
}

Test(names, nobody_waits_for_a_slow_service, .timeout = 20)
{
	char buf[NAMES_LEN];
	uint64_t began = ms_now();
	struct names *n;

	slow_ms = 3000;
	cr_assert_eq(names_new(&n, &service), 0);
	for (uint32_t uid = 0; uid < 5000; uid++)
		cr_expect_eq(names_user(n, uid, buf), -EAGAIN);
	cr_expect_eq(names_settle(n, 50), -ETIMEDOUT);
	names_free(n);
	cr_expect_lt(ms_now() - began, 1500u, "%u", (unsigned)(ms_now() - began));
}

Test(names, a_held_name_is_not_said)
{
	char buf[NAMES_LEN];
	struct names *n;
	uint32_t uid;

	cr_assert_eq(names_new(&n, &service), 0);
	names_hold(n, "u7");
	names_hold(n, "postgres");
	names_user(n, 7, buf);
	names_uid(n, "postgres", &uid);
	cr_assert_eq(names_settle(n, 5000), 0);
	cr_expect_eq(names_user(n, 7, buf), -EAGAIN);
	cr_expect_eq(names_user(n, 113, buf), -EAGAIN);
	cr_expect_eq(names_uid(n, "postgres", &uid), 0, "who holds it may ask");
	names_release(n, "u7");
	cr_expect_eq(names_user(n, 7, buf), 0);
	cr_expect_eq(names_user(n, 113, buf), -EAGAIN);
	names_release(n, "postgres");
	cr_expect_eq(names_user(n, 113, buf), 0);
	names_free(n);
}

Test(names, an_event_waits_for_the_quick_only, .timeout = 20)
{
	char buf[NAMES_LEN];
	uint64_t began;
	struct names *n;

	cr_assert_eq(names_new(&n, &service), 0);
	usleep(20000); /* the thread is there */
	cr_expect_eq(names_user_soon(n, 7, buf), 0);
	cr_expect_str_eq(buf, "u7");
	slow_ms = 3000;
	began = ms_now();
	for (uint32_t uid = 100; uid < 1100; uid++)
		cr_expect_eq(names_user_soon(n, uid, buf), -EAGAIN);
	cr_expect_lt(ms_now() - began, 500u, "%u", (unsigned)(ms_now() - began));
	names_free(n);
}

Test(names, what_found_no_room_is_asked_by_a_later_call, .timeout = 20)
{
	char buf[NAMES_LEN];
	struct names *n;
	unsigned known = 0;

	slow_ms = 1;
	cr_assert_eq(names_new(&n, &service), 0);
	for (int turn = 0; turn < 8; turn++) {
		for (uint32_t uid = 0; uid < 4 * NAMES_QUEUE; uid++)
			names_user(n, uid, buf);
		cr_assert_eq(names_settle(n, 5000), 0);
	}
	for (uint32_t uid = 0; uid < 4 * NAMES_QUEUE; uid++)
		known += names_user(n, uid, buf) == 0;
	cr_expect_geq(known, 3u * NAMES_QUEUE, "%u", known);
	names_free(n);
}

Test(names, a_failure_is_nobody_for_now)
{
	char buf[NAMES_LEN];
	struct names *n;

	fails = 1;
	cr_assert_eq(names_new(&n, &service), 0);
	cr_expect_eq(names_user(n, 7, buf), -EAGAIN);
	cr_assert_eq(names_settle(n, 5000), 0);
	cr_expect_eq(names_user(n, 7, buf), -ENOENT);
	names_free(n);
}

Test(names, the_real_service_knows_root)
{
	char buf[NAMES_LEN], big[NAMES_LEN + 1];
	struct names *n;
	uint32_t uid = 7;

	memset(big, 'a', NAMES_LEN);
	big[NAMES_LEN] = 0;
	cr_assert_eq(names_new(&n, NULL), 0);
	names_user(n, 0, buf);
	names_uid(n, "root", &uid);
	cr_expect_eq(names_uid(n, big, &uid), -ENAMETOOLONG);
	cr_assert_eq(names_settle(n, 20000), 0);
	cr_expect_eq(names_user(n, 0, buf), 0);
	cr_expect_str_eq(buf, "root");
	cr_expect_eq(names_uid(n, "root", &uid), 0);
	cr_expect_eq(uid, 0);
	names_free(n);
}
