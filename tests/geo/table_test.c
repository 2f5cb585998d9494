/* SPDX-License-Identifier: BSD-2-Clause */
/* table_test.c - the compiled table against the sources: every boundary, many addresses at random,
 * every limit. */
#include <errno.h>
#include "geo/lookup/lookup.h"
#include "geo/lookup/table.h"
#include "tests/geo/fixture.h"

TestSuite(table, .fini = no_leaks, .timeout = 120);

static struct table *build(const struct places *p, const struct table_set *sets, size_t n)
{
	struct table *t = NULL;
	struct said s;

	said_init(&s);
	cr_assert_eq(table_build(&t, p, sets, n, &s.sink), 0, "%s", s.text);
	return t;
}

static const struct place *place_of(const struct table *t, const struct ip *ip)
{
	return &table_class(t, table_lookup(t, ip))->place;
}

/* --- the whole database of tor-geoipdb, read a second time in another way --- */

struct row {
	struct ip first, last;
	char cc[3];
};
struct file {
	struct row *v;
	size_t n;
};
/* No database decides these: what the IANA registries keep for special purposes, as RFC 6890 and
 * geo.md list them. */
static const char *const specials[] = {
	"0.0.0.0/8",	 "10.0.0.0/8",	    "100.64.0.0/10",  "127.0.0.0/8",	"169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",	"::/3",
	"2001::/32",	 "2001:2::/48",	    "2001:10::/28",   "2001:20::/28",	"2001:db8::/32",
	"2002::/16",	 "3fff::/20",	    "4000::/2",	      "8000::/1",
};

static void read_file(struct file *f, const char *path)
{
	FILE *in = fopen(path, "r");
	char line[256];
	size_t room = 1 << 20;

	cr_assert_not_null(in, "%s: install tor-geoipdb", path);
	f->v = calloc(room, sizeof(*f->v));
	cr_assert_not_null(f->v);
	f->n = 0;
	while (fgets(line, sizeof(line), in)) {
		char *rest = line, *first = strsep(&rest, ",\n"), *last = strsep(&rest, ",\n"),
		     *cc = strsep(&rest, ",\n");
		struct row *r = &f->v[f->n];

		if (*line == '#' || !cc)
			continue;
		cr_assert_lt(f->n, room);
		if (strchr(first, ':')) {
			r->first = address(first);
			r->last = address(last);
		} else {
			r->first = ip_from_v4((uint32_t)strtoul(first, NULL, 10));
			r->last = ip_from_v4((uint32_t)strtoul(last, NULL, 10));
		}
		snprintf(r->cc, sizeof(r->cc), "%s", cc);
		f->n++;
	}
	fclose(in);
}

static uint16_t said_by(const struct file *f, const struct ip *ip)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (ip_cmp(&f->v[mid].last, ip) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->n || ip_cmp(&f->v[lo].first, ip) > 0)
		return 0;
	return country_from_source(f->v[lo].cc, 2);
}

struct compared {
	const struct table *t;
	const struct places *p;
	const struct file *f;
	struct cidr special[sizeof(specials) / sizeof(specials[0])];
	size_t addresses, wrong;
	char first_wrong[IP_STRLEN];
};

static void compare(struct compared *c, const struct ip *ip)
{
	const struct place *got = place_of(c->t, ip),
			   *slow = places_get(c->p, places_lookup(c->p, ip));
	uint16_t want = said_by(c->f, ip);
	bool special = false;

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		special |= cidr_has(&c->special[i], ip);
	c->addresses++;
	if (got->country == (special ? 0 : want) && (got->scope != SCOPE_GLOBAL) == special &&
	    got->status == (got->country ? PLACE_KNOWN : PLACE_UNKNOWN) &&
	    !memcmp(got, slow, sizeof(*got)))
		return;
	if (!c->wrong++)
		ip_format(c->first_wrong, ip);
}

static size_t compare_boundaries(const struct table *t, const struct places *p, const char *path)
{
	struct file f;
	struct compared c = {.t = t, .p = p, .f = &f};

	read_file(&f, path);
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		c.special[i] = prefix(specials[i]);
	for (size_t i = 0; i < f.n; i++) {
		struct ip before = f.v[i].first, after = f.v[i].last;

		compare(&c, &f.v[i].first);
		compare(&c, &f.v[i].last);
		if (ip_prev(&before))
			compare(&c, &before);
		if (ip_next(&after))
			compare(&c, &after);
	}
	cr_expect_eq(c.wrong, 0, "%s: %zu of %zu addresses differ, the first is %s", path, c.wrong,
		     c.addresses, c.first_wrong);
	free(f.v);
	return c.addresses;
}

Test(table, every_boundary_of_tor_geoipdb)
{
	static const char *const tor[] = {"/usr/share/tor/geoip", "/usr/share/tor/geoip6"};
	struct places *p = load(&(struct places_config){.files = tor, .nfiles = 2});
	struct table *t = build(p, NULL, 0);

	cr_expect_gt(compare_boundaries(t, p, "/usr/share/tor/geoip"), 1000000);
	cr_expect_gt(compare_boundaries(t, p, "/usr/share/tor/geoip6"), 1000000);
	table_free(t);
	places_free(p);
}

Test(table, arrays_keep_their_limits)
{
	static const size_t element[] = {4, 4, 4, 8, 2, 2, 8};
	struct places *p = load(&(struct places_config){0});
	struct table *t = build(p, NULL, 0);
	const struct table_array *a;
	size_t total = 0;

	cr_assert_eq(table_arrays(t, &a), LOOKUP_ARRAYS);
	for (int i = 0; i < LOOKUP_ARRAYS; i++) {
		cr_expect(a[i].data && a[i].bytes, "array %d is never empty", i);
		cr_expect_eq(a[i].bytes % element[i], 0, "array %d", i);
		cr_expect_leq(a[i].bytes, 4U << 20, "array %d: kernel 5.10 takes no more", i);
		total += a[i].bytes;
	}
	cr_expect_leq(total, 12000000);
	cr_expect_eq(a[LOOKUP_ROOT4].bytes, LOOKUP_ROOT4_WORDS * 4);
	cr_expect_eq(a[LOOKUP_ROOT6].bytes, LOOKUP_ROOT6_WORDS * 4);
	cr_expect_eq(a[LOOKUP_SMALL].bytes, LOOKUP_SMALL_WORDS * 8);
	cr_expect_eq(a[LOOKUP_FLAGS].bytes, table_classes(t) * 2);
	table_free(t);
	places_free(p);
}

/* --- places and sets at random --- */

static const char *const set_texts[][4] = {
	{"10.0.0.0/8", "192.168.0.0/16", "10.1.0.0/16"}, /* overlapping, and joined below */
	{"11.0.0.0/8", "10.128.0.0/9", "2000::/3"},
	{"0.0.0.0/0", "::/0"},
	{"255.255.255.255/32", "0.0.0.0/32", "::/128",
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	{"2001:db8::1/128", "2001:db8::2/127", "fd00::/8", "fe80::1/128"},
	{"8.8.8.8/32", "8.8.4.0/24", "8.8.8.10/31", "64:ff9b::/96"},
};
#define NSETS (sizeof(set_texts) / sizeof(set_texts[0]))

struct sets {
	struct cidr cidrs[NSETS][4];
	struct table_set v[NSETS];
};

static void make_sets(struct sets *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < NSETS; i++) {
		s->v[i].cidrs = s->cidrs[i];
		for (size_t k = 0; k < 4 && set_texts[i][k]; k++)
			s->cidrs[i][s->v[i].ncidrs++] = prefix(set_texts[i][k]);
	}
}

static bool agrees(const struct table *t, const struct places *p, const struct sets *s,
		   const struct ip *ip)
{
	const struct place_class *c = table_class(t, table_lookup(t, ip));

	if (memcmp(&c->place, places_get(p, places_lookup(p, ip)), sizeof(c->place)))
		return false;
	for (size_t i = 0; i < NSETS; i++) {
		int in = 0;

		for (size_t k = 0; k < s->v[i].ncidrs; k++)
			in |= cidr_has(&s->cidrs[i][k], ip);
		if (place_class_in(c, (unsigned)i) != in)
			return false;
	}
	return !place_class_in(c, NSETS) && !place_class_in(c, PLACE_SETS_MAX - 1);
}

/* Half of them anywhere, half near a boundary: where mistakes live. */
static struct ip random_address(uint64_t *state, const struct sets *s, bool is6)
{
	const struct cidr *c = &s->cidrs[next_random(state) % NSETS][next_random(state) % 4];
	uint64_t r = next_random(state);
	uint8_t bytes[16];
	struct ip ip;

	for (int i = 0; i < 16; i++)
		bytes[i] = (uint8_t)next_random(state);
	if (is6 && r % 8)
		bytes[0] = 0x20 | (bytes[0] & 0x1f);
	if (is6 && r % 8 > 3)
		memcpy(bytes, (uint8_t[]){0x2a, (uint8_t)(r >> 40)}, 2);
	ip = ip_from_bytes(is6 ? 6 : 4, bytes);
	if ((r >> 8 & 1) && c->addr.v == ip.v) {
		ip = r >> 9 & 1 ? cidr_first(c) : cidr_last(c);
		if (r >> 10 & 1 && r >> 11 & 1)
			ip_next(&ip);
		else if (r >> 10 & 1)
			ip_prev(&ip);
	}
	return ip;
}

Test(table, random_addresses_in_places_and_sets)
{
	const struct place_line lines[] = {
		line_of("10.0.0.0/8", "DE"),	  line_of("10.9.0.0/16", "US"),
		line_of("10.9.8.7/32", "FR"),	  line_of("fd00:1::/32", "NL"),
		line_of("2001:db8::1/128", "SE"), line_of("fd00:1::8/128", "IT")};
	struct places_config cfg = {.lines = lines, .nlines = sizeof(lines) / sizeof(lines[0])};
	size_t nfiles;
	const char *const *files = places_default_files(&nfiles, NULL);
	struct places *p;
	struct sets s;
	struct table *t;
	uint64_t state = 0x9e3779b97f4a7c15ULL;
	size_t wrong = 0;
	char text[IP_STRLEN] = "";

	cfg.files = files;
	cfg.nfiles = nfiles;
	make_sets(&s);
	p = load(&cfg);
	t = build(p, s.v, NSETS);
	for (int i = 0; i < 1000000; i++) {
		struct ip ip = random_address(&state, &s, i & 1);

		if (!agrees(t, p, &s, &ip) && !wrong++)
			ip_format(text, &ip);
	}
	cr_expect_eq(wrong, 0, "%zu wrong, the first is %s", wrong, text);
	cr_expect_eq(place_of(t, &(struct ip){.v = 4, .b = {10, 9, 8, 7}})->country, CC('F', 'R'));
	table_free(t);
	places_free(p);
}

/* Boundaries at every depth: one address alone in its neighbourhood, in all eighths of the space.
 */
Test(table, single_addresses)
{
	static const char *const alone[] = {"0.0.0.7",
					    "255.255.255.254",
					    "1.2.3.4",
					    "1.2.255.255",
					    "1.3.0.0",
					    "128.0.0.0",
					    "::7",
					    "2001:db8::dead",
					    "2a00::",
					    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					    "2a00:1:2:3:4:5:6:7",
					    "2a00:1:2:3:8000::",
					    "4000::",
					    "7fff::1",
					    "9000::1",
					    "b000::1",
					    "d000::1",
					    "fd00::1",
					    "ff02::fb",
					    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"};
	size_t n = sizeof(alone) / sizeof(alone[0]);
	struct cidr cidrs[32];
	struct table_set sets[32] = {{0}};
	const struct place_line line = line_of("192.0.2.0/24", "DE");
	struct places *p;
	struct table *t;
	size_t nfiles;

	for (size_t i = 0; i < n; i++) {
		cidrs[i] = prefix(alone[i]);
		sets[i] = (struct table_set){.cidrs = &cidrs[i], .ncidrs = 1};
	}
	p = load(&(struct places_config){.lines = &line,
					 .nlines = 1,
					 .files = places_default_files(&nfiles, NULL),
					 .nfiles = nfiles});
	t = build(p, sets, n);
	for (size_t i = 0; i < n; i++) {
		struct ip ip = address(alone[i]), before = ip, after = ip;

		cr_expect(place_class_in(table_class(t, table_lookup(t, &ip)), (unsigned)i), "%s",
			  alone[i]);
		if (ip_prev(&before))
			cr_expect_not(place_class_in(table_class(t, table_lookup(t, &before)),
						     (unsigned)i),
				      "%s - 1", alone[i]);
		if (ip_next(&after))
			cr_expect_not(place_class_in(table_class(t, table_lookup(t, &after)),
						     (unsigned)i),
				      "%s + 1", alone[i]);
	}
	table_free(t);
	places_free(p);
}

/* --- limits --- */

static struct places *small_places(void)
{
	const struct place_line line = line_of("192.0.2.0/24", "DE");

	return load_alone((struct places_config){.lines = &line, .nlines = 1});
}

/* Every second address of a /n is in the set: count bounds in few buckets. */
static struct cidr *every_second(uint32_t base, size_t count)
{
	struct cidr *v = calloc(count, sizeof(*v));

	cr_assert_not_null(v);
	for (size_t i = 0; i < count; i++)
		v[i] = (struct cidr){.addr = ip_from_v4(base + 2 * (uint32_t)i), .len = 32};
	return v;
}

Test(table, a_full_bucket)
{
	struct places *p = small_places();
	struct cidr *v = every_second(0x05060000, 32768);
	struct table_set set = {.cidrs = v, .ncidrs = 32768};
	struct table *t = build(p, &set, 1);
	size_t wrong = 0;

	for (uint32_t i = 0; i < 65536; i++) {
		struct ip ip = ip_from_v4(0x05060000 + i);

		wrong += place_class_in(table_class(t, table_lookup(t, &ip)), 0) != !(i & 1);
	}
	cr_expect_eq(wrong, 0);
	table_free(t);
	free(v);
	places_free(p);
}

Test(table, bucket_counts_around_the_long_form)
{
	struct places *p = small_places();

	for (size_t n = 2045; n <= 2049; n++) { /* 2n bounds: 4090 to 4098, LOOKUP_LONG4 is 4095 */
		struct cidr *v = every_second(0x05060001, n);
		struct table_set set = {.cidrs = v, .ncidrs = n};
		struct table *t = build(p, &set, 1);
		size_t wrong = 0;

		for (uint32_t i = 0; i < 65536; i++) {
			struct ip ip = ip_from_v4(0x05060000 + i);

			wrong += place_class_in(table_class(t, table_lookup(t, &ip)), 0) !=
				 ((i & 1) && i < 2 * n);
		}
		cr_expect_eq(wrong, 0, "%zu", n);
		table_free(t);
		free(v);
	}
	places_free(p);
}

static int try_build(const struct places *p, const struct table_set *sets, size_t n, struct said *s)
{
	struct table *t = NULL;
	int r;

	said_init(s);
	r = table_build(&t, p, sets, n, &s->sink);
	cr_expect_eq(!t, r != 0, "nothing comes of a failure");
	table_free(t);
	return r;
}

Test(table, too_many_bounds)
{
	struct places *p = small_places();
	struct cidr *v = every_second(0x05000000, 600000);
	struct table_set set = {.cidrs = v, .ncidrs = 500000};
	struct said s;

	cr_expect_eq(try_build(p, &set, 1, &s), 0, "%s", s.text);
	set.ncidrs = 600000;
	cr_expect_eq(try_build(p, &set, 1, &s), -E2BIG);
	cr_expect(strstr(s.text, "outgrows its arrays"), "%s", s.text);
	free(v);
	places_free(p);
}

Test(table, too_many_sets)
{
	struct places *p = small_places();
	struct table_set *sets = calloc(PLACE_SETS_MAX + 1, sizeof(*sets));
	struct cidr *v = calloc(PLACE_SETS_MAX + 1, sizeof(*v));
	struct said s;
	struct table *t;

	cr_assert(sets && v);
	for (uint32_t i = 0; i <= PLACE_SETS_MAX; i++) {
		v[i] = (struct cidr){.addr = ip_from_v4(0x05000000 + 7 * i), .len = 32};
		sets[i] = (struct table_set){.cidrs = &v[i], .ncidrs = 1};
	}
	t = build(p, sets, PLACE_SETS_MAX);
	for (uint32_t i = 0; i < PLACE_SETS_MAX; i++) {
		const struct place_class *c = table_class(t, table_lookup(t, &v[i].addr));

		for (uint32_t k = 0; k < PLACE_SETS_MAX; k++)
			cr_assert_eq(place_class_in(c, k), k == i);
	}
	table_free(t);
	cr_expect_eq(try_build(p, sets, PLACE_SETS_MAX + 1, &s), -E2BIG);
	cr_expect(strstr(s.text, "513 sets of addresses; at most 512"), "%s", s.text);
	free(sets);
	free(v);
	places_free(p);
}

/* Set k holds the addresses whose bit k is set: 2^bits addresses, each in a set of sets of its own.
 */
static int build_classes(const struct places *p, unsigned bits, struct said *s, uint32_t *classes)
{
	struct table_set sets[20] = {{0}};
	struct cidr *v[20];
	struct table *t = NULL;
	int r;

	for (unsigned k = 0; k < bits; k++) {
		size_t n = (size_t)1 << (bits - 1 - k);

		v[k] = calloc(n, sizeof(**v));
		cr_assert_not_null(v[k]);
		for (size_t i = 0; i < n; i++)
			v[k][i] = (struct cidr){.addr = ip_from_v4(0x05000000 +
								   (((uint32_t)i * 2 + 1) << k)),
						.len = (uint8_t)(32 - k)};
		sets[k] = (struct table_set){.cidrs = v[k], .ncidrs = n};
	}
	said_init(s);
	r = table_build(&t, p, sets, bits, &s->sink);
	if (t)
		*classes = table_classes(t);
	table_free(t);
	for (unsigned k = 0; k < bits; k++)
		free(v[k]);
	return r;
}

Test(table, too_many_classes)
{
	struct places *p = small_places();
	uint32_t classes = 0;
	struct said s;

	cr_expect_eq(build_classes(p, 15, &s, &classes), 0, "%s", s.text);
	cr_expect_geq(classes, 32768);
	cr_expect_eq(build_classes(p, 17, &s, &classes), -E2BIG);
	cr_expect(strstr(s.text, "more than 65535 classes"), "%s", s.text);
	places_free(p);
}

/* Far apart /128s make a chain of nodes each: the nodes run out before the memory does. */
Test(table, too_many_nodes)
{
	struct places *p = small_places();
	size_t n = 40000;
	struct cidr *v = calloc(n, sizeof(*v));
	struct table_set set = {.cidrs = v, .ncidrs = n};
	struct said s;

	cr_assert_not_null(v);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct cidr){.addr = {.v = 6,
					      .b = {0x2a, (uint8_t)(i >> 8), (uint8_t)i, 1}},
				     .len = 128};
	cr_expect_eq(try_build(p, &set, 1, &s), -E2BIG);
	cr_expect(strstr(s.text, "outgrows its arrays"), "%s", s.text);
	set.ncidrs = 5000;
	cr_expect_eq(try_build(p, &set, 1, &s), 0, "%s", s.text);
	free(v);
	places_free(p);
}

Test(table, class_zero_is_unknown)
{
	struct places *p = small_places();
	const struct cidr all[] = {prefix("0.0.0.0/0"), prefix("::/0")};
	struct table_set set = {.cidrs = all, .ncidrs = 2};
	struct table *t = build(p, &set, 1);
	const struct place_class *zero = table_class(t, 0);
	static const struct place unknown;

	cr_expect_eq(memcmp(&zero->place, &unknown, sizeof(unknown)), 0);
	cr_expect_not(place_class_in(zero, 0), "even when a set holds everything");
	cr_expect_eq(table_class(t, table_classes(t)), zero, "out of range is class 0");
	cr_expect_eq(table_lookup(t, &(struct ip){0}), 0, "no address");
	table_free(t);
	places_free(p);
}
