/* SPDX-License-Identifier: BSD-2-Clause */
/* records.c - what the programs report: rings and counters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

static uint64_t wall_of(const struct kernel *k, uint64_t mono)
{
	return mono ? (uint64_t)((int64_t)mono + k->mono_to_boot + k->boot_to_wall) : 0;
}

static struct ip ip_of(const struct abi_key *k, const uint8_t *bytes)
{
	struct ip none = {};

	return k->family == 4 || k->family == 6 ? ip_from_bytes(k->family, bytes) : none;
}

static void record_process(struct kernel_record *r, const struct abi_process *p)
{
	r->pid = (int32_t)p->pid;
	r->uid = p->uid;
	r->start_ns = p->start_boot;
	r->cgroup_id = p->cgroup;
	r->cookie = p->cookie;
	r->exec = p->exec;
	r->who = abi_who(p);
	memcpy(r->comm, p->comm, sizeof(p->comm));
	r->comm[sizeof(p->comm)] = 0;
}

static void record_key(struct kernel_record *r, const struct abi_key *k)
{
	r->src = ip_of(k, k->src);
	r->dst = ip_of(k, k->dst);
	r->proto = k->proto;
	if (k->has_port == ABI_ICMP) {
		r->has_icmp = true;
		r->icmp_type = (uint8_t)k->sport;
		r->icmp_code = (uint8_t)k->dport;
	} else {
		r->sport = k->sport;
		r->dport = k->dport;
	}
	r->opened = k->opened == OPENED_PEER ? OPENED_PEER : OPENED_HERE;
	r->has_port = k->has_port == ABI_PORT;
}

static void record_count(const struct kernel *k, struct kernel_record *r, const struct abi_count *c)
{
	r->packets = c->packets;
	r->bytes = c->bytes;
	r->first_ns = wall_of(k, c->first_mono);
	r->first_mono = c->first_mono;
	r->last_ns = wall_of(k, c->last_mono);
	if (r->last_ns < r->first_ns) /* the coarse clock is up to 4 ms behind */
		r->last_ns = r->first_ns;
}

/* What was stopped is in its fold only, and a fold has one decision; what passes stays in its
 * socket, whatever the policy says of it meanwhile. */
static void record_verdict(struct kernel_record *r, const struct abi_verdict *v)
{
	r->verdict = *v;
	r->folded = v->folded < ABI_FOLDEDS ? (enum abi_folded)v->folded : ABI_FOLDED_PROCESS;
	if (v->enforced)
		r->who ^= ((uint64_t)v->generation << 32 | (uint64_t)v->decision << 8 | v->folded) *
			  0x9e3779b97f4a7c15u;
}

void record_of(const struct kernel *k, struct kernel_record *r, const struct abi_record *a)
{
	*r = (struct kernel_record){.kind = (enum kernel_kind)a->kind, .attempts = a->attempts};
	record_key(r, &a->key);
	record_process(r, &a->process);
	record_verdict(r, &a->verdict);
	record_count(k, r, &a->count);
	r->rtt_min_ns = (uint64_t)a->rtt_min_us * 1000;
	r->rtt_agreed_ns = (uint64_t)a->rtt_agreed_us * 1000;
	r->whole_packets = a->whole_packets;
	r->whole_bytes = a->whole_bytes;
}

void names_record(const struct kernel *k, struct kernel_record *r, const struct abi_names_record *a)
{
	*r = (struct kernel_record){.first_ns = wall_of(k, a->at_mono), .first_mono = a->at_mono};
	record_key(r, &a->key);
	record_process(r, &a->process);
}

/* libbpf stops at a negative answer, with the record taken. */
static int ring_record(void *arg, void *data, size_t size)
{
	const struct abi_record *a = data;
	struct kernel *k = arg;
	struct kernel_record r;

	k->polled++;
	if (size >= sizeof(*a)) {
		record_of(k, &r, data);
		k->fn(k->arg, &r);
	}
	return k->polled % 16 == 0 && mono_now() > k->poll_until ? -ECANCELED : 0;
}

static int ring_ask(void *arg, void *data, size_t size)
{
	struct kernel *k = arg;
	uint64_t cgroup;

	if (size >= sizeof(cgroup) && k->unresolved) {
		memcpy(&cgroup, data, sizeof(cgroup));
		k->unresolved(k->unresolved_arg, cgroup);
	}
	return 0;
}

void kernel_on_unresolved(struct kernel *k, kernel_unresolved_fn *fn, void *arg)
{
	k->unresolved = fn;
	k->unresolved_arg = arg;
}

void kernel_unresolved(struct kernel *k)
{
	if (k->unresolved)
		ring_buffer__consume(k->asks);
}

static int epoll_add(int epoll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int records_open(struct kernel *k, struct diag_sink *d)
{
	int err;

	k->asks = ring_buffer__new(k->state[STATE_ASK_RING], ring_ask, k, NULL);
	k->denials = ring_buffer__new(k->state[STATE_DENIAL_RING], ring_record, k, NULL);
	k->flows = ring_buffer__new(k->state[STATE_FLOW_RING], ring_record, k, NULL);
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!k->asks || !k->denials || !k->flows || k->epoll < 0) {
		err = -errno;
		diag_error(d, NULL, 0, "cannot map the event rings: %s", strerror(-err));
		return err;
	}
	err = epoll_add(k->epoll, ring_buffer__epoll_fd(k->asks));
	err = err ? err : epoll_add(k->epoll, ring_buffer__epoll_fd(k->denials));
	return err ? err : epoll_add(k->epoll, ring_buffer__epoll_fd(k->flows));
}

void records_close(struct kernel *k)
{
	bpf_link__destroy(k->iterator);
	ring_buffer__free(k->asks);
	ring_buffer__free(k->denials);
	ring_buffer__free(k->flows);
	cleanup_close(&k->epoll);
}

int kernel_fd(const struct kernel *k)
{
	return k->epoll;
}

int kernel_poll(struct kernel *k, kernel_record_fn *fn, void *arg)
{
	int r;

	kernel_unresolved(k);
	k->fn = fn;
	k->arg = arg;
	k->polled = 0;
	k->poll_until = mono_now() + (int64_t)KERNEL_POLL_NS;
	r = ring_buffer__consume(k->denials);
	if (r >= 0)
		r = ring_buffer__consume(k->flows);
	k->fn = NULL;
	k->arg = NULL;
	return r < 0 && r != -ECANCELED ? r : (int)k->polled;
}

/* Sum over CPUs of every decision; returns an array of n that the caller frees, or NULL. */
static struct abi_total *totals_read(const struct generation *g)
{
	int cpus = libbpf_num_possible_cpus();
	struct abi_total *sum, *row;

	if (cpus <= 0)
		return NULL;
	sum = calloc(g->ndecisions, sizeof(*sum));
	row = calloc((size_t)cpus, sizeof(*row));
	for (uint32_t i = 0; sum && row && i < g->ndecisions; i++) {
		if (bpf_map_lookup_elem(g->totals, &i, row))
			continue;
		for (int c = 0; c < cpus; c++) {
			sum[i].packets += row[c].packets;
			sum[i].bytes += row[c].bytes;
		}
	}
	free(row);
	return sum;
}

static void totals_by_action(const struct generation *g, struct abi_total action[4])
{
	struct abi_total *t = g ? totals_read(g) : NULL;

	for (uint32_t i = 0; t && i < g->ndecisions; i++) {
		action[g->actions[i]].packets += t[i].packets;
		action[g->actions[i]].bytes += t[i].bytes;
	}
	free(t);
}

void totals_retire(struct kernel *k)
{
	struct abi_total sum[4] = {};

	totals_by_action(k->before, sum);
	for (int a = 0; k->before && a < 4; a++) {
		struct abi_total *to = &k->settings->retired[a], *had = &k->before_retired[a];

		to->packets += sum[a].packets - had->packets;
		to->bytes += sum[a].bytes - had->bytes;
		*had = sum[a];
	}
}

int kernel_decisions(struct kernel *k, struct abi_total *ret, size_t *n)
{
	struct abi_total *t;

	if (!k->now)
		return -ENODATA;
	t = totals_read(k->now);
	if (!t)
		return -ENOMEM;
	if (*n > k->now->ndecisions)
		*n = k->now->ndecisions;
	memcpy(ret, t, *n * sizeof(*ret));
	free(t);
	return 0;
}

int kernel_counters(struct kernel *k, struct kernel_totals *ret)
{
	int cpus = libbpf_num_possible_cpus();
	struct abi_counters *row;
	__u32 zero = 0;

	if (cpus <= 0)
		return cpus;
	row = calloc((size_t)cpus, sizeof(*row));
	if (!row)
		return -ENOMEM;
	if (bpf_map_lookup_elem(k->state[STATE_COUNTERS], &zero, row)) {
		free(row);
		return -errno;
	}
	*ret = (struct kernel_totals){};
	for (int c = 0; c < cpus; c++) {
		ret->sum.passed.packets += row[c].passed.packets;
		ret->sum.passed.bytes += row[c].passed.bytes;
		ret->sum.device_passed.packets += row[c].device_passed.packets;
		ret->sum.device_passed.bytes += row[c].device_passed.bytes;
		ret->sum.lost_folds.packets += row[c].lost_folds.packets;
		ret->sum.lost_folds.bytes += row[c].lost_folds.bytes;
		for (int i = 0; i < ABI_COUNTERS; i++)
			ret->sum.count[i] += row[c].count[i];
	}
	free(row);
	totals_retire(k);
	memcpy(ret->sum.action, k->settings->retired, sizeof(ret->sum.action));
	totals_by_action(k->now, ret->sum.action);
	return 0;
}

void kernel_told(struct kernel *k, struct kernel_told *ret)
{
	*ret = (struct kernel_told){.sum = k->settings->told,
				    .attempts = &k->settings->told_attempts,
				    .begun = &k->settings->told_begun};
}
