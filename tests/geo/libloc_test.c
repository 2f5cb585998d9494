/* SPDX-License-Identifier: BSD-2-Clause */
/* libloc_test.c - a location database that the library itself wrote: countries, AS numbers, flags;
 * and what is no such database. */
#include "tests/geo/fixture.h"

TestSuite(libloc);

#ifndef HAVE_LIBLOC
Test(libloc, not_built)
{
	puts("skip libloc - built without libloc");
}
#else
#include <libloc/libloc.h>
#include <libloc/network.h>
#include <libloc/writer.h>

static const struct {
	const char *prefix, *country;
	uint32_t asn, flags;
} networks[] = {
	{"52.28.0.0/16", "DE", 16509, 0},
	{"31.13.64.0/18", "IE", 32934, 0},
	{"31.13.66.0/24", "US", 32934, 0},
	{"8.8.8.0/24", "US", 15169, LOC_NETWORK_FLAG_ANYCAST},
	{"5.6.7.0/24", "GB", 64500, LOC_NETWORK_FLAG_SATELLITE_PROVIDER},
	{"5.6.8.0/24", "FR", 64500, LOC_NETWORK_FLAG_ANONYMOUS_PROXY},
	{"5.6.9.0/24", "FR", 64500, LOC_NETWORK_FLAG_DROP},
	{"2a05:d014::/36", "DE", 16509, 0},
	{"2a05:d018::/36", "XX", 16509, 0},
};

/* A database of the networks; buf holds its path, the caller unlinks. */
static const char *database(char buf[64])
{
	struct loc_ctx *ctx = NULL;
	struct loc_writer *w = NULL;
	FILE *f;

	cr_assert_eq(loc_new(&ctx), 0);
	cr_assert_eq(loc_writer_new(ctx, &w, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct loc_network *n = NULL;

		cr_assert_eq(loc_writer_add_network(w, &n, networks[i].prefix), 0);
		loc_network_set_country_code(n, networks[i].country);
		loc_network_set_asn(n, networks[i].asn);
		if (networks[i].flags)
			loc_network_set_flag(n, networks[i].flags);
		loc_network_unref(n);
	}
	f = fopen(temp_file(buf, "", 0), "w+");
	cr_assert_not_null(f);
	cr_assert_eq(loc_writer_write(w, f, LOC_DATABASE_VERSION_1), 0);
	fclose(f);
	loc_writer_unref(w);
	loc_unref(ctx);
	return buf;
}

/* What the claims say: how they are judged beside others is merge_test.c's. */
static const struct {
	const char *address, *country, *provider;
	enum place_status status;
} wanted[] = {
	{"52.28.0.1", "DE", "aws", PLACE_KNOWN},    {"31.13.65.1", "IE", "meta", PLACE_KNOWN},
	{"31.13.66.35", "US", "meta", PLACE_KNOWN}, {"8.8.8.8", "", "google", PLACE_UNPROVABLE},
	{"5.6.7.8", "", "", PLACE_UNPROVABLE},	    {"5.6.8.8", "", "", PLACE_UNPROVABLE},
	{"5.6.9.8", "FR", "", PLACE_KNOWN},	    {"2a05:d014::1", "DE", "aws", PLACE_KNOWN},
	{"2a05:d018::1", "", "aws", PLACE_KNOWN},
};

Test(libloc, networks)
{
	char path[64], cc[3];
	const char *const files[] = {database(path)};
	struct places *p = load(&(struct places_config){.files = files, .nfiles = 1});

	unlink(path);
	cr_expect_str_eq(places_source(p, 0)->format, "libloc");
	cr_expect_gt(places_source(p, 0)->date, 1700000000);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct ip ip = address(wanted[i].address);
		struct claim_of k[4];

		cr_assert_eq(places_claims(p, &ip, k, 4), 1, "%s", wanted[i].address);
		cr_expect_str_eq(places_string(p, k->claim.provider), wanted[i].provider, "%s",
				 wanted[i].address);
		cr_expect_str_eq(country_text(k->claim.country, cc),
				 *wanted[i].country ? wanted[i].country : "\0", "%s",
				 wanted[i].address);
		cr_expect_eq(k->claim.status, wanted[i].status, "%s", wanted[i].address);
		cr_expect_eq(strncmp(k->key, "network ", 8), 0, "%s", k->key);
	}
	places_free(p);
}

/* The library is given whatever the file is; cut anywhere, it is refused or gives less. */
Test(libloc, cut)
{
	char path[64], cut[64];
	static char bytes[1 << 20];
	FILE *f = fopen(database(path), "r");
	size_t n = fread(bytes, 1, sizeof(bytes), f);

	fclose(f);
	unlink(path);
	cr_assert(n > 4096 && n < sizeof(bytes), "%zu bytes", n);
	for (size_t len = 9; len < n; len += len < 64 ? 1 : 509) {
		const char *const files[] = {temp_file(cut, bytes, len)};
		struct places *p = NULL;
		struct said s;

		said_init(&s);
		if (places_load(&p, &(struct places_config){.files = files, .nfiles = 1}, &s.sink))
			cr_expect(*s.text, "%zu bytes: refused without a word", len);
		places_free(p);
		unlink(cut);
	}
}
#endif
