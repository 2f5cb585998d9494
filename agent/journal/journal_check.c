/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal_check.c - is the record what it was? Every record's hash against its tile, the whole
 * against the signature, both against checkpoints that left the host.
 *
 * A record, its hash in a tile and the signed root are three copies of one fact. Where record and
 * tile disagree, the neighbours tell what was done; where they agree with each other and not with
 * the root, somebody rewrote both, and no record can be named.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "agent/journal/journal_private.h"
#include "geo/base/cleanup.h"

#define TIME_MAX 40

static const char *const names[] = {
	[JOURNAL_FINE] = "fine",       [JOURNAL_CHANGED] = "changed",
	[JOURNAL_REMOVED] = "removed", [JOURNAL_REORDERED] = "reordered",
	[JOURNAL_ADDED] = "added",     [JOURNAL_MISSING] = "missing",
	[JOURNAL_FORGED] = "forged",   [JOURNAL_ROLLBACK] = "rollback",
	[JOURNAL_FORK] = "fork",       [JOURNAL_UNSIGNED] = "unsigned",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == JOURNAL_FAULTS, "a name for each fault");

const char *journal_fault_name(enum journal_fault f)
{
	return (unsigned)f < JOURNAL_FAULTS ? names[f] : "";
}

struct check {
	const struct journal_check_config *cfg;
	struct journal_report *ret;
	struct journal_reader *r;
	struct merkle_hasher *hasher;
	struct merkle_source tree;
	struct journal_checkpoint now;
	struct note_key *key;
	int dirfd;
	struct merkle_frontier f;
	uint64_t tile_index; /* of the leaf tile at hand */
	unsigned tile_width; /* 0: none */
	struct merkle_hash tile[TILE_WIDTH];
	char time[TIME_MAX];
};

static void fault(struct check *c, enum journal_fault f, uint64_t record, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void fault(struct check *c, enum journal_fault f, uint64_t record, const char *fmt, ...)
{
	char name[SEGMENT_NAME_MAX];
	const struct segments *s = reader_segments(c->r);
	va_list ap;

	if (c->ret->fault)
		return; /* the first one counts */
	c->ret->fault = f;
	c->ret->record = record;
	va_start(ap, fmt);
	vsnprintf(c->ret->text, sizeof(c->ret->text), fmt, ap);
	va_end(ap);
	for (size_t i = s->n; i-- > 0;)
		if (s->v[i].first <= record) {
			segment_name(name, s->v[i].first);
			snprintf(c->ret->where, sizeof(c->ret->where), "%s/%s:%" PRIu64,
				 c->cfg->dir, name, record - s->v[i].first + 1);
			return;
		}
}

/* The hash that was noted for record i when it was made: 0, or -ENOENT. */
static int noted(struct check *c, uint64_t i, struct merkle_hash *ret)
{
	uint64_t index = i / TILE_WIDTH;

	if (!c->tile_width || c->tile_index != index) {
		uint64_t left = c->now.size - index * TILE_WIDTH;
		char path[TILE_PATH_MAX];
		_close_ int fd = -1;
		ssize_t n;

		if (i >= c->now.size)
			return -ENOENT;
		c->tile_index = index;
		c->tile_width = left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
		tile_path(path, "0", index, c->tile_width);
		fd = openat(c->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		n = fd < 0 ? -1 : pread(fd, c->tile, c->tile_width * MERKLE_HASH, 0);
		if (n != (ssize_t)(c->tile_width * MERKLE_HASH)) {
			c->tile_width = 0;
			return -ENOENT;
		}
	}
	if (i % TILE_WIDTH >= c->tile_width)
		return -ENOENT;
	*ret = c->tile[i % TILE_WIDTH];
	return 0;
}

static bool same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Record i is not what was noted; its neighbours tell why. */
static void tell_mismatch(struct check *c, uint64_t i, const struct merkle_hash *leaf,
			  const struct merkle_hash *was)
{
	struct merkle_hash next_was, next;
	bool after = noted(c, i + 1, &next_was) == 0 && same(leaf, &next_was);
	bool before = reader_leaf(c->r, i + 1, &next) == 0 && same(&next, was);

	if (after && before)
		fault(c, JOURNAL_REORDERED, i, "this record and the next one have changed places");
	else if (after)
		fault(c, JOURNAL_REMOVED, i, "the record that stood here was removed");
	else if (before)
		fault(c, JOURNAL_ADDED, i, "this record was put in: its place was the next one's");
	else
		fault(c, JOURNAL_CHANGED, i,
		      "this record is not the one whose hash was noted when it was written");
}

/* "created" of the event: when the agent wrote it. */
static void see_time(struct check *c, uint64_t i, const char *p, size_t n)
{
	static const char key[] = "\"created\":\"";
	const char *at = memmem(p, n, key, sizeof(key) - 1), *end;
	char t[TIME_MAX] = "";

	if (!at)
		return;
	at += sizeof(key) - 1;
	end = memchr(at, '"', n - (size_t)(at - p));
	if (!end || (size_t)(end - at) >= sizeof(t))
		return;
	memcpy(t, at, (size_t)(end - at));
	if (c->time[0] && strcmp(t, c->time) < 0 && !c->ret->clock_back++)
		c->ret->clock_back_first = i;
	memcpy(c->time, t, sizeof(t));
}

/* Checkpoints that are of this size must have this root. */
static void compare_roots(struct check *c)
{
	struct merkle_hash root;

	if (c->f.n == c->now.size) {
		merkle_root(c->hasher, &root, &c->f);
		if (!same(&root, &c->now.root))
			fault(c, JOURNAL_FORGED, 0,
			      "records and hashes agree with each other, not with the root that was "
			      "signed for %" PRIu64 " records",
			      c->now.size);
	}
	for (size_t i = 0; i < c->cfg->nseen; i++) {
		if (c->cfg->seen[i].size != c->f.n)
			continue;
		merkle_root(c->hasher, &root, &c->f);
		if (!same(&root, &c->cfg->seen[i].root))
			fault(c, JOURNAL_FORK, c->f.n ? c->f.n - 1 : 0,
			      "another history: the checkpoint of %" PRIu64
			      " records that was seen elsewhere has another root",
			      c->f.n);
	}
}

static int check_record(struct check *c, uint64_t i)
{
	struct merkle_hash leaf, was;
	const char *p;
	size_t n;
	int e = journal_record(c->r, i, &p, &n);

	if (e < 0)
		return e;
	see_time(c, i, p, n);
	merkle_leaf(c->hasher, &leaf, p, n);
	e = noted(c, i, &was);
	if (e == 0 && !same(&leaf, &was))
		tell_mismatch(c, i, &leaf, &was);
	merkle_append(c->hasher, &c->f, &leaf);
	c->ret->checked++;
	compare_roots(c);
	return 0;
}

/* Records are missing between what a segment holds and where the next begins. */
static int check_segment(struct check *c, size_t at)
{
	const struct segments *s = reader_segments(c->r);
	uint64_t end = at + 1 < s->n ? s->v[at + 1].first : journal_reader_end(c->r);
	int e = 0;

	for (uint64_t i = s->v[at].first; i < end && e == 0 && !c->ret->fault; i++)
		e = check_record(c, i);
	if (e == -ERANGE || e == -ENODATA) {
		fault(c, JOURNAL_MISSING, c->f.n,
		      "%" PRIu64 " records from %" PRIu64
		      " on are missing: a segment ends early or was removed",
		      end - c->f.n, c->f.n);
		e = 0;
	}
	return e;
}

/* Where old segments are past their time, the tree up to them comes from the tiles. */
static int begin(struct check *c)
{
	uint64_t first = journal_reader_first(c->r);
	int e = 0;

	c->ret->first = first;
	for (unsigned l = 0; l < MERKLE_LEVELS && e == 0; l++)
		if (first >> l & 1)
			e = c->tree.full(c->tree.arg, l, (first >> l) - 1, &c->f.full[l]);
	c->f.n = first;
	if (e == -ERANGE || e == -ENOENT) {
		fault(c, JOURNAL_MISSING, first,
		      "the first segments are not there, nor the hashes of their records");
		return 0;
	}
	if (e == 0)
		compare_roots(c);
	return e;
}

/* Is a writer at work? Then the last second is not signed yet. */
static bool written_now(const struct check *c)
{
	_close_ int fd = openat(c->dirfd, "lock", O_RDONLY | O_CLOEXEC);
	bool busy;

	if (fd < 0)
		return false;
	busy = flock(fd, LOCK_SH | LOCK_NB) < 0;
	if (!busy)
		flock(fd, LOCK_UN);
	return busy;
}

static void check_ends(struct check *c)
{
	uint64_t end = journal_reader_end(c->r);

	if (c->now.size > end)
		fault(c, JOURNAL_MISSING, end,
		      "%" PRIu64 " records were signed, %" PRIu64 " are there: the end was cut off",
		      c->now.size, end);
	for (size_t i = 0; i < c->cfg->nseen; i++)
		if (c->cfg->seen[i].size > end)
			fault(c, JOURNAL_ROLLBACK, end,
			      "a checkpoint of %" PRIu64 " records was seen elsewhere, %" PRIu64
			      " are there: an old copy",
			      c->cfg->seen[i].size, end);
	if (end > c->now.size && !c->ret->fault && !written_now(c))
		fault(c, JOURNAL_ADDED, c->now.size,
		      "%" PRIu64
		      " records after the last checkpoint: not signed. A crash leaves up "
		      "to a second of them, until the agent runs again",
		      end - c->now.size);
}

static int read_file(char *buf, size_t size, int dirfd, const char *name)
{
	_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return -errno;
	buf[n] = 0;
	return (int)n;
}

static int open_key(struct check *c, struct diag_sink *d)
{
	char line[NOTE_VERIFIER_MAX + 2] = "";
	const char *verifier = c->cfg->verifier;
	int r;

	if (!verifier) {
		r = read_file(line, sizeof(line), c->dirfd, "verifier");
		if (r < 0) {
			diag_error(d, c->cfg->dir, 0, "its verifier cannot be read: %s",
				   strerror(-r));
			return r;
		}
		line[strcspn(line, "\n")] = 0;
		verifier = line;
	}
	r = note_key_parse(&c->key, verifier);
	if (r < 0)
		diag_error(d, c->cfg->dir, 0, "'%s' is no verifier (NAME+ID+KEY)", verifier);
	return r;
}

/* False: nothing in here can be believed. */
static bool signed_by(struct check *c, const struct journal_checkpoint *p, const char *which)
{
	size_t text;
	int r = note_verify(c->key, p->note, p->len, &text);

	if (r < 0)
		fault(c, JOURNAL_UNSIGNED, 0, "%s is %s", which,
		      r == -ENOKEY ? "not signed by this key" : "signed wrongly: it was changed");
	return r == 0;
}

static bool check_signatures(struct check *c)
{
	char path[4096];
	bool ok = true;

	snprintf(path, sizeof(path), "%s/checkpoint", c->cfg->dir);
	if (journal_checkpoint_read(&c->now, path) < 0) {
		fault(c, JOURNAL_UNSIGNED, 0, "it has no checkpoint that can be read");
		return false;
	}
	c->ret->signed_records = c->now.size;
	ok = signed_by(c, &c->now, "its checkpoint");
	for (size_t i = 0; i < c->cfg->nseen && ok; i++)
		ok = signed_by(c, &c->cfg->seen[i], "a checkpoint that was seen elsewhere");
	return ok;
}

static int check_all(struct check *c)
{
	const struct segments *s = reader_segments(c->r);
	int e;

	if (!check_signatures(c))
		return 0;
	e = begin(c);
	for (size_t i = 0; i < s->n && e == 0 && !c->ret->fault; i++)
		e = check_segment(c, i);
	if (e == 0)
		check_ends(c);
	return e;
}

int journal_check(struct journal_report *ret, const struct journal_check_config *cfg,
		  struct diag_sink *d)
{
	struct check *c = calloc(1, sizeof(*c));
	int e;

	if (!c)
		return -ENOMEM;
	*ret = (struct journal_report){0};
	c->cfg = cfg;
	c->ret = ret;
	c->dirfd = open(cfg->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = journal_reader_open(&c->r, cfg->dir, d);
	e = e ? e : merkle_hasher_new(&c->hasher);
	e = e ? e : open_key(c, d);
	if (e == 0) {
		c->tree = journal_tree(c->r);
		e = check_all(c);
		if (e < 0)
			diag_error(d, cfg->dir, 0, "cannot check the journal: %s", strerror(-e));
	}
	journal_checkpoint_drop(&c->now);
	note_key_free(c->key);
	merkle_hasher_free(c->hasher);
	journal_reader_close(c->r);
	if (c->dirfd >= 0)
		close(c->dirfd);
	free(c);
	return e;
}
