/* SPDX-License-Identifier: BSD-2-Clause */
/* file_test.c - the alert file: whole lines, rotation, torn ends, a full disk, a reader that does
 * not read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/file.h"

static char dir[64], path[96];

static void setup(void)
{
	text_put(dir, sizeof(dir), "/tmp/file_test.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(path, sizeof(path), "%s/alerts", dir);
}
static void teardown(void)
{
	char command[96];

	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(file, .init = setup, .fini = teardown, .timeout = 30);

static void expect_file(const char *p, const char *want)
{
	_free_ char *s = NULL;
	size_t len;

	cr_assert_eq(text_read_file(&s, &len, AT_FDCWD, p, 1 << 20), 0);
	cr_expect_str_eq(s, want);
}

Test(file, appends_lines_and_follows_a_rotation)
{
	struct feed_file *f, *next;
	struct feed_file_state s;
	char old[128];
	struct stat st;

	cr_assert_eq(feed_file_open(&f, path), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0007, 0, "not for everybody");
	cr_assert_eq(feed_file_write(f, "one", 3), 0);
	text_put(old, sizeof(old), "%s.1", path);
	cr_assert_eq(rename(path, old), 0);
	cr_assert_eq(feed_file_write(f, "two", 3), 0);
	expect_file(old, "one\ntwo\n");
	cr_assert_eq(feed_file_open(&next, path), 0);
	feed_file_inherit(next, f);
	feed_file_close(f);
	cr_assert_eq(feed_file_write(next, "three", 5), 0);
	expect_file(path, "three\n");
	feed_file_state(next, &s);
	cr_expect_eq(s.lines, 3);
	cr_expect_eq(s.bytes, 14);
	cr_expect_eq(s.lost, 0);
	feed_file_close(next);
}

Test(file, a_torn_line_is_ended)
{
	struct feed_file *f;
	FILE *t = fopen(path, "w");

	fputs("{\"half\":", t);
	fclose(t);
	cr_assert_eq(feed_file_open(&f, path), 0);
	cr_assert_eq(feed_file_write(f, "{}", 2), 0);
	feed_file_close(f);
	expect_file(path, "{\"half\":\n{}\n");
	cr_assert_eq(feed_file_open(&f, path), 0);
	feed_file_close(f);
	expect_file(path, "{\"half\":\n{}\n");
}

Test(file, a_full_disk_loses_whole_lines)
{
	struct rlimit limit = {20, RLIM_INFINITY}, before;
	struct feed_file_state s;
	struct feed_file *f;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(feed_file_open(&f, path), 0);
	cr_assert_eq(feed_file_write(f, "0123456789", 10), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_lt(feed_file_write(f, "abcdefghijklmnop", 16), 0);
	cr_expect_lt(feed_file_write(f, "abcdefghijklmnop", 16), 0);
	feed_file_state(f, &s);
	cr_expect_eq(s.lost, 2);
	cr_expect_eq(s.lost_now, 2);
	cr_expect_neq(s.error, 0);
	setrlimit(RLIMIT_FSIZE, &before);
	cr_assert_eq(feed_file_write(f, "room", 4), 0);
	feed_file_state(f, &s);
	cr_expect_eq(s.lost, 2);
	cr_expect_eq(s.lost_now, 0);
	feed_file_close(f);
	expect_file(path, "0123456789\nroom\n");
}

Test(file, a_reader_that_does_not_read_costs_lines_not_time)
{
	struct feed_file *f;
	char line[1000];
	int lost = 0;

	memset(line, 'x', sizeof(line));
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(feed_file_open(&f, path), 0);
	for (int i = 0; i < 80 && !lost; i++)
		lost = feed_file_write(f, line, sizeof(line)) < 0;
	cr_expect(lost);
	feed_file_close(f);
}

Test(file, cannot_be_opened)
{
	struct feed_file *f = NULL;
	char other[128];

	text_put(other, sizeof(other), "%s/none/alerts", dir);
	cr_expect_eq(feed_file_open(&f, other), -ENOENT);
	cr_expect_eq(feed_file_open(&f, dir), -EISDIR);
	cr_expect_null(f);
}
