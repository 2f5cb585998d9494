/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.c - kernel records -> attributed events; follows the counts of violating flows. */
#include "agent/source/kernel.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/loop.h"
#include "agent/base/text.h"
#include "agent/host/netlink.h"
#include "agent/host/socket.h"

#define IP_TCP	   6
#define OWNERS_MAX 20 /* a second: a look reads the descriptors of a cgroup */

struct kernel_source {
	struct kernel_source_config cfg;
	const struct engine *engine;
	uint32_t generation;
	uint64_t owners_second;
	unsigned owners;   /* old sockets whose process was looked for in that second */
	uint64_t users_ns; /* Unix: what was judged before that, was judged by other users */
	struct kernel_source_state state;
	struct once refuted;
	struct kernel_walk live, active;
	uint64_t cut_second;
	unsigned cuts;			/* in that second */
	kernel_source_flow_fn *flow_fn; /* during kernel_source_flows */
	void *flow_arg;
	uint64_t *by_verdict; /* during kernel_source_count */
	char unit[PROCESS_UNIT_MAX], path[4096];
};

int kernel_source_new(struct kernel_source **ret, const struct kernel_source_config *cfg)
{
	struct kernel_source *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	r->live.takes = true;
	*ret = r;
	return 0;
}

bool kernel_source_more(const struct kernel_source *r)
{
	return r->live.more || r->active.more || kernel_denials_more(r->cfg.kernel);
}

void kernel_source_free(struct kernel_source *r)
{
	if (r) {
		kernel_walk_end(&r->live);
		kernel_walk_end(&r->active);
	}
	free(r);
}

static struct flow_key key_of(const struct kernel_record *k)
{
	return (struct flow_key){.src = k->src,
				 .dst = k->dst,
				 .sport = k->sport,
				 .dport = k->dport,
				 .proto = k->proto,
				 .has_icmp = k->has_icmp,
				 .icmp_type = k->icmp_type,
				 .icmp_code = k->icmp_code};
}

uint64_t kernel_source_cgroup_mask(const struct engine *e, const char *path)
{
	return compiled_cgroup_mask(e->compiled, path);
}

static void on_unresolved(void *arg, uint64_t cgroup)
{
	struct kernel_source *r = arg;
	const char *path = r->cfg.cgroups ? cgroups_path(r->cfg.cgroups, cgroup) : NULL;

	r->state.unresolved++;
	/* no path: the cgroup is gone already; its sockets stay "unresolved", which never allows by
	 * accident */
	if (path && r->engine)
		kernel_cgroup_set(r->cfg.kernel, cgroup,
				  kernel_source_cgroup_mask(r->engine, path));
}

void kernel_source_engine(struct kernel_source *r, const struct engine *e, uint32_t generation)
{
	r->engine = e;
	r->generation = generation;
	r->users_ns = 0;
	kernel_on_unresolved(r->cfg.kernel, on_unresolved, r);
}

void kernel_source_users(struct kernel_source *r, uint64_t unix_ns)
{
	r->users_ns = unix_ns;
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
	err = kernel_exec(r->cfg.kernel, k->pid, k->start_ns, k->exec, &i);
	if (!err)
		err = processes_learn(r->cfg.processes, p, i.exe, i.arguments, i.length);
	return err ? err : processes_lookup(r->cfg.processes, p);
}

static void attribute(struct kernel_source *r, const struct kernel_record *k, struct process *p)
{
	struct kernel_exec i;
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
	else if (k->pid && !p->kernel &&
		 !kernel_exec(r->cfg.kernel, k->pid, k->start_ns, k->exec, &i))
		processes_program(r->cfg.processes, p, i.exe, i.arguments, i.length);
}

static enum record_decided decided_by(const struct kernel_source *r, const struct kernel_record *k)
{
	return k->verdict.generation == r->generation && k->first_ns >= r->users_ns
		       ? DECIDED_THERE
		       : DECIDED_BEFORE;
}

/* What the rule's 'over' has counted; 0 when it has none. */
static uint64_t over_used(const struct kernel_source *r, uint16_t rule)
{
	const struct compiled *c = r->engine->compiled;
	uint64_t used = 0;

	for (unsigned i = 0; i < c->nmeters; i++)
		if (c->meter_rule[i] + 1 == rule)
			(void)kernel_meter(r->cfg.kernel, c->meter[i].key, &used);
	return used;
}

/* What was copied before this record came is read before it: the answer that led to a flow, the hello of one that ended. */
static const struct event_names *names_of(struct kernel_source *r, const struct kernel_record *k)
{
	if (!r->cfg.names)
		return NULL;
	kernel_names_poll(r->cfg.kernel);
	return live_names_of(r->cfg.names, k);
}

static void record_of(struct kernel_source *r, const struct kernel_record *k, enum event_kind kind,
		      struct record *ret)
{
	static const enum record_header header[ABI_WHYS] = {
		[ABI_WHY_MALFORMED] = HEADER_MALFORMED,
		[ABI_WHY_SOURCE_ROUTE] = HEADER_SOURCE_ROUTE,
		[ABI_WHY_EXTENSIONS] = HEADER_EXTENSIONS,
		[ABI_WHY_OPTION] = HEADER_OPTION,
		[ABI_WHY_NOT_IP] = HEADER_NOT_IP,
	};

	*ret = (struct record){
		.kind = kind,
		.first_ns = k->first_ns,
		.last_ns = k->last_ns ? k->last_ns : k->first_ns,
		.flow = key_of(k),
		.opened = k->opened,
		.has_port = k->has_port,
		.packets = k->packets,
		.bytes = k->bytes,
		.attempts = k->attempts,
		.enforced = k->verdict.enforced,
		.rtt_min_ns = k->rtt_min_ns,
		.rtt_agreed_ns = k->rtt_agreed_ns,
		.attributed = true,
		.header = k->verdict.why < ABI_WHYS ? header[k->verdict.why] : HEADER_PLAIN,
		.decided = decided_by(r, k),
		.known = (enum decide_known)k->verdict.known,
		.folded = k->folded != ABI_FOLDED_FLOW,
		.verdict = {.action = k->verdict.action, .rule = k->verdict.rule},
		.names = names_of(r, k),
	};
	if (ret->decided == DECIDED_THERE)
		ret->over_used = over_used(r, k->verdict.rule);
	attribute(r, k, &ret->process);
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

static void tell_refuted(struct kernel_source *r, struct record *record)
{
	struct event e;

	record->kind = EVENT_PLACE_REFUTED;
	record->rtt_min_ns = record->rtt_agreed_ns; /* what the event says and is remembered */
	decide(r->engine, record, &e);
	if (e.refuted && once_first(&r->refuted, &e.flow.dst, e.place->country))
		r->cfg.refuted(r->cfg.arg, &e);
}

/* A socket that is older than the agent has no process in the kernel's record. After the decision, which is by what the
 * kernel knew, and only so many a second. */
static void find_owner(struct kernel_source *r, const struct kernel_record *k, struct process *p)
{
	uint64_t second = loop_monotonic_ns() / LOOP_SECOND;
	char procs[4200];

	if (k->pid || !k->cgroup_id || !r->cfg.cgroups)
		return;
	r->owners = second == r->owners_second ? r->owners + 1 : 1;
	r->owners_second = second;
	if (r->owners > OWNERS_MAX ||
	    cgroups_procs(r->cfg.cgroups, k->cgroup_id, procs, sizeof(procs)) < 0)
		return;
	struct flow_key key = key_of(k);
	if (socket_owner(p, &key, procs) == 0)
		processes_lookup(r->cfg.processes, p);
}

/* The event of a record; a place that it refutes is told besides. */
static void event_of(struct kernel_source *r, const struct kernel_record *k, enum event_kind kind,
		     struct event *ret)
{
	struct record record;

	record_of(r, k, kind, &record);
	if (decide(r->engine, &record, ret))
		tell_mismatch(r, k);
	if (decide_violates(ret->verdict))
		find_owner(r, k, &ret->process);
	if (ret->refuted)
		tell_refuted(r, &record);
}

static void give(struct kernel_source *r, struct event *e)
{
	if (!decide_violates(e->verdict))
		return;
	aggregate_event(r->cfg.aggregate, e, loop_monotonic_ns());
	if (r->cfg.top && e->kind == EVENT_FLOW) /* later counts come by top_end */
		top_put(r->cfg.top, e);
}

/* A packet that was stopped is counted in the fold, one that passed in its socket: never in both.
 */
static bool stopped(const struct kernel_record *k)
{
	return k->verdict.action == DECIDE_BLOCK && k->verdict.enforced;
}

/* The ledger names the operator of what was allowed too. */
static void to_ledger(struct kernel_source *r, const struct kernel_record *k, struct event *e,
		      bool last)
{
	if (!e->operator_name)
		decide_operator(r->engine, e);
	kernel_ledger_add(r->cfg.ledger, k, e, last);
}

/* What a flow sent since its first packet: nothing more to alert on, but counts. */
static void on_more(struct kernel_source *r, const struct kernel_record *k)
{
	struct event e;

	event_of(r, k, EVENT_FLOW_END, &e); /* compares the verdicts, and judges the distance */
	if (e.packets || e.attempts)
		give(r, &e);
	if (k->kind != KERNEL_FLOW_END && k->kind != KERNEL_FLOW_SPILL)
		return;
	if (r->cfg.ledger)
		to_ledger(r, k, &e, true);
	if (r->cfg.names && k->kind == KERNEL_FLOW_END)
		live_names_end(r->cfg.names, k);
	if (!r->cfg.top)
		return;
	e.packets = k->whole_packets;
	e.bytes = k->whole_bytes;
	top_end(r->cfg.top, &e);
}

#define CUTS_A_SECOND 1000

/* A TCP connection whose packets are stopped from now on would hang until it times out: its socket
 * is ended, and its process sees an error. Only what the packet hook stopped has a socket that goes
 * on; a refused connect() has told its process itself. */
static void cut(struct kernel_source *r, const struct kernel_record *k)
{
	uint64_t second = loop_monotonic_ns() / LOOP_SECOND;

	if (k->proto != IP_TCP || !stopped(k) || k->verdict.hook != ABI_HOOK_SKB || !k->cookie)
		return;
	r->cuts = second == r->cut_second ? r->cuts + 1 : 0;
	r->cut_second = second;
	if (r->cuts < CUTS_A_SECOND &&
	    netlink_destroy(IP_TCP, &k->src, k->sport, &k->dst, k->dport, k->cookie) == 0)
		r->state.cut++;
}

static void on_record(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;
	struct event e;

	r->state.records++;
	if (k->kind == KERNEL_DENIED || k->kind == KERNEL_ALERTED) {
		event_of(r, k, EVENT_FLOW, &e);
		give(r, &e);
	} else {
		on_more(r, k);
	}
	if (k->kind == KERNEL_DENIED)
		cut(r, k);
}

bool kernel_source_poll(struct kernel_source *r)
{
	processes_turn(r->cfg.processes);
	if (r->cfg.names)
		kernel_names_poll(r->cfg.kernel);
	return r->engine && kernel_poll(r->cfg.kernel, on_record, r) > 0;
}

/* What is new of a flow goes to the ledger, whatever the verdict. */
static void ledger_see(struct kernel_source *r, const struct kernel_record *k, bool last)
{
	struct record record;
	struct event e;

	if (!r->cfg.ledger || (!last && !kernel_ledger_new_in(r->cfg.ledger, k)))
		return;
	record_of(r, k, EVENT_FLOW, &record);
	decide(r->engine, &record, &e);
	to_ledger(r, k, &e, last);
}

/* A fold that goes: what came to it since it was taken from. */
static void on_fold(void *arg, const struct kernel_record *k, bool last)
{
	if (stopped(k))
		ledger_see(arg, k, last);
	if (last && (k->packets || k->attempts))
		on_record(arg, k);
}

void kernel_source_counts(struct kernel_source *r)
{
	if (!r->engine)
		return;
	processes_turn(r->cfg.processes);
	kernel_folds_take(r->cfg.kernel, on_record, r);
	kernel_denials(r->cfg.kernel, KERNEL_SOURCE_IDLE_NS, on_fold, r);
	kernel_flows_active(r->cfg.kernel, &r->live, 1u << DECIDE_BLOCK | 1u << DECIDE_ALERT,
			    on_record, r);
}

static void on_flow(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;
	struct record record;
	struct event e;

	record_of(r, k, EVENT_FLOW, &record);
	record.decided = DECIDED_NOT; /* the running policy's word */
	decide(r->engine, &record, &e);
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
	processes_turn(r->cfg.processes);
	n = kernel_flows(r->cfg.kernel, on_flow, r);
	kernel_denials_look(r->cfg.kernel, on_folded_flow, r);
	return n;
}

static void on_folded_count(void *arg, const struct kernel_record *k, bool last)
{
	struct kernel_source *r = arg;

	(void)last;
	if (stopped(k))
		r->by_verdict[k->verdict.action & 3]++;
}

int kernel_source_count(struct kernel_source *r, uint64_t by_verdict[4])
{
	int n;

	r->by_verdict = by_verdict;
	n = kernel_flows_count(r->cfg.kernel, by_verdict);
	kernel_denials_look(r->cfg.kernel, on_folded_count, r);
	return n;
}

static void on_active(void *arg, const struct kernel_record *k)
{
	struct kernel_source *r = arg;
	struct record record;

	ledger_see(r, k, false);
	if (!r->engine->distance || !decide_too_near(r->engine, &k->dst, k->rtt_agreed_ns))
		return;
	record_of(r, k, EVENT_PLACE_REFUTED, &record);
	tell_refuted(r, &record);
}

void kernel_source_active(struct kernel_source *r)
{
	processes_turn(r->cfg.processes);
	if (r->engine && (r->engine->distance || r->cfg.ledger))
		kernel_flows_active(r->cfg.kernel, &r->active, 0xf, on_active, r);
}

void kernel_source_state(const struct kernel_source *r, struct kernel_source_state *ret)
{
	*ret = r->state;
}
