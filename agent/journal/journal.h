/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal.h - the record that can be proven: every event as a line, in a hash tree whose root is
 * signed each second of activity.
 *
 *     DIR/segment-<index of its first record>.jsonl   the records, a JSON line each
 *     DIR/tile/<level>/<x...>                         full tiles of the tree (C2SP tlog-tiles)
 *     DIR/checkpoint                                  the latest signed root (C2SP tlog-checkpoint)
 *     DIR/key, DIR/verifier                           the signing key (PEM, 0600), its public half
 *     DIR/lock                                        one writer
 *
 * Invariants (tests/agent/journal_test.c holds them):
 *  1. A record that journal_flush() wrote survives SIGKILL; a record half written is cut off at the
 *     next open, and that is reported. After a checkpoint it survives a power cut as well.
 *  2. The tree grows only by what was written: a full disk loses records, never order or proof; how
 *     many were lost is exact.
 *  3. Tiles can be made again from the records; the records are the truth, the checkpoints that
 *     left the host are the proof that they have not changed.
 *  4. journal_append() and journal_flush() never wait for the disk to sync: a thread does.
 */
#ifndef AGENT_JOURNAL_JOURNAL_H
#define AGENT_JOURNAL_JOURNAL_H
#include <stdbool.h>
#include "agent/journal/merkle.h"
#include "agent/journal/note.h"

#define JOURNAL_DIR	      "/var/log/cordon"
#define JOURNAL_RECORD_MAX    65535u /* an entry of a tlog-tiles bundle has a length of 16 bits */
#define JOURNAL_SEGMENT_BYTES (64u << 20)
#define JOURNAL_BUFFER_MAX    (4u << 20) /* records not yet written, when the disk refuses them */

enum journal_sync {
	JOURNAL_SYNC_SECOND, /* before each checkpoint: at most a second is lost in a power cut */
	JOURNAL_SYNC_NONE    /* the kernel writes back when it likes */
};
struct journal_config {
	const char *dir;	/* made when it is not there, mode 0750 */
	const char *origin;	/* the log's name and the key's: HOST/cordon */
	uint64_t segment_bytes; /* 0: JOURNAL_SEGMENT_BYTES */
	int64_t keep; /* seconds that a segment is kept after its last record; 0: for ever */
	enum journal_sync sync;
};
/* What was found at open. */
struct journal_found {
	uint64_t records;
	uint64_t torn_bytes;	/* of a record that was half written: cut off */
	uint64_t unsigned_tail; /* records after the last checkpoint: a crash leaves a second's */
	char tampered[256];	/* "" or a sentence: the records do not lead to the signed root */
	char moved[512];	/* where the tampered journal was put aside; a new one was begun */
};
struct journal; /* owned by the caller */

/* 0 or -errno after a diag: -EBUSY when another process writes it. */
int journal_open(struct journal **ret, const struct journal_config *cfg,
		 struct journal_found *found, struct diag_sink *d);
/* Writes and signs all that was appended, waiting for the disk: the last checkpoint, or NULL. */
const char *journal_finish(struct journal *j);
void journal_close(struct journal *j); /* journal_finish first; NULL is fine */
/* Takes a record without its newline (none may be inside). 0; -EMSGSIZE, -EINVAL; -ENOSPC when the
 * buffer is full: the record is counted as lost. */
int journal_append(struct journal *j, const char *record, size_t n);
/* Writes what was appended. 0 or -errno (once for each change: journal_state says the rest). */
int journal_flush(struct journal *j);

struct journal_state {
	uint64_t records, bytes; /* in the tree; of this writer */
	uint64_t waiting;	 /* appended and not written */
	uint64_t lost;		 /* could not be written */
	uint64_t lost_now;	 /* of these, since the disk last took a record */
	int error;		 /* of the last write, 0 when it went well */
	uint64_t signed_records; /* size of the latest checkpoint */
	int sign_error;
	uint64_t tiles_missing; /* could not be written: made from the records at the next open */
};
/* keep, sync: as in the config, from now on. */
void journal_configure(struct journal *j, int64_t keep, enum journal_sync sync);
void journal_state(const struct journal *j, struct journal_state *ret);
/* Records lost before room returned, once: the caller appends a record that says so. */
uint64_t journal_take_lost(struct journal *j);

/* The index of the oldest record kept, once after segments were dropped; 0: none was. */
uint64_t journal_take_pruned(struct journal *j);

/* Call once a second: starts the thread on a checkpoint when there is something new, drops segments
 * past their time. Returns a new checkpoint (valid until the next call), or NULL. */
const char *journal_tick(struct journal *j, int64_t unix_seconds);
const char *journal_verifier(const struct journal *j);

/* ---- reading, while another process may write ---- */
struct journal_reader; /* owned by the caller */
int journal_reader_open(struct journal_reader **ret, const char *dir, struct diag_sink *d);
void journal_reader_close(struct journal_reader *r);
uint64_t journal_reader_first(const struct journal_reader *r); /* index of the oldest record kept */
uint64_t journal_reader_end(const struct journal_reader *r);   /* index after the last one */
/* The record in place, without its newline; valid until the next call. 0, -ERANGE, -errno. */
int journal_record(struct journal_reader *r, uint64_t i, const char **ret, size_t *n);
/* By its event.id. 0 or -ENOENT. */
int journal_find(struct journal_reader *r, const char *id, uint64_t *ret);
/* For merkle_root_of and merkle_inclusion. */
struct merkle_source journal_tree(struct journal_reader *r);
/* The checkpoint file and what it says; the signature is not checked here. */
struct journal_checkpoint {
	char *note; /* malloc'ed: journal_checkpoint_drop */
	size_t len;
	char origin[NOTE_NAME_MAX];
	uint64_t size;
	struct merkle_hash root;
};
int journal_checkpoint_parse(struct journal_checkpoint *ret, const char *note, size_t n);
int journal_checkpoint_read(struct journal_checkpoint *ret, const char *path);
void journal_checkpoint_drop(struct journal_checkpoint *c);

/* A tlog-proof of record i in the tree of the checkpoint, malloc'ed. 0, -ERANGE, -errno. */
int journal_proof(char **ret, struct journal_reader *r, uint64_t i,
		  const struct journal_checkpoint *c);
/* The whole of it as a C2SP tlog-tiles directory, for public tools. 0 or -errno after a diag. */
int journal_export(struct journal_reader *r, const struct journal_checkpoint *c, const char *dir,
		   struct diag_sink *d);

/* ---- checking ---- */
enum journal_fault {
	JOURNAL_FINE,
	JOURNAL_CHANGED,   /* a record is not what it was when its hash was made */
	JOURNAL_REMOVED,   /* a record is missing here */
	JOURNAL_REORDERED, /* it and the next one have changed places */
	JOURNAL_ADDED,	   /* a record that no hash knows */
	JOURNAL_MISSING,   /* a segment is not there, or ends early */
	JOURNAL_FORGED, /* records, tiles and root agree with each other, not with the signature */
	JOURNAL_ROLLBACK, /* shorter than a checkpoint that was seen elsewhere */
	JOURNAL_FORK,	  /* another history than a checkpoint that was seen elsewhere */
	JOURNAL_UNSIGNED, /* no checkpoint, or not by this key */
	JOURNAL_FAULTS
};
struct journal_report {
	enum journal_fault fault;
	uint64_t record; /* index of the first bad one */
	char where[512]; /* file:line */
	char text[512];	 /* a sentence */
	uint64_t checked, first, signed_records;
	uint64_t clock_back; /* records that are older than the one before: not a fault by itself */
	uint64_t clock_back_first;
};
const char *journal_fault_name(enum journal_fault f);
/* verifier NULL: the journal's own file. seen: checkpoints from elsewhere (the SOC's copy). 0 when
 * the check could be made (report says what it found), or -errno after a diag. */
struct journal_check_config {
	const char *dir, *verifier;
	const struct journal_checkpoint *seen;
	size_t nseen;
};
int journal_check(struct journal_report *ret, const struct journal_check_config *cfg,
		  struct diag_sink *d);
#endif
