/* SPDX-License-Identifier: BSD-2-Clause */
/* refuted_test.c - the list of refuted places: what is written is read back, what is damaged is
 * named, what is full forgets. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/facts/country.h"
#include "geo/places.h"
#include "geo/distance/refuted.h"

#define US CC('U', 'S')

static char dir[] = "/tmp/cordon-refuted-XXXXXX";
static char path[64];

struct said {
	unsigned line;
	char text[160];
};
static void say(void *arg, const struct diag *d)
{
	struct said *s = arg;

	s->line = d->line;
	snprintf(s->text, sizeof(s->text), "%s", d->text);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" REFUTED_FILE, dir);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}
TestSuite(refuted, .init = setup, .fini = teardown);

static void put(const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, n, f), n);
	fclose(f);
}

static struct ip ip(const char *text)
{
	struct ip i;

	cr_assert_eq(ip_parse(&i, text), 0);
	return i;
}

static struct refuted *opened(double lat, double lon, unsigned warnings)
{
	struct diag_sink d = {0};
	struct refuted *r = NULL;

	cr_assert_eq(refuted_open(&r, path, lat, lon, &d), 0);
	cr_expect_eq(d.warnings, warnings);
	cr_expect_eq(d.errors, 0);
	return r;
}

Test(refuted, read_back)
{
	struct ip a = ip("3.80.0.1"), b = ip("2001:db8:1:2:3:4:5:6"), c = ip("2001:db8:1:2::9");
	struct refuted *r = opened(50.11, 8.68, 0);
	const struct refuted_entry *e;
	char buf[IP_STRLEN];

	cr_expect(refuted_add(r, &a, US, 300000, 1795000000));
	cr_expect(refuted_add(r, &b, US, 400000, 1795000001));
	cr_expect(!refuted_add(r, &c, US, 500000, 1795000002), "the same /64 is known");
	cr_expect(!refuted_add(r, &a, US, 200000, 1795000003), "known, but closer");
	cr_expect(refuted_add(r, &a, CC('S', 'G'), 200000, 1795000003),
		  "another country takes its place");
	cr_assert_eq(refuted_save(r), 0);
	refuted_free(r);

	r = opened(50.11, 8.68, 0);
	cr_assert_eq(refuted_entries(r, &e), 2);
	cr_expect_str_eq(cidr_format(buf, &e[0].prefix), "3.80.0.1/32");
	cr_expect_eq(e[0].country, CC('S', 'G'));
	cr_expect_eq(e[0].rtt_min_ns, 200000);
	cr_expect_eq(e[0].time, 1795000003);
	cr_expect_str_eq(cidr_format(buf, &e[1].prefix), "2001:db8:1:2::/64");
	cr_expect_eq(e[1].rtt_min_ns, 400000);
	refuted_free(r);
}

/* What a proxy answered for is forgotten, whole /64s too; another's entry stays. */
Test(refuted, dropped)
{
	struct ip a = ip("3.80.0.1"), b = ip("2001:db8:1:2:3:4:5:6"), c = ip("3.80.0.2"),
		  same64 = ip("2001:db8:1:2::9");
	struct refuted *r = opened(50.11, 8.68, 0);
	const struct refuted_entry *e;

	refuted_add(r, &a, US, 300000, 1);
	refuted_add(r, &b, US, 300000, 2);
	refuted_add(r, &c, US, 300000, 3);
	cr_assert_eq(refuted_save(r), 0);
	cr_expect(refuted_drop(r, &same64));
	cr_expect(refuted_drop(r, &a));
	cr_expect_not(refuted_drop(r, &a), "once");
	cr_assert_eq(refuted_save(r), 0);
	refuted_free(r);
	r = opened(50.11, 8.68, 0);
	cr_assert_eq(refuted_entries(r, &e), 1);
	cr_expect_eq(memcmp(&e[0].prefix.addr, &c, sizeof(c)), 0);
	refuted_free(r);
}

Test(refuted, another_home_forgets)
{
	struct ip a = ip("3.80.0.1");
	struct refuted *r = opened(50.11, 8.68, 0);
	const struct refuted_entry *e;

	refuted_add(r, &a, US, 300000, 1);
	cr_assert_eq(refuted_save(r), 0);
	refuted_free(r);
	r = opened(50.112, 8.68, 0);
	cr_expect_eq(refuted_entries(r, &e), 1, "within the last digit it is the same home");
	refuted_free(r);
	r = opened(48.85, 2.35, 1);
	cr_expect_eq(refuted_entries(r, &e), 0);
	cr_assert_eq(refuted_save(r), 0);
	refuted_free(r);
	r = opened(48.85, 2.35, 0);
	refuted_free(r);
}

Test(refuted, the_limit)
{
	struct refuted *r = opened(50.11, 8.68, 0);
	const struct refuted_entry *e;
	bool first = false, last = false;

	for (uint32_t i = 0; i < REFUTED_MAX + 1; i++) {
		struct ip a = ip_from_v4(0x0a000000u + i);

		cr_assert(refuted_add(r, &a, US, 1000, 1000 + i));
	}
	cr_assert_eq(refuted_entries(r, &e), REFUTED_MAX);
	for (size_t i = 0; i < REFUTED_MAX; i++) {
		first |= ip_v4(&e[i].prefix.addr) == 0x0a000000u;
		last |= ip_v4(&e[i].prefix.addr) == 0x0a000000u + REFUTED_MAX;
	}
	cr_expect(!first, "the oldest went");
	cr_expect(last);
	cr_assert_eq(refuted_save(r), 0);
	refuted_free(r);
	r = opened(50.11, 8.68, 0);
	cr_expect_eq(refuted_entries(r, &e), REFUTED_MAX, "a full list fits its file");
	refuted_free(r);
}

#define HEAD REFUTED_MAGIC "# home 50.1100 8.6800\n"
static const struct {
	const char *name, *text;
	unsigned line;
} broken[] = {
	{"empty", "", 1},
	{"another file", "prefix,country\n", 1},
	{"cut in a line", HEAD "3.80.0.1/32,US,3000", 3},
	{"no prefix", HEAD "3.80.0/32,US,300000,1\n", 3},
	{"host bits", HEAD "3.80.0.1/24,US,300000,1\n", 3},
	{"no country", HEAD "3.80.0.1/32,XX,300000,1\n", 3},
	{"lower case", HEAD "3.80.0.1/32,us,300000,1\n", 3},
	{"no RTT", HEAD "3.80.0.1/32,US,,1\n", 3},
	{"a negative RTT", HEAD "3.80.0.1/32,US,-5,1\n", 3},
	{"an RTT past 64 bits", HEAD "3.80.0.1/32,US,18446744073709551616,1\n", 3},
	{"a time past 63 bits", HEAD "3.80.0.1/32,US,1,9223372036854775808\n", 3},
	{"a field too many", HEAD "3.80.0.1/32,US,1,1,1\n", 3},
	{"an empty line", HEAD "\n3.80.0.1/32,US,1,1\n", 3},
	{"a home that is none", REFUTED_MAGIC "# home here\n", 2},
	{"a home off the globe", REFUTED_MAGIC "# home 91 8\n", 2},
	{"a home that is not a number", REFUTED_MAGIC "# home nan 8\n", 2},
};

Test(refuted, broken_files_are_named)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct said s = {0};
		struct diag_sink d = {.fn = say, .arg = &s};
		struct refuted *r = (void *)-1;

		put(broken[i].text, strlen(broken[i].text));
		cr_expect_eq(refuted_open(&r, path, 50.11, 8.68, &d), -EINVAL, "%s",
			     broken[i].name);
		cr_expect_eq(r, (void *)-1, "%s: untouched", broken[i].name);
		cr_expect_eq(d.errors, 1, "%s", broken[i].name);
		cr_expect_eq(s.line, broken[i].line, "%s: line %u: %s", broken[i].name, s.line,
			     s.text);
	}
}

Test(refuted, hostile_files)
{
	static char text[400000];
	struct diag_sink d = {0};
	struct refuted *r = NULL;
	size_t n = strlen(HEAD);

	memcpy(text, HEAD, n);
	memset(text + n, 'a', 1000);
	text[n + 1000] = '\n';
	put(text, n + 1001);
	cr_expect_eq(refuted_open(&r, path, 50.11, 8.68, &d), -EINVAL, "a line without end");
	memcpy(text + n, "3.80.0.1/32,US,1,1\0\n", 20);
	put(text, n + 20);
	cr_expect_eq(refuted_open(&r, path, 50.11, 8.68, &d), -EINVAL, "a NUL");
	for (unsigned i = 0; i <= REFUTED_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "10.0.%u.%u/32,US,1,1\n", i / 256,
				      i % 256);
	put(text, n);
	cr_expect_eq(refuted_open(&r, path, 50.11, 8.68, &d), -EINVAL, "one entry too many");
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(refuted_open(&r, path, 50.11, 8.68, &d), -EFBIG,
		     "a pipe is no file, and nobody waits for it");
	cr_expect_eq(d.errors, 4);
}

Test(refuted, a_save_that_fails_keeps_the_old_file)
{
	struct ip a = ip("3.80.0.1");
	struct refuted *r = opened(50.11, 8.68, 0);
	unsigned files = 0;
	DIR *list;

	cr_assert_eq(refuted_save(r), 0, "nothing changed, nothing is written");
	cr_expect_eq(access(path, F_OK), -1);
	cr_assert_eq(mkdir(path, 0700), 0); /* what cannot be replaced by a file */
	refuted_add(r, &a, US, 1, 1);
	cr_expect_eq(refuted_save(r), -EISDIR);
	list = opendir(dir);
	for (struct dirent *e; (e = readdir(list));)
		files += e->d_name[0] != '.';
	closedir(list);
	cr_expect_eq(files, 1, "nothing is left beside it");
	cr_assert_eq(rmdir(path), 0);
	cr_expect_eq(refuted_save(r), 0, "and the next one succeeds");
	cr_expect_eq(access(path, R_OK), 0);
	refuted_free(r);
}

/* As a source: what stands in the list is disputed, where a source still says the refuted country,
 * and only there. */
static struct places *loaded(const char *list)
{
	const struct place_line lines[] = {
		{.prefix = {.addr = ip_from_v4(0x03500000), .len = 16},
		 .country = US,
		 .line = 1,
		 .file = "test"},
		{.prefix = {.addr = ip_from_v4(0x0a000000), .len = 8},
		 .country = US,
		 .line = 2,
		 .file = "test"},
		{.prefix = {.addr = ip("2001:db8::"), .len = 32},
		 .country = US,
		 .line = 3,
		 .file = "test"},
	};
	const char *files[] = {path};
	struct places_config cfg = {.files = files, .nfiles = 1, .lines = lines, .nlines = 3};
	struct diag_sink d = {0};
	struct places *p = NULL;

	put(list, strlen(list));
	cr_assert_eq(places_load(&p, &cfg, &d), 0);
	return p;
}

static const struct {
	const char *address;
	enum place_status status;
	uint16_t country;
} merged[] = {
	{"3.80.0.0", PLACE_KNOWN, US},
	{"3.80.0.1", PLACE_DISPUTED, US},
	{"3.80.0.2", PLACE_KNOWN, US},
	{"3.80.0.9", PLACE_KNOWN, US},
	{"10.1.2.3", PLACE_DISPUTED, US},
	{"9.9.9.9", PLACE_UNKNOWN, 0},
	{"2001:db8:1:2::", PLACE_DISPUTED, US},
	{"2001:db8:1:2:ffff:ffff:ffff:ffff", PLACE_DISPUTED, US},
	{"2001:db8:1:3::", PLACE_KNOWN, US},
};

Test(refuted, as_a_source)
{
	struct places *p = loaded(
		HEAD "3.80.0.1/32,US,300000,1\n3.80.0.9/32,DE,300000,1\n10.1.2.3/32,US,300000,1\n"
		     "9.9.9.9/32,US,300000,1\n2001:db8:1:2::/64,US,300000,1\n");
	struct claim_of claims[4];
	struct ip a = ip("3.80.0.1");

	for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++) {
		struct ip at = ip(merged[i].address);
		const struct place *place = places_get(p, places_lookup(p, &at));

		cr_expect_eq(place->status, merged[i].status, "%s: %s", merged[i].address,
			     place_status_name(place->status));
		cr_expect_eq(place->country, merged[i].country, "%s", merged[i].address);
	}
	cr_assert_eq(places_claims(p, &a, claims, 4), 2);
	cr_expect_eq(claims[1].source->kind, SOURCE_REFUTED);
	cr_expect_str_eq(claims[1].key, "line 3: not in US, by distance");
	places_free(p);
}

Test(refuted, a_broken_list_loads_no_places)
{
	const char *files[] = {path};
	struct places_config cfg = {.files = files, .nfiles = 1};
	struct said s = {0};
	struct diag_sink d = {.fn = say, .arg = &s};
	struct places *p = NULL;

	put(HEAD "3.80.0.1/32,US\n", strlen(HEAD "3.80.0.1/32,US\n"));
	cr_expect_lt(places_load(&p, &cfg, &d), 0);
	cr_expect_null(p);
	cr_expect_eq(s.line, 3, "%s", s.text);
}
