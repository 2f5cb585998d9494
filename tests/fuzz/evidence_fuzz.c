/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence_fuzz.c - any bytes as a frame of any link type that is to be evidence: with headers only, whole,
 * and anonymised. What is written must be a capture that is read back frame for frame.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/cmd/replay_evidence.h"
#include "agent/source/capture.h"

#define FRAMES 3

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "evidence_fuzz: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64], key[64];
	struct evidence_config cfg = {.path = path, .in_clear = true};
	struct packet_frame f[CAPTURE_BATCH], in;
	struct diag_sink sink = {0};
	struct evidence *e;
	struct capture *c;
	int n;

	if (size < 4 || size > 60000)
		return 0;
	if (!*path) {
		FILE *k;

		snprintf(path, sizeof(path), "/tmp/evidence-fuzz-%d", getpid());
		snprintf(key, sizeof(key), "/tmp/evidence-fuzz-%d.key", getpid());
		k = fopen(key, "w");
		must(k && fwrite("0123456789abcdef0123456789abcdef", 1, 32, k) == 32 && !fclose(k),
		     "key");
	}
	cfg.payload = data[0] & 1;
	cfg.anonymise = !cfg.payload && data[0] & 2 ? key : NULL;
	must(evidence_open(&e, &cfg) == 0, "not opened");
	in = (struct packet_frame){.data = data + 3,
				   .caplen = (uint32_t)size - 3,
				   .len = (uint32_t)size - 3 + data[0],
				   .time_ns = 1795430472345678901ull,
				   .link = (uint16_t)(data[1] | (data[2] & 1) << 8)};
	for (unsigned i = 0; i < FRAMES; i++)
		evidence_packet(e, &in, "a comment");
	must(evidence_packets(e) == FRAMES && evidence_close(e, true) == 0, "not written");
	must(capture_open(&c, path, false, &sink) == 0, "cannot be read back");
	n = capture_next(c, f, CAPTURE_BATCH);
	must(n == FRAMES, "other packets");
	must(f[0].len == in.len && f[0].caplen <= in.caplen && f[0].time_ns == in.time_ns &&
		     f[0].link == in.link,
	     "another packet");
	must(!cfg.payload || !memcmp(f[0].data, in.data, in.caplen), "other bytes");
	capture_close(c);
	unlink(path);
	return 0;
}
