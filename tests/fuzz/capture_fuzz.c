/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_fuzz.c - any bytes as a capture: read, decoded, every frame kept as a flow key. Nothing
 * may crash, hang or read outside; numbers must agree. 'make build/fuzz/capture_fuzz' with a corpus
 * directory; built with -DCAPTURE_FUZZ_MAIN: 'capture_fuzz COUNT FILE...', each file mutated COUNT
 * times with a fixed seed (tests/agent/mutant_test.c does the same).
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "agent/flow/fragment.h"
#include "agent/flow/table.h"
#include "agent/source/capture.h"

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "capture_fuzz: %s\n", what);
	abort();
}

static uint64_t touch(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return sum;
}

static void one_packet(struct packet *k, struct fragments *fragments, struct flow_table *t)
{
	struct flow_id id;

	must(k->v == 4 || k->v == 6, "neither IPv4 nor IPv6");
	touch(k->src, k->v == 4 ? 4 : 16);
	touch(k->dst, k->v == 4 ? 4 : 16);
	if (k->payload)
		touch(k->payload, k->payload_len);
	if (k->final)
		touch(k->final, k->v == 4 ? 4 : 16);
	if (k->flags & PACKET_FRAGMENT)
		must(fragments_see(fragments, k, 0) >= 0, "fragments");
	flow_id_make(&id, k->v, k->src, k->dst, k->sport, k->dport, k->proto, 0);
	must(flow_hash(t, &id) == flow_hash(t, &id), "hash");
}

/* The frame in memory of its own size, so that a read past its end is seen. */
static void one_frame(const struct packet_frame *f, struct fragments *fragments,
		      struct flow_table *t)
{
	uint8_t *exact = malloc(f->caplen ? f->caplen : 1);
	struct packet_frame copy = *f;
	struct packet k;
	int r;

	must(exact && f->caplen <= f->len && f->caplen <= CAPTURE_PACKET_MAX,
	     "a frame longer than itself");
	if (f->caplen)
		memcpy(exact, f->data, f->caplen);
	copy.data = exact;
	r = (int)packet_decode(&k, &copy);
	for (int layer = 0; layer < 8 && r == PACKET_IP; layer++) {
		struct packet outer;
		const char *tunnel;

		one_packet(&k, fragments, t);
		outer = k;
		r = packet_inner(&outer, &k, &tunnel);
	}
	r = (int)packet_decode(&k, &copy);
	for (int more = 0; more < 64 && r >= 0; more++) {
		struct packet before = k;

		if (r == PACKET_IP)
			one_packet(&k, fragments, t);
		r = packet_sibling(&before, &k);
	}
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_frame frames[CAPTURE_BATCH];
	struct diag_sink sink = {0};
	struct fragments *fragments;
	struct flow_table table;
	struct capture *c;
	char path[64];
	int fd = memfd_create("fuzz", 0), n;
	uint64_t packets = 0;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size, "memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(flow_table_new(&table, 1024) == 0 && fragments_new(&fragments) == 0, "memory");
	if (capture_open(&c, path, false, &sink) == 0) {
		while ((n = capture_next(c, frames, CAPTURE_BATCH)) > 0) {
			for (int i = 0; i < n; i++)
				one_frame(&frames[i], fragments, &table);
			packets += (uint64_t)n;
			must(packets <= 1u << 20, "packets without end");
		}
		must(n == 0, "an error of reading");
		must(capture_next(c, frames, CAPTURE_BATCH) == 0, "something after the end");
		capture_close(c);
	} else {
		must(sink.errors > 0, "refused without a word");
	}
	fragments_free(fragments);
	flow_table_free(&table);
	close(fd);
	return 0;
}

#if defined(CAPTURE_FUZZ_MUTANTS) || defined(CAPTURE_FUZZ_MAIN)
#define SIZE_MAX_FUZZ (1u << 16)
static uint8_t whole[SIZE_MAX_FUZZ], mutant[SIZE_MAX_FUZZ];

static void mutate(size_t n)
{
	memcpy(mutant, whole, n);
	for (unsigned changes = 1 + (unsigned)random() % 8; changes; changes--) {
		size_t at = (size_t)random() % n;

		switch (random() % 4) {
		case 0:
			mutant[at] ^= (uint8_t)(1u << random() % 8);
			break;
		case 1:
			mutant[at] = (uint8_t)random();
			break;
		case 2:
			mutant[at] = random() % 2 ? 0xff : 0;
			break;
		default:
			if (at + 4 <= n)
				memset(mutant + at, random() % 2 ? 0xff : 0, 4);
		}
	}
}

/* The first n bytes of 'whole', mutated count times; some of the mutants are cut as well. */
static void mutants(size_t n, long count)
{
	srandom(1);
	LLVMFuzzerTestOneInput(whole, n);
	for (long k = 0; n && k < count; k++) {
		mutate(n);
		LLVMFuzzerTestOneInput(mutant, (size_t)random() % 8 ? n : (size_t)random() % n);
	}
}

#ifdef CAPTURE_FUZZ_MAIN
int main(int argc, char **argv)
{
	char *end = argv[0];
	long count = argc > 1 ? strtol(argv[1], &end, 10) : 0;

	if (argc < 3 || *end || count < 0) {
		fprintf(stderr, "usage: capture_fuzz COUNT FILE...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");

		must(f != NULL, argv[i]);
		mutants(fread(whole, 1, sizeof(whole), f), count);
		fclose(f);
	}
	return 0;
}
#endif
#endif
