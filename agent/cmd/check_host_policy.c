/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host_policy.c - 'check --host': what the policy names of this host, its places and its feeds. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/cmd/check_host.h"
#include "agent/engine/engine.h"
#include "agent/feed/feed.h"
#include "agent/host/cgroup.h"
#include "geo/base/cleanup.h"

struct running {
	const struct compiled *compiled;
	uint64_t mask; /* subjects that a control group of now matches */
	unsigned groups;
};

static void seen(void *arg, uint64_t id, const char *path)
{
	struct running *r = arg;

	(void)id;
	r->groups++;
	r->mask |= compiled_cgroup_mask(r->compiled, path);
}

static void gone(void *arg, uint64_t id)
{
	(void)arg, (void)id;
}

static bool user_is_there(const char *name)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	uint64_t uid;

	return (getpwnam_r(name, &pw, buf, sizeof(buf), &found) == 0 && found) ||
	       text_number(&uid, name, UINT32_MAX) == 0;
}

static bool of_cgroup(const struct subject_atom *a)
{
	return a->type == SUBJECT_UNIT || a->type == SUBJECT_USER_UNIT || a->type == SUBJECT_CGROUP;
}

/* A user that is not there is a mistake; a unit that does not run now may run tomorrow. */
static void subject(struct host *h, const struct subject_def *s, bool runs, bool looked)
{
	static const char *const words[] = {[SUBJECT_UNIT] = "unit",
					    [SUBJECT_USER_UNIT] = "user-unit",
					    [SUBJECT_CGROUP] = "cgroup"};
	char where[POLICY_WHERE];

	for (size_t i = 0; i < s->natoms; i++) {
		const struct subject_atom *a = &s->atoms[i];

		if (a->type == SUBJECT_USER)
			host_say(h, user_is_there(a->text) ? HOST_OK : HOST_WARNING, "senders",
				 "%s: user '%s'%s", policy_where(where, a->file, a->line), a->text,
				 user_is_there(a->text) ? ""
							: " is not known here: it matches nobody");
		else if (of_cgroup(a) && looked && s->natoms == 1)
			host_say(h, runs ? HOST_OK : HOST_NOTE, "senders", "%s: %s '%s' %s",
				 policy_where(where, a->file, a->line), words[a->type], a->text,
				 runs ? "is there" : "matches no control group now");
	}
}

static void subjects(struct host *h, const struct engine *e)
{
	struct running r = {.compiled = e->compiled};
	struct cgroups_watch w = {.seen = seen, .gone = gone, .arg = &r};
	struct cgroups *all = NULL;
	int err = *h->cgroup2 ? cgroups_new(&all, h->cgroup2, &w) : -ENOENT;

	cgroups_free(all);
	if (err < 0)
		host_say(h, HOST_UNSEEN, "senders", "the control groups cannot be read: %s",
			 strerror(-err));
	for (uint32_t i = 0; i < e->compiled->header.subjects && i < DECIDE_SUBJECTS_MAX; i++)
		if (e->compiled->subjects[i])
			subject(h, e->compiled->subjects[i], r.mask >> i & 1, !err);
}

static void first_error(void *arg, const struct diag *d)
{
	char *text = arg;

	if (d->level == DIAG_ERROR && !*text)
		text_put(text, 512, "%s%s%s", d->file ? d->file : "", d->file ? ": " : "", d->text);
}

static void places(struct host *h, const struct engine *e)
{
	const struct engine_age *o = &e->oldest;
	char date[TEXT_SHORT], age[TEXT_SHORT];

	if (e->places_date > h->check->now)
		host_say(h, HOST_WARNING, "clock", "it stands before the day of the places (%s)",
			 text_date(date, e->places_date));
	if (o->source)
		host_say(h, HOST_WARNING, "places",
			 "%s is %s old, the policy allows less (cordon geo update)",
			 o->source->path,
			 o->age < 0 ? "nobody knows how" : text_duration(age, o->age));
	if (*e->places_name)
		host_say(h, HOST_OK, "places", "%s%s%s", e->places_name,
			 e->places_date ? " of " : "",
			 e->places_date ? text_date(date, e->places_date) : "");
	else
		host_say(
			h, HOST_WARNING, "places",
			"no source is here: every place is unknown (apt install tor-geoipdb, or cordon geo update)");
}

static void feeds(struct host *h)
{
	const struct policy *p = h->check->policy;
	char why[FEED_WHY], where[POLICY_WHERE];

	for (size_t i = 0; i < p->nfeeds; i++) {
		const struct policy_feed *f = &p->feeds[i];
		int r = feed_ready(f, why);

		host_say(h, r < 0 ? HOST_WARNING : HOST_OK, "feeds", "%s: %s%s%s: %s",
			 policy_where(where, f->file, f->line), f->transport, f->target ? " " : "",
			 f->target ? f->target : "",
			 r < 0 ? why : "ready, as far as can be said without sending");
	}
	if (!p->nfeeds)
		host_say(h, HOST_NOTE, "feeds",
			 "the policy has none: alerts go where 'cordon run --alerts' says");
}

void host_policy(struct host *h)
{
	const struct check *c = h->check;
	char why[512] = "";
	struct diag_sink quiet = {.fn = first_error, .arg = why};
	struct engine_config cfg = {
		.policy = c->path, .text = c->text, .now = c->now, .live = true};
	struct engine *e = NULL;

	if (!h->policy_good) {
		host_say(h, HOST_FAILED, "policy", "%s is wrong: see the errors", c->path);
		return;
	}
	host_say(h, HOST_OK, "policy", "%s: %zu rules, mode %s", c->path, c->policy->nrules,
		 c->policy->mode == MODE_ENFORCE ? "enforce" : "monitor");
	if (engine_load(&e, &cfg, NULL, &quiet)) {
		host_say(h, HOST_FAILED, "places", "%s", *why ? why : "they cannot be loaded");
	} else {
		subjects(h, e);
		places(h, e);
	}
	engine_free(e);
	feeds(h);
}
