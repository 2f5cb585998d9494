/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_status.c - what runs, with which tables of what age, what was counted, and what is not
 * covered. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"
#include "agent/base/stderr_queue.h"
#include "agent/base/text.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

/* json_string refuses what is not UTF-8: names of files and programs may be anything. */
static json_t *string(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();
	size_t size = s ? strlen(s) * 4 + 1 : 0;
	_free_ char *safe = j ? NULL : malloc(size);

	return j ? j : safe ? json_string(text_escape(safe, size, s, SIZE_MAX)) : NULL;
}

static json_t *when(int64_t unix_seconds)
{
	char b[TEXT_SHORT];

	return json_string(text_time(b, unix_seconds));
}

static void set(json_t *o, const char *key, json_t *v)
{
	json_object_set_new(o, key, v);
}

static json_t *hooks(const struct kernel_status *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->nhooks && i < KERNEL_HOOKS_MAX; i++) {
		const struct kernel_hook *h = &s->hook[i];
		json_t *o = json_object();

		set(o, "hook", string(h->name));
		set(o, "attached", json_boolean(h->attached));
		set(o, "wanted", json_boolean(h->wanted));
		set(o, "link", number(h->link_id));
		set(o, "program", number(h->prog_id));
		set(o, "tag", string(h->tag));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *neighbours(const struct kernel_status *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->nneighbours && i < KERNEL_NEIGHBOURS_MAX; i++) {
		json_t *o = json_object();

		set(o, "hook", string(s->neighbour[i].hook));
		set(o, "program", number(s->neighbour[i].prog_id));
		set(o, "name", string(s->neighbour[i].name));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *devices(const struct kernel_status *s)
{
	static const char *const scope[] = {"none", "own", "all"};
	json_t *o = json_object(), *a = json_array();

	for (size_t i = 0; i < s->ndevices; i++) {
		json_t *d = json_object();

		set(d, "device", string(s->device[i].name));
		set(d, "attached", json_boolean(s->device[i].attached));
		set(d, "program", number(s->device[i].prog_id));
		json_array_append_new(a, d);
	}
	set(o, "scope", string(scope[s->devices]));
	set(o, "by", string(s->devices_by));
	set(o, "list", a);
	set(o, "left_out", number(s->devices_left_out));
	return o;
}

json_t *daemon_sentences(const char *const *s)
{
	json_t *a = json_array();

	for (; s && *s; s++)
		json_array_append_new(a, json_string(*s));
	return a;
}

json_t *daemon_kernel_status(struct kernel *k)
{
	struct kernel_status s;
	json_t *o = json_object();
	int r = kernel_status(k, &s);

	if (r < 0) {
		set(o, "error", string(strerror(-r)));
		return o;
	}
	set(o, "generation", number(s.generation));
	set(o, "adopted", json_boolean(s.adopted));
	set(o, "mode", string(daemon_mode_name(s.mode)));
	set(o, "cgroup", string(s.cgroup));
	set(o, "whole_host", json_boolean(s.whole_host));
	set(o, "cgroup_missing", json_boolean(!s.cgroup_id));
	set(o, "pins", string(s.pins));
	set(o, "table_bytes", number(s.table_bytes));
	set(o, "hooks", hooks(&s));
	set(o, "neighbours", neighbours(&s));
	set(o, "devices", devices(&s));
	return o;
}

static const char *const counter_name[] = {
	[ABI_LOST_DENIALS] = "lost_denials",
	[ABI_LOST_FLOWS] = "lost_flow_ends",
	[ABI_LOST_FOLDS] = "lost_folds",
	[ABI_LOST_STORAGE] = "lost_storage",
	[ABI_MALFORMED] = "malformed",
	[ABI_SOURCE_ROUTES] = "source_routes",
	[ABI_EXTENSIONS] = "extension_headers",
	[ABI_UNRESOLVED_CGROUPS] = "unresolved_cgroups",
	[ABI_DHCP] = "dhcp",
	[ABI_DHCP_LIMITED] = "dhcp_limited",
	[ABI_CONNECT_DENIED] = "connect_denied",
	[ABI_SYN_DENIED] = "syn_denied",
	[ABI_OPTION_DENIED] = "option_denied",
	[ABI_NOT_IP] = "not_ip",
};
_Static_assert(sizeof(counter_name) / sizeof(counter_name[0]) == ABI_COUNTERS, "a name a counter");

static json_t *total(const struct abi_total *t)
{
	json_t *o = json_object();

	set(o, "packets", number(t->packets));
	set(o, "bytes", number(t->bytes));
	return o;
}

static json_t *counters(struct kernel *k)
{
	static const char *const action[] = {"allow", "alert", "block", "local"};
	struct kernel_totals t;
	json_t *o = json_object();

	if (kernel_counters(k, &t) < 0)
		return o;
	for (unsigned i = 0; i < 4; i++)
		set(o, action[i], total(&t.sum.action[i]));
	set(o, "would_block", total(&t.sum.passed));
	set(o, "device_passed", total(&t.sum.device_passed));
	for (unsigned i = 0; i < ABI_COUNTERS; i++)
		set(o, counter_name[i], number(t.sum.count[i]));
	return o;
}

static json_t *policy_status(const struct daemon *d)
{
	const struct policy *p = d->engine->policy;
	int64_t now = (int64_t)(loop_unix_ns() / LOOP_SECOND),
		loaded = (int64_t)(d->loaded_ns / LOOP_SECOND);
	json_t *o = json_object();

	set(o, "file", string(p->file));
	set(o, "shipped", json_boolean(d->engine->policy_shipped));
	set(o, "sha256", string(p->sha256));
	set(o, "rules", number(p->nrules));
	set(o, "loaded", when(loaded));
	set(o, "age_seconds", json_integer(now - loaded));
	set(o, "mode", string(daemon_mode_name(p->mode)));
	set(o, "on_disk", string(daemon_policy_on_disk(d)));
	if (d->engine->compiled->next_change != INT64_MAX)
		set(o, "next_change", when(d->engine->compiled->next_change));
	return o;
}

int64_t daemon_places_age(const struct engine *e)
{
	return places_age(e->places, (int64_t)(loop_unix_ns() / LOOP_SECOND));
}

/* Which source is over its max-age by most. */
static void put_stale(json_t *o, const struct engine *e)
{
	const struct engine_age *a = &e->oldest;

	set(o, "stale", json_boolean(a->source));
	set(o, "stale_blocks", json_boolean(e->stale));
	if (!a->source)
		return;
	set(o, "stale_file", string(a->source->path));
	set(o, "stale_age_seconds", a->age < 0 ? json_null() : json_integer(a->age));
	set(o, "max_age_seconds", json_integer(a->max));
	set(o, "stale_others", json_integer(a->others));
}

static json_t *one_source(const struct engine *e, const struct source *s, int64_t now)
{
	json_t *o = json_object();
	int64_t date;
	const char *sha256 = engine_source(e, s, &date);

	set(o, "format", string(s->format));
	set(o, "file", string(s->path));
	set(o, "sha256", string(sha256));
	set(o, "date", date ? when(date) : json_null());
	set(o, "age_seconds", date ? json_integer(now - date) : json_null());
	set(o, "claims", number(s->claims));
	return o;
}

static json_t *places_status(const struct daemon *d)
{
	const struct engine *e = d->engine;
	int64_t now = (int64_t)(loop_unix_ns() / LOOP_SECOND);
	json_t *o = json_object(), *a = json_array();

	for (size_t i = 0; i < places_sources(e->places); i++)
		json_array_append_new(a, one_source(e, places_source(e->places, i), now));
	set(o, "sources", a);
	set(o, "classes", number(table_classes(e->table)));
	set(o, "places", number(places_count(e->places)));
	set(o, "age_seconds", json_integer(daemon_places_age(e)));
	set(o, "facts", number(e->facts));
	put_stale(o, e);
	return o;
}

static json_t *feeds_status(const struct daemon *d)
{
	const struct policy *p = d->engine->policy;
	json_t *a = json_array();

	for (unsigned i = 0; i < d->feeds.n; i++) {
		const struct feed *f = d->feeds.feed[i].feed;
		struct road_state s;
		json_t *o = json_object();

		feed_state(f, &s);
		set(o, "transport", string(feed_transport(f)));
		set(o, "target", string(s.name));
		set(o, "format", string(feed_format(f)->name));
		set(o, "lines", number(s.lines));
		set(o, "waiting", number(s.waiting));
		set(o, "lost", number(s.lost));
		set(o, "sent", number(s.flight));
		set(o, "sent_again", number(s.again));
		set(o, "kept_over_restart", json_boolean(s.durable));
		set(o, "no_progress_seconds",
		    number(s.behind_ns ? (loop_monotonic_ns() - s.behind_ns) / LOOP_SECOND : 0));
		set(o, "failing", json_boolean(s.error));
		set(o, "error", s.error ? string(s.why) : json_null());
		json_array_append_new(a, o);
	}
	for (size_t i = 0; i < p->nfeeds; i++) {
		if (!feed_unsupported(&p->feeds[i]))
			continue;
		json_array_append_new(a,
				      json_pack("{sssssIss}", "transport", p->feeds[i].transport,
						"target", p->feeds[i].target, "lost", (json_int_t)0,
						"error", "this version does not deliver to it"));
	}
	return a;
}

static json_t *messages(const struct daemon *d)
{
	json_t *a = json_array();
	unsigned from = d->nmessages > DAEMON_MESSAGES_MAX ? d->nmessages - DAEMON_MESSAGES_MAX : 0;

	for (unsigned i = from; i < d->nmessages; i++) {
		const struct daemon_message *m = &d->message[i % DAEMON_MESSAGES_MAX];
		json_t *o = json_object();

		set(o, "time", when((int64_t)(m->time_ns / LOOP_SECOND)));
		set(o, "action", string(m->action));
		set(o, "text", string(m->text));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *flows(struct daemon *d)
{
	uint64_t n[4] = {0};
	json_t *o = json_object();

	if (d->kernel_source && kernel_source_count(d->kernel_source, n) < 0)
		return json_null(); /* the kernel has no iterator for them */
	set(o, "allow", number(n[DECIDE_ALLOW]));
	set(o, "alert", number(n[DECIDE_ALERT]));
	set(o, "block", number(n[DECIDE_BLOCK]));
	set(o, "local", number(n[DECIDE_LOCAL]));
	return o;
}

static json_t *agent_counts(struct daemon *d)
{
	struct kernel_source_state s = {0};
	struct pcap_live_state p = {0};
	json_t *o = json_object();

	if (d->pcap_live)
		pcap_live_state(d->pcap_live, &p);

	if (d->kernel_source)
		kernel_source_state(d->kernel_source, &s);
	set(o, "events", number(d->events));
	set(o, "folded", number(aggregate_suppressed(d->aggregate)));
	set(o, "verdict_mismatches", number(s.mismatches));
	set(o, "records", number(s.records));
	set(o, "dead_processes", number(s.dead_processes));
	set(o, "cut_connections", number(s.cut));
	set(o, "lost_messages", number(stderr_queue_lost()));
	set(o, "packets", number(p.packets));
	return o;
}

static json_t *pcap_live_status(struct pcap_live *w)
{
	static const char *const not_covered[] = {
		"this source only listens: nothing is blocked",
		"processes and units are looked up after the packet, and only for sockets of this network namespace",
		NULL};
	struct pcap_live_state s;
	json_t *o = json_object();

	pcap_live_state(w, &s);
	set(o, "interface", string(s.interface));
	set(o, "packets", number(s.packets));
	set(o, "dropped", number(s.dropped + s.dropped_by_interface));
	set(o, "not_covered", daemon_sentences(not_covered));
	return o;
}

json_t *daemon_status(struct daemon *d)
{
	json_t *o = json_object();

	set(o, "ok", json_true());
	set(o, "running", json_true());
	set(o, "version", string(CORDON_VERSION));
	set(o, "pid", number((uint64_t)getpid()));
	set(o, "since", when((int64_t)(d->started_ns / LOOP_SECOND)));
	set(o, "mode", string(daemon_mode_name(d->mode)));
	set(o, "mode_from", string(d->mode_override >= 0 ? "request" : "policy"));
	set(o, "trial_seconds_left", daemon_trial_status(d));
	set(o, "source", string(d->cfg.pcap ? "pcap" : "ebpf"));
	set(o, "fallback", d->boot_action ? string(d->boot_text) : json_null());
	set(o, "policy", policy_status(d));
	set(o, "places", places_status(d));
	if (d->kernel) {
		set(o, "kernel", daemon_kernel_status(d->kernel));
		set(o, "names", daemon_names_status(d));
		set(o, "frames", daemon_frames_status(d));
		set(o, "meters", daemon_meters_status(d));
		set(o, "counters", counters(d->kernel));
		set(o, "not_covered", daemon_sentences(kernel_not_covered()));
	}
	if (d->pcap_live)
		set(o, "wire", pcap_live_status(d->pcap_live));
	set(o, "agent", agent_counts(d));
	set(o, "flows", flows(d));
	set(o, "feeds", feeds_status(d));
	set(o, "journal", daemon_journal_status(d));
	set(o, "ledger", daemon_ledger_status(d));
	set(o, "last_reload", d->last_reload[0] ? string(d->last_reload) : json_null());
	set(o, "messages", messages(d));
	return o;
}

static json_t *refuse(int code, const char *why)
{
	return json_pack("{sbsiss}", "ok", 0, "exit", code, "error", why);
}

static int mode_of(const json_t *request, int *ret)
{
	const json_t *mode = json_object_get(request, "mode");
	const char *s = json_string_value(mode);

	if (!mode)
		return 0;
	if (s && strcmp(s, "enforce") == 0)
		*ret = MODE_ENFORCE;
	else if (s && strcmp(s, "monitor") == 0)
		*ret = MODE_MONITOR;
	else if (s && strcmp(s, "policy") == 0)
		*ret = -1;
	else
		return -EINVAL;
	return 1;
}

/* Both at once: the new policy takes effect in the new mode, or neither does. */
static int reload_with(struct daemon *d, const char *policy, int mode, bool has_mode, FILE *to)
{
	char *old_path = d->policy_path;
	int old_mode = d->mode_override, r;

	if (has_mode && !policy)
		return daemon_set_mode(d, mode, to);
	if (policy) {
		d->policy_path = strdup(policy);
		if (!d->policy_path) {
			d->policy_path = old_path;
			return EXIT_FAILED;
		}
	}
	if (has_mode)
		d->mode_override = mode;
	r = daemon_reload(d, to);
	if (r) {
		if (policy)
			free(d->policy_path);
		d->policy_path = old_path;
		d->mode_override = old_mode;
	} else if (policy) {
		free(old_path);
	}
	return r;
}

static json_t *reload(struct daemon *d, const json_t *request)
{
	const json_t *path = json_object_get(request, "policy");
	char *text = NULL;
	size_t len;
	int mode = -1, has = mode_of(request, &mode), r;
	FILE *to;
	json_t *o;

	if (has < 0 || (path && !json_is_string(path)))
		return refuse(
			EXIT_USAGE,
			"'mode' is \"monitor\", \"enforce\" or \"policy\", 'policy' a file's path");
	to = open_memstream(&text, &len);
	if (!to)
		return refuse(EXIT_FAILED, "not enough memory");
	d->accept_shrink = json_is_true(json_object_get(request, "accept_shrink"));
	r = reload_with(d, json_string_value(path), mode, has > 0, to);
	d->accept_shrink = false;
	if (r == 0 && has > 0)
		daemon_mode_remember(d, mode);
	if (fclose(to) != 0)
		r = r ? r : EXIT_FAILED;
	o = json_object();
	set(o, "ok", json_boolean(r == 0));
	set(o, "exit", json_integer(r));
	set(o, "diagnostics", string(text ? text : ""));
	set(o, "mode", string(daemon_mode_name(d->mode)));
	set(o, "policy", string(d->engine->policy->file));
	set(o, "sha256", string(d->engine->policy->sha256));
	set(o, "rules", number(d->engine->policy->nrules));
	set(o, "generation", number(d->generation));
	if (r)
		set(o, "error", string("not reloaded: the old policy and mode stay in force"));
	free(text);
	return o;
}

json_t *daemon_request(void *daemon, const json_t *request)
{
	struct daemon *d = daemon;
	const char *verb = json_string_value(json_object_get(request, "verb"));

	if (!verb)
		return refuse(EXIT_USAGE, "the request has no 'verb'");
	if (strcmp(verb, "status") == 0)
		return daemon_status(d);
	if (strcmp(verb, "reload") == 0)
		return reload(d, request);
	if (strcmp(verb, "preview") == 0)
		return daemon_preview(d);
	if (strcmp(verb, "enforce") == 0 || strcmp(verb, "confirm") == 0)
		return daemon_trial_request(d, request, verb[0] == 'c');
	if (strcmp(verb, "second") == 0)
		return daemon_second_agent(d, request);
	if (strcmp(verb, "quarantine") == 0)
		return daemon_quarantine(d, request);
	return refuse(EXIT_USAGE, "no such verb: status, reload, preview, enforce, confirm and "
				  "quarantine are known");
}
