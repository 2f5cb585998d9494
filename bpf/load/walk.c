/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.c - walks over what the programs hold, the sockets' flows and the folds: to look, or to take.
 *
 * To look changes nothing. To take hands out what no record had yet: the programs move their 'told'
 * (bpf/prog/state.bpf.h), so what is taken is taken once, whoever asks after that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

static int iterator_open(struct kernel *k)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)k->state[STATE_SLOTS]};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));

	if (!k->iterator)
		k->iterator = k->by_files
				      ? bpf_program__attach_iter(k->observe->progs.live_files, NULL)
				      : bpf_program__attach_iter(k->observe->progs.live_flows, &o);
	/* a slot may have the number of an agent before this one: so it begins with the time */
	k->walk_turn = k->walk_turn ? k->walk_turn + 1 : (uint32_t)(mono_now() / 1000000) | 1;
	return k->iterator ? bpf_iter_create(bpf_link__fd(k->iterator)) : -errno;
}

static void hand_out(struct kernel *k, const struct abi_record *from, size_t n,
		     kernel_record_fn *fn, void *arg)
{
	kernel_unresolved(k);
	for (size_t i = 0; i < n; i++) {
		struct kernel_record r;

		record_of(k, &r, &from[i]);
		if (r.kind == KERNEL_DENIED && r.verdict.action == DECIDE_ALERT)
			r.kind = KERNEL_ALERTED;
		fn(arg, &r);
	}
}

/* Until the end or the time: *more. */
static int flows_read(struct kernel *k, int fd, int64_t until, bool *more, kernel_record_fn *fn,
		      void *arg)
{
	struct abi_walk *walk = &k->observe->bss->walk;
	int n = 0;

	*more = true;
	while (*more && mono_now() < until) {
		char none; /* the records are in memory that is shared with the program */
		ssize_t got;

		walk->have = 0;
		got = read(fd, &none, sizeof(none));
		*more = got < 0 && (errno == EAGAIN || errno == EINTR);
		if (got < 0 && !*more)
			return -errno;
		n += (int)walk->have;
		hand_out(k, k->observe->bss->walked, walk->have, fn, arg);
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
	k->observe->bss->walk.turn = k->walk_turn;
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
			set = {.actions = actions, .since = w->since, .claims = w->takes};
	int n;

	if (!w->more) {
		w->fd = iterator_open(k);
		if (w->fd < 0)
			return w->fd == -EPERM ? w->fd : -ENOTSUP;
		w->now = 0;
		w->turn = k->walk_turn;
	}
	set.now = w->now;
	set.turn = w->turn;
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

int kernel_folds_take(struct kernel *k, kernel_record_fn *fn, void *arg)
{
	int prog = bpf_program__fd(k->observe->progs.take_folds), n = 0;
	struct abi_walk *walk = &k->observe->bss->walk, before = *walk;
	uint32_t rounds = ABI_FOLDS_MAX / ABI_WALKED +
			  1; /* under a flood what comes meanwhile is the next call's */
	LIBBPF_OPTS(bpf_test_run_opts, o);
	int err = 0;

	walk->skip = 0;
	do {
		walk->have = 0;
		err = bpf_prog_test_run_opts(prog, &o);
		if (err)
			break;
		n += (int)walk->have;
		hand_out(k, k->observe->bss->walked, walk->have, fn, arg);
	} while (walk->have == ABI_WALKED && --rounds);
	*walk = before;
	return err ? -errno : n;
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
		.whole_packets = f->count.packets,
		.whole_bytes = f->count.bytes,
		.verdict = f->verdict,
	};

	a.verdict.folded = key->folded;
	record_of(k, r, &a);
	r->whole_attempts = f->attempts & ABI_ATTEMPTS_MASK;
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
	if (last) { /* what came to it since kernel_folds_take */
		r.packets -= f->told_packets;
		r.bytes -= f->told_bytes;
		r.attempts = (f->attempts - f->told_attempts) & ABI_ATTEMPTS_MASK;
		r.kind = f->rang ? KERNEL_FOLD_MORE : r.kind;
	}
	fn(arg, &r, last);
	return last;
}

int kernel_denials(struct kernel *k, uint64_t idle_ns, kernel_fold_fn *fn, void *arg)
{
	int64_t until = mono_now() + (int64_t)KERNEL_DENIALS_NS;
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
