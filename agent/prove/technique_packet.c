/* SPDX-License-Identifier: BSD-2-Clause */
/* technique_packet.c - AF_PACKET: frames that go to the device, below every hook that sees sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/prove/frame.h"
#include "geo/base/cleanup.h"

#define RING_FRAME  2048
#define RING_FRAMES 2
#define RING_DATA                                                                                  \
	((sizeof(struct tpacket_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT *                \
	 TPACKET_ALIGNMENT)

static struct sockaddr_ll device(const struct aim *a)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)a->device,
				 .sll_halen = 6,
				 .sll_addr = {2, 0, 0, 0, 0, 2}};

	to.sll_protocol = htons((uint16_t)frame_type(a));
	return to;
}

static int put_out(int fd, const struct frame *f, const struct aim *a)
{
	struct sockaddr_ll to = device(a);

	if (fd < 0)
		return -errno;
	return sendto(fd, f->b, f->n, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static int packet(int type)
{
	return socket(AF_PACKET, type | SOCK_CLOEXEC, 0);
}

/* What stands before the IP header, and the frame goes out. */
static int behind(const struct aim *a, const void *front, size_t n)
{
	_close_ int fd = packet(SOCK_RAW);
	struct frame f = {};

	frame_ether(&f);
	frame_put(&f, front, n);
	if (n < 2 || memcmp((const uint8_t *)front, "\x88\x64", 2) != 0)
		if (n < 2 || memcmp((const uint8_t *)front, "\x88\x47", 2) != 0)
			frame_be16(&f, frame_type(a));
	frame_udp(&f, a);
	return put_out(fd, &f, a);
}

int packet_raw(const struct aim *a)
{
	return behind(a, "", 0);
}

int packet_vlan(const struct aim *a)
{
	return behind(a, "\x81\x00\x00\x05", 4);
}

int packet_vlan3(const struct aim *a)
{
	return behind(a, "\x88\xa8\x00\x05\x81\x00\x00\x06\x81\x00\x00\x07", 12);
}

int packet_mpls(const struct aim *a)
{
	return behind(a, "\x88\x47\x00\x01\x01\x40", 6); /* one label, bottom of the stack */
}

int packet_pppoe(const struct aim *a)
{
	uint8_t front[10] = {0x88, 0x64, 0x11, 0x00, 0x00, 0x01};
	size_t n = (a->v == 4 ? 20 : 40) + 8 + PROVE_TOKEN_LEN + 2;

	front[6] = (uint8_t)(n >> 8);
	front[7] = (uint8_t)n;
	front[9] = a->v == 4 ? 0x21 : 0x57;
	return behind(a, front, sizeof(front));
}

int packet_dgram(const struct aim *a)
{
	_close_ int fd = packet(SOCK_DGRAM);
	struct frame f = {};

	frame_udp(&f, a);
	return put_out(fd, &f, a);
}

int packet_bypass(const struct aim *a)
{
	_close_ int fd = packet(SOCK_RAW);
	struct frame f = {};
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		return -errno;
	frame_ether(&f);
	frame_be16(&f, frame_type(a));
	frame_udp(&f, a);
	return put_out(fd, &f, a);
}

int packet_ring(const struct aim *a)
{
	_close_ int fd = packet(SOCK_RAW);
	struct tpacket_req q = {.tp_block_size = RING_FRAME * RING_FRAMES,
				.tp_block_nr = 1,
				.tp_frame_size = RING_FRAME,
				.tp_frame_nr = RING_FRAMES};
	struct sockaddr_ll to = device(a);
	struct frame f = {};
	uint8_t *ring;
	struct tpacket_hdr *h;
	int r;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &q, sizeof(q)))
		return -errno;
	ring = mmap(NULL, q.tp_block_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	frame_ether(&f);
	frame_be16(&f, frame_type(a));
	frame_udp(&f, a);
	h = (struct tpacket_hdr *)(void *)ring;
	memcpy(ring + RING_DATA, f.b, f.n);
	h->tp_len = (unsigned)f.n;
	h->tp_status = TP_STATUS_SEND_REQUEST;
	r = sendto(fd, NULL, 0, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	munmap(ring, q.tp_block_size);
	return r;
}
