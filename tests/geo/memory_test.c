/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_test.c - every allocation fails once: places_load and table_build give an error, keep
 * nothing, and crash never.
 *
 * malloc and its family are this program's own while it is armed: the n-th call fails, for n = 1,
 * 2, ... until the whole road is walked without a failure. What is still held after a failure is
 * counted.
 */
#include <errno.h>
#include "geo/mmdb/mmdb_write.h"
#include "geo/lookup/table.h"
#include "tests/geo/fixture.h"
#include "tests/lib/alloc.h"

TestSuite(memory, .timeout = 120);

static bool armed;
static long until, held;

static bool fails(void)
{
	return armed && until && --until == 0;
}

void *malloc(size_t n)
{
	void *p = fails() ? NULL : REAL_ALLOC(malloc)(n);

	held += armed && p;
	if (!p)
		errno = ENOMEM;
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : REAL_ALLOC(calloc)(n, size);

	held += armed && p;
	if (!p)
		errno = ENOMEM;
	return p;
}

void *realloc(void *old, size_t n)
{
	void *p = fails() ? NULL : REAL_ALLOC(realloc)(old, n);

	held += armed && p && !old;
	if (!p)
		errno = ENOMEM;
	return p;
}

void free(void *p)
{
	held -= armed && p;
	REAL_ALLOC(free)(p);
}

struct road {
	struct places_config cfg;
	const struct table_set *sets;
	size_t nsets;
	int load, build; /* results */
	struct said said;
};

static void walk(struct road *r, long n)
{
	struct places *p = NULL;
	struct table *t = NULL;

	said_init(&r->said);
	held = 0;
	until = n;
	armed = true;
	r->build = 0;
	r->load = places_load(&p, &r->cfg, &r->said.sink);
	if (!r->load)
		r->build = table_build(&t, p, r->sets, r->nsets, &r->said.sink);
	table_free(t);
	places_free(p);
	armed = false;
}

static void write_places(char path[64])
{
	struct place_line lines[] = {line_of("5.0.0.0/8", "DE"), line_of("5.1.0.0/16", "US"),
				     line_of("2a00::/16", "DE")};
	const struct mmdb_options options = {.build_epoch = 1900000000};
	struct mmdb_stats stats;
	struct places *p;

	lines[1].provider = "aws";
	p = load_alone((struct places_config){.lines = lines, .nlines = 3});
	temp_file(path, "", 0);
	cr_assert_eq(mmdb_write(p, path, &options, &stats, NULL), 0);
	places_free(p);
}

Test(memory, every_allocation_fails_once)
{
	static const char text[] =
		"16777216,16777471,AU\n83886080,83886335,FR\n2001:200::,2001:201::,JP\n";
	static const char feed[] = "5.0.0.0/24,DE,,,\n5.0.0.0/16,US,,,\n2a00:1::/32,SE,,,\n";
	struct place_line lines[] = {line_of("5.0.0.0/25", "NL"), line_of("5.0.0.0/26", "DE"),
				     line_of("10.0.0.0/8", "DE")};
	const struct cidr cidrs[] = {prefix("5.0.0.0/9"), prefix("2a00::/16"),
				     prefix("5.0.0.0/24")};
	const struct table_set sets[] = {{.cidrs = cidrs, .ncidrs = 3},
					 {.cidrs = cidrs + 1, .ncidrs = 1}};
	const struct cidr nat64 = prefix("2001:db8::/96");
	char paths[3][64];
	const char *const files[] = {temp_file(paths[0], text, sizeof(text) - 1),
				     temp_file(paths[1], feed, sizeof(feed) - 1), paths[2]};
	struct road r = {.cfg = {.files = files,
				 .nfiles = 3,
				 .lines = lines,
				 .nlines = 3,
				 .nat64 = &nat64,
				 .nnat64 = 1},
			 .sets = sets,
			 .nsets = 2};
	long n = 0, leaks = 0, silent = 0;

	lines[0].provider = "ovh";
	write_places(paths[2]);
	walk(&r, 0); /* libraries make what they keep for ever */
	cr_assert_eq(r.load, 0);
	walk(&r, 0);
	cr_assert(!r.load && !r.build && (!held || !REAL_ALLOC_COUNTS), "%d %d %ld", r.load,
		  r.build, held);
	do {
		walk(&r, ++n);
		/* libmaxminddb 1.7 keeps what it had of the metadata when the memory ends there */
		leaks += REAL_ALLOC_COUNTS && held && !strstr(r.said.text, "is a broken MMDB");
		silent += (r.load || r.build) && !*r.said.text && r.load != -ENOMEM &&
			  r.build != -ENOMEM;
	} while (until == 0);
	cr_expect_gt(n, REAL_ALLOC_COUNTS ? 100 : 50, "%ld allocations", n);
	cr_expect_eq(leaks, 0);
	cr_expect_eq(silent, 0);
	for (int i = 0; i < 3; i++)
		unlink(paths[i]);
}
