/* SPDX-License-Identifier: BSD-2-Clause */
/* gap_test.c - gaps that are open: said while they last, ended by the next agent when theirs was killed. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/daemon/gap.h"
#include "tests/lib/leaks.h"

static char top[64];

static void make_top(void)
{
	snprintf(top, sizeof(top), "%s/gapXXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	cr_assert(mkdtemp(top));
}

static void drop_top(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	cr_assert_eq(system(cmd), 0);
	no_leaks();
}
TestSuite(gap, .init = make_top, .fini = drop_top, .timeout = 30);

/* The whole file; "" when there is none. */
static const char *text_of(const char *name)
{
	static char text[8192];
	char path[128];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = 0;
	return text;
}

static unsigned ntold, nunjudged;
static char last_cause[64], last_detail[64];

static void told(void *arg, const struct event_gap *g, const char *detail)
{
	cr_expect_null(arg);
	cr_expect_geq(g->end_ns, g->start_ns);
	ntold++;
	nunjudged += gap_is_unjudged(g);
	snprintf(last_cause, sizeof(last_cause), "%s", g->cause);
	snprintf(last_detail, sizeof(last_detail), "%s", detail);
}

static unsigned lines(const char *name)
{
	unsigned n = 0;

	for (const char *s = text_of(name); (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

Test(gap, open_ones_stand_in_a_file_until_they_end)
{
	struct gaps *g = NULL;

	cr_assert_eq(gap_start(&g, top, true, told, NULL), 0);
	gap_event(g, "place-db-stale", "too old");
	gap_event(g, "place-db-stale", "still too old");
	gap_event(g, "guard-blind", "no memory");
	cr_expect_eq(lines(GAP_OPEN_FILE), 2);
	cr_expect(strstr(text_of(GAP_OPEN_FILE), "\"cause\":\"stale-places\""));
	cr_expect(!strstr(text_of(GAP_OPEN_FILE), "\"end\""));
	cr_expect_eq(lines(GAP_FILE), 0);
	gap_event(g, "guard-sees", "");
	cr_expect_eq(lines(GAP_OPEN_FILE), 1);
	cr_expect_eq(lines(GAP_FILE), 1);
	cr_expect_eq(ntold, 1, "each that is written is told");
	cr_expect_str_eq(last_cause, "guard-blind");
	cr_expect_str_eq(last_detail, "no memory");
	gap_close(g);
	cr_expect_eq(lines(GAP_OPEN_FILE), 0);
	cr_expect_eq(lines(GAP_FILE), 2);
	cr_expect_eq(ntold, 2);
	cr_expect_str_eq(last_cause, "stale-places");
	cr_expect_eq(nunjudged, 0);
	gap_end(g);
	cr_expect_eq(ntold, 2);
}

static void alive_is(const char *fmt, ...)
{
	char path[128];
	va_list va;
	FILE *f;

	snprintf(path, sizeof(path), "%s/" GAP_ALIVE, top);
	f = fopen(path, "w");
	cr_assert(f);
	va_start(va, fmt);
	vfprintf(f, fmt, va);
	va_end(va);
	fclose(f);
}

static uint64_t ns_of(clockid_t id)
{
	struct timespec t;

	cr_assert_eq(clock_gettime(id, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t last_ns;
static void told_length(void *arg, const struct event_gap *g, const char *detail)
{
	told(arg, g, detail);
	last_ns = g->end_ns - g->start_ns;
}

/* The agent was down for an hour; what the wall clock made of it meanwhile is another matter. */
Test(gap, a_clock_that_is_set_neither_hides_nor_stretches)
{
	static const int64_t jumps[] = {0, -86400, 86400, -3600, 3600, 5 * 365 * 86400ll};
	const uint64_t hour = 3600ull * 1000000000u;
	char boot[40] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	cr_assert(f && fscanf(f, "%39s", boot) == 1);
	fclose(f);
	if (ns_of(CLOCK_BOOTTIME) < hour)
		cr_skip("this host was started within the last hour");
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct gaps *g = NULL;

		alive_is("%020llu %s %020llu\n",
			 (unsigned long long)((int64_t)(ns_of(CLOCK_REALTIME) - hour) -
					      jumps[i] * 1000000000),
			 boot, (unsigned long long)(ns_of(CLOCK_BOOTTIME) - hour));
		ntold = 0;
		cr_assert_eq(gap_start(&g, top, true, told_length, NULL), 0);
		cr_expect_eq(ntold, 1, "row %zu", i);
		cr_expect_str_eq(last_cause, "agent-down");
		cr_expect(last_ns >= hour && last_ns < hour + hour / 2, "row %zu: %lu ns", i,
			  last_ns);
		gap_end(g);
	}
}

/* Another boot, and a clock that begins in its past (no battery): there was a gap all the same. */
Test(gap, a_host_that_comes_back_in_its_past)
{
	struct gaps *g = NULL;

	alive_is("%020llu another-boot %020llu\n",
		 (unsigned long long)ns_of(CLOCK_REALTIME) + 86400 * 1000000000ull, 5ull);
	cr_assert_eq(gap_start(&g, top, false, told, NULL), 0);
	cr_expect_eq(ntold, 2);
	cr_expect_str_eq(last_cause, "boot");
	cr_expect(strstr(text_of(GAP_FILE), "\"cause\":\"host-down\""));
	cr_expect(strstr(text_of(GAP_FILE), "its clock is behind"));
	gap_end(g);
	/* as an agent before this release wrote it */
	alive_is("%020llu another-boot\n",
		 (unsigned long long)ns_of(CLOCK_REALTIME) - 86400 * 1000000000ull);
	ntold = 0;
	cr_assert_eq(gap_start(&g, top, false, told, NULL), 0);
	cr_expect_eq(ntold, 2);
	gap_end(g);
}

/* An agent that is killed has no chance to end anything. */
Test(gap, the_next_agent_ends_what_a_killed_one_left_open)
{
	struct gaps *g = NULL;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (gap_start(&g, top, true, told, NULL) == 0)
			gap_event(g, "place-db-stale", "too old");
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(lines(GAP_OPEN_FILE), 1);
	cr_assert_eq(gap_start(&g, top, true, told, NULL), 0);
	cr_expect_eq(lines(GAP_OPEN_FILE), 0);
	cr_expect_eq(lines(GAP_FILE), 2); /* it, and that no agent ran */
	cr_expect(strstr(text_of(GAP_FILE), "\"cause\":\"stale-places\""));
	cr_expect(strstr(text_of(GAP_FILE), "\"cause\":\"agent-down\""));
	cr_expect_eq(ntold, 2);
	cr_expect_eq(nunjudged, 0, "the programs were in force");
	gap_end(g);
	cr_assert_eq(gap_start(&g, top, false, told, NULL), 0);
	cr_expect_eq(ntold, 3);
	cr_expect_eq(nunjudged, 1, "nothing was attached");
	gap_end(g);
}
