/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts_private.h - inside facts only: the tables as they stand in memory, and the reader that
 * fills them.
 *
 * A table is a text file: '#cordon-facts 1 NAME', comments, then a row a line, fields separated by
 * one tab, '-' for an empty one. Fields beyond those that this program knows are for a newer one.
 * The rows of the tables point into the text of their file, which stays for as long as the program.
 */
#ifndef GEO_FACTS_FACTS_PRIVATE_H
#define GEO_FACTS_FACTS_PRIVATE_H
#include <stdbool.h>
#include "geo/facts/country.h"
#include "geo/facts/facts.h"
#include "geo/facts/law.h"
#include "geo/facts/manifest.h"
#include "geo/facts/operator.h"
#include "geo/facts/region.h"
#include "geo/facts/zone.h"

#define FACTS_FIELDS	12
#define FACTS_ROWS_MAX	65535			      /* of one table */
#define FACTS_PATH_MAX	(256 + MANIFEST_NAME_MAX + 2) /* a file of a directory of facts */
#define FACTS_COUNTRIES (26 * 26)

struct facts_vector {
	void *v; /* owned; of the type that the table's row function fills */
	size_t n;
};
struct zone_entry {
	enum zone zone;
	struct zone_row row;
};
struct facts {
	struct facts_vector operators, asns, names, regions, aliases, zones;
	struct facts_vector hds, secnumcloud, provider_facts;
	uint16_t *zone_order; /* owned: rows of zones by country, then as in the file */
	uint32_t zone_first[FACTS_COUNTRIES + 1]; /* of a country, in zone_order */
	char *text[MANIFEST_FILES_MAX];		  /* owned; what the rows point into */
	char directory[256];
	char lists[MANIFEST_FILES_MAX][FACTS_PATH_MAX];
	const char *list[MANIFEST_FILES_MAX]; /* of lists */
	size_t ntexts, nlists;
	uint64_t serial;
	char date[11];
	/* the first error: file ("": none), line, what */
	char bad_file[FACTS_PATH_MAX], bad[256];
	unsigned bad_line;
};
struct facts_reader {
	struct facts *f;
	const char *path;
	unsigned line;
	const char *field[FACTS_FIELDS]; /* "" for '-' */
	unsigned nfields;
};

const struct facts *facts(void); /* all empty when they cannot be read */

/* For row functions. All: 0, or -EINVAL after the error was kept. */
int facts_bad(struct facts_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int facts_country(struct facts_reader *r, unsigned i, uint16_t *ret);
int facts_day(struct facts_reader *r, unsigned i, int64_t *ret); /* YYYY-MM-DD; empty: 0 */
int facts_yes(struct facts_reader *r, unsigned i, bool *ret);	 /* yes or no */
int facts_key(struct facts_reader *r, unsigned i);		 /* names an operator */

/* A row function fills one zeroed element of its vector. */
int region_row_read(struct facts_reader *r, void *out);
int region_alias_read(struct facts_reader *r, void *out);
int operator_row_read(struct facts_reader *r, void *out);
int operator_asn_read(struct facts_reader *r, void *out);
int operator_name_read(struct facts_reader *r, void *out);
int zone_row_read(struct facts_reader *r, void *out);
int law_hds_read(struct facts_reader *r, void *out);
int law_secnumcloud_read(struct facts_reader *r, void *out);
int law_fact_read(struct facts_reader *r, void *out);
/* Once a table is whole: order and what must not be twice. Sorted tables stay as they are in the
 * file, so that the file shows what the program uses. */
int region_check(struct facts_reader *r);
const struct operator_entry *operator_in(const struct facts *f, const char *key);
int region_alias_check(struct facts_reader *r);
int operator_check(struct facts_reader *r);
int operator_asn_check(struct facts_reader *r);
int operator_name_check(struct facts_reader *r);
int zone_check(struct facts_reader *r);
int law_check(struct facts_reader *r);

bool zone_in(const struct facts *f, enum zone z, uint16_t country, int64_t at);
/* Every table from the files of the directory, which the manifest names. */
int facts_tables_read(struct facts *f, const struct manifest *m);
bool facts_is_table(const char *name); /* "regions.tsv" */
/* Reads a directory and drops it again: 0, or -errno after a diag of what this program cannot read. */
int facts_try(const char *directory, struct diag_sink *d);
/* A file of the manifest, checked against it; *ret is its text (owned by the caller). */
int facts_file(struct facts *f, const struct manifest *m, size_t i, char **ret);
#endif
