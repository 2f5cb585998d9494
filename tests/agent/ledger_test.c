/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger_test.c - the ledger against sums made by hand: every period, every level, full and killed. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/ledger/ledger.h"
#include "tests/lib/leaks.h"

#define BEGIN 1764028800ll /* 2025-11-25 00:00 UTC */

static char top[64], path[96];

static void make_top(void)
{
	snprintf(top, sizeof(top), "%s/ledgerXXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	cr_assert(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/ledger.db", top);
}
static void drop_top(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	cr_assert_eq(system(cmd), 0);
	no_leaks();
}
TestSuite(ledger, .init = make_top, .fini = drop_top, .timeout = 120);

static struct ledger *open_it(void)
{
	struct diag_sink d = {0};
	struct ledger *l = NULL;

	cr_assert_eq(ledger_open(&l, path, "db1", &d), 0);
	return l;
}

static const char *const countries[] = {"DE", "FR", "US", "GB", ""};
struct addition {
	int64_t minute;
	unsigned country, verdict;
	uint64_t packets, bytes;
};

static void add(struct ledger *l, struct ledger_totals *t, const struct addition *a)
{
	struct ledger_key k = {.unit = "postgresql@15-main.service",
			       .exe = "/usr/bin/psql",
			       .user = "postgres",
			       .country = countries[a->country],
			       .law = countries[a->country],
			       .rule = "allow to eea",
			       .port = 5432,
			       .proto = 6,
			       .verdict = (uint8_t)a->verdict,
			       .enforced = true};
	struct ledger_sum s = {a->packets,
			       a->bytes,
			       0,
			       1,
			       (uint64_t)a->minute * 1000000000ull,
			       (uint64_t)a->minute * 1000000000ull + 5};

	cr_assert_eq(ip_parse(&k.dst, a->country & 1 ? "2a05:d014::1" : "52.28.0.1"), 0);
	ledger_add(l, &k, &s);
	t->packets[a->verdict] += a->packets;
	t->bytes[a->verdict] += a->bytes;
}

struct sums {
	struct ledger_sum country[5][3];
	struct ledger_sum all, other, lost;
};

static int on_row(void *arg, const struct ledger_row *r)
{
	struct sums *s = arg;
	unsigned v = strcmp(r->verdict, "allow") == 0	? 0
		     : strcmp(r->verdict, "alert") == 0 ? 1
							: 2;
	struct ledger_sum *to = NULL;

	for (unsigned i = 0; i < 5; i++)
		if (strcmp(r->key, countries[i]) == 0 || (i == 4 && strcmp(r->key, "(none)") == 0))
			to = &s->country[i][v];
	if (strcmp(r->key, "(other)") == 0)
		to = &s->other;
	if (strcmp(r->key, "(unattributed)") == 0)
		to = &s->lost;
	cr_assert(to, "%s", r->key);
	to->packets += r->sum.packets;
	to->bytes += r->sum.bytes;
	to->flows += r->sum.flows;
	s->all.packets += r->sum.packets;
	s->all.bytes += r->sum.bytes;
	return 0;
}

static struct sums query(int64_t from, int64_t to)
{
	struct diag_sink d = {0};
	struct sums s = {0};

	cr_assert_eq(ledger_query(path, LEDGER_BY_COUNTRY, from, to, on_row, &s, &d), 0);
	return s;
}

/* Waits until the thread has written: ledger_minute drops nothing, but the test wants each minute. */
static void minute(struct ledger *l, int64_t at, const struct ledger_totals *t)
{
	struct ledger_state s;

	ledger_minute(l, at, t, 1);
	do {
		ledger_state(l, &s);
		usleep(100);
	} while (s.waiting);
}

#define ADDITIONS 1500
static struct addition all[ADDITIONS];

/* Three days, a few times an hour; then any period's sums are those of the list. */
Test(ledger, any_period_is_the_sum_of_its_minutes)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	int64_t at = BEGIN - BEGIN % 60;

	srand(7);
	ledger_minute(l, at, &t, 1);
	for (unsigned i = 0; i < ADDITIONS; i++) {
		all[i] = (struct addition){at, (unsigned)rand() % 5, (unsigned)rand() % 3,
					   1 + (uint64_t)rand() % 100,
					   60 + (uint64_t)rand() % 100000};
		add(l, &t, &all[i]);
		if (rand() % 3 == 0) {
			at += 60 * (1 + rand() % 20);
			minute(l, at, &t);
		}
	}
	ledger_finish(l, &t, 1);
	ledger_close(l);
	for (unsigned i = 0; i < 400; i++) {
		int64_t from = BEGIN + rand() % (int)(at - BEGIN) / 60 * 60;
		int64_t to = from + rand() % (int)(at + 120 - from) / 60 * 60;
		struct sums want = {0}, got;

		if (i % 4 == 0)
			from -= from % 3600;
		if (i % 7 == 0)
			from -= from % 86400, to += 86400 - to % 86400;
		for (unsigned j = 0; j < ADDITIONS; j++)
			if (all[j].minute >= from && all[j].minute < to) {
				struct ledger_sum *s =
					&want.country[all[j].country][all[j].verdict];

				s->packets += all[j].packets;
				s->bytes += all[j].bytes;
				s->flows++;
			}
		got = query(from, to);
		for (unsigned c = 0; c < 5; c++)
			for (unsigned v = 0; v < 3; v++) {
				cr_expect_eq(got.country[c][v].packets, want.country[c][v].packets,
					     "%s %u [%" PRId64 ", %" PRId64 ")", countries[c], v,
					     from, to);
				cr_expect_eq(got.country[c][v].bytes, want.country[c][v].bytes);
				cr_expect_eq(got.country[c][v].flows, want.country[c][v].flows);
			}
		cr_expect_eq(got.lost.packets, 0);
	}
}

/* What the kernel counted and nobody told stands in a row of its own, to the packet. */
static int only_unknown(void *arg, const struct ledger_row *r)
{
	uint64_t *bytes = arg;

	cr_expect_str_eq(r->key, "unknown");
	*bytes += r->sum.bytes;
	return 0;
}

/* An operator that nobody knows is a row of its own by law, not one without a name. */
Test(ledger, law_that_nobody_knows)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	struct addition one = {BEGIN - BEGIN % 60, 4, 0, 2, 3000};
	struct diag_sink d = {0};
	uint64_t bytes = 0;

	ledger_minute(l, one.minute, &t, 1);
	add(l, &t, &one);
	minute(l, one.minute + 60, &t);
	ledger_finish(l, &t, 1);
	ledger_close(l);
	cr_assert_eq(ledger_query(path, LEDGER_BY_LAW, one.minute, one.minute + 600, only_unknown,
				  &bytes, &d),
		     0);
	cr_expect_eq(bytes, 3000);
}

Test(ledger, what_no_record_tells)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	struct addition a = {BEGIN, 0, 0, 10, 1000};
	struct sums s;

	ledger_minute(l, BEGIN, &t, 1);
	add(l, &t, &a);
	t.packets[0] += 3; /* a record that was lost */
	t.bytes[0] += 300;
	minute(l, BEGIN + 60, &t);
	s = query(BEGIN, BEGIN + 600);
	cr_expect_eq(s.lost.packets, 0, "it may still be under way");
	minute(l, BEGIN + 120, &t);
	s = query(BEGIN, BEGIN + 600);
	cr_expect_eq(s.lost.packets, 3);
	cr_expect_eq(s.lost.bytes, 300);
	t.packets[0] += 5; /* under way: told a minute later */
	t.bytes[0] += 500;
	minute(l, BEGIN + 180, &t);
	a.packets = 5;
	a.bytes = 500;
	t.packets[0] -= 5;
	t.bytes[0] -= 500;
	add(l, &t, &a);
	minute(l, BEGIN + 240, &t);
	minute(l, BEGIN + 300, &t);
	ledger_finish(l, &t, 1);
	ledger_close(l);
	s = query(BEGIN, BEGIN + 600);
	cr_expect_eq(s.lost.packets, 3);
	cr_expect_eq(s.country[0][0].packets, 15);
	cr_expect_eq(s.all.packets, t.packets[0]);
	cr_expect_eq(s.all.bytes, t.bytes[0]);
}

/* An agent that was killed: what its last minute held is in the kernel's totals. */
Test(ledger, killed_in_the_middle)
{
	struct ledger_totals t = {0};
	struct ledger *l;
	struct addition a = {BEGIN, 1, 0, 7, 700};
	pid_t pid = fork();
	struct sums s;

	if (pid == 0) {
		l = open_it();
		ledger_minute(l, BEGIN, &t, 1);
		add(l, &t, &a);
		minute(l, BEGIN + 60, &t);
		add(l, &t, &a); /* never written */
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
	t.packets[0] = 14;
	t.bytes[0] = 1400;
	l = open_it();
	ledger_minute(l, BEGIN + 180, &t, 1);
	ledger_finish(l, &t, 1);
	ledger_close(l);
	s = query(BEGIN, BEGIN + 600);
	cr_expect_eq(s.country[1][0].packets, 7);
	cr_expect_eq(s.lost.packets, 7);
	cr_expect_eq(s.all.bytes, 1400);
}

static int print_verdict(void *arg, const struct ledger_row *r)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s %s %" PRIu64 "; ", r->key, r->verdict, r->sum.bytes);
	return 0;
}

/* What an agent that was killed did not write: stopped or passed, as the kernel says. */
Test(ledger, killed_while_it_blocked)
{
	static const struct {
		uint64_t bytes, passed;
		const char *told;
	} row[] = {
		{700, 0, "(unattributed) block 700; "},
		{700, 700, "(unattributed) would-block 700; "},
		{700, 300, "(unattributed) block 400; (unattributed) would-block 300; "},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct ledger_totals t = {{0, 0, 7, row[i].passed / 100},
					  {0, 0, row[i].bytes, row[i].passed}};
		char text[256] = "";
		struct ledger *l;

		snprintf(path, sizeof(path), "%s/ledger%zu.db", top, i);
		l = open_it();
		ledger_minute(l, BEGIN, &(struct ledger_totals){0}, 1);
		minute(l, BEGIN + 60, &(struct ledger_totals){0});
		ledger_minute(l, BEGIN + 180, &t, 1);
		ledger_finish(l, &t, 1);
		ledger_close(l);
		cr_assert_eq(ledger_query(path, LEDGER_BY_COUNTRY, BEGIN, BEGIN + 600,
					  print_verdict, text, &(struct diag_sink){0}),
			     0);
		cr_expect_str_eq(text, row[i].told);
	}
}

/* More keys than a minute holds: the rest is "other", and the sums are exact. */
Test(ledger, more_keys_than_it_holds)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	struct ledger_state state;
	struct sums s;

	ledger_minute(l, BEGIN, &t, 1);
	for (uint32_t i = 0; i < LEDGER_KEYS + 5000; i++) {
		struct ledger_key k = {.country = "US",
				       .rule = "block to any",
				       .verdict = 2,
				       .dst = ip_from_v4(0x03000000 + (i << 8)),
				       .proto = 17};
		struct ledger_sum sum = {1, 100, 0, 1, 1, 1};

		ledger_add(l, &k, &sum);
		t.packets[2]++;
		t.bytes[2] += 100;
	}
	ledger_finish(l, &t, 1);
	ledger_close(l);
	l = open_it();
	ledger_state(l, &state);
	ledger_close(l);
	s = query(BEGIN, BEGIN + 60);
	cr_expect_eq(s.other.packets, 5000);
	cr_expect_eq(s.all.packets, LEDGER_KEYS + 5000);
	cr_expect_eq(s.all.bytes, (LEDGER_KEYS + 5000) * 100ull);
	cr_expect_eq(s.lost.packets, 0);
}

/* The clock goes back over an hour that is rolled up: nothing is written behind its back. */
Test(ledger, clock_set_back)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	struct addition a = {BEGIN, 0, 0, 1, 10};
	struct sums s;

	ledger_minute(l, BEGIN, &t, 1);
	add(l, &t, &a);
	minute(l, BEGIN + 7200, &t);
	add(l, &t, &a);
	minute(l, BEGIN + 7260, &t);
	add(l, &t, &a);
	minute(l, BEGIN + 60, &t);
	add(l, &t, &a);
	minute(l, BEGIN + 120, &t);
	ledger_finish(l, &t, 1);
	ledger_close(l);
	s = query(0, BEGIN + 86400);
	cr_expect_eq(s.all.packets, 4);
}

Test(ledger, damaged_file_is_kept)
{
	struct diag_sink d = {0};
	struct ledger *l = NULL;
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "head -c 100000 /dev/urandom > %s", path);
	cr_assert_eq(system(cmd), 0);
	cr_assert_eq(ledger_open(&l, path, "db1", &d), 0);
	cr_expect_eq(d.warnings, 1);
	ledger_close(l);
	snprintf(cmd, sizeof(cmd), "ls %s.damaged-* >/dev/null", path);
	cr_expect_eq(system(cmd), 0);
}

/* Names are hostile: what a process is called does not become SQL. */
struct rolled {
	struct ledger_sum sum;
	struct ledger_totals totals; /* as the ends of the days say */
	uint64_t rows, ends, promised;
	unsigned refuse_after;
	int64_t last;
};

static int on_rolled(void *arg, const struct ledger_rolled *r)
{
	struct rolled *t = arg;

	if (t->refuse_after && !--t->refuse_after)
		return 1;
	cr_assert_geq(r->start, t->last, "in order");
	t->last = r->start;
	if (r->key) {
		t->rows++;
		t->sum.packets += r->sum.packets;
		t->sum.bytes += r->sum.bytes;
		cr_expect_str_eq(r->key->text[COLUMN_UNIT], "postgresql@15-main.service");
		cr_expect_str_neq(r->sample, "");
		return 0;
	}
	t->ends++;
	t->promised += r->rows;
	for (unsigned v = 0; v < LEDGER_VERDICTS; v++) {
		t->totals.packets[v] += r->totals.packets[v];
		t->totals.bytes[v] += r->totals.bytes[v];
	}
	return 0;
}

/* All that is rolled up, a few rows at a time, with a reader that refuses now and then: each row once. */
static void expect_rolled(int64_t level, uint64_t bytes, uint64_t ends)
{
	struct ledger_position at = {0};
	struct diag_sink d = {0};
	struct rolled t = {0};
	int n = 1;

	for (unsigned i = 1; n > 0 || t.refuse_after == 0; i++) {
		t.refuse_after = i % 3 ? 1000 : 2;
		n = ledger_rolled(path, level, &at, 1 + i % 7, on_rolled, &t, &d);
		cr_assert_geq(n, 0);
	}
	cr_expect_eq(t.rows, t.promised);
	cr_expect_eq(t.ends, ends, "%u ends", (unsigned)t.ends);
	cr_expect_eq(t.sum.bytes, bytes, "%u bytes, not %u, of %u rows, %u packets",
		     (unsigned)t.sum.bytes, (unsigned)bytes, (unsigned)t.rows,
		     (unsigned)t.sum.packets);
	cr_expect_eq(t.totals.bytes[0] + t.totals.bytes[1] + t.totals.bytes[2], bytes);
}

Test(ledger, rolled_up_rows_are_carried_once)
{
	struct ledger *l = open_it();
	struct ledger_totals t = {0};
	uint64_t of_hours = 0, of_days = 0;

	/* two days and an hour, something every seven minutes; nothing at all in the second day's first hours */
	for (int64_t m = 0; m < 49 * 60; m += 7) {
		struct addition a = {BEGIN + m * 60, (unsigned)m % 5, (unsigned)m % 3,
				     1 + (uint64_t)m % 4, 100 + (uint64_t)m};

		if (m >= 24 * 60 && m < 27 * 60)
			continue;
		minute(l, a.minute, &t);
		add(l, &t, &a);
		of_days += m < 48 * 60 ? a.bytes : 0;
		of_hours += m / 60 < 48 ? a.bytes : 0;
	}
	ledger_finish(l, &t, 1);
	ledger_close(l);
	expect_rolled(86400, of_days, 2);
	expect_rolled(3600, of_hours, 45);
}

Test(ledger, hostile_names)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	struct ledger_key k = {.country = "DE",
			       .exe = "'); DROP TABLE roll; --",
			       .unit = "\x1b[31m\xff\"\n",
			       .dst = ip_from_v4(0x341c0001)};
	struct ledger_sum s = {1, 1, 0, 1, 1, 1};

	ledger_minute(l, BEGIN, &t, 1);
	ledger_add(l, &k, &s);
	t.packets[0] = t.bytes[0] = 1;
	ledger_finish(l, &t, 1);
	ledger_close(l);
	cr_expect_eq(query(BEGIN, BEGIN + 60).all.packets, 1);
}

static int one_row(void *arg, const struct ledger_row *r)
{
	char *to = arg;
	size_t n = strlen(to);

	snprintf(to + n, 256 - n, "%s %" PRIu64 ";", r->key, r->sum.bytes);
	return 0;
}

/* One address, two names: two keys; and a ledger of before there were names goes on. */
Test(ledger, an_agent_of_less_than_a_second)
{
	struct ledger_totals t = {0};
	struct ledger *l = open_it();
	int64_t now = time(NULL);

	add(l, &t, &(struct addition){now, 0, 0, 3, 300}); /* and no minute was begun */
	ledger_finish(l, &t, 1);
	ledger_close(l);
	cr_expect_eq(query(now - 120, now + 120).country[0][0].packets, 3);
}

Test(ledger, names)
{
	struct ledger_key k = {.country = "DE", .rule = "allow to eea", .port = 443, .proto = 6};
	struct ledger_sum s = {
		.packets = 1, .bytes = 100, .flows = 1, .first_ns = BEGIN * 1000000000ull};
	struct diag_sink d = {0};
	struct ledger_totals t = {{1, 0, 0}, {100, 0, 0}};
	struct ledger *l = open_it();
	char cmd[256], got[256] = "";

	ledger_minute(l, BEGIN, &(struct ledger_totals){0}, 1);
	ledger_add(l, &k, &s);
	ledger_finish(l, &t, 1);
	ledger_close(l);
	snprintf(cmd, sizeof(cmd),
		 "python3 -c \"import sqlite3; d = sqlite3.connect('%s'); "
		 "d.executescript('ALTER TABLE key DROP COLUMN name; "
		 "PRAGMA user_version = 1')\"",
		 path);
	cr_assert_eq(system(cmd), 0);
	l = open_it();
	ledger_minute(l, BEGIN + 60, &t, 1);
	ledger_add(l, &k, &s); /* the key that it had */
	k.name = "a.test";
	s.bytes = 30;
	ledger_add(l, &k, &s);
	k.name = "b.test";
	s.bytes = 7;
	ledger_add(l, &k, &s);
	t = (struct ledger_totals){{4, 0, 0}, {237, 0, 0}};
	ledger_finish(l, &t, 1);
	ledger_close(l);
	cr_assert_eq(ledger_query(path, LEDGER_BY_NAME, BEGIN - 600, BEGIN + 600, one_row, got, &d),
		     0);
	cr_expect_str_eq(got, "(none) 200;a.test 30;b.test 7;", "%s", got);
	snprintf(cmd, sizeof(cmd), "[ $(ls %s | grep -c damaged) = 0 ]", top);
	cr_expect_eq(system(cmd), 0);
}

/* What the caller remembers is saved with the minute, for the same life of the totals only. */
static void *two_bytes(void *arg, size_t *n)
{
	char *p = malloc(2);

	cr_assert(p);
	memcpy(p, arg, 2);
	*n = 2;
	return p;
}

Test(ledger, remembers_over_a_kill)
{
	static char written[] = "ab", lost[] = "cd";
	struct ledger_totals t = {0};
	struct ledger *l;
	pid_t pid = fork();
	size_t n = 9;
	char *p;

	if (pid == 0) {
		l = open_it();
		ledger_memory(l, two_bytes, written);
		ledger_minute(l, BEGIN, &t, 1);
		minute(l, BEGIN + 60, &t);
		ledger_memory(l, two_bytes, lost); /* of a minute that is never written */
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
	l = open_it();
	cr_expect_null(ledger_remembered(l, 2, &n));
	cr_expect_eq(n, 0);
	p = ledger_remembered(l, 1, &n);
	cr_assert(p);
	cr_expect_eq(n, 2);
	cr_expect_arr_eq(p, "ab", 2);
	free(p);
	ledger_minute(l, BEGIN + 120, &t, 1);
	ledger_finish(l, &t, 1); /* with nothing to remember */
	cr_expect_null(ledger_remembered(l, 1, &n));
	ledger_close(l);
}

/* A ledger of a version before 'passed' was kept: what was told is not told again, as anything. */
Test(ledger, of_before_passed_was_kept)
{
	struct ledger_totals t = {{0, 0, 7, 7}, {0, 0, 700, 700}};
	char text[256] = "";
	sqlite3 *db;
	struct ledger *l = open_it();

	ledger_minute(l, BEGIN, &(struct ledger_totals){0}, 1);
	ledger_finish(l, &t, 1);
	ledger_close(l);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "DELETE FROM state WHERE name LIKE '%passed'", NULL, NULL,
				  NULL),
		     SQLITE_OK);
	sqlite3_close(db);
	l = open_it();
	ledger_minute(l, BEGIN + 60, &t, 1);
	t.packets[2] += 1; /* stopped, and in no row */
	t.bytes[2] += 50;
	ledger_finish(l, &t, 1);
	ledger_close(l);
	cr_assert_eq(ledger_query(path, LEDGER_BY_COUNTRY, BEGIN, BEGIN + 600, print_verdict, text,
				  &(struct diag_sink){0}),
		     0);
	cr_expect_str_eq(text, "(unattributed) would-block 700; (unattributed) block 50; ");
}
