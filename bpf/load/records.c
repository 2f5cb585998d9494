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

static void record_of(const struct kernel *k, struct kernel_record *r, const struct abi_record *a)
{
	*r = (struct kernel_record){.kind = (enum kernel_kind)a->kind, .attempts = a->attempts};
	record_key(r, &a->key);
	record_process(r, &a->process);
	record_verdict(r, &a->verdict);
	record_count(k, r, &a->count);
	r->rtt_min_ns = (uint64_t)a->rtt_min_us * 1000;
}

static int64_t mono_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* libbpf stops at a negative answer, with the record taken. */
static int ring_record(void *arg, void *data, size_t size)
{
	const struct abi_record *a = data;
	struct kernel *k = arg;
	struct kernel_record r;

	k->polled++;
	if (size >= sizeof(*a) &&
	    ((a->kind != ABI_FLOW_SPILL && a->kind != ABI_FLOW_END) || a->count.packets)) {
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

static int iterator_open(struct kernel *k)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)k->state[STATE_SLOTS]};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));

	if (!k->iterator)
		k->iterator = bpf_program__attach_iter(k->observe->progs.live_flows, &o);
	return k->iterator ? bpf_iter_create(bpf_link__fd(k->iterator)) : -errno;
}

/* Until the end or the time: *more. */
static int flows_read(struct kernel *k, int fd, int64_t until, bool *more, kernel_record_fn *fn,
		      void *arg)
{
	struct abi_record buf[160]; /* the kernel hands out 32 KiB at a time */
	size_t have = 0;
	int n = 0;

	for (*more = true; have || mono_now() < until;) {
		ssize_t got = read(fd, (char *)buf + have, sizeof(buf) - have);
		size_t whole;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0) {
			*more = false;
			return got ? -errno : n;
		}
		kernel_unresolved(k);
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
	return n;
}

static int flows_walk(struct kernel *k, const struct abi_walk *walk, kernel_record_fn *fn,
		      void *arg)
{
	_close_ int fd = iterator_open(k);
	bool more;

	if (fd < 0)
		return fd == -EPERM ? fd : -ENOTSUP;
	k->observe->bss->walk = *walk;
	return flows_read(k, fd, INT64_MAX, &more, fn, arg);
}

int kernel_flows(struct kernel *k, kernel_record_fn *fn, void *arg)
{
	struct abi_walk all = {.actions = 0xf};

	return flows_walk(k, &all, fn, arg);
}

int kernel_flows_count(struct kernel *k, uint64_t ret[4])
{
	struct abi_walk w = {};
	int n = flows_walk(k, &w, NULL, NULL);

	for (int a = 0; n >= 0 && a < 4; a++)
		ret[a] = k->observe->bss->walk.count[a];
	return n;
}

/* The next slice. Sockets that come and go while a walk pauses may make it miss one: so it looks back
 * to the beginning of the walk before the last. */
int kernel_flows_active(struct kernel *k, struct kernel_walk *w, uint32_t actions,
			kernel_record_fn *fn, void *arg)
{
	struct abi_walk *walk = &k->observe->bss->walk,
			set = {.actions = actions, .since = w->since};
	int n;

	if (!w->more) {
		w->fd = iterator_open(k);
		if (w->fd < 0)
			return w->fd == -EPERM ? w->fd : -ENOTSUP;
		w->now = 0;
	}
	set.now = w->now;
	*walk = set;
	n = flows_read(k, w->fd, mono_now() + (int64_t)KERNEL_WALK_NS, &w->more, fn, arg);
	w->now = walk->now;
	if (w->more)
		return n;
	cleanup_close(&w->fd);
	if (n >= 0 && w->now) {
		w->since = w->last;
		w->last = w->now;
	}
	return n;
}

void kernel_walk_end(struct kernel_walk *w)
{
	if (w->more)
		cleanup_close(&w->fd);
	w->more = false;
}

static void fold_record(const struct kernel *k, struct kernel_record *r,
			const struct abi_fold_key *key, const struct abi_fold *f)
{
	struct abi_record a = {
		.kind = f->verdict.action == DECIDE_BLOCK ? ABI_DENIED : ABI_ALERTED,
		.key = key->key,
		.process = f->process,
		.count = f->count,
		.attempts = f->attempts,
		.verdict = f->verdict,
	};

	a.verdict.folded = key->folded;
	record_of(k, r, &a);
}

/* Counted while the walk goes on, so it may be off by the few that came meanwhile, until the next. */
static void room_count(struct abi_fold_room *room, const struct abi_fold_key *key)
{
	if (key->folded < ABI_FOLDED_PROCESS)
		room->used[key->folded][abi_fold_part(key->who)]++;
	room->all++;
}

static void room_put(struct kernel *k)
{
	__u32 zero = 0;

	bpf_map_update_elem(k->state[STATE_FOLD_ROOM], &zero, &k->room, BPF_ANY);
}

#define FOLDS_BATCH 512 /* more than any bucket has */

struct folds {
	uint32_t at; /* the kernel's token: a bucket, so deletions do not disturb the walk */
	bool begun;
	struct abi_fold_key key[FOLDS_BATCH];
	struct abi_fold fold[FOLDS_BATCH];
};

/* The next rows: their number; *more = false at the end. -errno. */
static int folds_next(const struct kernel *k, struct folds *f, bool *more)
{
	__u32 n = FOLDS_BATCH, next = 0;
	int err = bpf_map_lookup_batch(k->state[STATE_FOLDS], f->begun ? &f->at : NULL, &next,
				       f->key, f->fold, &n, NULL)
			  ? -errno
			  : 0;

	if (err && err != -ENOENT)
		return err;
	f->at = next;
	f->begun = *more = !err;
	return (int)n;
}

/* One that was quiet goes, with the counts that it has at that moment. */
static bool fold_take(int fd, const struct abi_fold_key *key, struct abi_fold *f)
{
	return !bpf_map_lookup_and_delete_elem(fd, key, f) || !bpf_map_delete_elem(fd, key);
}

/* Was it the last time? */
static bool fold_visit(struct kernel *k, const struct abi_fold_key *key, struct abi_fold *f,
		       uint64_t quiet_since, kernel_fold_fn *fn, void *arg)
{
	bool last = f->count.last_mono < quiet_since && fold_take(k->state[STATE_FOLDS], key, f);
	struct kernel_record r;

	fold_record(k, &r, key, f);
	fn(arg, &r, last);
	return last;
}

int kernel_denials(struct kernel *k, uint64_t idle_ns, kernel_fold_fn *fn, void *arg)
{
	int64_t until = mono_now() + (int64_t)KERNEL_WALK_NS;
	uint64_t now = (uint64_t)mono_now(), since = now > idle_ns ? now - idle_ns : 0;
	struct folds *f = malloc(sizeof(*f));
	bool more = true;
	int n, sum = 0;

	if (!f)
		return -ENOMEM;
	f->at = k->folds_at;
	f->begun = k->folds_more;
	if (!f->begun)
		memset(&k->room, 0, sizeof(k->room));
	do {
		n = folds_next(k, f, &more);
		for (int i = 0; i < n; i++) {
			if (i % 64 == 0)
				kernel_unresolved(k);
			if (!fold_visit(k, &f->key[i], &f->fold[i], since, fn, arg))
				room_count(&k->room, &f->key[i]);
		}
		sum += n > 0 ? n : 0;
	} while (n >= 0 && more && mono_now() < until);
	k->folds_at = f->at;
	k->folds_more = n >= 0 && more;
	if (n >= 0 && !more)
		room_put(k);
	free(f);
	return n < 0 ? n : sum;
}

bool kernel_denials_more(const struct kernel *k)
{
	return k->folds_more;
}

int kernel_denials_look(struct kernel *k, kernel_fold_fn *fn, void *arg)
{
	struct folds *f = calloc(1, sizeof(*f));
	bool more = true;
	int n = f ? 0 : -ENOMEM, sum = 0;

	while (n >= 0 && more) {
		n = folds_next(k, f, &more);
		for (int i = 0; i < n; i++)
			fold_visit(k, &f->key[i], &f->fold[i], 0, fn, arg);
		sum += n > 0 ? n : 0;
	}
	free(f);
	return n < 0 ? n : sum;
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
