/* SPDX-License-Identifier: BSD-2-Clause */
/* records.c - what the programs tell: rings, live flows, folded denials, counters. */
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
	memcpy(r->comm, p->comm, sizeof(p->comm));
	r->comm[sizeof(p->comm)] = 0;
}

static void record_key(struct kernel_record *r, const struct abi_key *k)
{
	r->src = ip_of(k, k->src);
	r->dst = ip_of(k, k->dst);
	r->sport = k->sport;
	r->dport = k->dport;
	r->proto = k->proto;
	r->opened = k->opened == OPENED_PEER ? OPENED_PEER : OPENED_HERE;
	r->has_port = k->has_port;
}

static void record_count(const struct kernel *k, struct kernel_record *r, const struct abi_count *c)
{
	r->packets = c->packets;
	r->bytes = c->bytes;
	r->first_ns = wall_of(k, c->first_mono);
	r->last_ns = wall_of(k, c->last_mono);
	if (r->last_ns < r->first_ns) /* the coarse clock is up to 4 ms behind */
		r->last_ns = r->first_ns;
}

static void record_of(const struct kernel *k, struct kernel_record *r, const struct abi_record *a)
{
	*r = (struct kernel_record){.kind = (enum kernel_kind)a->kind, .verdict = a->verdict};
	record_key(r, &a->key);
	record_process(r, &a->process);
	record_count(k, r, &a->count);
	r->rtt_min_ns = (uint64_t)a->rtt_min_us * 1000;
}

static int ring_record(void *arg, void *data, size_t size)
{
	struct kernel *k = arg;
	struct kernel_record r;

	const struct abi_record *a = data;

	if (size < sizeof(*a) ||
	    ((a->kind == ABI_FLOW_SPILL || a->kind == ABI_FLOW_END) && !a->count.packets))
		return 0;
	record_of(k, &r, data);
	k->fn(k->arg, &r);
	return 0;
}

static int epoll_add(int epoll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int records_open(struct kernel *k, struct diag_sink *d)
{
	int err;

	k->denials = ring_buffer__new(k->state[STATE_DENIAL_RING], ring_record, k, NULL);
	k->flows = ring_buffer__new(k->state[STATE_FLOW_RING], ring_record, k, NULL);
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!k->denials || !k->flows || k->epoll < 0) {
		err = -errno;
		diag_error(d, NULL, 0, "cannot map the event rings: %s", strerror(-err));
		return err;
	}
	err = epoll_add(k->epoll, ring_buffer__epoll_fd(k->denials));
	return err ? err : epoll_add(k->epoll, ring_buffer__epoll_fd(k->flows));
}

void records_close(struct kernel *k)
{
	bpf_link__destroy(k->iterator);
	ring_buffer__free(k->denials);
	ring_buffer__free(k->flows);
	fd_close(&k->epoll);
}

int kernel_fd(const struct kernel *k)
{
	return k->epoll;
}

int kernel_poll(struct kernel *k, kernel_record_fn *fn, void *arg)
{
	int denials, flows;

	k->fn = fn;
	k->arg = arg;
	denials = ring_buffer__consume(k->denials);
	flows = denials < 0 ? 0 : ring_buffer__consume(k->flows);
	k->fn = NULL;
	k->arg = NULL;
	if (denials < 0 || flows < 0)
		return denials < 0 ? denials : flows;
	return denials + flows;
}

static int iterator_open(struct kernel *k)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)k->state[STATE_SLOTS]};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));

	if (!k->iterator)
		k->iterator = bpf_program__attach_iter(k->observe->progs.live_flows, &o);
	return k->iterator ? bpf_iter_create(bpf_link__fd(k->iterator)) : -errno;
}

int kernel_flows(struct kernel *k, kernel_record_fn *fn, void *arg)
{
	struct abi_record buf[64];
	_fd_ int fd = iterator_open(k);
	size_t have = 0;
	int n = 0;

	if (fd < 0)
		return fd == -EPERM ? fd : -ENOTSUP;
	for (;;) {
		ssize_t got = read(fd, (char *)buf + have, sizeof(buf) - have);
		size_t whole;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got ? -errno : n;
		have += (size_t)got;
		whole = have / sizeof(*buf);
		for (size_t i = 0; i < whole; i++, n++) {
			struct kernel_record r;

			record_of(k, &r, &buf[i]);
			fn(arg, &r);
		}
		have -= whole * sizeof(*buf);
		memmove(buf, &buf[whole], have);
	}
}

static void fold_record(const struct kernel *k, struct kernel_record *r,
			const struct abi_fold_key *key, const struct abi_fold *f)
{
	*r = (struct kernel_record){.kind = f->verdict.action == DECIDE_BLOCK ? KERNEL_DENIED
									      : KERNEL_ALERTED,
				    .verdict = f->verdict};
	record_key(r, &key->key);
	record_process(r, &f->process);
	record_count(k, r, &f->count);
}

/* The next key is asked for before the element goes: a deleted key would start the walk again. */
int kernel_denials(struct kernel *k, uint64_t idle_ns, kernel_fold_fn *fn, void *arg)
{
	struct abi_fold_key key, next, *at = NULL;
	int fd = k->state[STATE_FOLDS], n = 0;
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	for (int more = !bpf_map_get_next_key(fd, at, &key); more && n < 2 * ABI_FOLDS_MAX; n++) {
		struct kernel_record r;
		struct abi_fold f;
		bool last;

		more = !bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &f)) {
			last = f.count.last_mono + idle_ns < now;
			if (last && bpf_map_lookup_and_delete_elem(fd, &key, &f) &&
			    bpf_map_delete_elem(fd, &key))
				last = false; /* evicted meanwhile */
			fold_record(k, &r, &key, &f);
			fn(arg, &r, last);
		}
		key = next;
	}
	return n;
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
		for (int i = 0; i < ABI_COUNTERS; i++)
			ret->sum.count[i] += row[c].count[i];
	}
	free(row);
	totals_retire(k);
	memcpy(ret->sum.action, k->settings->retired, sizeof(ret->sum.action));
	totals_by_action(k->now, ret->sum.action);
	return 0;
}
