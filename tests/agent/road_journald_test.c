/* SPDX-License-Identifier: BSD-2-Clause */
/* road_journald_test.c - the road to a real systemd-journald, which runs in a mount namespace of the test with a /run of its own:
 * fields as they were sent, a journald that is down and then up. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <systemd/sd-journal.h>
#include "agent/base/text.h"
#include "agent/feed/road_journald.h"

#define JOURNALD "/lib/systemd/systemd-journald"

static pid_t server;

static void server_stop(void)
{
	if (server > 0) {
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	server = 0;
}
TestSuite(road_journald, .fini = server_stop, .timeout = 120);

/* False: it cannot run here. */
static bool own_run(void)
{
	FILE *f;

	if (geteuid() || access(JOURNALD, X_OK) < 0) {
		cr_skip_test("needs root and systemd-journald");
		return false;
	}
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
	cr_assert_eq(system("mkdir -p /run/systemd/journal /run/systemd/journald.conf.d"), 0);
	f = fopen("/run/systemd/journald.conf.d/test.conf", "w");
	fputs("[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\nRateLimitIntervalSec=0\nForwardToSyslog=no\n"
	      "ForwardToWall=no\nForwardToConsole=no\nForwardToKMsg=no\n",
	      f);
	fclose(f);
	return true;
}

static void server_start(void)
{
	server = fork();
	if (server == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execl(JOURNALD, JOURNALD, (char *)NULL);
		_exit(127);
	}
}

static void put(struct road *r, unsigned from, unsigned to)
{
	struct identity host = {.name = "db1.example"};
	struct json_writer j = {0};

	for (unsigned i = from; i < to; i++) {
		struct event e = {.kind = EVENT_STATE, .action = "started", .severity = 3};
		const char *line;

		text_put(e.id, sizeof(e.id), "%08u", i);
		line = road_journald_wrap(&j, &e, &host, "{\"a\":\"\\n=\"}\ttext");
		cr_assert_eq(road_put(r, line, strlen(line)), 0);
	}
	json_writer_free(&j);
}

static void expect_field(sd_journal *s, const char *name, const char *want)
{
	const void *data;
	char whole[256];
	size_t n;

	text_put(whole, sizeof(whole), "%s=%s", name, want);
	cr_assert_geq(sd_journal_get_data(s, name, &data, &n), 0, "%s", name);
	cr_expect_eq(n, strlen(whole), "%s", name);
	cr_expect_eq(memcmp(data, whole, n), 0, "%.*s", (int)n, (const char *)data);
}

/* How many entries of ours there are; each is what it should be, and in order. */
static unsigned entries(void)
{
	unsigned n = 0;
	sd_journal *s;
	char id[16];

	if (sd_journal_open_directory(&s, "/run/log/journal", 0) < 0)
		return 0;
	sd_journal_add_match(s, "SYSLOG_IDENTIFIER=cordon", 0);
	for (sd_journal_seek_head(s); sd_journal_next(s) > 0; n++) {
		text_put(id, sizeof(id), "%08u", n);
		expect_field(s, "CORDON_EVENT_ID", id);
		expect_field(s, "MESSAGE", "{\"a\":\"\\n=\"}\ttext");
		expect_field(s, "PRIORITY", "3");
		expect_field(s, "CORDON_ACTION", "started");
		expect_field(s, "CORDON_LEVEL", "high");
	}
	sd_journal_close(s);
	return n;
}

static void wait_entries(unsigned n)
{
	unsigned got = 0;

	for (int i = 0; i < 600 && got < n; i++) {
		usleep(50000);
		got = entries();
	}
	cr_expect_eq(got, n, "%u", got);
}

Test(road_journald, down_and_then_up)
{
	struct policy_feed p = {0};
	struct road_state s = {0};
	struct queue *q;
	struct road *r;
	void *self;

	if (!own_run())
		return;
	cr_assert_eq(queue_spool(&q, "/run/spool", 0), 0);
	cr_assert_eq(road_journald_make(&self, &p), 0);
	cr_assert_eq(road_open(&r, road_journald_end(&p), self, q, "journald"), 0);
	put(r, 0, 50);
	for (int i = 0; i < 200 && !s.error; i++) {
		usleep(20000);
		road_state(r, &s);
	}
	cr_expect_eq(s.error, ENOTCONN);
	cr_expect(strstr(s.why, "does not run"), "%s", s.why);
	cr_expect_eq(s.waiting, 50);
	server_start();
	wait_entries(50);
	put(r, 50, 400);
	wait_entries(400);
	cr_expect_eq(road_close(r), 0);
}
