/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c - the programs that copy names beside those that judge: loaded, attached and read.
 *
 * Nothing of them is pinned: without an agent there is nobody to read what they copy. What the kernel
 * refuses of them stops nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

struct kernel_names {
	struct names_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *out, *in;
	kernel_bytes_fn *fn;
	void *arg;
	unsigned polled; /* during a poll */
	int64_t until;
};

/* Memory behind the ring that is still mapped is given back by the kernel when the agent ends. */
void names_close(struct kernel *k)
{
	struct kernel_names *n = k->names;

	if (!n)
		return;
	k->names = NULL;
	bpf_link__destroy(n->out);
	bpf_link__destroy(n->in);
	ring_buffer__free(n->ring);
	names_bpf__destroy(n->skel);
	free(n);
}

static int link_one(struct bpf_link **ret, const struct bpf_program *p, int cgroup)
{
	struct bpf_link *l = bpf_program__attach_cgroup(p, cgroup);

	if (!l)
		return -errno;
	bpf_link__destroy(*ret);
	*ret = l;
	return 0;
}

int names_attach(struct kernel *k)
{
	struct kernel_names *n = k->names;
	int r;

	if (!n || k->cgroup_fd < 0)
		return 0; /* guard.c: when it comes */
	r = link_one(&n->in, n->skel->progs.names_in, k->cgroup_fd);
	return r ? r : link_one(&n->out, n->skel->progs.names_out, k->cgroup_fd);
}

static bool link_holds(const struct kernel *k, const struct bpf_link *l)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);

	return l && !bpf_obj_get_info_by_fd(bpf_link__fd(l), &i, &len) && k->cgroup_id &&
	       i.cgroup.cgroup_id == k->cgroup_id;
}

bool kernel_names_attached(const struct kernel *k)
{
	return k->names && link_holds(k, k->names->out) && link_holds(k, k->names->in);
}

/* libbpf stops at a negative answer, with the record taken. */
static int on_bytes(void *arg, void *data, size_t size)
{
	const struct abi_names_record *a = data;
	struct kernel *k = arg;
	struct kernel_names *n = k->names;
	struct kernel_bytes b = {.kind = (enum abi_names_kind)a->kind, .offset = a->offset};

	n->polled++;
	if (size >= sizeof(*a) && a->length <= sizeof(a->data)) {
		names_record(k, &b.record, a);
		b.bytes = a->data;
		b.length = a->length;
		n->fn(n->arg, &b);
	}
	return n->polled % 16 == 0 && mono_now() > n->until ? -ECANCELED : 0;
}

static int load(struct kernel *k, struct kernel_names *n)
{
	struct epoll_event e = {.events = EPOLLIN};
	int r;

	n->skel = names_bpf__open();
	if (!n->skel)
		return -errno;
	n->skel->rodata->tick_ns = state_tick_ns();
	r = state_reuse(k, n->skel->obj);
	r = r ? r : names_bpf__load(n->skel);
	if (r)
		return r;
	n->ring = ring_buffer__new(bpf_map__fd(n->skel->maps.names_ring), on_bytes, k, NULL);
	if (!n->ring || epoll_ctl(k->epoll, EPOLL_CTL_ADD, ring_buffer__epoll_fd(n->ring), &e))
		return -errno;
	return 0;
}

int kernel_names_open(struct kernel *k, kernel_bytes_fn *fn, void *arg, struct diag_sink *d)
{
	struct kernel_names *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->fn = fn;
	n->arg = arg;
	k->names = n;
	libbpf_log_begin();
	r = load(k, n);
	r = r ? r : names_attach(k);
	if (r) {
		diag_warn(d, NULL, 0,
			  "the kernel does not take the programs that copy names: %s (%s)",
			  strerror(-r), libbpf_log_text());
		names_close(k);
	}
	return r;
}

int kernel_names_poll(struct kernel *k)
{
	struct kernel_names *n = k->names;
	int r;

	if (!n)
		return 0;
	n->polled = 0;
	n->until = mono_now() + (int64_t)KERNEL_POLL_NS;
	r = ring_buffer__consume(n->ring);
	return r < 0 && r != -ECANCELED ? r : (int)n->polled;
}

int kernel_names_counts(const struct kernel *k, struct abi_names_state *ret)
{
	__u32 zero = 0;

	*ret = (struct abi_names_state){};
	if (!k->names)
		return -ENOENT;
	return bpf_map_lookup_elem(bpf_map__fd(k->names->skel->maps.names_state), &zero, ret)
		       ? -errno
		       : 0;
}
