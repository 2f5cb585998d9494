/* SPDX-License-Identifier: BSD-2-Clause */
/* socket.c - /proc/PID/fd searched for "socket:[inode]", the cgroup's processes first. */
#include "agent/host/socket.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"
#include "agent/host/netlink.h"

struct search {
	int proc;
	char want[40];
	unsigned pids, fds, pids_max, fds_max;
};

static void own_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* 1: it has it; 0: no; -E2BIG. A process that went away has nothing. */
static int has_socket(struct search *s, const char *pid)
{
	char path[64], link[64];
	_cleanup_(own_dir) DIR *d = NULL;
	struct dirent *e;
	int fd;

	if (s->pids++ >= s->pids_max)
		return -E2BIG;
	text_put(path, sizeof(path), "%s/fd", pid);
	fd = openat(s->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		if (s->fds++ >= s->fds_max)
			return -E2BIG;
		if (n <= 0)
			continue;
		link[n] = 0;
		if (strcmp(link, s->want) == 0)
			return 1;
	}
	return 0;
}

static int try_pid(struct search *s, const char *name, int32_t *ret)
{
	uint64_t pid;
	int r;

	if (text_number(&pid, name, INT32_MAX) < 0 || !pid)
		return 0;
	r = has_socket(s, name);
	if (r > 0)
		*ret = (int32_t)pid;
	return r;
}

static int in_list(struct search *s, const char *procs, int32_t *ret)
{
	_free_ char *text = NULL;
	char *at, *end;
	size_t len;
	int r = 0;

	if (!procs || file_read(&text, &len, AT_FDCWD, procs, 1 << 20) < 0)
		return 0;
	for (at = text; r == 0 && *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = 0;
		r = try_pid(s, at, ret);
	}
	return r;
}

static int in_all(struct search *s, int32_t *ret)
{
	int fd = openat(s->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	_cleanup_(own_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && r == 0 && (e = readdir(d)))
		r = try_pid(s, e->d_name, ret);
	return r;
}

int socket_process(int32_t *ret, const char *proc, const char *procs, uint64_t inode)
{
	_close_ int root = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct search s = {.proc = root, .pids_max = SOCKET_PIDS_MAX, .fds_max = SOCKET_FDS_MAX};
	int r;

	if (root < 0)
		return -errno;
	text_put(s.want, sizeof(s.want), "socket:[%" PRIu64 "]", inode);
	r = in_list(&s, procs, ret);
	if (r == 0)
		r = in_all(&s, ret);
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

/* As /proc/net/raw writes it: words as this host reads them. */
static void raw_address(char ret[33], const struct ip *ip)
{
	uint32_t w[4];

	memcpy(w, ip->b, sizeof(w));
	if (ip->v == 4)
		text_put(ret, 33, "%08X", w[0]);
	else
		text_put(ret, 33, "%08X%08X%08X%08X", w[0], w[1], w[2], w[3]);
}

/* A line of /proc/net/raw: could this socket have sent such a packet? */
static bool raw_line(const char *line, const struct flow_key *k, const char *dst, uint64_t *inode)
{
	char peer[33];
	unsigned proto;

	if (sscanf(line,
		   " %*u: %*[0-9A-F]:%x %32[0-9A-F]:%*x %*x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
		   &proto, peer, inode) != 3)
		return false;
	return (proto == k->proto || proto == IPPROTO_RAW) &&
	       (strcmp(peer, dst) == 0 || strspn(peer, "0") == strlen(peer));
}

int socket_raw(uint64_t *ret, const char *net, const struct flow_key *k)
{
	_close_ int dir = open(net, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *name = k->dst.v == 4 ? "raw" : "raw6";
	_free_ char *text = NULL;
	uint64_t inode, found = 0;
	char *at, *end, dst[33];
	size_t len;

	if (dir < 0 || file_read(&text, &len, dir, name, 1 << 20) < 0)
		return -ENOENT;
	raw_address(dst, &k->dst);
	for (at = text; *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = 0;
		if (!raw_line(at, k, dst, &inode) || inode == found)
			continue;
		if (found)
			return -ENOTUNIQ;
		found = inode;
	}
	if (!found)
		return -ENOENT;
	*ret = found;
	return 0;
}

static int socket_inode(uint64_t *ret, const struct flow_key *k)
{
	struct netlink_socket found;
	int r;

	if (k->proto != IPPROTO_TCP && k->proto != IPPROTO_UDP)
		return socket_raw(ret, "/proc/net", k);
	r = netlink_socket(&found, k->proto, &k->src, k->sport, &k->dst, k->dport);
	if (r == 0)
		*ret = found.inode;
	return r;
}

int socket_owner(struct process *p, const struct flow_key *k, const char *procs)
{
	_close_ int root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct search s = {.proc = root, .pids_max = SOCKET_NEAR_PIDS, .fds_max = SOCKET_NEAR_FDS};
	uint64_t inode = 0;
	int r = root < 0 ? -errno : socket_inode(&inode, k);

	if (r < 0)
		return r;
	text_put(s.want, sizeof(s.want), "socket:[%" PRIu64 "]", inode);
	r = in_list(&s, procs, &p->pid);
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}
