/* SPDX-License-Identifier: BSD-2-Clause */
/* proof.h - checks one record against its proof (C2SP tlog-proof) and the log's key; needs no
 * journal. */
#ifndef AGENT_JOURNAL_PROOF_H
#define AGENT_JOURNAL_PROOF_H
#include "agent/journal/note.h"

struct proof_facts {
	uint64_t index, size;
	char origin[NOTE_NAME_MAX];
};
/* 0: this record stands at this index of the tree that the key signed. -EINVAL: not a proof;
 * -ENOKEY, -EBADMSG: as note_verify; -EILSEQ: the path leads to another root; -ENOMEM. */
int proof_verify(struct proof_facts *ret, const char *proof, size_t n, const void *record,
		 size_t nrecord, const struct note_key *key);
const char *proof_error(int e); /* the sentence for what proof_verify returned */
#endif
