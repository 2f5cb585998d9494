/* SPDX-License-Identifier: BSD-2-Clause */
/* names_test.c - what names.bpf.c copies: first bytes of streams, answers of DNS, in order and whole; what it leaves; that every packet passes
 * and every loss is counted. */
#include "tests/bpf/policy.h"

static struct stage stage;
static struct kernel *k;
static struct {
	unsigned n[4], bytes[4];
	uint8_t stream[65536];
	uint32_t end; /* of the stream */
	char dst[IP_STRLEN];
	uint16_t dport;
} got;

static void on_bytes(void *arg, const struct kernel_bytes *b)
{
	(void)arg;
	got.n[b->kind]++;
	got.bytes[b->kind] += (unsigned)b->length;
	ip_format(got.dst, &b->record.dst);
	got.dport = b->record.dport;
	cr_assert(b->offset + b->length <= sizeof(got.stream));
	memcpy(got.stream + b->offset, b->bytes, b->length);
	if (b->offset + b->length > got.end)
		got.end = b->offset + (uint32_t)b->length;
}

static void setup(void)
{
	struct diag_sink d = {.fn = stage_log};
	struct kernel_config cfg;

	stage_set(&stage);
	cfg = (struct kernel_config){.cgroup = stage.cgroup, .pins = stage.pins};
	cr_assert_eq(kernel_open(&k, &cfg, &d), 0);
	cr_assert_eq(kernel_names_open(k, on_bytes, NULL, &d), 0);
	cr_assert(kernel_names_attached(k));
	memset(&got, 0, sizeof(got));
}

static void teardown(void)
{
	if (k)
		kernel_detach(k, NULL);
	stage_strike(&stage);
}
TestSuite(copies, .init = setup, .fini = teardown, .timeout = 120);

/* Until nothing more comes. */
static void drain(void)
{
	for (int quiet = 0; quiet < 20; quiet++) {
		if (kernel_names_poll(k) > 0)
			quiet = 0;
		usleep(10000);
	}
}

/* A connection to the peer's port; the accepted end in *ret. */
static int connected(uint16_t port, int *ret)
{
	struct sockaddr_in to = stage_address("10.1.0.2", port);
	int listener = stage_peer_socket(&stage, AF_INET, SOCK_STREAM, 0), one = 1,
	    fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	cr_assert(!bind(listener, (void *)&to, sizeof(to)) && !listen(listener, 4));
	cr_assert(!connect(fd, (void *)&to, sizeof(to)));
	*ret = accept(listener, NULL, NULL);
	cr_assert_geq(*ret, 0);
	close(listener);
	return fd;
}

static size_t arrives(int fd, size_t want)
{
	static uint8_t b[65536];
	size_t n = 0;

	while (n < want) {
		ssize_t r = read(fd, b, sizeof(b));

		cr_assert(r > 0);
		n += (size_t)r;
	}
	return n;
}

/* A hello of 5,000 bytes in one write, then a megabyte that is nobody's business. */
Test(copies, stream)
{
	static uint8_t hello[5009] = {0x16, 3, 1, 0x13, 0x8c, 1, 0, 0x13, 0x88}, more[1 << 20];
	int peer, fd = connected(443, &peer);

	for (size_t i = 9; i < sizeof(hello); i++)
		hello[i] = (uint8_t)(i * 7);
	cr_assert_eq(write(fd, hello, sizeof(hello)), sizeof(hello));
	arrives(peer, sizeof(hello));
	for (size_t sent = 0; sent < sizeof(more); sent += 65536) {
		cr_assert_eq(write(fd, more + sent, 65536), 65536);
		arrives(peer, 65536);
	}
	drain();
	cr_expect_geq(got.end, sizeof(hello));
	cr_expect_leq(got.end, sizeof(hello) + 512);
	cr_expect_eq(memcmp(got.stream, hello, sizeof(hello)), 0);
	cr_expect_str_eq(got.dst, "10.1.0.2");
	cr_expect_eq(got.dport, 443);
	cr_expect_eq(got.n[ABI_NAMES_ANSWER] + got.n[ABI_NAMES_ANSWERS], 0);
}

Test(copies, nothing_of_others)
{
	int peer, fd = connected(22, &peer);

	cr_assert_eq(write(fd, "SSH-2.0-x\r\n", 11), 11);
	arrives(peer, 11);
	drain();
	cr_expect_eq(got.n[ABI_NAMES_STREAM], got.bytes[ABI_NAMES_STREAM] ? 1 : 0);
	cr_assert_eq(write(fd, "GET / HTTP/1.1\r\nHost: late\r\n\r\n", 30), 30);
	arrives(peer, 30);
	/* what was accepted answers: its first bytes name nobody */
	cr_assert_eq(write(peer, "GET x", 5), 5);
	arrives(fd, 5);
	drain();
	cr_expect_leq(got.end, 64);
}

static int name_server(void)
{
	struct sockaddr_in at = stage_address("10.1.0.2", 53);
	int fd = stage_peer_socket(&stage, AF_INET, SOCK_DGRAM, 0);

	cr_assert(!bind(fd, (void *)&at, sizeof(at)));
	return fd;
}

/* Sent in bursts over the rate: what was copied and what is counted as lost is all that arrived. */
Test(copies, every_loss_is_counted)
{
	struct sockaddr_in here = stage_address("10.1.0.1", 5353);
	int server = name_server(), fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
	struct abi_names_state s;
	unsigned arrived = 0;
	uint8_t b[3000] = {0, 1, 0x81};

	cr_assert(!bind(fd, (void *)&here, sizeof(here)));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (unsigned i = 0; i < 20000; i++) {
		cr_assert_eq(sendto(server, b, 100, 0, (void *)&here, sizeof(here)), 100);
		arrived += recv(fd, b, sizeof(b), 0) == 100;
	}
	cr_expect_eq(arrived, 20000);
	drain();
	cr_assert_eq(kernel_names_counts(k, &s), 0);
	cr_expect_eq(s.copied, got.n[ABI_NAMES_ANSWER]);
	cr_expect_eq(s.copied + s.lost + s.limited + s.unread, 20000);
	cr_expect_gt(s.lost + s.limited, 0);
	cr_expect_geq(s.copied, 1000);
}

/* An answer of 3,000 bytes: two records, whole. */
Test(copies, long_answer)
{
	struct sockaddr_in here = stage_address("10.1.0.1", 5354);
	int server = name_server(), fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t b[3000];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 3);
	cr_assert(!bind(fd, (void *)&here, sizeof(here)));
	cr_assert_eq(sendto(server, b, sizeof(b), 0, (void *)&here, sizeof(here)), sizeof(b));
	cr_assert_eq(recv(fd, b, sizeof(b), 0), sizeof(b));
	drain();
	cr_expect_eq(got.n[ABI_NAMES_ANSWER], 2);
	cr_expect_eq(got.end, sizeof(b));
	cr_expect_eq(memcmp(got.stream, b, sizeof(b)), 0);
}
