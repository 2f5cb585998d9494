/* SPDX-License-Identifier: BSD-2-Clause */
/* socket.h - which process holds a socket: for sources that see packets only. A look after the
 * fact, so a guess. */
#ifndef AGENT_HOST_SOCKET_H
#define AGENT_HOST_SOCKET_H
#include <stdint.h>
#include "agent/event/event.h"

#define SOCKET_PIDS_MAX 8192  /* processes looked at for one socket */
#define SOCKET_FDS_MAX	65536 /* and descriptors in all */

/* The first process that has the socket with this inode open. procs: a file that lists candidates,
 * one a line (cgroup.procs); NULL or unreadable: every process of proc ("/proc"). 0, -ENOENT, or
 * -E2BIG at a limit. */
int socket_process(int32_t *ret, const char *proc, const char *procs, uint64_t inode);

/* The inode of the one raw socket that may have sent this: of its protocol, connected to this peer or to nobody. net:
 * "/proc/net". 0, -ENOENT, or -ENOTUNIQ: there are several, and naming one would be a guess. */
int socket_raw(uint64_t *ret, const char *net, const struct flow_key *k);

/* The process of a flow's socket, among those that procs lists only, and no more of them than this: for who cannot wait
 * for a look at all. Sets p->pid. 0, -ENOENT, -E2BIG, or another -errno of sock_diag. */
#define SOCKET_NEAR_PIDS 256
#define SOCKET_NEAR_FDS	 4096
int socket_owner(struct process *p, const struct flow_key *k, const char *procs);
#endif
