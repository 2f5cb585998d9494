/* SPDX-License-Identifier: BSD-2-Clause */
/* evidence_test.c - every denial is told once, of the process that did it, with its counts; and what
 * may pass is told from what it is, not from what somebody claims. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"
#include "tests/bpf/policy.h"

static struct stage stage;
static struct kernel *k;

#define RECORDS 8192
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

static void settle(void)
{
	for (int i = 0; i < 10; i++) {
		kernel_poll(k, keep, NULL);
		usleep(10000);
	}
}

static void setup(void)
{
	stage_set(&stage);
	k = fixture_open(&stage);
	seen.n = 0;
}

static void teardown(void)
{
	if (!stage.peer)
		return;
	if (k)
		kernel_detach(k, &(struct diag_sink){.fn = stage_log});
	stage_strike(&stage);
}

TestSuite(evidence, .init = setup, .fini = teardown, .timeout = 120);

static struct loaded *judge(const char *rules, enum policy_mode mode)
{
	char text[1024];
	struct loaded *l;

	snprintf(text, sizeof(text), STAGE_PLACES "%s", rules);
	l = loaded_make(text);
	loaded_publish(k, l, mode);
	return l;
}

static struct sockaddr_in address(const char *ip, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

/* 0 or -errno */
static int send_to(int fd, const char *ip, uint16_t port, const void *data, size_t len)
{
	struct sockaddr_in a = address(ip, port);

	return sendto(fd, data, len, 0, (void *)&a, sizeof(a)) < 0 ? -errno : 0;
}

static struct abi_counters counters(void)
{
	struct kernel_totals t;

	cr_assert_eq(kernel_counters(k, &t), 0);
	return t.sum;
}

static size_t told(enum kernel_kind kind, uint8_t proto, uint16_t dport,
		   const struct kernel_record **last)
{
	size_t n = 0;

	for (size_t i = 0; i < seen.n; i++) {
		const struct kernel_record *r = &seen.r[i];

		if (r->kind != kind || r->proto != proto || r->dport != dport)
			continue;
		n++;
		if (last)
			*last = r;
	}
	return n;
}

/* Runs fn in a process of its own; its answer. */
static int apart(int (*fn)(void *), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(arg) & 0xff);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int ping_raw(void *arg)
{
	int fd = socket(AF_INET, SOCK_RAW, 253);

	(void)arg;
	return send_to(fd, "10.2.0.2", 0, "x", 1) == -EPERM ? 0 : 1;
}

/* Neither has a port of its own: the process tells them apart. */
Test(evidence, two_processes_are_two_stories)
{
	const struct kernel_record *last = NULL;
	int32_t first;

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	cr_assert_eq(apart(ping_raw, NULL), 0);
	settle();
	cr_assert_eq(told(KERNEL_DENIED, 253, 0, &last), 1);
	first = last->pid;
	cr_assert_eq(apart(ping_raw, NULL), 0);
	settle();
	cr_assert_eq(told(KERNEL_DENIED, 253, 0, &last), 2);
	cr_expect_neq(last->pid, first);
}

struct sum {
	uint64_t packets, bytes, attempts;
	size_t secrets, n;
};

static void sum_fold(void *arg, const struct kernel_record *r, bool last)
{
	struct sum *s = arg;

	(void)last;
	s->packets += r->packets;
	s->bytes += r->bytes;
	s->attempts += r->attempts;
	s->secrets += r->dst.b[0] == 10 && r->dst.b[1] == 2 && r->dst.b[2] == 9;
	s->n++;
}

/* The whole walk: a turn ends after a while. */
static void fold_sum(uint64_t idle_ns, struct sum *ret)
{
	do
		cr_assert_geq(kernel_denials(k, idle_ns, sum_fold, ret), 0);
	while (kernel_denials_more(k));
}

/* An IPv4 and UDP header of one's choice. */
static void udp4(uint8_t p[32], const char *src, const char *dst, uint16_t sport, uint16_t dport)
{
	memset(p, 0, 32);
	p[0] = 0x45;
	p[3] = 32;
	p[8] = 64;
	p[9] = 17;
	inet_pton(AF_INET, src, p + 12);
	inet_pton(AF_INET, dst, p + 16);
	p[20] = (uint8_t)(sport >> 8);
	p[21] = (uint8_t)sport;
	p[22] = (uint8_t)(dport >> 8);
	p[23] = (uint8_t)dport;
	p[25] = 12;
}

#define FLOOD 60000
static int flood(void *arg)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), bad = 0;
	uint8_t p[32];

	(void)arg;
	for (uint32_t i = 0; i < FLOOD; i++) {
		char dst[16];

		/* destinations until they are too many, then ports of one */
		snprintf(dst, sizeof(dst), "10.2.%u.%u", 16 + (i / 250) % 120, 1 + i % 250);
		udp4(p, "10.2.0.1", i < FLOOD / 2 ? dst : "10.2.0.2", 1000, (uint16_t)(i + 1));
		bad |= send_to(fd, "10.2.0.2", 0, p, sizeof(p)) != -EPERM;
	}
	return bad;
}

static int secret(void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char dst[32];

	snprintf(dst, sizeof(dst), "10.2.9.%d", *(int *)arg + 1);
	return send_to(fd, dst, 4444, "secret", 6) == -EPERM ? 0 : 1;
}

/* Six floods one after the other: each takes less of the room, and others still find some. */
Test(evidence, six_floods_leave_room)
{
	struct sum s = {};
	struct abi_counters c;

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(apart(flood, NULL), 0);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(apart(secret, &i), 0);
	fold_sum(UINT64_MAX, &s);
	c = counters();
	cr_expect_eq(s.secrets, 20, "%zu of 20", (size_t)s.secrets);
	cr_expect_eq(s.packets + c.lost_folds.packets, 6 * FLOOD);
	cr_expect_eq(c.lost_folds.packets, 0);
	cr_expect_leq(s.n, ABI_FOLDS_MAX - ABI_FOLD_RESERVE + 6);
}

/* A flood of one process hides nobody else's denials, and the folds' sums are exact. */
Test(evidence, a_flood_hides_nothing)
{
	struct sum s = {};
	struct abi_counters c;
	size_t secrets = 0;

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	cr_assert_eq(apart(flood, NULL), 0);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(apart(secret, &i), 0);
	settle();
	for (size_t i = 0; i < seen.n; i++)
		secrets += seen.r[i].kind == KERNEL_DENIED && seen.r[i].dst.b[2] == 9;
	cr_expect_eq(secrets, 20, "%zu of 20 rang", secrets);
	fold_sum(UINT64_MAX, &s);
	c = counters();
	cr_expect_eq(s.secrets, 20);
	cr_expect_eq(s.packets + c.lost_folds.packets, FLOOD, "%lu of %d", s.packets, FLOOD);
	cr_expect_eq(s.bytes + c.lost_folds.bytes, FLOOD * 32ull);
	cr_expect_eq(s.attempts, 20);
	cr_expect_eq(c.count[ABI_LOST_DENIALS], 0);
	cr_expect_eq(c.lost_folds.packets, 0);
	cr_expect_eq(c.action[DECIDE_BLOCK].packets, FLOOD);
	cr_expect_leq(s.n, ABI_FOLD_FLOWS + ABI_FOLD_DESTINATIONS + 1 + 20);
	/* what is quiet goes, and the room is there again */
	usleep(20000);
	fold_sum(1, &s);
	s = (struct sum){};
	fold_sum(UINT64_MAX, &s);
	cr_expect_eq(s.n, 0);
	cr_assert_eq(apart(ping_raw, NULL), 0);
	fold_sum(UINT64_MAX, &s);
	cr_expect_eq(s.n, 1);
}

static int many_flows(void *arg)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), bad = 0;
	uint8_t p[32];

	for (int i = 0; i < 3000; i++) {
		udp4(p, "10.2.0.1", "10.2.0.2", (uint16_t)(1000 + i), *(uint16_t *)arg);
		bad |= send_to(fd, "10.2.0.2", 0, p, sizeof(p)) != -EPERM;
	}
	return bad;
}

/* Many processes at once fill the table; then the loss is known to the byte. */
Test(evidence, beyond_the_table_the_loss_is_exact)
{
	struct sum s = {};
	struct abi_counters c;
	uint64_t sent = 0;

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	for (uint16_t i = 1; i <= 12; i++, sent += 3000)
		cr_assert_eq(apart(many_flows, &i), 0);
	fold_sum(UINT64_MAX, &s);
	c = counters();
	cr_expect_leq(s.n, ABI_FOLDS_MAX);
	cr_expect_eq(s.packets + c.lost_folds.packets, sent);
	cr_expect_eq(s.bytes + c.lost_folds.bytes, sent * 32);
	cr_expect_eq(c.lost_folds.packets, 0, "the reserve holds a process each");
}

/* A refused connect() has no packet; it is counted all the same. */
Test(evidence, attempts_are_counted)
{
	struct sockaddr_in us = address("10.2.0.2", 7001);
	const struct kernel_record *r = NULL;
	struct sum s = {};

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	for (int i = 0; i < 100; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		cr_assert(connect(fd, (void *)&us, sizeof(us)) < 0 && errno == EPERM);
		close(fd);
	}
	settle();
	cr_assert_eq(told(KERNEL_DENIED, 6, 7001, &r), 1);
	cr_expect_eq(r->attempts, 1);
	fold_sum(UINT64_MAX, &s);
	cr_expect_eq(s.attempts, 100);
	cr_expect_eq(s.packets, 0);
}

/* ---- who spoke first ---- */
static int bound_udp(const char *ip, uint16_t port)
{
	struct sockaddr_in a = address(ip, port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	cr_assert_eq(bind(fd, (void *)&a, sizeof(a)), 0);
	return fd;
}

static int peer_udp(const char *ip, uint16_t port)
{
	struct sockaddr_in a = address(ip, port);
	int fd = stage_peer_socket(&stage, AF_INET, SOCK_DGRAM, 0);

	cr_assert_eq(bind(fd, (void *)&a, sizeof(a)), 0);
	return fd;
}

static bool readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

/* Binding a port makes nobody a server: the peer must have sent first, and to this very socket. */
Test(evidence, a_bound_port_opens_nothing)
{
	int fd, other, peer = peer_udp("10.2.0.2", 9000), late = peer_udp("10.2.0.2", 9001);
	char b[8];

	judge("allow to US port 4433 opened by peer\nallow to DE\nblock to any\n", MODE_ENFORCE);
	fd = bound_udp("10.1.0.1", 4433);
	cr_assert_eq(kernel_listen_port_set(k, 17, 4433, true), 0);
	cr_expect_eq(send_to(fd, "10.2.0.2", 9000, "x", 1), -EPERM, "nobody asked");
	/* and what was refused once stays ours, though the peer answers a packet that never came */
	cr_assert_eq(send_to(peer, "10.1.0.1", 4433, "q", 1), 0);
	cr_assert(readable(fd, 1000));
	cr_assert_eq(recv(fd, b, sizeof(b), 0), 1);
	cr_expect_eq(send_to(fd, "10.2.0.2", 9000, "x", 1), -EPERM, "we spoke first");
	/* the other peer asks first */
	cr_assert_eq(send_to(late, "10.1.0.1", 4433, "q", 1), 0);
	cr_assert(readable(fd, 1000));
	cr_expect_eq(send_to(fd, "10.2.0.2", 9001, "a", 1), 0, "an answer");
	cr_expect(readable(late, 1000));
	close(fd);
	/* another socket at the same port was asked nothing */
	other = bound_udp("10.1.0.1", 4433);
	cr_expect_eq(send_to(other, "10.2.0.2", 9001, "x", 1), -EPERM);
}

/* ---- DHCP ---- */
static size_t dhcp_message(uint8_t m[300], uint8_t type)
{
	memset(m, 0, 300);
	m[0] = 1;
	m[1] = 1;
	m[2] = 6;
	memcpy(m + 236, (uint8_t[]){0x63, 0x82, 0x53, 0x63, 53, 1, type, 255}, 8);
	return 300;
}

/* The exemption is for DHCP's own messages, and for few of them. */
Test(evidence, dhcp_is_no_tunnel)
{
	uint8_t m[300];
	int fd, passed = 0;

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	fd = bound_udp("10.2.0.1", 68);
	cr_expect_eq(send_to(fd, "10.2.0.2", 67, "SECRET", 6), -EPERM);
	dhcp_message(m, 2); /* an offer: a server's */
	cr_expect_eq(send_to(fd, "10.2.0.2", 67, m, 300), -EPERM);
	dhcp_message(m, 3);
	m[236] = 0;
	cr_expect_eq(send_to(fd, "10.2.0.2", 67, m, 300), -EPERM, "no cookie");
	dhcp_message(m, 3);
	cr_expect_eq(send_to(fd, "10.2.0.2", 67, m, 240), -EPERM, "no type");
	cr_expect_eq(send_to(fd, "10.2.0.2", 68, m, 300), -EPERM, "another port");
	for (int i = 0; i < 2 * ABI_DHCP_PER_MINUTE; i++)
		passed += !send_to(fd, "10.2.0.2", 67, m, 300);
	cr_expect_eq(passed, ABI_DHCP_PER_MINUTE, "%d passed", passed);
	cr_expect_eq(counters().count[ABI_DHCP], ABI_DHCP_PER_MINUTE);
	cr_expect_eq(counters().count[ABI_DHCP_LIMITED], ABI_DHCP_PER_MINUTE);
}

/* ---- what comes in ---- */
static int peer_connect(const char *ip, uint16_t port)
{
	struct sockaddr_in a = address(ip, port), from = address("10.2.0.2", 0);
	int fd = stage_peer_socket(&stage, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	cr_assert_eq(bind(fd, (void *)&from, sizeof(from)), 0);
	cr_assert(connect(fd, (void *)&a, sizeof(a)) < 0 && errno == EINPROGRESS);
	return fd;
}

static int listener(uint16_t port)
{
	struct sockaddr_in a = address("10.1.0.1", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(!bind(fd, (void *)&a, sizeof(a)) && !listen(fd, 1));
	return fd;
}

/* A SYN whose answer would be blocked never reaches the listener; in monitor mode it does. */
Test(evidence, syns_of_blocked_peers_are_dropped)
{
	const struct kernel_record *r = NULL;
	int in = listener(5432), out;
	struct sum s = {};

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	out = peer_connect("10.1.0.1", 5432);
	usleep(100000);
	cr_expect(!readable(in, 0));
	settle();
	cr_expect_eq(counters().count[ABI_SYN_DENIED], 1);
	cr_expect_eq(counters().action[DECIDE_BLOCK].packets, 0, "no answer was made");
	for (size_t i = 0; i < seen.n; i++)
		if (seen.r[i].kind == KERNEL_DENIED && seen.r[i].sport == 5432)
			r = &seen.r[i];
	cr_assert(r, "it is told");
	cr_expect_eq(r->verdict.hook, ABI_HOOK_SYN);
	cr_expect_eq(r->opened, OPENED_PEER);
	fold_sum(UINT64_MAX, &s);
	cr_expect(s.attempts == 1 && s.packets == 0);
	close(out);
	kernel_mode(k, MODE_MONITOR);
	out = peer_connect("10.1.0.1", 5432);
	cr_expect(readable(in, 2000), "monitor mode keeps its hands off");
	close(out);
}

/* ---- sockets that are handed over ---- */
static void enter(const char *cgroup)
{
	char path[400], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", getpid());
	stage_write(path, pid);
}

static uint64_t cgroup_make(char path[350], const char *name)
{
	struct stat st;

	snprintf(path, 350, "%s/%s", stage.cgroup, name);
	cr_assert(!mkdir(path, 0700) && !stat(path, &st));
	return st.st_ino;
}

/* Bits: what passed of sendto, connect+send, TCP connect on sockets that were made elsewhere. */
struct handed {
	const char *cgroup;
	int udp, udp2, tcp;
};
static int use_handed(void *arg)
{
	const struct handed *h = arg;
	struct sockaddr_in us = address("10.2.0.2", 7100);
	int ret;

	enter(h->cgroup);
	ret = send_to(h->udp, "10.2.0.2", 7100, "x", 1) ? 0 : 1;
	if (!connect(h->udp2, (void *)&us, sizeof(us)) && send(h->udp2, "x", 1, 0) == 1)
		ret |= 2;
	/* refused by the peer is a packet that went out */
	if (!connect(h->tcp, (void *)&us, sizeof(us)) || errno == ECONNREFUSED)
		ret |= 4;
	return ret;
}

/* A block for a unit holds for sockets that another unit made for it: the worse verdict wins. */
Test(evidence, handed_over_sockets_gain_nothing)
{
	char strict[350], plain[350];
	uint64_t id = cgroup_make(strict, "strict"), other = cgroup_make(plain, "plain");
	struct loaded *l =
		judge("block from cgroup \"/strict\" to US\nallow to any\n", MODE_ENFORCE);
	struct handed h = {.cgroup = strict,
			   .udp = socket(AF_INET, SOCK_DGRAM, 0),
			   .udp2 = socket(AF_INET, SOCK_DGRAM, 0),
			   .tcp = socket(AF_INET, SOCK_STREAM, 0)};
	const struct kernel_record *r = NULL;
	struct stat st;

	cr_assert_eq(stat(stage.cgroup, &st), 0);
	kernel_cgroup_set(k, st.st_ino, 0);
	kernel_cgroup_set(k, other, 0);
	kernel_cgroup_set(k, id, compiled_cgroup_mask(l->compiled, "/strict"));
	cr_expect_eq(apart(use_handed, &h), 0, "in the strict cgroup");
	settle();
	cr_assert_eq(told(KERNEL_DENIED, 6, 7100, &r), 1);
	cr_expect_eq(r->cgroup_id, id, "told of who did it");
	cr_expect_neq(r->pid, getpid());
	h.cgroup = plain;
	cr_expect_eq(apart(use_handed, &h), 7, "in another one");
	rmdir(strict);
	rmdir(plain);
}

/* ---- sources, programs, ICMP ---- */
static int raw_from(void *arg)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	uint8_t p[32];

	udp4(p, arg, "10.2.0.2", 1000, 2000);
	return send_to(fd, "10.2.0.2", 0, p, sizeof(p)) ? 0 : 1;
}

/* The rule is for who has the address, not for who writes it. */
Test(evidence, forged_sources_pick_no_rule)
{
	static char own[] = "10.3.0.1", forged[] = "10.3.0.77";
	struct ip here;

	judge("allow from address 10.3.0.0/16 to US\nblock to any\n", MODE_ENFORCE);
	cr_assert(!ip_parse(&here, own) && !kernel_own_address_set(k, &here, true));
	cr_expect_eq(apart(raw_from, own), 1);
	cr_expect_eq(apart(raw_from, forged), 0);
	judge("alert from address 10.3.0.0/16 to US\nblock to any\n", MODE_ENFORCE);
	cr_expect_eq(apart(raw_from, forged), 0);
}

static int exec_twice(void *arg)
{
	const char *copy = arg;
	char script[300];

	/* the same process, name and kind of socket; another file */
	snprintf(
		script, sizeof(script),
		"exec 3<>/dev/tcp/10.2.0.2/7201; exec %s -c 'exec 3<>/dev/tcp/10.2.0.2/7202; exit 0'",
		copy);
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	execl("/bin/bash", "bash", "-c", script, (char *)NULL);
	return 1;
}

Test(evidence, a_program_is_told_from_the_one_it_was)
{
	const struct kernel_record *a = NULL, *b = NULL;
	struct kernel_exec first, second;
	char dir[64], copy[80];

	snprintf(dir, sizeof(dir), "/tmp/cordon_test_exec_%d", getpid());
	snprintf(copy, sizeof(copy), "%s/bash", dir);
	cr_assert_eq(mkdir(dir, 0700), 0);
	stage_run("cp /bin/bash %s", copy);
	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	apart(exec_twice, copy);
	stage_run("rm -r %s", dir);
	settle();
	cr_assert(told(KERNEL_DENIED, 6, 7201, &a) == 1 && told(KERNEL_DENIED, 6, 7202, &b) == 1);
	cr_expect(a->pid == b->pid && a->start_ns == b->start_ns && !strcmp(a->comm, b->comm));
	cr_expect_neq(a->exec, b->exec);
	cr_expect_neq(a->who, b->who);
	cr_assert_eq(kernel_exec(k, a->pid, a->start_ns, a->exec, &first), 0);
	cr_assert_eq(kernel_exec(k, b->pid, b->start_ns, b->exec, &second), 0);
	cr_expect(strstr(first.exe, "/bin/bash") && !strstr(first.exe, "cordon_test"), "%s",
		  first.exe);
	cr_expect(strstr(second.exe, "cordon_test_exec"), "%s", second.exe);
}

Test(evidence, icmp_has_its_type)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	uint8_t echo[8] = {8, 0};

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	cr_assert_eq(send_to(fd, "10.2.0.2", 0, echo, sizeof(echo)), -EPERM);
	settle();
	for (size_t i = 0; i < seen.n; i++) {
		const struct kernel_record *r = &seen.r[i];

		if (r->kind != KERNEL_DENIED || r->proto != IPPROTO_ICMP)
			continue;
		cr_expect(r->has_icmp && r->icmp_type == 8 && r->icmp_code == 0 && !r->has_port &&
			  !r->sport && !r->dport);
		return;
	}
	cr_expect_fail("not told");
}

/* ---- packets that are not what they seem ---- */
static int egress_of(const uint8_t *frame, size_t len, struct __sk_buff *ctx)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = (uint32_t)len,
		    .ctx_in = ctx, .ctx_size_in = sizeof(*ctx), .repeat = 1);

	cr_assert_eq(bpf_prog_test_run_opts(generation_program(k->now, HOOK_EGRESS), &o), 0);
	return (int)o.retval;
}

static const struct kernel_record *denied_why(enum abi_why why)
{
	for (size_t i = 0; i < seen.n; i++)
		if (seen.r[i].kind == KERNEL_DENIED && seen.r[i].verdict.why == why)
			return &seen.r[i];
	return NULL;
}

static bool goes_to(const struct kernel_record *r, const char *ip)
{
	struct ip want;

	return r && !ip_parse(&want, ip) && !ip_cmp(&r->dst, &want);
}

/* The header names a hop in the EU; told is where the packet would end. */
Test(evidence, a_source_route_is_told_by_its_goal)
{
	struct __sk_buff ctx = {.ifindex = if_nametoindex("here")};
	uint8_t four[14 + 28 + 8] = {[12] = 0x08, [14] = 0x47, [17] = 36, [22] = 64, [23] = 17},
			       six[14 + 40 + 40 + 8] = {[12] = 0x86, [13] = 0xdd, [14] = 0x60,
							[19] = 48,   [20] = 43,	  [21] = 64};

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	inet_pton(AF_INET, "10.1.0.1", four + 26);
	inet_pton(AF_INET, "10.1.0.2", four + 30);
	memcpy(four + 34, (uint8_t[]){1, 131, 7, 4}, 4);
	inet_pton(AF_INET, "10.2.0.9", four + 38);
	cr_expect_eq(egress_of(four, sizeof(four), &ctx), 0);
	settle();
	cr_expect(goes_to(denied_why(ABI_WHY_SOURCE_ROUTE), "10.2.0.9"));
	/* segment routing: the last segment stands first */
	inet_pton(AF_INET6, "fd01::1", six + 22);
	inet_pton(AF_INET6, "fd01::2", six + 38);
	memcpy(six + 54, (uint8_t[]){17, 4, 4, 1, 1}, 5);
	inet_pton(AF_INET6, "fd02::9", six + 62);
	inet_pton(AF_INET6, "fd01::2", six + 78);
	seen.n = 0;
	cr_expect_eq(egress_of(six, sizeof(six), &ctx), 0);
	settle();
	cr_expect(goes_to(denied_why(ABI_WHY_SOURCE_ROUTE), "fd02::9"));
}

/* The option that says how long a BIG TCP packet is leaves with no segment of it. */
Test(evidence, big_tcp_counts_what_leaves)
{
	struct __sk_buff ctx = {.ifindex = if_nametoindex("here"), .gso_segs = 3, .gso_size = 1000};
	uint8_t p[14 + 40 + 8 + 20 + 3000] = {
		[12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 0, [21] = 64};
	struct abi_total t;

	judge("allow to DE\nblock to any\n", MODE_ENFORCE);
	inet_pton(AF_INET6, "fd01::1", p + 22);
	inet_pton(AF_INET6, "fd01::2", p + 38);
	memcpy(p + 54, (uint8_t[]){6, 0, 0xc2, 4, 0, 0, 0x0b, 0xd4}, 8);
	p[54 + 8 + 12] = 0x50;
	cr_expect_eq(egress_of(p, sizeof(p), &ctx), 1);
	t = counters().action[DECIDE_ALLOW];
	cr_expect(t.packets == 3 && t.bytes == 3 * 1060, "%llu packets %llu bytes",
		  (unsigned long long)t.packets, (unsigned long long)t.bytes);
}

/* ---- a kernel without room ---- */
Test(evidence, without_storage_it_is_told_from_the_packet)
{
	struct sum s = {};
	int fd;

	judge("alert to CH\nallow to DE\nblock to any\n", MODE_MONITOR);
	stage_run("sysctl -qw net.core.optmem_max=64");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 5; i++) {
		cr_expect_eq(send_to(fd, "10.2.0.2", 7300, "x", 1), 0);
		cr_expect_eq(send_to(fd, "10.3.0.2", 7301, "x", 1), 0);
		cr_expect_eq(send_to(fd, "10.1.0.2", 7302, "x", 1), 0);
	}
	settle();
	if (!counters().count[ABI_LOST_STORAGE]) {
		stage_run("sysctl -qw net.core.optmem_max=131072");
		cr_skip("this kernel has one optmem_max for all network namespaces");
	}
	cr_expect_eq(told(KERNEL_DENIED, 17, 7300, NULL), 1);
	cr_expect_eq(told(KERNEL_ALERTED, 17, 7301, NULL), 1);
	fold_sum(UINT64_MAX, &s);
	cr_expect(s.packets == 10 && s.bytes == 290, "%lu packets %lu bytes", s.packets, s.bytes);
}
