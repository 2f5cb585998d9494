/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_engine.c - loads policy and places beside the running ones, publishes them to the kernel,
 * and only then swaps. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/daemon/daemon.h"
#include "agent/feed/judge.h"
#include "agent/daemon/last_good.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "geo/facts/facts.h"
#include "agent/base/text.h"

#define MASKS_MAX ABI_CGROUPS_MAX

const char *daemon_mode_name(enum policy_mode m)
{
	return m == MODE_ENFORCE ? "enforce" : "monitor";
}

struct daemon_masks {
	const struct engine *engine;
	struct kernel_mask *mask; /* room for MASKS_MAX */
	size_t n;
};

/* cgroups_each goes through the daemon's one callback: during a publish it collects, afterwards it
 * sets. */
void daemon_cgroup_seen(void *daemon, uint64_t id, const char *path)
{
	struct daemon *d = daemon;
	struct daemon_masks *collecting = d->collecting;

	if (collecting) {
		if (collecting->n < MASKS_MAX)
			collecting->mask[collecting->n++] = (struct kernel_mask){
				id, kernel_source_cgroup_mask(collecting->engine, path)};
	} else if (d->kernel && d->engine && d->generation) {
		daemon_guard_cgroup(d, path);
		kernel_cgroup_set(d->kernel, id, kernel_source_cgroup_mask(d->engine, path));
	}
}

int daemon_publish(struct daemon *d, const struct engine *e, enum policy_mode mode, FILE *to)
{
	_free_ struct kernel_mask *cgroups = calloc(MASKS_MAX, sizeof(*cgroups));
	_free_ struct kernel_mask *users = calloc(ABI_USERS_MAX, sizeof(*users));
	struct daemon_masks of_cgroups = {e, cgroups, 0};
	struct kernel_generation g = {.table = e->table, .compiled = e->compiled, .mode = mode};
	struct diag_print p;
	int r;

	if (!cgroups || !users)
		return -ENOMEM;
	if (d->cgroups && (e->compiled->header.needs & DECIDE_NEEDS_CGROUP)) {
		d->collecting = &of_cgroups;
		cgroups_each(d->cgroups);
		d->collecting = NULL;
	}
	g.cgroups = cgroups;
	g.ncgroups = of_cgroups.n;
	g.users = users;
	g.nusers = daemon_users(d, e->compiled, users, ABI_USERS_MAX, to);
	diag_print_init(&p, to);
	r = kernel_publish(d->kernel, &g, &d->published, &p.sink);
	diag_print_done(&p);
	return r;
}

static void schedule_change(struct daemon *d)
{
	int64_t now = (int64_t)(loop_unix_ns() / LOOP_SECOND),
		at = d->engine->compiled->next_change;
	uint64_t in = at == INT64_MAX ? 0 : at > now ? (uint64_t)(at - now) * LOOP_SECOND : 1;

	/* at most a day ahead: the clock may be set meanwhile */
	if (in > 86400 * LOOP_SECOND)
		in = 86400 * LOOP_SECOND;
	loop_timer_set(d->loop, d->change_timer, in, 0);
}

/* Everything is loaded and the kernel decides by it: the old engine goes, and with it whatever
 * pointed there. */
static void swap(struct daemon *d, struct engine *e, enum policy_mode mode)
{
	struct engine *old = d->engine;

	if (d->pcap_live)
		pcap_live_engine(d->pcap_live, e);
	if (d->aggregate)
		aggregate_flush(d->aggregate);
	judge_hold(true); /* roads judge by it */
	d->engine = e;
	judge_hold(false);
	d->mode = mode;
	d->generation = d->published.generation;
	d->loaded_ns = loop_unix_ns();
	d->stale_told = false;
	if (d->kernel_source)
		kernel_source_engine(d->kernel_source, e, d->generation);
	engine_free(old);
	schedule_change(d);
}

/* The paths that cfg points to. */
struct paths {
	char refuted[512], quarantine[512];
};

static void config_of(const struct daemon *d, struct engine_config *cfg, struct paths *p)
{
	*cfg = (struct engine_config){.policy = d->policy_path ? d->policy_path : d->cfg.policy,
				      .geo = d->cfg.geo,
				      .ngeo = d->cfg.ngeo,
				      .refuted = daemon_refuted_path(d, p->refuted),
				      .quarantine = daemon_quarantine_path(d, p->quarantine),
				      .now = (int64_t)(loop_unix_ns() / LOOP_SECOND),
				      .live = !d->cfg.pcap};
}

static int load_exit(int r)
{
	return r == -EINVAL ? EXIT_POLICY : EXIT_FAILED;
}

/* Nothing came of it: the facts that the engine in force was made with are in use again. */
static int settled(const struct daemon *d, int r)
{
	if (r && d->engine)
		facts_use(d->engine->facts);
	return r;
}

/* Builds the new engine, with facts that were installed meanwhile. 0 or an exit code; nothing of the
 * daemon changes. */
static int load_from(struct daemon *d, const struct engine_config *cfg, struct engine **ret,
		     FILE *to)
{
	struct diag_print p;
	int r;

	diag_print_init(&p, to);
	if (facts_renew(&p.sink) < 0) {
		diag_print_done(&p);
		return EXIT_FAILED;
	}
	r = engine_load(ret, cfg, d->engine, &p.sink);
	if (r == 0) {
		policy_lint((*ret)->policy, cfg->now, &p.sink);
		if (!(*ret)->places_reused)
			daemon_regions_tell(d, (*ret)->places, &p.sink);
	}
	diag_print_done(&p);
	return r < 0 ? load_exit(r) : 0;
}

/* A database that has lost a fifth of what the same file had is cut, or a mistake. */
static int check_shrink(struct daemon *d, const struct engine *e, FILE *to)
{
	struct last_good l;
	struct diag_print p;
	unsigned n = 0;

	if (d->accept_shrink || last_good_read(&l, d->cfg.state))
		return 0;
	diag_print_init(&p, to);
	n = last_good_shrank(&l, e, &p.sink);
	diag_print_done(&p);
	return n ? EXIT_FAILED : 0;
}

static int load(struct daemon *d, struct engine **ret, FILE *to)
{
	struct engine *e = NULL;
	struct engine_config cfg;
	struct paths paths;
	int r;

	config_of(d, &cfg, &paths);
	r = load_from(d, &cfg, &e, to);
	r = r ? r : check_shrink(d, e, to);
	if (r)
		engine_free(e);
	else
		*ret = e;
	return r;
}

static enum policy_mode mode_for(const struct daemon *d, const struct engine *e, int override)
{
	(void)d;
	return override >= 0 ? (enum policy_mode) override : e->policy->mode;
}

static int install(struct daemon *d, struct engine *e, int override, FILE *to)
{
	enum policy_mode mode = mode_for(d, e, override);
	struct daemon_feeds feeds = {0};
	int r;

	if (d->cfg.pcap && mode == MODE_ENFORCE) {
		fputs("cordon: a source that only listens (pcap) cannot block: use --source ebpf, or mode monitor\n",
		      to);
		return EXIT_USAGE;
	}
	r = daemon_open_feeds(d, e, &feeds, to);
	if (r)
		return r;
	r = daemon_metrics_load(d, e, to);
	r = r ? r : daemon_journal_load(d, e, to);
	if (r == 0 && d->kernel && daemon_publish(d, e, mode, to) < 0)
		r = EXIT_FAILED;
	if (r) {
		daemon_close_feeds(&feeds);
		return r;
	}
	d->mode_override = override;
	swap(d, e, mode);
	daemon_close_feeds(&d->feeds); /* after the last events of the old policy went there */
	d->feeds = feeds;
	daemon_journal_settle(d);
	return 0;
}

static void begin(struct daemon *d, struct engine *e)
{
	d->engine = e; /* nothing to swap yet; daemon_run publishes when the kernel is there */
	d->mode = mode_for(d, e, d->mode_override);
	d->loaded_ns = loop_unix_ns();
}

int daemon_load(struct daemon *d, FILE *to)
{
	struct engine *e = NULL;
	int r = load(d, &e, to);

	if (r == 0)
		begin(d, e);
	return r;
}

int daemon_load_other(struct daemon *d, const struct daemon_load_from *from)
{
	_free_ char *said = NULL;
	struct engine *e = NULL;
	struct engine_config cfg;
	struct paths paths;
	size_t len;
	FILE *to = open_memstream(&said, &len); /* it has been said of what was given */
	int r;

	if (!to)
		return EXIT_FAILED;
	config_of(d, &cfg, &paths);
	cfg.policy = from->policy ? from->policy : cfg.policy;
	cfg.text = from->text;
	cfg.no_geo = from->no_geo;
	if (from->ngeo) {
		cfg.geo = from->geo;
		cfg.ngeo = from->ngeo;
	}
	r = load_from(d, &cfg, &e, to);
	if (r == 0 && !from->ngeo && !from->no_geo)
		r = check_shrink(d, e, to);
	fclose(to);
	if (r == 0)
		begin(d, e);
	else
		engine_free(e);
	return r;
}

static int reload(struct daemon *d, int override, FILE *to)
{
	struct engine *e = NULL;
	int r = load(d, &e, to);

	if (r)
		return settled(d, r);
	r = install(d, e, override, to);
	if (r) {
		engine_free(e);
		return settled(d, r);
	}
	d->boot_action = NULL;
	daemon_keep(d);
	return 0;
}

int daemon_load_given(struct daemon *d)
{
	_free_ char *said = NULL;
	size_t len;
	FILE *to = open_memstream(&said, &len);
	int r = to ? reload(d, d->mode_override, to) : EXIT_FAILED;

	if (to)
		fclose(to);
	return r;
}

int daemon_reload(struct daemon *d, FILE *to)
{
	enum policy_mode before = d->mode;
	int r = reload(d, d->mode_override, to);
	char at[TEXT_SHORT];

	text_time(at, (int64_t)(loop_unix_ns() / LOOP_SECOND));
	if (r) {
		text_put(d->last_reload, sizeof(d->last_reload),
			 "%s failed: %s; the old policy stays", at,
			 r == EXIT_POLICY ? "the policy is wrong" : "see the journal");
		daemon_tell(d, "reload-failed", "%s; the policy of %s stays in force",
			    r == EXIT_POLICY ? "the policy is wrong"
					     : "policy or places could not be loaded",
			    d->engine->policy->file);
		return r;
	}
	text_put(d->last_reload, sizeof(d->last_reload), "%s done: %s, %zu rules, sha256 %.12s", at,
		 d->engine->policy->file, d->engine->policy->nrules, d->engine->policy->sha256);
	daemon_tell(d, "reloaded", "%s, %zu rules, sha256 %.12s; places %s; facts %ju; mode %s",
		    d->engine->policy->file, d->engine->policy->nrules, d->engine->policy->sha256,
		    d->engine->places_name, (uintmax_t)d->engine->facts, daemon_mode_name(d->mode));
	if (d->mode != before)
		daemon_tell(d, "mode-changed", "%s -> %s by the policy", daemon_mode_name(before),
			    daemon_mode_name(d->mode));
	return 0;
}

int daemon_set_mode(struct daemon *d, int override, FILE *to)
{
	enum policy_mode before = d->mode, mode = mode_for(d, d->engine, override);
	int r;

	if (d->cfg.pcap && mode == MODE_ENFORCE) {
		fputs("cordon: a source that only listens (pcap) cannot block\n", to);
		return EXIT_USAGE;
	}
	r = d->kernel ? kernel_mode(d->kernel, mode) : 0;
	if (r < 0) {
		fprintf(to, "cordon: cannot change the mode in the kernel: %s\n", strerror(-r));
		return EXIT_FAILED;
	}
	d->mode_override = override;
	d->mode = mode;
	if (mode != before)
		daemon_tell(d, "mode-changed", "%s -> %s on request", daemon_mode_name(before),
			    daemon_mode_name(mode));
	return 0;
}

/* The file may have been edited since; what nobody asked to load is not loaded by the calendar. */
static int load_same(struct daemon *d, struct engine **ret)
{
	struct engine *e = NULL;
	int r = load(d, &e, stderr);

	if (r == 0 && strcmp(e->policy->sha256, d->engine->policy->sha256) != 0) {
		engine_free(e);
		return EXIT_FAILED;
	}
	*ret = e;
	return r;
}

int daemon_load_same(struct daemon *d)
{
	struct engine *e = NULL;
	int r = load_same(d, &e);

	if (r)
		return settled(d, r);
	r = install(d, e, d->mode_override, stderr);
	if (r)
		engine_free(e);
	return settled(d, r);
}

/* By the copy that is kept of the policy in force: its file may have been edited, or be wrong. */
int daemon_load_held(struct daemon *d, FILE *to)
{
	struct last_good *l = calloc(1, sizeof(*l));
	_free_ char *text = NULL;
	struct engine_config cfg;
	struct engine *e = NULL;
	struct paths paths;
	size_t len;
	int r;

	config_of(d, &cfg, &paths);
	if (l && last_good_read(l, d->cfg.state) == 0 &&
	    strcmp(l->policy.sha256, d->engine->policy->sha256) == 0 &&
	    file_read(&text, &len, AT_FDCWD, l->policy.path, ENGINE_POLICY_MAX) == 0)
		cfg.text = text;
	free(l);
	cfg.policy = cfg.text ? d->engine->policy->file : cfg.policy;
	r = load_from(d, &cfg, &e, to);
	if (r == 0 && strcmp(e->policy->sha256, d->engine->policy->sha256) != 0) {
		fputs("cordon: the policy's file is not what is in force: reload first\n", to);
		r = EXIT_FAILED;
	}
	r = r ? r : install(d, e, d->mode_override, to);
	if (r)
		engine_free(e);
	return settled(d, r);
}

void daemon_load_due(struct daemon *d)
{
	if (!d->disputed_due)
		return;
	d->disputed_due = false;
	if (daemon_load_same(d) == 0)
		daemon_tell(d, "places-disputed",
			    "distance has refuted the places of %zu "
			    "addresses: they are disputed from now on",
			    d->disputed);
	else
		diag_say("the refuted places are written down; the "
			 "next reload makes them disputed");
}

void daemon_recompile(void *daemon)
{
	struct daemon *d = daemon;
	int64_t now = (int64_t)(loop_unix_ns() / LOOP_SECOND);

	if (d->engine->compiled->next_change > now) {
		schedule_change(d);
		return;
	}
	if (daemon_load_same(d) == 0 || daemon_load_held(d, stderr) == 0) {
		daemon_tell(d, "policy-date",
			    "a date of the policy came: rules and zones hold as of today");
		return;
	}
	daemon_tell(d, "reload-failed",
		    "a date of the policy came, and its file is wrong "
		    "or was changed; 'cordon reload' loads it");
	loop_timer_set(d->loop, d->change_timer, 3600 * LOOP_SECOND, 0);
}
