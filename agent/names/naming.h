/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * naming.h - which names an address had, for whom and until when; and the names of flows.
 *
 *     DNS answer --naming_learn--> address: (who, chain, since, until)...
 *     new flow   --naming_of-----> set --naming_say (its own hello)--> set --naming_show--> event
 *
 * Invariants (tests/agent/naming_test.c): 1. a name holds for a flow only if its answer came
 * before the flow began, and had not expired then; 2. an answer to one owner is never another's
 * "asked"; 3. every table has a limit: an address that is given up before its time, a name or a set
 * that has no room are counted; 4. a set never changes: what a flow was told stays.
 *
 * Time is the caller's: of packets in replay, of the records live. Nothing here reads a clock.
 */
#ifndef AGENT_NAMES_NAMING_H
#define AGENT_NAMES_NAMING_H
#include "agent/event/event_names.h"
#include "agent/names/dns.h"
#include "agent/names/hello.h"

#define NAMES_ADDRESSES_MAX 32768 /* addresses with names */
#define NAMES_TEXTS_MAX	    65536 /* different names; past it all begins anew */
/* An answer with less life than this is for the connection that follows: it gets this much. */
#define NAMES_LIFE_MIN_NS 5000000000ull

/* Who got an answer: a host of a capture by its address, or a process of this host. */
struct naming_owner {
	uint64_t a, b;
};
struct naming_counts {
	uint64_t answers;   /* that were read, */
	uint64_t broken;    /* and those that could not be */
	uint64_t strange;   /* addresses of names that nobody had asked for */
	uint64_t left_out;  /* addresses past a limit of one answer */
	uint64_t evicted;   /* claims that were given up before they expired */
	uint64_t said;	    /* flows that named whom they were meant for */
	uint64_t no_room;   /* names and sets that found no room */
	uint64_t renewed;   /* times that all names were forgotten, for there was no more room */
	uint64_t forgotten; /* flows that lost their names thereby */
};
struct naming;
int naming_new(struct naming **ret); /* 0 or -ENOMEM */
void naming_free(struct naming *n);
/* 0 or -ENOMEM. */
int naming_learn(struct naming *n, const struct naming_owner *who, uint64_t now_ns,
		 const struct dns_answer *a);
/* The set of a flow to dst that 'who' begins now; *ret 0: no name is known. 0 or -ENOMEM. */
int naming_of(struct naming *n, const struct naming_owner *who, const struct ip *dst,
	      uint64_t now_ns, uint32_t *ret);
/* The set with what the flow itself says. */
uint32_t naming_say(struct naming *n, uint32_t set, const struct hello *h);
/* False: nothing is known. Texts live until the next naming_learn or naming_of. */
bool naming_show(struct naming *n, uint32_t set, struct event_names *ret);
struct naming_counts *naming_counts(struct naming *n);
#endif
