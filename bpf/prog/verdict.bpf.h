/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* verdict.bpf.h - rules/decide.h over maps, and what it needs to know of a cgroup and a user. */
#ifndef BPF_PROG_VERDICT_BPF_H
#define BPF_PROG_VERDICT_BPF_H
#include "bpf/prog/place.bpf.h"
#include "bpf/prog/meter.bpf.h"

/* The index is one 64-bit register that clang may not copy: kernels before 6.8 do not carry a bound
 * from a 32-bit copy. */
#define rules_flat(name, type, array, index)                                                       \
	({                                                                                         \
		__u64 i_ = (__u32)(index);                                                         \
		__u32 r_ = 0;                                                                      \
		__asm__ volatile("" : "+r"(i_)); /* check and use one register */                  \
		if (i_ < rules_limit[array])                                                       \
			r_ = ((const type *)flat_address(name))[i_];                               \
		r_;                                                                                \
	})

/* header's numbers are constants to the verifier: what a policy has only one of is not read, and
 * the code goes. */
static __always_inline __u32 rules_read(enum decide_array array, __u32 index)
{
	if ((array == DECIDE_TCP || array == DECIDE_UDP || array == DECIDE_PROTO) &&
	    header.services == 1)
		return 0;
	switch (array) { /* a constant: one case is left */
	case DECIDE_ROW_OF:
		return rules_flat(r_row_of, __u16, DECIDE_ROW_OF, index);
	case DECIDE_SUBJ_OF:
		return rules_flat(r_subj_of, __u16, DECIDE_SUBJ_OF, index);
	case DECIDE_TCP:
		return rules_flat(r_tcp, __u8, DECIDE_TCP, index);
	case DECIDE_UDP:
		return rules_flat(r_udp, __u8, DECIDE_UDP, index);
	case DECIDE_PROTO:
		return rules_flat(r_proto, __u8, DECIDE_PROTO, index);
	case DECIDE_COLUMN_OF:
		/* a policy without subjects has one column */
		if (!(header.needs &
		      (DECIDE_NEEDS_CGROUP | DECIDE_NEEDS_USER | DECIDE_NEEDS_SOURCE)))
			return column_any;
		return rules_flat(r_column_of, __u16, DECIDE_COLUMN_OF, index);
	case DECIDE_MATRIX:
		return rules_flat(r_matrix, __u16, DECIDE_MATRIX, index);
	default:
		return 0;
	}
}

/* Subjects that name the address of a class. */
static __always_inline __u64 rules_subjects_of(__u32 place)
{
	__u64 i = place, mask = 0;

	if (!DECIDE_WIDE(header.subjects))
		return rules_read(DECIDE_SUBJ_OF, place);
	__asm__ volatile("" : "+r"(i));
	if (i < rules_limit[DECIDE_SUBJ_OF])
		mask = ((const __u64 *)flat_address(r_subj_of))[i];
	return mask;
}

/* Unix time. A global function: one path to the verifier, in every turn of the chain. */
__noinline __u64 verdict_now(void)
{
	__u64 offset = ((const volatile struct abi_settings *)flat_address(settings))->wall_offset;

	/* no clock yet: 0, so that a rule with a date is still in force; the agent sets the clock
	 * before it publishes */
	return offset ? bpf_ktime_get_boot_ns() + offset : 0;
}

/* Nothing is left of it for a policy without 'over'. */
static __always_inline bool verdict_over(__u32 bytes, __u32 meter)
{
	return header.needs & DECIDE_NEEDS_OVER ? meter_asked(meter, bytes) : true;
}

static __always_inline const struct decide_decision *verdict_decision(const __u32 *seen,
								      __u32 index)
{
	__u64 i = index;

	*(__u32 *)seen = index; /* the last one asked for is the one that decides */
	__asm__ volatile("" : "+r"(i));
	return i < header.decisions ? (const struct decide_decision *)flat_address(r_decisions) + i
				    : NULL;
}

#define DECIDE_READ(ctx, array, index) rules_read(array, index)
#define DECIDE_DECISION(ctx, index)    verdict_decision(ctx, index)
#define DECIDE_NOW(ctx, now)	       verdict_now()
#define DECIDE_OVER(ctx, over, meter)  verdict_over(over, meter)
#include "rules/decide.h"

/* What verdict() gives back, in one register. */
#define JUDGED(decision, rule, action) ((__u64)(action) << 32 | (__u64)(rule) << 16 | (decision))
#define JUDGED_DECISION(j)	       ((__u32)(j)&0xffff)
#define JUDGED_RULE(j)		       ((__u32)((j) >> 16) & 0xffff)
#define JUDGED_ACTION(j)	       ((__u32)((j) >> 32) & 3)
#define JUDGED_PLACE(j)		       ((__u32)((j) >> 48))
#define JUDGED_SURE		       (1ull << 34) /* decide.h: sure */
#define JUDGED_NONE		       JUDGED(DECIDE_NONE, 0, DECIDE_BLOCK)

/* block > alert > allow > local */
static __always_inline __u32 verdict_rank(__u64 j)
{
	return (JUDGED_ACTION(j) + 1) & 3;
}

#define HOW_HAS_PORT	    0x10000u
#define HOW(port, has_port) ((port) | ((has_port) ? HOW_HAS_PORT : 0))
/* who opened it, what is known, how many bytes it has */
#define FACTS(opened, known, bytes) ((opened) | (known) << 8 | (__u64)(bytes) << 32)

static __always_inline __u64 verdict_packet(const struct decide_packet *p)
{
	struct decide_header h = {
		.classes = header.classes,
		.rows = header.rows,
		.services = header.services,
		.columns = header.columns,
		.subjects = header.subjects,
		.decisions = header.decisions,
	};
	__u64 none = JUDGED_NONE | (__u64)p->place << 48;
	const struct decide_decision *d;
	__u32 seen = DECIDE_NONE;

	d = decide_follow(&seen, decide_cell(&h, &seen, p), 0, p->over);
	if (!d)
		return none;
	return JUDGED(seen & 0xffff, d->rule, d->action & 3) | (d->sure ? JUDGED_SURE : 0) |
	       (__u64)p->place << 48;
}

/* The decision on one place; how: HOW(); who: the mask, wide: the one subject (decide.h). Global functions are
 * verified once, not for every caller. */
__noinline __u64 verdict_place(__u32 place, __u64 who, __u32 how, __u32 proto, __u64 facts)
{
	struct decide_packet p = {
		.place = place,
		.mask = who,
		.subject = DECIDE_WIDE(header.subjects) ? (__u8)who : 0,
		.port = (__u16)how,
		.proto = (__u8)proto,
		.opened = (__u8)(facts & 1),
		.known = (__u8)(facts >> 8),
		.over = (__u32)(facts >> 32),
		.has_port = !!(how & HOW_HAS_PORT),
	};

	if (p.known >= KNOWN_COUNT)
		return JUDGED_NONE | (__u64)place << 48;
	return verdict_packet(&p);
}

/* Does a come before b? The default, rule 0, comes after all rules. */
static __always_inline bool verdict_before(__u64 a, __u64 b)
{
	return ((JUDGED_RULE(a) - 1) & 0xffff) < ((JUDGED_RULE(b) - 1) & 0xffff);
}

/* Judged as each of the sender's subjects (decide.h's invariant 4); 0 is no verdict. */
static __always_inline __u64 verdict_wide(__u32 place, __u64 mask, __u32 how, __u32 proto,
					  __u64 facts)
{
	__u64 sure = 0, maybe = 0, j;

	for (__u32 i = 0; i <= DECIDE_SUBJECTS_MAX; i++) {
		if (i ? !(mask >> (i - 1) & 1) : mask != 0)
			continue;
		j = verdict_place(place, i, how, proto, facts);
		if (j & JUDGED_SURE) {
			if (!sure || verdict_before(j, sure))
				sure = j;
		} else if (!maybe || verdict_rank(j) > verdict_rank(maybe)) {
			maybe = j;
		}
	}
	return !sure || (maybe && verdict_rank(maybe) > verdict_rank(sure)) ? maybe : sure;
}

/* The worst decision of the destination's places (PLACES_*). */
__noinline __u64 verdict(__u64 places, __u64 mask, __u32 how, __u32 proto, __u64 facts)
{
	__u64 worst = 0, j;

	for (int i = 0; i < LOOKUP_CLASSES_MAX && (!i || i < PLACES_N(places)); i++) {
		if (DECIDE_WIDE(header.subjects))
			j = verdict_wide(PLACES_AT(places, i), mask, how, proto, facts);
		else
			j = verdict_place(PLACES_AT(places, i), mask, how, proto, facts);
		if (!i || verdict_rank(j) > verdict_rank(worst))
			worst = j;
	}
	return worst;
}

/* What passes by this decision is counted by the rules with 'over' that it concerns. */
static __noinline int verdict_charge(__u32 decision, __u32 bytes)
{
	const struct decide_decision *d;
	__u32 charges, seen;

	d = verdict_decision(&seen, decision);
	if (!d)
		return 0;
	charges = d->charges;
	for (__u32 i = 0; i < DECIDE_METERS_MAX; i++)
		if (charges >> i & 1)
			meter_count(i, bytes);
	return 0;
}

/* Who sends, as far as the policy asks. */
struct sender {
	__u64 cgroup;
	__u64 mask;
	__u32 uid;
	__u32 known; /* enum decide_known */
};

/* Not on the stack, of which 6.1 has no more to give (tests/bpf/stack_check.py). */
static const struct abi_mask pending = {.pending = 1};

static __always_inline void verdict_ask(__u64 cgroup)
{
	__u64 *r;

	/* only the first packet of a cgroup asks */
	if (bpf_map_update_elem(&cgroups, &cgroup, &pending, BPF_NOEXIST))
		return;
	r = bpf_ringbuf_reserve(&ask_ring, sizeof(*r), 0);
	if (!r) {
		bpf_map_delete_elem(&cgroups, &cgroup); /* the next packet asks again */
		return;
	}
	*r = cgroup;
	bpf_ringbuf_submit(r, 0);
}

static __always_inline void verdict_sender(struct sender *s)
{
	struct abi_mask *mask;

	s->known = KNOWN_ALL;
	if (header.needs & DECIDE_NEEDS_CGROUP) {
		mask = bpf_map_lookup_elem(&cgroups, &s->cgroup);
		if (!mask)
			verdict_ask(s->cgroup);
		if (mask && !mask->pending) {
			s->mask |= mask->subjects;
		} else {
			s->known = KNOWN_USER;
			count(ABI_UNRESOLVED_CGROUPS);
		}
	}
	if (header.needs & DECIDE_NEEDS_USER) {
		mask = bpf_map_lookup_elem(&users, &s->uid);
		if (mask)
			s->mask |= mask->subjects;
	}
}
#endif
