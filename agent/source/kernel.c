/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.c - kernel records -> attributed events; follows the counts of violating flows. */
#include "agent/source/kernel.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"

#define BUCKETS 8192

/* A violating flow: what of its counts has been told already. */
struct follow {
	bool used;
	struct flow_key key;
	uint64_t cgroup;
	struct follow *next;
	uint64_t handle;
	uint64_t packets, bytes; /* told */
	/* of sockets and turns that are over; what a live one has comes on top */
	uint64_t done_packets, done_bytes;
};
struct kernel_source {
	struct kernel_source_config cfg;
	const struct engine *engine;
	uint32_t generation;
	struct kernel_source_state state;
	unsigned hand;
	kernel_source_flow_fn *flow_fn; /* during kernel_source_flows */
	void *flow_arg;
	char unit[PROCESS_UNIT_MAX], path[4096];
	struct follow *bucket[BUCKETS];
	struct follow follow[KERNEL_SOURCE_FLOWS_MAX];
};

int kernel_source_new(struct kernel_source **ret, const struct kernel_source_config *cfg)
{
	struct kernel_source *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	*ret = r;
	return 0;
}

void kernel_source_free(struct kernel_source *r)
{
	free(r);
}

void kernel_source_engine(struct kernel_source *r, const struct engine *e, uint32_t generation)
{
	r->engine = e;
	r->generation = generation;
}

static uint64_t flow_hash(const struct flow_key *k, uint64_t cgroup)
{
	uint64_t h = 0xcbf29ce484222325ull ^ cgroup;

	for (unsigned i = 0; i < 16; i++)
		h = (h ^ k->src.b[i] ^ (uint64_t)k->dst.b[i] << 8) * 0x100000001b3ull;
	h = (h ^ ((uint64_t)k->sport << 24 | (uint64_t)k->dport << 8 | k->proto)) *
	    0x100000001b3ull;
	return h ^ h >> 29;
}

static struct flow_key key_of(const struct kernel_record *k)
{
	return (struct flow_key){.src = k->src,
				 .dst = k->dst,
				 .sport = k->sport,
				 .dport = k->dport,
				 .proto = k->proto};
}

static bool flow_same(const struct flow_key *a, const struct flow_key *b)
{
	return a->sport == b->sport && a->dport == b->dport && a->proto == b->proto &&
	       ip_cmp(&a->src, &b->src) == 0 && ip_cmp(&a->dst, &b->dst) == 0;
}

static struct follow *follow_find(struct kernel_source *r, const struct flow_key *k,
				  uint64_t cgroup)
{
	struct follow *f = r->bucket[flow_hash(k, cgroup) % BUCKETS];

	while (f && (f->cgroup != cgroup || !flow_same(&f->key, k)))
		f = f->next;
	return f;
}

static void follow_drop(struct kernel_source *r, struct follow *f)
{
	struct follow **at = &r->bucket[flow_hash(&f->key, f->cgroup) % BUCKETS];

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->used = false;
	r->state.following--;
}

/* Full: the one that the hand points at goes; its later packets are told as a new flow. */
static struct follow *follow_add(struct kernel_source *r, const struct flow_key *k, uint64_t cgroup)
{
	struct follow **at = &r->bucket[flow_hash(k, cgroup) % BUCKETS];
	struct follow *f = NULL;

	for (unsigned i = 0; i < 64 && !f; i++) {
		struct follow *next = &r->follow[r->hand++ % KERNEL_SOURCE_FLOWS_MAX];

		f = next->used ? NULL : next;
	}
	if (!f) {
		f = &r->follow[r->hand++ % KERNEL_SOURCE_FLOWS_MAX];
		if (f->used)
			follow_drop(r, f);
	}
	*f = (struct follow){.used = true, .key = *k, .cgroup = cgroup, .next = *at};
	*at = f;
	r->state.following++;
	return f;
}

void kernel_source_forget(struct kernel_source *r)
{
	for (unsigned i = 0; i < KERNEL_SOURCE_FLOWS_MAX; i++)
		r->follow[i].handle = 0;
}

uint32_t kernel_source_cgroup_mask(const struct engine *e, const char *path)
{
	return compiled_cgroup_mask(e->compiled, path);
}

static void on_unresolved(struct kernel_source *r, uint64_t cgroup)
{
	const char *path = r->cfg.cgroups ? cgroups_path(r->cfg.cgroups, cgroup) : NULL;

	r->state.unresolved++;
	/* no path: the cgroup is gone already; its sockets stay "unresolved", which never allows by
	 * accident */
	if (path && r->engine)
		kernel_cgroup_set(r->cfg.kernel, cgroup,
				  kernel_source_cgroup_mask(r->engine, path));
}

/* Gone, or a zombie, before anybody could look into /proc: the kernel made a note when it was at
 * socket() or connect(). */
static int attribute_dead(struct kernel_source *r, const struct kernel_record *k, struct process *p)
{
	struct kernel_exec i;
	int err;

	r->state.dead_processes++;
	if (!p->comm)
		p->comm = k->comm[0] ? k->comm : NULL;
	err = kernel_exec(r->cfg.kernel, k->pid, k->start_ns, &i);
	if (!err)
		err = processes_learn(r->cfg.processes, p, i.exe, i.arguments, i.length);
	return err ? err : processes_lookup(r->cfg.processes, p);
}

static void attribute(struct kernel_source *r, const struct kernel_record *k, struct process *p)
{
	const char *path =
		r->cfg.cgroups && k->cgroup_id ? cgroups_path(r->cfg.cgroups, k->cgroup_id) : NULL;

	*p = (struct process){.pid = k->pid, .start_ns = k->start_ns, .cgroup_id = k->cgroup_id};
	if (path) {
		text_put(r->path, sizeof(r->path), "%s", path);
		p->cgroup = r->path;
		p->unit = process_unit(r->unit, r->path);
	}
	if (k->pid) {
		p->uid = k->uid;
		p->has_uid = 1;
	}
	if ((processes_lookup(r->cfg.processes, p) < 0 || !p->exe) && k->pid && !p->kernel)
		attribute_dead(r, k, p);
}

static void event_of(struct kernel_source *r, const struct kernel_record *k, struct event *e)
{
	memset(e, 0, sizeof(*e));
	e->kind = k->kind == KERNEL_FLOW_END || k->kind == KERNEL_FLOW_SPILL ? EVENT_FLOW_END
									     : EVENT_FLOW;
	e->time_ns = k->first_ns;
	e->last_ns = k->last_ns ? k->last_ns : k->first_ns;
	e->flow = key_of(k);
	e->opened = k->opened;
	e->packets = k->packets;
	e->bytes = k->bytes;
	e->enforced = k->verdict.enforced;
	e->rtt_min_ns = k->rtt_min_ns;
	attribute(r, k, &e->process);
	if (k->verdict.why == ABI_WHY_SOURCE_ROUTE)
		e->detail = "a source route: the header names a hop, not the destination";
	else if (k->verdict.why == ABI_WHY_EXTENSIONS)
		e->detail = "too many IPv6 extension headers";
	else if (k->verdict.why == ABI_WHY_MALFORMED)
		e->detail = "not a whole IP packet";
}

static uint32_t subject_mask(const struct kernel_source *r, const struct process *p)
{
	uint32_t mask = 0;

	if (!r->engine->needs_subject)
		return 0;
	if (p->cgroup)
		mask |= compiled_cgroup_mask(r->engine->compiled, p->cgroup);
	if (p->has_uid)
		mask |= compiled_user_mask(r->engine->compiled, p->user, p->uid);
	return mask;
}

static void query_of(const struct event *e, const struct kernel_record *k, struct engine_query *q)
{
	*q = (struct engine_query){.dst = &e->flow.dst,
				   .src = &e->flow.src,
				   .port = e->opened == OPENED_HERE ? e->flow.dport : e->flow.sport,
				   .proto = e->flow.proto,
				   .has_port = k->has_port,
				   .opened = e->opened,
				   .now_ns = e->last_ns};
}

/* The kernel may have judged before it knew the cgroup: what it knew then is what is compared. */
static enum decide_known known_of(struct kernel_source *r, const struct kernel_record *k,
				  const struct event *e, uint32_t mask)
{
	struct engine_verdict v;
	struct engine_query q;

	if (!r->engine->needs_subject)
		return KNOWN_ALL;
	if (!e->process.cgroup)
		return KNOWN_USER;
	query_of(e, k, &q);
	q.mask = mask;
	q.known = KNOWN_ALL;
	engine_decide(r->engine, &q, &v);
	return v.action == (enum decide_action)k->verdict.action &&
			       v.decision->rule == k->verdict.rule
		       ? KNOWN_ALL
		       : KNOWN_USER;
}

static void tell_mismatch(struct kernel_source *r, const struct kernel_record *k)
{
	char dst[IP_STRLEN], text[192];

	/* the first, the second, the fourth ...: a wrong table would raise one for every packet */
	r->state.mismatches++;
	if (r->state.mismatches & (r->state.mismatches - 1))
		return;
	text_put(text, sizeof(text),
		 "the kernel and the agent decided differently on %s "
		 "port %u protocol %u: kernel action %u rule %u",
		 ip_format(dst, &k->dst), k->dport, k->proto, k->verdict.action, k->verdict.rule);
	r->cfg.alarm(r->cfg.arg, "verdict-mismatch", text);
}

/* Sends it down the road. A record of another generation is decided by the policy of now and not
 * compared. */
static void decide(struct kernel_source *r, const struct kernel_record *k, struct event *e)
{
	struct pipeline_kernel kernel = {.action = k->verdict.action, .rule = k->verdict.rule};
	bool same = k->verdict.generation == r->generation;
	uint32_t mask = subject_mask(r, &e->process);
	int differs = pipeline_event(r->cfg.pipeline, e, k->has_port, known_of(r, k, e, mask), mask,
				     same ? &kernel : NULL);

	/* what the kernel judged by its header rules alone, the matrix need not say */
	if (differs > 0 && k->verdict.why == ABI_WHY_POLICY)
		tell_mismatch(r, k);
}

static bool violates(const struct kernel_record *k)
{
	return k->verdict.action == DECIDE_BLOCK || k->verdict.action == DECIDE_ALERT;
}

/* A packet that was stopped is counted in the fold, one that passed in its socket: never in both.
 */
static bool stopped(const struct kernel_record *k)
{
	return k->verdict.action == DECIDE_BLOCK && k->verdict.enforced;
}

/* kind: EVENT_FLOW for its first packets, EVENT_FLOW_END for what came after them. */
static struct follow *tell(struct kernel_source *r, const struct kernel_record *k,
			   enum event_kind kind)
{
	struct follow *f;
	struct event e;

	event_of(r, k, &e);
	e.kind = kind;
	f = follow_find(r, &e.flow, k->cgroup_id);
	if (!f)
		f = follow_add(r, &e.flow, k->cgroup_id);
	decide(r, k, &e);
	f->handle = *r->cfg.handle;
	f->packets += k->packets;
	f->bytes += k->bytes;
	return f;
}

/* The flow has sent this much in all: what of it was not told yet goes to the summary, or is told
 * anew. */
static void tell_more(struct kernel_source *r, const struct kernel_record *k, struct follow *f,
		      uint64_t packets, uint64_t bytes)
{
	struct kernel_record rest = *k;

	if (packets <= f->packets || bytes < f->bytes)
		return;
	rest.packets = packets - f->packets;
	rest.bytes = bytes - f->bytes;
	if (!aggregate_more(r->cfg.fold, f->handle, rest.packets, rest.bytes, k->last_ns)) {
		tell(r, &rest, EVENT_FLOW_END);
		return;
	}
	f->packets = packets;
	f->bytes = bytes;
}

static void on_end(struct kernel_source *r, const struct kernel_record *k)
{
	struct follow *f;
	struct event e;

	event_of(r, k, &e);
	*r->cfg.quiet = true; /* for the comparison of the verdicts, and for distance */
	decide(r, k, &e);
	*r->cfg.quiet = false;
	if (r->cfg.ended)
		r->cfg.ended(r->cfg.arg, &e);
	if (!violates(k))
		return;
	f = follow_find(r, &e.flow, k->cgroup_id);
	if (!f) { /* its first record was lost: then this tells it */
		f = tell(r, k, EVENT_FLOW);
		f->done_packets = f->packets;
		f->done_bytes = f->bytes;
		return;
	}
	f->done_packets += k->packets;
	f->done_bytes += k->bytes;
	tell_more(r, k, f, f->done_packets, f->done_bytes);
}

static void on_record(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;

	r->state.records++;
	if (k->kind == KERNEL_UNRESOLVED)
		on_unresolved(r, k->cgroup_id);
	else if (k->kind == KERNEL_DENIED || k->kind == KERNEL_ALERTED)
		tell(r, k, EVENT_FLOW);
	else if (k->kind == KERNEL_FLOW_END || k->kind == KERNEL_FLOW_SPILL)
		on_end(r, k);
}

void kernel_source_poll(struct kernel_source *r)
{
	if (r->engine)
		kernel_poll(r->cfg.kernel, on_record, r);
}

/* The folds' counts are the kernel's sums of what was stopped. */
static void on_counts(void *arg, const struct kernel_record *k, bool last)
{
	struct kernel_source *r = arg;
	struct flow_key key = key_of(k);
	struct follow *f = follow_find(r, &key, k->cgroup_id);

	if (!f) /* its record was lost: the fold is all that is known */
		f = tell(r, k, EVENT_FLOW);
	else if (stopped(k))
		tell_more(r, k, f, k->packets, k->bytes);
	if (last)
		follow_drop(r, f);
}

/* What passed of flows that go on: by their sockets. */
static void on_live(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;
	struct flow_key key = key_of(k);
	struct follow *f = violates(k) ? follow_find(r, &key, k->cgroup_id) : NULL;

	if (f)
		tell_more(r, k, f, f->done_packets + k->packets, f->done_bytes + k->bytes);
}

void kernel_source_counts(struct kernel_source *r)
{
	if (!r->engine)
		return;
	kernel_denials(r->cfg.kernel, KERNEL_SOURCE_IDLE_NS, on_counts, r);
	if (r->state.following)
		kernel_flows(r->cfg.kernel, on_live, r);
}

static void on_flow(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;
	struct engine_verdict v;
	struct engine_query q;
	struct event e;

	event_of(r, k, &e);
	query_of(&e, k, &q);
	q.mask = subject_mask(r, &e.process);
	q.known = known_of(r, k, &e, q.mask);
	engine_decide(r->engine, &q, &v);
	e.kind = EVENT_FLOW;
	e.place = &v.where->place;
	e.provider = engine_string(r->engine, e.place->provider);
	e.region = engine_string(r->engine, e.place->region);
	e.rule = v.rule;
	e.policy = r->engine->policy;
	e.verdict = v.action;
	e.severity = v.severity;
	r->flow_fn(r->flow_arg, &e);
}

static void on_folded_flow(void *arg, const struct kernel_record *k, bool last)
{
	(void)last;
	if (stopped(k)) /* what passed is told by its socket, or has ended */
		on_flow(arg, k);
}

int kernel_source_flows(struct kernel_source *r, kernel_source_flow_fn *fn, void *arg)
{
	int n;

	if (!r->engine)
		return 0;
	r->flow_fn = fn;
	r->flow_arg = arg;
	n = kernel_flows(r->cfg.kernel, on_flow, r);
	kernel_denials(r->cfg.kernel, UINT64_MAX, on_folded_flow, r);
	return n;
}

static void on_distance(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;
	struct event e;
	uint32_t mask;

	if (!pipeline_too_near(r->cfg.pipeline, &k->dst, k->rtt_min_ns))
		return;
	event_of(r, k, &e);
	e.kind = EVENT_PLACE_REFUTED;
	mask = subject_mask(r, &e.process);
	pipeline_event(r->cfg.pipeline, &e, k->has_port, known_of(r, k, &e, mask), mask, NULL);
}

void kernel_source_distances(struct kernel_source *r)
{
	if (r->engine && r->engine->distance)
		kernel_flows(r->cfg.kernel, on_distance, r);
}

void kernel_source_state(const struct kernel_source *r, struct kernel_source_state *ret)
{
	*ret = r->state;
}
