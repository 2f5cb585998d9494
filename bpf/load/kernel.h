/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - the agent's only way to the kernel: probe, open or adopt, publish, read.
 *
 *     kernel_probe      what this kernel can do, each feature tried; why not
 *     kernel_probe_programs  would it take the programs of whatever policy
 *     kernel_open       state maps made or adopted from the pins; nothing is judged yet, and
 *                       what was attached stays attached
 *     kernel_publish    a new generation: loaded, filled, then swapped in by one link update; a
 *                       failure keeps the old
 *     kernel_poll       records, each handed to the callback (kernel_fd is epoll-able)
 *     kernel_close      the agent goes, the programs stay     kernel_detach     uninstall
 *
 * 0 or -errno; what went wrong is told in the diag sink, once, with file or feature. Thread-free:
 * one owner.
 */
#ifndef BPF_LOAD_KERNEL_H
#define BPF_LOAD_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/prog/abi.h"
#include "geo/base/diag.h"
#include "geo/base/ip.h"
#include "geo/lookup/table.h"
#include "rules/compile.h"

#define KERNEL_PINS "/sys/fs/bpf/cordon"

/* One row a feature, in the order of enum kernel_feature. */
enum kernel_feature {
	FEATURE_PRIVILEGE, /* CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON (or CAP_SYS_ADMIN) */
	FEATURE_BTF,	   /* /sys/kernel/btf/vmlinux */
	FEATURE_CGROUP2,   /* mounted; where */
	FEATURE_BPFFS,	   /* mounted, or can be */
	FEATURE_SKB,	   /* cgroup_skb program loads and its link attaches */
	FEATURE_CONNECT,   /* cgroup connect4 and sendmsg4 */
	FEATURE_RINGBUF,
	FEATURE_STORAGE,  /* sk_storage with clone */
	FEATURE_STATE,	  /* tp_btf/inet_sock_set_state: end of TCP flows */
	FEATURE_ITERATOR, /* iter/bpf_sk_storage_map, else iter/task_file: counters of live flows */
	FEATURE_COUNT
};
struct kernel_probe {
	struct {
		bool ok, required;
		char why[160]; /* when !ok: the reason and what to do */
	} feature[FEATURE_COUNT];
	char cgroup2[128]; /* mount point; "" = none */
	char release[64];  /* uname -r */
};
const char *kernel_feature_name(enum kernel_feature f);
/* 0 when everything that is required is there, else -ENOTSUP or -EPERM. Leaves nothing behind. */
int kernel_probe(struct kernel_probe *ret);

/* Whose packets the programs on the devices judge (bpf/prog/device.bpf.h). */
enum kernel_devices {
	KERNEL_DEVICES_NONE, /* there are none */
	KERNEL_DEVICES_OWN,  /* of the cgroup's sockets */
	KERNEL_DEVICES_ALL   /* whatever leaves by a device of this network namespace */
};

/* Loads the programs as a policy that asks for everything has them, attaches nothing, and lets go. 0, or -errno: which
 * program was refused, and the verifier's last words. */
int kernel_probe_programs(enum kernel_devices devices, char *ret_why, size_t size);

struct kernel_config {
	/* directory below a cgroup2 mount; NULL = the mount itself: the whole host */
	const char *cgroup;
	const char *pins;     /* directory on a bpffs; NULL = KERNEL_PINS; made when missing */
	uint32_t denial_ring; /* bytes, power of two; 0 = 1 MiB */
	uint32_t flow_ring;   /* 0 = 4 MiB */
	enum kernel_devices devices;
	/* leave out sendmsg4/6: UDP gets its EPERM from the packet hook all the same */
	bool look; /* only to ask: what is pinned and does not fit is left alone, with -ESTALE */
	bool no_sendmsg;
	bool by_files; /* meet live sockets by open files at once, as where the kernel refuses the iterator over storage */
};
struct kernel;
/* -EBUSY: another agent holds the pins. Adopts what is pinned there; *ret untouched on failure. */
int kernel_open(struct kernel **ret, const struct kernel_config *cfg, struct diag_sink *d);
void kernel_close(struct kernel *k); /* links stay: enforcement goes on. NULL is fine. */
/* What the last agent left, found at kernel_open. */
struct kernel_left {
	bool found;	/* something of it: its programs, or its settings */
	bool attached;	/* its packet hook is in force on a cgroup */
	bool requested; /* the mode was asked for at run time (kernel_requested) */
	enum policy_mode mode;
	uint64_t trial_until; /* of a trial (kernel_trial) that nobody ended, be it over; 0: none */
};
void kernel_left(const struct kernel *k, struct kernel_left *ret);

/* What somebody else changed, each put back at once (error 0) or not (-errno). Call it several times
 * a second. */
enum kernel_fault {
	KERNEL_FAULT_DETACHED, /* the hook lost its link */
	KERNEL_FAULT_PROGRAM,  /* the link held another program */
	KERNEL_FAULT_MODE,     /* the mode in the pinned settings was another; what: ours */
	KERNEL_FAULT_PIN_GONE,
	KERNEL_FAULT_PIN_OTHER,	  /* the pin's name had another object */
	KERNEL_FAULT_CGROUP_GONE, /* nothing can be judged until it is made again */
	KERNEL_FAULT_CGROUP_NEW,  /* it was made again: attached to it */
	KERNEL_FAULT_ORDER,	  /* on a device, another program stood before ours */
	KERNEL_FAULT_DEVICE,	  /* a device has no program of ours, and gets none: at each look */
	KERNEL_FAULTS
};
struct kernel_finding {
	enum kernel_fault fault;
	const char *what; /* hook, pin, or cgroup; lives as long as k */
	int error;
};
#define KERNEL_FINDINGS_MAX 32
/* The number of findings; *blind: -errno of what could not be looked at, 0 = all was. */
int kernel_guard(struct kernel *k, struct kernel_finding *ret, size_t max, int *blind);
/* 0: the cgroup is gone; 1: it is the one we are on; 2: it is a new one, entered, nothing attached. */
int kernel_cgroup_follow(struct kernel *k);
/* The devices as they are now; new ones get the program. How many that were, or -errno. Call it when a
 * device was made, so that it has the program before it carries packets. */
int kernel_devices_follow(struct kernel *k);
/* Pins that somebody removed are made again: without them nothing would outlive the agent. How
 * many, or -errno. */
int kernel_repin(struct kernel *k);
int kernel_detach(struct kernel *k,
		  struct diag_sink *d); /* removes links, maps and pins; then kernel_close */

struct kernel_mask {
	uint64_t id;
	uint64_t mask;
};
/* A generation. Everything is the caller's and read during the call only. */
struct kernel_generation {
	const struct table *table;
	const struct compiled *compiled;
	enum policy_mode mode;
	/* of this compiled: all that are known; needed when DECIDE_NEEDS_CGROUP */
	const struct kernel_mask *cgroups;
	size_t ncgroups;
	const struct kernel_mask *users; /* uid -> mask; a uid that is not listed has mask 0 */
	size_t nusers;
};
/* The place table's maps are kept when its bytes are those of the last generation (reused then says
 * so). */
struct kernel_published {
	uint32_t generation;
	bool table_reused;
	uint64_t ns_load, ns_fill, ns_swap;
	size_t table_bytes;
};
int kernel_publish(struct kernel *k, const struct kernel_generation *g,
		   struct kernel_published *ret, struct diag_sink *d);
int kernel_mode(struct kernel *k,
		enum policy_mode mode); /* at run time, without a new generation */
/* Enforce on trial: from then on (ns of CLOCK_BOOTTIME) the programs monitor, whatever the mode says and whether an agent
 * runs or not. Set before the mode, and ended (0) after it. */
void kernel_trial(struct kernel *k, uint64_t until);
/* call every minute and when the clock was set: rules with 'until' read it */
void kernel_requested(struct kernel *k, bool on); /* remembered in the pins: see kernel_left */
int kernel_clock(struct kernel *k);

/* Between generations. A cgroup that asked (kernel_on_unresolved) stays unresolved until it is set. */
int kernel_cgroup_set(struct kernel *k, uint64_t cgroup_id, uint64_t mask);
int kernel_cgroup_forget(struct kernel *k, uint64_t cgroup_id);
int kernel_user_set(struct kernel *k, uint32_t uid, uint64_t mask);
/* The host's own addresses: a connect() to one of them is never refused (its packets never leave).
 */
int kernel_own_address_set(struct kernel *k, const struct ip *ip, bool on);
/* Local ports that somebody listens on: who opened a flow that is older than the agent, and every
 * UDP flow. proto 6, 17. */
int kernel_listen_port_set(struct kernel *k, uint8_t proto, uint16_t port, bool on);
int kernel_listen_ports(struct kernel *k, uint8_t proto,
			const uint64_t bitmap[65536 / 64]); /* all at once */

enum kernel_kind {
	KERNEL_DENIED = ABI_DENIED, /* blocked (enforced) or would be (monitor) */
	KERNEL_ALERTED = ABI_ALERTED,
	KERNEL_FLOW_END = ABI_FLOW_END, /* final counts since the last record of this flow */
	/* counts of an unconnected socket's last destination: add them up */
	KERNEL_FLOW_SPILL = ABI_FLOW_SPILL,
	KERNEL_FLOW_LIVE = ABI_FLOW_LIVE,
	KERNEL_FOLD_MORE = ABI_FOLD_MORE, /* more of a denial or alert that was reported */
};
struct kernel_record {
	enum kernel_kind kind;
	struct ip src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	enum decide_opened opened;
	bool has_port; /* what was given to decide.h */
	bool has_icmp; /* type and code are known */
	uint8_t icmp_type, icmp_code;
	enum abi_folded
		folded; /* of a denial or alert: what stands for many has no ports, or no dst */
	/* Outwards, IP layer, that no record before this one had: add them up. Of a look, and of
	 * kernel_denials: so far. */
	uint64_t packets, bytes;
	uint64_t whole_packets, whole_bytes; /* so far: to show */
	uint64_t attempts;		     /* refused connect(), sendmsg() and SYNs */
	uint64_t whole_attempts;	     /* so far, of a fold; they wrap at ABI_ATTEMPTS_MASK */
	uint64_t first_ns, last_ns;	     /* Unix */
	uint64_t first_mono;	/* of the first packet, as the kernel noted it: never moves */
	uint64_t rtt_min_ns;	/* 0 = none */
	uint64_t rtt_agreed_ns; /* handshake and data; 0 = not both */
	int32_t pid;		/* 0 = not known */
	uint32_t uid;
	uint64_t start_ns; /* of the process, since boot (CLOCK_BOOTTIME) */
	uint32_t
		exec; /* which program of the process it is: it, or its parents, called exec so often */
	uint64_t cgroup_id, cookie;
	/* Records with the same key and who are of one story: add them up. Differs by process and
	 * cgroup, and for what was stopped by decision and generation. */
	uint64_t who;
	char comm[17];
	struct abi_verdict verdict; /* decision index is of verdict.generation */
};
typedef void kernel_record_fn(void *arg, const struct kernel_record *r);

int kernel_fd(const struct kernel *k); /* epoll: readable when a denial waits, or many flows */
/* A cgroup that sends and has no mask: give it one. Asked for once, before all records, and between
 * the rows of kernel_flows and kernel_denials: nobody waits behind a flood. */
typedef void kernel_unresolved_fn(void *arg, uint64_t cgroup_id);
void kernel_on_unresolved(struct kernel *k, kernel_unresolved_fn *fn, void *arg);
void kernel_unresolved(struct kernel *k); /* those that ask now */
/* Denials first. Never blocks, and ends after KERNEL_POLL_NS however much there is: kernel_fd then
 * stays readable. The number of records, or -errno. Call it once a second too: flow ends do not
 * wake. */
#define KERNEL_POLL_NS 10000000ull
int kernel_poll(struct kernel *k, kernel_record_fn *fn, void *arg);
/* What a process ran, by what the kernel noted at its socket(): for one that /proc no longer has.
 * -ENOENT: no note. */
struct kernel_exec {
	char exe[512];	     /* absolute; starts with "..." when it was too deep; "" = none */
	char arguments[260]; /* NUL between them; ends in "..." when there were more */
	size_t length;	     /* of arguments */
};
int kernel_exec(struct kernel *k, int32_t pid, uint64_t start_ns, uint32_t exec,
		struct kernel_exec *ret);
/* Bytes that can name whom a flow is meant for, copied beside the programs that judge (bpf/prog/names.bpf.c).
 * Of the record: src (here), dst, ports, proto, process, cookie, first_ns (when). */
struct kernel_bytes {
	struct kernel_record record;
	enum abi_names_kind kind;
	uint32_t offset; /* of the stream, or in the message */
	const uint8_t *bytes;
	size_t length;
};
typedef void kernel_bytes_fn(void *arg, const struct kernel_bytes *b);
/* After kernel_open. -errno, said as a warning: the kernel refuses them, and all else goes on. */
int kernel_names_open(struct kernel *k, kernel_bytes_fn *fn, void *arg, struct diag_sink *d);
/* Before kernel_poll: an answer came before the flow that follows it. Ends after KERNEL_POLL_NS; how many. */
int kernel_names_poll(struct kernel *k);
bool kernel_names_attached(const struct kernel *k); /* asked of the kernel now */
int kernel_names_counts(const struct kernel *k,
			struct abi_names_state *ret); /* -ENOENT: not open */
/* Live flows, by iterator. -ENOTSUP where the kernel has none. The number of flows. */
int kernel_flows(struct kernel *k, kernel_record_fn *fn, void *arg);
/* How many there are, by enum decide_action: nothing is handed out, so 100,000 cost milliseconds. */
int kernel_flows_count(struct kernel *k, uint64_t ret[4]);
/* Those that sent something since this walk (zeroed at first) was there last, of the actions (bits by
 * enum decide_action). A slice of KERNEL_WALK_NS, so that a host with 100,000 connections that does
 * nothing costs less than two hundredths of a core; w->more: call again soon. */
#define KERNEL_WALK_NS 10000000ull
struct kernel_walk {
	bool takes; /* hands out what no record had yet; else: looks */
	bool more;
	int fd; /* owned while more */
	uint64_t since, last, now;
	uint32_t turn;
};
int kernel_flows_active(struct kernel *k, struct kernel_walk *w, uint32_t actions,
			kernel_record_fn *fn, void *arg);
void kernel_walk_end(struct kernel_walk *w);
/* What no record had yet of the folds: KERNEL_FOLD_MORE; KERNEL_DENIED and _ALERTED where the ring was
 * full. The number, or -ENOTSUP: this kernel cannot; then they are handed out as they go. */
int kernel_folds_take(struct kernel *k, kernel_record_fn *fn, void *arg);
/* Folded denials and alerts with their counts so far (the first packet, which rang, included).
 * Those that were quiet for idle_ns are handed out one last time (last = true), with what no record
 * had, and dropped; a new packet then rings again. */
typedef void kernel_fold_fn(void *arg, const struct kernel_record *r, bool last);
int kernel_denials(struct kernel *k, uint64_t idle_ns, kernel_fold_fn *fn, void *arg);
/* It ends after KERNEL_DENIALS_NS; true: call it again soon, it goes on where it ended. */
#define KERNEL_DENIALS_NS 30000000ull
bool kernel_denials_more(const struct kernel *k);
/* All of them, none dropped: for a look. */
int kernel_denials_look(struct kernel *k, kernel_fold_fn *fn, void *arg);

/* What the agent has told of the totals, in a pinned page: it outlives the agent. */
struct kernel_told {
	struct abi_total *sum; /* [4], the caller's meaning */
	__u64 *attempts, *begun;
};
void kernel_told(struct kernel *k, struct kernel_told *ret);

struct kernel_totals {
	struct abi_counters sum;
};
int kernel_counters(struct kernel *k, struct kernel_totals *ret);
/* Totals by decision of the running generation; *n in: room, out: how many. */
int kernel_decisions(struct kernel *k, struct abi_total *ret, size_t *n);

/* Bytes that left under a rule with 'over' in the window that its last packet fell into, by decide_meter.key. 0, or
 * -ENOENT. */
int kernel_meter(const struct kernel *k, uint64_t key, uint64_t *ret_used);
int kernel_meter_now(const struct kernel *k, const struct decide_meter *m,
		     uint64_t *ret_used); /* in the window that ends now */

#define KERNEL_HOOKS_MAX      16
#define KERNEL_NEIGHBOURS_MAX 64
struct kernel_hook {
	const char *name; /* "egress", "connect4", ... */
	bool attached;	  /* the link holds our program on our cgroup: asked of the kernel now */
	bool wanted;	  /* it was attached, and must be */
	uint32_t link_id, prog_id;
	char tag[17];
};
struct kernel_neighbour { /* a program of somebody else on one of our hooks */
	const char *hook;
	uint32_t prog_id;
	char name[17];
};
#define KERNEL_DEVICES_MAX 256
struct kernel_device {
	char name[16];
	uint32_t ifindex, prog_id;
	bool attached; /* it holds our program, before all others: asked of the kernel now */
};
struct kernel_status {
	uint32_t generation; /* 0 = nothing published by this agent yet */
	bool adopted;	     /* found at start, still in force */
	enum policy_mode mode;
	char cgroup[256], pins[256];
	uint64_t cgroup_id; /* 0: it does not exist now */
	bool whole_host;    /* the cgroup is the root */
	struct kernel_hook hook[KERNEL_HOOKS_MAX];
	size_t nhooks;
	struct kernel_neighbour neighbour[KERNEL_NEIGHBOURS_MAX];
	size_t nneighbours;
	enum kernel_devices devices;
	const char *devices_by; /* "tcx", "clsact" */
	struct kernel_device device[KERNEL_DEVICES_MAX];
	size_t ndevices;
	unsigned devices_left_out; /* too many, or of a kind that the programs cannot read */
	size_t table_bytes;
};
int kernel_status(struct kernel *k, struct kernel_status *ret);
/* The cgroup that the pinned packet hook is attached to, without opening anything else: for a look
 * from outside. -ENOENT: nothing is pinned there; *ret 0: the link was detached by force or its
 * cgroup is gone. */
int kernel_pinned_cgroup(uint64_t *ret, const char *pins);
/* Programs of somebody else on a cgroup's own hooks (NULL: none is asked) and on this namespace's devices (XDP, TCX); what
 * is pinned is ours. How many (max at most), or -errno. */
struct kernel_other {
	uint32_t program;
	char name[17], where[40]; /* "egress", "xdp eth0" */
};
int kernel_others(struct kernel_other *ret, size_t max, const char *cgroup, const char *pins);
/* What this version does not see, a sentence each, NULL-terminated: to be said in status, never
 * hidden. */
const char *const *kernel_not_covered(void);
#endif
