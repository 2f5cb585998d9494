/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_meta.h - what a MaxMind DB says of itself: type and dates, and the sources that cordon wrote
 * into its own. */
#ifndef GEO_SOURCE_MMDB_META_H
#define GEO_SOURCE_MMDB_META_H
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"

#define MMDB_META_SOURCES 64
struct mmdb_meta_source {
	char source[32]; /* format: "aws" */
	char file[256], version[64], sha256[65];
	uint64_t date, claims;
};
struct mmdb_meta {
	char type[64];
	uint64_t build_epoch;
	uint64_t data_epoch; /* of the oldest source that gives places; 0 in files of others */
	size_t n;	     /* 0 in files of others */
	struct mmdb_meta_source sources[MMDB_META_SOURCES];
};
/* 0, or -errno (-ENOENT: no such file) with a diag; *ret untouched then. */
int mmdb_meta_read(struct mmdb_meta *ret, const char *path, struct diag_sink *d);
#endif
