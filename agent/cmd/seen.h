/* SPDX-License-Identifier: BSD-2-Clause */
/* seen.h - what was seen in a period, from a ledger or from captures: a flow a key, with its sums. */
#ifndef AGENT_CMD_SEEN_H
#define AGENT_CMD_SEEN_H
#include "agent/engine/engine.h"
#include "agent/ledger/ledger.h"
#include "geo/base/intern.h"

#define SEEN_FLOWS_MAX (4u << 20)
#define SEEN_NAMES     4 /* of a flow; it may have more */

struct seen_flow {
	struct ledger_key_row key; /* its texts are of 'texts': the same text, the same pointer */
	struct ledger_sum sum;	   /* of the period */
	const char *name[SEEN_NAMES];	  /* of captures: whom it was meant for; NULL: no more */
	struct ip sample[LEDGER_SAMPLES]; /* of its addresses; [0].v 0: none is known */
};
struct seen {
	struct texts texts;
	struct seen_flow *flows; /* owned; by id; those of the period have packets or attempts */
	size_t n, room;
	struct ledger_extent extent;
	uint64_t first_ns, last_ns; /* of what was seen; 0: nothing was */
};
/* Where to look. */
struct seen_from {
	const char *ledger; /* or captures: */
	char **captures;
	size_t ncaptures;
	const struct engine_config *config; /* what the captures are judged by */
	int64_t since, until;		    /* of the ledger, Unix seconds */
};
/* 0, or an exit code after a sentence. *ret is to be freed in any case. */
int seen_read(struct seen *ret, const struct seen_from *from);
void seen_free(struct seen *s);
int seen_names(struct seen *s,
	       const char *path); /* for seen_read; a missing file has none. 0 or -errno */

static inline bool seen_in_period(const struct seen_flow *f)
{
	return f->sum.packets || f->sum.attempts;
}
#endif
