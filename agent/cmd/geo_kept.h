/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_kept.h - the last good copy of a source in the directory of geo.conf, with what is known of
 * it beside.
 *
 *     NAME         the bytes as they came
 *     NAME.state   JSON: from, etag, sha256, claims, format, date, taken
 *     NAME.new     a candidate while it is checked
 */
#ifndef AGENT_CMD_GEO_KEPT_H
#define AGENT_CMD_GEO_KEPT_H
#include <stdbool.h>
#include <stdint.h>
#include "agent/cmd/geo_conf.h"

struct geo_kept {
	char *path, *state_path, *candidate; /* owned */
	bool there;			     /* a good copy is there, and its state belongs to it */
	char etag[256];			     /* "" unless the copy came from the same place */
	char sha256[65];
	char format[32];
	uint64_t claims;
	int64_t dated; /* when it was made, as it or its server says; 0: nobody knows */
};
/* What is there for the source; a copy whose bytes are not those of its state counts as none. 0 or
 * -ENOMEM. */
int geo_kept_open(struct geo_kept *ret, const char *directory, const struct geo_conf_source *s);
void geo_kept_close(struct geo_kept *k);
/*
 * Checks the bytes as a source would be read and makes them the copy. 0; -ERANGE: lost too much
 * (told, unless accept); another -errno after a diag. The copy before it stays on any failure.
 * modified: its date, 0 = now.
 */
int geo_kept_replace(struct geo_kept *k, const struct geo_conf_source *s, const void *bytes,
		     size_t n, const char *etag, int64_t modified, bool accept,
		     struct diag_sink *d);
int geo_digest_file(char hex[65], const char *path); /* SHA-256; 0 or -errno */
#endif
