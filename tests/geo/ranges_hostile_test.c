/* SPDX-License-Identifier: BSD-2-Clause */
/* ranges_hostile_test.c - a broken list is refused with one sentence that names the place in it. */
#include <errno.h>
#include "tests/geo/places_fixture.h"

#define AWS(prefixes)                                                                              \
	"{\"syncToken\":\"1\",\"createDate\":\"2026-01-01-00-00-00\",\"prefixes\":[" prefixes      \
	"],\"ipv6_prefixes\":[]}"
#define P(prefix, region)                                                                          \
	"{\"ip_prefix\":\"" prefix "\",\"region\":\"" region                                       \
	"\",\"service\":\"EC2\",\"network_border_group\":\"" region "\"}"
#define AZURE(values) "{\"changeNumber\":1,\"values\":[" values "],\"x\":\"addressPrefixes\"}"

static const struct row {
	const char *name, *text, *want; /* want: within the sentence */
} rows[] = {
	{"cut",
	 "{\"syncToken\":\"1\",\"prefixes\":[{\"ip_prefix\":\"1.0.0.0/8\",\"ipv6_prefixes\":",
	 "bad JSON"},
	{"after the end", AWS(P("1.0.0.0/8", "eu-west-1")) " {}", "end of file expected"},
	{"duplicate key", "{\"prefixes\":1,\"prefixes\":2,\"ipv6_prefixes\":[]}",
	 "duplicate object key"},
	{"not UTF-8", "{\"prefixes\":\"\xff\",\"ipv6_prefixes\":[]}", "unable to decode byte"},
	{"NUL in a string", "{\"prefixes\":\"a\\u0000b\",\"ipv6_prefixes\":[]}", "bad JSON"},
	{"array at the top", "[{\"ip_prefix\":\"ipv6_prefixes\"}, \"ipv6_prefixes\"]",
	 "not a JSON object"},
	{"list is a string", "{\"prefixes\":\"ip_prefix\",\"ipv6_prefixes\":[],\"ip_prefix\":1}",
	 "prefixes is not an array"},
	{"list is missing", "{\"x\":\"prefixes\",\"ipv6_prefixes\":[]}", "prefixes is missing"},
	{"entry is a number", AWS("7," P("1.0.0.0/8", "x")), "prefixes[0] is not an object"},
	{"prefix is a number", AWS("{\"ip_prefix\":5}"), "prefixes[0].ip_prefix is not a string"},
	{"region is missing", AWS(P("1.0.0.0/8", "eu-west-1") ",{\"ip_prefix\":\"1.0.0.0/8\"}"),
	 "prefixes[1].region is missing"},
	{"border group is an array",
	 AWS("{\"ip_prefix\":\"1.0.0.0/8\",\"region\":\"x\",\"service\":\"x\",\"network_border_group\":[]}"),
	 "prefixes[0].network_border_group is not a string"},
	{"no prefix", AWS(P("1.0.0.0/8", "x") "," P("1.0.0/8", "x")),
	 "prefixes[1]: '1.0.0/8' is not a prefix"},
	{"host bits", AWS(P("1.0.0.1/8", "x")),
	 "prefixes[0]: '1.0.0.1/8' has bits set beyond its length"},
	{"length 33", AWS(P("1.0.0.0/33", "x")), "is not a prefix"},
	{"empty lists", AWS(""), "not one prefix"},
	{"syncToken is a number",
	 "{\"syncToken\":1,\"prefixes\":[{\"ip_prefix\":1}],\"ipv6_prefixes\":[]}",
	 "syncToken is not a string"},
	{"google both", "{\"prefixes\":[{\"ipv4Prefix\":\"1.0.0.0/8\",\"ipv6Prefix\":\"::/8\"}]}",
	 "both of"},
	{"google neither", "{\"prefixes\":[{\"ipv4Prefix\":\"1.0.0.0/8\"},{\"scope\":\"x\"}]}",
	 "prefixes[1] has neither"},
	{"azure tag", AZURE("\"a\""), "values[0] is not an object"},
	{"azure properties", AZURE("{\"name\":\"a\"}"), "values[0].properties is not an object"},
	{"azure region", AZURE("{\"name\":\"a\",\"properties\":{\"region\":null}}"),
	 "values[0].properties.region is not a string"},
	{"azure list",
	 AZURE("{\"name\":\"a\",\"properties\":{\"region\":\"\",\"addressPrefixes\":{}}}"),
	 "values[0].properties.addressPrefixes is not an array"},
	{"azure prefix",
	 AZURE("{\"name\":\"a\",\"properties\":{\"region\":\"\",\"addressPrefixes\":[\"1.0.0.0/8\",1]}}"),
	 "values[0].properties.addressPrefixes[1] is not a string"},
	{"oracle cidr",
	 "{\"regions\":[{\"region\":\"x\",\"cidrs\":[{\"cidr\":\"x\",\"tags\":[]}]}]}",
	 "regions[0].cidrs[0]: 'x' is not a prefix"},
	{"oracle tags",
	 "{\"regions\":[{\"region\":\"x\",\"cidrs\":[{\"cidr\":\"1.0.0.0/8\",\"tags\":[1]}]}]}",
	 "regions[0].cidrs[0].tags[0] is not a string"},
	{"cloudflare", "{\"result\":{\"ipv4_cidrs\":[\"1.0.0.0/8\"],\"ipv6_cidrs\":7}}",
	 "result.ipv6_cidrs is not an array"},
	{"fastly", "{\"addresses\":[null],\"ipv6_addresses\":[]}", "addresses[0] is not a string"},
	{"heroku", "{\"state\":\"enabled\",\"sources\":[\"1.2.3.4\",\"1.2.3\"]}",
	 "sources[1]: '1.2.3' is not a prefix"},
	{"other JSON", "{\"hello\":\"world\"}", "not as AWS"},
	{"asn", "prefix,asn,org\n1.0.0.0/8,13x,a\n", "'13x' is not an AS number"},
	{"asn too large", "prefix,asn,org\n1.0.0.0/8,4294967296,a\n", "is not an AS number"},
	{"asn prefix", "prefix,asn,org\n1.0.0.0/8,1,a\n1.0.0.0/99,1,a\n",
	 "'1.0.0.0/99' is not a prefix"},
	{"open quote", "prefix,asn,org\n1.0.0.0/8,1,\"a\n", "unclosed quote"},
	{"text after a quote", "prefix,asn,org\n1.0.0.0/8,1,\"a\"b\n", "unclosed quote"},
	{"range backwards", "1.0.0.9,1.0.0.0,1,a\n", ""},
	{"range of two families", "1.0.0.0,1.0.0.9,1,a\n1.0.0.0,::1,1,a\n",
	 "'::1' is not the last address"},
	{"operator missing", "prefix,operator\n1.0.0.0/8\n", "not 'prefix,operator'"},
	{"clever", "Type,Address,scope\nIPv4,1.0.0.0/8\n", "not 'Type,Address,scope'"},
	{"bare list", "1.0.0.0/8\n2.0.0.0/8\n", "does not say whose"},
	{"cloudflare line", "173.245.48.0/20\nhello\n", "'hello' is not a prefix"},
	{"geofeed of nothing", "1.0.0.0/8,QQ,,\n", "without one readable line"},
};

static void check(const char *name, const char *text, size_t len, const char *want)
{
	struct said said = {0};
	struct places *p = NULL;
	char path[64];
	const char *files[1] = {path};
	int r;

	fixture_file(path, text, len);
	r = fixture_load(&p, &said, files, 1);
	cr_expect(r < 0, "%s: was read", name);
	cr_expect_null(p, "%s", name);
	cr_expect_eq(said.errors, 1, "%s: %u errors", name, said.errors);
	cr_expect(strstr(said.text, path), "%s: no file in: %s", name, said.text);
	cr_expect(strstr(said.text, want), "%s: '%s' is not in: %s", name, want, said.text);
	places_free(p);
	unlink(path);
}

Test(ranges_hostile, one_sentence)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(rows[i].name, rows[i].text, strlen(rows[i].text), rows[i].want);
}

/* A bomb of brackets is refused before the parser, which recurses, sees it; at the limit it is
 * still read. */
Test(ranges_hostile, depth)
{
	static char bomb[1 << 20];

	memset(bomb, '[', sizeof(bomb));
	check("a million brackets", bomb, sizeof(bomb), "nested deeper than 64");
	memset(bomb, '[', 64);
	memset(bomb + 64, ']', 64);
	check("64 brackets", bomb, 128, "not a JSON object");
	memset(bomb, '[', 65);
	memset(bomb + 65, ']', 65);
	check("65 brackets", bomb, 130, "nested deeper than 64");
}

Test(ranges_hostile, line_and_field_limits)
{
	static char text[16384];
	int n = snprintf(text, sizeof(text), "prefix,asn,org\n1.0.0.0/8,1,");

	memset(text + n, 'a', 4096);
	text[n + 4096] = '\n';
	check("a line over 4096 bytes", text, (size_t)n + 4097, "a line of over 4096 bytes");
	n = snprintf(text, sizeof(text), "prefix,asn,org\n1.0.0.0/8,1,a");
	memset(text + n, ',', 14);
	check("17 fields", text, (size_t)n + 14, "or 16 fields");
	check("a NUL", "prefix,asn,org\n1.0.0.0/8,1,a\0b\n", 31, "a NUL");
}

static struct places *load_text(const char *text, struct said *said)
{
	struct places *p = NULL;
	char path[64];
	const char *files[1] = {path};

	fixture_file(path, text, strlen(text));
	cr_expect_eq(fixture_load(&p, said, files, 1), 0, "%s", said->text);
	unlink(path);
	return p;
}

/* One prefix in two countries: nobody knows. It is not the last one that wins, and a person is
 * told. */
Test(ranges_hostile, contradiction)
{
	struct said said = {0};
	struct places *p =
		load_text(AWS(P("1.0.0.0/16", "eu-west-1") "," P("1.0.0.0/16", "us-east-1") "," P(
				  "1.1.0.0/16", "eu-west-1")),
			  &said);

	cr_assert_not_null(p);
	cr_expect(strstr(said.text, "1.0.0.0 is published twice"), "%s", said.text);
	cr_expect_eq(fixture_place(p, "1.0.0.1")->status, PLACE_UNPROVABLE);
	cr_expect_eq(fixture_place(p, "1.0.0.1")->country, 0);
	cr_expect_eq(fixture_place(p, "1.1.0.1")->country, CC('I', 'E'));
	places_free(p);
}

/* GLOBAL and a region for the same prefix: the region is not proven. */
Test(ranges_hostile, global_and_region)
{
	struct said said = {0};
	struct places *p =
		load_text(AWS(P("1.0.0.0/16", "GLOBAL") "," P("1.0.0.0/16", "eu-west-1")), &said);

	cr_assert_not_null(p);
	cr_expect_eq(fixture_place(p, "1.0.0.1")->status, PLACE_UNPROVABLE);
	places_free(p);
}

/* Narrower prefixes inside a wider one, on both of its edges and in the middle. */
Test(ranges_hostile, nested)
{
	struct said said = {0};
	struct places *p =
		load_text(AWS(P("1.0.0.0/16", "eu-west-1") "," P("1.0.0.0/24", "us-east-1") "," P(
				  "1.0.255.0/24", "eu-west-2") "," P("1.0.7.0/32", "GLOBAL")),
			  &said);

	cr_assert_not_null(p);
	cr_expect_eq(fixture_place(p, "1.0.0.255")->country, CC('U', 'S'));
	cr_expect_eq(fixture_place(p, "1.0.1.0")->country, CC('I', 'E'));
	cr_expect_eq(fixture_place(p, "1.0.6.255")->country, CC('I', 'E'));
	cr_expect_eq(fixture_place(p, "1.0.7.0")->status, PLACE_UNPROVABLE);
	cr_expect_eq(fixture_place(p, "1.0.7.1")->country, CC('I', 'E'));
	cr_expect_eq(fixture_place(p, "1.0.255.0")->country, CC('G', 'B'));
	cr_expect_eq(fixture_place(p, "1.1.0.0")->status, PLACE_UNKNOWN);
	places_free(p);
}

static const char *const fixtures[] = {
	"aws.json",    "google-cloud.json", "azure.json",	 "oracle.json",	  "cloudflare.json",
	"fastly.json", "heroku.json",	    "asn.csv",		 "asn-range.csv", "operator.csv",
	"clever.csv",  "geofeed.csv",	    "cloudflare-v4.txt",
};

static size_t read_fixture(const char *name, char *buf, size_t size)
{
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/geo/fixtures/%s", name);
	f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

/* Either it is read, or one error names the file: whatever bytes are hit, wherever it is cut. */
static void survive(const char *name, const char *text, size_t n, unsigned round)
{
	struct said said = {0};
	struct places *p = NULL;
	char path[64];
	const char *files[1] = {path};
	int r;

	fixture_file(path, text, n);
	r = fixture_load(&p, &said, files, 1);
	cr_expect_eq(r < 0, said.errors == 1, "%s round %u: %d with %u errors: %s", name, round, r,
		     said.errors, said.text);
	cr_expect_eq(r < 0, !p, "%s round %u", name, round);
	places_free(p);
	unlink(path);
}

Test(ranges_hostile, damaged_in_transit)
{
	static const char hits[] = "\"{}[],:0\n\\\x00\xff-9a#/";
	uint32_t seed = 20261123;

	for (size_t i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
		char text[8192], damaged[8192];
		size_t n = read_fixture(fixtures[i], text, sizeof(text));

		for (unsigned round = 0; round < 150; round++) {
			size_t len = n;

			memcpy(damaged, text, n);
			for (unsigned k = 0; k < 1 + round % 3; k++) {
				seed = seed * 1664525 + 1013904223;
				damaged[(seed >> 8) % n] = hits[seed % (sizeof(hits) - 1)];
			}
			if (round % 5 == 0)
				len = 1 + (seed >> 8) % n;
			survive(fixtures[i], damaged, len, round);
		}
	}
}

#define JSON_MAX (64u << 20)

Test(ranges_hostile, json_size)
{
	static const char aws[] = AWS(P("1.0.0.0/16", "eu-west-1"));
	char *text = malloc(JSON_MAX + 1);
	struct said said = {0};
	struct places *p = NULL;
	char path[64];
	const char *files[1] = {path};

	cr_assert_not_null(text);
	memset(text, ' ', JSON_MAX + 1);
	memcpy(text, aws, sizeof(aws) - 1);
	check("a byte over the limit", text, JSON_MAX + 1, "JSON of over 67108864 bytes");
	fixture_file(path, text, JSON_MAX);
	cr_expect_eq(fixture_load(&p, &said, files, 1), 0, "%s", said.text);
	unlink(path);
	places_free(p);
	free(text);
}

/* A claim's place in the file has 12 bits for the tag: 4,095 fit. */
Test(ranges_hostile, azure_tags)
{
	static const char tag[] =
		",{\"name\":\"a\",\"properties\":{\"region\":\"\",\"addressPrefixes\":[\"1.0.0.0/8\"]}}";
	size_t room = 4096 * sizeof(tag) + 128, n;
	char *text = malloc(room);

	cr_assert_not_null(text);
	for (int tags = 4095; tags <= 4096; tags++) {
		struct said said = {0};
		struct places *p;

		n = (size_t)snprintf(text, room, "{\"changeNumber\":1,\"values\":[%s", tag + 1);
		for (int i = 1; i < tags; i++) {
			memcpy(text + n, tag, sizeof(tag) - 1);
			n += sizeof(tag) - 1;
		}
		memcpy(text + n, "]}", 3);
		if (tags == 4096) {
			check("4096 tags", text, n + 2, "values has over 4095 tags");
			continue;
		}
		p = load_text(text, &said);
		cr_expect_not_null(p);
		places_free(p);
	}
	free(text);
}
