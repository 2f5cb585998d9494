/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe_programs.c - does the kernel take the programs of a policy that asks for everything? What a policy does not ask for
 * is left out of its programs, so one that loads today says nothing of the next one.
 *
 * They are made as a generation is (generation.c), with maps of their own that are pinned nowhere, attached to nothing and
 * let go again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"
#include "geo/places.h"

/* Every word that the programs have code for. */
static const char everything[] = "place 10.0.0.0/8 is DE\n"
				 "nat64 2001:db8:64::/96\n"
				 "subject a { unit \"a.service\" }\n"
				 "subject b { user root }\n"
				 "subject c { address 10.1.0.0/16 }\n"
				 "block from a, b to DE port 25\n"
				 "block from c to any opened by peer\n"
				 "alert to DE over 1MB per 1d\n"
				 "alert to DE until 2999-01-01\n"
				 "allow to DE\n";

struct everything {
	struct policy *policy;
	struct places *places;
	struct table *table;
	struct compiled *compiled;
	struct place_class *classes;
};

static const char *place_string(void *arg, uint16_t i)
{
	return places_string(arg, i);
}

static int table_of(struct everything *e, struct diag_sink *d)
{
	const struct policy_set *sets;
	struct table_set set[8] = {};
	size_t n = policy_sets(e->policy, &sets);

	if (n > sizeof(set) / sizeof(*set))
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		set[i] = (struct table_set){.cidrs = sets[i].cidrs,
					    .ncidrs = sets[i].ncidrs,
					    .asn = sets[i].asn};
	return table_build(&e->table, e->places, set, n, d);
}

static int places_of_policy(struct everything *e, struct diag_sink *d)
{
	const struct policy *p = e->policy;
	struct place_line line = {.prefix = p->places[0].prefix,
				  .country = p->places[0].country,
				  .line = 1};
	struct places_config cfg = {.no_files = true,
				    .lines = &line,
				    .nlines = 1,
				    .nat64 = p->nat64,
				    .nnat64 = p->nnat64};

	return places_load(&e->places, &cfg, d);
}

static int everything_compile(struct everything *e, struct diag_sink *d)
{
	struct compile_env env = {.string = place_string, .arg = e->places, .live = 1};

	env.nclasses = table_classes(e->table);
	e->classes = calloc(env.nclasses, sizeof(*e->classes));
	if (!e->classes)
		return -ENOMEM;
	for (uint32_t i = 0; i < env.nclasses; i++)
		e->classes[i] = *table_class(e->table, i);
	env.classes = e->classes;
	return policy_compile(&e->compiled, e->policy, &env, d);
}

/* Does the text above ask for all that there is? */
static bool asks_for_everything(const struct everything *e)
{
	const uint32_t all = DECIDE_NEEDS_CGROUP | DECIDE_NEEDS_USER | DECIDE_NEEDS_SOURCE |
			     DECIDE_NEEDS_OPENED | DECIDE_NEEDS_OVER;
	size_t prefixes;

	places_nat64(e->places, &prefixes);
	return e->compiled->header.needs == all && e->compiled->header.services > 1 && prefixes;
}

static int everything_make(struct everything *e, struct diag_sink *d)
{
	int err = policy_parse(&e->policy, "probe", everything, sizeof(everything) - 1, d);

	err = err ? err : places_of_policy(e, d);
	err = err ? err : table_of(e, d);
	err = err ? err : everything_compile(e, d);
	if (!err && !asks_for_everything(e)) {
		diag_error(d, NULL, 0, "the policy that is tried does not ask for everything");
		err = -EINVAL;
	}
	return err;
}

static void everything_free(struct everything *e)
{
	compiled_free(e->compiled);
	table_free(e->table);
	places_free(e->places);
	policy_free(e->policy);
	free(e->classes);
}

/* The maps that a generation shares with others: here they are nobody else's. */
static int maps_make(struct kernel *k)
{
	struct bpf_program *p;
	int err;

	memset(k->state, 0xff, sizeof(k->state));
	k->settings = calloc(1, sizeof(*k->settings));
	k->observe = observe_bpf__open();
	if (!k->settings || !k->observe)
		return -ENOMEM;
	bpf_object__for_each_program(p, k->observe->obj) bpf_program__set_autoload(p, false);
	err = observe_bpf__load(k->observe);
	for (enum state_map m = 0; !err && m < STATE_MAPS; m++) {
		k->state[m] = fcntl(bpf_map__fd(bpf_object__find_map_by_name(k->observe->obj,
									     state_name(m))),
				    F_DUPFD_CLOEXEC, 3);
		err = k->state[m] < 0 ? -errno : 0;
	}
	return err;
}

static void maps_free(struct kernel *k)
{
	for (enum state_map m = 0; m < STATE_MAPS; m++)
		cleanup_close(&k->state[m]);
	observe_bpf__destroy(k->observe);
	free(k->settings);
	free(k);
}

struct reason {
	char *text;
	size_t size;
};

static void keep_error(void *arg, const struct diag *d)
{
	const struct reason *r = arg;

	if (d->level == DIAG_ERROR)
		snprintf(r->text, r->size, "%s", d->text);
}

int kernel_probe_programs(enum kernel_devices devices, char *ret_why, size_t size)
{
	struct reason reason = {ret_why, size};
	struct diag_sink d = {.fn = keep_error, .arg = &reason};
	struct kernel *k = calloc(1, sizeof(*k));
	struct kernel_published published = {};
	struct everything e = {};
	struct generation *g = NULL;
	int err;

	if (!k)
		return -ENOMEM;
	k->devices = devices;
	snprintf(ret_why, size, "no reason given");
	libbpf_log_begin();
	err = maps_make(k);
	if (err)
		snprintf(ret_why, size, "cannot make the maps: %s", strerror(-err));
	err = err ? err : everything_make(&e, &d);
	if (!err) {
		struct kernel_generation kg = {.table = e.table, .compiled = e.compiled};

		err = generation_make(&g, k, &kg, &published, &d);
	}
	generation_free(g);
	everything_free(&e);
	maps_free(k);
	return err;
}
