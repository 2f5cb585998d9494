/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup_test.c - special addresses and addresses inside addresses: the vectors of reference/geo.md.
 */
#include "geo/lookup/lookup.h"
#include "geo/lookup/table.h"
#include "tests/geo/fixture.h"

TestSuite(light, .fini = no_leaks);

struct world {
	struct places *p;
	struct table *t;
};

/* The addresses inside the vectors stand in countries of their own, so that one can see which was
 * decoded. */
static struct world make_world(const struct table_set *sets, size_t nsets)
{
	const struct place_line lines[] = {
		line_of("192.0.2.33/32", "DE"),	      line_of("192.0.2.4/32", "FR"),
		line_of("65.54.227.120/32", "US"),    line_of("192.0.2.45/32", "IT"),
		line_of("10.1.0.0/16", "NL"),	      line_of("2001:db8:9::/48", "SE"),
		line_of("2002:c633:6401::/48", "CH"),
	};
	static const char *const nat64_texts[] = {"2001:db8::/32",	   "2001:db8:100::/40",
						  "2001:db8:122::/48",	   "2001:db8:122:300::/56",
						  "2001:db8:122:344::/64", "2001:db8:122:344::/96",
						  "64:ff9b:1:fffe::/96"};
	struct cidr nat64[7];
	struct world w = {0};
	struct said s;

	for (int i = 0; i < 7; i++)
		nat64[i] = prefix(nat64_texts[i]);
	w.p = load_alone((struct places_config){.lines = lines,
						.nlines = sizeof(lines) / sizeof(lines[0]),
						.nat64 = nat64,
						.nnat64 = 7});
	said_init(&s);
	cr_assert_eq(table_build(&w.t, w.p, sets, nsets, &s.sink), 0, "%s", s.text);
	return w;
}

static void drop(struct world *w)
{
	table_free(w->t);
	places_free(w->p);
}

/* The countries of the classes that decide, "-" for class 0, "?" for any other without a country.
 */
static const char *countries(const struct world *w, const char *text, char out[16])
{
	uint32_t classes[TABLE_EMBED_MAX];
	struct ip ip = address(text);
	unsigned n = table_classes_of(w->t, &ip, classes);

	*out = '\0';
	for (unsigned i = 0; i < n; i++) {
		const struct place *p = &table_class(w->t, classes[i])->place;
		char cc[3];

		snprintf(out + strlen(out), 16 - strlen(out), "%s%s", i ? " " : "",
			 !classes[i]  ? "-"
			 : p->country ? country_text(p->country, cc)
				      : "?");
	}
	return out;
}

struct vector {
	const char *address, *countries;
};
static const struct vector vectors[] = {
	{"::ffff:192.0.2.33", "DE"},			   /* mapped */
	{"::ffff:0:192.0.2.33", "DE"},			   /* translated */
	{"::192.0.2.33", "DE"},				   /* compatible */
	{"2002:c000:204::1", "FR"},			   /* 6to4 of 192.0.2.4 */
	{"2001:0:4136:e378:8000:63bf:3fff:fdd2", "US IT"}, /* Teredo: server and client */
	{"64:ff9b::c000:221", "DE"},			   /* NAT64 */
	{"64:ff9b:1:c000:2:2100::", "DE"},		   /* local-use NAT64, length 48 */
	{"64:ff9b:1:fffe::c000:221", "DE"},		   /* and a longer one that is configured */
	{"2001:db8:c000:221::", "DE"},			   /* RFC 6052 by length: 32 */
	{"2001:db8:1c0:2:21::", "DE"},			   /* 40 */
	{"2001:db8:122:c000:2:2100::", "DE"},		   /* 48 */
	{"2001:db8:122:3c0:0:221::", "DE"},		   /* 56 */
	{"2001:db8:122:344:c0:2:2100:0", "DE"},		   /* 64 */
	{"2001:db8:122:344::c000:221", "DE"}, /* 96 inside 64: the longest prefix decides */
	/* an embedded private or local address is invalid, and never 'private' */
	{"64:ff9b::10.0.0.1", "-"},
	{"64:ff9b::127.0.0.1", "-"},
	{"64:ff9b::192.168.3.4", "-"},
	{"64:ff9b::100.64.0.1", "-"},
	{"64:ff9b::169.254.1.1", "-"},
	{"64:ff9b::255.255.255.255", "-"},
	{"::ffff:10.0.0.1", "-"},
	{"2002:a00:1::", "-"},
	{"2001:0:a00:1:8000:63bf:3fff:fdd2", "- IT"}, /* a private Teredo server */
	/* multicast and reserved inside: unknown places, yet not class 0 */
	{"64:ff9b::224.1.1.1", "?"},
	{"64:ff9b::203.0.113.9", "?"},
	/* bits 64 to 71 must be zero */
	{"2001:db8:c000:221:100::", "-"},
	{"2001:db8:122:c000:102:2100::", "-"},
	/* the outer address counts when a place line covers it */
	{"2002:c633:6401::1", "? CH"}, /* 198.51.100.1 inside */
	/* nothing inside */
	{"::", "?"},
	{"::1", "?"},
	{"2001:db9::1", "-"},
	{"64:ff9b:0:1::1", "?"},
	{"10.1.2.3", "NL"},
	{"2001:1::1", "-"},
	{"2003::1", "-"},
	{"64:ff9b:2::1", "?"},
};

Test(light, vectors)
{
	struct world w = make_world(NULL, 0);
	char got[16];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		cr_expect_str_eq(countries(&w, vectors[i].address, got), vectors[i].countries,
				 "%s: %s, not %s", vectors[i].address, got, vectors[i].countries);
	drop(&w);
}

/* A place line for 10.1.0.0/16 speaks of our network: it counts behind our own NAT64 prefix, and
 * behind no other. */
Test(light, inner_addresses_with_a_place_line)
{
	struct world w = make_world(NULL, 0);
	char got[16];

	cr_expect_str_eq(countries(&w, "64:ff9b:1:fffe::10.1.0.1", got), "NL", "%s", got);
	cr_expect_str_eq(countries(&w, "64:ff9b:1:fffe::10.2.0.1", got), "-", "%s", got);
	cr_expect_str_eq(countries(&w, "64:ff9b::10.1.0.1", got), "-", "%s", got);
	cr_expect_str_eq(countries(&w, "2002:a01:1::", got), "-", "%s", got);
	drop(&w);
}

/* A set that covers the outer address gives it a say. */
Test(light, outer_in_a_set)
{
	const struct cidr outer[] = {prefix("64:ff9b::/96"), prefix("2001::/32")};
	const struct table_set set = {.cidrs = outer, .ncidrs = 2};
	struct world w = make_world(&set, 1);
	uint32_t classes[TABLE_EMBED_MAX];
	struct ip nat64 = address("64:ff9b::c000:221"),
		  teredo = address("2001:0:4136:e378:8000:63bf:3fff:fdd2");

	cr_assert_eq(table_classes_of(w.t, &nat64, classes), 2);
	cr_expect_eq(table_class(w.t, classes[0])->place.country, CC('D', 'E'));
	cr_expect(place_class_in(table_class(w.t, classes[1]), 0));
	cr_expect_eq(table_class(w.t, classes[1])->place.scope, SCOPE_EMBEDDED);
	cr_assert_eq(table_classes_of(w.t, &teredo, classes), 3);
	cr_expect(place_class_in(table_class(w.t, classes[2]), 0));
	drop(&w);
}

Test(light, unmap_is_for_sockets)
{
	uint32_t v4 = 0;

	cr_expect(lookup_unmap(0, 0xffff0a000001ULL, &v4));
	cr_expect_eq(v4, 0x0a000001);
	cr_expect_not(lookup_unmap(0, 0x0a000001, &v4));
	cr_expect_not(lookup_unmap(1, 0xffff0a000001ULL, &v4));
	cr_expect_not(lookup_unmap(0, 0xffff00000a000001ULL, &v4));
}

Test(light, special_addresses)
{
	static const struct {
		const char *address;
		enum place_scope scope;
	} rows[] = {
		{"0.0.0.0", SCOPE_LOCAL},
		{"0.0.0.1", SCOPE_RESERVED},
		{"1.1.0.0", SCOPE_GLOBAL},
		{"9.255.255.255", SCOPE_GLOBAL},
		{"10.0.0.0", SCOPE_PRIVATE},
		{"10.255.255.255", SCOPE_PRIVATE},
		{"11.0.0.0", SCOPE_GLOBAL},
		{"100.63.255.255", SCOPE_GLOBAL},
		{"100.64.0.0", SCOPE_PRIVATE},
		{"100.127.255.255", SCOPE_PRIVATE},
		{"100.128.0.0", SCOPE_GLOBAL},
		{"127.0.0.1", SCOPE_LOCAL},
		{"127.255.255.255", SCOPE_LOCAL},
		{"128.0.0.0", SCOPE_GLOBAL},
		{"169.254.169.254", SCOPE_LOCAL},
		{"172.15.255.255", SCOPE_GLOBAL},
		{"172.16.0.0", SCOPE_PRIVATE},
		{"172.31.255.255", SCOPE_PRIVATE},
		{"172.32.0.0", SCOPE_GLOBAL},
		{"192.0.0.8", SCOPE_RESERVED},
		{"192.0.1.0", SCOPE_GLOBAL},
		{"192.0.2.1", SCOPE_RESERVED},
		{"192.168.0.1", SCOPE_PRIVATE},
		{"198.18.0.1", SCOPE_RESERVED},
		{"198.20.0.0", SCOPE_GLOBAL},
		{"203.0.113.1", SCOPE_RESERVED},
		{"223.255.255.255", SCOPE_GLOBAL},
		{"224.0.0.251", SCOPE_LOCAL},
		{"224.0.1.0", SCOPE_MULTICAST},
		{"239.255.255.255", SCOPE_MULTICAST},
		{"240.0.0.0", SCOPE_RESERVED},
		{"255.255.255.254", SCOPE_RESERVED},
		{"255.255.255.255", SCOPE_LOCAL},
		{"::", SCOPE_LOCAL},
		{"::1", SCOPE_LOCAL},
		{"::2", SCOPE_EMBEDDED},
		{"::1:0:0", SCOPE_RESERVED},
		{"::ffff:1.2.3.4", SCOPE_EMBEDDED},
		{"64:ff9b::1", SCOPE_EMBEDDED},
		{"64:ff9b:1::1", SCOPE_EMBEDDED},
		{"100::1", SCOPE_RESERVED},
		{"2000::1", SCOPE_GLOBAL},
		{"2001::1", SCOPE_EMBEDDED},
		{"2001:1::1", SCOPE_GLOBAL},
		{"2001:2::1", SCOPE_RESERVED},
		{"2001:20::1", SCOPE_RESERVED},
		{"2001:db8::1", SCOPE_RESERVED},
		{"2002::1", SCOPE_EMBEDDED},
		{"2a00::1", SCOPE_GLOBAL},
		{"3fff::1", SCOPE_RESERVED},
		{"3fff:1000::1", SCOPE_GLOBAL},
		{"5f00::1", SCOPE_RESERVED},
		{"fbff::1", SCOPE_RESERVED},
		{"fc00::", SCOPE_PRIVATE},
		{"fdff::1", SCOPE_PRIVATE},
		{"fe00::1", SCOPE_RESERVED},
		{"fe80::1", SCOPE_LOCAL},
		{"febf::1", SCOPE_LOCAL},
		{"fec0::1", SCOPE_RESERVED},
		{"ff00::1", SCOPE_MULTICAST},
		{"ff01::1", SCOPE_LOCAL},
		{"ff02::1", SCOPE_LOCAL},
		{"ff03::1", SCOPE_MULTICAST},
		{"ff05::2", SCOPE_MULTICAST},
		{"ff0e::1", SCOPE_MULTICAST},
		{"ff12::1", SCOPE_LOCAL},
		{"ff32::1", SCOPE_LOCAL},
		{"ff3e::1", SCOPE_MULTICAST},
		{"fff1::1", SCOPE_LOCAL},
		{"ffff::1", SCOPE_MULTICAST},
	};
	static const struct place_line line = {.prefix = {.addr = {.v = 4, .b = {8}}, .len = 8},
					       .country = CC('U', 'S')};
	struct places *p = load_alone((struct places_config){.lines = &line, .nlines = 1});
	struct table *t;

	cr_assert_eq(table_build(&t, p, NULL, 0, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip = address(rows[i].address);
		const struct place *place = &table_class(t, table_lookup(t, &ip))->place;

		cr_expect_eq(place->scope, rows[i].scope, "%s: %s", rows[i].address,
			     place_scope_name((enum place_scope)place->scope));
		cr_expect_eq(place->country, 0, "%s", rows[i].address);
		cr_expect_eq(place->status, PLACE_UNKNOWN, "%s", rows[i].address);
	}
	table_free(t);
	places_free(p);
}

/* Place lines over special ranges: private and reserved become places, local stays local. */
Test(light, special_addresses_with_place_lines)
{
	static const struct {
		const char *address;
		enum place_scope scope;
		bool country;
	} rows[] = {
		{"10.0.0.1", SCOPE_GLOBAL, true},  {"100.64.0.1", SCOPE_GLOBAL, true},
		{"192.0.2.1", SCOPE_GLOBAL, true}, {"127.0.0.1", SCOPE_LOCAL, false},
		{"224.0.0.1", SCOPE_LOCAL, false}, {"224.1.1.1", SCOPE_MULTICAST, true},
		{"fd00::1", SCOPE_GLOBAL, true},   {"fe80::1", SCOPE_LOCAL, false},
		{"ff02::1", SCOPE_LOCAL, false},   {"2002::1", SCOPE_GLOBAL, true},
	};
	const struct place_line lines[] = {line_of("0.0.0.0/0", "DE"), line_of("::/0", "DE")};
	struct places *p = load_alone((struct places_config){.lines = lines, .nlines = 2});

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip = address(rows[i].address);
		const struct place *place = places_get(p, places_lookup(p, &ip));

		cr_expect_eq(place->scope, rows[i].scope, "%s", rows[i].address);
		cr_expect_eq(place->country, rows[i].country ? CC('D', 'E') : 0, "%s",
			     rows[i].address);
	}
	places_free(p);
}

Test(light, nat64_prefixes_refused)
{
	static const char *const rows[] = {"10.0.0.0/8", "2001:db8::/33", "2001:db8::/128",
					   "2001:d00::/24", "2001:db8::/72"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct place_line line = line_of("8.0.0.0/8", "US");
		struct cidr c = prefix(rows[i]);
		struct places *p = NULL;
		struct said s;

		said_init(&s);
		cr_expect_lt(
			places_load(&p,
				    &(struct places_config){
					    .lines = &line, .nlines = 1, .nat64 = &c, .nnat64 = 1},
				    &s.sink),
			0);
		cr_expect_null(p);
		cr_expect(strstr(s.text, "is no NAT64 prefix"), "%s", s.text);
	}
}
