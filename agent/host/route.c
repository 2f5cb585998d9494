/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c - rtnetlink asked for one route, a question a refused flow. */
#include "agent/host/route.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/base/text.h"
#include "agent/host/netlink.h"
#include "agent/host/process.h"

static ino_t network_of(const char *proc)
{
	struct stat st;

	return stat(proc, &st) == 0 ? st.st_ino : 0;
}

static bool same_network(struct route *r, const struct process *p)
{
	char path[64], container[PROCESS_CONTAINER_MAX];
	ino_t his;

	if (!r->network)
		r->network = network_of("/proc/self/ns/net");
	text_put(path, sizeof(path), "/proc/%d/ns/net", p->pid);
	his = p->pid > 0 ? network_of(path) : 0;
	return his ? his == r->network : !p->cgroup || !process_container(container, p->cgroup);
}

int route_source(struct route *r, const struct process *p, const struct ip *dst, uint64_t now_ns,
		 struct ip *src)
{
	uint64_t second = now_ns / 1000000000ull;

	r->asked = second == r->second ? r->asked + 1 : 1;
	r->second = second;
	if (r->asked > ROUTE_ASKS_MAX)
		return -EBUSY;
	if (!same_network(r, p))
		return -EXDEV;
	return netlink_route_source(dst, src);
}
