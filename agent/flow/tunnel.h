/* SPDX-License-Identifier: BSD-2-Clause */
/* tunnel.h - packets inside packets. */
#ifndef AGENT_FLOW_TUNNEL_H
#define AGENT_FLOW_TUNNEL_H
#include "agent/flow/link.h"

/* Which tunnel the packet may be one of, by protocol and port; -1: none. */
int tunnel_of(const struct packet *k);
const char *tunnel_name(int tunnel); /* "vxlan"; "" for none */
bool tunnel_sure(int tunnel);	     /* IP's protocol says so; a port alone may belong to others */
/* PACKET_IP: the walk's cursor stands at the header inside. PACKET_UNKNOWN_TYPE: most likely no such tunnel at all. */
enum packet_result tunnel_open(const struct packet *k, int tunnel, struct link_walk *w);
#endif
