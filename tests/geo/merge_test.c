/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge_test.c - the golden table of merge.c: what each kind of source says of an address, and
 * which place that makes.
 *
 * Row i is about 5.0.i.0/24. Sources are files in their own formats (AWS ranges, a geofeed,
 * tor-geoipdb's text, an ASN list), as a user would configure them.
 */
#include <errno.h>
#include "geo/lookup/table.h"
#include "tests/geo/fixture.h"

TestSuite(merge, .fini = no_leaks);

struct row {
	const char *name;
	const char *line;    /* country of a place line */
	const char *region;  /* AWS region */
	const char *geofeed; /* country */
	const char *text;    /* country of tor-geoipdb */
	const char *asn;     /* organisation */
	const char *country; /* what comes of it ... */
	enum place_status status;
	const char *provider, *jurisdiction;
};
static const struct row rows[] = {
	{"nobody speaks", 0, 0, 0, 0, 0, "", PLACE_UNKNOWN, "", ""},
	{"the database alone", 0, 0, 0, "DE", 0, "DE", PLACE_KNOWN, "", ""},
	{"a range file alone", 0, "eu-central-1", 0, 0, 0, "DE", PLACE_KNOWN, "aws", "US"},
	{"range file and database agree", 0, "eu-central-1", 0, "DE", 0, "DE", PLACE_KNOWN, "aws",
	 "US"},
	{"two countries of the EU: precedence", 0, "eu-central-1", 0, "FR", 0, "DE", PLACE_KNOWN,
	 "aws", "US"},
	{"two countries outside: precedence", 0, "us-east-1", 0, "BR", 0, "US", PLACE_KNOWN, "aws",
	 "US"},
	{"a database disputes no provider's list", 0, "eu-central-1", 0, "US", 0, "DE", PLACE_KNOWN,
	 "aws", "US"},
	{"database inside, provider outside", 0, "us-east-1", 0, "DE", 0, "US", PLACE_KNOWN, "aws",
	 "US"},
	{"London by its name", 0, "eu-west-2", 0, "GB", 0, "GB", PLACE_KNOWN, "aws", "US"},
	{"Zurich by its name", 0, "eu-central-2", 0, "CH", 0, "CH", PLACE_KNOWN, "aws", "US"},
	{"GLOBAL is unprovable", 0, "GLOBAL", 0, "US", 0, "", PLACE_UNPROVABLE, "aws", "US"},
	{"GLOBAL, whatever a geofeed says", 0, "GLOBAL", "DE", "DE", 0, "", PLACE_UNPROVABLE, "aws",
	 "US"},
	{"a region that nobody placed", 0, "eu-atlantis-1", 0, "DE", 0, "", PLACE_UNPROVABLE, "aws",
	 "US"},
	{"geofeed over database", 0, 0, "FR", "DE", 0, "FR", PLACE_KNOWN, "", ""},
	{"geofeed against database", 0, 0, "FR", "US", 0, "FR", PLACE_DISPUTED, "", ""},
	{"EEA but not EU against EU", 0, 0, "NO", "SE", 0, "NO", PLACE_KNOWN, "", ""},
	{"provider and geofeed agree, database not", 0, "eu-central-1", "DE", "US", 0, "DE",
	 PLACE_KNOWN, "aws", "US"},
	{"a geofeed names a region's country", 0, "eu-atlantis-1", "CZ", "US", 0, "CZ", PLACE_KNOWN,
	 "aws", "US"},
	{"AWS, and not in its list", 0, 0, 0, "DE", "Amazon.com, Inc.", "", PLACE_UNPROVABLE, "aws",
	 "US"},
	{"AWS, not in its list: a third party's geofeed", 0, 0, "DE", "DE", "Amazon.com, Inc.", "",
	 PLACE_UNPROVABLE, "aws", "US"},
	{"AWS, not in its list: a place line", "DE", 0, 0, "US", "Amazon.com, Inc.", "DE",
	 PLACE_KNOWN, "aws", "US"},
	{"a CDN's registry country", 0, 0, 0, "SE", "Fastly, Inc.", "", PLACE_UNPROVABLE, "fastly",
	 "US"},
	{"a place line settles a dispute", "FR", "us-east-1", 0, "US", 0, "FR", PLACE_KNOWN, "aws",
	 "US"},
	{"a place line over GLOBAL", "FR", "GLOBAL", 0, 0, 0, "FR", PLACE_KNOWN, "aws", "US"},
	{"an outermost region is the EU", 0, 0, "RE", "FR", 0, "RE", PLACE_KNOWN, "", ""},
	{"Saint Martin's halves differ", 0, 0, "MF", "SX", 0, "MF", PLACE_DISPUTED, "", ""},
	{"an ASN names the operator, no country", 0, 0, 0, 0, "OVH SAS", "", PLACE_UNKNOWN, "ovh",
	 "FR"},
	{"the operator's law with the database's country", 0, 0, 0, "CA", "OVH SAS", "CA",
	 PLACE_KNOWN, "ovh", "FR"},
	{"pseudo-country of a database", 0, 0, 0, "EU", 0, "", PLACE_UNKNOWN, "", ""},
};
#define NROWS (sizeof(rows) / sizeof(rows[0]))

struct text {
	char bytes[16384];
	size_t n;
};
static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->bytes + t->n, sizeof(t->bytes) - t->n, fmt, ap);
	va_end(ap);
	cr_assert_lt(t->n, sizeof(t->bytes));
}

struct world {
	struct text aws, feed, text, asn;
	struct place_line lines[NROWS];
	size_t nlines;
	char paths[4][64];
};

static void add_row(struct world *w, size_t i)
{
	const struct row *r = &rows[i];
	char cidr[32];

	snprintf(cidr, sizeof(cidr), "5.0.%zu.0/24", i);
	if (r->line)
		w->lines[w->nlines++] = line_of(cidr, r->line);
	if (r->region)
		add(&w->aws,
		    "%s{\"ip_prefix\":\"%s\",\"region\":\"%s\",\"service\":\"EC2\",\"network_border_group\":\"%s\"}",
		    strchr(w->aws.bytes, '}') ? "," : "", cidr, r->region, r->region);
	if (r->geofeed)
		add(&w->feed, "%s,%s,,,\n", cidr, r->geofeed);
	if (r->text)
		add(&w->text, "%zu,%zu,%s\n", 0x05000000 + 256 * i, 0x05000000 + 256 * i + 255,
		    r->text);
	if (r->asn)
		add(&w->asn, "5.0.%zu.0,5.0.%zu.255,64500,%s\n", i, i, r->asn);
}

static struct places *load_world(struct world *w)
{
	const char *files[4];
	struct places *p;

	memset(w, 0, sizeof(*w));
	add(&w->aws, "{\"syncToken\":\"1\",\"createDate\":\"2026-08-22-01-02-03\",\"prefixes\":[");
	for (size_t i = 0; i < NROWS; i++)
		add_row(w, i);
	add(&w->aws, "],\"ipv6_prefixes\":[]}");
	files[0] = temp_file(w->paths[0], w->text.bytes,
			     w->text.n); /* the order of files is not the precedence */
	files[1] = temp_file(w->paths[1], w->asn.bytes, w->asn.n);
	files[2] = temp_file(w->paths[2], w->feed.bytes, w->feed.n);
	files[3] = temp_file(w->paths[3], w->aws.bytes, w->aws.n);
	p = load(&(struct places_config){
		.files = files, .nfiles = 4, .lines = w->lines, .nlines = w->nlines});
	for (int i = 0; i < 4; i++)
		unlink(w->paths[i]);
	return p;
}

Test(merge, golden)
{
	static struct world w;
	struct places *p = load_world(&w);

	for (size_t i = 0; i < NROWS; i++) {
		const struct row *r = &rows[i];

		for (uint32_t host = 0; host < 256; host += 255) {
			struct ip ip = ip_from_v4(0x05000000 + 256 * (uint32_t)i + host);
			const struct place *place = places_get(p, places_lookup(p, &ip));
			char cc[3], law[3];

			cr_expect_str_eq(country_text(place->country, cc), r->country, "%s: %s",
					 r->name, cc);
			cr_expect_eq(place->status, r->status, "%s: %s", r->name,
				     place_status_name((enum place_status)place->status));
			cr_expect_str_eq(places_string(p, place->provider), r->provider, "%s",
					 r->name);
			cr_expect_str_eq(country_text(place->jurisdiction, law), r->jurisdiction,
					 "%s: %s", r->name, law);
		}
	}
	places_free(p);
}

/* Every source that speaks is in the evidence, the best first. */
Test(merge, claims_are_kept)
{
	static struct world w;
	struct places *p = load_world(&w);
	struct claim_of claims[8];

	for (size_t i = 0; i < NROWS; i++) {
		const struct row *r = &rows[i];
		struct ip ip = ip_from_v4(0x05000000 + 256 * (uint32_t)i + 7);
		bool text = r->text && country_from_source(r->text, 2);
		size_t want = (size_t) !!r->line + !!r->region + !!r->geofeed + text + !!r->asn;
		size_t n = places_claims(p, &ip, claims, 8);

		cr_expect_eq(n, want, "%s: %zu", r->name, n);
		for (size_t k = 1; k < n; k++)
			cr_expect_leq(claims[k - 1].source->kind, claims[k].source->kind, "%s",
				      r->name);
	}
	places_free(p);
}

static const struct place *at(const struct places *p, const char *text)
{
	struct ip ip = address(text);

	return places_get(p, places_lookup(p, &ip));
}

/* --- what distance has ruled out (rule 5) --- */

static const struct measured {
	const char *name, *address, *not_in;
	enum place_status status;
	const char *country;
} measured[] = {
	{"AWS lists Frankfurt", "5.1.0.7", "DE", PLACE_KNOWN, "DE"},
	{"AWS lists Stockholm, over IPv6", "2a05:1::7", "SE", PLACE_KNOWN, "SE"},
	{"AWS lists London: out of the EEA", "5.1.1.7", "GB", PLACE_DISPUTED, "GB"},
	{"AWS lists Virginia", "5.1.2.7", "US", PLACE_DISPUTED, "US"},
	{"another country than the one measured", "5.1.2.8", "BR", PLACE_KNOWN, "US"},
	{"a geofeed's word", "5.1.3.7", "DE", PLACE_DISPUTED, "DE"},
	{"a place line's", "5.1.4.7", "DE", PLACE_DISPUTED, "DE"},
	{"a database's", "5.1.5.7", "DE", PLACE_DISPUTED, "DE"},
	{"its neighbour was not measured", "5.1.5.8", NULL, PLACE_KNOWN, "DE"},
};
#define NMEASURED (sizeof(measured) / sizeof(measured[0]))

/* What is remembered of a measurement, a proxy's perhaps, blocks nothing that the operator itself lists in the EEA. */
Test(merge, a_measurement_disputes_no_listed_place_of_the_eea)
{
	static const char aws[] =
		"{\"syncToken\":\"1\",\"createDate\":\"2026-08-22-01-02-03\",\"prefixes\":["
		"{\"ip_prefix\":\"5.1.0.0/24\",\"region\":\"eu-central-1\",\"service\":\"EC2\",\"network_border_group\":\"eu-central-1\"},"
		"{\"ip_prefix\":\"5.1.1.0/24\",\"region\":\"eu-west-2\",\"service\":\"EC2\",\"network_border_group\":\"eu-west-2\"},"
		"{\"ip_prefix\":\"5.1.2.0/24\",\"region\":\"us-east-1\",\"service\":\"EC2\",\"network_border_group\":\"us-east-1\"}],"
		"\"ipv6_prefixes\":[{\"ipv6_prefix\":\"2a05:1::/32\",\"region\":\"eu-north-1\",\"service\":\"EC2\",\"network_border_group\":\"eu-north-1\"}]}";
	static const char feed[] = "5.1.3.0/24,DE,,,\n", text[] = "83952896,83953151,DE\n";
	static struct text refuted;
	struct place_line line = line_of("5.1.4.0/24", "DE");
	char paths[4][64];
	const char *files[4];
	struct places *p;

	add(&refuted, "# cordon-refuted 1\n# home 50.1100 8.6800\n");
	for (size_t i = 0; i < NMEASURED; i++)
		if (measured[i].not_in)
			add(&refuted, "%s/%d,%s,300000,1\n",
			    strchr(measured[i].address, ':') ? "2a05:1::" : measured[i].address,
			    strchr(measured[i].address, ':') ? 64 : 32, measured[i].not_in);
	files[0] = temp_file(paths[0], refuted.bytes, refuted.n);
	files[1] = temp_file(paths[1], text, sizeof(text) - 1);
	files[2] = temp_file(paths[2], feed, sizeof(feed) - 1);
	files[3] = temp_file(paths[3], aws, sizeof(aws) - 1);
	p = load(&(struct places_config){.files = files, .nfiles = 4, .lines = &line, .nlines = 1});
	for (size_t i = 0; i < NMEASURED; i++) {
		const struct place *place = at(p, measured[i].address);
		char cc[3];

		cr_expect_eq(place->status, measured[i].status, "%s: %s", measured[i].name,
			     place_status_name((enum place_status)place->status));
		cr_expect_str_eq(country_text(place->country, cc), measured[i].country, "%s: %s",
				 measured[i].name, cc);
	}
	for (int i = 0; i < 4; i++)
		unlink(paths[i]);
	places_free(p);
}

/* --- one source that overlaps itself --- */

Test(merge, more_specific_wins)
{
	struct place_line lines[] = {line_of("5.0.0.0/8", "DE"),    line_of("5.1.0.0/16", "US"),
				     line_of("5.1.2.0/24", "FR"),   line_of("5.1.2.3/32", "IT"),
				     line_of("5.1.255.0/24", "SE"), line_of("2a00::/16", "DE"),
				     line_of("2a00:1::/32", "US"),  line_of("2a00:1::1/128", "FR")};
	static const struct {
		const char *address, *country;
	} want[] = {
		{"4.255.255.255", ""}, {"5.0.0.0", "DE"},   {"5.0.255.255", "DE"},
		{"5.1.0.0", "US"},     {"5.1.1.255", "US"}, {"5.1.2.0", "FR"},
		{"5.1.2.2", "FR"},     {"5.1.2.3", "IT"},   {"5.1.2.4", "FR"},
		{"5.1.2.255", "FR"},   {"5.1.3.0", "US"},   {"5.1.254.255", "US"},
		{"5.1.255.255", "SE"}, {"5.2.0.0", "DE"},   {"5.255.255.255", "DE"},
		{"6.0.0.0", ""},       {"2a00::", "DE"},    {"2a00:1::", "US"},
		{"2a00:1::1", "FR"},   {"2a00:1::2", "US"}, {"2a00:2::", "DE"},
		{"2a01::", ""},
	};
	struct places *p;
	struct claim_of claim;
	struct ip ip = address("5.1.2.4");
	char cc[3];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		lines[i].line = (unsigned)(10 + i);
	lines[0].provider = "ovh";
	lines[1].region = "east";
	p = load_alone(
		(struct places_config){.lines = lines, .nlines = sizeof(lines) / sizeof(lines[0])});
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		cr_expect_str_eq(country_text(at(p, want[i].address)->country, cc), want[i].country,
				 "%s: %s", want[i].address, cc);
	cr_expect_str_eq(places_string(p, at(p, "5.1.2.3")->provider), "ovh",
			 "what the narrow does not say");
	cr_expect_str_eq(places_string(p, at(p, "5.1.2.3")->region), "east");
	cr_expect_str_eq(places_string(p, at(p, "5.2.0.0")->region), "");
	cr_expect_eq(at(p, "5.1.2.3")->jurisdiction, CC('F', 'R'), "of the operator");
	cr_assert_eq(places_claims(p, &ip, &claim, 1), 1);
	cr_expect_eq(claim.claim.where, 12);
	cr_expect_str_eq(claim.key, "line 12");
	cr_expect_eq(ip_v4(&claim.claim.first), 0x05010200);
	places_free(p);
}

/* Ranges that cross, as only lists of first,last can have: the narrower wins where both hold. */
Test(merge, the_ends_of_the_space)
{
	struct place_line lines[] = {line_of("0.0.0.0/0", "DE"),
				     line_of("::/0", "FR"),
				     line_of("11.0.0.0/32", "US"),
				     line_of("223.255.255.255/32", "US"),
				     line_of("2000::/128", "US"),
				     line_of("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "US")};
	struct places *p = load_alone((struct places_config){.lines = lines, .nlines = 6});

	cr_expect_eq(at(p, "11.0.0.0")->country, CC('U', 'S'));
	cr_expect_eq(at(p, "11.0.0.1")->country, CC('D', 'E'));
	cr_expect_eq(at(p, "223.255.255.254")->country, CC('D', 'E'));
	cr_expect_eq(at(p, "223.255.255.255")->country, CC('U', 'S'));
	cr_expect_eq(at(p, "2000::")->country, CC('U', 'S'));
	cr_expect_eq(at(p, "2000::1")->country, CC('F', 'R'));
	cr_expect_eq(at(p, "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff")->country, CC('U', 'S'));
	cr_expect_eq(at(p, "240.0.0.1")->country, CC('D', 'E'));
	cr_expect_eq(at(p, "4000::1")->country, CC('F', 'R'));
	places_free(p);
}

Test(merge, too_deep)
{
	enum { N = 600 };
	struct place_line *lines = calloc(N, sizeof(*lines));
	struct places *p = NULL;
	struct said s;
	char path[64];
	const char *const files[] = {temp_file(path, "16777216,16777471,AU\n", 21)};
	struct places_config cfg = {.files = files, .nfiles = 1, .lines = lines};

	cr_assert_not_null(lines);
	for (int i = 0; i < N; i++) { /* all different, all over one address */
		lines[i] = line_of("5.0.0.0/8", "DE");
		lines[i].country = CC('A' + i / 26, 'A' + i % 26);
	}
	cfg.nlines = 512;
	said_init(&s);
	cr_expect_eq(places_load(&p, &cfg, &s.sink), 0, "%s", s.text);
	places_free(p);
	p = NULL;
	cfg.nlines = 513;
	cr_expect_eq(places_load(&p, &cfg, &s.sink), -E2BIG);
	cr_expect(strstr(s.text, "more than 512 ranges over one address"), "%s", s.text);
	free(lines);
	unlink(path);
}

/* The same text is the same number, and the first number is no text. */
Test(merge, strings)
{
	struct place_line lines[] = {line_of("5.0.0.0/24", "DE"), line_of("5.0.1.0/24", "DE"),
				     line_of("5.0.2.0/24", "DE")};
	struct places *p;

	lines[0].provider = lines[1].provider = "ovh";
	lines[2].provider = "bad\x1b[2J\xff name";
	p = load_alone((struct places_config){.lines = lines, .nlines = 3});
	cr_expect_eq(at(p, "5.0.0.1")->provider, at(p, "5.0.1.1")->provider);
	cr_expect_eq(places_find_string(p, "ovh"), at(p, "5.0.0.1")->provider);
	cr_expect_eq(places_find_string(p, "aws"), -ENOENT);
	cr_expect_str_eq(places_string(p, 0), "");
	cr_expect_str_eq(places_string(p, UINT32_MAX), "");
	cr_expect_str_eq(places_string(p, at(p, "5.0.2.1")->provider), "bad?[2J? name",
			 "fit for a terminal");
	places_free(p);
}

/* An ASN as a set of the policy: the ranges of the ASN list, in the table, whatever country stands
 * beneath. */
Test(merge, asn_sets)
{
	static struct world w;
	struct places *p = load_world(&w);
	const struct table_set set = {.asn = 64500};
	struct table *t = NULL;
	size_t in = 0, want = 0;

	cr_assert_eq(table_build(&t, p, &set, 1, NULL), 0);
	for (size_t i = 0; i < NROWS; i++) {
		struct ip ip = ip_from_v4(0x05000000 + 256 * (uint32_t)i + 99);

		in += (size_t)place_class_in(table_class(t, table_lookup(t, &ip)), 0);
		want += rows[i].asn != NULL;
		cr_expect_eq(place_class_in(table_class(t, table_lookup(t, &ip)), 0),
			     rows[i].asn != NULL, "%s", rows[i].name);
	}
	cr_expect(in == want && want == 6);
	table_free(t);
	places_free(p);
}
