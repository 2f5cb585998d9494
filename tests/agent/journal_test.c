/* SPDX-License-Identifier: BSD-2-Clause */
/* journal_test.c - the tree against RFC 6962's own definition, and the journal killed, filled up and
 * tampered with. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/journal/journal.h"
#include "agent/journal/proof.h"
#include "tests/lib/leaks.h"

static char top[64], dir[96];

static void make_top(void)
{
	snprintf(top, sizeof(top), "%s/journalXXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	cr_assert(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/j", top);
}

static void drop_top(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	cr_assert_eq(system(cmd), 0);
	no_leaks();
}
TestSuite(journal, .init = make_top, .fini = drop_top, .timeout = 120);

/* MTH(D[lo:hi]) as the RFC writes it */
static struct merkle_hash mth(struct merkle_hasher *h, uint64_t lo, uint64_t hi)
{
	struct merkle_hash a, b, r;
	uint64_t k = 1;
	char text[32];

	if (hi - lo == 1) {
		int n = snprintf(text, sizeof(text), "record %" PRIu64, lo);

		merkle_leaf(h, &r, text, (size_t)n);
		return r;
	}
	while (k * 2 < hi - lo)
		k *= 2;
	a = mth(h, lo, lo + k);
	b = mth(h, lo + k, hi);
	merkle_node(h, &r, &a, &b);
	return r;
}

Test(journal, frontier_is_rfc6962)
{
	struct merkle_frontier f = {0};
	struct merkle_hasher *h;
	struct merkle_hash r, leaf;

	cr_assert_eq(merkle_hasher_new(&h), 0);
	for (uint64_t n = 1; n <= 600; n++) {
		leaf = mth(h, n - 1, n);
		merkle_append(h, &f, &leaf);
		merkle_root(h, &r, &f);
		leaf = mth(h, 0, n);
		cr_expect(memcmp(&r, &leaf, sizeof(r)) == 0, "root of %" PRIu64 " leaves", n);
	}
	merkle_hasher_free(h);
}

/* RFC 6962's own test vector of the empty tree, and a known leaf: SHA-256 of one zero byte */
Test(journal, known_hashes)
{
	static const uint8_t empty[4] = {0xe3, 0xb0, 0xc4, 0x42},
			     leaf[4] = {0x6e, 0x34, 0x0b, 0x9c};
	struct merkle_frontier f = {0};
	struct merkle_hasher *h;
	struct merkle_hash r;

	cr_assert_eq(merkle_hasher_new(&h), 0);
	merkle_root(h, &r, &f);
	cr_expect(memcmp(r.b, empty, 4) == 0);
	merkle_leaf(h, &r, "", 0);
	cr_expect(memcmp(r.b, leaf, 4) == 0);
	merkle_hasher_free(h);
}

static struct journal *open_it(struct journal_found *found, uint64_t segment_bytes)
{
	struct journal_config cfg = {.dir = dir,
				     .origin = "host.example/cordon",
				     .segment_bytes = segment_bytes,
				     .sync = JOURNAL_SYNC_NONE};
	struct diag_sink d = {0};
	struct journal *j = NULL;

	cr_assert_eq(journal_open(&j, &cfg, found, &d), 0);
	return j;
}

static void put(struct journal *j, uint64_t i)
{
	char line[160];
	int n = snprintf(line, sizeof(line),
			 "{\"event\":{\"id\":\"%08" PRIx64 "-%04" PRIx64 "-7000-8000-%012" PRIx64
			 "\",\"created\":\"2026-11-25T00:00:%02" PRIu64 ".%09" PRIu64 "Z\"}}",
			 (UINT64_C(0x19ab0000000) + i / 10) >> 16,
			 (UINT64_C(0x19ab0000000) + i / 10) & 0xffff, i, i / 100000 % 60,
			 i % 100000);

	cr_assert_eq(journal_append(j, line, (size_t)n), 0);
}

static void fill(uint64_t from, uint64_t to, uint64_t segment_bytes)
{
	struct journal_found found;
	struct journal *j = open_it(&found, segment_bytes);

	cr_expect_eq(found.records, from);
	cr_expect_str_empty(found.tampered);
	for (uint64_t i = from; i < to; i++) {
		put(j, i);
		if (i % 97 == 0)
			cr_assert_eq(journal_flush(j), 0);
		if (i % 1000 == 999)
			journal_tick(j, 0);
	}
	journal_close(j);
}

static struct journal_report report(const struct journal_checkpoint *seen, size_t n)
{
	struct journal_check_config cfg = {.dir = dir, .seen = seen, .nseen = n};
	struct journal_report r;
	struct diag_sink d = {0};

	cr_assert_eq(journal_check(&r, &cfg, &d), 0);
	return r;
}

static struct journal_checkpoint checkpoint(void)
{
	struct journal_checkpoint c;
	char path[128];

	snprintf(path, sizeof(path), "%s/checkpoint", dir);
	cr_assert_eq(journal_checkpoint_read(&c, path), 0);
	return c;
}

/* Reopened at every size around a tile's edges; each time the tree goes on as if never closed. */
Test(journal, goes_on_after_reopening)
{
	static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 513, 1000, 65535, 65537, 70000};
	uint64_t at = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct journal_report r;

		fill(at, sizes[i], 200000);
		at = sizes[i];
		r = report(NULL, 0);
		cr_expect_eq(r.fault, JOURNAL_FINE, "%" PRIu64 ": %s", at, r.text);
		cr_expect_eq(r.checked, at);
		cr_expect_eq(r.signed_records, at);
	}
}

static struct note_key *verifier(void)
{
	struct note_key *k = NULL;
	char path[128], line[NOTE_VERIFIER_MAX] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/verifier", dir);
	f = fopen(path, "r");
	cr_assert(f && fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = 0;
	cr_assert_eq(note_key_parse(&k, line), 0);
	return k;
}

Test(journal, proofs_of_any_record)
{
	struct journal_checkpoint c;
	struct journal_reader *r;
	struct diag_sink d = {0};
	struct proof_facts facts;
	struct note_key *k;
	const char *record;
	char *proof;
	size_t n;

	fill(0, 3000, 50000);
	c = checkpoint();
	k = verifier();
	cr_assert_eq(journal_reader_open(&r, dir, &d), 0);
	for (uint64_t i = 0; i < 3000; i += 7) {
		cr_assert_eq(journal_proof(&proof, r, i, &c), 0);
		cr_assert_eq(journal_record(r, i, &record, &n), 0);
		cr_expect_eq(proof_verify(&facts, proof, strlen(proof), record, n, k), 0);
		cr_expect_eq(facts.index, i);
		cr_expect_eq(proof_verify(&facts, proof, strlen(proof), record, n - 1, k), -EILSEQ);
		free(proof);
	}
	cr_expect_eq(journal_proof(&proof, r, 3000, &c), -ERANGE);
	journal_reader_close(r);
	journal_checkpoint_drop(&c);
	note_key_free(k);
}

Test(journal, found_by_id)
{
	struct journal_reader *r;
	struct diag_sink d = {0};
	char id[40];
	uint64_t at;

	fill(0, 5000, 20000);
	cr_assert_eq(journal_reader_open(&r, dir, &d), 0);
	for (uint64_t i = 0; i < 5000; i += 113) {
		snprintf(id, sizeof(id), "%08" PRIx64 "-%04" PRIx64 "-7000-8000-%012" PRIx64,
			 (UINT64_C(0x19ab0000000) + i / 10) >> 16,
			 (UINT64_C(0x19ab0000000) + i / 10) & 0xffff, i);
		cr_expect_eq(journal_find(r, id, &at), 0, "%s", id);
		cr_expect_eq(at, i);
	}
	cr_expect_eq(journal_find(r, "00000000-0000-7000-8000-000000000001", &at), -ENOENT);
	journal_reader_close(r);
}

/* Killed at any moment: nothing that was flushed is lost, and what is there leads on. */
Test(journal, survives_sigkill)
{
	uint64_t least = 0;

	for (int round = 0; round < 40; round++) {
		struct journal_found found;
		struct journal *j;
		int pipes[2];
		uint64_t flushed = least, got;
		struct journal_report r;
		pid_t pid;

		cr_assert_eq(pipe(pipes), 0);
		pid = fork();
		if (pid == 0) {
			j = open_it(&found, 30000);
			for (uint64_t i = found.records;; i++) {
				put(j, i);
				journal_flush(j);
				journal_tick(j, 0);
				if (write(pipes[1], &(uint64_t){i + 1}, 8) != 8)
					_exit(1);
			}
		}
		close(pipes[1]);
		usleep(2000 + (useconds_t)(rand() % 20000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(pipes[0], &got, 8) == 8)
			flushed = got;
		close(pipes[0]);
		j = open_it(&found, 30000);
		cr_expect_geq(found.records, flushed);
		cr_expect_leq(found.records, flushed + 1);
		cr_expect_str_empty(found.tampered);
		least = found.records;
		journal_close(j);
		r = report(NULL, 0);
		cr_expect_eq(r.fault, JOURNAL_FINE, "%s: %s", r.where, r.text);
	}
	cr_expect_gt(least, 100);
}

static void path_of(char path[160], uint64_t first)
{
	snprintf(path, 160, "%s/segment-%020" PRIu64 ".jsonl", dir, first);
}

/* A tile that is missing anywhere is made again from the records. */
Test(journal, missing_tiles_are_made_again)
{
	char path[160];

	fill(0, 1500, 0);
	snprintf(path, sizeof(path), "%s/tile/0/002", dir);
	cr_assert_eq(unlink(path), 0);
	fill(1500, 1501, 0);
	cr_expect_eq(access(path, F_OK), 0);
	cr_expect_eq(report(NULL, 0).fault, JOURNAL_FINE);
}

Test(journal, torn_tail_is_cut_off)
{
	struct journal_found found;
	struct journal *j;
	char path[160];
	FILE *f;

	fill(0, 10, 0);
	path_of(path, 0);
	f = fopen(path, "a");
	fputs("{\"half", f);
	fclose(f);
	j = open_it(&found, 0);
	cr_expect_eq(found.torn_bytes, 6);
	cr_expect_eq(found.records, 10);
	put(j, 10);
	journal_close(j);
	cr_expect_eq(report(NULL, 0).checked, 11);
}

/* A disk that takes only so much (a file size limit stands for it): exact loss, no half record. */
Test(journal, full_disk_loses_exactly)
{
	struct rlimit small = {20000, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
	struct journal_state s;
	struct journal_found found;
	struct journal *j = open_it(&found, 0);
	uint64_t refused = 0;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (uint64_t i = 0; i < 60000; i++) {
		char line[200];

		memset(line, 'x', sizeof(line));
		if (journal_append(j, line, sizeof(line)) == -ENOSPC)
			refused++;
		if (i % 100 == 0)
			journal_flush(j);
	}
	journal_state(j, &s);
	cr_expect_eq(s.error, -EFBIG);
	cr_expect_eq(s.lost, refused);
	cr_expect_gt(refused, 0);
	cr_expect_eq(s.records + s.waiting + s.lost, 60000);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	cr_expect_eq(journal_flush(j), 0);
	cr_expect_eq(journal_take_lost(j), refused);
	cr_expect_eq(journal_take_lost(j), 0);
	journal_close(j);
	cr_expect_eq(report(NULL, 0).fault, JOURNAL_FINE);
	cr_expect_eq(report(NULL, 0).checked, 60000 - refused);
}

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *p = malloc(1 << 22);

	cr_assert(f && p);
	*n = fread(p, 1, 1 << 22, f);
	fclose(f);
	return p;
}

static void spill(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	cr_assert(f && fwrite(p, 1, n, f) == n);
	fclose(f);
}

/* The offset of the i-th line of the file. */
static size_t line_at(const char *p, uint64_t i)
{
	const char *at = p;

	while (i--)
		at = strchr(at, '\n') + 1;
	return (size_t)(at - p);
}

enum deed { CHANGE, REMOVE, SWAP, ADD, CUT, APPEND };
static void tamper(enum deed deed, uint64_t i)
{
	char path[160], *p, *q = malloc(1 << 22);
	size_t n, a, b, c, m = 0;

	path_of(path, 0);
	p = slurp(path, &n);
	p[n] = 0;
	a = line_at(p, i);
	b = line_at(p, i + 1);
	c = deed == SWAP ? line_at(p, i + 2) : b;
#define PART(from, to) (memcpy(q + m, p + (from), (to) - (from)), m += (to) - (from))
	PART(0, a);
	if (deed == CHANGE)
		p[a + 20] ^= 1;
	if (deed == SWAP) {
		PART(b, c);
		PART(a, b);
	}
	if (deed == ADD)
		PART(0, line_at(p, 1));
	if (deed == CHANGE || deed == ADD)
		PART(a, b);
	if (deed != CUT && deed != APPEND)
		PART(c, n);
	if (deed == APPEND) {
		PART(a, n);
		PART(0, line_at(p, 1));
	}
	spill(path, q, m);
	free(p);
	free(q);
}

Test(journal, names_what_was_done)
{
	static const struct {
		enum deed deed;
		uint64_t at;
		enum journal_fault fault;
	} rows[] = {
		{CHANGE, 5, JOURNAL_CHANGED},	{CHANGE, 299, JOURNAL_CHANGED},
		{REMOVE, 100, JOURNAL_REMOVED}, {REMOVE, 255, JOURNAL_REMOVED},
		{REMOVE, 298, JOURNAL_REMOVED}, {SWAP, 7, JOURNAL_REORDERED},
		{SWAP, 255, JOURNAL_REORDERED}, {SWAP, 298, JOURNAL_REORDERED},
		{ADD, 50, JOURNAL_ADDED},	{ADD, 256, JOURNAL_ADDED},
		{CUT, 290, JOURNAL_MISSING},	{CUT, 3, JOURNAL_MISSING},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct journal_report r;

		make_top();
		fill(0, 300, 0);
		tamper(rows[i].deed, rows[i].at);
		r = report(NULL, 0);
		cr_expect_eq(r.fault, rows[i].fault, "row %zu: %s: %s", i,
			     journal_fault_name(r.fault), r.text);
		cr_expect_eq(r.record, rows[i].at, "row %zu: record %" PRIu64, i, r.record);
		cr_expect_neq(strstr(r.where, ".jsonl:"), NULL);
	}
}

Test(journal, forged_tail_is_not_signed)
{
	struct journal_report r;

	fill(0, 300, 0);
	tamper(APPEND, 299);
	r = report(NULL, 0);
	cr_expect_eq(r.fault, JOURNAL_ADDED, "%s", journal_fault_name(r.fault));
	cr_expect_eq(r.record, 300);
}

Test(journal, removed_segment)
{
	struct journal_report r;
	struct journal_reader *reader;
	struct diag_sink d = {0};
	char path[160];
	uint64_t second = 0;

	fill(0, 2000, 20000);
	cr_assert_eq(journal_reader_open(&reader, dir, &d), 0);
	journal_reader_close(reader);
	for (uint64_t i = 1; i < 2000 && !second; i++) {
		path_of(path, i);
		if (access(path, F_OK) == 0)
			second = i;
	}
	cr_assert_gt(second, 0);
	unlink(path);
	r = report(NULL, 0);
	cr_expect_eq(r.fault, JOURNAL_MISSING, "%s", r.text);
	cr_expect_eq(r.record, second);
}

/* The whole directory is put back to an older state, or grown anew from one, keys and all. */
Test(journal, rollback_and_fork)
{
	struct journal_checkpoint seen;
	struct journal_report r;
	char cmd[512];

	fill(0, 100, 0);
	snprintf(cmd, sizeof(cmd), "cp -a %s %s/old", dir, top);
	cr_assert_eq(system(cmd), 0);
	fill(100, 150, 0);
	seen = checkpoint();
	cr_expect_eq(report(&seen, 1).fault, JOURNAL_FINE);
	snprintf(cmd, sizeof(cmd), "rm -rf %s && cp -a %s/old %s", dir, top, dir);
	cr_assert_eq(system(cmd), 0);
	r = report(&seen, 1);
	cr_expect_eq(r.fault, JOURNAL_ROLLBACK, "%s", r.text);
	{
		struct journal_found found;
		struct journal *j = open_it(&found, 0);

		for (uint64_t i = 0; i < 60; i++)
			put(j, 900 + i);
		journal_close(j);
	}
	r = report(&seen, 1);
	cr_expect_eq(r.fault, JOURNAL_FORK, "%s", r.text);
	journal_checkpoint_drop(&seen);
}

/* Who has no key and writes records and tiles anew: the signed root says so. */
Test(journal, forged_without_the_key)
{
	struct journal_report r;
	char cmd[600];

	fill(0, 300, 0);
	snprintf(cmd, sizeof(cmd), "mv %s %s/real", dir, top);
	cr_assert_eq(system(cmd), 0);
	fill(0, 299, 0);
	{
		struct journal_found found;
		struct journal *j = open_it(&found, 0);

		put(j, 7777);
		journal_close(j);
	}
	snprintf(cmd, sizeof(cmd), "cp %s/real/checkpoint %s/real/verifier %s/", top, top, dir);
	cr_assert_eq(system(cmd), 0);
	r = report(NULL, 0);
	cr_expect_eq(r.fault, JOURNAL_FORGED, "%s: %s", journal_fault_name(r.fault), r.text);
}

/* At its next start the agent does not write over evidence of tampering. */
Test(journal, tampered_is_put_aside)
{
	struct journal_found found;
	struct journal *j;

	fill(0, 300, 0);
	tamper(CHANGE, 299);
	j = open_it(&found, 0);
	cr_expect_str_not_empty(found.tampered);
	cr_expect_eq(access(found.moved, F_OK), 0);
	put(j, 0);
	journal_close(j);
	cr_expect_eq(report(NULL, 0).checked, 1);
}

Test(journal, one_writer)
{
	struct journal_config cfg = {.dir = dir, .origin = "host.example/cordon"};
	struct journal_found found;
	struct journal *j = open_it(&found, 0), *second = NULL;
	struct diag_sink d = {0};

	cr_expect_eq(journal_open(&second, &cfg, &found, &d), -EBUSY);
	journal_close(j);
}

Test(journal, retention_drops_whole_segments)
{
	struct journal_config cfg = {
		.dir = dir, .origin = "host.example/cordon", .keep = 1000, .segment_bytes = 20000};
	struct journal_found found;
	struct journal_report r;
	struct diag_sink d = {0};
	struct journal *j;

	fill(0, 2000, 20000);
	cr_assert_eq(journal_open(&j, &cfg, &found, &d), 0);
	journal_tick(j, time(NULL) + 5000);
	journal_close(j);
	r = report(NULL, 0);
	cr_expect_eq(r.fault, JOURNAL_FINE, "%s", r.text);
	cr_expect_gt(r.first, 1500);
	cr_expect_eq(r.first + r.checked, 2000);
}

Test(journal, notes)
{
	/* C2SP signed-note's own example */
	static const char *note =
		"Ognuno sta solo sul cuor della terra\n"
		"trafitto da un raggio di sole:\n\ned \xc3\xa8 subito sera.\n\n"
		"\xe2\x80\x94 quasimodo.example/salvatore "
		"NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0x"
		"McXxj99ihAQwaqP3ZekRwNtIc=\n";
	struct diag_sink d = {0};
	struct note_key *k, *pub;
	char path[128], *out;
	size_t text;

	snprintf(path, sizeof(path), "%s/key", top);
	cr_assert_eq(note_key_open(&k, path, "a.example/b", 1, &d), 0);
	cr_assert_eq(note_key_parse(&pub, note_key_verifier(k)), 0);
	cr_expect_eq(note_verify(k, note, strlen(note), &text), -ENOKEY);
	cr_assert_eq(note_sign(&out, k, "one\n\ntwo\n", 9), 0);
	cr_expect_eq(note_verify(pub, out, strlen(out), &text), 0);
	cr_expect_eq(text, 9);
	for (size_t i = 0; i < strlen(out); i++) {
		char *bad = strdup(out);

		bad[i] ^= 1;
		cr_expect_neq(note_verify(pub, bad, strlen(bad), &text), 0, "byte %zu", i);
		free(bad);
	}
	cr_expect_eq(note_sign(&out, k, "no newline", 10), -EINVAL);
	cr_expect_neq(note_key_open(&pub, path, "a b", 1, &d), 0);
	note_key_free(k);
	free(out);
	note_key_free(pub);
}
