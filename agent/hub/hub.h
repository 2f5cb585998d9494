/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hub.h - a fleet in PostgreSQL: what the hosts' feeds carry ('feed ... ledger day') goes into tables, is held against
 * what was there, and is summed up.
 *
 *     directory, Kafka --line--> hub_add (a batch) --hub_commit--> PostgreSQL: one transaction --> the source is told
 *
 * Invariants (tests/live/hub_live.sh, tests/agent/hub_kafka_test.c):
 *  1. A line counts once, however often and in whatever order it comes: every table has a key that the line itself says.
 *  2. A source is told that lines were taken only after they are committed; a directory's position is in the same
 *     transaction. A database that is away loses nothing.
 *  3. What a host said stays: a sum, an end or a checkpoint that says otherwise later is a finding, and changes nothing.
 *  4. A line that cannot be read stops nobody: it is counted by reason, and that is said.
 */
#ifndef AGENT_HUB_HUB_H
#define AGENT_HUB_HUB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"

#define HUB_LINE_MAX  (1u << 20)
#define HUB_BATCH     5000u	  /* lines of a transaction */
#define HUB_BATCH_MAX (16u << 20) /* bytes of it */

struct hub; /* owned by the caller */
/* Connects, and makes the tables of the schema "cordon" when there are none (make). 0 or -errno after a diag. */
int hub_open(struct hub **ret, const char *database, bool make, struct diag_sink *d);
void hub_close(struct hub *h); /* NULL is fine */
/* Takes a line into the batch: 0, or -EINVAL: counted as refused. -ENOMEM. */
int hub_add(struct hub *h, const char *line, size_t n);
bool hub_full(const struct hub *h);
bool hub_empty(const struct hub *h);
/* A file's position goes with the batch. */
int hub_place(struct hub *h, const char *name, uint64_t at);
/* Where it was; 0: it is new. -EAGAIN: the database is away; -errno after a diag. */
int hub_placed(struct hub *h, const char *name, uint64_t *ret, struct diag_sink *d);
/* The batch into the tables. 0; -EAGAIN: the database is away, the batch stays, ask again; -errno after a diag. */
int hub_commit(struct hub *h, struct diag_sink *d);
const char *hub_why(const struct hub *h); /* of -EAGAIN */
/* Hosts that there must be. */
int hub_expect(struct hub *h, const char *name, struct diag_sink *d);

struct hub_state {
	uint64_t lines, refused; /* since hub_open */
	char why[128];		 /* of the last refused one */
};
void hub_state(const struct hub *h, struct hub_state *ret);

/* ---- where lines come from ---- */
struct hub_source {
	/* The next line, good until the next call: 1; 0: none now (waited up to ms); -EAGAIN: the database is away; -errno
	 * after a diag. */
	int (*next)(void *self, const char **line, size_t *n, int ms, struct diag_sink *d);
	bool (*over)(void *self); /* what was there at the start was read */
	/* Before and after a commit. NULL: nothing to do. */
	int (*place)(void *self, struct hub *h);
	int (*taken)(void *self, struct diag_sink *d);
	void (*free)(void *self);
};
/* text: a directory, or kafka://BROKER,.../TOPIC; config: a file of librdkafka's properties, or NULL. 0 or -errno after a
 * diag. */
int hub_source_open(const struct hub_source **ret, void **self, const char *text,
		    const char *config, struct hub *h, struct diag_sink *d);
int hub_directory_open(void **self, const char *path, struct hub *h, struct diag_sink *d);
int hub_kafka_open(void **self, const char *target, const char *config, struct diag_sink *d);
const struct hub_source *hub_directory(void);
const struct hub_source *hub_kafka(void);

/* ---- asking ---- */
/* A cell a column; NULL: none. nonzero ends it. */
typedef int hub_row_fn(void *arg, unsigned columns, const char *const *name,
		       const char *const *value);
/* by: as of ledger_by_name. from, to: Unix seconds. 0, -EINVAL: no such column, -errno after a diag. */
int hub_sums(struct hub *h, const char *by, int64_t from, int64_t to, hub_row_fn *fn, void *arg,
	     struct diag_sink *d);
/* Every host that is expected or was heard: name, agent, state (heard, silent, missing, unexpected), last sign ... */
int hub_hosts(struct hub *h, int64_t silent_seconds, hub_row_fn *fn, void *arg,
	      struct diag_sink *d);
int hub_findings(struct hub *h, hub_row_fn *fn, void *arg, struct diag_sink *d);
#endif
