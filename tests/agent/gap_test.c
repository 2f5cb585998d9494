/* SPDX-License-Identifier: BSD-2-Clause */
/* gap_test.c - gaps that are open: said while they last, ended by the next agent when theirs was killed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
