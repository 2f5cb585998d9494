/* SPDX-License-Identifier: BSD-2-Clause */
/* technique_xdp.c - AF_XDP: a frame in shared memory, which the driver takes from there. */
#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/prove/frame.h"
#include "geo/base/cleanup.h"

#define CHUNK	  4096
#define CHUNKS	  4
#define WAIT_TURN 200 /* of 1 ms */

static int option(int fd, int name, unsigned n)
{
	return setsockopt(fd, SOL_XDP, name, &n, sizeof(n)) ? -errno : 0;
}

static int memory(int fd, uint8_t *chunks)
{
	struct xdp_umem_reg reg = {.addr = (uintptr_t)chunks,
				   .len = CHUNK * CHUNKS,
				   .chunk_size = CHUNK};
	int r;

	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		return -errno;
	r = option(fd, XDP_UMEM_FILL_RING, CHUNKS);
	if (r == 0)
		r = option(fd, XDP_UMEM_COMPLETION_RING, CHUNKS);
	return r == 0 ? option(fd, XDP_TX_RING, CHUNKS) : r;
}

static int put_out(int fd, size_t n, const struct aim *a)
{
	struct sockaddr_xdp to = {.sxdp_family = AF_XDP,
				  .sxdp_ifindex = a->device,
				  .sxdp_flags = XDP_COPY};
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	size_t room;
	uint8_t *ring;

	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len))
		return -errno;
	room = off.tx.desc + CHUNKS * sizeof(struct xdp_desc);
	ring = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		    XDP_PGOFF_TX_RING);
	if (ring == MAP_FAILED || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		return -errno;
	*(struct xdp_desc *)(void *)(ring + off.tx.desc) =
		(struct xdp_desc){.addr = 0, .len = (unsigned)n};
	__atomic_store_n((unsigned *)(void *)(ring + off.tx.producer), 1, __ATOMIC_RELEASE);
	for (int i = 0; i < WAIT_TURN; i++) {
		if (sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EBUSY && errno != ENOBUFS)
			return -errno;
		if (__atomic_load_n((unsigned *)(void *)(ring + off.tx.consumer),
				    __ATOMIC_ACQUIRE) == 1)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

int packet_xdp(const struct aim *a)
{
	_close_ int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t *chunks = mmap(NULL, CHUNK * CHUNKS, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct frame f = {};
	int r;

	if (fd < 0 || chunks == MAP_FAILED)
		return -errno;
	r = memory(fd, chunks);
	if (r < 0)
		return r;
	frame_ether(&f);
	frame_be16(&f, frame_type(a));
	frame_udp(&f, a);
	memcpy(chunks, f.b, f.n);
	return put_out(fd, f.n, a);
}
