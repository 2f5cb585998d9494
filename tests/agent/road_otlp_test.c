/* SPDX-License-Identifier: BSD-2-Clause */
/* road_otlp_test.c - the road to an OTLP receiver (otlp_receiver.py) that is down, fails, throttles, drops connections, refuses one
 * record; the environment's settings. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/feed/judge.h"
#include "agent/feed/road_otlp.h"

static char dir[64], out[96], base[64];
static unsigned port;
static pid_t server;

static void setup(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	port = ntohs(a.sin_port);
	text_put(base, sizeof(base), "http://127.0.0.1:%u", port);
	text_put(dir, sizeof(dir), "/tmp/road_otlp.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(out, sizeof(out), "%s/out", dir);
	setenv("no_proxy", "127.0.0.1", 1);
}
static void server_stop(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
}
static void teardown(void)
{
	char command[96];

	server_stop();
	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(road_otlp, .init = setup, .fini = teardown, .timeout = 180);

static void server_start(const char *answers)
{
	char number[8], path[256];

	text_put(path, sizeof(path), "%s/tests/agent/otlp_receiver.py",
		 getenv("ROOT") ? getenv("ROOT") : ".");
	text_put(number, sizeof(number), "%u", port);
	server = fork();
	if (server == 0) {
		execlp("python3", "python3", path, number, out, answers, (char *)NULL);
		_exit(127);
	}
}

static struct road *road_to(const char *target)
{
	struct policy_feed p = {.target = target};
	char spool[96];
	struct queue *q;
	struct road *r;
	void *self;

	text_put(spool, sizeof(spool), "%s/spool", dir);
	cr_assert_eq(queue_spool(&q, spool, 0), 0);
	cr_assert_eq(road_otlp_make(&self, &p), 0);
	cr_assert_eq(road_open(&r, road_otlp_end(&p), self, q, "otlp"), 0);
	return r;
}

static void put_body(struct road *r, unsigned i, const char *body)
{
	static struct json_writer j;
	struct identity host = {.name = "db1.example"};
	struct event e = {.kind = EVENT_STATE, .action = "started", .severity = (uint8_t)(i % 5)};
	const char *line;

	e.time_ns = 1795430472345678000ull;
	text_put(e.id, sizeof(e.id), "%08u", i);
	line = road_otlp_wrap(&j, &e, &host, body);
	cr_assert_eq(road_put(r, line, strlen(line)), 0);
}
static void put(struct road *r, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		put_body(r, i, "{\"text\": \"\\u0001 \\\" \\\\ \xc3\xa4\"}");
}

static struct road_state wait_state(struct road *r, bool error)
{
	struct road_state s;

	for (int i = 0; i < 1800; i++) {
		road_state(r, &s);
		if (error ? s.error != 0 : !s.waiting)
			return s;
		usleep(50000);
	}
	cr_assert_fail("%s; waiting %u", s.why, (unsigned)s.waiting);
	return s;
}

/* All from 0 to n but 'without', each first time in order, and nothing that was no OTLP. How many lines there are. */
static unsigned expect_arrived(unsigned n, unsigned without)
{
	FILE *f = fopen(out, "r");
	char line[256];
	unsigned next = 0, count = 0;

	cr_assert(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned got;

		cr_assert_neq(line[0], '!', "%s", line);
		if (line[0] == 'g')
			continue;
		got = (unsigned)strtoul(line, NULL, 10);
		next += next == without;
		cr_assert_leq(got, next, "nothing is left out");
		next += got == next;
		count++;
	}
	next += next == without;
	cr_expect_eq(next, n, "%u", next);
	fclose(f);
	return count;
}

Test(road_otlp, batches_in_order)
{
	struct road *r;

	server_start("200");
	r = road_to(base);
	put(r, 0, 3000);
	wait_state(r, false);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(3000, UINT32_MAX);
}

Test(road_otlp, a_receiver_that_is_down_and_then_up)
{
	struct road_state s;
	struct road *r = road_to(base);

	put(r, 0, 700);
	s = wait_state(r, true);
	cr_expect_eq(s.waiting, 700);
	cr_expect(s.why[0]);
	server_start("200");
	wait_state(r, false);
	server_stop();
	put(r, 700, 900);
	wait_state(r, true);
	cr_expect_eq(road_close(r), 200, "they wait in the directory");
	server_start("200");
	r = road_to(base);
	put(r, 900, 1000);
	wait_state(r, false);
	cr_expect_eq(road_close(r), 0);
	cr_expect_eq(expect_arrived(1000, UINT32_MAX), 1000);
}

Test(road_otlp, a_receiver_that_fails_and_throttles)
{
	struct timespec began, ended;
	struct road_state s;
	struct road *r;

	server_start("503,429:3,502,drop,200,504,drop,200,404");
	r = road_to(base);
	clock_gettime(CLOCK_MONOTONIC, &began);
	put(r, 0, 2000);
	s = wait_state(r, false);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	cr_expect_geq(ended.tv_sec - began.tv_sec, 3, "Retry-After is waited for");
	cr_expect_eq(s.lines, 2000);
	cr_expect_eq(s.lost, 0);
	cr_expect_gt(s.again, 0u);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(2000, UINT32_MAX);
}

/* One record that the server will never take holds up none of the others, and is counted. */
Test(road_otlp, a_record_that_is_refused)
{
	struct road_state s;
	struct road *r = road_to(base);

	put(r, 0, 333);
	put_body(r, 333, "{\"poison\":true}");
	put(r, 334, 900);
	server_start("poison");
	s = wait_state(r, false);
	cr_expect_eq(s.lost, 1);
	cr_expect_eq(s.lines, 899);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(900, 333);
}

Test(road_otlp, a_server_that_says_that_it_dropped_some)
{
	struct road_state s;
	struct road *r = road_to(base);

	put(r, 0, 100);
	server_start("partial:7");
	s = wait_state(r, false);
	cr_expect_eq(s.lost, 7);
	cr_expect_eq(s.lines, 93);
	road_close(r);
}

Test(road_otlp, settings_of_the_environment)
{
	struct policy_feed p = {0};
	struct road *r;
	char line[16] = "";
	void *self;
	FILE *f;

	cr_expect_eq(road_otlp_make(&self, &p), -EINVAL, "no address anywhere");
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", base, 1);
	setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "other=1,X-Key=a%20b", 1);
	setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", 1);
	server_start("200");
	r = road_to(NULL);
	put(r, 0, 20);
	wait_state(r, false);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(20, UINT32_MAX);
	f = fopen(out, "r");
	cr_assert(fgets(line, sizeof(line), f));
	cr_expect_str_eq(line, "gzip\n");
	fclose(f);
}

static _Atomic int refuses;
static int judge(void *arg, const struct ip *dst, uint16_t to, uint8_t proto, char *why,
		 size_t size)
{
	char ip[IP_STRLEN];

	(void)arg;
	cr_assert_str_eq(ip_format(ip, dst), "127.0.0.1");
	cr_assert(to);
	cr_assert_eq(proto, 6);
	if (refuses)
		text_put(why, size, "the policy says no");
	return refuses ? -JUDGE_REFUSED : 0;
}
static void expect_refused(struct road *r)
{
	struct road_state s;

	for (int i = 0; i < 600; i++) {
		road_state(r, &s);
		if (s.error == JUDGE_REFUSED)
			break;
		usleep(50000);
	}
	cr_expect_eq(s.error, JUDGE_REFUSED);
	cr_expect_str_eq(s.why, "the policy says no");
}

/* A connection that is kept is judged before each request. */
Test(road_otlp, the_policy_judges_the_receiver)
{
	struct road *r;

	server_start("200");
	refuses = 1;
	judge_set(judge, NULL);
	r = road_to(base);
	put(r, 0, 10);
	expect_refused(r);
	refuses = 0;
	wait_state(r, false);
	refuses = 1;
	put(r, 10, 20);
	expect_refused(r);
	refuses = 0;
	wait_state(r, false);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(20, UINT32_MAX);
}
