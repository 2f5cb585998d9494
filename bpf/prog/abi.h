/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * abi.h - every record and map value that the kernel programs and the agent both read.
 *
 * Anything that lives in a pinned map or a ring outlives the agent that made it: change a struct
 * here and ABI_VERSION goes up; an agent that finds another version replaces the state (loudly) and
 * never reads it.
 *
 * Addresses are in network order, IPv4 in the first four bytes; ports are in host order. Two
 * clocks: *_boot is CLOCK_BOOTTIME, *_mono is CLOCK_MONOTONIC, to the tick where that is cheaper.
 */
#ifndef BPF_PROG_ABI_H
#define BPF_PROG_ABI_H
#include <linux/bpf.h>
#include <linux/types.h>
#include "rules/meter.h"

#define ABI_VERSION 13

/* Limits. Each has a test at it. */
#define ABI_FOLDS_MAX	   16384 /* folds at a time; beyond: counted as lost, exactly */
#define ABI_HANDSHAKES_MAX 16384 /* SYN-ACKs whose connection is not accepted yet (LRU beyond) */
#define ABI_CGROUPS_MAX	   16384 /* cgroups with a subject mask (LRU beyond: judged as unresolved) */
#define ABI_USERS_MAX	   4096
#define ABI_METERS_MAX	   64	/* rules with 'over', of two generations and those before */
#define ABI_OWN_MAX	   4096 /* addresses of the host itself */
/* processes whose executable is noted (LRU beyond: /proc, if they live) */
#define ABI_IMAGES_MAX	   2048
#define ABI_EXTENSIONS_MAX 8 /* IPv6 extension headers; more: block */
/* one array; kernels before 5.16 refuse elements over 4 MB by themselves */
#define ABI_ARRAY_BYTES_MAX (12u << 20)

/* What the ports of a flow are. */
enum abi_has_port {
	ABI_NO_PORT, /* neither: another protocol, a later fragment; both are 0 */
	ABI_PORT,
	ABI_ICMP /* sport is the type, dport the code */
};
/* A flow as this host sees it: src is here, dst is the peer. */
struct abi_key {
	__u8 src[16], dst[16]; /* dst of a source-routed packet: where it would end */
	__u16 sport, dport;
	__u8 proto;
	__u8 family;	       /* 4 or 6 */
	__u8 opened;	       /* enum decide_opened */
	__u8 has_port;	       /* enum abi_has_port */
} __attribute__((aligned(8))); /* copied and compared in words of 8 */

/* Who made the socket, or the last other process that connected it or named a destination. pid 0: not
 * known (a kernel socket, or a socket older than the agent). */
struct abi_process {
	__u64 start_boot; /* the process', with pid a name that is never reused */
	__u64 cgroup;
	__u64 cookie; /* the socket's */
	__u32 pid;    /* thread group */
	__u32 uid;
	__u32 exec; /* how often it, or who forked it, called exec: which program it is */
	__u32 pad;
	char comm[16]; /* what it calls itself: never trusted, only shown */
};
/* A number for who sends: two programs are two, be it that one became the other by exec. */
static __attribute__((always_inline)) inline __u64 abi_who(const struct abi_process *p)
{
	__u64 h = p->pid ? (p->start_boot ^ (__u64)p->exec << 48) * 0x9e3779b97f4a7c15ull + p->pid
			 : p->cookie;

	h = (h ^ p->cgroup) * 0xff51afd7ed558ccdull;
	return h ^ h >> 32;
}

/* What a process runs, noted while it ran (exec.bpf.h). */
#define ABI_IMAGE_PARTS 12 /* components of the path; a deeper one loses its beginning */
#define ABI_IMAGE_STEPS 20 /* components and mounts */
struct abi_image_key {
	__u64 start_boot;
	__u32 pid, exec;
};
struct abi_image {
	__u32 parts, length;
	__u32 cut; /* there were more arguments */
	__u32 pad;
	char part[ABI_IMAGE_PARTS][40]; /* the file's name first; each ends in NUL */
	char arguments[256];		/* NUL between them */
};

struct abi_count {
	__u64 packets, bytes; /* IP layer, outwards */
	__u64 first_mono, last_mono;
};

/* What a walk over the live flows hands out, and what it counted on the way. */
struct abi_walk {
	__u64 since;	/* jiffies: flows that sent nothing since then are left out; 0 = none is */
	__u64 now;	/* jiffies at its beginning; 0 = no socket yet */
	__u64 count[4]; /* by enum decide_action: all flows */
	__u32 actions;	/* bit by enum decide_action; 0 = count only */
	__u32 claims;	/* hand out what is not told yet; else only look */
	__u32 have;	/* records in 'walked': a read() ends at its end or when there is no room */
	__u32 turn;	/* of this walk: by open files a socket may be met more than once */
	__u32 skip;	/* folds: so many were looked at before */
	__u32 pad;
};
#define ABI_WALKED 1024 /* what a read() hands out at most */

enum abi_hook {
	ABI_HOOK_SKB,
	ABI_HOOK_CONNECT,
	ABI_HOOK_SENDMSG,
	ABI_HOOK_OPTION, /* setsockopt(): a way out that no hook sees was asked for */
	ABI_HOOK_DEVICE, /* on its way to a device: what no socket of the cgroup has sent as it is */
	ABI_HOOK_SYN,	 /* a peer's SYN, whose answer would be blocked: dropped on the way in */
	ABI_HOOKS
};

/* Why a packet was judged other than by the matrix. */
enum abi_why {
	ABI_WHY_POLICY,
	ABI_WHY_MALFORMED, /* not an IP packet, or cut inside its headers */
	/* LSRR, SSRR, a routing header with segments left: the header names a hop, not the goal */
	ABI_WHY_SOURCE_ROUTE,
	ABI_WHY_EXTENSIONS, /* too many IPv6 extension headers */
	ABI_WHY_OPTION,	    /* of ABI_HOOK_OPTION: there is no packet */
	ABI_WHY_NOT_IP,	    /* a frame that a process made, of a kind that routers do not know */
	ABI_WHYS
};

struct abi_verdict {
	__u32 generation;
	__u16 place; /* class that decided */
	__u8 known;  /* enum decide_known: what it was judged by */
	__u8 folded; /* enum abi_folded: what of the flow's key is left */
	__u16 decision;
	__u16 rule;    /* index + 1; 0 = the default */
	__u8 action;   /* enum decide_action */
	__u8 enforced; /* 0: monitor mode let it pass */
	__u8 hook;     /* enum abi_hook */
	__u8 why;      /* enum abi_why */
};

/*
 * Denials and alerts are folded: one for each flow and process, its first packet rings, the others
 * are counted. A process that denies itself many flows has only so many folds of one kind, and never more than half of
 * what is free; what comes after them is folded by its destination, then by process alone. So a flood hides nothing of
 * others, few floods of one another, and the counts stay exact. What finds no fold at all is counted in lost_folds.
 */
enum abi_folded {
	ABI_FOLDED_FLOW,
	ABI_FOLDED_DESTINATION, /* no ports, no source */
	ABI_FOLDED_PROCESS,	/* no destination either; the place is the first one's */
	ABI_FOLDEDS
};
#define ABI_FOLD_PARTS	      8192 /* processes share a part by their number */
#define ABI_FOLD_FLOWS	      2048 /* ABI_FOLDED_FLOW of one part */
#define ABI_FOLD_DESTINATIONS 3072 /* ABI_FOLDED_DESTINATION of one part */
#define ABI_FOLD_RESERVE      2048 /* the last ones are for ABI_FOLDED_PROCESS */
struct abi_fold_room {
	__u32 used[2][ABI_FOLD_PARTS]; /* by enum abi_folded, the first two */
	__u32 all;		       /* the agent counts them anew at each walk */
	__u32 pad;
};
static __attribute__((always_inline)) inline __u32 abi_fold_part(__u64 who)
{
	return (__u32)(who >> 8) & (ABI_FOLD_PARTS - 1);
}

enum abi_kind {
	/* denial ring: the first packet (or connect) of a flow that is blocked, or would be */
	ABI_DENIED = 1,
	ABI_ALERTED,	/* denial ring: the first packet of a flow that an alert rule lets pass */
	ABI_FLOW_END,	/* flow ring: closed */
	ABI_FLOW_SPILL, /* flow ring: a socket without a peer went on to another destination */
	ABI_FLOW_LIVE,	/* iterator */
	ABI_FOLD_MORE,	/* iterator: more of a denial or alert that was told */
};

struct abi_record {
	__u32 kind;
	__u32 rtt_min_us; /* 0 = none; TCP only */
	/* What handshake and data agree on, from above: the far end is no farther. 0 = not both yet. */
	__u32 rtt_agreed_us;
	__u32 pad;
	struct abi_key key;
	struct abi_process process;
	struct abi_count count;
	__u64 attempts; /* connect(), sendmsg() and SYNs that were refused; they have no packets */
	/* Of the flow so far, or of the socket's turn to this destination: to look at, not to add up. */
	__u64 whole_packets, whole_bytes;
	struct abi_verdict verdict;
};

struct abi_fold_key {
	struct abi_key key; /* what verdict.folded leaves of it */
	__u64 who;	    /* abi_who() */
	__u32 generation;
	__u16 decision;
	__u8 enforced;
	__u8 folded;
};
#define ABI_ATTEMPTS_MASK 0x7fffffffu
struct abi_fold {
	struct abi_count count;
	/* Of count and attempts, what the agent has: the first by the ring, unless that was full
	 * (rang 0), then what take_folds handed out. Attempts go round, their difference does not;
	 * the stack that this is made on has no room for more. */
	__u64 told_packets, told_bytes;
	__u32 attempts;
	__u32 told_attempts : 31, rang : 1;
	struct abi_process process;
	struct abi_verdict verdict;
};

struct abi_own {
	__u8 address[16];
	__u32 family;
};

/* Who spoke first on a UDP socket that somebody bound: enum decide_opened (LRU). */
#define ABI_HEARD_MAX 65536
struct abi_heard_key {
	__u64 cookie;
	__u8 peer[16];
	__u32 port;
	__u32 family;
};

/* DHCP's own messages leave outside the policy, this many a minute (rules/exempt.h). */
#define ABI_DHCP_PER_MINUTE 30
struct abi_dhcp {
	__u64 since_mono;
	__u32 messages;
	__u32 pad;
};

struct abi_handshake_key {
	__u8 dst[16];
	__u16 sport, dport;
	__u32 family;
};
struct abi_handshake {
	__u64 packets, bytes;
};

/* How much has left under a rule with 'over', by decide_meter.key. */
struct abi_meter {
	struct bpf_spin_lock lock;
	__u32 pad;
	struct meter meter;
};

#define ABI_CGROUP_ROOT 1 /* the id of the root of all control groups */

/* A cgroup's or user's subjects: value of a generation's own maps. */
struct abi_mask {
	__u64 subjects;
	__u64 pending; /* asked for; judged as unresolved */
};

struct abi_total {
	__u64 packets, bytes;
};
/*
 * One element, mapped by the agent: what changes without a new generation, and what must outlive the
 * agent. What stands before wall_offset stays where it is in every version from ABI_HEAD_VERSION on: the next
 * agent, of whatever version, reads there the mode that is in force, and until when.
 */
#define ABI_HEAD_VERSION 11
struct abi_settings {
	__u32 version; /* ABI_VERSION */
	__u32 mode;    /* enum policy_mode: 0 monitor, 1 enforce */
	/* enforce on trial: from this moment on (ns of CLOCK_BOOTTIME) the mode is monitor, whether an agent runs or
	 * not; 0: no trial */
	__u64 trial_until;
	__u32 requested;   /* 1: the mode was asked for at run time; else the policy's */
	__u32 generations; /* the last number given: none is given twice */
	__u64 wall_offset; /* CLOCK_REALTIME - CLOCK_BOOTTIME, ns */
	__u64 listening[2][65536 / 64]; /* bitmap of local ports: [0] TCP, [1] UDP */
	struct abi_total
		retired[4]; /* by enum decide_action: totals of generations that are gone */
	/* What events have told, or declared lost, of the totals: by the agent's enum event_sum. Kept
	 * here, because an agent that is killed takes with it what it had and did not write: the next
	 * one sees the difference. */
	struct abi_total told[4];
	__u64 told_attempts;
	__u64 told_begun; /* 1: told means something */
	/* Whose packets the programs on the devices judge: all, or those of this cgroup's sockets. */
	__u64 scope_cgroup; /* 0 = there is none now */
	__u32 scope_level;  /* of it, below the root */
	__u32 scope_all;
	__u64 meter_offset; /* of meters: CLOCK_REALTIME - CLOCK_BOOTTIME when this was made */
};

/*
 * Bytes that can name a recipient (names.bpf.c): a ring and counters that live as long as the agent.
 */
#define ABI_NAMES_BYTES	   2048u      /* a power of two */
#define ABI_NAMES_PIECES   4	      /* records of one packet */
#define ABI_NAMES_RING	   (4u << 20) /* 1,900 records */
#define ABI_NAMES_A_SECOND 4096	      /* records: so many answers, and so many of the others */
enum abi_names_kind {
	ABI_NAMES_STREAM,   /* what the socket sends, from its first byte on */
	ABI_NAMES_DATAGRAM, /* of QUIC */
	ABI_NAMES_ANSWER,   /* of DNS: a message, or the rest of one */
	ABI_NAMES_ANSWERS   /* what a DNS server sends over TCP, from its first byte on */
};
struct abi_names_record {
	__u64 at_mono;
	__u32 kind;
	__u32 offset; /* of the stream, or in the message */
	__u32 length; /* of data */
	__u32 pad;
	struct abi_key key; /* src is here */
	struct abi_process process;
	__u8 data[ABI_NAMES_BYTES];
};
struct abi_names_rate {
	__u64 second, used;
};
struct abi_names_state {
	struct abi_names_rate answers, hellos;
	__u64 copied;
	__u64 lost;    /* the ring was full */
	__u64 limited; /* over the rate */
	__u64 unread;  /* the packet did not hold what it said */
};

enum abi_counter {
	ABI_LOST_DENIALS, /* the denial ring was full */
	ABI_LOST_FLOWS,	  /* the flow ring was full: the flow's bytes are in the totals only */
	ABI_LOST_FOLDS,	  /* no room for a fold: packets and bytes are in lost_folds */
	/* a socket's storage could not be made: its bytes are in the totals only */
	ABI_LOST_STORAGE,
	ABI_MALFORMED,
	ABI_SOURCE_ROUTES,
	ABI_EXTENSIONS,
	ABI_UNRESOLVED_CGROUPS, /* packets judged while the cgroup was not known */
	ABI_DHCP,		/* packets let pass as DHCP */
	ABI_DHCP_LIMITED,	/* DHCP messages beyond the rate: judged by the policy */
	ABI_CONNECT_DENIED,	/* connect() and sendmsg() refused with EPERM */
	ABI_SYN_DENIED,		/* SYNs dropped on the way in */
	ABI_OPTION_DENIED,	/* setsockopt() refused with EPERM */
	ABI_NOT_IP,		/* frames that are not IP, and not of those that stay on the link */
	ABI_COUNTERS
};
/* One element for each CPU, over all generations. */
struct abi_counters {
	/* by enum decide_action; the agent's sum over decisions, the programs leave it 0 */
	struct abi_total action[4];
	struct abi_total passed; /* would have been blocked, in enforce mode */
	struct abi_total lost_folds;
	/* what the programs on the devices judged, and let pass as nobody's packet: not in action */
	struct abi_total device_passed;
	__u64 count[ABI_COUNTERS];
};
#endif
