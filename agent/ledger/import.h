/* SPDX-License-Identifier: BSD-2-Clause */
/* import.h - a ledger of what is over: rows in any order of time, whole or not at all. */
#ifndef AGENT_LEDGER_IMPORT_H
#define AGENT_LEDGER_IMPORT_H
#include "agent/ledger/ledger.h"

struct ledger_import; /* owned by the caller */
/* path must not exist: what is there would be counted twice. 0 or -errno after a diag. */
int ledger_import_open(struct ledger_import **ret, const char *path, const char *host,
		       struct diag_sink *d);
/* All of it in the minute of s->first_ns. 0 or -errno. */
int ledger_import_add(struct ledger_import *l, const struct ledger_key *k,
		      const struct ledger_sum *s);
/* From here to there (Unix seconds) all is in it; of no more than a year the minutes are written. */
int ledger_import_span(struct ledger_import *l, int64_t from, int64_t to);
/* Ends it; after a failure nothing was written and l stays. 0 or -errno. */
int ledger_import_close(struct ledger_import *l, struct diag_sink *d);
void ledger_import_abandon(struct ledger_import *l); /* removes the file; NULL is fine */
#endif
