/* SPDX-License-Identifier: BSD-2-Clause */
/* ranges_test.c - every published format: what an address in its fixture is, with which key, and
 * how a broken file is told. */
#include <errno.h>
#include "tests/geo/places_fixture.h"

#define DIR "tests/geo/fixtures/"

static const struct row {
	const char *file, *address, *country;
	enum place_status status;
	const char *provider, *platform, *region, *law, *key;
} rows[] = {
	{"aws.json", "52.28.1.2", "DE", PLACE_KNOWN, "aws", "", "eu-central-1", "US",
	 "prefixes[1]"},
	{"aws.json", "83.119.128.1", "TR", PLACE_KNOWN, "aws", "", "eu-central-1-ist-1", "US",
	 "prefixes[2]"},
	{"aws.json", "15.177.0.1", "", PLACE_UNPROVABLE, "aws", "", "GLOBAL", "US", "prefixes[3]"},
	{"aws.json", "15.177.5.1", "IE", PLACE_KNOWN, "aws", "", "eu-west-1", "US", "prefixes[4]"},
	{"aws.json", "18.130.0.1", "GB", PLACE_KNOWN, "aws", "", "eu-west-2", "US", "prefixes[5]"},
	{"aws.json", "16.63.255.255", "CH", PLACE_KNOWN, "aws", "", "eu-central-2", "US",
	 "prefixes[6]"},
	{"aws.json", "51.224.0.1", "DE", PLACE_KNOWN, "aws", "", "eusc-de-east-1", "US",
	 "prefixes[7]"},
	{"aws.json", "51.0.0.1", "", PLACE_UNPROVABLE, "aws", "", "eu-east-9", "US", "prefixes[8]"},
	{"aws.json", "51.1.0.1", "", PLACE_UNPROVABLE, "aws", "", "me-west-1", "US", "prefixes[9]"},
	{"aws.json", "51.2.0.1", "", PLACE_UNPROVABLE, "aws", "", "eu-central-1-xyz-1", "US",
	 "prefixes[10]"},
	{"aws.json", "51.3.0.1", "", PLACE_UNPROVABLE, "aws", "", "", "US", "prefixes[11]"},
	{"aws.json", "51.4.0.1", "DE", PLACE_KNOWN, "aws", "", "eu-central-1", "US",
	 "prefixes[12]"},
	{"aws.json", "2a05:d014::1", "DE", PLACE_KNOWN, "aws", "", "eu-central-1", "US",
	 "ipv6_prefixes[0]"},
	{"aws.json", "9.9.9.9", "", PLACE_UNKNOWN, "", "", "", "", NULL},
	{"google-cloud.json", "34.89.128.1", "DE", PLACE_KNOWN, "google", "", "europe-west3", "US",
	 "prefixes[0]"},
	{"google-cloud.json", "34.65.0.1", "CH", PLACE_KNOWN, "google", "", "europe-west6", "US",
	 "prefixes[1]"},
	{"google-cloud.json", "35.190.0.1", "", PLACE_UNPROVABLE, "google", "", "global", "US",
	 "prefixes[2]"},
	{"google-cloud.json", "34.1.224.1", "", PLACE_UNPROVABLE, "google", "", "europe-west15",
	 "US", "prefixes[3]"},
	{"google-cloud.json", "2600:1900:40d0::1", "DE", PLACE_KNOWN, "google", "", "europe-west3",
	 "US", "prefixes[4]"},
	{"google-goog.json", "8.8.8.8", "", PLACE_UNPROVABLE, "google", "", "", "US",
	 "prefixes[0]"},
	{"azure.json", "20.52.0.1", "DE", PLACE_KNOWN, "azure", "", "germanywc", "US", NULL},
	{"azure.json", "20.52.10.4", "DE", PLACE_KNOWN, "azure", "", "germanywc", "US",
	 "values[0].properties.addressPrefixes[0]"},
	{"azure.json", "20.91.7.1", "", PLACE_UNPROVABLE, "azure", "", "", "US", NULL},
	{"azure.json", "20.91.8.1", "", PLACE_UNPROVABLE, "azure", "", "", "US", NULL},
	{"azure.json", "20.49.128.1", "GB", PLACE_KNOWN, "azure", "", "uksouth", "US", NULL},
	{"azure.json", "20.52.64.1", "DE", PLACE_KNOWN, "azure", "", "germanywc", "US",
	 "values[4].properties.addressPrefixes[0]"},
	{"azure.json", "20.52.100.1", "", PLACE_UNPROVABLE, "azure", "", "global", "US", NULL},
	{"azure.json", "13.107.246.1", "", PLACE_UNPROVABLE, "azure", "", "global", "US", NULL},
	{"azure.json", "20.52.101.1", "DE", PLACE_KNOWN, "azure", "", "germanywc", "US", NULL},
	{"azure.json", "20.60.0.1", "", PLACE_UNPROVABLE, "azure", "", "atlantis", "US", NULL},
	{"azure.json", "2603:1020:c00::1", "DE", PLACE_KNOWN, "azure", "", "germanywc", "US", NULL},
	{"oracle.json", "130.61.0.1", "DE", PLACE_KNOWN, "oracle", "", "eu-frankfurt-1", "US",
	 "regions[0].cidrs[0]"},
	{"oracle.json", "134.70.40.1", "DE", PLACE_KNOWN, "oracle", "", "eu-frankfurt-1", "US",
	 "regions[0].cidrs[1]"},
	{"oracle.json", "84.8.128.1", "RS", PLACE_KNOWN, "oracle", "", "eu-jovanovac-1", "US",
	 "regions[1].cidrs[0]"},
	{"oracle.json", "152.67.64.1", "CH", PLACE_KNOWN, "oracle", "", "eu-zurich-1", "US",
	 "regions[2].cidrs[0]"},
	{"oracle.json", "84.9.0.1", "", PLACE_UNPROVABLE, "oracle", "", "eu-nowhere-9", "US",
	 "regions[3].cidrs[0]"},
	{"cloudflare.json", "104.16.0.1", "", PLACE_UNPROVABLE, "cloudflare", "", "", "US",
	 "result.ipv4_cidrs[1]"},
	{"cloudflare.json", "2400:cb00::1", "", PLACE_UNPROVABLE, "cloudflare", "", "", "US",
	 "result.ipv6_cidrs[0]"},
	{"cloudflare-v4.txt", "104.16.0.1", "", PLACE_UNPROVABLE, "cloudflare", "", "", "US",
	 "line 2"},
	{"fastly.json", "151.101.1.1", "", PLACE_UNPROVABLE, "fastly", "", "", "US",
	 "addresses[0]"},
	{"fastly.json", "2a04:4e40::1", "", PLACE_UNPROVABLE, "fastly", "", "", "US",
	 "ipv6_addresses[0]"},
	{"heroku.json", "3.124.1.11", "", PLACE_UNKNOWN, "aws", "heroku", "", "US", "sources[1]"},
	{"asn.csv", "5.135.0.1", "", PLACE_UNKNOWN, "ovh", "", "", "FR", "line 2"},
	{"asn.csv", "51.159.0.1", "", PLACE_UNKNOWN, "scaleway", "", "", "FR", "line 3"},
	{"asn.csv", "13.109.0.1", "", PLACE_UNKNOWN, "salesforce", "", "", "US", "line 4"},
	{"asn.csv", "46.232.0.1", "", PLACE_UNKNOWN, "hetzner", "", "", "DE", "line 6"},
	{"asn-range.csv", "5.9.255.254", "", PLACE_UNKNOWN, "hetzner", "", "", "DE", "line 2"},
	{"asn-range.csv", "5.9.255.255", "", PLACE_UNKNOWN, "", "", "", "", NULL},
	{"asn-range.csv", "2a01:4f8::1", "", PLACE_UNKNOWN, "hetzner", "", "", "DE", "line 3"},
	{"operator.csv", "85.31.192.1", "", PLACE_UNKNOWN, "", "platformsh", "", "FR", "line 2"},
	{"operator.csv", "45.45.0.1", "", PLACE_UNKNOWN, "aws", "elasticbeanstalk", "", "US",
	 "line 3"},
	{"operator.csv", "45.45.1.1", "", PLACE_UNKNOWN, "aws", "heroku", "", "US", "line 4"},
	{"operator.csv", "45.45.2.1", "", PLACE_UNKNOWN, "Some Hoster, Ltd.", "", "", "", "line 5"},
	{"operator.csv", "2a02:748::1", "", PLACE_UNKNOWN, "outscale", "", "", "FR", "line 6"},
	{"clever.csv", "46.252.181.1", "FR", PLACE_KNOWN, "clevercloud", "", "par", "FR", "line 4"},
	{"clever.csv", "91.208.207.1", "FR", PLACE_KNOWN, "clevercloud", "", "", "FR", NULL},
	{"clever.csv", "185.42.117.1", "", PLACE_UNPROVABLE, "clevercloud", "", "mtl", "FR",
	 "line 5"},
	{"geofeed.csv", "5.101.96.1", "NL", PLACE_KNOWN, "", "", "", "", "line 2"},
	{"geofeed.csv", "2.58.1.1", "GB", PLACE_KNOWN, "", "", "", "", "line 3"},
	{"geofeed.csv", "2.58.2.1", "", PLACE_UNPROVABLE, "", "", "", "", "line 4"},
	{"geofeed.csv", "2.58.3.1", "", PLACE_UNKNOWN, "", "", "", "", NULL},
	{"geofeed.csv", "2600:3c00::1", "US", PLACE_KNOWN, "", "", "", "", "line 7"},
};

static void check_row(const struct row *row)
{
	char path[128], cc[3];
	const char *files[1] = {path};
	struct claim_of claims[8];
	struct ip ip = fixture_ip(row->address);
	const struct place *pl;
	struct places *p;
	size_t n;

	snprintf(path, sizeof(path), DIR "%s", row->file);
	p = fixture_places(files, 1);
	pl = fixture_place(p, row->address);
	cr_expect_str_eq(country_text(pl->country, cc), row->country, "%s %s: country", row->file,
			 row->address);
	cr_expect_eq(pl->status, row->status, "%s %s: %s", row->file, row->address,
		     place_status_name(pl->status));
	cr_expect_str_eq(places_string(p, pl->provider), row->provider, "%s %s: provider",
			 row->file, row->address);
	cr_expect_str_eq(places_string(p, pl->platform), row->platform, "%s %s: platform",
			 row->file, row->address);
	cr_expect_str_eq(places_string(p, pl->region), row->region, "%s %s: region", row->file,
			 row->address);
	cr_expect_str_eq(country_text(pl->jurisdiction, cc), row->law, "%s %s: law", row->file,
			 row->address);
	n = places_claims(p, &ip, claims, 8);
	if (row->key) {
		cr_expect_eq(n, 1, "%s %s: %zu claims", row->file, row->address, n);
		if (n)
			cr_expect_str_eq(claims[0].key, row->key, "%s %s: key", row->file,
					 row->address);
	}
	places_free(p);
}

Test(ranges, addresses)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static const struct head {
	const char *file, *format, *version;
	enum source_kind kind;
	int64_t date; /* 0: the file's own */
	uint64_t claims;
} heads[] = {
	{"aws.json", "aws", "1787411825", SOURCE_RANGES, 1787411825, 14},
	{"google-cloud.json", "google", "1778033048194", SOURCE_RANGES, 1778007848, 5},
	{"google-goog.json", "google", "1678521885036", SOURCE_RANGES, 1678493085, 3},
	{"azure.json", "azure", "398", SOURCE_RANGES, 0, 11},
	{"oracle.json", "oracle", "2025-07-21T07:13:25.457838", SOURCE_RANGES, 1753082005, 5},
	{"cloudflare.json", "cloudflare", "38f79d050aa027e3be3865e495dcc9bc", SOURCE_RANGES, 0, 3},
	{"cloudflare-v4.txt", "cloudflare-txt", NULL, SOURCE_RANGES, 0, 2},
	{"fastly.json", "fastly", NULL, SOURCE_RANGES, 0, 2},
	{"heroku.json", "heroku", NULL, SOURCE_RANGES, 1772618400, 2},
	{"asn.csv", "asn-csv", NULL, SOURCE_ASN, 0, 5},
	{"asn-range.csv", "asn-csv", NULL, SOURCE_ASN, 0, 3},
	{"operator.csv", "operator-csv", NULL, SOURCE_RANGES, 0, 5},
	{"clever.csv", "clevercloud", NULL, SOURCE_RANGES, 0, 3},
	{"geofeed.csv", "geofeed", NULL, SOURCE_GEOFEED, 0, 4},
};

Test(ranges, heads)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct head *h = &heads[i];
		char path[128];
		const char *files[1] = {path};
		const struct source *s;
		struct places *p;

		snprintf(path, sizeof(path), DIR "%s", h->file);
		p = fixture_places(files, 1);
		s = places_source(p, 0);
		cr_expect_str_eq(s->format, h->format, "%s", h->file);
		cr_expect_eq(s->kind, h->kind, "%s: kind %d", h->file, s->kind);
		cr_expect_eq(s->claims, h->claims, "%s: %lu claims", h->file,
			     (unsigned long)s->claims);
		if (h->version)
			cr_expect_str_eq(s->version ? s->version : "", h->version, "%s", h->file);
		if (h->date)
			cr_expect_eq(s->date, h->date, "%s: %ld", h->file, (long)s->date);
		cr_expect_eq(strlen(s->sha256), 64, "%s", h->file);
		places_free(p);
	}
}

/* Platform and infrastructure are two fields, of two sources: Heroku says whose, AWS says where. */
Test(ranges, heroku_on_aws)
{
	static const char aws[] =
		"{\"syncToken\":\"1\",\"createDate\":\"2026-01-01-00-00-00\",\"prefixes\":[{\"ip_prefix\":"
		"\"3.124.0.0/14\",\"region\":\"eu-central-1\",\"service\":\"EC2\",\"network_border_group\":"
		"\"eu-central-1\"}],\"ipv6_prefixes\":[]}";
	char path[64], cc[3];
	const char *files[2] = {DIR "heroku.json", path};
	const struct place *pl;
	struct places *p;

	fixture_file(path, aws, sizeof(aws) - 1);
	p = fixture_places(files, 2);
	pl = fixture_place(p, "3.124.1.10");
	cr_expect_str_eq(country_text(pl->country, cc), "DE");
	cr_expect_eq(pl->status, PLACE_KNOWN);
	cr_expect_str_eq(places_string(p, pl->provider), "aws");
	cr_expect_str_eq(places_string(p, pl->platform), "heroku");
	cr_expect_str_eq(places_string(p, pl->region), "eu-central-1");
	pl = fixture_place(p, "3.124.1.12");
	cr_expect_eq(pl->platform, 0);
	places_free(p);
	unlink(path);
}

/* goog.json is narrower here than cloud.json and must not take the country away, in whichever order
 * they are given. */
Test(ranges, google_lists_in_either_order)
{
	static const char *const orders[2][2] = {
		{DIR "google-cloud.json", DIR "google-goog.json"},
		{DIR "google-goog.json", DIR "google-cloud.json"},
	};

	for (int i = 0; i < 2; i++) {
		struct places *p = fixture_places(orders[i], 2);

		cr_expect_eq(fixture_place(p, "34.89.200.1")->country, CC('D', 'E'), "order %d", i);
		cr_expect_eq(fixture_place(p, "8.8.8.8")->status, PLACE_UNPROVABLE, "order %d", i);
		places_free(p);
	}
}

/* Cloudflare's and Fastly's addresses are anycast also when only an AS list says whose they are. */
Test(ranges, anycast_operator_over_a_country_database)
{
	static const char asn[] =
		"prefix,asn,org\n1.1.1.0/24,13335,\"Cloudflare, Inc.\"\n5.9.0.0/16,24940,Hetzner Online GmbH\n";
	static const char tor[] = "16843008,16843263,DE\n84475904,84541439,DE\n";
	char asn_path[64], tor_path[64];
	const char *files[2] = {asn_path, tor_path};
	struct places *p;

	fixture_file(asn_path, asn, sizeof(asn) - 1);
	fixture_file(tor_path, tor, sizeof(tor) - 1);
	p = fixture_places(files, 2);
	cr_expect_eq(fixture_place(p, "1.1.1.1")->status, PLACE_UNPROVABLE);
	cr_expect_eq(fixture_place(p, "1.1.1.1")->country, 0);
	cr_expect_eq(fixture_place(p, "5.9.0.1")->status, PLACE_KNOWN);
	cr_expect_eq(fixture_place(p, "5.9.0.1")->country, CC('D', 'E'));
	places_free(p);
	unlink(asn_path);
	unlink(tor_path);
}
