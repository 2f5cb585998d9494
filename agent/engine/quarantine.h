/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quarantine.h - addresses that nothing may go to for a while, whatever the policy says: a file in the state directory,
 * whose entries are rules before the policy's own until their time is over.
 *
 *     ADDRESS/LENGTH UNTIL SINCE BECAUSE      a line each; times are Unix seconds
 */
#ifndef AGENT_ENGINE_QUARANTINE_H
#define AGENT_ENGINE_QUARANTINE_H
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"
#include "geo/base/ip.h"

#define QUARANTINE_FILE	   "quarantine"
#define QUARANTINE_MAX	   256		 /* entries */
#define QUARANTINE_SECONDS (366 * 86400) /* the longest */
#define QUARANTINE_BECAUSE 200		 /* bytes */

struct quarantine_entry {
	struct cidr to;
	int64_t until, since;
	char because[QUARANTINE_BECAUSE + 1];
};
struct quarantine {
	struct quarantine_entry entry[QUARANTINE_MAX];
	size_t n;
};
/* Those that are not over at 'now'; no file is none. 0; -EINVAL: some lines cannot be read, each an error in d, and the
 * others hold; another -errno after a diag. After an error the file must not be written: what it says would be lost. */
int quarantine_read(struct quarantine *ret, const char *path, int64_t now, struct diag_sink *d);
/* Adds what was in force before and is not over: a file that became unreadable lets nothing go. */
void quarantine_keep(struct quarantine *q, const struct quarantine *before, int64_t now);
/* Replaces the file whole. 0 or -errno after a diag. */
int quarantine_write(const struct quarantine *q, const char *path, struct diag_sink *d);
/* A new entry, or a new time for an address that is there. 0, -ENOSPC. */
int quarantine_put(struct quarantine *q, const struct quarantine_entry *e);
int quarantine_drop(struct quarantine *q, const struct cidr *to); /* 0, -ENOENT */
#endif
