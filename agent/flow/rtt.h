/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtt.h - the minimum round-trip time of a TCP conversation, from its packets, as seen where they
 * were captured.
 *
 * A segment goes out, its acknowledgement comes back: the time between is at least the time that
 * light needs from here to whoever answered and back. Either side's segments count: one
 * conversation has a minimum to each of its ends.
 *
 * Only ever too long, never too short, is the rule that everything here follows; a proof hangs on
 * it:
 *  - one segment at a time is timed, from the first time it was seen;
 *  - only data never seen before is timed, and only where it follows on what was seen: a
 * retransmission whose original went unseen may be acknowledged before it arrives;
 *  - an acknowledgement of what was not seen times nothing, and a reset neither (a firewall may
 * have sent it). tests/agent/rtt_test.c has a row for each. One case no observer can tell: a
 * segment sent again though it had arrived, of which the capture has only the second. That takes a
 * lost capture packet and a needless timeout at once.
 */
#ifndef AGENT_FLOW_RTT_H
#define AGENT_FLOW_RTT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtt_way {	  /* what one side sends */
	uint64_t sent_ns; /* of the segment being timed */
	uint32_t next;	  /* the sequence number after all that was seen */
	uint32_t expect;  /* what acknowledges the timed segment */
	bool known;	  /* next means something */
	bool timing;
	bool syn; /* it is the handshake's */
};
struct rtt { /* all zero: nothing seen */
	struct rtt_way way[2];
	bool syn; /* the last time that rtt_segment returned was the handshake's, else data's */
};
struct rtt_segment {
	uint32_t seq, ack;
	uint32_t length; /* of the data, without SYN and FIN */
	uint8_t flags;	 /* RTT_* */
};
#define RTT_FIN 0x01
#define RTT_SYN 0x02
#define RTT_RST 0x04
#define RTT_ACK 0x10

/* A TCP header of which captured bytes are at hand, in an IP packet that has wire bytes from the
 * TCP header on (the capture may be cut). 0, or -EINVAL: too short or no header. */
int rtt_parse(struct rtt_segment *ret, const uint8_t *tcp, uint32_t captured, uint32_t wire);

/* A segment that side (0 or 1, the caller's choice) sent. Returns what it says of the way to its
 * sender: a round-trip time in ns, or 0 when it times nothing. The caller keeps the minimum. */
uint64_t rtt_segment(struct rtt *r, unsigned side, uint64_t time_ns, const struct rtt_segment *s);
#endif
