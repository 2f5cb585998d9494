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

	cr_assert_eq(gap_start(&g, top, true), 0);
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
	gap_end(g);
	cr_expect_eq(lines(GAP_OPEN_FILE), 0);
	cr_expect_eq(lines(GAP_FILE), 2);
}

/* An agent that is killed has no chance to end anything. */
Test(gap, the_next_agent_ends_what_a_killed_one_left_open)
{
	struct gaps *g = NULL;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (gap_start(&g, top, true) == 0)
			gap_event(g, "place-db-stale", "too old");
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(lines(GAP_OPEN_FILE), 1);
	cr_assert_eq(gap_start(&g, top, true), 0);
	cr_expect_eq(lines(GAP_OPEN_FILE), 0);
	cr_expect_eq(lines(GAP_FILE), 2); /* it, and that no agent ran */
	cr_expect(strstr(text_of(GAP_FILE), "\"cause\":\"stale-places\""));
	cr_expect(strstr(text_of(GAP_FILE), "\"cause\":\"agent-down\""));
	gap_end(g);
}
