/* SPDX-License-Identifier: BSD-2-Clause */
/* signer.h - a thread that syncs the disk and signs a checkpoint, one at a time, so that the loop
 * never waits for either. */
#ifndef AGENT_JOURNAL_SIGNER_H
#define AGENT_JOURNAL_SIGNER_H
#include <stdbool.h>
#include "agent/journal/merkle.h"
#include "agent/journal/note.h"

struct signer; /* owned by the caller */
/* dirfd and key stay the caller's and outlive it; origin as well. signed_records: of the checkpoint
 * that stands there. */
int signer_new(struct signer **ret, int dirfd, const struct note_key *key, const char *origin,
	       uint64_t signed_records);
void signer_free(struct signer *s); /* waits; NULL is fine */
bool signer_idle(struct signer *s);
/* What a checkpoint covers. Files are synced first (duplicated here; -1: none), then the partial
 * tiles of this size written, those of the last checkpoint removed. */
struct signer_work {
	int fd, fd_before; /* the segment, and the one before it when that has just ended */
	bool sync;
	uint64_t records;
	struct merkle_hash root;
	const struct merkle_hash (*tiles)[256]; /* of each level, the one that grows; copied */
};
void signer_start(struct signer *s, const struct signer_work *w); /* only when idle */
void signer_wait(struct signer *s);
struct signer_done {
	char *note; /* malloc'ed, the taker's; NULL after an error */
	uint64_t records;
	int error;
};
bool signer_take(struct signer *s, struct signer_done *ret); /* false: nothing new */
#endif
