/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.c - /proc/net/packet and /proc/net/protocols. */
#include "agent/host/frames.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/host/socket.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define FILE_MAX (4u << 20)

/* "sk RefCnt Type Proto Iface R Rmem User Inode", numbers of the interface and the last three decimal */
static int socket_of(struct frames_socket *s, const char *line)
{
	*s = (struct frames_socket){0};
	if (sscanf(line, "%*s %*s %*s %*s %" SCNu32 " %*s %*s %" SCNu32 " %" SCNu64, &s->ifindex,
		   &s->uid, &s->inode) != 3)
		return -EINVAL;
	if (s->ifindex)
		if_indextoname(s->ifindex, s->device);
	return 0;
}

static void sockets(struct frames *ret, char *text)
{
	char *at = strchr(text, '\n'), *end; /* after the title */

	for (at = at ? at + 1 : text + strlen(text); *at; at = end) {
		struct frames_socket s;

		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = 0;
		if (socket_of(&s, at) < 0)
			continue;
		if (ret->n < FRAMES_MAX)
			ret->socket[ret->n++] = s;
		else
			ret->more++;
	}
}

/* "XDP  1088  SOCKETS ..." */
static void count_xdp(struct frames *ret, const char *text)
{
	const char *at = strstr(text, "\nXDP ");

	if (at && sscanf(at + 1, "%*s %*u %" SCNu64, &ret->xdp) != 1)
		ret->xdp = 0;
}

int frames_read(struct frames *ret, const char *net)
{
	_free_ char *packet = NULL, *protocols = NULL;
	char path[128];
	size_t len;
	int r;

	*ret = (struct frames){0};
	text_put(path, sizeof(path), "%s/packet", net);
	r = file_read(&packet, &len, AT_FDCWD, path, FILE_MAX);
	if (r == 0)
		sockets(ret, packet);
	text_put(path, sizeof(path), "%s/protocols", net);
	if (file_read(&protocols, &len, AT_FDCWD, path, FILE_MAX) == 0)
		count_xdp(ret, protocols);
	return r;
}

const struct frames_socket *frames_find(const struct frames *f, uint64_t inode)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->socket[i].inode == inode)
			return &f->socket[i];
	return NULL;
}

int frames_owner(struct frames_socket *s)
{
	_free_ char *comm = NULL;
	char path[64];
	size_t len;
	int r = socket_process(&s->pid, "/proc", NULL, s->inode);

	if (r < 0)
		return r;
	text_put(path, sizeof(path), "/proc/%d/comm", s->pid);
	if (file_read(&comm, &len, AT_FDCWD, path, sizeof(s->comm)) == 0)
		text_put(s->comm, sizeof(s->comm), "%.*s", (int)strcspn(comm, "\n"), comm);
	return 0;
}
