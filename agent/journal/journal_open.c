/* SPDX-License-Identifier: BSD-2-Clause */
/* journal_open.c - what a writer finds: torn tails, missing tiles, tampering; and the tree as it
 * was. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "agent/journal/journal_private.h"
#include "agent/journal/signer.h"
#include "geo/base/cleanup.h"

#define BUFFER_FIRST (64u << 10)

/* The hashes that the growing tiles hold, and the frontier: from full tiles and the last records. */
static int load_tree(struct journal *j, struct journal_reader *r)
{
	struct merkle_source s = journal_tree(r);
	uint64_t n = journal_reader_end(r);
	int e = 0;

	for (unsigned l = 0; l < MERKLE_LEVELS && e == 0; l++)
		if (n >> l & 1)
			e = s.full(s.arg, l, (n >> l) - 1, &j->tree.full[l]);
	for (unsigned l = 0; l < TILE_LEVELS && e == 0; l++) {
		uint64_t have = l ? n >> (TILE_HEIGHT * l) : n;

		for (uint64_t i = have - have % TILE_WIDTH; i < have && e == 0; i++)
			e = s.full(s.arg, TILE_HEIGHT * l, i, &j->tile[l][i % TILE_WIDTH]);
	}
	j->tree.n = n;
	return e;
}

/* Tiles that a crash or a full disk left out, wherever they are missing. */
static int mend_tiles(struct journal *j, struct journal_reader *r, unsigned level)
{
	struct merkle_source s = journal_tree(r);
	struct merkle_hash v[TILE_WIDTH];
	uint64_t tiles = journal_reader_end(r) >> (TILE_HEIGHT * (level + 1));
	char path[TILE_PATH_MAX], name[4];
	int e = 0;

	snprintf(name, sizeof(name), "%u", level);
	while (e == 0 && tiles-- > 0) {
		uint64_t at = tiles * TILE_WIDTH;

		if (tile_read(j->dirfd, level, tiles, v, TILE_WIDTH) == 0)
			continue;
		if (level == 0 && at < journal_reader_first(r))
			break; /* its records are past their time */
		for (unsigned i = 0; i < TILE_WIDTH && e == 0; i++)
			e = s.full(s.arg, TILE_HEIGHT * level, at + i, &v[i]);
		tile_path(path, name, tiles, TILE_WIDTH);
		if (e == 0)
			e = tile_write(j->dirfd, path, v, TILE_BYTES);
	}
	return e == -ENOSPC || e == -ERANGE ? 0 : e; /* no room yet, or its records are not kept */
}

/* What was half written when the last writer was killed. */
static int cut_torn(struct journal *j, struct journal_found *found)
{
	char name[SEGMENT_NAME_MAX], block[65536];
	struct segments s;
	struct stat st;
	int e = segments_list(&s, j->dirfd);
	_close_ int fd = -1;
	off_t whole;

	if (e < 0 || !s.n)
		return e;
	segment_name(name, s.v[s.n - 1].first);
	segments_drop(&s);
	fd = openat(j->dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	for (whole = st.st_size; whole > 0;) { /* back to the last line's end */
		off_t from = whole > (off_t)sizeof(block) ? whole - (off_t)sizeof(block) : 0;
		ssize_t n = pread(fd, block, (size_t)(whole - from), from);
		char *nl = n > 0 ? memrchr(block, '\n', (size_t)n) : NULL;

		if (n <= 0)
			return -EIO;
		whole = nl ? from + (nl - block) + 1 : from;
		if (nl)
			break;
	}
	found->torn_bytes = (uint64_t)(st.st_size - whole);
	return found->torn_bytes && ftruncate(fd, whole) < 0 ? -errno : 0;
}

/* Do the records still lead to what was signed? *found says why not. */
static int check_signed(struct journal *j, struct journal_reader *r, struct journal_found *found)
{
	struct journal_checkpoint c = {0};
	struct merkle_source s = journal_tree(r);
	struct merkle_hash root;
	char path[4096];
	size_t text;
	int e;

	snprintf(path, sizeof(path), "%s/checkpoint", j->dir);
	e = journal_checkpoint_read(&c, path);
	if (e == -ENOENT)
		return 0; /* nothing was signed yet */
	if (e < 0 || note_verify(j->key, c.note, c.len, &text) < 0) {
		snprintf(found->tampered, sizeof(found->tampered),
			 "its checkpoint is not signed by its key");
	} else if (c.size > journal_reader_end(r)) {
		snprintf(found->tampered, sizeof(found->tampered),
			 "%" PRIu64 " records were signed, %" PRIu64 " are there", c.size,
			 journal_reader_end(r));
	} else {
		e = merkle_root_of(&s, c.size, &root);
		if (e == 0 && memcmp(&root, &c.root, sizeof(root)) != 0)
			snprintf(found->tampered, sizeof(found->tampered),
				 "its %" PRIu64 " records do not lead to the root that was signed",
				 c.size);
	}
	j->state.signed_records = found->tampered[0] ? 0 : c.size;
	j->has_checkpoint = true;
	journal_checkpoint_drop(&c);
	return found->tampered[0] ? 0 : e;
}

static int open_directory(struct journal *j, struct diag_sink *d)
{
	int r = 0;

	if (mkdir(j->dir, 0750) < 0 && errno != EEXIST)
		r = -errno;
	j->dirfd = r ? -1 : open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r == 0 && j->dirfd < 0)
		r = -errno;
	if (r == 0) {
		j->lock = openat(j->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		r = j->lock < 0 ? -errno : 0;
	}
	if (r < 0)
		diag_error(d, j->dir, 0, "cannot open the journal: %s", strerror(-r));
	else if (flock(j->lock, LOCK_EX | LOCK_NB) < 0) {
		diag_error(d, j->dir, 0, "another process writes this journal");
		r = -EBUSY;
	}
	return r;
}

/* The name that the key was made with: a host may be called otherwise since. */
static void keep_origin(struct journal *j)
{
	char line[NOTE_VERIFIER_MAX + 2] = "";
	int fd = openat(j->dirfd, "verifier", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	char *plus = n > 0 ? strchr(line, '+') : NULL, *name;

	if (fd >= 0)
		close(fd);
	if (!plus || plus == line)
		return;
	name = strndup(line, (size_t)(plus - line));
	if (name) {
		free(j->origin);
		j->origin = name;
	}
}

static int open_key(struct journal *j, struct diag_sink *d)
{
	char path[4096], line[NOTE_VERIFIER_MAX + 1];
	int r, n;

	keep_origin(j);
	snprintf(path, sizeof(path), "%s/key", j->dir);
	r = note_key_open(&j->key, path, j->origin, 1, d);
	if (r < 0)
		return r;
	n = snprintf(line, sizeof(line), "%s\n", note_key_verifier(j->key));
	return tile_write(j->dirfd, "verifier", line, (size_t)n);
}

static int start_segment(struct journal *j, const struct journal_reader *r)
{
	const struct segments *s = reader_segments(r);
	struct stat st;
	int e;

	if (!s->n)
		return segment_open(j, 0, O_CREAT);
	e = segment_open(j, s->v[s->n - 1].first, 0);
	if (e == 0 && fstat(j->segment, &st) == 0)
		j->segment_bytes = (uint64_t)st.st_size;
	return e;
}

static int load(struct journal *j, struct journal_found *found, struct diag_sink *d)
{
	struct journal_reader *r = NULL;
	int e = cut_torn(j, found);

	e = e ? e : reader_from(&r, j->dirfd);
	e = e ? e : check_signed(j, r, found);
	if (e == 0 && !found->tampered[0]) {
		e = load_tree(j, r);
		for (unsigned l = 0; l + 1 < TILE_LEVELS && e == 0;
		     l++) /* 2^64 leaves fill none of the last */
			e = mend_tiles(j, r, l);
		e = e ? e : start_segment(j, r);
		found->records = j->tree.n;
		found->unsigned_tail = j->tree.n - j->state.signed_records;
		j->state.records = j->tree.n;
	}
	journal_reader_close(r);
	if (e < 0)
		diag_error(d, j->dir, 0, "cannot read the journal: %s", strerror(-e));
	return e;
}

void journal_free(struct journal *j)
{
	signer_free(j->signer);
	if (j->segment >= 0)
		close(j->segment);
	if (j->segment_before >= 0)
		close(j->segment_before);
	if (j->lock >= 0)
		close(j->lock);
	if (j->dirfd >= 0)
		close(j->dirfd);
	note_key_free(j->key);
	merkle_hasher_free(j->hasher);
	free(j->buffer);
	free(j->note);
	free(j->dir);
	free(j->origin);
	free(j);
}

static int journal_new(struct journal **ret, const struct journal_config *cfg)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->cfg = *cfg;
	j->dirfd = j->lock = j->segment = j->segment_before = -1;
	j->dir = strdup(cfg->dir);
	j->origin = strdup(cfg->origin);
	j->buffer = malloc(BUFFER_FIRST);
	j->room = BUFFER_FIRST;
	if (!j->cfg.segment_bytes)
		j->cfg.segment_bytes = JOURNAL_SEGMENT_BYTES;
	if (!j->dir || !j->origin || !j->buffer || merkle_hasher_new(&j->hasher) < 0) {
		journal_free(j);
		return -ENOMEM;
	}
	*ret = j;
	return 0;
}

/* Evidence is not written over: the directory goes aside whole. */
static int put_aside(struct journal *j, struct journal_found *found, struct diag_sink *d)
{
	time_t now = time(NULL);
	struct tm tm;
	char when[32];

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	snprintf(found->moved, sizeof(found->moved), "%s.tampered-%s", j->dir, when);
	if (rename(j->dir, found->moved) == 0)
		return 0;
	diag_error(d, j->dir, 0, "cannot put the tampered journal aside: %s", strerror(errno));
	return -errno;
}

static int try_open(struct journal **ret, const struct journal_config *cfg,
		    struct journal_found *found, struct diag_sink *d)
{
	struct journal *j;
	int r = journal_new(&j, cfg);

	if (r < 0)
		return r;
	r = open_directory(j, d);
	r = r ? r : open_key(j, d);
	r = r ? r : load(j, found, d);
	if (r == 0 && found->tampered[0])
		r = put_aside(j, found, d) ? -EBADMSG : -EAGAIN;
	r = r ? r : signer_new(&j->signer, j->dirfd, j->key, j->origin, j->state.signed_records);
	if (r < 0) {
		journal_free(j);
		return r;
	}
	if (!j->has_checkpoint)
		journal_finish(j);
	*ret = j;
	return 0;
}

int journal_open(struct journal **ret, const struct journal_config *cfg,
		 struct journal_found *found, struct diag_sink *d)
{
	struct journal_found again = {0};
	int r;

	*found = (struct journal_found){0};
	r = try_open(ret, cfg, found, d);
	if (r == -EAGAIN) /* put aside: begin anew */
		r = try_open(ret, cfg, &again, d);
	return r;
}
