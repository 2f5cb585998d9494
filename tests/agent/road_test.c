/* SPDX-License-Identifier: BSD-2-Clause */
/* road_test.c - the queue and its thread, and the road to a file: whole lines, rotation, torn ends, a full disk, a reader
 * that does not read, names that lead elsewhere. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "geo/base/file.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/road_file.h"

static char dir[64], path[96];

static void setup(void)
{
	text_put(dir, sizeof(dir), "/tmp/road_test.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(path, sizeof(path), "%s/alerts", dir);
}
static void teardown(void)
{
	char command[96];

	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(road, .init = setup, .fini = teardown, .timeout = 60);

static uint64_t ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void put(struct road *r, const char *line)
{
	cr_assert_eq(road_put(r, line, strlen(line)), 0);
}

/* Until the queue is empty, or the end fails. */
static struct road_state settle(struct road *r)
{
	struct road_state s;

	for (int i = 0; i < 2000; i++) {
		road_state(r, &s);
		if (!s.waiting || s.error)
			break;
		usleep(2000);
	}
	return s;
}

static void expect_file(const char *p, const char *want)
{
	_free_ char *s = NULL;
	size_t len;

	cr_assert_eq(file_read(&s, &len, AT_FDCWD, p, 1 << 20), 0, "%s", p);
	cr_expect_str_eq(s, want);
}

Test(road, appends_lines)
{
	struct road_state s;
	struct road *r;
	struct stat st;

	cr_assert_eq(road_file_open(&r, path), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0007, 0, "not for everybody");
	put(r, "one");
	put(r, "");
	put(r, "three");
	s = settle(r);
	cr_expect_eq(s.lines, 3);
	cr_expect_eq(s.bytes, 11);
	cr_expect_eq(s.lost, 0);
	cr_expect_eq(road_close(r), 0);
	expect_file(path, "one\n\nthree\n");
}

/* What happens to the file, and whether the road sees it by itself. */
Test(road, follows_the_name)
{
	static const struct {
		const char *why, *command;
	} row[] = {
		{"renamed", "mv alerts alerts.1"},
		{"removed", "rm alerts"},
		{"replaced", ": >x && mv -f x alerts"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct road_state s = {0};
		char command[200];
		struct road *r;

		cr_assert_eq(road_file_open(&r, path), 0);
		put(r, "before");
		settle(r);
		text_put(command, sizeof(command), "cd %s && %s", dir, row[i].command);
		cr_assert_eq(system(command), 0, "%s", row[i].why);
		for (int wait = 0; wait < 3000 && s.reopened == 0; wait += 10) {
			usleep(10000);
			road_state(r, &s);
		}
		cr_expect_eq(s.reopened, 1, "%s", row[i].why);
		put(r, "after");
		settle(r);
		cr_expect_eq(road_close(r), 0);
		expect_file(path, "after\n");
		unlink(path);
	}
}

/* logrotate's copytruncate: the same file goes on from its new end, without a hole. */
Test(road, a_file_that_is_truncated)
{
	struct road_state s;
	char command[200];
	struct road *r;

	cr_assert_eq(road_file_open(&r, path), 0);
	put(r, "before");
	settle(r);
	text_put(command, sizeof(command), "cd %s && cp alerts alerts.1 && truncate -s 0 alerts",
		 dir);
	cr_assert_eq(system(command), 0);
	put(r, "after");
	s = settle(r);
	cr_expect_eq(s.reopened, 0);
	cr_expect_eq(road_close(r), 0);
	expect_file(path, "after\n");
	text_put(command, sizeof(command), "%s.1", path);
	expect_file(command, "before\n");
}

Test(road, waits_for_a_directory_that_is_gone)
{
	struct road_state s = {0};
	char command[200];
	struct road *r;

	cr_assert_eq(road_file_open(&r, path), 0);
	text_put(command, sizeof(command), "rm -r %s", dir);
	cr_assert_eq(system(command), 0);
	for (int wait = 0; wait < 3000 && !s.error; wait += 10) {
		usleep(10000);
		road_state(r, &s);
	}
	cr_expect_eq(s.error, ENOENT);
	put(r, "kept");
	usleep(50000);
	road_state(r, &s);
	cr_expect_eq(s.waiting, 1);
	cr_assert_eq(mkdir(dir, 0700), 0);
	for (int wait = 0; wait < 3000 && s.waiting; wait += 10) {
		usleep(10000);
		road_state(r, &s);
	}
	cr_expect_eq(road_close(r), 0);
	expect_file(path, "kept\n");
}

Test(road, reopens_when_asked)
{
	struct road *r;
	char old[128];

	cr_assert_eq(road_file_open(&r, path), 0);
	put(r, "one");
	settle(r);
	text_put(old, sizeof(old), "%s.1", path);
	cr_assert_eq(rename(path, old), 0);
	road_reopen(r);
	put(r, "two");
	settle(r);
	cr_expect_eq(road_close(r), 0);
	expect_file(old, "one\n");
	expect_file(path, "two\n");
}

Test(road, a_torn_line_is_ended)
{
	FILE *t = fopen(path, "w");
	struct road *r;

	fputs("{\"half\":", t);
	fclose(t);
	cr_assert_eq(road_file_open(&r, path), 0);
	put(r, "{}");
	cr_expect_eq(road_close(r), 0);
	expect_file(path, "{\"half\":\n{}\n");
	cr_assert_eq(road_file_open(&r, path), 0);
	cr_expect_eq(road_close(r), 0);
	expect_file(path, "{\"half\":\n{}\n");
}

Test(road, a_full_disk_keeps_whole_lines_until_there_is_room)
{
	struct rlimit limit = {20, RLIM_INFINITY}, before;
	struct road_state s;
	struct road *r;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(road_file_open(&r, path), 0);
	put(r, "0123456789");
	settle(r);
	getrlimit(RLIMIT_FSIZE, &before);
	limit.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	put(r, "abcdefghijklmnop");
	s = settle(r);
	cr_expect_neq(s.error, 0);
	cr_expect_eq(s.waiting, 1);
	put(r, "room");
	setrlimit(RLIMIT_FSIZE, &before);
	for (int wait = 0; wait < 4000 && s.waiting; wait += 10) {
		usleep(10000);
		road_state(r, &s);
	}
	cr_expect_eq(s.lines, 3);
	cr_expect_eq(s.lost, 0);
	cr_expect_eq(s.error, 0);
	cr_expect_eq(road_close(r), 0);
	expect_file(path, "0123456789\nabcdefghijklmnop\nroom\n");
}

/* A pipe whose reader sleeps: nobody waits, and what is sent, waits and is lost is all that was put. */
Test(road, a_reader_that_sleeps_costs_nobody_time)
{
	enum { LINES = 20000 };
	char line[1000], buf[65536];
	struct road_state s;
	struct road *r;
	uint64_t began, put = 0, got = 0, left;
	int fd;

	memset(line, 'x', sizeof(line));
	cr_assert_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	cr_assert_geq(fd, 0);
	cr_assert_eq(road_file_open(&r, path), 0);
	began = ms_now();
	for (int i = 0; i < LINES; i++)
		put += road_put(r, line, sizeof(line)) == 0;
	cr_expect_lt(ms_now() - began, 1500u, "%u ms", (unsigned)(ms_now() - began));
	usleep(100000);
	road_state(r, &s);
	cr_expect_eq(s.error, 0);
	cr_expect_eq(s.lost, LINES - put);
	cr_expect_gt(s.lost, 0u, "the queue is bounded");
	cr_expect_eq(s.lines + s.waiting, put);
	began = ms_now();
	left = road_close(r);
	cr_expect_lt(ms_now() - began, ROAD_CLOSE_MS + 500u);
	cr_expect_eq(left + s.lines, put, "%u", (unsigned)left);
	for (ssize_t n; (n = read(fd, buf, sizeof(buf))) > 0;)
		got += (uint64_t)n;
	cr_expect_geq(got, s.lines * (sizeof(line) + 1));
	close(fd);
}

Test(road, a_slow_reader_gets_everything_in_order)
{
	enum { LINES = 101 };
	char want[32], text[6000], *line = NULL;
	struct road *r;
	size_t room = 0;
	FILE *in;
	int fd;

	cr_assert_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	cr_assert_eq(road_file_open(&r, path), 0);
	for (int i = 0; i < LINES; i++) {
		memset(text, 'y', sizeof(text)); /* longer than PIPE_BUF: taken in parts */
		text[text_put(text, 16, "%d", i)] = ' ';
		cr_assert_eq(road_put(r, text, i % 7 ? 16 : sizeof(text)), 0);
	}
	fcntl(fd, F_SETFL, 0);
	in = fdopen(fd, "r");
	for (int i = 0; i < LINES; i++) {
		cr_assert_gt(getline(&line, &room, in), 0, "%d", i);
		text_put(want, sizeof(want), "%d ", i);
		cr_expect_eq(strncmp(line, want, strlen(want)), 0, "%d", i);
		cr_expect_eq(strlen(line), (i % 7 ? 16u : 6000u) + 1, "%d", i);
	}
	cr_expect_eq(road_close(r), 0);
	free(line);
	fclose(in);
}

Test(road, names_that_lead_elsewhere)
{
	char other[128], below[160];
	struct road *r = NULL;

	text_put(other, sizeof(other), "%s/none/alerts", dir);
	cr_expect_eq(road_file_open(&r, other), -ENOENT);
	cr_expect_eq(road_file_open(&r, dir), -EISDIR);
	text_put(other, sizeof(other), "%s/victim", dir);
	cr_assert_eq(symlink(other, path), 0);
	cr_expect_eq(road_file_open(&r, path), -ELOOP);
	cr_expect_eq(access(other, F_OK), -1, "nothing is made there");
	if (geteuid() == 0) {
		text_put(other, sizeof(other), "%s/his", dir);
		cr_assert_eq(mkdir(other, 0755), 0);
		text_put(below, sizeof(below), "%s/alerts", other);
		cr_expect_eq(road_file_check(below), 0);
		cr_assert_eq(chown(other, 65534, 65534), 0);
		cr_expect_eq(road_file_open(&r, below), -EPERM, "a foreign directory");
		cr_assert_eq(chown(other, 0, 0), 0);
		cr_assert_eq(chmod(other, 0777), 0);
		cr_expect_eq(road_file_open(&r, below), -EPERM, "anybody may write there");
		cr_assert_eq(chmod(other, 01777), 0);
		cr_assert_eq(road_file_open(&r, below), 0, "but in a sticky one only to his own");
		cr_expect_eq(road_close(r), 0);
		cr_assert_eq(chown(below, 65534, 65534), 0);
		cr_expect_eq(road_file_open(&r, below), -EPERM, "a foreign file");
	}
}

/* An end that fails and works by turns, and one that never comes back. */
static atomic_uint sent, opened, fails;
static int fake_open(void *self)
{
	(void)self;
	opened++;
	return 0;
}
static int fake_send(void *self, const char *line, size_t len)
{
	(void)self, (void)line, (void)len;
	if (fails) {
		fails--;
		return -EPIPE;
	}
	sent++;
	return 0;
}
static int stuck_send(void *self, const char *line, size_t len)
{
	(void)self, (void)line, (void)len;
	sleep(30);
	return 0;
}
static void fake_close(void *self)
{
	(void)self;
}

Test(road, an_end_that_fails_is_opened_anew_and_gets_the_line_again)
{
	static const struct road_end end = {
		.open = fake_open, .send = fake_send, .close = fake_close, .free = fake_close};
	struct road_state s;
	struct road *r;

	fails = 1;
	cr_assert_eq(road_open(&r, &end, NULL, NULL, "fake"), 0);
	put(r, "one");
	put(r, "two");
	s = settle(r);
	cr_expect_eq(s.error, EPIPE);
	cr_expect_eq(s.waiting, 2);
	for (int wait = 0; wait < 3000 && s.waiting; wait += 10) {
		usleep(10000);
		road_state(r, &s);
	}
	cr_expect_eq(sent, 2);
	cr_expect_eq(opened, 2);
	cr_expect_eq(road_close(r), 0);
}

Test(road, an_end_that_hangs_is_left_behind)
{
	static const struct road_end end = {
		.open = fake_open, .send = stuck_send, .close = fake_close, .free = fake_close};
	uint64_t began = ms_now();
	struct road *r;

	cr_assert_eq(road_open(&r, &end, NULL, NULL, "stuck"), 0);
	put(r, "one");
	put(r, "two");
	cr_expect_eq(road_close(r), 2);
	cr_expect_lt(ms_now() - began, ROAD_CLOSE_MS + 500u);
}
