/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refuted.h - the memory of distance: addresses that cannot be in the country that a source says.
 *
 * A file of lines, kept under the agent's state directory and read back as one source among the
 * others (source_refuted.c): where the merged place still says the refuted country, it is disputed;
 * once the databases have changed their mind, the entry says nothing. An entry never allows
 * anything. It holds for one IPv4 address, or for the /64 of an IPv6 one: that much stands on one
 * link, a longer prefix may be anycast.
 *
 * What is written was proven from one home. When home moves in the policy the old entries are
 * dropped: most likely the coordinates were wrong, and so were the proofs.
 */
#ifndef GEO_DISTANCE_REFUTED_H
#define GEO_DISTANCE_REFUTED_H
#include <stdbool.h>
#include "geo/base/diag.h"
#include "geo/base/ip.h"

#define REFUTED_MAX   4096 /* entries; past it the oldest goes */
#define REFUTED_MAGIC "# cordon-refuted 1\n"
#define REFUTED_FILE  "refuted.csv"

struct refuted_entry {
	struct cidr prefix;
	uint16_t country;
	uint64_t rtt_min_ns;
	int64_t time; /* Unix seconds, when it was proven last */
};
struct refuted; /* owned by the caller */

/* Reads path. No file: empty. Another home in it: empty, with a warning. 0, -EINVAL for a file that
 * is wrong (named with its line in d), another -errno when it cannot be read; *ret untouched then.
 */
int refuted_open(struct refuted **ret, const char *path, double lat, double lon,
		 struct diag_sink *d);
void refuted_free(struct refuted *r); /* NULL is fine */
/* One entry a prefix, the latest country that it is said to be in. True when this says something
 * new, so that places should be loaded again after refuted_save. */
bool refuted_add(struct refuted *r, const struct ip *ip, uint16_t country, uint64_t rtt_min_ns,
		 int64_t time);
/* True when there was an entry for it: it is gone. */
bool refuted_drop(struct refuted *r, const struct ip *ip);
size_t refuted_entries(const struct refuted *r, const struct refuted_entry **ret);
/* Replaces the file as a whole (written beside it, synced, renamed), if anything changed. 0 or
 * -errno; the old file is then as it was. */
int refuted_save(struct refuted *r);

/* The parser, for a file in memory: fn for every entry; it returns 0 or what refuted_parse shall
 * return. home: latitude and longitude, NaN when the file has none. */
typedef int refuted_fn(void *arg, const struct refuted_entry *e, unsigned line);
struct refuted_text {
	const char *file, *text;
	size_t len;
	struct diag_sink *d;
	double home[2];
};
int refuted_parse(struct refuted_text *t, refuted_fn *fn, void *arg);
#endif
