/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal_read.c - records by index and by id, hashes from tiles or, where a tile is missing or not
 * full yet, from the records.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/journal/journal_private.h"
#include "geo/base/cleanup.h"

struct mapped { /* one segment */
	const char *p;
	size_t n;
	uint64_t first;	 /* of the segment */
	uint64_t record; /* the cursor: this record begins at offset at */
	size_t at;
};
struct journal_reader {
	int dirfd;
	struct segments segments;
	struct merkle_hasher *hasher;
	struct mapped map;
	uint64_t end;
	unsigned tile_level; /* the tile at hand; UINT_MAX: none */
	uint64_t tile_index;
	struct merkle_hash tile[TILE_WIDTH];
};

static void unmap(struct mapped *m)
{
	if (m->p)
		munmap((void *)(uintptr_t)m->p, m->n);
	*m = (struct mapped){0};
}

static int map_segment(struct journal_reader *r, const struct segment *s)
{
	char name[SEGMENT_NAME_MAX];
	_close_ int fd = -1;
	struct stat st;
	void *p;

	if (r->map.p && r->map.first == s->first)
		return 0;
	unmap(&r->map);
	segment_name(name, s->first);
	fd = openat(r->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!st.st_size)
		return -ENODATA;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->map = (struct mapped){p, (size_t)st.st_size, s->first, s->first, 0};
	return 0;
}

/* The cursor goes to the next record; false at the end of what is whole. */
static bool map_next(struct mapped *m)
{
	const char *nl = memchr(m->p + m->at, '\n', m->n - m->at);

	if (!nl)
		return false;
	m->at = (size_t)(nl - m->p) + 1;
	m->record++;
	return true;
}

static int map_seek(struct mapped *m, uint64_t i)
{
	if (i < m->record) {
		m->record = m->first;
		m->at = 0;
	}
	while (m->record < i)
		if (!map_next(m))
			return -ERANGE;
	return 0;
}

/* The segment that holds record i, by its first. */
static const struct segment *segment_of(const struct segments *s, uint64_t i)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid].first <= i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &s->v[lo - 1] : NULL;
}

int journal_record(struct journal_reader *r, uint64_t i, const char **ret, size_t *n)
{
	const struct segment *s = segment_of(&r->segments, i);
	const char *nl;
	int e;

	if (!s || i >= r->end)
		return -ERANGE;
	e = map_segment(r, s);
	if (e == 0)
		e = map_seek(&r->map, i);
	if (e < 0)
		return e;
	nl = memchr(r->map.p + r->map.at, '\n', r->map.n - r->map.at);
	if (!nl)
		return -ERANGE;
	*ret = r->map.p + r->map.at;
	*n = (size_t)(nl - *ret);
	return 0;
}

/* Whole records of the last segments: where the journal ends. An empty segment is one just begun. */
static int find_end(struct journal_reader *r)
{
	const struct segment *last;
	int e;

	if (!r->segments.n)
		return 0;
	last = &r->segments.v[r->segments.n - 1];
	r->end = last->first;
	e = map_segment(r, last);
	if (e == -ENODATA)
		return 0;
	if (e < 0)
		return e;
	while (map_next(&r->map))
		;
	r->end = r->map.record;
	return 0;
}

int reader_from(struct journal_reader **ret, int dirfd)
{
	struct journal_reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->tile_level = UINT32_MAX;
	r->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	e = r->dirfd < 0 ? -errno : merkle_hasher_new(&r->hasher);
	e = e ? e : segments_list(&r->segments, r->dirfd);
	e = e ? e : find_end(r);
	if (e < 0) {
		journal_reader_close(r);
		return e;
	}
	*ret = r;
	return 0;
}

int journal_reader_open(struct journal_reader **ret, const char *dir, struct diag_sink *d)
{
	_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : reader_from(ret, fd);

	if (r < 0)
		diag_error(d, dir, 0, "cannot read the journal: %s", strerror(-r));
	return r;
}

void journal_reader_close(struct journal_reader *r)
{
	if (!r)
		return;
	unmap(&r->map);
	segments_drop(&r->segments);
	merkle_hasher_free(r->hasher);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r);
}

uint64_t journal_reader_first(const struct journal_reader *r)
{
	return r->segments.n ? r->segments.v[0].first : 0;
}

uint64_t journal_reader_end(const struct journal_reader *r)
{
	return r->end;
}

const struct segments *reader_segments(const struct journal_reader *r)
{
	return &r->segments;
}

static int tile_at(struct journal_reader *r, unsigned level, uint64_t index)
{
	int e;

	if (r->tile_level == level && r->tile_index == index)
		return 0;
	r->tile_level = UINT32_MAX;
	e = tile_read(r->dirfd, level, index, r->tile, TILE_WIDTH);
	if (e < 0)
		return e;
	r->tile_level = level;
	r->tile_index = index;
	return 0;
}

int reader_leaf(struct journal_reader *r, uint64_t i, struct merkle_hash *ret)
{
	const char *p;
	size_t n;
	int e = journal_record(r, i, &p, &n);

	if (e == 0)
		merkle_leaf(r->hasher, ret, p, n);
	return e;
}

/* The hash from its tile, where that is there. */
static int from_tile(struct journal_reader *r, unsigned level, uint64_t index,
		     struct merkle_hash *ret)
{
	unsigned height = level % TILE_HEIGHT;
	uint64_t first = index << height; /* in hashes of the tile's level */
	int e = tile_at(r, level / TILE_HEIGHT, first / TILE_WIDTH);

	if (e == 0)
		tile_root(r->hasher, ret, &r->tile[first % TILE_WIDTH], height);
	return e;
}

/*
 * Where no tile has it, from two hashes of the level below, and in the end from the record. A stack
 * in place of recursion: a subtree of 2^level leaves is walked from left to right as a frontier.
 */
static int from_below(struct journal_reader *r, unsigned level, uint64_t index,
		      struct merkle_hash *ret)
{
	struct merkle_frontier f = {0};
	uint64_t i = index << level, end = (index + 1) << level;
	unsigned step = level > TILE_HEIGHT ? (level - 1) / TILE_HEIGHT * TILE_HEIGHT : 0;
	struct merkle_hash h;
	int e;

	if (level == 0)
		return reader_leaf(r, i, ret);
	while (i < end) { /* hashes of whole tiles where there are any */
		e = from_tile(r, step, i >> step, &h);
		if (e == -ENOENT && step)
			e = from_below(r, step, i >> step, &h); /* 8 deep at most */
		else if (e == -ENOENT)
			e = reader_leaf(r, i, &h);
		if (e < 0)
			return e;
		merkle_append(r->hasher, &f, &h);
		i += 1ull << step;
	}
	merkle_root(r->hasher, ret, &f);
	return 0;
}

static int full(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	struct journal_reader *r = arg;
	int e = from_tile(r, level, index, ret);

	return e == -ENOENT ? from_below(r, level, index, ret) : e;
}

struct merkle_source journal_tree(struct journal_reader *r)
{
	return (struct merkle_source){r->hasher, full, r};
}

#define ID "\"id\":\""

/* "id":"..." of the event, wherever it stands in the record. */
static const char *find_id(const struct mapped *m, const char *id)
{
	char what[64];
	int n = snprintf(what, sizeof(what), ID "%s\"", id);

	return n < 0 || (size_t)n >= sizeof(what) ? NULL : memmem(m->p, m->n, what, (size_t)n);
}

static int find_in(struct journal_reader *r, const struct segment *s, const char *id, uint64_t *ret)
{
	const char *hit;
	int e = map_segment(r, s);

	if (e < 0)
		return e == -ENODATA ? -ENOENT : e;
	hit = find_id(&r->map, id);
	if (!hit)
		return -ENOENT;
	r->map.record = r->map.first;
	r->map.at = 0;
	for (;;) {
		const char *nl = memchr(r->map.p + r->map.at, '\n', r->map.n - r->map.at);

		if (!nl)
			return -ENOENT; /* in the torn tail */
		if (nl > hit)
			break;
		map_next(&r->map);
	}
	*ret = r->map.record;
	return 0;
}

/* Milliseconds of a version 7 UUID; 0 when it is no such thing. */
static uint64_t id_time(const char *id)
{
	uint64_t ms = 0;

	if (strnlen(id, 37) != 36 || id[8] != '-' || id[14] != '7')
		return 0;
	for (unsigned i = 0; i < 13; i++) {
		const char *hex = "0123456789abcdef", *at = i == 8 ? hex : strchr(hex, id[i]);

		if (!at || !*at)
			return 0;
		if (i != 8)
			ms = ms << 4 | (uint64_t)(at - hex);
	}
	return ms;
}

/* When the segment's first record was made, by its event.id. */
static uint64_t segment_time(struct journal_reader *r, const struct segment *s)
{
	const char *at, *nl;
	char id[37] = "";

	if (map_segment(r, s) < 0)
		return 0;
	nl = memchr(r->map.p, '\n', r->map.n);
	at = nl ? memmem(r->map.p, (size_t)(nl - r->map.p), ID, strlen(ID)) : NULL;
	if (at && nl - at > (ptrdiff_t)(strlen(ID) + 36))
		memcpy(id, at + strlen(ID), 36);
	return id_time(id);
}

int journal_find(struct journal_reader *r, const char *id, uint64_t *ret)
{
	uint64_t ms = id_time(id);
	size_t lo = 0, hi = r->segments.n;
	int e = -ENOENT;

	while (ms && lo < hi) { /* the last segment that begins no later */
		size_t mid = (lo + hi) / 2;

		if (segment_time(r, &r->segments.v[mid]) <= ms)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo)
		e = find_in(r, &r->segments.v[lo - 1], id, ret);
	/* a clock that was set back: then anywhere */
	for (size_t i = r->segments.n; e == -ENOENT && i-- > 0;)
		e = find_in(r, &r->segments.v[i], id, ret);
	return e;
}
