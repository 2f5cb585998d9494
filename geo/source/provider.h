/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * provider.h - the published lists that name an operator or a country a prefix: a reader and
 * the key of a claim each.
 *
 * Readers add claims and settle them. A JSON reader gets the parsed document; its key is the JSON
 * path of a claim. The key of a text format is the line. How each is told from the others stands in
 * source_ranges.c.
 */
#ifndef GEO_SOURCE_PROVIDER_H
#define GEO_SOURCE_PROVIDER_H
#include "geo/source/ranges.h"

#define JSON_FORMAT(name)                                                                          \
	int name##_read(struct ranges *c, const json_t *root);                                     \
	void name##_path(char *buf, size_t size, uint32_t where)
JSON_FORMAT(aws);
JSON_FORMAT(google);
JSON_FORMAT(github);
JSON_FORMAT(azure);
JSON_FORMAT(oracle);
JSON_FORMAT(cloudflare);
JSON_FORMAT(fastly);
JSON_FORMAT(heroku);
#undef JSON_FORMAT

int asn_csv_read(struct ranges *c); /* prefix,asn,org; or first,last,asn,org without a header */
int operator_csv_read(struct ranges *c);   /* prefix,operator */
int clever_csv_read(struct ranges *c);	   /* Type,Address,scope */
int cloudflare_txt_read(struct ranges *c); /* bare prefixes */
int geofeed_read(struct ranges *c);	   /* RFC 8805 */
bool asn_csv_is(const struct csv *first);  /* by the first record */
bool operator_csv_is(const struct csv *first);
bool clever_csv_is(const struct csv *first);
#endif
