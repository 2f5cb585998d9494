/* SPDX-License-Identifier: BSD-2-Clause */
/* fragment.h - later fragments take protocol and ports from the first, found by (addresses, id,
 * protocol). */
#ifndef AGENT_FLOW_FRAGMENT_H
#define AGENT_FLOW_FRAGMENT_H
#include "agent/flow/packet.h"

/* Datagrams remembered; past it the one in the same group of FRAGMENT_WAYS that is oldest is
 * forgotten, and its remaining fragments are judged without ports. */
#define FRAGMENT_MAX  65536
#define FRAGMENT_WAYS 8
/* An id comes again: what is this old is another datagram (reassembly timers are 15 to 60 s) */
#define FRAGMENT_NS 30000000000ull

struct fragments;
int fragments_new(struct fragments **ret); /* takes its memory at the first fragment only */
void fragments_free(struct fragments *f);
/* A first fragment is remembered; a later one gets proto, ports and PACKET_HAS_PORTS. 1: a later
 * one without a first (it stays without ports); 0; -ENOMEM. */
int fragments_see(struct fragments *f, struct packet *k, uint64_t time_ns);
#endif
