/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup2.h - where the cgroup2 file system is mounted. */
#ifndef BPF_LOAD_CGROUP2_H
#define BPF_LOAD_CGROUP2_H
#include <stddef.h>

/* Its root, not a subtree; of several mounts the shortest path (hosts with cgroup v1 have it at
 * .../unified). 0; -ENOENT: nowhere; or another -errno. */
int cgroup2_mount(char *ret, size_t size);
#endif
