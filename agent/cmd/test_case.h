/* SPDX-License-Identifier: BSD-2-Clause */
/* test_case.h - a file of expectations for 'cordon test': who -> where, and what the policy should say of it. */
#ifndef AGENT_CMD_TEST_CASE_H
#define AGENT_CMD_TEST_CASE_H
#include <stdbool.h>
#include "agent/cmd/explain.h"
#include "geo/base/diag.h"
#include "rules/parse/arena.h"

#define TEST_CASES_MAX 100000
#define TEST_LINE_MAX  1024 /* bytes */

struct test_case {
	unsigned line;
	char *text; /* the line, without comment, blanks squeezed */
	struct explain_question question;
	enum decide_action want;
	const char *label; /* NULL: whichever rule */
};
/* All of it is in the region. */
struct test_file {
	struct arena *memory; /* owned */
	struct test_case *cases;
	size_t n;
	char *assumed; /* its 'place' lines, a statement of the policy each; a newline behind each */
	size_t assumed_len;
	unsigned *assumed_line; /* where each of them stands */
	size_t nassumed;
};
/* Reads a file of cases. 0; -EINVAL: every error went to d; another -errno, reported. *ret is to be
 * freed in any case. now: the time for cases without 'on DATE'. */
int test_file_read(struct test_file *ret, const char *path, int64_t now, struct diag_sink *d);
void test_file_free(struct test_file *f);
#endif
