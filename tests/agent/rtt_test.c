/* SPDX-License-Identifier: BSD-2-Clause */
/* rtt_test.c - round-trip times from segments: each row is a conversation, each step one packet and
 * what it must say. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include "agent/flow/rtt.h"

#define STEPS 12
#define S     RTT_SYN
#define A     RTT_ACK
#define SA    (RTT_SYN | RTT_ACK)
#define FA    (RTT_FIN | RTT_ACK)
#define RA    (RTT_RST | RTT_ACK)

struct step {
	unsigned side;
	uint64_t at; /* us */
	uint8_t flags;
	uint32_t seq, ack, length;
	uint64_t want; /* us; 0 = nothing; TICK = less than the clock's step */
};
#define TICK UINT64_MAX

static const struct row {
	const char *name;
	struct step step[STEPS];
} rows[] = {
	{"handshake: SYN-ACK tells of the server, its ACK of the client",
	 {{0, 1000, S, 99, 0, 0, 0},
	  {1, 1300, SA, 499, 100, 0, 300},
	  {0, 1340, A, 100, 500, 0, 40}}},
	{"data and its acknowledgement, both ways",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 5010, SA, 499, 100, 0, 5000},
	  {0, 5020, A, 100, 500, 0, 10},
	  {0, 6000, A, 100, 500, 50, 0},
	  {1, 10000, A, 500, 150, 700, 4000},
	  {0, 10007, A, 150, 1200, 0, 7}}},
	{"one acknowledgement for several segments times the first",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 100, A, 100, 500, 50, 80},
	  {0, 200, A, 150, 500, 50, 0},
	  {1, 400, A, 500, 200, 0, 300}}},
	{"an acknowledgement of half the timed segment is none",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 100, A, 100, 500, 1000, 80},
	  {1, 200, A, 500, 600, 0, 0},
	  {1, 300, A, 500, 1100, 0, 200}}},
	{"a retransmission keeps the first time",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 100, A, 100, 500, 50, 80},
	  {0, 300000, A, 100, 500, 50, 0},
	  {1, 300010, A, 500, 150, 0, 299910}}},
	{"a SYN sent again keeps the first time",
	 {{0, 10, S, 99, 0, 0, 0},
	  {0, 1000010, S, 99, 0, 0, 0},
	  {1, 1000020, SA, 499, 100, 0, 1000010}}},
	{"a SYN with data, sent again without it, keeps the first time",
	 {{0, 10, S, 99, 0, 200, 0},
	  {0, 1000010, S, 99, 0, 0, 0},
	  {1, 1000020, SA, 499, 300, 0, 1000010}}},
	{"a SYN-ACK to the SYN alone does not acknowledge its data",
	 {{0, 10, S, 99, 0, 200, 0}, {1, 20, SA, 499, 100, 0, 0}}},
	{"middle of a conversation: the first segment may be a retransmission",
	 {{0, 10, A, 100, 500, 50, 0},
	  {1, 20, A, 500, 150, 0, 0},
	  {0, 30, A, 150, 500, 50, 0},
	  {1, 60, A, 500, 200, 0, 30}}},
	{"going back and sending all again: nothing seen before is timed",
	 {{0, 10, A, 100, 500, 50, 0},
	  {0, 20, A, 150, 500, 50, 0},
	  {1, 21, A, 500, 900, 0, 0},
	  {0, 30, A, 200, 500, 50, 0},
	  {0, 40, A, 850, 500, 50, 0},
	  {1, 41, A, 500, 900, 0, 0},
	  {0, 50, A, 900, 500, 50, 0},
	  {1, 80, A, 500, 950, 0, 30}}},
	{"a hole in the capture: what follows it is not timed",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 100, A, 300, 500, 50, 80},
	  {1, 101, A, 500, 350, 0, 0},
	  {0, 200, A, 350, 500, 50, 0},
	  {1, 250, A, 500, 400, 0, 50}}},
	{"a reset times nothing: a firewall may have sent it",
	 {{0, 10, S, 99, 0, 0, 0}, {1, 11, RA, 0, 100, 0, 0}}},
	{"FIN counts one",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 100, FA, 100, 500, 0, 80},
	  {1, 130, A, 500, 100, 0, 0},
	  {1, 150, A, 500, 101, 0, 50}}},
	{"sequence numbers wrap",
	 {{0, 10, S, 0xfffffffe, 0, 0, 0},
	  {1, 20, SA, 0xffffffff, 0xffffffff, 0, 10},
	  {0, 30, A, 0xffffffff, 0, 100, 10},
	  {1, 90, A, 0, 99, 0, 60}}},
	{"the clock set back says nothing, nor does it later",
	 {{0, 1000, S, 99, 0, 0, 0}, {1, 900, SA, 499, 100, 0, 0}, {1, 1500, SA, 499, 100, 0, 0}}},
	{"faster than the clock's step is not nothing",
	 {{0, 10, S, 99, 0, 0, 0}, {1, 10, SA, 499, 100, 0, TICK}}},
	{"a keep-alive is old data",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 5000, A, 99, 500, 1, 4980},
	  {1, 5001, A, 500, 100, 0, 0}}},
	{"another conversation on the same ports starts afresh",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {0, 25, A, 100, 500, 0, 5},
	  {0, 900, S, 700000, 0, 0, 0},
	  {1, 950, SA, 9000, 700001, 0, 50}}},
	{"both open at once",
	 {{0, 10, S, 99, 0, 0, 0},
	  {1, 15, S, 499, 0, 0, 0},
	  {0, 40, SA, 99, 500, 0, 25},
	  {1, 50, SA, 499, 100, 0, 40}}},
	{"a duplicate from a mirror port changes nothing",
	 {{0, 10, S, 99, 0, 0, 0},
	  {0, 11, S, 99, 0, 0, 0},
	  {1, 20, SA, 499, 100, 0, 10},
	  {1, 21, SA, 499, 100, 0, 0}}},
};

Test(rtt, conversations)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtt r = {0};

		for (size_t k = 0; k < STEPS && rows[i].step[k].flags; k++) {
			const struct step *s = &rows[i].step[k];
			struct rtt_segment seg = {s->seq, s->ack, s->length, s->flags};
			uint64_t got = rtt_segment(&r, s->side, s->at * 1000, &seg);

			cr_expect_eq(got, s->want == TICK ? 1 : s->want * 1000,
				     "%s: step %zu: %lu ns", rows[i].name, k, got);
		}
	}
}

Test(rtt, parse)
{
	uint8_t tcp[60] = {0, 1, 0, 2, 0x01, 0x02, 0x03, 0x04, 0xff, 0xfe, 0xfd, 0xfc, 0x50, 0x12};
	struct rtt_segment s;

	cr_assert_eq(rtt_parse(&s, tcp, 20, 120), 0);
	cr_expect_eq(s.seq, 0x01020304);
	cr_expect_eq(s.ack, 0xfffefdfc);
	cr_expect_eq(s.length, 100);
	cr_expect_eq(s.flags, RTT_SYN | RTT_ACK);
	cr_expect_eq(rtt_parse(&s, tcp, 19, 120), -EINVAL, "cut");
	cr_expect_eq(rtt_parse(&s, tcp, 20, 19), -EINVAL, "shorter than a header");
	tcp[12] = 0x40;
	cr_expect_eq(rtt_parse(&s, tcp, 60, 60), -EINVAL, "a header of 16 bytes");
	tcp[12] = 0xf0;
	cr_expect_eq(rtt_parse(&s, tcp, 20, 59), -EINVAL, "a header longer than the packet");
	cr_assert_eq(rtt_parse(&s, tcp, 20, 60), 0, "options may be cut: they are not read");
	cr_expect_eq(s.length, 0);
}

/* Whatever arrives, a sample is never shorter than the path: a model path with loss, delay and a
 * capture that misses packets. The peer acknowledges at least `path` after a byte was first really
 * sent. The one case that no observer can tell (rtt.h) is left out: a segment sent again though it
 * arrived, of which the capture has only the second. */
Test(rtt, never_too_short)
{
	const uint64_t path = 700;
	unsigned samples = 0;

	for (unsigned seed = 1; seed <= 300; seed++) {
		struct rtt r = {0};
		uint64_t now = 0,
			 arrived[64] = {
				 0}; /* when segment i's acknowledgement may come, 0 = not there */
		bool known[64] = {0};
		unsigned first = 0, next = 0, rng = seed;

		for (unsigned step = 0; step < 400 && first < 64; step++) {
			bool seen;

			rng = rng * 1103515245u + 12345u;
			seen = (rng >> 16) % 8 != 0; /* the capture misses one in eight */
			now += 1 + (rng >> 20) % 200;
			if ((rng >> 8) % 3 == 0 && next < 64) { /* send: the next, or one again */
				unsigned i = (rng >> 12) % 4 == 0 && next > first
						     ? first + (rng >> 24) % (next - first)
						     : next;
				struct rtt_segment s = {i * 100, 1, 100, RTT_ACK};

				if (arrived[i] && !known[i])
					continue;
				known[i] |= seen;
				if (i == next)
					next++;
				if (!arrived[i] && (rng >> 28) % 4 != 0)
					arrived[i] = now + path;
				if (seen)
					rtt_segment(&r, 0, now * 1000, &s);
			}
			while (first < next && arrived[first] && arrived[first] <= now)
				first++;
			if (seen) {
				struct rtt_segment s = {1, first * 100, 0, RTT_ACK};
				uint64_t ns = rtt_segment(&r, 1, now * 1000, &s);

				samples += ns != 0;
				cr_expect(!ns || ns >= path * 1000, "seed %u step %u: %lu ns", seed,
					  step, ns);
			}
		}
	}
	cr_expect_gt(samples, 300, "the model times something: %u", samples);
}
