/* SPDX-License-Identifier: BSD-2-Clause */
/* link.h - link layers: from the first byte of a frame to the first byte of its IP header. */
#ifndef AGENT_FLOW_LINK_H
#define AGENT_FLOW_LINK_H
#include "agent/flow/cursor.h"
#include "agent/flow/packet.h"

#define LINK_ETHERNET 1
/* PACKET_IP: the cursor stands at the IP header; another result says why not. */
enum packet_result link_peel(uint16_t link, struct cursor *c);
#endif
