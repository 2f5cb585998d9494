/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c - what somebody else may have taken away while we run: looked at, and put back. */
#include <errno.h>
#include <sys/stat.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

static uint32_t link_id(int fd)
{
	struct bpf_link_info i = {};
	__u32 len = sizeof(i);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &i, &len) ? i.id : 0;
}

/* Nothing there, or another link than ours. */
static bool pin_lost(const struct kernel *k, const char *name, int fd, bool is_link)
{
	_fd_ int there = pin_get(k, name);

	return there < 0 || (is_link && link_id(there) != link_id(fd));
}

int kernel_repin(struct kernel *k)
{
	char name[32];
	int n = 0, err = 0;

	if (mkdir(k->pins, 0700) && errno != EEXIST)
		return -errno;
	for (enum hook h = 0; h < HOOKS; h++) {
		hook_link_name(h, name);
		if (k->link[h] < 0 || !pin_lost(k, name, k->link[h], true))
			continue;
		n++;
		err = err ? err : pin_put(k, name, k->link[h]);
	}
	for (enum state_map m = 0; m < STATE_MAPS; m++) {
		if (k->state[m] < 0 || !pin_lost(k, state_name(m), k->state[m], false))
			continue;
		n++;
		err = err ? err : pin_put(k, state_name(m), k->state[m]);
	}
	return err ? err : n;
}
