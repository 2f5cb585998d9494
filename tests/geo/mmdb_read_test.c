/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_read_test.c - MaxMind DB files: every boundary against libmaxminddb's own look-ups, every
 * broken file of shared/mmdb, and our own places.mmdb with bytes turned over, one after another.
 */
#include <dirent.h>
#include <errno.h>
#include <maxminddb.h>
#include <sys/stat.h>
#include "geo/mmdb/mmdb_write.h"
#include "tests/geo/fixture.h"

TestSuite(mmdb, .fini = no_leaks, .timeout = 240);

static int load_file(const char *path, struct places **ret, struct said *s)
{
	const char *const files[] = {path};

	said_init(s);
	*ret = NULL;
	return places_load(ret, &(struct places_config){.files = files, .nfiles = 1}, &s->sink);
}

/* What libmaxminddb finds for the address: country.iso_code, a flat country_code, or 0. The prefix
 * length in *bits. */
static uint16_t theirs(MMDB_s *db, const struct ip *ip, unsigned *bits)
{
	char text[IP_STRLEN];
	int gai, err;
	MMDB_lookup_result_s r = MMDB_lookup_string(db, ip_format(text, ip), &gai, &err);
	MMDB_entry_data_s data;

	cr_assert(!gai && err == MMDB_SUCCESS, "%s: %s", text, MMDB_strerror(err));
	*bits = r.netmask;
	if (!r.found_entry ||
	    ((MMDB_get_value(&r.entry, &data, "country", "iso_code", NULL) != MMDB_SUCCESS ||
	      !data.has_data) &&
	     (MMDB_get_value(&r.entry, &data, "country_code", NULL) != MMDB_SUCCESS ||
	      !data.has_data)))
		return 0;
	return country_from_source(data.utf8_string, data.data_size);
}

static bool is_special(const struct places *p, const struct ip *ip)
{
	return places_get(p, places_lookup(p, ip))->scope != SCOPE_GLOBAL;
}

/* Walks a family prefix by prefix, as libmaxminddb says how long each is; compares first and last
 * of each. */
static size_t compare_family(MMDB_s *db, const struct places *p, bool is6, const char *name)
{
	struct ip ip = is6 ? address("2000::") : address("0.0.0.0");
	size_t compared = 0, wrong = 0;
	char text[IP_STRLEN] = "";

	for (;;) {
		unsigned bits;
		uint16_t want = theirs(db, &ip, &bits);
		struct cidr c = {.addr = ip};
		struct ip last;

		if (!is6 && db->metadata.ip_version == 6)
			bits = bits > 96 ? bits - 96 : 0;
		c.len = (uint8_t)bits;
		last = cidr_last(&c);
		for (int end = 0; end < 2; end++) {
			const struct ip *at = end ? &last : &ip;
			const struct place *got = places_get(p, places_lookup(p, at));

			compared++;
			if (!is_special(p, at) &&
			    got->country != (got->status == PLACE_UNPROVABLE ? 0 : want) &&
			    !wrong++)
				ip_format(text, at);
		}
		ip = last;
		if (!ip_next(&ip) || (is6 && ip.b[0] >= 0x40))
			break;
	}
	cr_expect_eq(wrong, 0, "%s: %zu of %zu differ, the first is %s", name, wrong, compared,
		     text);
	return compared;
}

static const char *const country_databases[] = {
	"GeoIP2-Country-Test",	  "GeoIP2-Country-Shield-Test",	      "GeoLite2-Country-Test",
	"GeoIP2-City-Test",	  "GeoIP2-City-Shield-Test",	      "GeoLite2-City-Test",
	"GeoIP2-Enterprise-Test", "GeoIP2-Precision-Enterprise-Test",
};

static void compare_file(const char *path)
{
	size_t compared;
	struct places *p;
	struct said s;
	MMDB_s db;

	cr_assert_eq(load_file(path, &p, &s), 0, "%s: %s", path, s.text);
	cr_assert_eq(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	compared = compare_family(&db, p, false, path);
	if (db.metadata.ip_version == 6)
		compared += compare_family(&db, p, true, path);
	cr_expect_gt(compared, 100);
	cr_expect_str_eq(places_source(p, 0)->format, "mmdb");
	cr_expect_eq(places_source(p, 0)->kind, SOURCE_MMDB);
	cr_expect_eq(places_source(p, 0)->date, (int64_t)db.metadata.build_epoch);
	MMDB_close(&db);
	places_free(p);
}

Test(mmdb, boundaries_of_country_databases)
{
	for (size_t i = 0; i < sizeof(country_databases) / sizeof(country_databases[0]); i++) {
		char name[128], path[512];

		snprintf(name, sizeof(name), "mmdb/test-data/%s.mmdb", country_databases[i]);
		if (!shared_file(path, name))
			cr_skip_test("shared/mmdb is not beside the clone");
		compare_file(path);
	}
}

/* A database of one's own: COUNTRY_MMDB=FILE, for one that is too large or not free enough to be
 * kept with the tests. */
Test(mmdb, boundaries_of_ones_own_database)
{
	const char *path = getenv("COUNTRY_MMDB");

	if (!path || !*path)
		cr_skip_test("COUNTRY_MMDB names no file");
	compare_file(path);
}

struct asn_ranges {
	size_t n;
	struct ip first, last;
};
static void count_range(void *arg, const struct ip *first, const struct ip *last)
{
	struct asn_ranges *a = arg;

	if (!a->n++) {
		a->first = *first;
		a->last = *last;
	}
}

Test(mmdb, asn_database)
{
	char path[512];
	struct places *p;
	struct said s;
	struct asn_ranges found = {0};
	struct claim_of claim;
	struct ip ip = address("1.128.0.1");

	if (!shared_file(path, "mmdb/test-data/GeoLite2-ASN-Test.mmdb"))
		cr_skip_test("shared/mmdb is not beside the clone");
	cr_assert_eq(load_file(path, &p, &s), 0, "%s", s.text);
	cr_expect_eq(places_source(p, 0)->kind, SOURCE_ASN);
	cr_expect_eq(places_asn_ranges(p, 1221, count_range, &found),
		     2); /* 1.128.0.0/11, 2001:8000::/20 */
	cr_expect_eq(ip_v4(&found.first), 0x01800000);
	cr_expect_eq(ip_v4(&found.last), 0x019fffff);
	cr_expect_eq(places_asn_ranges(p, 4200000000U, count_range, &found), 0);
	cr_assert_eq(places_claims(p, &ip, &claim, 1), 1);
	cr_expect_str_eq(places_string(p, claim.claim.operator), "Telstra Pty Ltd");
	cr_expect_str_eq(claim.key, "1.128.0.0/11");
	cr_expect_eq(places_get(p, places_lookup(p, &ip))->status, PLACE_UNKNOWN,
		     "an ASN proves no country");
	places_free(p);
}

/* Each file either loads or gives one error that names it; whatever happens it is over soon. */
static void try_folder(const char *folder, size_t *files, size_t *loaded)
{
	DIR *dir = opendir(folder);
	struct dirent *e;

	cr_assert_not_null(dir, "%s", folder);
	while ((e = readdir(dir))) {
		struct places *p;
		struct said s;
		char path[1024];

		if (!strstr(e->d_name, ".mmdb"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		++*files;
		if (load_file(path, &p, &s) == 0) {
			++*loaded;
			places_free(p);
			continue;
		}
		cr_expect_eq(s.sink.errors, 1, "%s: %u errors", path, s.sink.errors);
		cr_expect_str_eq(s.file, path);
		cr_expect_gt(strlen(s.text), 10, "%s", path);
		cr_expect_null(p);
	}
	closedir(dir);
}

Test(mmdb, all_of_shared)
{
	static const char *const bad[] = {"mmdb/bad-data/libmaxminddb",
					  "mmdb/bad-data/maxminddb-golang",
					  "mmdb/bad-data/maxminddb-python"};
	size_t files = 0, loaded = 0;
	char path[512];

	if (!shared_file(path, "mmdb/test-data"))
		cr_skip_test("shared/mmdb is not beside the clone");
	try_folder(path, &files, &loaded);
	cr_expect_geq(files, 40);
	cr_expect_geq(loaded, 10);
	files = loaded = 0;
	for (int i = 0; i < 3; i++)
		try_folder(shared_file(path, bad[i]), &files, &loaded);
	cr_expect_eq(files, 21);
	cr_expect_eq(loaded, 0);
}

Test(mmdb, european_union_is_our_table)
{
	char path[512];
	struct places *p;
	struct said s;

	if (!shared_file(path, "mmdb/test-data/GeoIP2-Precision-Enterprise-Test.mmdb"))
		cr_skip_test("shared/mmdb is not beside the clone");
	cr_assert_eq(load_file(path, &p, &s), 0, "%s", s.text);
	cr_expect_str_eq(s.warning, "does not say is_in_european_union of DE; the "
				    "table of zones decides: they are");
	places_free(p);
}

/* --- our own places.mmdb: written, read back, damaged --- */

static struct places *own_places(void)
{
	struct place_line lines[] = {line_of("5.0.0.0/8", "DE"),   line_of("5.1.0.0/16", "US"),
				     line_of("5.1.2.3/32", "FR"),  line_of("2a00::/16", "DE"),
				     line_of("2a00:1::/32", "US"), line_of("2a00:1::1/128", "FR"),
				     line_of("0.0.0.0/2", "SE"),   line_of("223.0.0.0/8", "NL")};

	lines[1].provider = "aws";
	lines[1].region = "us-east-1";
	lines[2].jurisdiction = CC('C', 'H');
	lines[2].platform = "heroku";
	return load_alone(
		(struct places_config){.lines = lines, .nlines = sizeof(lines) / sizeof(lines[0])});
}

/* Written by mmdb_write, as a file of its own. */
static void write_own(char path[64], unsigned bits)
{
	struct places *p = own_places();
	const struct mmdb_options options = {.build_epoch = 1900000000, .record_bits = bits};
	struct mmdb_stats stats;
	struct said s;

	said_init(&s);
	temp_file(path, "", 0);
	cr_assert_eq(mmdb_write(p, path, &options, &stats, &s.sink), 0, "%s", s.text);
	places_free(p);
}

static bool same_place(const struct places *a, const struct places *b, const struct ip *ip)
{
	const struct place *x = places_get(a, places_lookup(a, ip)),
			   *y = places_get(b, places_lookup(b, ip));

	return x->country == y->country && x->status == y->status && x->scope == y->scope &&
	       x->jurisdiction == y->jurisdiction &&
	       !strcmp(places_string(a, x->provider), places_string(b, y->provider)) &&
	       !strcmp(places_string(a, x->platform), places_string(b, y->platform)) &&
	       !strcmp(places_string(a, x->region), places_string(b, y->region));
}

Test(mmdb, our_own_file_reads_back)
{
	static const char *const at[] = {"4.255.255.255",   "5.0.0.0",	       "5.0.255.255",
					 "5.1.0.0",	    "5.1.2.2",	       "5.1.2.3",
					 "5.1.2.4",	    "5.1.255.255",     "5.2.0.0",
					 "5.255.255.255",   "6.0.0.0",	       "63.255.255.255",
					 "64.0.0.0",	    "222.255.255.255", "223.0.0.0",
					 "223.255.255.255", "224.1.0.0",       "29ff::1",
					 "2a00::",	    "2a00:1::",	       "2a00:1::1",
					 "2a00:1::2",	    "2a00:2::",	       "2a01::"};
	for (unsigned bits = 24; bits <= 32; bits += 4) {
		struct places *own = own_places(), *back;
		struct said s;
		char path[64];

		write_own(path, bits);
		cr_assert_eq(load_file(path, &back, &s), 0, "%u: %s", bits, s.text);
		for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
			struct ip ip = address(at[k]);

			cr_expect(same_place(own, back, &ip), "%u bits: %s", bits, at[k]);
		}
		cr_expect_lt(llabs(places_source(back, 0)->date - places_source(own, 1)->date), 2,
			     "as old as its data, not as its making");
		unlink(path);
		places_free(own);
		places_free(back);
	}
}

/* What the files said that it was made of is shown again. */
Test(mmdb, our_own_file_keeps_its_evidence)
{
	struct places *p;
	struct claim_of claims[8];
	struct said s;
	char path[64];
	struct ip ip = address("5.1.2.3");
	size_t n;

	write_own(path, 28);
	cr_assert_eq(load_file(path, &p, &s), 0, "%s", s.text);
	n = places_claims(p, &ip, claims, 8);
	cr_assert_geq(n, 2);
	cr_expect_eq(claims[0].source->kind, SOURCE_MMDB);
	cr_expect_eq(claims[1].source->kind, SOURCE_PLACE_LINES);
	cr_expect_str_eq(claims[1].source->path, "test.conf");
	cr_expect_eq(claims[1].claim.country, CC('F', 'R'));
	cr_expect_eq(claims[1].claim.jurisdiction, CC('C', 'H'));
	cr_expect_eq(places_claims(p, &ip, claims, 1), 1);
	places_free(p);
	unlink(path);
}

struct blob {
	uint8_t *p;
	size_t n;
};
static struct blob slurp(const char *path)
{
	struct blob b = {0};
	struct stat st;
	FILE *f = fopen(path, "rb");

	cr_assert(f && !fstat(fileno(f), &st));
	b.n = (size_t)st.st_size;
	b.p = malloc(b.n);
	cr_assert_not_null(b.p);
	cr_assert_eq(fread(b.p, 1, b.n, f), b.n);
	fclose(f);
	return b;
}

static void try_bytes(const char *path, const struct blob *b)
{
	FILE *f = fopen(path, "wb");
	struct places *p;
	struct said s;

	cr_assert(f && fwrite(b->p, 1, b->n, f) == b->n);
	fclose(f);
	if (load_file(path, &p, &s) == 0)
		places_free(p);
	else
		cr_expect(*s.text, "every failure says why");
}

Test(mmdb, bytes_turned_over)
{
	char path[64];
	struct blob b;
	uint64_t state = 1234567;

	write_own(path, 24);
	b = slurp(path);
	for (int i = 0; i < 1500; i++) {
		size_t at = next_random(&state) % b.n, n = next_random(&state) % 3 + 1;
		uint8_t old[4];

		if (i % 4 == 0) /* the metadata is where the numbers are */
			at = b.n - 1 - next_random(&state) % (b.n < 400 ? b.n : 400);
		n = at + n > b.n ? b.n - at : n;
		memcpy(old, b.p + at, n);
		for (size_t k = 0; k < n; k++)
			b.p[at + k] = i & 1 ? (uint8_t)next_random(&state) : b.p[at + k] ^ 0xff;
		try_bytes(path, &b);
		memcpy(b.p + at, old, n);
	}
	free(b.p);
	unlink(path);
}

Test(mmdb, cut_short)
{
	char path[64];
	struct blob b, cut;

	write_own(path, 32);
	b = slurp(path);
	for (size_t n = 1; n < b.n; n += b.n / 400 + 1) {
		cut = (struct blob){b.p, n};
		try_bytes(path, &cut);
		cut = (struct blob){b.p + n, b.n - n};
		try_bytes(path, &cut);
	}
	free(b.p);
	unlink(path);
}
