/* SPDX-License-Identifier: BSD-2-Clause */
/* queue_test.c - both queues give every line once more until it is confirmed; the one in a directory outlives SIGKILL, a torn
 * line, a full disk, lost ends of segments. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/feed/queue.h"

static char dir[64], spool[96];

static void setup(void)
{
	text_put(dir, sizeof(dir), "/tmp/queue_test.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(spool, sizeof(spool), "%s/q", dir);
}
static void teardown(void)
{
	char command[96];

	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(queue, .init = setup, .fini = teardown, .timeout = 120);

static void put(struct queue *q, uint64_t n)
{
	char line[64];
	size_t len = text_put(line, sizeof(line), "line %llu", (unsigned long long)n);

	cr_assert_eq(queue_put(q, line, len), 0);
}
static void take(struct queue *q, uint64_t n)
{
	char want[64];
	const char *line;
	size_t len, size = text_put(want, sizeof(want), "line %llu", (unsigned long long)n);

	cr_assert_eq(queue_take(q, &line, &len), 1, "%s", want);
	cr_assert_eq(len, size, "%s", want);
	cr_assert_eq(memcmp(line, want, len), 0, "%s: %.*s", want, (int)len, line);
}
static void expect_empty(struct queue *q)
{
	const char *line;
	size_t len;

	cr_expect_eq(queue_take(q, &line, &len), 0);
}
static struct queue *open_kind(int durable)
{
	struct queue *q = NULL;

	cr_assert_eq(durable ? queue_spool(&q, spool, 0) : queue_ring(&q), 0);
	return q;
}

Test(queue, what_is_not_confirmed_comes_again)
{
	for (int durable = 0; durable < 2; durable++) {
		struct queue *q = open_kind(durable);

		expect_empty(q);
		for (uint64_t i = 0; i < 10; i++)
			put(q, i);
		for (uint64_t i = 0; i < 6; i++)
			take(q, i);
		queue_confirm(q, 4);
		cr_expect_eq(queue_waiting(q), 6);
		cr_expect_eq(queue_flight(q), 2);
		queue_rewind(q);
		cr_expect_eq(queue_flight(q), 0);
		for (uint64_t i = 4; i < 10; i++)
			take(q, i);
		expect_empty(q);
		queue_confirm(q, 100);
		cr_expect_eq(queue_waiting(q), 0, "no more than was taken");
		put(q, 10);
		take(q, 10);
		cr_expect_eq(queue_durable(q), durable);
		queue_free(q);
	}
}

Test(queue, the_directory_is_gone_on_with)
{
	struct queue *q = open_kind(1), *other;

	for (uint64_t i = 0; i < 10; i++)
		put(q, i);
	for (uint64_t i = 0; i < 5; i++)
		take(q, i);
	queue_confirm(q, 3);
	cr_expect_eq(queue_spool(&other, spool, 0), -EBUSY, "one at a time");
	queue_free(q);
	q = open_kind(1);
	cr_expect_eq(queue_waiting(q), 7);
	for (uint64_t i = 3; i < 10; i++)
		take(q, i);
	queue_confirm(q, 7);
	queue_free(q);
	q = open_kind(1);
	expect_empty(q);
	put(q, 10);
	take(q, 10);
	queue_free(q);
}

static unsigned files(void)
{
	char command[128], n[16] = "";
	FILE *p;

	text_put(command, sizeof(command), "ls %s | grep -c lines", spool);
	p = popen(command, "r");
	cr_assert(fgets(n, sizeof(n), p));
	pclose(p);
	return (unsigned)strtoul(n, NULL, 10);
}

/* Segments of 16 MiB: made as it fills, removed as it is confirmed. */
Test(queue, segments_come_and_go)
{
	enum { LINES = 60 };
	static char line[1 << 20];
	const char *got;
	struct queue *q = open_kind(1);
	size_t len;

	for (int i = 0; i < LINES; i++) {
		memset(line, 'a' + i % 26, sizeof(line));
		cr_assert_eq(queue_put(q, line, sizeof(line)), 0);
	}
	cr_expect_eq(files(), 4);
	for (int i = 0; i < LINES; i++) {
		cr_assert_eq(queue_take(q, &got, &len), 1);
		cr_assert_eq(got[len - 1], 'a' + i % 26);
		if (i == 40) {
			queue_confirm(q, 20);
			cr_expect_eq(files(), 3);
			queue_rewind(q);
			i = 19;
			queue_confirm(q, 0);
			while (queue_flight(q) < 21) {
				i++;
				cr_assert_eq(queue_take(q, &got, &len), 1);
				cr_assert_eq(got[0], 'a' + i % 26, "after a rewind over segments");
			}
		}
	}
	queue_confirm(q, LINES);
	cr_expect_eq(files(), 1);
	queue_free(q);
}

Test(queue, a_full_one_refuses_and_drops_nothing)
{
	struct queue *q;
	char line[100];

	memset(line, 'x', sizeof(line));
	cr_assert_eq(queue_spool(&q, spool, 350), 0);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(queue_put(q, line, sizeof(line)), 0);
	cr_expect_eq(queue_put(q, line, sizeof(line)), -ENOBUFS);
	cr_expect_eq(queue_put(q, "two\nlines", 9), -ENOBUFS, "a line is one");
	cr_expect_eq(queue_waiting(q), 3);
	put(q, 7);
	queue_free(q);
}

Test(queue, a_disk_that_fills_up_in_a_line)
{
	struct rlimit before, limit;
	struct queue *q = open_kind(1);
	char line[100];

	signal(SIGXFSZ, SIG_IGN);
	memset(line, 'x', sizeof(line));
	put(q, 0);
	take(q, 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){20, before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_lt(queue_put(q, line, sizeof(line)), 0);
	expect_empty(q);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	put(q, 1);
	take(q, 1);
	queue_free(q);
	q = open_kind(1);
	take(q, 0);
	take(q, 1);
	expect_empty(q);
	queue_free(q);
}

static void shell(const char *fmt)
{
	char command[256];

	text_put(command, sizeof(command), "cd %s && %s", spool, fmt);
	cr_assert_eq(system(command), 0, "%s", command);
}

Test(queue, what_a_crash_leaves)
{
	struct queue *q = open_kind(1);

	for (uint64_t i = 0; i < 4; i++)
		put(q, i);
	queue_free(q);
	shell("printf 'line 4' >> 00000000000000000000.lines");
	q = open_kind(1);
	for (uint64_t i = 0; i < 4; i++)
		take(q, i);
	expect_empty(q);
	put(q, 4);
	take(q, 4);
	queue_free(q);
	/* the end of a segment is lost, and another one follows: two lines are missing, and that is counted */
	shell("printf 'line 7\\nline 8\\n' > 00000000000000000007.lines");
	q = open_kind(1);
	cr_expect_eq(queue_missing(q), 2);
	for (uint64_t i = 0; i < 5; i++)
		take(q, i);
	take(q, 7);
	take(q, 8);
	expect_empty(q);
	queue_confirm(q, 7);
	queue_free(q);
	/* fewer lines than were confirmed: what comes now is not taken for one of them */
	shell("rm *.lines");
	q = open_kind(1);
	expect_empty(q);
	put(q, 9);
	take(q, 9);
	queue_free(q);
	q = open_kind(1);
	take(q, 9);
	queue_free(q);
	shell("echo nonsense > cursor");
	q = open_kind(1);
	take(q, 9);
	queue_free(q);
}

/* The writer says in shared memory how far it is, and is killed at a moment of chance; the next one goes on. Every line comes
 * at least once and in order; what was confirmed and saved does not come again. */
Test(queue, two_hundred_kills)
{
	struct {
		_Atomic uint64_t put, confirmed, bad;
	} *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int round = 0; round < 200; round++) {
		uint64_t before = m->confirmed;
		pid_t pid = fork();

		if (pid == 0) {
			struct queue *q = open_kind(1);
			uint64_t at = m->confirmed, n = m->put;

			for (uint64_t i = 0;; i++) {
				const char *line;
				char text[64];
				size_t len, size;

				size = text_put(text, sizeof(text), "%llu", (unsigned long long)n);
				/* a kill between the put and the note writes a number twice: it is counted by the reader */
				if (queue_put(q, text, size) == 0)
					m->put = ++n;
				if (i % 3 == 0 && queue_take(q, &line, &len) == 1) {
					uint64_t got = strtoull(line, NULL, 10);

					if (got > at + 1 && at)
						m->bad = got;
					at = got > at ? got : at;
					m->confirmed = at; /* delivered; then it is noted */
					queue_confirm(q, 1);
					queue_save(q);
				}
			}
		}
		for (int ms = 0; m->confirmed == before && ms < 10000; ms++)
			usleep(1000); /* a busy machine takes its time to begin */
		usleep((useconds_t)(rand() % 4000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		cr_assert_eq(m->bad, 0u, "round %d: a line was left out before %llu", round,
			     (unsigned long long)m->bad);
	}
	{
		struct queue *q = open_kind(1);
		uint64_t last = m->confirmed;
		const char *line;
		size_t len;

		while (queue_take(q, &line, &len) == 1) {
			uint64_t got = strtoull(line, NULL, 10);

			cr_assert_leq(got, last + 1, "%llu after %llu", (unsigned long long)got,
				      (unsigned long long)last);
			last = got > last ? got : last;
		}
		cr_expect_geq(last + 1, m->put);
		cr_expect_geq(last, 199u); /* a line each round, the first of which has number 0 */
		queue_free(q);
	}
}
