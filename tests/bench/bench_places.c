/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_places.c - what a start or a reload costs: loading places, building the table, its bytes.
 * bench_places [FILE...] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "geo/lookup/lookup.h"
#include "geo/lookup/table.h"

#define ROUNDS	5
#define LOOKUPS 4000000

/* CPU time: one thread, and whatever else runs on the machine does not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void print(void *arg, const struct diag *d)
{
	(void)arg;
	fprintf(stderr, "%s:%u: %s\n", d->file, d->line, d->text);
}

struct best {
	double load, table, v4, v6;
};

static void least(double *best, double t)
{
	if (!*best || t < *best)
		*best = t;
}

/* Addresses anywhere in use: the cold, realistic case for a cache. */
static double lookups(const struct table *t, int v)
{
	static struct ip ips[1 << 16];
	uint64_t s = 88172645463325252ULL;
	unsigned sum = 0;
	double t0;

	for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
		ips[i].v = (uint8_t)v;
		for (int k = 0; k < 16; k++) {
			s ^= s << 13;
			s ^= s >> 7;
			s ^= s << 17;
			ips[i].b[k] = v == 6 || k < 4 ? (uint8_t)s : 0;
		}
		if (v == 6)
			ips[i].b[0] = 0x2a;
	}
	t0 = now();
	for (size_t i = 0; i < LOOKUPS; i++)
		sum += table_lookup(t, &ips[i & 0xffff]);
	t0 = now() - t0;
	if (sum == 1)
		puts(""); /* or the loop would be for nothing */
	return t0 * 1e6 / LOOKUPS;
}

static int round_of(const struct places_config *cfg, struct best *b, int last)
{
	static const char *const names[] = {"root4",   "entries4", "root6", "nodes6",
					    "leaves6", "flags",	   "small"};
	struct diag_sink d = {.fn = print};
	const struct table_array *a;
	struct places *p;
	struct table *t;
	double t0 = now(), t1;
	size_t n4, n6, total = 0;

	if (places_load(&p, cfg, &d))
		return 1;
	t1 = now();
	if (table_build(&t, p, NULL, 0, &d))
		return 1;
	least(&b->load, t1 - t0);
	least(&b->table, now() - t1);
	least(&b->v4, lookups(t, 4));
	least(&b->v6, lookups(t, 6));
	places_ranges4(p, &n4);
	places_ranges6(p, &n6);
	if (last) {
		printf("| load | table | look-up v4 / v6 | ranges v4 / v6 | classes |\n|---|---|---|---|---|\n");
		printf("| %.0f ms | %.0f ms | %.1f / %.1f ns | %zu / %zu | %u |\n\n", b->load,
		       b->table, b->v4, b->v6, n4, n6, table_classes(t));
		for (size_t i = 0, n = table_arrays(t, &a); i < n; i++) {
			printf("%s %zu KB, ", names[i], (a[i].bytes + 1023) / 1024);
			total += a[i].bytes;
		}
		printf("%.1f MB in all (at most 12)\n", (double)total / 1e6);
	}
	table_free(t);
	places_free(p);
	return 0;
}

int main(int argc, char **argv)
{
	struct places_config cfg = {.files = (const char *const *)argv + 1,
				    .nfiles = (size_t)argc - 1};
	struct best b = {0};

	printf("## Places: what a start and a reload cost\n\n"
	       "tor-geoipdb, whole; CPU time of one thread in user space, best of %d; look-ups at random addresses.\n\n",
	       ROUNDS);
	for (int i = 1; i <= ROUNDS; i++)
		if (round_of(&cfg, &b, i == ROUNDS))
			return 1;
	return 0;
}
