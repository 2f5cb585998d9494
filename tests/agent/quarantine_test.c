/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine_test.c - the file of addresses in quarantine: what is written is read, what is over is left out, what is broken is said. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/engine/quarantine.h"
#include "tests/lib/leaks.h"

TestSuite(quarantine, .fini = no_leaks);

static struct quarantine_entry entry(const char *to, int64_t until, const char *because)
{
	struct quarantine_entry e = {.until = until, .since = 100};

	cr_assert_eq(cidr_parse(&e.to, to), 0);
	text_put(e.because, sizeof(e.because), "%s", because);
	return e;
}

static void file(char path[64], const char *text)
{
	int fd;

	text_put(path, 64, "/tmp/cordon-quarantine.XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

Test(quarantine, round)
{
	struct quarantine *q = calloc(1, sizeof(*q)), *r = calloc(1, sizeof(*r));
	struct quarantine_entry e[3] = {entry("203.0.113.7", 2000, "incident 4711, at night"),
					entry("2001:db8::/32", 3000, "x"),
					entry("203.0.113.7", 4000, "longer")};
	struct diag_sink d = {};
	char path[64];

	file(path, "");
	for (int i = 0; i < 3; i++)
		cr_expect_eq(quarantine_put(q, &e[i]), 0);
	cr_expect_eq(q->n, 2, "an address stands there once");
	cr_assert_eq(quarantine_write(q, path, &d), 0);
	cr_assert_eq(quarantine_read(r, path, 1000, &d), 0);
	cr_assert_eq(r->n, 2);
	cr_expect_eq(r->entry[0].until, 4000);
	cr_expect_eq(r->entry[0].since, 100);
	cr_expect_str_eq(r->entry[0].because, "longer");
	cr_expect_eq(r->entry[1].to.len, 32);
	cr_assert_eq(quarantine_read(r, path, 3000, &d), 0);
	cr_expect_eq(r->n, 1, "what ends now is over");
	cr_expect_eq(quarantine_drop(r, &e[1].to), -2 /* -ENOENT */);
	cr_expect_eq(quarantine_drop(r, &e[0].to), 0);
	cr_expect_eq(r->n, 0);
	cr_expect_eq(d.errors, 0);
	unlink(path);
	free(q);
	free(r);
}

Test(quarantine, broken)
{
	static const char *const lines[] = {"x",
					    "203.0.113.7",
					    "203.0.113.7 9",
					    "203.0.113.7 9 9",
					    "203.0.113.7/8 9 9 x",
					    "203.0.113.7 -9 9 x",
					    "203.0.113.7 9x 9 x",
					    " 9 9 x"};
	struct quarantine *q = calloc(1, sizeof(*q));

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct diag_sink d = {};
		char path[64], text[128];

		text_put(text, sizeof(text), "%s\n198.51.100.1/32 9 1 good\n", lines[i]);
		file(path, text);
		cr_expect_eq(quarantine_read(q, path, 1, &d), -22 /* -EINVAL */);
		cr_expect_eq(d.errors, 1, "'%s'", lines[i]);
		cr_expect_eq(q->n, 1, "'%s': the others hold", lines[i]);
		unlink(path);
	}
	free(q);
}

Test(quarantine, mapped_is_what_it_is_on_the_wire)
{
	struct quarantine *q = calloc(1, sizeof(*q));
	struct diag_sink d = {};
	char path[64], buf[IP_STRLEN];

	file(path, "::ffff:203.0.113.7/128 3000 1 pasted from a log\n");
	cr_assert_eq(quarantine_read(q, path, 1000, &d), 0);
	cr_expect_str_eq(cidr_format(buf, &q->entry[0].to), "203.0.113.7/32");
	unlink(path);
	free(q);
}

Test(quarantine, what_was_in_force_stays)
{
	struct quarantine *q = calloc(1, sizeof(*q)), *before = calloc(1, sizeof(*before));
	struct quarantine_entry e[3] = {entry("203.0.113.7", 2000, "both, before"),
					entry("192.0.2.1", 2000, "before"),
					entry("192.0.2.2", 1000, "over")};
	struct diag_sink d = {};
	char path[64];

	for (int i = 0; i < 3; i++)
		cr_assert_eq(quarantine_put(before, &e[i]), 0);
	file(path, "203.0.113.7/32 3000 1 both, now\nnoise\n");
	cr_expect_eq(quarantine_read(q, path, 1000, &d), -22 /* -EINVAL */);
	quarantine_keep(q, before, 1000);
	cr_assert_eq(q->n, 2);
	cr_expect_str_eq(q->entry[0].because, "both, now");
	cr_expect_str_eq(q->entry[1].because, "before");
	unlink(path);
	file(path, "");
	cr_assert_eq(truncate(path, 40), 0);
	cr_expect_eq(quarantine_read(q, path, 1000, &d), -22, "a hole of zeros is no empty file");
	unlink(path);
	free(q);
	free(before);
}

Test(quarantine, none_and_full)
{
	struct quarantine *q = calloc(1, sizeof(*q));
	struct diag_sink d = {};
	char to[32];

	cr_expect_eq(quarantine_read(q, "/nowhere/at/all", 1, &d), 0);
	cr_expect_eq(q->n + d.errors, 0);
	for (int i = 0; i < QUARANTINE_MAX; i++) {
		struct quarantine_entry e;

		text_put(to, sizeof(to), "10.0.%d.%d", i >> 8, i & 255);
		e = entry(to, 9, "x");
		cr_assert_eq(quarantine_put(q, &e), 0);
	}
	struct quarantine_entry e = entry("192.0.2.1", 9, "x");
	cr_expect_eq(quarantine_put(q, &e), -28 /* -ENOSPC */);
	free(q);
}
