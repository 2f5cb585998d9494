/* SPDX-License-Identifier: BSD-2-Clause */
/* socket_test.c - whose socket it was: sock_diag for TCP and UDP, /proc/net/raw for the others. */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/host/netlink.h"
#include "agent/host/socket.h"

static struct ip ip(const char *text)
{
	uint8_t b[16];
	bool v6 = strchr(text, ':') != NULL;

	cr_assert_eq(inet_pton(v6 ? AF_INET6 : AF_INET, text, b), 1);
	return ip_from_bytes(v6 ? 6 : 4, b);
}

static ino_t inode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

static uint16_t local_port(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

/* A socket of type, connected to one of this process on loopback. */
static int pair(int type, int *there)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, 0);

	*there = socket(AF_INET, type, 0);
	cr_assert(fd >= 0 && *there >= 0);
	cr_assert_eq(bind(*there, (struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(*there, 1), 0);
	a.sin_port = htons(local_port(*there));
	cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

Test(socket, diag_knows_both_protocols)
{
	static const struct {
		int type;
		uint8_t proto;
	} row[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}};
	const struct ip lo = ip("127.0.0.1");

	for (size_t i = 0; i < 2; i++) {
		struct netlink_socket s = {0};
		int there, fd = pair(row[i].type, &there);
		struct process p = {0};
		struct flow_key k = {.src = lo,
				     .dst = lo,
				     .sport = local_port(fd),
				     .dport = local_port(there),
				     .proto = row[i].proto};
		char procs[] = "/tmp/socket_test.XXXXXX";
		int list = mkstemp(procs);

		cr_assert_eq(netlink_socket(&s, k.proto, &lo, k.sport, &lo, k.dport), 0);
		cr_expect_eq(s.inode, inode(fd), "protocol %u", row[i].proto);
		dprintf(list, "%d\n", getpid());
		cr_expect_eq(socket_owner(&p, &k, procs), 0, "protocol %u", row[i].proto);
		cr_expect_eq(p.pid, getpid());
		unlink(procs);
		close(list);
		close(fd);
		close(there);
	}
}

/* Lines as a kernel wrote them; the fields that nobody reads shortened. */
#define HEAD                                                                                       \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
#define RAW(local, proto, peer, ino)                                                               \
	"  253: " local ":" proto " " peer ":0000 07 00000000:00000000 00:00000000 00000000     "  \
	"0        0 " ino " 2 0000000000000000 0\n"
#define ANY4 "00000000"
#define ANY6 "00000000000000000000000000000000"

Test(socket, raw_sockets)
{
	static const struct {
		const char *name, *file, *dst, *lines;
		uint8_t proto;
		int r;
		uint64_t inode;
	} row[] = {
		{"connected", "raw", "3.80.0.1", RAW(ANY4, "00FD", "01005003", "71"), 253, 0, 71},
		{"to nobody", "raw", "3.80.0.1", RAW(ANY4, "00FD", ANY4, "72"), 253, 0, 72},
		{"IPPROTO_RAW", "raw", "3.80.0.1", RAW(ANY4, "00FF", ANY4, "73"), 253, 0, 73},
		{"other peer", "raw", "3.80.0.1", RAW(ANY4, "00FD", "02005003", "74"), 253, -ENOENT,
		 0},
		{"other protocol", "raw", "3.80.0.1", RAW(ANY4, "0001", ANY4, "75"), 253, -ENOENT,
		 0},
		{"two may be", "raw", "3.80.0.1",
		 RAW(ANY4, "00FD", ANY4, "76") RAW(ANY4, "00FD", "01005003", "77"), 253, -ENOTUNIQ,
		 0},
		{"one of two", "raw", "3.80.0.1",
		 RAW(ANY4, "0001", ANY4, "78") RAW(ANY4, "00FD", ANY4, "79"), 253, 0, 79},
		{"IPv6", "raw6", "2600:1f18::1",
		 RAW(ANY6, "003A", "181F0026000000000000000001000000", "80"), 58, 0, 80},
		{"IPv6, cut line", "raw6", "2600:1f18::1", "  253: 0000", 58, -ENOENT, 0},
		{"no lines", "raw", "3.80.0.1", "", 253, -ENOENT, 0},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		char dir[] = "/tmp/socket_test.XXXXXX", path[64];
		struct flow_key k = {.dst = ip(row[i].dst), .proto = row[i].proto};
		uint64_t ino = 0;
		FILE *f;

		cr_assert_not_null(mkdtemp(dir));
		snprintf(path, sizeof(path), "%s/%s", dir, row[i].file);
		f = fopen(path, "w");
		cr_assert_not_null(f);
		fprintf(f, HEAD "%s", row[i].lines);
		fclose(f);
		cr_expect_eq(socket_raw(&ino, dir, &k), row[i].r, "%s", row[i].name);
		cr_expect_eq(ino, row[i].inode, "%s", row[i].name);
		unlink(path);
		rmdir(dir);
	}
}
