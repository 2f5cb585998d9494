/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * technique_path.c - root changes the way that packets take: another destination, a copy, another device. All of it in
 * the namespace of the stage, where each shot takes back what it changed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/prove/prove_private.h"

static int nft(const char *script)
{
	const char *argv[] = {"nft", script, NULL};
	int r = stage_command(argv);

	return r == 0 ? 0 : r == -ENOENT ? -ENOPKG : -EOPNOTSUPP;
}

static int ip(const char *batch)
{
	return stage_ip(batch) ? -EOPNOTSUPP : 0;
}

/* The hop is an address of the EU that no other shot has. */
static struct aim hop(const struct aim *a)
{
	struct aim b = *a;

	b.to = a->eu;
	return b;
}

static const char *hop_text(const struct aim *a)
{
	return a->v == 4 ? "52.28.255.1" : "2a05:d014::ffff";
}

static const char *family(const struct aim *a)
{
	return a->v == 4 ? "ip" : "ip6";
}

/* The application sends to the EU; the kernel makes another address of it. */
int path_dnat(const struct aim *a)
{
	struct aim b = hop(a);
	char rule[512];
	int r;

	text_put(
		rule, sizeof(rule),
		"add table %1$s prove; add chain %1$s prove o { type nat hook output priority -100; };"
		" add rule %1$s prove o %1$s daddr %2$s dnat to %3$s",
		family(a), hop_text(a), a->text);
	r = nft(rule);
	if (r == 0)
		r = udp_sendto(&b);
	text_put(rule, sizeof(rule), "delete table %s prove", family(a));
	nft(rule);
	return r;
}

/* And here it makes a copy. */
int path_dup(const struct aim *a)
{
	struct aim b = hop(a);
	char rule[512];
	int r;

	text_put(
		rule, sizeof(rule),
		"add table %1$s prove; add chain %1$s prove o { type filter hook output priority 0; };"
		" add rule %1$s prove o %1$s daddr %2$s dup to %3$s device \"out\"",
		family(a), hop_text(a), a->text);
	r = nft(rule);
	if (r == 0)
		r = udp_sendto(&b);
	text_put(rule, sizeof(rule), "delete table %s prove", family(a));
	nft(rule);
	return r;
}

/* Packets of the loopback device do not leave, says everybody. */
int path_loop(const struct aim *a)
{
	char route[128];
	int r;

	text_put(route, sizeof(route), "route add %s dev lo\n", a->text);
	r = ip(route);
	if (r == 0)
		r = nft("add table netdev prove; add chain netdev prove o { type filter hook egress device lo "
			"priority 0; }; add rule netdev prove o fwd to \"out\"");
	if (r == 0)
		r = raw_icmp(a); /* sendmsg() of UDP is refused by its address */
	nft("delete table netdev prove");
	text_put(route, sizeof(route), "route del %s dev lo\n", a->text);
	ip(route);
	return r;
}

/* By a device that was not there when the agent came. */
static int by_device(const struct aim *a, const char *device)
{
	char add[128], batch[512];
	int r;

	text_put(add, sizeof(add), "link add name new %s\n", device);
	text_put(batch, sizeof(batch),
		 "link set new up\nroute add %1$s dev new src %2$s\n"
		 "neigh add %1$s lladdr 02:00:00:00:00:02 dev new nud permanent\n",
		 a->text, a->v == 4 ? "10.99.0.1" : "fd99::1");
	r = ip(add);
	stage_put("/proc/sys/net/ipv6/conf/new/disable_ipv6", "0");
	if (r == 0)
		r = ip(batch);
	if (r == 0)
		r = udp_sendto(a);
	ip("link del new\n");
	return r;
}

int path_macvlan(const struct aim *a)
{
	return by_device(a, "link out type macvlan mode bridge");
}

int path_vlan(const struct aim *a)
{
	return by_device(a, "link out type vlan id 5");
}

/* A tunnel whose other end is the address; the inner packet goes to the EU, where nobody else's do. */
int path_vxlan(const struct aim *a)
{
	struct aim b = *a;
	char batch[512];
	int r;

	text_put(batch, sizeof(batch),
		 "link add name new type vxlan id 5 remote %s dstport 4789\nlink set new up\n"
		 "route add 52.28.254.1 dev new src 10.99.0.1\n"
		 "neigh add 52.28.254.1 lladdr 02:00:00:00:00:02 dev new nud permanent\n",
		 a->text);
	r = ip(batch);
	b.v = 4;
	b.to.in = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons(PROVE_PORT),
				       .sin_addr.s_addr = htonl(0x341cfe01)};
	b.len = sizeof(b.to.in);
	if (r == 0)
		r = udp_sendto(&b);
	ip("link del new\n");
	return r;
}
