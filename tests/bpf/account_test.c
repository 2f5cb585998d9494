/* SPDX-License-Identifier: BSD-2-Clause */
/* account_test.c - what the flow records say is what the peer received, to the byte; who sent it;
 * who opened it. */
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include "tests/bpf/policy.h"

static struct stage stage;
static struct kernel *k;
static struct loaded *l;

#define RECORDS 4096
static struct {
	struct kernel_record r[RECORDS];
	size_t n;
} seen;

static void keep(void *arg, const struct kernel_record *r)
{
	(void)arg;
	if (seen.n < RECORDS)
		seen.r[seen.n++] = *r;
}

static void setup(void)
{
	struct ethtool_value v = {.cmd = ETHTOOL_STSO};
	struct ifreq q = {.ifr_name = "here", .ifr_data = (void *)&v};
	int fd;

	stage_set(&stage);
	/* the socket still makes GSO packets, which the device driver does not take: the peer sees
	 * the segments */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_eq(ioctl(fd, SIOCETHTOOL, &q), 0);
	close(fd);
	l = loaded_make(STAGE_PLACES "block to US\nalert to CH\nallow to DE\nblock to any\n");
	k = fixture_open(&stage);
	loaded_publish(k, l, MODE_ENFORCE);
}

static void teardown(void)
{
	if (!stage.peer)
		return;
	if (k)
		kernel_detach(k, &(struct diag_sink){.fn = stage_log});
	stage_strike(&stage);
}

TestSuite(account, .init = setup, .fini = teardown, .timeout = 120);

/* Everything that arrives at the peer, from now on. */
static int sniff_open(void)
{
	int fd = stage_peer_socket(&stage, AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_ALL)),
	    room = 256 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

struct sum {
	uint64_t packets, bytes;
};

/* What came from us with this protocol and destination port (0 = any). */
static struct sum sniff_sum(int fd, uint8_t proto, uint16_t dport)
{
	struct sockaddr_ll from;
	struct sum s = {};
	uint8_t b[128];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, b, sizeof(b), MSG_TRUNC, (struct sockaddr *)&from, &len);
		bool six = ntohs(from.sll_protocol) == ETH_P_IPV6;
		size_t at = six ? 40 : 20;

		if (n < 0)
			return s;
		if (from.sll_pkttype == PACKET_OUTGOING ||
		    (ntohs(from.sll_protocol) != ETH_P_IP && !six))
			continue;
		if (b[six ? 6 : 9] != proto || (dport && (b[at + 2] << 8 | b[at + 3]) != dport))
			continue;
		s.packets++;
		s.bytes += (uint64_t)n;
	}
}

static struct sockaddr_in address(const char *ip, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

static void flows_settle(void)
{
	for (int i = 0; i < 20; i++) {
		kernel_poll(k, keep, NULL);
		usleep(10000);
	}
}

/* The sum of the records of flows to this address and port. */
static struct sum records_sum(const char *ip, uint16_t dport, const struct kernel_record **last)
{
	struct sum s = {};
	struct ip want;

	cr_assert_eq(ip_parse(&want, ip), 0);
	for (size_t i = 0; i < seen.n; i++) {
		const struct kernel_record *r = &seen.r[i];

		if (r->verdict.enforced) /* what was stopped is in the folds */
			continue;
		if (ip_cmp(&r->dst, &want) || (dport && r->dport != dport))
			continue;
		s.packets += r->packets;
		s.bytes += r->bytes;
		if (last)
			*last = r;
	}
	return s;
}

static void write_all(int fd, size_t n)
{
	static char buf[65536];

	while (n) {
		ssize_t w = write(fd, buf, n < sizeof(buf) ? n : sizeof(buf));

		cr_assert_gt(w, 0);
		n -= (size_t)w;
	}
}

/* Reads everything in another process, so that the window stays open. */
static pid_t reader(int fd)
{
	pid_t pid = fork();
	char buf[65536];

	if (pid)
		return pid;
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

static int peer_listen(uint16_t port)
{
	int fd = stage_peer_socket(&stage, AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = address("0.0.0.0", port);

	cr_assert(!bind(fd, (void *)&a, sizeof(a)) && !listen(fd, 16));
	return fd;
}

Test(account, tcp_out)
{
	struct sockaddr_in a = address("10.1.0.2", 7001);
	int listener = peer_listen(7001), sniff = sniff_open(),
	    fd = socket(AF_INET, SOCK_STREAM, 0), in;
	const struct kernel_record *last = NULL;
	struct sum have, want;
	pid_t pid;

	cr_assert_eq(connect(fd, (void *)&a, sizeof(a)), 0);
	in = accept(listener, NULL, NULL);
	pid = reader(in);
	close(in);
	write_all(fd, 3000000);
	shutdown(fd, SHUT_WR);
	waitpid(pid, NULL, 0);
	close(fd);
	flows_settle();
	have = records_sum("10.1.0.2", 7001, &last);
	want = sniff_sum(sniff, 6, 7001);
	cr_expect(have.bytes == want.bytes && have.packets == want.packets,
		  "%lu packets %lu bytes; the peer %lu %lu", have.packets, have.bytes, want.packets,
		  want.bytes);
	cr_assert(last);
	cr_expect_eq(last->opened, OPENED_HERE);
	cr_expect_eq(last->pid, getpid());
	cr_expect_eq(last->uid, getuid());
	cr_expect_neq(last->start_ns, 0);
	cr_expect_str_not_empty(last->comm);
	cr_expect(last->rtt_min_ns > 0 && last->rtt_min_ns < 100000000, "rtt %lu",
		  last->rtt_min_ns);
	cr_expect(last->rtt_agreed_ns >= last->rtt_min_ns && last->rtt_agreed_ns < 1000000000,
		  "handshake and data: %lu", last->rtt_agreed_ns);
	cr_expect_eq(last->verdict.action, DECIDE_ALLOW);
	cr_expect(last->first_ns <= last->last_ns &&
		  last->last_ns / 1000000000 + 5 > (uint64_t)time(NULL));
}

/* A client comes in: what leaves are the replies, the SYN-ACK included, and the peer has opened the
 * flow. */
Test(account, tcp_accepted)
{
	struct sockaddr_in a = address("0.0.0.0", 7002), to = address("10.1.0.1", 7002), from;
	int listener = socket(AF_INET, SOCK_STREAM, 0), sniff = sniff_open(), fd, in;
	const struct kernel_record *last = NULL;
	socklen_t len = sizeof(from);
	struct sum have, want;
	pid_t pid;

	cr_assert(!bind(listener, (void *)&a, sizeof(a)) && !listen(listener, 16));
	fd = stage_peer_socket(&stage, AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(fd, (void *)&to, sizeof(to)), 0);
	in = accept(listener, (void *)&from, &len);
	cr_assert_geq(in, 0);
	pid = reader(fd);
	write_all(in, 500000);
	shutdown(in, SHUT_WR);
	waitpid(pid, NULL, 0);
	close(fd);
	close(in);
	flows_settle();
	have = records_sum("10.1.0.2", ntohs(from.sin_port), &last);
	want = sniff_sum(sniff, 6, ntohs(from.sin_port));
	cr_expect(have.bytes == want.bytes && have.packets == want.packets,
		  "%lu packets %lu bytes; the peer %lu %lu", have.packets, have.bytes, want.packets,
		  want.bytes);
	cr_assert(last);
	cr_expect_eq(last->opened, OPENED_PEER);
	cr_expect_eq(last->pid, getpid(), "inherited from the listener");
	cr_expect_eq(last->sport, 7002);
}

/* One socket, many destinations: the sum of spills and the end is what arrived at each. */
Test(account, udp_spills)
{
	const char *to[] = {"10.1.0.2", "10.1.0.3", "10.1.0.4"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), sniff[3];
	char payload[700] = {};

	stage_run("nsenter -t %d -n ip addr add 10.1.0.3/16 dev there", stage.peer);
	stage_run("nsenter -t %d -n ip addr add 10.1.0.4/16 dev there", stage.peer);
	for (int i = 0; i < 3; i++)
		sniff[i] = sniff_open();
	for (int i = 0; i < 900; i++) {
		struct sockaddr_in a = address(to[i * 7 % 3], (uint16_t)(7010 + i * 7 % 3));

		cr_assert_eq(sendto(fd, payload, (size_t)i % 700, 0, (void *)&a, sizeof(a)),
			     i % 700);
	}
	close(fd);
	flows_settle();
	for (int i = 0; i < 3; i++) {
		struct sum have = records_sum(to[i], (uint16_t)(7010 + i), NULL),
			   want = sniff_sum(sniff[i], 17, (uint16_t)(7010 + i));

		cr_expect_eq(have.packets, 300, "%s: %lu", to[i], have.packets);
		cr_expect(have.bytes == want.bytes && have.packets == want.packets,
			  "%s: %lu %lu; the peer %lu %lu", to[i], have.packets, have.bytes,
			  want.packets, want.bytes);
	}
}

Test(account, udp_segments)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), sniff = sniff_open(), size = 1000;
	struct sockaddr_in a = address("10.1.0.2", 7020);
	static char payload[30500];
	struct sum have, want;

	cr_assert_eq(setsockopt(fd, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &size, sizeof(size)), 0);
	cr_assert_eq(sendto(fd, payload, sizeof(payload), 0, (void *)&a, sizeof(a)),
		     sizeof(payload));
	close(fd);
	flows_settle();
	have = records_sum("10.1.0.2", 7020, NULL);
	want = sniff_sum(sniff, 17, 7020);
	if (want.packets == 1) /* the device took it whole */
		want = (struct sum){31, sizeof(payload) + 31 * 28};
	cr_expect(have.packets == want.packets && have.bytes == want.bytes,
		  "%lu %lu; the peer %lu %lu", have.packets, have.bytes, want.packets, want.bytes);
}

Test(account, live_flows)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = address("10.1.0.2", 7030);
	struct sum have;
	int n;

	for (int i = 0; i < 10; i++)
		cr_assert_eq(sendto(fd, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	n = kernel_flows(k, keep, NULL);
	cr_assert(n == -ENOTSUP || n >= 1, "%d", n);
	if (n == -ENOTSUP)
		cr_skip("no iterator");
	have = records_sum("10.1.0.2", 7030, NULL);
	cr_expect_eq(have.packets, 10);
	cr_expect_eq(have.bytes, 290);
	close(fd);
	seen.n = 0;
	flows_settle();
	cr_expect_eq(records_sum("10.1.0.2", 7030, NULL).packets, 10,
		     "the end has the same counts");
}

Test(account, alert_rings_once_and_counts)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), rang = 0;
	struct sockaddr_in a = address("10.3.0.2", 7040);

	for (int i = 0; i < 50; i++)
		cr_assert_eq(sendto(fd, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	close(fd);
	flows_settle();
	for (size_t i = 0; i < seen.n; i++)
		rang += seen.r[i].kind == KERNEL_ALERTED && seen.r[i].dport == 7040;
	cr_expect_eq(rang, 1);
	cr_expect_eq(records_sum("10.3.0.2", 7040, NULL).packets, 50);
}

/* ---- denials ---- */
struct folded {
	uint16_t port;
	uint64_t packets, bytes;
	int n, last;
};

static void fold(void *arg, const struct kernel_record *r, bool last)
{
	struct folded *f = arg;

	if (r->dport != f->port)
		return;
	f->packets += r->packets;
	f->bytes += r->bytes;
	f->n++;
	f->last += last;
}

Test(account, denials_fold)
{
	int fd = socket(AF_INET, SOCK_RAW, 253), rang = 0, sniff = sniff_open();
	struct sockaddr_in a = address("10.2.0.2", 0);
	struct folded f = {};

	for (int i = 0; i < 1000; i++)
		cr_assert(sendto(fd, "xy", 2, 0, (void *)&a, sizeof(a)) < 0 && errno == EPERM, "%d",
			  errno);
	flows_settle();
	for (size_t i = 0; i < seen.n; i++)
		if (seen.r[i].kind == KERNEL_DENIED && seen.r[i].proto == 253) {
			rang++;
			cr_expect_eq(seen.r[i].pid, getpid());
			cr_expect_eq(seen.r[i].verdict.enforced, 1);
			cr_expect_eq(seen.r[i].packets, 1);
		}
	cr_expect_eq(rang, 1, "%d rang", rang);
	kernel_denials(k, 3600ull * 1000000000u, fold, &f);
	cr_expect(f.n == 1 && f.packets == 1000 && f.bytes == 22000 && !f.last, "%d %lu %lu", f.n,
		  f.packets, f.bytes);
	f = (struct folded){};
	usleep(20000);
	kernel_denials(k, 1, fold, &f);
	cr_expect(f.n == 1 && f.last == 1 && f.packets == 999, "the first rang: %lu", f.packets);
	f = (struct folded){};
	kernel_denials(k, 1, fold, &f);
	cr_expect_eq(f.n, 0, "handed out and dropped");
	cr_expect_eq(sniff_sum(sniff, 253, 0).packets, 0, "the peer got something");
	close(fd);
}

Test(account, connect_is_refused_at_once)
{
	struct sockaddr_in a = address("10.2.0.2", 7050), udp = address("10.2.0.2", 7051),
			   own = address("10.2.0.1", 7052);
	int fd = socket(AF_INET, SOCK_STREAM, 0), found = 0;
	struct ip here;

	cr_expect(connect(fd, (void *)&a, sizeof(a)) < 0 && errno == EPERM, "%d", errno);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_expect_eq(connect(fd, (void *)&udp, sizeof(udp)), 0, "a resolver sorts addresses so");
	cr_expect(send(fd, "x", 1, 0) < 0 && errno == EPERM, "%d", errno);
	close(fd);
	flows_settle();
	for (size_t i = 0; i < seen.n; i++) {
		const struct kernel_record *r = &seen.r[i];

		if (r->kind != KERNEL_DENIED || r->dport != 7050)
			continue;
		found++;
		cr_expect_eq(r->verdict.hook, ABI_HOOK_CONNECT);
		cr_expect_eq(r->pid, getpid());
		cr_expect_eq(r->packets, 0);
		cr_expect_eq(r->verdict.rule, 1);
	}
	cr_expect_eq(found, 1);
	cr_assert_eq(ip_parse(&here, "10.2.0.1"), 0);
	cr_assert_eq(kernel_own_address_set(k, &here, true), 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_expect(connect(fd, (void *)&own, sizeof(own)) < 0 && errno == ECONNREFUSED,
		  "own address: %d", errno);
	close(fd);
}

/* The kernel sends IPv4 to a mapped address: the table of IPv4 decides, not ::/96's. */
Test(account, mapped_addresses_are_ipv4)
{
	struct sockaddr_in6 us = {.sin6_family = AF_INET6, .sin6_port = htons(7055)}, de = us;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, "::ffff:10.2.0.2", &us.sin6_addr);
	inet_pton(AF_INET6, "::ffff:10.1.0.2", &de.sin6_addr);
	cr_expect(connect(fd, (void *)&us, sizeof(us)) < 0 && errno == EPERM, "%d", errno);
	cr_expect(connect(fd, (void *)&de, sizeof(de)) < 0 && errno == ECONNREFUSED, "%d", errno);
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	cr_expect(sendto(fd, "x", 1, 0, (void *)&us, sizeof(us)) < 0 && errno == EPERM, "%d",
		  errno);
	cr_expect_eq(sendto(fd, "x", 1, 0, (void *)&de, sizeof(de)), 1);
	close(fd);
}

/* A database leaks by answering: the peer opened a UDP flow when it sent first, to a port that somebody
 * listens on. */
Test(account, udp_answers_are_opened_by_the_peer)
{
	struct sockaddr_in own = address("10.1.0.1", 7070), to = address("10.1.0.2", 40000);
	int fd = socket(AF_INET, SOCK_DGRAM, 0),
	    peer = stage_peer_socket(&stage, AF_INET, SOCK_DGRAM, 0);
	const struct kernel_record *last = NULL;
	char b[8];

	cr_assert(!bind(fd, (void *)&own, sizeof(own)) &&
		  !kernel_listen_port_set(k, 17, 7070, true));
	cr_assert_eq(bind(peer, (void *)&to, sizeof(to)), 0);
	cr_assert_eq(sendto(peer, "q", 1, 0, (void *)&own, sizeof(own)), 1);
	cr_assert_eq(recv(fd, b, sizeof(b), 0), 1);
	cr_assert_eq(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)), 1);
	close(fd);
	flows_settle();
	records_sum("10.1.0.2", 40000, &last);
	cr_assert(last);
	cr_expect_eq(last->opened, OPENED_PEER);
	cr_expect_eq(last->sport, 7070);
}

/* A connection that was there before the policy: its next packet is judged like the first. */
Test(account, older_connections_are_cut)
{
	struct sockaddr_in a = address("10.2.0.2", 7080);
	int listener = peer_listen(7080), fd = socket(AF_INET, SOCK_STREAM, 0), in, sniff;
	struct loaded *strict = loaded_make(STAGE_PLACES "allow to DE\nblock to any\n");
	char b[8];

	kernel_mode(k, MODE_MONITOR);
	cr_assert_eq(connect(fd, (void *)&a, sizeof(a)), 0);
	in = accept(listener, NULL, NULL);
	cr_assert_eq(write(fd, "open", 4), 4);
	cr_assert_eq(read(in, b, sizeof(b)), 4);
	loaded_publish(k, strict, MODE_ENFORCE);
	sniff = sniff_open();
	cr_assert_eq(write(fd, "more", 4), 4, "the socket takes it, the wire does not");
	usleep(300000);
	cr_expect_eq(sniff_sum(sniff, 6, 7080).packets, 0);
	cr_expect_eq(recv(in, b, sizeof(b), MSG_DONTWAIT), -1);
	flows_settle();
	for (size_t i = 0; i < seen.n; i++)
		if (seen.r[i].kind == KERNEL_DENIED && seen.r[i].dport == 7080 &&
		    seen.r[i].verdict.enforced)
			return;
	cr_expect_fail("no denial told");
}

/* A denial is not lost because flows are many. */
/* The same two ways to meet a socket: by its storage where the kernel lets us, and by open files. */
static void met_once(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), other = dup(fd);
	struct sockaddr_in a = address("10.1.0.2", 7031);
	pid_t pid = fork();
	int n;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	for (int i = 0; i < 10; i++)
		cr_assert_eq(sendto(other, "x", 1, 0, (void *)&a, sizeof(a)), 1);
	for (int turn = 0; turn < 2; turn++) {
		seen.n = 0;
		n = kernel_flows(k, keep, NULL);
		cr_expect_eq(n, 1, "four descriptors of two processes are one flow: %d", n);
		cr_expect_eq(records_sum("10.1.0.2", 7031, NULL).packets, 10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(other);
	close(fd);
	flows_settle();
}

Test(account, live_flows_are_met_once)
{
	struct kernel_config cfg = {.cgroup = stage.cgroup, .pins = stage.pins, .by_files = true};

	met_once();
	kernel_close(k);
	k = NULL;
	cr_assert_eq(kernel_open(&k, &cfg, &(struct diag_sink){.fn = stage_log}), 0);
	met_once();
}

Test(account, denials_have_their_own_ring)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), found = 0;
	struct sockaddr_in us = address("10.2.0.2", 7060);
	struct kernel_totals t;

	for (int i = 0; i < 60000; i++) { /* a spill each: more than the flow ring holds */
		struct sockaddr_in a = address("10.1.0.2", (uint16_t)(8000 + i % 2));

		sendto(fd, "x", 1, 0, (void *)&a, sizeof(a));
	}
	cr_expect_lt(sendto(fd, "x", 1, 0, (void *)&us, sizeof(us)), 0);
	cr_assert_eq(kernel_counters(k, &t), 0);
	cr_expect_gt(t.sum.count[ABI_LOST_FLOWS], 0, "the ring was meant to be full");
	cr_expect_eq(t.sum.count[ABI_LOST_DENIALS], 0);
	cr_expect_geq(t.sum.action[DECIDE_ALLOW].packets, 60000);
	kernel_poll(k, keep, NULL); /* denials come first */
	for (size_t i = 0; i < seen.n; i++)
		found += seen.r[i].kind == KERNEL_DENIED && seen.r[i].dport == 7060;
	cr_expect_eq(found, 1);
	close(fd);
}
