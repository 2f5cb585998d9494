/* SPDX-License-Identifier: BSD-2-Clause */
/* journal_private.h - what the journal's files share: names of files, tiles, checkpoints. */
#ifndef AGENT_JOURNAL_JOURNAL_PRIVATE_H
#define AGENT_JOURNAL_JOURNAL_PRIVATE_H
#include "agent/journal/journal.h"

#define TILE_WIDTH  256
#define TILE_HEIGHT 8
#define TILE_BYTES  (TILE_WIDTH * MERKLE_HASH)
#define TILE_LEVELS 8 /* 256^8 = 2^64 leaves */

/* "segment-00000000000000000000.jsonl" */
#define SEGMENT_NAME_MAX 40
void segment_name(char ret[SEGMENT_NAME_MAX], uint64_t first);

struct segment {
	uint64_t first;
	uint64_t bytes; /* when it was listed */
};
struct segments { /* sorted; owned: segments_drop */
	struct segment *v;
	size_t n;
};
int segments_list(struct segments *ret, int dirfd);
void segments_drop(struct segments *s);

/* "tile/1/x001/234" below dir; prefix instead of the level where it is no hash tile. */
#define TILE_PATH_MAX 64
void tile_path(char ret[TILE_PATH_MAX], const char *level, uint64_t index, unsigned width);
/* 0 or -errno; -ENOENT when there is none. n hashes are wanted. */
int tile_read(int dirfd, unsigned level, uint64_t index, struct merkle_hash *ret, unsigned n);
/* Makes the directories; replaces whole. */
int tile_write(int dirfd, const char *path, const void *bytes, size_t n);
/* The root of a full tile's hashes, or of 2^height of them. */
void tile_root(struct merkle_hasher *h, struct merkle_hash *ret, const struct merkle_hash *v,
	       unsigned height);

/* "ORIGIN\nSIZE\nROOT\n" */
int checkpoint_text(char *buf, size_t size, const char *origin, uint64_t records,
		    const struct merkle_hash *root);
#define BASE64_HASH 45 /* with NUL */
void hash_base64(char ret[BASE64_HASH], const struct merkle_hash *h);

/* Reader from a directory that is open already: the writer's at its start. */
int reader_from(struct journal_reader **ret, int dirfd);
int reader_leaf(struct journal_reader *r, uint64_t i, struct merkle_hash *ret);
const struct segments *reader_segments(const struct journal_reader *r);
/* journal_open.c makes it, journal_write.c lets it grow. */
struct journal {
	struct journal_config cfg;
	char *dir, *origin; /* cfg points here */
	int dirfd, lock, segment;
	int segment_before; /* ended since the last checkpoint, to be synced with the next */
	uint64_t segment_first, segment_bytes;
	struct merkle_hasher *hasher;
	struct merkle_frontier tree;
	struct merkle_hash tile[TILE_LEVELS][TILE_WIDTH]; /* of each level, the one that grows */
	bool has_checkpoint;
	char *buffer;
	size_t used, room;
	struct note_key *key;
	struct signer *signer;
	struct journal_state state;
	char *note; /* the last checkpoint that was handed out */
	int64_t retained;
	uint64_t pruned; /* the oldest record since segments were dropped; 0: told */
};
/* The segment that is written from now on; the one before is kept open until it is synced. */
int segment_open(struct journal *j, uint64_t first, int flags);
void journal_free(struct journal *j);
#endif
