/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_write_test.c - what is written is read back by libmaxminddb: every boundary, all record
 * sizes, the aliases, the metadata. */
#include <errno.h>
#include <maxminddb.h>
#include <sys/stat.h>
#include "geo/base/file.h"
#include "geo/mmdb/mmdb_data.h"
#include "geo/source/mmdb_meta.h"
#include "geo/mmdb/mmdb_tree.h"
#include "geo/mmdb/mmdb_write.h"
#include "tests/geo/places_fixture.h"

#define DIR "tests/geo/fixtures/"

static const char *const all[] = {
	DIR "aws.json",	   DIR "google-cloud.json", DIR "google-goog.json", DIR "azure.json",
	DIR "oracle.json", DIR "cloudflare.json",   DIR "fastly.json",	    DIR "heroku.json",
	DIR "asn.csv",	   DIR "operator.csv",	    DIR "clever.csv",	    DIR "geofeed.csv",
};
#define NALL (sizeof(all) / sizeof(all[0]))

struct db {
	char path[64];
	struct places *p;
	struct mmdb_stats stats;
	MMDB_s mmdb;
};

static void open_db_of(struct db *db, const char *const *files, size_t n, unsigned bits)
{
	struct mmdb_options o = {.build_epoch = 1795392000, .record_bits = bits};
	struct said said = {0};
	struct diag_sink d = {.fn = fixture_say, .arg = &said};

	fixture_file(db->path, "", 0);
	db->p = fixture_places(files, n);
	cr_assert_eq(mmdb_write(db->p, db->path, &o, &db->stats, &d), 0, "%s", said.text);
	cr_assert_eq(MMDB_open(db->path, MMDB_MODE_MMAP, &db->mmdb), MMDB_SUCCESS);
}

static void open_db(struct db *db, const char *const *files, size_t n)
{
	open_db_of(db, files, n, 0);
}

static void close_db(struct db *db)
{
	MMDB_close(&db->mmdb);
	places_free(db->p);
	unlink(db->path);
}

static void text_at(char out[128], MMDB_lookup_result_s *r, const char *const *path)
{
	MMDB_entry_data_s e;

	out[0] = '\0';
	if (!r->found_entry || MMDB_aget_value(&r->entry, &e, path) != MMDB_SUCCESS || !e.has_data)
		return;
	cr_assert_eq(e.type, MMDB_DATA_TYPE_UTF8_STRING);
	snprintf(out, 128, "%.*s", (int)e.data_size, e.utf8_string);
}

static MMDB_lookup_result_s look_up(struct db *db, const char *address)
{
	int gai = 0, error = 0;
	MMDB_lookup_result_s r = MMDB_lookup_string(&db->mmdb, address, &gai, &error);

	cr_assert_eq(gai, 0, "%s", address);
	cr_assert_eq(error, MMDB_SUCCESS, "%s: %s", address, MMDB_strerror(error));
	return r;
}

/* The file's word on an address against that of the places it was made of. */
static void same(struct db *db, const struct ip *ip)
{
	const struct place *pl = places_get(db->p, places_lookup(db->p, ip));
	char address[IP_STRLEN], got[128], cc[3];
	MMDB_lookup_result_s r = look_up(db, ip_format(address, ip));
	bool silent = pl->scope != SCOPE_GLOBAL;
	struct claim_of claims[16];
	size_t n = places_claims(db->p, ip, claims, 16);
	MMDB_entry_data_s e;

	cr_expect_eq(r.found_entry, n > 0, "%s: %zu claims", address, n);
	if (!r.found_entry || silent)
		return;
	text_at(got, &r, (const char *const[]){"country", "iso_code", NULL});
	cr_expect_str_eq(got, country_text(pl->country, cc), "%s: country", address);
	text_at(got, &r, (const char *const[]){"cordon", "status", NULL});
	cr_expect_str_eq(got, place_status_name(pl->status), "%s: status", address);
	text_at(got, &r, (const char *const[]){"cordon", "provider", NULL});
	cr_expect_str_eq(got, places_string(db->p, pl->provider), "%s: provider", address);
	text_at(got, &r, (const char *const[]){"cordon", "platform", NULL});
	cr_expect_str_eq(got, places_string(db->p, pl->platform), "%s: platform", address);
	text_at(got, &r, (const char *const[]){"cordon", "region", NULL});
	cr_expect_str_eq(got, places_string(db->p, pl->region), "%s: region", address);
	text_at(got, &r, (const char *const[]){"cordon", "jurisdiction", NULL});
	cr_expect_str_eq(got, country_text(pl->jurisdiction, cc), "%s: law", address);
	cr_assert_eq(MMDB_get_value(&r.entry, &e, "cordon", "sources", NULL), MMDB_SUCCESS);
	cr_expect_eq(e.data_size, n, "%s: %u sources, %zu claims", address, e.data_size, n);
	for (size_t i = 0; i < n; i++) {
		char index[24];

		snprintf(index, sizeof(index), "%zu", i);
		text_at(got, &r, (const char *const[]){"cordon", "sources", index, "source", NULL});
		cr_expect_str_eq(got, claims[i].source->format, "%s: source %zu", address, i);
		text_at(got, &r,
			(const char *const[]){"cordon", "sources", index, "country", NULL});
		cr_expect_str_eq(got, country_text(claims[i].claim.country, cc), "%s: claim %zu",
				 address, i);
	}
}

static void same_around(struct db *db, struct ip ip)
{
	struct ip before = ip, after = ip;

	same(db, &ip);
	if (ip_prev(&before))
		same(db, &before);
	if (ip_next(&after))
		same(db, &after);
}

static void same_everywhere(struct db *db)
{
	size_t n;
	const struct range4 *r4 = places_ranges4(db->p, &n);
	const struct range6 *r6;

	for (size_t i = 0; i < n; i++)
		same_around(db, ip_from_v4(r4[i].first));
	r6 = places_ranges6(db->p, &n);
	for (size_t i = 0; i < n; i++) {
		uint8_t b[16];

		for (unsigned k = 0; k < 8; k++) {
			b[k] = (uint8_t)(r6[i].hi >> (56 - 8 * k));
			b[8 + k] = (uint8_t)(r6[i].lo >> (56 - 8 * k));
		}
		/* what stands at the aliases is IPv4's */
		if (r6[i].hi >> 48 != 0x2002 && r6[i].hi >> 32 != 0x20010000 && r6[i].hi)
			same_around(db, ip_from_bytes(6, b));
	}
}

Test(mmdb_write, every_boundary)
{
	struct db db;

	open_db(&db, all, NALL);
	same_everywhere(&db);
	cr_expect_eq(db.mmdb.metadata.record_size, 24);
	cr_expect_eq(db.mmdb.metadata.node_count, db.stats.nodes);
	cr_expect_eq(db.mmdb.metadata.ip_version, 6);
	cr_expect_eq(db.mmdb.metadata.build_epoch, 1795392000);
	cr_expect_str_eq(db.mmdb.metadata.database_type, "cordon-places");
	cr_expect_eq(db.mmdb.metadata.languages.count, 1);
	cr_expect_eq(db.mmdb.metadata.description.count, 1);
	close_db(&db);
}

Test(mmdb_write, every_boundary_of_wider_records)
{
	for (unsigned bits = 28; bits <= 32; bits += 4) {
		struct db db;

		open_db_of(&db, all, NALL, bits);
		cr_expect_eq(db.mmdb.metadata.record_size, bits);
		same_everywhere(&db);
		close_db(&db);
	}
}

/* Each prefix of a claim, also those that change no place. */
Test(mmdb_write, first_and_last_of_claims)
{
	static const char *const edges[] = {
		"52.28.0.0",	    "52.28.255.255",
		"52.27.255.255",    "52.29.0.0",
		"15.177.4.255",	    "15.177.5.0",
		"15.177.5.255",	    "15.177.6.0",
		"20.52.64.0",	    "20.52.64.127",
		"20.52.63.255",	    "20.52.64.128",
		"8.8.8.0",	    "8.8.8.255",
		"0.0.0.0",	    "255.255.255.255",
		"::1:0:0:0",	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2a05:d014::",	    "2a05:d014:1fff:ffff:ffff:ffff:ffff:ffff",
		"2a05:d014:2000::",
	};
	struct db db;

	open_db(&db, all, NALL);
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		same_around(&db, fixture_ip(edges[i]));
	close_db(&db);
}

Test(mmdb_write, ipv4_aliases)
{
	static const char *const addresses[] = {
		"::ffff:52.28.0.1", "2002:341c:1::1", "2001:0:341c:1::", "::52.28.0.1", "52.28.0.1",
	};
	struct db db;

	open_db(&db, all, NALL);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		MMDB_lookup_result_s r = look_up(&db, addresses[i]);
		char got[128];

		text_at(got, &r, (const char *const[]){"country", "iso_code", NULL});
		cr_expect_str_eq(got, "DE", "%s: %s", addresses[i], got);
	}
	cr_expect_not(look_up(&db, "2002:0909:0909::1").found_entry);
	close_db(&db);
}

Test(mmdb_write, evidence)
{
	struct db db;
	MMDB_lookup_result_s r;
	char got[128];
	MMDB_entry_data_s e;

	open_db(&db, all, NALL);
	r = look_up(&db, "5.135.0.1");
	cr_assert_eq(MMDB_get_value(&r.entry, &e, "autonomous_system_number", NULL), MMDB_SUCCESS);
	cr_expect_eq(e.type, MMDB_DATA_TYPE_UINT32);
	cr_expect_eq(e.uint32, 16276);
	text_at(got, &r, (const char *const[]){"autonomous_system_organization", NULL});
	cr_expect_str_eq(got, "OVH SAS");
	r = look_up(&db, "52.28.0.1");
	text_at(got, &r, (const char *const[]){"cordon", "sources", "0", "key", NULL});
	cr_expect_str_eq(got, "prefixes[1]");
	text_at(got, &r, (const char *const[]){"cordon", "sources", "0", "service", NULL});
	cr_expect_str_eq(got, "EC2");
	text_at(got, &r, (const char *const[]){"cordon", "sources", "0", "sha256", NULL});
	cr_expect_eq(strlen(got), 16);
	cr_assert_eq(MMDB_get_value(&r.entry, &e, "cordon", "sources", "0", "date", NULL),
		     MMDB_SUCCESS);
	cr_expect_eq(e.type, MMDB_DATA_TYPE_UINT64);
	cr_expect_eq(e.uint64, 1787411825);
	close_db(&db);
}

Test(mmdb_write, metadata_of_sources)
{
	struct db db;
	struct mmdb_meta m;
	struct diag_sink d = {0};

	open_db(&db, all, NALL);
	cr_assert_eq(mmdb_meta_read(&m, db.path, &d), 0);
	cr_expect_str_eq(m.type, "cordon-places");
	cr_expect_eq(m.build_epoch, 1795392000);
	cr_expect_eq(m.data_epoch, 1678493085, "goog.json's date, not %lu",
		     (unsigned long)m.data_epoch);
	cr_assert_eq(m.n, NALL);
	cr_expect_str_eq(m.sources[0].source, "aws");
	cr_expect_str_eq(m.sources[0].file, "aws.json");
	cr_expect_str_eq(m.sources[0].version, "1787411825");
	cr_expect_eq(m.sources[0].claims, 14);
	cr_expect_str_eq(m.sources[0].sha256, places_source(db.p, 0)->sha256);
	cr_expect_eq(mmdb_meta_read(&m, DIR "aws.json", &d), -EINVAL);
	cr_expect_eq(mmdb_meta_read(&m, DIR "nothing", &d), -ENOENT);
	close_db(&db);
}

/* A places.mmdb is a source as well, and says what its sources said. */
Test(mmdb_write, read_by_ourselves)
{
	struct db db;
	const char *files[1] = {db.path};
	struct places *again;
	size_t n;
	const struct range4 *r;

	open_db(&db, all, NALL);
	again = fixture_places(files, 1);
	r = places_ranges4(db.p, &n);
	for (size_t i = 0; i < n; i++) {
		struct ip ip = ip_from_v4(r[i].first);
		const struct place *a = places_get(db.p, places_lookup(db.p, &ip));
		const struct place *b = places_get(again, places_lookup(again, &ip));
		char text[IP_STRLEN];

		ip_format(text, &ip);
		cr_expect_eq(a->country, b->country, "%s: country", text);
		cr_expect_eq(a->status, b->status, "%s: %s, read as %s", text,
			     place_status_name(a->status), place_status_name(b->status));
		cr_expect_eq(a->jurisdiction, b->jurisdiction, "%s: law", text);
		cr_expect_str_eq(places_string(db.p, a->provider),
				 places_string(again, b->provider), "%s", text);
		cr_expect_str_eq(places_string(db.p, a->platform),
				 places_string(again, b->platform), "%s", text);
		cr_expect_str_eq(places_string(db.p, a->region), places_string(again, b->region),
				 "%s", text);
	}
	places_free(again);
	close_db(&db);
}

/* The same sources and the same day give the same bytes. */
Test(mmdb_write, deterministic)
{
	struct db a, b;
	char cmd[256];

	open_db(&a, all, NALL);
	open_db(&b, all, NALL);
	snprintf(cmd, sizeof(cmd), "cmp -s %s %s", a.path, b.path);
	cr_expect_eq(system(cmd), 0);
	close_db(&a);
	close_db(&b);
}

Test(mmdb_write, failure_leaves_the_old_file)
{
	static const char old[] = "old";
	struct said said = {0};
	struct diag_sink d = {.fn = fixture_say, .arg = &said};
	struct places *p = fixture_places(all, 1);
	struct mmdb_options o = {.build_epoch = 1};
	struct mmdb_stats st;
	char path[64], full[128], text[8] = "";
	FILE *f;

	fixture_file(path, old, sizeof(old) - 1);
	snprintf(full, sizeof(full), "%s/places.mmdb", path);
	cr_expect(mmdb_write(p, full, &o, &st, &d) < 0);
	cr_expect(strstr(said.text, full), "%s", said.text);
	/* a full disk: the write itself fails */
	if (!access("/dev/full", W_OK)) {
		struct file_write w = {.f = fopen("/dev/full", "w"), .path = strdup(path)};

		cr_assert(asprintf(&w.temporary, "%s.new.test", path) > 0);
		cr_assert_not_null(w.f);
		fputs("something", w.f);
		cr_expect_eq(file_commit(&w, &d), -ENOSPC);
	}
	f = fopen(path, "r");
	cr_assert_eq(fread(text, 1, 3, f), 3);
	fclose(f);
	cr_expect_str_eq(text, old);
	places_free(p);
	unlink(path);
}

/* Record sizes by what has to fit: the tree encodes and libmaxminddb's own arithmetic reads it
 * back. */
Test(mmdb_write, record_sizes)
{
	static const struct mmdb_leaf v4[] = {{0, MMDB_NOTHING},
					      {0x01000000, 7},
					      {0x02000000, MMDB_NOTHING}};
	static const struct mmdb_leaf v6[] = {{0, MMDB_NOTHING}};
	struct mmdb_tree t;
	uint8_t out[8];

	cr_assert_eq(mmdb_tree_build(&t, v4, 3, v6, 1), 0);
	cr_expect_eq(mmdb_tree_record_bits(&t, 0), 24);
	cr_expect_eq(mmdb_tree_record_bits(&t, (1u << 24) - 17 - t.n), 24);
	cr_expect_eq(mmdb_tree_record_bits(&t, (1u << 24) - 16 - t.n), 28);
	cr_expect_eq(mmdb_tree_record_bits(&t, (1u << 28) - 17 - t.n), 28);
	cr_expect_eq(mmdb_tree_record_bits(&t, (1u << 28) - 16 - t.n), 32);
	cr_expect_eq(mmdb_tree_record_bits(&t, (1ull << 32)), 0);
	t.nodes[0][0] = MMDB_DATA_BIT | 0x3abcde0;
	t.nodes[0][1] = MMDB_NOTHING;
	cr_expect_eq(mmdb_tree_encode(&t, 0, 28, out), 7);
	cr_expect_eq((uint32_t)(out[3] >> 4) << 24 | (uint32_t)out[0] << 16 |
			     (uint32_t)out[1] << 8 | out[2],
		     0x3abcde0 + 16 + t.n);
	cr_expect_eq((uint32_t)(out[3] & 15) << 24 | (uint32_t)out[4] << 16 |
			     (uint32_t)out[5] << 8 | out[6],
		     t.n);
	cr_expect_eq(mmdb_tree_encode(&t, 0, 32, out), 8);
	cr_expect_eq((uint32_t)out[0] << 24 | (uint32_t)out[1] << 16 | (uint32_t)out[2] << 8 |
			     out[3],
		     0x3abcde0 + 16 + t.n);
	free(t.nodes);
}

Test(mmdb_write, values_are_stored_once)
{
	struct mmdb_data *d;
	struct mmdb_value v = {.n = 0}, w = {.n = 0};
	uint32_t a, b, c;
	size_t n;

	cr_assert_eq(mmdb_data_new(&d), 0);
	mmdb_text(&v, "Frankfurt");
	mmdb_text(&w, "Dublin");
	cr_assert_eq(mmdb_data_store(d, &v, &a), 0);
	cr_assert_eq(mmdb_data_store(d, &w, &b), 0);
	cr_assert_eq(mmdb_data_store(d, &v, &c), 0);
	cr_expect_eq(a, c);
	cr_expect_neq(a, b);
	mmdb_data_bytes(d, &n);
	cr_expect_eq(n, v.n + w.n);
	for (int i = 0; i < 3000; i++)
		mmdb_text(&v, "Frankfurt");
	cr_expect_eq(mmdb_data_store(d, &v, &c), -E2BIG);
	mmdb_data_free(d);
}
