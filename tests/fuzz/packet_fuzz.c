/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_fuzz.c - any bytes as a frame of any link type: what comes out of the decoder points into
 * the frame. */
#include <stdlib.h>
#include <string.h>
#include "agent/flow/packet.h"
#include "agent/flow/rtt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *frame, size_t size, const uint8_t *p, size_t len)
{
	if (p && (p < frame || len > size || (size_t)(p - frame) > size - len))
		abort();
}

static void one(const struct packet *k, const uint8_t *frame, uint32_t caplen)
{
	unsigned address = k->v == 4 ? 4 : 16;
	struct rtt_segment s;

	if (k->v != 4 && k->v != 6)
		abort();
	inside(frame, caplen, k->src, address);
	inside(frame, caplen, k->dst, address);
	inside(frame, caplen, k->final, address);
	inside(frame, caplen, k->payload, k->payload ? k->payload_len : 0);
	inside(frame, caplen, k->more, k->more ? k->more_len : 0);
	if (k->payload)
		rtt_parse(&s, k->payload, k->payload_len, k->length);
}

/* Everything that a frame holds: what shares it, and what is inside tunnels, layer by layer. */
static void all(const struct packet_frame *f)
{
	struct packet k, in, next;
	int r = (int)packet_decode(&k, f);

	for (unsigned shared = 0; r >= 0 && shared < 4096; shared++) {
		struct packet layer = k;
		const char *tunnel;
		int inner = r;

		for (unsigned depth = 0; inner == PACKET_IP && depth < 32; depth++) {
			one(&layer, f->data, f->caplen);
			inner = packet_inner(&layer, &in, &tunnel);
			layer = in;
		}
		r = packet_sibling(&k, &next);
		k = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {0,   1,   9,	12,  50,  51,  100, 101, 104, 105, 106, 107,
					 108, 109, 113, 117, 119, 127, 138, 149, 163, 166, 167, 178,
					 179, 180, 181, 192, 197, 204, 205, 206, 219, 228, 239, 240,
					 241, 242, 258, 276, 281, 282, 284, 285, 999, 6,   7,	8,
					 10,  122, 123, 128, 129, 130, 135, 143, 168, 226};
	struct packet_frame f = {.time_ns = 1, .number = 1};
	uint8_t *frame;

	if (size < 3)
		return 0;
	f.link = links[data[0] % (sizeof(links) / sizeof(links[0]))];
	f.caplen = (uint32_t)(size - 3);
	f.len = f.caplen + data[1] * 256u + data[2];
	frame = malloc(size - 3); /* of its own, so that a byte too far is seen */
	memcpy(frame, data + 3, size - 3);
	f.data = frame;
	all(&f);
	free(frame);
	return 0;
}
