/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source_fuzz.c - any bytes as a source of places: refused with a word, or places that cover both
 * families without a hole.
 *
 * The format is told by content, so the corpus decides which reader is reached: give it one file of
 * each.
 */
#include <string.h>
#include "geo/places.h"
#include "geo/table.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Disjoint, sorted, from the first address on: places.h promises it. */
static void check_ranges(const struct places *p)
{
	size_t n4, n6;
	const struct range4 *r4 = places_ranges4(p, &n4);
	const struct range6 *r6 = places_ranges6(p, &n6);

	if (!n4 || !n6 || r4[0].first || r6[0].hi || r6[0].lo)
		abort();
	for (size_t i = 0; i < n4; i++)
		if (r4[i].place >= places_count(p) || (i && r4[i].first <= r4[i - 1].first))
			abort();
	for (size_t i = 0; i < n6; i++)
		if (r6[i].place >= places_count(p) ||
		    (i && (r6[i].hi < r6[i - 1].hi ||
			   (r6[i].hi == r6[i - 1].hi && r6[i].lo <= r6[i - 1].lo))))
			abort();
}

static void check_address(const struct places *p, const struct table *t, const struct ip *ip)
{
	struct claim_of claims[8];
	const struct place *slow = places_get(p, places_lookup(p, ip));
	const struct place *fast = &table_class(t, table_lookup(t, ip))->place;
	size_t n = places_claims(p, ip, claims, 8);

	if (memcmp(slow, fast, sizeof(*slow)))
		abort();
	for (size_t i = 0; i < n; i++)
		if (strnlen(claims[i].key, sizeof(claims[i].key)) == sizeof(claims[i].key))
			abort();
}

/* A few addresses that every database has something to say of, and the boundaries of the first
 * ranges. */
static void check_lookups(const struct places *p)
{
	static const char *const fixed[] = {
		"0.0.0.0",	   "3.80.0.1",
		"255.255.255.255", "::",
		"2a05:d014::1",	   "::ffff:3.80.0.1",
		"2002:350:1::1",   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	struct diag_sink quiet = {0};
	struct table *t = NULL;
	const struct range4 *r4;
	struct ip ip;
	size_t n;

	if (table_build(&t, p, NULL, 0, &quiet) < 0)
		return;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		ip_parse(&ip, fixed[i]);
		check_address(p, t, &ip);
	}
	r4 = places_ranges4(p, &n);
	for (size_t i = 1; i < n && i < 64; i++) {
		ip = ip_from_v4(r4[i].first);
		check_address(p, t, &ip);
		ip = ip_from_v4(r4[i].first - 1);
		check_address(p, t, &ip);
	}
	table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = file_of(data, size);
	struct places_config cfg = {.files = &path, .nfiles = 1};
	struct diag_sink quiet = {0};
	struct places *p = NULL;

	if (places_load(&p, &cfg, &quiet) < 0) {
		if (!quiet.errors || p)
			abort(); /* refused without a word, or half made */
		return 0;
	}
	check_ranges(p);
	check_lookups(p);
	places_free(p);
	return 0;
}
