/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host_machine.c - 'check --host': control groups, containers, addresses, ports, the clock, the disk. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/cmd/check_host.h"
#include "agent/engine/engine.h"
#include "agent/host/netlink.h"
#include "geo/base/cleanup.h"

#define PORTS_SHOWN 24
#define DISK_LOW    (256u << 20) /* bytes: an hour of a busy host's journal, with room */

/* Control groups of version 1 are mounted as "cgroup": their controllers are the file system's options. */
static void cgroups(struct host *h)
{
	_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], v1[256] = "";
	size_t at = 0;

	while (f && fgets(line, sizeof(line), f)) {
		const char *type = strstr(line, " - cgroup ");
		const char *last = type ? strrchr(line, ',') : NULL;

		if (last && at < sizeof(v1) - 32)
			at += text_put(v1 + at, sizeof(v1) - at, "%s%.*s", at ? ", " : "",
				       (int)strcspn(last + 1, "\n"), last + 1);
	}
	if (!f)
		host_say(h, HOST_UNSEEN, "cgroups", "/proc/self/mountinfo: %s", strerror(errno));
	else if (!*h->cgroup2)
		host_say(h, HOST_FAILED, "cgroups",
			 "only version 1: senders cannot be told apart, nothing can be attached "
			 "(boot with systemd.unified_cgroup_hierarchy=1)");
	else if (at)
		host_say(
			h, HOST_WARNING, "cgroups",
			"hybrid: version 2 at %s, version 1 for %s. What is only in version 1's groups has no name of "
			"its own in rules and events",
			h->cgroup2, v1);
	else
		host_say(h, HOST_OK, "cgroups", "version 2 alone, at %s", h->cgroup2);
}

static void containers(struct host *h)
{
	static const char *const engines[][2] = {
		{"Docker", "/run/docker.sock"},
		{"Podman", "/run/podman/podman.sock"},
		{"Podman", "/run/libpod"},
		{"containerd", "/run/containerd/containerd.sock"},
		{"CRI-O", "/run/crio/crio.sock"},
		{"LXD", "/var/lib/lxd/unix.socket"},
		{"Incus", "/var/lib/incus/unix.socket"},
		{"libvirt", "/run/libvirt/libvirt-sock"},
	};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
		if (access(engines[i][1], F_OK))
			continue;
		n++;
		host_say(
			h, HOST_NOTE, "containers",
			"%s (%s): processes in its control groups are judged where they send; what a virtual machine "
			"or another network namespace forwards is judged by 'run --devices all' only",
			engines[i][0], engines[i][1]);
	}
	if (!n)
		host_say(h, HOST_OK, "containers", "no container engine that cordon knows is here");
}

static void addresses(struct host *h)
{
	struct ifaddrs *all = NULL;
	unsigned four = 0, six = 0;

	if (getifaddrs(&all)) {
		host_say(h, HOST_UNSEEN, "addresses", "%s", strerror(errno));
		return;
	}
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		const struct sockaddr *s = a->ifa_addr;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;

		if (s && s->sa_family == AF_INET) {
			memcpy(&in, s, sizeof(in));
			four += ntohl(in.sin_addr.s_addr) >> 24 != 127 &&
				ntohl(in.sin_addr.s_addr) >> 16 != 0xa9fe;
		} else if (s && s->sa_family == AF_INET6) {
			memcpy(&in6, s, sizeof(in6));
			six += !IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) &&
			       !IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr);
		}
	}
	freeifaddrs(all);
	if (!four && !six)
		host_say(h, HOST_NOTE, "addresses", "none beyond loopback and link-local");
	else if (!four)
		host_say(
			h, HOST_NOTE, "addresses",
			"IPv6 only (%u): IPv4 hosts are reached through NAT64, and judged by the address within",
			six);
	else
		host_say(h, HOST_OK, "addresses", "%u IPv4, %u IPv6", four, six);
}

static void ports(struct host *h, uint8_t proto, const char *name)
{
	uint64_t bitmap[HOST_PORT_WORDS];
	char text[512] = "";
	unsigned n = 0;
	size_t at = 0;
	int r = netlink_listening(proto, bitmap);

	if (r < 0) {
		host_say(h, HOST_UNSEEN, "ports", "%s: the kernel does not say who listens: %s",
			 name, strerror(-r));
		return;
	}
	for (unsigned p = 0; p < 65536; p++) {
		if (!(bitmap[p / 64] >> (p % 64) & 1))
			continue;
		if (n++ < PORTS_SHOWN)
			at += text_put(text + at, sizeof(text) - at, " %u", p);
	}
	host_say(h, HOST_OK, "ports",
		 n ? "%s: listens on%s%s: replies from there are 'opened by peer'"
		   : "%s: nobody listens",
		 name, text, n > PORTS_SHOWN ? " and more" : "");
}

static void clock_state(struct host *h)
{
	struct timex t = {0};
	char now[TEXT_SHORT];
	int r = adjtimex(&t);

	if (r < 0)
		host_say(h, HOST_UNSEEN, "clock", "%s", strerror(errno));
	else if (r == TIME_ERROR || t.status & STA_UNSYNC)
		host_say(
			h, HOST_WARNING, "clock",
			"%s, and nothing keeps it right (chrony, systemd-timesyncd): rules with a date, events and "
			"the report go by it",
			text_time(now, time(NULL)));
	else
		host_say(h, HOST_OK, "clock", "%s, kept right", text_time(now, time(NULL)));
}

/* The directory, or the nearest one above that is there. */
static void disk(struct host *h, const char *dir, const char *what)
{
	char path[64], have[TEXT_SHORT];
	struct statvfs s;
	uint64_t bytes;
	char *slash;

	text_put(path, sizeof(path), "%s", dir);
	while (statvfs(path, &s)) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash) {
			host_say(h, HOST_UNSEEN, "disk", "%s: %s", dir, strerror(errno));
			return;
		}
		if (slash == path)
			slash++;
		*slash = 0;
	}
	bytes = (uint64_t)s.f_bavail * s.f_frsize;
	text_bytes(have, bytes);
	if (s.f_flag & ST_RDONLY)
		host_say(h, HOST_WARNING, "disk", "%s is read-only: no %s is kept", dir, what);
	else if (bytes < DISK_LOW || !s.f_favail)
		host_say(h, HOST_WARNING, "disk",
			 "%s has room for %s%s: when it is full, %s lines are lost and counted",
			 dir, have, s.f_favail ? "" : " and no more files", what);
	else
		host_say(h, HOST_OK, "disk", "%s has room for %s (%s)", dir, have, what);
}

void host_machine(struct host *h)
{
	cgroups(h);
	containers(h);
	addresses(h);
	ports(h, IPPROTO_TCP, "tcp");
	ports(h, IPPROTO_UDP, "udp");
	clock_state(h);
	disk(h, ENGINE_STATE, "ledger");
	disk(h, "/var/log/cordon", "alert");
}
