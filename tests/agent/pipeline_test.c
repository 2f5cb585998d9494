/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_test.c - every byte in exactly one flow and one line of the account, limits,
 * determinism, live events. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/engine/destinations.h"
#include "agent/flow/pipeline.h"
#include "agent/flow/packet.h"

#define START  1795430400000000000ull
#define FRAMES 4096
#define MS     1000000ull

static char dir[] = "/tmp/cordon-pipeline-XXXXXX";
static char policy_path[64], geo_path[64];
static struct engine *engine;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static struct engine *load(const char *policy)
{
	const char *geo[] = {geo_path};
	struct engine_config cfg = {
		.policy = policy_path, .geo = geo, .ngeo = 1, .now = START / 1000000000ull};
	struct diag_sink d = {0};
	struct engine *e = NULL;

	put(policy_path, policy);
	cr_assert_eq(engine_load(&e, &cfg, engine, &d), 0);
	return e;
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(policy_path, sizeof(policy_path), "%s/policy", dir);
	snprintf(geo_path, sizeof(geo_path), "%s/geofeed.csv", dir);
	put(geo_path, "3.0.0.0/8,US,,,\n52.0.0.0/8,DE,,,\n51.0.0.0/8,GB,,,\n");
	engine = load("allow to eea\nalert to adequate\nblock to any\n");
}

static void teardown(void)
{
	engine_free(engine);
	unlink(policy_path);
	unlink(geo_path);
	rmdir(dir);
}
TestSuite(pipeline, .init = setup, .fini = teardown);

/* Frames of raw IPv4 UDP (or TCP when flags say so), 64 bytes of memory each. */
static struct {
	uint8_t bytes[FRAMES][64];
	struct packet_frame frame[FRAMES];
	unsigned n;
} wire;

static void frame(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, uint16_t length,
		  int flags, uint64_t ms)
{
	uint8_t *b = wire.bytes[wire.n];

	cr_assert_lt(wire.n, FRAMES);
	memset(b, 0, 64);
	b[0] = 0x45;
	b[2] = (uint8_t)(length >> 8);
	b[3] = (uint8_t)length;
	b[9] = flags < 0 ? 17 : 6;
	for (int i = 0; i < 4; i++) {
		b[12 + i] = (uint8_t)(src >> (24 - 8 * i));
		b[16 + i] = (uint8_t)(dst >> (24 - 8 * i));
	}
	b[20] = (uint8_t)(sport >> 8);
	b[21] = (uint8_t)sport;
	b[22] = (uint8_t)(dport >> 8);
	b[23] = (uint8_t)dport;
	b[33] = flags < 0 ? 0 : (uint8_t)flags;
	wire.frame[wire.n] = (struct packet_frame){.data = b,
						   .caplen = 64,
						   .len = length > 64 ? length : 64,
						   .link = 101,
						   .time_ns = START + ms * MS,
						   .number = wire.n + 1};
	wire.n++;
}
#define UDP   -1
#define DB    0x0a000005u
#define US(n) (0x03500000u + (n))
#define DE(n) (0x341c0000u + (n))
#define GB(n) (0x33000000u + (n))

/* What the sink was told, as text: kind, id, ends, counts, verdict. */
static char told[1 << 20];
static size_t ntold, nevents;
static void keep(void *arg, struct event *e)
{
	char a[IP_STRLEN], b[IP_STRLEN];

	(void)arg;
	nevents++;
	ntold += (size_t)snprintf(
		told + ntold, sizeof(told) - ntold, "%d %s %s:%u>%s:%u %s %llu/%llu #%llu %s %s\n",
		e->kind, e->id[14] == '8' ? e->id : "v7", ip_format(a, &e->flow.src), e->flow.sport,
		ip_format(b, &e->flow.dst), e->flow.dport, e->action,
		(unsigned long long)e->packets, (unsigned long long)e->bytes,
		(unsigned long long)e->capture_packet, e->opened == OPENED_HERE ? "here" : "peer",
		e->rule ? e->rule->text : "default");
	cr_assert_lt(ntold, sizeof(told));
}

static struct pipeline *open_with(struct pipeline_config cfg)
{
	struct pipeline *p;

	ntold = nevents = 0;
	told[0] = 0;
	cfg.engine = engine;
	cfg.event = keep;
	cr_assert_eq(pipeline_new(&p, &cfg), 0);
	return p;
}

static void feed(struct pipeline *p, unsigned step)
{
	for (unsigned i = 0; i < wire.n; i += step)
		cr_assert_eq(pipeline_packets(p, wire.frame + i,
					      wire.n - i < step ? wire.n - i : step),
			     0);
}

/* Random traffic among few addresses, both directions, ports that repeat. */
static void random_frames(unsigned n, unsigned seed)
{
	wire.n = 0;
	srandom(seed);
	for (unsigned i = 0; i < n; i++) {
		uint32_t kind = (uint32_t)random() % 4, far = (uint32_t)random() % 50;
		uint32_t peer = kind == 0   ? US(far)
				: kind == 1 ? DE(far)
				: kind == 2 ? GB(far)
					    : 0x0a000006u + far;
		uint16_t port = (uint16_t)(40000 + random() % 20),
			 length = (uint16_t)(28 + random() % 1400);
		int flags = random() % 3 ? UDP : random() % 4 ? 0x10 : 0x02;

		if (random() % 2)
			frame(DB, peer, port, 443, length, flags, i);
		else
			frame(peer, DB, 443, port, length, flags == 2 ? 0x12 : flags, i);
	}
}

struct totals {
	uint64_t packets, bytes, flows;
};
static struct totals account_of(struct pipeline *p)
{
	struct pipeline_destination *d;
	struct totals t = {0};
	size_t n;

	cr_assert_eq(pipeline_destinations(p, &d, &n), 0);
	for (size_t i = 0; i < n; i++) {
		t.packets += d[i].packets;
		t.bytes += d[i].bytes;
		t.flows += d[i].flows;
		if (i)
			cr_expect_leq(ip_cmp(&d[i - 1].address, &d[i].address), 0, "not in order");
	}
	free(d);
	return t;
}

Test(pipeline, every_byte_once_whatever_the_limits)
{
	static const struct {
		size_t flows;
		uint32_t destinations;
		unsigned step;
	} limits[] = {
		{0, 0, 32}, {0, 0, 1}, {0, 0, 4096}, {64, 0, 32}, {200, 8, 7}, {0, 1, 32},
	};
	uint64_t bytes = 0;

	random_frames(4000, 7);
	for (unsigned i = 0; i < wire.n; i++)
		bytes += (uint64_t)wire.bytes[i][2] << 8 | wire.bytes[i][3];
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct pipeline *p = open_with(
			(struct pipeline_config){.replay = true,
						 .flows_max = limits[i].flows,
						 .destinations_max = limits[i].destinations});
		const struct pipeline_counts *c = pipeline_counts(p);
		struct totals t;
		uint64_t judged = 0;

		feed(p, limits[i].step);
		cr_assert_eq(pipeline_finish(p), 0);
		t = account_of(p);
		cr_expect_eq(c->packets, 4000);
		cr_expect_eq(c->ip_packets, 4000);
		cr_expect_eq(c->bytes, bytes);
		cr_expect_eq(t.packets, 4000, "limits %zu: %lu packets", i, t.packets);
		cr_expect_eq(t.bytes, bytes, "limits %zu", i);
		cr_expect_eq(t.flows, c->flows, "limits %zu", i);
		cr_expect_eq(c->evicted > 0, limits[i].flows > 0, "limits %zu: %lu evicted", i,
			     c->evicted);
		judged = c->flows_by_verdict[DECIDE_ALERT] + c->flows_by_verdict[DECIDE_BLOCK];
		cr_expect_eq(nevents, judged, "an event for every violating flow");
		pipeline_free(p);
	}
}

Test(pipeline, the_same_again)
{
	char *first = NULL;

	random_frames(4000, 11);
	for (int round = 0; round < 4; round++) {
		struct pipeline *p = open_with((struct pipeline_config){.replay = true});

		feed(p, round % 2 ? 5 : 32);
		cr_assert_eq(pipeline_finish(p), 0);
		pipeline_free(p);
		if (!first)
			first = strdup(told);
		else
			cr_expect_str_eq(told, first, "round %d tells another story", round);
	}
	free(first);
}

/* Evictions depend on the packets alone, not on where flows stand in a table with a random seed. */
Test(pipeline, evictions_are_the_same_again)
{
	char *first = NULL;

	random_frames(4000, 13);
	for (int round = 0; round < 4; round++) {
		struct pipeline *p =
			open_with((struct pipeline_config){.replay = true, .flows_max = 100});

		feed(p, 32);
		cr_assert_eq(pipeline_finish(p), 0);
		pipeline_free(p);
		if (!first)
			first = strdup(told);
		else
			cr_expect_str_eq(told, first, "round %d", round);
	}
	free(first);
}

Test(pipeline, who_opened_it)
{
	static const struct {
		uint16_t sport, dport;
		int flags;
		bool answer_first;
		const char *opened;
	} want[] = {
		{40000, 443, 0x02, false, "here"},  /* a handshake */
		{5432, 50000, 0x12, false, "peer"}, /* its answer */
		{443, 40000, 0x02, false, "here"},  /* a handshake says more than ports */
		{40000, 443, 0x10, false, "here"},  /* from the middle: ports */
		{5432, 50123, 0x10, false, "peer"},
		{53, 40000, UDP, false, "peer"},
		{40000, 40001, UDP, false, "here"}, /* no service on either side: who came first */
		{40000, 40001, UDP, true, "peer"},
		{443, 22, UDP, false, "here"}, /* two services */
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct pipeline *p = open_with((struct pipeline_config){.replay = true});

		wire.n = 0;
		if (want[i].answer_first)
			frame(US(1), DB, want[i].dport, want[i].sport, 100, want[i].flags, 1);
		frame(DB, US(1), want[i].sport, want[i].dport, 100, want[i].flags, 2);
		feed(p, 32);
		cr_assert_eq(pipeline_finish(p), 0);
		cr_expect_eq(nevents, 1);
		cr_expect_not_null(strstr(told, want[i].opened), "row %zu: %s", i, told);
		pipeline_free(p);
	}
}

Test(pipeline, live_tells_at_once_and_at_the_end)
{
	struct pipeline *p = open_with((struct pipeline_config){.replay = false});

	wire.n = 0;
	frame(DB, DE(1), 40000, 443, 100, 0x02, 0);
	frame(DB, US(1), 40000, 443, 100, 0x02, 1);
	frame(DB, US(1), 40000, 443, 1000, 0x10, 2);
	feed(p, 1);
	cr_expect_str_eq(told, "0 v7 10.0.0.5:40000>3.80.0.1:443 "
			       "flow-would-block 1/100 #0 here block to any\n");
	cr_assert_eq(pipeline_expire(p, START + 1 * MS), 0); /* the flow to DE has been quiet */
	cr_expect_eq(nevents, 1);
	cr_assert_eq(pipeline_expire(p, START + 3 * MS), 0);
	cr_expect_eq(nevents, 2);
	cr_expect_not_null(strstr(told, "1 v7 10.0.0.5:40000>3.80.0.1:443 flow-would-block 1/1000"),
			   "%s", told);
	cr_assert_eq(pipeline_finish(p), 0);
	cr_expect_eq(nevents, 2);
	feed(p, 1); /* the same flow comes again: told anew */
	cr_expect_eq(nevents, 3);
	pipeline_free(p);
}

/* Live, addresses come and go for months: what is remembered of them follows the flows that there
 * are. */
Test(pipeline, live_forgets_destinations)
{
	struct pipeline *p =
		open_with((struct pipeline_config){.replay = false, .destinations_max = 100000});
	uint64_t ms = 0;

	for (uint32_t round = 0; round < 8; round++) {
		for (uint32_t i = 0; i < 20000; i += 2000) {
			wire.n = 0;
			for (uint32_t k = 0; k < 2000; k++)
				frame(DB, DE(round * 20000 + i + k), 40000, 443, 100, UDP, ms++);
			feed(p, 32);
		}
		cr_assert_eq(pipeline_expire(p, START + (ms - 10) * MS), 0);
	}
	wire.n = 0;
	frame(DB, DE(7 * 20000 + 19999), 40000, 443, 100, UDP, ms); /* this flow is still there */
	frame(DB, US(1), 40000, 443, 100, UDP, ms);
	feed(p, 32);
	cr_expect_eq(pipeline_counts(p)->flows, 160001);
	cr_expect_eq(nevents, 1);
	cr_assert_eq(pipeline_finish(p), 0);
	cr_expect_eq(pipeline_counts(p)->bytes_by_verdict[DECIDE_ALLOW], 16000100);
	pipeline_free(p);
}

Test(pipeline, another_engine_decides_open_flows_again)
{
	struct engine *other, *first = engine;
	struct pipeline *p = open_with((struct pipeline_config){.replay = true});
	const struct pipeline_counts *c = pipeline_counts(p);

	wire.n = 0;
	frame(DB, US(1), 40000, 443, 100, 0x02, 1);
	frame(DB, DE(1), 40000, 443, 200, 0x02, 2);
	feed(p, 32);
	other = load("alert to eea severity low\nallow to any\n");
	engine = other;
	cr_assert_eq(pipeline_engine(p, other), 0);
	feed(p, 32);
	cr_assert_eq(pipeline_finish(p), 0);
	cr_expect_eq(nevents, 2, "%s", told);
	cr_expect_not_null(strstr(told, "3.80.0.1:443 flow-would-block 1/100"), "%s", told);
	cr_expect_not_null(strstr(told, "52.28.0.1:443 flow-alerted 1/200"), "%s", told);
	cr_expect_eq(c->bytes_by_verdict[DECIDE_BLOCK], 100);
	cr_expect_eq(c->bytes_by_verdict[DECIDE_ALERT], 200);
	cr_expect_eq(c->bytes_by_verdict[DECIDE_ALLOW], 300);
	pipeline_free(p);
	engine_free(first);
}

/* More source routes than are told apart: all are blocked, all are counted. */
Test(pipeline, source_routes_at_the_limit)
{
	struct pipeline *p = open_with((struct pipeline_config){.replay = true});
	const struct pipeline_counts *c = pipeline_counts(p);
	const unsigned n = PIPELINE_ROUTES_MAX + 10;

	for (unsigned i = 0; i < n; i++) {
		uint8_t *b = wire.bytes[0];

		wire.n = 0;
		frame(DB, DE(1), 40000, 443, 100, UDP, i);
		memmove(b + 28, b + 20, 16);
		b[0] = 0x47;
		memcpy(b + 20, (uint8_t[]){0x83, 7, 4, 52, 28, (uint8_t)(i >> 8), (uint8_t)i, 0},
		       8);
		feed(p, 1);
	}
	cr_assert_eq(pipeline_finish(p), 0);
	cr_expect_eq(c->routed, n);
	cr_expect_eq(c->flows, PIPELINE_ROUTES_MAX + 1);
	cr_expect_eq(c->packets_by_verdict[DECIDE_BLOCK], n);
	pipeline_free(p);
}

Test(pipeline, time_goes_back)
{
	struct pipeline *p = open_with((struct pipeline_config){.replay = true});
	const struct pipeline_counts *c = pipeline_counts(p);

	wire.n = 0;
	frame(DB, US(1), 40000, 443, 100, UDP, 50);
	frame(DB, US(1), 40000, 443, 100, UDP, 40);
	frame(DB, US(1), 40000, 443, 100, UDP, 60);
	frame(DB, US(1), 40000, 443, 100, UDP, 10);
	feed(p, 2);
	cr_expect_eq(c->backward, 2);
	cr_expect_eq(c->first_ns, START + 10 * MS);
	cr_expect_eq(c->last_ns, START + 60 * MS);
	pipeline_free(p);
}
