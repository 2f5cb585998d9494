/* SPDX-License-Identifier: BSD-2-Clause */
/* scope.h - the kind of an address, which its number alone tells. */
#ifndef GEO_FACTS_SCOPE_H
#define GEO_FACTS_SCOPE_H

/* What kind of address it is before any source speaks (RFC 6890 and shared/reference/geo.md). */
enum place_scope {
	SCOPE_GLOBAL,
	/* loopback, link-local, limited broadcast, link-scope multicast: outside the policy */
	SCOPE_LOCAL,
	SCOPE_PRIVATE,	 /* RFC 1918, ULA, CGNAT 100.64/10 that no place line covers */
	SCOPE_MULTICAST, /* wider multicast: egress, place unknown */
	/* mapped, NAT64, 6to4, Teredo: the embedded IPv4 address decides (table.h) */
	SCOPE_EMBEDDED,
	SCOPE_RESERVED, /* documentation, benchmarking, 240/4, unallocated: unknown */
};
#endif
