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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = {0,   1,   9,	12,  14,  50,  51,  101, 104,
					 108, 113, 127, 228, 229, 239, 276, 105, 999};
	struct packet_frame f = {.time_ns = 1, .number = 1};
	struct rtt_segment s;
	struct packet k;
	uint8_t *frame;

	if (size < 3)
		return 0;
	f.link = links[data[0] % (sizeof(links) / sizeof(links[0]))];
	f.caplen = (uint32_t)(size - 3);
	f.len = f.caplen + data[1] * 256u + data[2];
	frame = malloc(size - 3); /* of its own, so that a byte too far is seen */
	memcpy(frame, data + 3, size - 3);
	f.data = frame;
	if (packet_decode(&k, &f) == PACKET_IP) {
		unsigned address = k.v == 4 ? 4 : 16;

		if (k.v != 4 && k.v != 6)
			abort();
		inside(frame, f.caplen, k.src, address);
		inside(frame, f.caplen, k.dst, address);
		inside(frame, f.caplen, k.final, address);
		inside(frame, f.caplen, k.payload, k.payload ? k.payload_len : 0);
		if (k.payload)
			rtt_parse(&s, k.payload, k.payload_len, k.length);
	}
	free(frame);
	return 0;
}
