/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_build.c - how long loading places and building the table takes, and how large it is: geo_build [FILE...] */
#include <stdio.h>
#include <time.h>
#include "geo/light.h"
#include "geo/table.h"

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

int main(int argc, char **argv)
{
	static const char *const names[LIGHT_ARRAYS] = {"root4", "entries4", "root6", "nodes6",
							"leaves6", "flags", "small"};
	struct places_config cfg = {.files = (const char *const *)argv + 1, .nfiles = (size_t)argc - 1};
	struct diag_sink d = {.fn = print};
	const struct table_array *a;
	struct places *p;
	struct table *t;
	double t0 = now(), t1, t2;
	size_t n4, n6, total = 0;

	if (places_load(&p, &cfg, &d))
		return 1;
	t1 = now();
	if (table_build(&t, p, NULL, 0, &d))
		return 1;
	t2 = now();
	places_ranges4(p, &n4);
	places_ranges6(p, &n6);
	printf("load %.1f ms, table %.1f ms, %u places, %zu + %zu ranges, %u classes\n", t1 - t0, t2 - t1,
	       places_count(p), n4, n6, table_classes(t));
	for (size_t i = 0, n = table_arrays(t, &a); i < n; i++) {
		printf("%s %zu KB ", names[i], a[i].bytes / 1024);
		total += a[i].bytes;
	}
	printf("total %.2f MB\n", (double)total / 1e6);
	table_free(t);
	places_free(p);
	return 0;
}
