/*
 * decide.h - the one decision, compiled into the kernel programs and into the agent. Pure: no I/O,
 * no clock, no memory.
 *
 * A compiled policy is a handful of flat arrays (struct decide_header says how large). A packet is
 * reduced to four small numbers by look-ups, and one cell of a matrix names the decision:
 *
 *     place class --row_of-----> row     \
 *     (proto, port) -----------> service  \
 *     subject mask --column_of-> column    > matrix[row][service][column][opened] -> decision
 *     who opened it -----------> opened   /             (until? -> next ...; over, and not yet? -> under ...)
 *
 * Up to DECIDE_SUBJECTS_NARROW subjects have a column for each mask. With more ("wide") there is a column for
 * each subject alone: a packet is judged once as each subject that its sender is, and invariant 4 says whose
 * decision counts. 'from' only ever adds senders, so that the first rule for all of its subjects is the first
 * of the rules that come first for each.
 *
 * Invariants (tests/rules/decide_test.c holds them):
 *  1. Every index is checked here against the header; anything out of range is DECIDE_NONE: block.
 *  2. A decision chain (rules with 'until' and 'over') has at most DECIDE_CHAIN_MAX links; past that: block.
 *  3. What is not known (a cgroup that the agent has not met, a capture without users, the port of a
 *     later fragment) picks the stricter rule: of the rules that may match, down to the first that
 *     certainly does, the strictest action decides. Unknown is never milder than any value it might
 *     turn out to have. The compiler builds services, columns and cells so (rules/compile/cell.c).
 *  4. Wide: of decisions that are 'sure' the earlier rule stands; of others the strictest does, which may be
 *     stricter than one matrix of all masks would be, never milder.
 *
 * The includer gives the reads, so that the kernel can use maps and the agent plain arrays:
 *     DECIDE_READ(ctx, array, index) -> uint32_t; array: enum decide_array; index is checked.
 *     DECIDE_DECISION(ctx, index) -> const struct decide_decision *, or NULL.
 *     DECIDE_OVER(ctx, over, meter) -> has as much left as the rule says? over: decide_packet's.
 */
#ifndef RULES_DECIDE_H
#define RULES_DECIDE_H
#ifndef __bpf__
#include <stdint.h>
#define DECIDE_U8  uint8_t
#define DECIDE_U16 uint16_t
#define DECIDE_U32 uint32_t
#define DECIDE_U64 uint64_t
#else
#define DECIDE_U8  __u8
#define DECIDE_U16 __u16
#define DECIDE_U32 __u32
#define DECIDE_U64 __u64
#endif

enum decide_action {
	DECIDE_ALLOW,
	DECIDE_ALERT,
	DECIDE_BLOCK,
	DECIDE_LOCAL /* outside the policy */
};
enum decide_opened { OPENED_HERE, OPENED_PEER, OPENED_COUNT };
enum decide_known {
	KNOWN_ALL,	      /* cgroup and user are known */
	KNOWN_USER,	      /* the cgroup is not (yet) resolved */
	KNOWN_NOBODY,	      /* neither: replay, the wire */
	KNOWN_NO_SOURCE,      /* all but the source's address: a raw socket wrote what it liked */
	KNOWN_USER_NO_SOURCE, /* the user only */
	KNOWN_COUNT
};
enum decide_array {
	DECIDE_ROW_OF, /* u16 by place class */
	/* u16, wide: u64, by place class of the *source*: mask of subjects with a matching 'address' atom */
	DECIDE_SUBJ_OF,
	DECIDE_TCP, /* u8 by port: service class */
	DECIDE_UDP, /* u8 by port */
	/* u8 by IP protocol, for all but TCP and UDP, and for those when the port is not known */
	DECIDE_PROTO,
	/* u16 by known << subjects | mask; wide: by known * (subjects + 1) + subject */
	DECIDE_COLUMN_OF,
	DECIDE_MATRIX, /* u16: decision index */
	DECIDE_ARRAYS
};
#define DECIDE_SUBJECTS_MAX    64 /* distinct subjects in rules */
#define DECIDE_SUBJECTS_NARROW 10 /* so many have a column for each mask */
#define DECIDE_WIDE(subjects)  ((subjects) > DECIDE_SUBJECTS_NARROW)
#define DECIDE_SERVICES_MAX    255
#define DECIDE_DECISIONS_MAX   4096
#define DECIDE_CHAIN_MAX       8
#define DECIDE_METERS_MAX      16 /* rules with 'over' */
#define DECIDE_NONE	       0  /* decision 0: no rule matched, or a table failed: block */
#define DECIDE_ROW_LOCAL       0  /* row 0: outside the policy */

struct decide_header {
	DECIDE_U32 classes; /* entries of ROW_OF and SUBJ_OF */
	DECIDE_U32 rows, services, columns;
	DECIDE_U32 subjects; /* bits in a mask */
	DECIDE_U32 decisions;
	DECIDE_U32 needs; /* DECIDE_NEEDS_*: what the packet path may skip */
	DECIDE_U32 mode;  /* 0 monitor, 1 enforce */
};
#define DECIDE_NEEDS_CGROUP 1u
#define DECIDE_NEEDS_USER   2u
#define DECIDE_NEEDS_SOURCE 4u /* a subject names addresses */
#define DECIDE_NEEDS_OPENED 8u
#define DECIDE_NEEDS_OVER   16u

struct decide_decision {
	DECIDE_U64 until; /* Unix nanoseconds; 0 = for ever. At or after it, next decides. */
	DECIDE_U16 rule;  /* index in the policy's rules + 1; 0 = the default */
	DECIDE_U16 next;
	DECIDE_U8 action;   /* enum decide_action */
	DECIDE_U8 severity; /* 0 none, 1 low .. 4 critical */
	DECIDE_U16 under;   /* who decides while 'over' is not reached */
	DECIDE_U32 charges; /* bit by meter: what passes so is counted there */
	DECIDE_U8 over;	    /* meter + 1; 0: without condition */
	DECIDE_U8 sure;	    /* wide only: nothing before it was in doubt */
	DECIDE_U8 pad[2];
};

/* What is known of one packet. mask: subjects that cgroup and user match (bits), the source's are
 * added by the caller from SUBJ_OF. port: that of the side that did not open the flow, host order;
 * proto: IP protocol number. */
struct decide_packet {
	DECIDE_U64 mask;
	DECIDE_U32 place; /* class of the destination */
	DECIDE_U16 port;
	DECIDE_U8 proto;
	DECIDE_U8 opened;
	DECIDE_U8 known;
	DECIDE_U8 has_port;
	DECIDE_U8
	subject; /* wide: what it is judged as: bit of the mask + 1; 0: nobody that a rule names */
	DECIDE_U32
	over; /* for DECIDE_OVER. User space: bit by meter; the kernel: bytes of the packet */
};
#endif

#if defined(DECIDE_READ) && !defined(DECIDE_MADE)
#define DECIDE_MADE
static __attribute__((always_inline)) inline DECIDE_U32 decide_column(const struct decide_header *h,
								      const struct decide_packet *p)
{
	if (DECIDE_WIDE(h->subjects))
		return p->known * (h->subjects + 1u) + p->subject;
	return (DECIDE_U32)p->known << h->subjects |
	       ((DECIDE_U32)p->mask & ((1u << h->subjects) - 1));
}

/* The index of the decision; 0 (block) for anything out of range. */
static __attribute__((always_inline)) inline DECIDE_U32
decide_cell(const struct decide_header *h, const void *ctx, const struct decide_packet *p)
{
	DECIDE_U32 row, service, column, cell;

	(void)ctx;
	if (p->place >= h->classes || p->known >= KNOWN_COUNT || p->subject > h->subjects)
		return DECIDE_NONE;
	row = DECIDE_READ(ctx, DECIDE_ROW_OF, p->place);
	if (p->has_port && p->proto == 6)
		service = DECIDE_READ(ctx, DECIDE_TCP, p->port);
	else if (p->has_port && p->proto == 17)
		service = DECIDE_READ(ctx, DECIDE_UDP, p->port);
	else
		service = DECIDE_READ(ctx, DECIDE_PROTO, p->proto);
	column = DECIDE_READ(ctx, DECIDE_COLUMN_OF, decide_column(h, p));
	if (row >= h->rows || service >= h->services || column >= h->columns ||
	    p->opened >= OPENED_COUNT)
		return DECIDE_NONE;
	cell = ((row * h->services + service) * h->columns + column) * OPENED_COUNT + p->opened;
	return DECIDE_READ(ctx, DECIDE_MATRIX, cell);
}

/* Follows 'until' and 'over'. now: Unix nanoseconds, read only where a rule has a date (pass a function in the
 * kernel). */
#ifndef DECIDE_NOW
#define DECIDE_NOW(ctx, now) (now)
#endif
static __attribute__((always_inline)) inline const struct decide_decision *
decide_follow(const void *ctx, DECIDE_U32 index, DECIDE_U64 now, DECIDE_U32 over)
{
	(void)now;
	for (int i = 0; i < DECIDE_CHAIN_MAX; i++) {
		const struct decide_decision *d = DECIDE_DECISION(ctx, index);

		if (!d)
			return d;
		if (d->until && DECIDE_NOW(ctx, now) >= d->until)
			index = d->next;
		else if (d->over && !DECIDE_OVER(ctx, over, d->over - 1u))
			index = d->under;
		else
			return d;
	}
	return DECIDE_DECISION(ctx, DECIDE_NONE);
}
#endif
