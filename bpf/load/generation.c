/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation.c - a policy and a place table become programs with maps of their own, complete before
 * anybody runs them.
 *
 * A generation is immutable: its flat arrays are filled through a mapping, frozen, and only then
 * given to the verifier. The place table is shared by generations with the same bytes (its hash is
 * compared), so that a change of policy that names no new address costs neither the building nor
 * the filling.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

static const char *const place_names[LOOKUP_ARRAYS] = {"p_root4",  "p_entries4", "p_root6",
						       "p_nodes6", "p_leaves6",	 "p_flags",
						       "p_small"};
static const uint8_t place_width[LOOKUP_ARRAYS] = {4, 4, 4, 8, 2, 2, 8};
static const char *const rules_names[DECIDE_ARRAYS] = {"r_row_of", "r_subj_of", "r_tcp",
						       "r_udp",	   "r_proto",	"r_column_of",
						       "r_matrix"};
static const uint8_t rules_width[DECIDE_ARRAYS] = {2, 2, 1, 1, 1, 2, 2};
_Static_assert(LOOKUP_LEAVES6 == 4 && LOOKUP_SMALL == 6 && DECIDE_MATRIX == 6,
	       "the lists above follow the enums");

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Four lanes of multiply and rotate: 6 MB in about a millisecond. Tells equal tables apart from
 * changed ones; nobody attacks it, for both tables are ours. */
static uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
	uint64_t lane[4] = {seed, ~seed, seed * 3, len}, w[4];
	const uint8_t *p = data;

	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(w, p, sizeof(w));
		for (int i = 0; i < 4; i++) {
			lane[i] = (lane[i] ^ w[i]) * 0x9e3779b97f4a7c15u;
			lane[i] ^= lane[i] >> 29;
		}
	}
	for (; len; p++, len--)
		lane[0] = (lane[0] ^ *p) * 0x100000001b3u;
	return ((lane[0] * 31 + lane[1]) * 31 + lane[2]) * 31 + lane[3];
}

/* A frozen array map of one element. Returns a descriptor or -errno. */
static int flat_make(const char *name, uint32_t room, const void *data, size_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, room, 1, &o);
	void *p;

	if (fd < 0)
		return -errno;
	p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (bytes)
		memcpy(p, data, bytes);
	munmap(p, room);
	if (bpf_map_freeze(fd))
		return -errno;
	return TAKE_FD(fd);
}

static uint32_t round8(size_t bytes)
{
	return bytes ? (uint32_t)((bytes + 7) & ~(size_t)7) : 8;
}

static int array_make(const char *name, const void *data, size_t bytes, struct diag_sink *d)
{
	int fd;

	if (bytes > ABI_ARRAY_BYTES_MAX) {
		diag_error(d, NULL, 0, "the table '%s' has %zu bytes; the kernel takes %u", name,
			   bytes, ABI_ARRAY_BYTES_MAX);
		return -E2BIG;
	}
	fd = flat_make(name, round8(bytes), data, bytes);
	if (fd < 0)
		diag_error(d, NULL, 0, "cannot make the kernel map '%s' (%zu bytes): %s", name,
			   bytes, strerror(-fd));
	return fd;
}

static void placemaps_put(struct place_maps *m)
{
	if (!m || --m->refs)
		return;
	for (int i = 0; i < LOOKUP_ARRAYS; i++)
		cleanup_close(&m->fd[i]);
	free(m);
}

static uint64_t placemaps_hash(const struct table_array *a)
{
	uint64_t h = 1;

	for (int i = 0; i < LOOKUP_ARRAYS; i++)
		h = hash_bytes(h, a[i].data, a[i].bytes);
	return h;
}

static int placemaps_make(struct place_maps **ret, const struct table_array *a, uint64_t hash,
			  struct diag_sink *d)
{
	struct place_maps *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->refs = 1;
	m->hash = hash;
	memset(m->fd, 0xff, sizeof(m->fd));
	for (int i = 0; i < LOOKUP_ARRAYS; i++) {
		m->fd[i] = array_make(place_names[i], a[i].data, a[i].bytes, d);
		if (m->fd[i] < 0) {
			int err = m->fd[i];

			m->fd[i] = -1;
			placemaps_put(m);
			return err;
		}
		m->elements[i] = (uint32_t)(a[i].bytes / place_width[i]);
		m->bytes += a[i].bytes;
	}
	m->nat64 = (uint32_t)((const uint64_t *)a[LOOKUP_SMALL].data)[LOOKUP_SMALL_NAT64];
	*ret = m;
	return 0;
}

static int placemaps_get(struct place_maps **ret, const struct kernel *k, const struct table *t,
			 struct kernel_published *p, struct diag_sink *d)
{
	const struct table_array *a;
	uint64_t hash;

	if (table_arrays(t, &a) != LOOKUP_ARRAYS ||
	    a[LOOKUP_SMALL].bytes < LOOKUP_SMALL_WORDS * sizeof(uint64_t))
		return -EINVAL;
	hash = placemaps_hash(a);
	if (k->now && k->now->places->hash == hash) {
		*ret = k->now->places;
		(*ret)->refs++;
		p->table_reused = true;
		return 0;
	}
	return placemaps_make(ret, a, hash, d);
}

static int masks_fill(int fd, bool narrow, const struct kernel_mask *m, size_t n,
		      struct diag_sink *d)
{
	for (size_t i = 0; i < n; i++) {
		struct abi_mask mask = {.subjects = m[i].mask};
		uint32_t id = (uint32_t)m[i].id;

		if (bpf_map_update_elem(fd, narrow ? (const void *)&id : (const void *)&m[i].id,
					&mask, BPF_ANY)) {
			int err = -errno;

			diag_error(d, NULL, 0, "cannot store the mask of %s %llu: %s",
				   narrow ? "user" : "cgroup", (unsigned long long)m[i].id,
				   strerror(-err));
			return err;
		}
	}
	return 0;
}

static int masks_make(struct generation *g, const struct kernel_generation *k, struct diag_sink *d)
{
	int err;

	if (k->ncgroups > ABI_CGROUPS_MAX || k->nusers > ABI_USERS_MAX) {
		diag_error(d, NULL, 0, "%zu cgroups and %zu users; the kernel maps take %d and %d",
			   k->ncgroups, k->nusers, ABI_CGROUPS_MAX, ABI_USERS_MAX);
		return -E2BIG;
	}
	g->cgroups = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "cgroups", 8, sizeof(struct abi_mask),
				    ABI_CGROUPS_MAX, NULL);
	g->users = bpf_map_create(BPF_MAP_TYPE_HASH, "users", 4, sizeof(struct abi_mask),
				  ABI_USERS_MAX, NULL);
	if (g->cgroups < 0 || g->users < 0) {
		err = -errno;
		diag_error(d, NULL, 0, "cannot make the kernel maps of subjects: %s",
			   strerror(-err));
		return err;
	}
	err = masks_fill(g->cgroups, false, k->cgroups, k->ncgroups, d);
	return err ? err : masks_fill(g->users, true, k->users, k->nusers, d);
}

static int rules_make(struct generation *g, const struct compiled *c, struct diag_sink *d)
{
	uint32_t n = c->header.decisions;

	for (int i = 0; i < DECIDE_ARRAYS; i++) {
		g->rules[i] = array_make(rules_names[i], c->array[i], c->bytes[i], d);
		if (g->rules[i] < 0)
			return g->rules[i];
	}
	if (!n || n > DECIDE_DECISIONS_MAX)
		return -EINVAL;
	g->ndecisions = n;
	g->actions = malloc(n);
	if (!g->actions)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		g->actions[i] = c->decisions[i].action & 3;
	g->decisions = array_make("r_decisions", c->decisions, n * sizeof(*c->decisions), d);
	g->totals = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "totals", 4, sizeof(struct abi_total),
				   n, NULL);
	if (g->decisions < 0 || g->totals < 0) {
		diag_error(d, NULL, 0, "cannot make the kernel maps of decisions: %s",
			   strerror(errno));
		return -errno;
	}
	return 0;
}

static int flat_reuse(struct bpf_object *o, const char *name, int fd)
{
	int err = bpf_map__reuse_fd(bpf_object__find_map_by_name(o, name), fd);

	return err ? err : map_value_add(bpf_object__find_map_by_name(o, name));
}

static int maps_reuse(const struct kernel *k, struct generation *g)
{
	struct bpf_object *o = g->skel->obj;
	int err = state_reuse(k, o);

	if (!err)
		err = map_value_begin(bpf_object__find_map_by_name(o, state_name(STATE_SETTINGS)));
	for (int i = 0; !err && i < LOOKUP_ARRAYS; i++)
		err = flat_reuse(o, place_names[i], g->places->fd[i]);
	for (int i = 0; !err && i < DECIDE_ARRAYS; i++)
		err = flat_reuse(o, rules_names[i], g->rules[i]);
	if (!err)
		err = flat_reuse(o, "r_decisions", g->decisions);
	if (!err)
		err = bpf_map__reuse_fd(g->skel->maps.totals, g->totals);
	if (!err)
		err = bpf_map__reuse_fd(g->skel->maps.cgroups, g->cgroups);
	if (!err)
		err = bpf_map__reuse_fd(g->skel->maps.users, g->users);
	return err;
}

static void constants_set(struct generation *g, const struct compiled *c)
{
	bool wide = DECIDE_WIDE(c->header.subjects);

	g->skel->rodata->header = c->header;
	g->skel->rodata->generation = g->number;
	g->skel->rodata->tick_ns = state_tick_ns();
	g->skel->rodata->nat64_count = g->places->nat64;
	g->skel->rodata->column_any = ((const uint16_t *)c->array[DECIDE_COLUMN_OF])[0];
	_Static_assert(KNOWN_ALL == 0, "the first column is that of nobody, all known");
	for (unsigned i = 0; i < c->nmeters; i++)
		g->skel->rodata->meter_of[i] = c->meter[i];
	for (int i = 0; i < LOOKUP_ARRAYS; i++)
		g->skel->rodata->place_limit[i] = g->places->elements[i];
	for (int i = 0; i < DECIDE_ARRAYS; i++)
		g->skel->rodata->rules_limit[i] =
			(uint32_t)(c->bytes[i] / (i == DECIDE_SUBJ_OF && wide ? sizeof(uint64_t)
									      : rules_width[i]));
}

static int programs_load(struct generation *g, const struct kernel *k, const struct compiled *c,
			 struct diag_sink *d)
{
	int err;

	libbpf_log_begin();
	err = map_value_register();
	if (err)
		return err;
	g->skel = egress_bpf__open();
	err = g->skel ? maps_reuse(k, g) : -errno;
	if (!err) {
		constants_set(g, c);
		if (k->no_sendmsg) {
			bpf_program__set_autoload(g->skel->progs.sendmsg4, false);
			bpf_program__set_autoload(g->skel->progs.sendmsg6, false);
		}
		bpf_program__set_autoload(g->skel->progs.device, k->devices != 0);
		bpf_program__set_autoload(g->skel->progs.device_ip, k->devices != 0);
		err = egress_bpf__load(g->skel);
	}
	if (err)
		diag_error(d, NULL, 0, "the kernel does not take the program: %s (%s)",
			   strerror(-err), libbpf_log_text());
	return err;
}

void generation_free(struct generation *g)
{
	if (!g)
		return;
	egress_bpf__destroy(g->skel);
	placemaps_put(g->places);
	for (int i = 0; i < DECIDE_ARRAYS; i++)
		cleanup_close(&g->rules[i]);
	cleanup_close(&g->decisions);
	cleanup_close(&g->totals);
	cleanup_close(&g->cgroups);
	cleanup_close(&g->users);
	free(g->actions);
	free(g);
}

struct generation *generation_new(uint32_t number)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	memset(g->rules, 0xff, sizeof(g->rules));
	g->decisions = g->totals = g->cgroups = g->users = -1;
	g->number = number;
	return g;
}

int generation_make(struct generation **ret, struct kernel *k, const struct kernel_generation *kg,
		    struct kernel_published *p, struct diag_sink *d)
{
	struct generation *g = generation_new(++k->settings->generations);
	uint64_t start = clock_ns();
	int err;

	if (!g)
		return -ENOMEM;
	err = placemaps_get(&g->places, k, kg->table, p, d);
	if (!err)
		err = rules_make(g, kg->compiled, d);
	if (!err)
		err = masks_make(g, kg, d);
	p->ns_fill = clock_ns() - start;
	start = clock_ns();
	if (!err)
		err = programs_load(g, k, kg->compiled, d);
	if (!err)
		err = meters_make(k, kg->compiled, d);
	p->ns_load = clock_ns() - start;
	if (err) {
		generation_free(g);
		return err;
	}
	p->generation = g->number;
	p->table_bytes = g->places->bytes;
	*ret = g;
	return 0;
}

int generation_program(const struct generation *g, enum hook h)
{
	return bpf_program__fd(bpf_object__find_program_by_name(g->skel->obj, hook_def(h)->name));
}
