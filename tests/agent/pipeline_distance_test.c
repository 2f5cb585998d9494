/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_distance_test.c - packets whose round-trip time refutes a place raise place-refuted,
 * once; others are silent. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/event/event_text.h"
#include "agent/flow/pipeline.h"

#define US_ADDRESS "3.80.0.1"
#define DE_ADDRESS "52.28.0.1"
#define HERE	   "192.0.2.10"
#define MS	   1000000ull
#define SYN	   0x02
#define ACK	   0x10
#define START	   1795000000000000000ull
#define HOME	   "home DE 50.11 8.68 \"Frankfurt\"\n"
#define BLOCK	   "inside 192.0.2.0/24 2001:db8:1::/48\nallow to eea\nblock to any\n"

static char dir[] = "/tmp/cordon-distance-XXXXXX";
static char policy_path[64], geo_path[64];
static const struct engine *engine;
static struct engine *loaded;

struct told {
	enum event_kind kind;
	char action[32], id[37], distance[16], detail[200], dst[IP_STRLEN];
	uint64_t rtt, number, packets;
	enum decide_action verdict;
};
static struct told told[64];
static size_t ntold;

static void keep(void *arg, struct event *e)
{
	struct told *t = &told[ntold < 63 ? ntold : 63];
	const char *reason;
	char text[200];

	(void)arg;
	ntold++;
	*t = (struct told){.kind = e->kind,
			   .rtt = e->rtt_min_ns,
			   .number = e->capture_packet,
			   .verdict = e->verdict,
			   .packets = e->packets};
	snprintf(t->action, sizeof(t->action), "%s", e->action);
	snprintf(t->id, sizeof(t->id), "%s", e->id);
	snprintf(t->distance, sizeof(t->distance), "%s", e->distance ? e->distance : "-");
	reason = event_reason(text, sizeof(text), e);
	snprintf(t->detail, sizeof(t->detail), "%s", reason ? reason : "-");
	ip_format(t->dst, &e->flow.dst);
}

static size_t count(enum event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < ntold && i < 64; i++)
		n += told[i].kind == kind;
	return n;
}

static const struct told *first(enum event_kind kind)
{
	for (size_t i = 0; i < ntold && i < 64; i++)
		if (told[i].kind == kind)
			return &told[i];
	cr_assert_fail("no such event among %zu", ntold);
	return NULL;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void load(const char *policy)
{
	const char *geo[] = {geo_path};
	struct engine_config cfg = {
		.policy = policy_path, .geo = geo, .ngeo = 1, .now = START / 1000000000ull};
	struct diag_sink d = {0};
	struct engine *next = NULL;

	put(policy_path, policy);
	cr_assert_eq(engine_load(&next, &cfg, loaded, &d), 0);
	engine_free(loaded);
	engine = loaded = next;
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(policy_path, sizeof(policy_path), "%s/policy", dir);
	snprintf(geo_path, sizeof(geo_path), "%s/geofeed.csv", dir);
	put(geo_path, "# geofeed\n3.80.0.0/16,US,,,\n52.28.0.0/16,DE,,,\n2600:1f18::/33,US,,,\n");
	ntold = 0;
	load(HOME BLOCK);
}

static void teardown(void)
{
	engine_free(loaded);
	unlink(policy_path);
	unlink(geo_path);
	rmdir(dir);
}
TestSuite(pipeline_distance, .init = setup, .fini = teardown);

/* Frames of raw IP, one after the other. */
static struct {
	uint8_t bytes[192][80];
	struct packet_frame frame[192];
	unsigned n;
} wire;

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static unsigned ip_header(uint8_t *b, const struct ip *src, const struct ip *dst, unsigned payload)
{
	if (src->v == 4) {
		b[0] = 0x45;
		b[3] = (uint8_t)(20 + payload);
		b[8] = 64;
		b[9] = 6;
		memcpy(b + 12, src->b, 4);
		memcpy(b + 16, dst->b, 4);
		return 20;
	}
	b[0] = 0x60;
	b[5] = (uint8_t)payload;
	b[6] = 6;
	b[7] = 64;
	memcpy(b + 8, src->b, 16);
	memcpy(b + 24, dst->b, 16);
	return 40;
}

struct end {
	const char *address;
	uint16_t port;
};

static void send_data(struct end from, struct end to, uint64_t at_ns, uint8_t flags, uint32_t seq,
		      uint32_t ack, uint32_t data)
{
	uint8_t *b = wire.bytes[wire.n];
	struct ip src, dst;
	unsigned at;

	cr_assert_lt(wire.n, 192);
	cr_assert_eq(ip_parse(&src, from.address), 0);
	cr_assert_eq(ip_parse(&dst, to.address), 0);
	memset(b, 0, sizeof(wire.bytes[0]));
	at = ip_header(b, &src, &dst, 20 + data);
	b[at] = (uint8_t)(from.port >> 8);
	b[at + 1] = (uint8_t)from.port;
	b[at + 2] = (uint8_t)(to.port >> 8);
	b[at + 3] = (uint8_t)to.port;
	put32(b + at + 4, seq);
	put32(b + at + 8, ack);
	b[at + 12] = 0x50;
	b[at + 13] = flags;
	wire.frame[wire.n] = (struct packet_frame){.data = b,
						   .caplen = at + 20 + data,
						   .len = at + 20 + data,
						   .time_ns = START + at_ns,
						   .link = 101,
						   .number = wire.n + 1};
	wire.n++;
}

static void send(struct end from, struct end to, uint64_t at_ns, uint8_t flags, uint32_t seq,
		 uint32_t ack)
{
	send_data(from, to, at_ns, flags, seq, ack, 0);
}

/* opener says SYN at 'at', the other answers 'gap' later, and the opener acknowledges 'back' after
 * that. */
static void handshake(struct end opener, struct end other, uint64_t at, uint64_t gap, uint64_t back)
{
	send(opener, other, at, SYN, 100, 0);
	send(other, opener, at + gap, SYN | ACK, 500, 101);
	send(opener, other, at + gap + back, ACK, 101, 501);
}

/* The same, then 10 bytes each way, acknowledged 'data' and 'back' later. */
static void talk_data(struct end opener, struct end other, uint64_t at, uint64_t gap, uint64_t back,
		      uint64_t data)
{
	handshake(opener, other, at, gap, back);
	at += gap + back + MS / 100;
	send_data(opener, other, at, ACK, 101, 501, 10);
	send_data(other, opener, at + data, ACK, 501, 111, 10);
	send(opener, other, at + data + back, ACK, 111, 511);
}

static void talk(struct end opener, struct end other, uint64_t at, uint64_t gap, uint64_t back)
{
	talk_data(opener, other, at, gap, back, gap);
}

static void run(bool replay)
{
	struct pipeline_config cfg = {.engine = engine, .replay = replay, .event = keep};
	struct pipeline *p = NULL;

	ntold = 0;
	cr_assert_eq(pipeline_new(&p, &cfg), 0);
	pipeline_capture(p, 0);
	cr_assert_eq(pipeline_packets(p, wire.frame, wire.n), 0);
	cr_assert_eq(pipeline_finish(p), 0);
	pipeline_free(p);
}

Test(pipeline_distance, too_near_for_america)
{
	const struct told *t;

	talk((struct end){HERE, 40000}, (struct end){US_ADDRESS, 443}, 0, 3 * MS / 10, MS / 100);
	run(true);
	cr_assert_eq(count(EVENT_PLACE_REFUTED), 1);
	t = first(EVENT_PLACE_REFUTED);
	cr_expect_str_eq(t->action, "place-refuted");
	cr_expect_str_eq(t->distance, "refuted");
	cr_expect_str_eq(t->dst, US_ADDRESS);
	cr_expect_eq(t->rtt, 300000);
	cr_expect_eq(t->number, 5, "the packet that proves it");
	cr_expect_eq(t->verdict, DECIDE_BLOCK);
	cr_expect(strstr(t->detail, "minimum RTT 0.300 ms: at most 45 km from home, "
				    "and no soil of US is nearer than 53"),
		  "%s", t->detail);
	cr_assert_eq(count(EVENT_FLOW), 1, "the transfer itself is told as ever");
	cr_expect_str_eq(first(EVENT_FLOW)->distance, "refuted");
	cr_expect_eq(first(EVENT_FLOW)->rtt, 300000);
	cr_expect_str_neq(first(EVENT_FLOW)->id, t->id);
}

Test(pipeline_distance, a_normal_one_is_silent)
{
	talk((struct end){HERE, 40000}, (struct end){US_ADDRESS, 443}, 0, 90 * MS, MS);
	talk((struct end){HERE, 40001}, (struct end){DE_ADDRESS, 443}, 0, 3 * MS / 10, MS);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 0);
	cr_expect_eq(ntold, 1);
	cr_expect_str_eq(first(EVENT_FLOW)->distance, "consistent");
	cr_expect_eq(first(EVENT_FLOW)->rtt, 90 * MS);
}

/* The wait before our own SYN-ACK says nothing of the peer; its ACK does. */
Test(pipeline_distance, opened_by_the_peer)
{
	talk((struct end){US_ADDRESS, 50000}, (struct end){HERE, 5432}, 0, MS / 100, 90 * MS);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 0, "10 us were this host's own");
	talk((struct end){US_ADDRESS, 50001}, (struct end){HERE, 5432}, 200 * MS, MS / 100, 2 * MS);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 1);
	cr_expect_eq(first(EVENT_PLACE_REFUTED)->rtt, 2 * MS);
}

Test(pipeline_distance, told_once_for_an_address)
{
	for (uint16_t i = 0; i < 20; i++)
		talk((struct end){HERE, (uint16_t)(40000 + i)},
		     (struct end){i % 2 ? US_ADDRESS : "3.80.0.2", 443}, i * MS, MS / 2, MS / 100);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 2, "two addresses: %zu",
		     count(EVENT_PLACE_REFUTED));
	cr_expect_eq(count(EVENT_FLOW), 20);
}

Test(pipeline_distance, allowed_is_told_too)
{
	load(HOME "inside 192.0.2.0/24\nallow to US\nblock to any\n");
	talk((struct end){HERE, 40000}, (struct end){US_ADDRESS, 443}, 0, MS / 2, MS);
	run(true);
	cr_expect_eq(ntold, 1);
	cr_expect_eq(first(EVENT_PLACE_REFUTED)->verdict, DECIDE_ALLOW);
}

Test(pipeline_distance, nothing_without_a_home)
{
	static const char *const policies[] = {BLOCK, "home DE\n" BLOCK};

	talk((struct end){HERE, 40000}, (struct end){US_ADDRESS, 443}, 0, MS / 2, MS);
	for (size_t i = 0; i < 2; i++) {
		load(policies[i]);
		run(true);
		cr_expect_eq(ntold, 1, "policy %zu", i);
		cr_expect_str_eq(first(EVENT_FLOW)->distance, "-");
	}
}

Test(pipeline_distance, ipv6)
{
	talk((struct end){"2001:db8:1::1", 40000}, (struct end){"2600:1f18::1", 443}, 0, MS / 2,
	     MS);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 1);
	cr_expect_str_eq(first(EVENT_PLACE_REFUTED)->dst, "2600:1f18::1");
}

Test(pipeline_distance, live_is_told_at_once)
{
	talk((struct end){HERE, 40000}, (struct end){US_ADDRESS, 443}, 0, MS / 2, MS);
	run(false);
	cr_assert_geq(ntold, 3);
	cr_expect_eq(told[0].kind, EVENT_FLOW, "the first packet");
	cr_expect_eq(told[1].kind, EVENT_PLACE_REFUTED, "the fifth: data was acknowledged");
	cr_expect_eq(told[1].packets, 3);
	cr_expect_eq(told[2].kind, EVENT_FLOW_END);
	cr_expect_str_eq(told[2].distance, "refuted");
}

Test(pipeline_distance, a_second_replay_gives_the_same_ids)
{
	char id[37];

	talk((struct end){HERE, 40000}, (struct end){US_ADDRESS, 443}, 0, MS / 2, MS);
	run(true);
	memcpy(id, first(EVENT_PLACE_REFUTED)->id, sizeof(id));
	run(true);
	cr_expect_str_eq(first(EVENT_PLACE_REFUTED)->id, id);
}

/* A SYN proxy answers at once, and data takes its time; an acknowledgement may be sent before the data came:
 * the longer of both counts, and one alone says nothing. */
Test(pipeline_distance, handshake_and_data_must_agree)
{
	struct end here = {HERE, 40000}, us = {US_ADDRESS, 443};

	talk_data(here, us, 0, MS / 5, MS / 100, 95 * MS);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 0, "a SYN proxy");
	cr_expect_eq(first(EVENT_FLOW)->rtt, 95 * MS);
	wire.n = 0;
	talk_data(here, us, 0, 95 * MS, MS / 100, MS / 5);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 0, "optimistic acknowledgements");
	cr_expect_eq(first(EVENT_FLOW)->rtt, 95 * MS);
	wire.n = 0;
	handshake(here, us, 0, MS / 5, MS / 100);
	run(true);
	cr_expect_eq(count(EVENT_PLACE_REFUTED), 0, "a handshake alone");
	cr_expect_eq(first(EVENT_FLOW)->rtt, 0);
	cr_expect_str_eq(first(EVENT_FLOW)->distance, "-");
}
