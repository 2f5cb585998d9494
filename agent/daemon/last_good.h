/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last_good.h - policy and places that were in force last, kept whole in the state directory, so that
 * a start does not depend on files that somebody edits, cuts or fills with garbage.
 *
 *     STATE/last/manifest.json   what is kept, of which files, with sums, counts and date
 *     STATE/last/policy          its text
 *     STATE/last/places-N        the databases, in their order
 *
 * The directory is exchanged whole; a copy whose sum is not the manifest's is not used.
 */
#ifndef AGENT_DAEMON_LAST_GOOD_H
#define AGENT_DAEMON_LAST_GOOD_H
#include "agent/engine/engine.h"

#define LAST_GOOD_PLACES_MAX 16

struct last_good_file {
	char path[512]; /* of the copy; "" = none */
	char from[512]; /* what it is a copy of */
	char sha256[65];
	uint64_t claims; /* places only */
};
struct last_good {
	struct last_good_file policy; /* no path: the shipped one was in force */
	struct last_good_file places[LAST_GOOD_PLACES_MAX];
	size_t nplaces;
	enum policy_boot boot;
	int64_t kept; /* Unix seconds */
};

/* 0; -ENOENT: nothing is kept there; -EBADMSG: what is there is damaged. Sums are not looked at. */
int last_good_read(struct last_good *ret, const char *state);
/* The copy is there and has its sum. */
bool last_good_whole(const struct last_good_file *f);
/* Keeps what e was loaded from, when it is not what is kept already. 0; -ESTALE: a file changed since
 * it was loaded; another -errno. */
int last_good_keep(const char *state, const struct engine *e);
/* Sources of e that have lost more than a fifth of what the same file had; each is an error in d. */
unsigned last_good_shrank(const struct last_good *l, const struct engine *e, struct diag_sink *d);
#endif
