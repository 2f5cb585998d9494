/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manifest.h - the file FACTS of a directory of facts: which version it is, and every file in it.
 *
 *	cordon-facts 1
 *	serial 2026112501
 *	date 2026-11-25
 *	regions.tsv 31337 <sha256 in hex>
 *	...
 *
 * Names are plain: letters, digits, '.', '_' and '-', no '.' first. So no name leaves the directory.
 */
#ifndef GEO_FACTS_MANIFEST_H
#define GEO_FACTS_MANIFEST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_NAME	   "FACTS"
#define MANIFEST_FILES_MAX 64
#define MANIFEST_NAME_MAX  63
#define MANIFEST_BYTES_MAX (16u << 20) /* of one file */
#define MANIFEST_TEXT_MAX  (16u << 10) /* of FACTS itself */

struct manifest {
	char directory[256];
	uint64_t serial;
	char date[11];
	struct manifest_file {
		char name[MANIFEST_NAME_MAX + 1];
		uint64_t size;
		char sha256[65];
	} files[MANIFEST_FILES_MAX]; /* sorted by name */
	size_t n;
};

/* 0, or -EINVAL with a sentence in why. text has n bytes, and no NUL after them is needed. */
int manifest_parse(struct manifest *ret, const char *text, size_t n, char why[128]);
/* 0 or -errno with a sentence in why; -ENOENT when the directory has no FACTS. */
int manifest_read(struct manifest *ret, const char *directory, char why[128]);
/* Do these bytes belong to this line? */
bool manifest_matches(const struct manifest_file *f, const void *bytes, size_t n);
int manifest_digest(char hex[65], const void *bytes, size_t n); /* 0 or -EIO */
/* The whole file and a NUL after it, owned by the caller; 0 or -errno. More than max: -EFBIG. */
int manifest_slurp(char **ret, size_t *size, const char *path, size_t max);
#endif
