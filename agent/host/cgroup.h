/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cgroup.h - the cgroup2 tree: the kernel's cgroup id -> path, kept fresh with inotify. A cgroup
 * that the table does not hold is asked for by its id (a kernfs file handle), so a lost or late
 * inotify event costs a look-up, not a name.
 */
#ifndef AGENT_HOST_CGROUP_H
#define AGENT_HOST_CGROUP_H
#include <stddef.h>
#include <stdint.h>

/* directories remembered and watched; past it only the look-up by id is left */
#define CGROUPS_MAX 65536

struct cgroups;
/* Called for every cgroup at the start and whenever one appears or goes; path is below the mount:
 * "/system.slice". */
struct cgroups_watch {
	void (*seen)(void *arg, uint64_t id, const char *path);
	void (*gone)(void *arg, uint64_t id);
	void *arg;
};
int cgroups_new(struct cgroups **ret, const char *mount, const struct cgroups_watch *watch);
void cgroups_free(struct cgroups *cs);
int cgroups_fd(const struct cgroups *cs); /* readable: call cgroups_dispatch */
void cgroups_dispatch(struct cgroups *cs);
/* The path below the mount, or NULL. Lives until the next call. */
const char *cgroups_path(struct cgroups *cs, uint64_t id);
/* Where its processes are listed, in buf. 0 or -ENOENT. */
int cgroups_procs(struct cgroups *cs, uint64_t id, char *buf, size_t size);
/* seen() again for every cgroup: the subjects changed. */
void cgroups_each(struct cgroups *cs);
/* The id of a directory; 0 = none. */
uint64_t cgroup_id(const char *path);
#endif
