/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap_live.h - the live wire through libpcap as a source: sees what a capture would, knows no
 * process for sure, and can stop nothing.
 *
 *     frame -> pipeline -> decide() -> who has the socket -> aggregate, top
 */
#ifndef AGENT_SOURCE_PCAP_LIVE_H
#define AGENT_SOURCE_PCAP_LIVE_H
#include <stdint.h>
#include "agent/feed/aggregate.h"
#include "agent/feed/top.h"
#include "agent/flow/pipeline.h"
#include "agent/host/cgroup.h"
#include "agent/host/process.h"
#include "geo/base/diag.h"

#define PCAP_LIVE_SNAPLEN 512 /* headers, with every extension that packet_decode walks */
#define PCAP_LIVE_IDLE_NS (60ull * 1000000000ull) /* a flow that was quiet this long is over */
#define PCAP_LIVE_BATCH	  256			  /* packets a wake-up */

struct pcap_live;
struct pcap_live_config {
	const char *interface;
	const struct engine *engine; /* until pcap_live_engine brings another */
	struct aggregate *aggregate;
	struct top *top; /* NULL: nobody looks */
	struct processes *processes;
	struct cgroups *cgroups; /* NULL: no cgroup2, alerts name no unit */
	const char *cgroup2;	 /* where it is mounted; "" = nowhere */
	/* A place that distance refutes: an event that is not folded. */
	void (*refuted)(void *arg, struct event *e);
	void *arg;
};
/* Opens the device. 0, or -errno with one sentence in d. */
int pcap_live_open(struct pcap_live **ret, const struct pcap_live_config *cfg, struct diag_sink *d);
void pcap_live_close(struct pcap_live *w);   /* NULL is fine */
int pcap_live_fd(const struct pcap_live *w); /* epoll-able */
/* Another engine from now on: every flow is decided again, and the old engine may be freed. */
int pcap_live_engine(struct pcap_live *w, const struct engine *e);
/* What waits goes down the road. 0; -ENETDOWN and the like when the device is gone (the sentence is
 * in *why). */
int pcap_live_poll(struct pcap_live *w, const char **why);
void pcap_live_expire(struct pcap_live *w, uint64_t now_ns); /* ends the flows that were quiet */
void pcap_live_finish(struct pcap_live *w);		     /* ends every flow */
struct pcap_live_state {
	const char *interface;
	uint64_t packets, dropped, dropped_by_interface; /* of libpcap, since the start */
};
void pcap_live_state(struct pcap_live *w, struct pcap_live_state *ret);
#endif
