/* SPDX-License-Identifier: BSD-2-Clause */
/* journal_write.c - appends records, grows the tree and its tiles, has it signed, and drops old
 * segments. */
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

#define RETAIN_EVERY 3600 /* seconds */

int segment_open(struct journal *j, uint64_t first, int flags)
{
	char name[SEGMENT_NAME_MAX];
	int fd;

	segment_name(name, first);
	fd = openat(j->dirfd, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
	if (fd < 0)
		return -errno;
	if (j->segment_before >= 0)
		close(j->segment_before);
	j->segment_before = j->segment;
	j->segment = fd;
	j->segment_first = first;
	j->segment_bytes = 0;
	return 0;
}

/* A leaf, and the tiles that it fills. */
static void grow(struct journal *j, const struct merkle_hash *leaf)
{
	struct merkle_hash h = *leaf;
	uint64_t index = j->tree.n;
	char path[TILE_PATH_MAX], level[4];

	merkle_append(j->hasher, &j->tree, leaf);
	for (unsigned l = 0; l < TILE_LEVELS; l++) {
		j->tile[l][index % TILE_WIDTH] = h;
		if (index % TILE_WIDTH != TILE_WIDTH - 1)
			return;
		snprintf(level, sizeof(level), "%u", l);
		tile_path(path, level, index / TILE_WIDTH, TILE_WIDTH);
		if (tile_write(j->dirfd, path, j->tile[l], TILE_BYTES) < 0)
			j->state.tiles_missing++;
		tile_root(j->hasher, &h, j->tile[l], TILE_HEIGHT);
		index /= TILE_WIDTH;
	}
}

int journal_append(struct journal *j, const char *record, size_t n)
{
	if (n > JOURNAL_RECORD_MAX)
		return -EMSGSIZE;
	if (!n || memchr(record, '\n', n))
		return -EINVAL;
	if (j->used + n + 1 > j->room) {
		size_t room = j->room * 2 > j->used + n + 1 ? j->room * 2 : j->used + n + 1;
		char *more = room <= JOURNAL_BUFFER_MAX ? realloc(j->buffer, room) : NULL;

		if (!more) {
			j->state.lost++;
			j->state.lost_now++;
			return -ENOSPC;
		}
		j->buffer = more;
		j->room = room;
	}
	memcpy(j->buffer + j->used, record, n);
	j->buffer[j->used + n] = '\n';
	j->used += n + 1;
	j->state.waiting++;
	return 0;
}

/* n bytes of whole records were written. */
static void took(struct journal *j, size_t n)
{
	const char *p = j->buffer, *end = p + n;
	struct merkle_hash leaf;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		merkle_leaf(j->hasher, &leaf, p, (size_t)(nl - p));
		grow(j, &leaf);
		j->state.waiting--;
		p = nl + 1;
	}
	j->segment_bytes += n;
	j->state.bytes += n;
	j->state.records = j->tree.n;
	j->used -= n;
	memmove(j->buffer, j->buffer + n, j->used);
}

/* A full disk took a part: the half record goes, the whole ones count. */
static int wrote_part(struct journal *j, size_t n)
{
	const char *nl = n ? memrchr(j->buffer, '\n', n) : NULL;
	size_t whole = nl ? (size_t)(nl - j->buffer) + 1 : 0;

	int r = whole < n && ftruncate(j->segment, (off_t)(j->segment_bytes + whole)) < 0 ? -errno
											  : 0;

	took(j, whole);
	if (r < 0) /* the half line must not run into the next record: that begins a segment */
		j->segment_bytes = j->cfg.segment_bytes;
	return r;
}

int journal_flush(struct journal *j)
{
	size_t done = 0;
	int r = 0, cut = 0;

	if (!j->used)
		return 0;
	if (j->segment_bytes >= j->cfg.segment_bytes)
		r = segment_open(j, j->tree.n, O_CREAT | O_EXCL);
	while (r == 0 && done < j->used) {
		ssize_t w = write(j->segment, j->buffer + done, j->used - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			r = -errno;
		else
			done += (size_t)w;
	}
	if (done == j->used)
		took(j, done);
	else if (done)
		cut = wrote_part(j, done);
	j->state.error = cut ? cut : r;
	return j->state.error;
}

uint64_t journal_take_lost(struct journal *j)
{
	uint64_t n = j->state.error || j->used ? 0 : j->state.lost_now;

	if (n)
		j->state.lost_now = 0;
	return n;
}

void journal_state(const struct journal *j, struct journal_state *ret)
{
	*ret = j->state;
}

void journal_configure(struct journal *j, int64_t keep, enum journal_sync sync)
{
	j->cfg.keep = keep;
	j->cfg.sync = sync;
}

uint64_t journal_take_pruned(struct journal *j)
{
	uint64_t first = j->pruned;

	j->pruned = 0;
	return first;
}

const char *journal_verifier(const struct journal *j)
{
	return note_key_verifier(j->key);
}

/* Whole segments, by the time of their last write; never the one that is written. */
static void retain(struct journal *j, int64_t now)
{
	char name[SEGMENT_NAME_MAX];
	struct segments s;
	struct stat st;

	if (!j->cfg.keep || (j->retained && now - j->retained < RETAIN_EVERY) ||
	    segments_list(&s, j->dirfd) < 0)
		return;
	j->retained = now;
	for (size_t i = 0; i + 1 < s.n && s.v[i].first != j->segment_first; i++) {
		segment_name(name, s.v[i].first);
		if (fstatat(j->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    now - st.st_mtime <= j->cfg.keep || unlinkat(j->dirfd, name, 0) < 0)
			break; /* no holes: the oldest go first */
		j->pruned = s.v[i + 1].first;
	}
	segments_drop(&s);
}

/* What the thread has made since: true when it is a checkpoint. */
static bool take_signed(struct journal *j)
{
	struct signer_done done;

	if (!signer_take(j->signer, &done))
		return false;
	j->state.sign_error = done.error;
	if (!done.note)
		return false;
	free(j->note);
	j->note = done.note;
	j->state.signed_records = done.records;
	j->has_checkpoint = true;
	return true;
}

static void sign(struct journal *j)
{
	struct signer_work w = {.fd = j->segment,
				.fd_before = j->segment_before,
				.sync = j->cfg.sync == JOURNAL_SYNC_SECOND,
				.records = j->tree.n,
				.tiles = (const struct merkle_hash(*)[TILE_WIDTH])j->tile};

	if ((j->has_checkpoint && j->tree.n <= j->state.signed_records) || !signer_idle(j->signer))
		return; /* an empty journal has a checkpoint too */
	merkle_root(j->hasher, &w.root, &j->tree);
	signer_start(j->signer, &w);
	if (j->segment_before >= 0)
		close(j->segment_before);
	j->segment_before = -1;
}

const char *journal_tick(struct journal *j, int64_t unix_seconds)
{
	bool have = take_signed(j);

	sign(j);
	retain(j, unix_seconds);
	return have ? j->note : NULL;
}

const char *journal_finish(struct journal *j)
{
	bool have;

	journal_flush(j);
	signer_wait(j->signer); /* of what came before */
	have = take_signed(j);
	sign(j);
	signer_wait(j->signer);
	have = take_signed(j) || have;
	return have ? j->note : NULL;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_finish(j);
	journal_free(j);
}
