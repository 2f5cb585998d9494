/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dns.h - a DNS answer, as it arrives: which addresses a name has, by which chain of aliases, and
 * for how long. RFC 1035, 3596 (AAAA), 6891 (EDNS), 9460 (SVCB, HTTPS). No state, no allocation.
 */
#ifndef AGENT_NAMES_DNS_H
#define AGENT_NAMES_DNS_H
#include "agent/names/text.h"
#include "geo/base/ip.h"

#define DNS_ADDRESSES_MAX 32 /* past it: left out, and counted */
#define DNS_CHAIN_MAX	  6  /* names from the question to the one that has addresses */

struct dns_address {
	struct ip ip;
	uint32_t ttl;	/* the least of the chain's */
	uint8_t length; /* names of the chain that lead to it */
	bool hint;	/* of an SVCB or HTTPS record */
};
struct dns_answer {
	uint16_t id, type; /* of the question */
	uint8_t rcode;
	bool truncated; /* what was asked comes again over TCP */
	/* the question, then aliases in their order */
	char chain[DNS_CHAIN_MAX][NAMES_TEXT];
	unsigned nchain;
	struct dns_address address[DNS_ADDRESSES_MAX];
	unsigned naddresses;
	unsigned left_out; /* addresses and aliases past the limits */
	unsigned strange;  /* addresses of names that the question does not lead to: not taken */
};
/* 0; -ENOMSG: a question, or no message of this kind; -EINVAL: it is broken. */
int dns_parse(struct dns_answer *ret, const uint8_t *msg, size_t len);
#endif
