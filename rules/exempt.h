/*
 * exempt.h - private networks, and DHCP, which is outside the policy: one answer for the kernel
 * programs and the agent. Pure, as decide.h.
 *
 * A lease is asked for and renewed on the local network: the exemption takes DHCP's own messages
 * from client to server, on its own ports, to a private address; a global address is never a DHCP
 * server of ours. What looks like DHCP and is not (no magic cookie, no message type of a client,
 * longer than a message is) is judged like any packet. The kernel takes a few messages a minute
 * only (ABI_DHCP_PER_MINUTE), for a message has room for data that is none of DHCP's.
 *
 * Sources: RFC 1918, RFC 6598, RFC 4193, RFC 3927; RFC 951, RFC 2131, RFC 2132 9.6; RFC 8415 7.3.
 */
#ifndef RULES_EXEMPT_H
#define RULES_EXEMPT_H
#include "rules/decide.h"

#define EXEMPT_INLINE static __attribute__((always_inline, unused)) inline

/* Address in host order. RFC 1918 and the providers' NAT (100.64/10). */
EXEMPT_INLINE int exempt_private4(DECIDE_U32 a)
{
	return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
	       a >> 22 == 0x64400000 >> 22;
}

/* Unique local addresses, by the first byte. */
EXEMPT_INLINE int exempt_private6(DECIDE_U8 first)
{
	return (first & 0xfe) == 0xfc;
}

/* UDP from a DHCP client to a server. */
EXEMPT_INLINE int exempt_dhcp_ports(int v6, DECIDE_U16 sport, DECIDE_U16 dport)
{
	return v6 ? sport == 546 && dport == 547 : sport == 68 && dport == 67;
}

/* The payload's first bytes, and its whole length. DHCPv4: op, the cookie, and the message type,
 * which every client puts first among the options. */
#define EXEMPT_DHCP_BYTES     243
#define EXEMPT_DHCP_BYTES_MAX 1024
#define EXEMPT_DHCP4_COOKIE   236
#define EXEMPT_DHCP6_BYTES    8
struct exempt_dhcp4 { /* what of a DHCPv4 message is looked at */
	DECIDE_U8 op;
	DECIDE_U8 options[7]; /* from the cookie on */
};
EXEMPT_INLINE int exempt_dhcp4(const struct exempt_dhcp4 *m, DECIDE_U32 length)
{
	const DECIDE_U8 *o = m->options;

	if (length < EXEMPT_DHCP_BYTES || length > EXEMPT_DHCP_BYTES_MAX || m->op != 1)
		return 0;
	if (o[0] != 0x63 || o[1] != 0x82 || o[2] != 0x53 || o[3] != 0x63 || o[4] != 53 || o[5] != 1)
		return 0;
	/* DISCOVER, REQUEST, DECLINE, RELEASE, INFORM */
	return o[6] == 1 || o[6] == 3 || o[6] == 4 || o[6] == 7 || o[6] == 8;
}

/* DHCPv6: the type, and the first option, which must end within the message. */
EXEMPT_INLINE int exempt_dhcp6(const DECIDE_U8 m[EXEMPT_DHCP6_BYTES], DECIDE_U32 length)
{
	DECIDE_U32 option = (DECIDE_U32)m[6] << 8 | m[7];

	if (length < EXEMPT_DHCP6_BYTES || length > EXEMPT_DHCP_BYTES_MAX || option + 8 > length)
		return 0;
	/* SOLICIT, REQUEST to REBIND, RELEASE, DECLINE, INFORMATION-REQUEST */
	return m[0] == 1 || (m[0] >= 3 && m[0] <= 6) || m[0] == 8 || m[0] == 9 || m[0] == 11;
}
#endif
