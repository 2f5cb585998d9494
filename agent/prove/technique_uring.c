/* SPDX-License-Identifier: BSD-2-Clause */
/* technique_uring.c - io_uring: the system calls that send are never made. */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "agent/prove/prove_private.h"
#include "geo/base/cleanup.h"

struct uring {
	int fd;
	uint8_t *sq, *cq;
	struct io_uring_sqe *sqe;
	struct io_uring_params p;
};

static void *map(const struct uring *u, size_t n, off_t what)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, what);

	return p == MAP_FAILED ? NULL : p;
}

/* It is the process's: its end unmaps. */
static int uring_open(struct uring *u)
{
	*u = (struct uring){};
	u->fd = (int)syscall(SYS_io_uring_setup, 4, &u->p);
	if (u->fd < 0)
		return -errno;
	u->sq = map(u, u->p.sq_off.array + u->p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	u->cq = map(u, u->p.cq_off.cqes + u->p.cq_entries * sizeof(struct io_uring_cqe),
		    IORING_OFF_CQ_RING);
	u->sqe = map(u, u->p.sq_entries * sizeof(*u->sqe), IORING_OFF_SQES);
	return u->sq && u->cq && u->sqe ? 0 : -errno;
}

/* One request, and its result. */
static int uring_do(struct uring *u, const struct io_uring_sqe *q)
{
	unsigned *tail = (unsigned *)(void *)(u->sq + u->p.sq_off.tail);
	unsigned *array = (unsigned *)(void *)(u->sq + u->p.sq_off.array);
	unsigned *head = (unsigned *)(void *)(u->cq + u->p.cq_off.head);
	unsigned mask = *(unsigned *)(void *)(u->sq + u->p.sq_off.ring_mask);
	struct io_uring_cqe *c = (struct io_uring_cqe *)(void *)(u->cq + u->p.cq_off.cqes);
	unsigned at = *tail & mask;
	int r;

	u->sqe[at] = *q;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	r = c[*head & *(unsigned *)(void *)(u->cq + u->p.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return r;
}

int uring_sendmsg(const struct aim *a)
{
	_close_ int fd = socket(a->to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union prove_address to = a->to;
	char token[PROVE_TOKEN_LEN];
	struct iovec v = {token, sizeof(token)};
	struct msghdr m = {.msg_name = &to, .msg_namelen = a->len, .msg_iov = &v, .msg_iovlen = 1};
	struct io_uring_sqe q = {
		.opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (uintptr_t)&m, .len = 1};
	struct uring u;
	int r = uring_open(&u);

	memcpy(token, a->token, sizeof(token));
	if (r == 0)
		r = uring_do(&u, &q);
	return r < 0 ? r : 0;
}

int uring_connect(const struct aim *a)
{
	_close_ int fd = socket(a->to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union prove_address to = a->to;
	struct io_uring_sqe call = {
		.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (uintptr_t)&to, .off = a->len};
	struct io_uring_sqe send_it = {.opcode = IORING_OP_SEND,
				       .fd = fd,
				       .addr = (uintptr_t)a->token,
				       .len = PROVE_TOKEN_LEN};
	struct uring u;
	int r = uring_open(&u);

	if (r == 0)
		r = uring_do(&u, &call);
	if (r >= 0)
		r = uring_do(&u, &send_it);
	return r < 0 ? r : 0;
}
