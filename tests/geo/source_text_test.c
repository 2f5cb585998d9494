/* SPDX-License-Identifier: BSD-2-Clause */
/* source_text_test.c - the text of tor-geoipdb, whole and broken: what is read, and what is said of
 * what cannot be. */
#include <errno.h>
#include <sys/stat.h>
#include "tests/geo/fixture.h"

TestSuite(text, .fini = no_leaks);

static int load_text(const char *text, size_t n, struct places **ret, struct said *s)
{
	char path[64];
	const char *const files[] = {temp_file(path, text, n)};
	int r;

	said_init(s);
	*ret = NULL;
	r = places_load(ret, &(struct places_config){.files = files, .nfiles = 1}, &s->sink);
	if (r && *s->file)
		cr_expect_str_eq(s->file, path);
	unlink(path);
	return r;
}

static uint16_t country_at(const struct places *p, const char *text)
{
	struct ip ip = address(text);

	return places_get(p, places_lookup(p, &ip))->country;
}

Test(text, what_is_read)
{
	static const char text[] = "# This file has been converted\n"
				   "# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n"
				   "#\n"
				   "\n"
				   "0,1,US\n"
				   "16777216,16777471,AU\n"
				   "16777472,16778239,??\n"
				   "16778240,16778495,EU\r\n"
				   "16778496,16779263,UK\n"
				   "4294967295,4294967295,DE\n"
				   "2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n"
				   "2001:0201:0:0:0:0:0:0,2001:201::FFFF,FR\n"
				   "2400::1:0:0:1,2400::1:0:0:1,SE\n"
				   "ffff::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,DE\n";
	static const struct {
		const char *address;
		const char *country;
	} rows[] = {
		{"1.0.0.0", "AU"},	  {"1.0.0.255", "AU"},
		{"1.0.1.0", ""},	  {"1.0.4.0", ""},
		{"1.0.5.0", "GB"},	  {"1.0.7.255", "GB"},
		{"1.0.8.0", ""},	  {"255.255.255.255", ""},
		{"2001:200::", "JP"},	  {"2001:200:ffff::1", "JP"},
		{"2001:201::ffff", "FR"}, {"2001:201::1:0", ""},
		{"2400::1:0:0:1", "SE"},  {"2400::1:0:0:2", ""},
		{"ffff::1", ""},
	};
	struct places *p;
	struct said s;
	char cc[3];

	cr_assert_eq(load_text(text, sizeof(text) - 1, &p, &s), 0, "%s", s.text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(country_text(country_at(p, rows[i].address), cc), rows[i].country,
				 "%s", rows[i].address);
	cr_assert_eq(places_sources(p), 1);
	cr_expect_eq(places_source(p, 0)->date, 1782362039, "2026-06-25 04:33:59 UTC");
	cr_expect_str_eq(places_source(p, 0)->format, "tor-geoipdb");
	cr_expect_eq(places_source(p, 0)->v4_ranges, 4, "a range that says nothing is none");
	cr_expect_eq(places_age(p, 1782362039 + 86400), 86400);
	places_free(p);
}

Test(text, claims_have_their_line)
{
	static const char text[] = "# a comment\n16777216,16777471,AU\n16777472,16778239,CN\n";
	struct claim_of claims[4];
	struct places *p;
	struct said s;
	struct ip ip = address("1.0.1.7");

	cr_assert_eq(load_text(text, sizeof(text) - 1, &p, &s), 0, "%s", s.text);
	cr_assert_eq(places_claims(p, &ip, claims, 4), 1);
	cr_expect_eq(claims[0].claim.country, CC('C', 'N'));
	cr_expect_eq(claims[0].claim.where, 3);
	cr_expect_str_eq(claims[0].key, "line 3");
	cr_expect_eq(ip_v4(&claims[0].claim.first), 16777472);
	cr_expect_eq(ip_v4(&claims[0].claim.last), 16778239);
	cr_expect_eq(places_claims(p, &(struct ip){.v = 4, .b = {9}}, claims, 4), 0);
	cr_expect_eq(places_claims(p, &ip, claims, 0), 0);
	places_free(p);
}

#define GOOD  "16777216,16777471,AU\n"
#define GOOD6 "2001:200::,2001:201::,JP\n"

Test(text, broken)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} rows[] = {
		{GOOD "16777472,167782", 2, "truncated"},
		{GOOD "16777472,16778239,", 2, "truncated"},
		{GOOD "16777472,16778239,C", 2, "truncated"},
		{GOOD "16777472,16778239,CN", 2, "truncated"},
		{GOOD "# a comm", 2, "truncated"},
		{GOOD GOOD6 "2001:202::,2001:203:", 3, "truncated"},
		{GOOD GOOD, 2, "overlaps the one before it, or is out of order"},
		{GOOD "16777300,16777600,CN\n", 2, "overlaps"},
		{"16777472,16778239,CN\n" GOOD, 2, "out of order"},
		{GOOD6 "2001:201::,2001:202::,JP\n", 2, "overlaps"},
		{GOOD "4294967295,4294967295,DE\n4294967295,4294967295,DE\n", 3, "overlaps"},
		{GOOD "16778239,16777472,CN\n", 2, "ends before it begins"},
		{GOOD "16777472,4294967296,CN\n", 2, "expected first,last,CC"},
		{GOOD "16777472,99999999999999999999999,CN\n", 2, "expected first,last,CC"},
		{GOOD "-1,16778239,CN\n", 2, "expected first,last,CC"},
		{GOOD "16777472,,CN\n", 2, "expected first,last,CC"},
		{GOOD "16777472 16778239 CN\n", 2, "expected first,last,CC"},
		{GOOD "16777472,16778239,cn\n", 2, "country code of two capitals"},
		{GOOD "16777472,16778239,C1\n", 2, "country code of two capitals"},
		{GOOD "16777472,16778239,CHN\n", 2, "something after the country code"},
		{GOOD "16777472,16778239,CN,x\n", 2, "something after the country code"},
		{GOOD "16777472,2001::,CN\n", 2, "expected first,last,CC"},
		{GOOD "2001::,16778239,CN\n", 2, "expected first,last,CC"},
		{GOOD "2001::1::,2002::,CN\n", 2, "expected first,last,CC"},
		{GOOD "2001:2:3:4:5:6:7,2002::,CN\n", 2, "expected first,last,CC"},
		{GOOD "2001:2:3:4:5:6:7:8:9,2002::,CN\n", 2, "expected first,last,CC"},
		{GOOD "20011::,2002::,CN\n", 2, "expected first,last,CC"},
		{GOOD "2001:g::,2002::,CN\n", 2, "expected first,last,CC"},
		{"# only\n# comments\n", 0, "known format"},
		{"\n\n\n", 0, "known format"},
		{"16777216,16777471,??\n", 0, "has no ranges"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct places *p;
		struct said s;

		cr_expect_lt(load_text(rows[i].text, strlen(rows[i].text), &p, &s), 0, "%s",
			     rows[i].text);
		cr_expect_null(p);
		cr_expect_eq(s.line, rows[i].line, "%s: line %u", rows[i].text, s.line);
		cr_expect(strstr(s.text, rows[i].says), "%s: %s", rows[i].text, s.text);
		cr_expect_eq(s.sink.errors, 1, "%s: one clear sentence", rows[i].text);
	}
}

/* Cut anywhere, it either loads (at a line's end) or says that it is truncated; it never crashes.
 */
Test(text, cut_at_every_byte)
{
	static const char text[] = GOOD "16777472,16778239,CN\n" GOOD6 "2001:202::,2001:203::,US\n";

	for (size_t n = 1; n < sizeof(text); n++) {
		struct places *p;
		struct said s;
		int r = load_text(text, n, &p, &s);
		bool whole = text[n - 1] == '\n';

		if (n > 20)
			cr_expect_eq(r == 0, whole, "%zu: %s", n, s.text);
		if (r == 0)
			places_free(p);
	}
}

Test(text, rubbish)
{
	uint64_t state = 88172645463325252ULL;

	for (int i = 0; i < 300; i++) {
		uint8_t bytes[512];
		struct places *p;
		struct said s;
		int r;

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)next_random(&state);
		if (i & 1)
			memcpy(bytes, GOOD, strlen(GOOD)); /* the probe believes it */
		r = load_text((const char *)bytes, sizeof(bytes), &p, &s);
		cr_expect(r == 0 || *s.text, "every failure says why");
		if (!r)
			places_free(p);
	}
}

Test(text, a_line_without_end)
{
	size_t n = 4 << 20;
	char *text = malloc(n);
	struct places *p;
	struct said s;

	cr_assert_not_null(text);
	memset(text, '1', n);
	memcpy(text, GOOD, strlen(GOOD));
	cr_expect_lt(load_text(text, n, &p, &s), 0);
	cr_expect_eq(s.line, 2);
	free(text);
}

static void expect_unread(const char *path, const char *says)
{
	const char *const files[] = {path};
	struct places *p = NULL;
	struct said s;

	said_init(&s);
	cr_expect_lt(places_load(&p, &(struct places_config){.files = files, .nfiles = 1}, &s.sink),
		     0);
	cr_expect_null(p);
	cr_expect(strstr(s.text, says), "%s: %s", path, s.text);
	cr_expect_str_eq(s.file, path);
	cr_expect_eq(s.sink.errors, 1);
}

Test(text, files_that_cannot_be_read)
{
	char path[64];

	expect_unread("/nonexistent/geoip", "cannot be read: No such file");
	expect_unread("/tmp", "is not a regular file");
	expect_unread("/dev/zero", "is not a regular file");
	temp_file(path, "", 0);
	expect_unread(path, "is empty");
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_unread(path, "is not a regular file");
	unlink(path);
	temp_file(path, "x", 1);
	cr_assert_eq(truncate(path, (off_t)2 << 30), 0);
	expect_unread(path, "at most");
	unlink(path);
}

Test(text, the_same_file_twice)
{
	char a[64], b[64];
	const char *const files[] = {temp_file(a, GOOD, strlen(GOOD)),
				     temp_file(b, GOOD, strlen(GOOD))};
	struct places *p = NULL;
	struct said s;

	said_init(&s);
	cr_expect_eq(places_load(&p, &(struct places_config){.files = files, .nfiles = 2}, &s.sink),
		     -EEXIST);
	cr_expect(strstr(s.text, "is the same file as") && strstr(s.text, a), "%s", s.text);
	cr_expect_str_eq(s.file, b);
	unlink(a);
	unlink(b);
}

Test(text, too_many_files)
{
	char paths[70][64];
	const char *files[70];
	struct places *p = NULL;
	struct said s;
	int r;

	for (int i = 0; i < 70; i++) {
		char text[64];
		int n = snprintf(text, sizeof(text), "%d,%d,DE\n", 16777216 + i, 16777216 + i);

		files[i] = temp_file(paths[i], text, (size_t)n);
	}
	said_init(&s);
	r = places_load(&p, &(struct places_config){.files = files, .nfiles = 64}, &s.sink);
	cr_expect_eq(r, 0, "%s", s.text);
	places_free(p);
	p = NULL;
	cr_expect_eq(places_load(&p, &(struct places_config){.files = files, .nfiles = 65},
				 &s.sink),
		     -E2BIG);
	cr_expect(strstr(s.text, "one source too many; at most 64"), "%s", s.text);
	for (int i = 0; i < 70; i++)
		unlink(paths[i]);
}
