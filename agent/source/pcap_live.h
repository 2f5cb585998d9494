/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap_live.h - the live wire through libpcap: sees what a capture would, knows no process for sure, and
 * can stop nothing. */
#ifndef AGENT_SOURCE_PCAP_LIVE_H
#define AGENT_SOURCE_PCAP_LIVE_H
#include <stdint.h>
#include "agent/flow/pipeline.h"
#include "geo/base/diag.h"

#define PCAP_LIVE_SNAPLEN 512 /* headers, with every extension that packet_decode walks */
#define PCAP_LIVE_BATCH	  256 /* packets a wake-up */

struct pcap_live;
/* Opens the device. 0, or -errno with one sentence in d. */
int pcap_live_open(struct pcap_live **ret, const char *interface, struct diag_sink *d);
void pcap_live_close(struct pcap_live *w);   /* NULL is fine */
int pcap_live_fd(const struct pcap_live *w); /* epoll-able */
/* What waits, to the pipeline. 0; -ENETDOWN and the like when the device is gone (the sentence is
 * in *why). */
int pcap_live_poll(struct pcap_live *w, struct pipeline *p, const char **why);
struct pcap_live_state {
	const char *interface;
	uint64_t packets, dropped, dropped_by_interface; /* of libpcap, since the start */
};
void pcap_live_state(struct pcap_live *w, struct pcap_live_state *ret);
#endif
