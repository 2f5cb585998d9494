/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_lookup.c - loads lookup.bpf.o with the table of Debian's country database and with LPM
 * tries made from the same ranges, checks that both give the same classes, and times them in turn
 * with BPF_PROG_TEST_RUN.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "bpf/load/kernel_private.h"

#define ADDRESSES (1u << 20)
#define BATCH	  64u
#define ROUNDS	  9
#define BYTES	  (ADDRESSES * sizeof(uint64_t))

static const char *const names[LOOKUP_ARRAYS] = {"p_root4",   "p_entries4", "p_root6", "p_nodes6",
						 "p_leaves6", "p_flags",    "p_small"};
static const uint8_t width[LOOKUP_ARRAYS] = {4, 4, 4, 8, 2, 2, 8};

struct bench {
	struct places *places;
	struct table *table;
	struct bpf_object *o;
	uint64_t *a4, *hi, *lo;
	size_t n4, n6, bytes;
	uint64_t seed, entries[2];
	double fill_ms[2];
};

static void die(const char *what)
{
	fprintf(stderr, "bench_lookup: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t roll(struct bench *b)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 7;
	b->seed ^= b->seed << 17;
	return b->seed;
}

static void say(void *arg, const struct diag *d)
{
	(void)arg;
	fprintf(stderr, "%s: %s\n", d->file ? d->file : "", d->text);
}

static void places_make(struct bench *b)
{
	static const char *const files[] = {"/usr/share/tor/geoip", "/usr/share/tor/geoip6"};
	struct places_config cfg = {.files = files, .nfiles = 2};
	struct diag_sink d = {.fn = say};
	double t = now_ms();

	if (places_load(&b->places, &cfg, &d))
		die("places");
	fprintf(stderr, "places %.0f ms\n", now_ms() - t);
	t = now_ms();
	if (table_build(&b->table, b->places, NULL, 0, &d))
		die("table");
	fprintf(stderr, "table %.0f ms\n", now_ms() - t);
}

static struct bpf_map *map_of(struct bench *b, const char *name)
{
	return bpf_object__find_map_by_name(b->o, name);
}

static void *map_map(struct bench *b, const char *name, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(map_of(b, name)), 0);

	if (p == MAP_FAILED)
		die(name);
	return p;
}

/* As generation.c makes them. */
static int array_of(const char *name, const struct table_array *a)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, (uint32_t)(a->bytes + 7) & ~7u, 1, &o);
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(NULL, a->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die(name);
	memcpy(p, a->data, a->bytes);
	munmap(p, a->bytes);
	return fd;
}

/* place.bpf.h's place_limit in the object's constants. */
static uint32_t *limits_of(const struct bpf_object *o)
{
	const struct btf *btf = bpf_object__btf(o);
	const struct btf_type *t =
		btf__type_by_id(btf,
				(uint32_t)btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC));
	struct bpf_map *m;
	size_t size;

	bpf_object__for_each_map(m, o) for (uint16_t i = 0;
					    strstr(bpf_map__name(m), ".rodata") && i < btf_vlen(t);
					    i++)
	{
		const struct btf_var_secinfo *v = btf_var_secinfos(t) + i;
		const char *name =
			btf__name_by_offset(btf, btf__type_by_id(btf, v->type)->name_off);

		if (!strcmp(name, "place_limit"))
			return (uint32_t *)((uintptr_t)bpf_map__initial_value(m, &size) +
					    v->offset);
	}
	return NULL;
}

static void object_load(struct bench *b, const char *path)
{
	const struct table_array *a;
	uint32_t *limit;

	table_arrays(b->table, &a);
	if (map_value_register())
		die("libbpf");
	b->o = bpf_object__open_file(path, NULL);
	if (!b->o)
		die(path);
	map_value_begin(NULL);
	limit = limits_of(b->o);
	if (!limit)
		die("place_limit");
	for (int i = 0; i < LOOKUP_ARRAYS; i++) {
		b->bytes += a[i].bytes;
		limit[i] = (uint32_t)(a[i].bytes / width[i]);
		if (bpf_map__reuse_fd(map_of(b, names[i]), array_of(names[i], &a[i])) ||
		    map_value_add(map_of(b, names[i])))
			die(names[i]);
	}
	if (bpf_object__load(b->o))
		die("load");
	b->a4 = map_map(b, "addresses4", BYTES);
	b->hi = map_map(b, "addresses6hi", BYTES);
	b->lo = map_map(b, "addresses6lo", BYTES);
}

/* [first, last] as prefixes into the trie. 128-bit arithmetic does for both families. */
typedef unsigned __int128 u128;

static void trie_range(int fd, unsigned bits, u128 first, u128 last, uint32_t class, uint64_t *n)
{
	u128 max = bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;

	for (;;) {
		struct {
			uint32_t len;
			uint8_t b[16];
		} k = {.len = bits};
		u128 size = 1;

		while (k.len && !(first & size) && first + (size * 2 - 1) <= last &&
		       (first & (size * 2 - 1)) == 0) {
			size *= 2;
			k.len--;
		}
		for (unsigned i = 0; i < bits / 8; i++)
			k.b[i] = (uint8_t)(first >> (bits - 8 - 8 * i));
		if (bpf_map_update_elem(fd, &k, &class, BPF_ANY))
			die("trie");
		++*n;
		if (size - 1 >= last - first || first + (size - 1) == max)
			return;
		first += size;
	}
}

static void tries_fill(struct bench *b)
{
	const struct range4 *r4 = places_ranges4(b->places, &b->n4);
	const struct range6 *r6 = places_ranges6(b->places, &b->n6);
	double t = now_ms();

	for (size_t i = 0; i < b->n4; i++) {
		struct ip ip = ip_from_v4(r4[i].first);
		uint32_t last = i + 1 < b->n4 ? r4[i + 1].first - 1 : UINT32_MAX,
			 class = table_lookup(b->table, &ip);

		if (class) /* the unknown is what the trie does not hold */
			trie_range(bpf_map__fd(map_of(b, "trie4")), 32, r4[i].first, last, class,
				   &b->entries[0]);
	}
	b->fill_ms[0] = now_ms() - t;
	t = now_ms();
	for (size_t i = 0; i < b->n6; i++) {
		u128 first = (u128)r6[i].hi << 64 | r6[i].lo,
		     last = i + 1 < b->n6 ? ((u128)r6[i + 1].hi << 64 | r6[i + 1].lo) - 1
					  : ~(u128)0;
		uint8_t bytes[16];
		struct ip ip;
		uint32_t class;

		for (int j = 0; j < 16; j++)
			bytes[j] = (uint8_t)(first >> (120 - 8 * j));
		ip = ip_from_bytes(6, bytes);
		class = table_lookup(b->table, &ip);
		if (class)
			trie_range(bpf_map__fd(map_of(b, "trie6")), 128, first, last, class,
				   &b->entries[1]);
	}
	b->fill_ms[1] = now_ms() - t;
}

/* ---- address mixes ---- */
enum mix { MIX_ZIPF, MIX_RANGES, MIX_HOT, MIXES };
static const char *const mix_names[MIXES] = {"Zipf", "every range alike", "64 hot addresses"};

/* Zipf with exponent 1 over ranges in a random order: rank = n^u is its inverse to within the first
 * ranks' rounding. */
static size_t roll_range(struct bench *b, enum mix m, size_t n)
{
	double u = (double)(roll(b) >> 11) / (double)(1ull << 53);
	uint64_t rank;

	if (m != MIX_ZIPF)
		return roll(b) % n;
	rank = (uint64_t)(__builtin_exp(u * __builtin_log((double)n)));
	return (rank * 0x9e3779b97f4a7c15u >> 11) % n;
}

static void roll_address(struct bench *b, enum mix m, uint32_t i)
{
	const struct range4 *r4 = places_ranges4(b->places, &b->n4);
	const struct range6 *r6 = places_ranges6(b->places, &b->n6);
	size_t at = roll_range(b, m, b->n4), at6;
	uint64_t span = (at + 1 < b->n4 ? (uint64_t)r4[at + 1].first : 1ull << 32) - r4[at].first;

	b->a4[i] = r4[at].first + roll(b) % span;
	do /* in 2000::/3 */
		at6 = roll_range(b, m, b->n6);
	while (r6[at6].hi >> 61 != 1 || at6 + 1 >= b->n6);
	span = r6[at6 + 1].hi - r6[at6].hi;
	b->hi[i] = r6[at6].hi + (span ? roll(b) % span : 0);
	b->lo[i] = span ? roll(b) : r6[at6].lo;
}

static void mix_make(struct bench *b, enum mix m)
{
	b->seed = 88172645463325252u;
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		if (m == MIX_HOT && i >= 64) {
			b->a4[i] = b->a4[i % 64];
			b->hi[i] = b->hi[i % 64];
			b->lo[i] = b->lo[i % 64];
		} else {
			roll_address(b, m, i);
		}
	}
}

/* ---- measuring ---- */
enum run { RUN_NOTHING4, RUN_TABLE4, RUN_LPM4, RUN_NOTHING6, RUN_TABLE6, RUN_LPM6, RUNS };
static const char *const run_names[RUNS] = {"run_nothing4", "run_table4", "run_lpm4",
					    "run_nothing6", "run_table6", "run_lpm6"};

/* ns a look-up over the whole list once; *sum: of the classes. */
static double run_once(struct bench *b, enum run r, uint64_t *sum)
{
	uint8_t data[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = data, .data_size_in = sizeof(data),
		    .repeat = ADDRESSES / BATCH);
	int fd = bpf_program__fd(bpf_object__find_program_by_name(b->o, run_names[r]));
	uint64_t at[2] = {};
	uint32_t zero = 0;

	bpf_map_update_elem(bpf_map__fd(map_of(b, "at")), &zero, at, BPF_ANY);
	if (bpf_prog_test_run_opts(fd, &o))
		die(run_names[r]);
	bpf_map_lookup_elem(bpf_map__fd(map_of(b, "at")), &zero, at);
	*sum = at[1];
	return (double)o.duration / BATCH;
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), cmp);
	return v[ROUNDS / 2];
}

static void measure(struct bench *b, enum mix m)
{
	double v[RUNS][ROUNDS], md[RUNS];
	uint64_t sum[RUNS];

	mix_make(b, m);
	for (int i = 0; i < ROUNDS; i++)
		for (int r = 0; r < RUNS; r++)
			v[(r + i) % RUNS][i] =
				run_once(b, (enum run)((r + i) % RUNS), &sum[(r + i) % RUNS]);
	if (sum[RUN_TABLE4] != sum[RUN_LPM4] || sum[RUN_TABLE6] != sum[RUN_LPM6])
		fprintf(stderr, "bench_lookup: the table and the trie disagree\n"), exit(1);
	for (int r = 0; r < RUNS; r++)
		md[r] = median(v[r]);
	printf("| %s | %.1f | %.1f | %.1f | **%.1f** | %.1f | %.1f | %.1f | **%.1f** |\n",
	       mix_names[m], md[0], md[1], md[2], md[2] / md[1], md[3], md[4], md[5],
	       md[5] / md[4]);
}

int main(int argc, char **argv)
{
	struct bench b = {};

	if (argc != 2)
		return 2;
	places_make(&b);
	object_load(&b, argv[1]);
	tries_fill(&b);
	printf("## Look-up in the kernel\n\n"
	       "Debian's tor-geoipdb: %zu IPv4 and %zu IPv6 ranges, %u classes. The compiled table has %.1f MB (both families, "
	       "all arrays);\nthe LPM tries hold %lu and %lu prefixes (filled in %.0f and %.0f ms). ns a look-up inside the "
	       "kernel (BPF_PROG_TEST_RUN, %u\nindependent look-ups a run, %u addresses, median of %d rounds in turn; the loop "
	       "itself, which is in every column, stands\nas 'loop'); the sums of all classes are compared: both give the same "
	       "answers. Goal: 15 times for IPv4, 5 for IPv6, Zipf.\n\n"
	       "| addresses | v4 loop | table | LPM | ratio | v6 loop | table | LPM | ratio |\n|---|---|---|---|---|---|---|---|---|\n",
	       b.n4, b.n6, table_classes(b.table), (double)b.bytes / 1e6, b.entries[0],
	       b.entries[1], b.fill_ms[0], b.fill_ms[1], BATCH, ADDRESSES, ROUNDS);
	for (int m = 0; m < MIXES; m++)
		measure(&b, (enum mix)m);
	bpf_object__close(b.o);
	return 0;
}
