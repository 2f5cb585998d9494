/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_private.h - what the loader's files share; everybody else includes kernel.h.
 *
 * Each file uses only those before it:
 *
 *     libbpf_log  map_value  exec    by themselves
 *     hook  pin                      the table of hooks; the directory of pins
 *     adopt                          what the last agent left, asked of the attached programs
 *     state                          the maps that stay
 *     meter                          what rules with 'over' count
 *     generation                     a policy's programs and maps
 *     tcx  device                    the second net: a hook a device
 *     probe_programs                 would they load, whatever a policy asks for
 *     swap                           which of them the hooks run
 *     names                          what copies names, beside the hooks
 *     guard  records  status         what is looked after, read, answered
 *     kernel                         the public face
 */
#ifndef BPF_LOAD_KERNEL_PRIVATE_H
#define BPF_LOAD_KERNEL_PRIVATE_H
#include <bpf/libbpf.h>
#include <unistd.h>
#include <time.h>
#include "bpf/load/kernel.h"
#include "geo/lookup/lookup.h"
#include "geo/base/cleanup.h"

/* Maps that outlive a generation and an agent, pinned under these names (state.c has the table). */
enum state_map {
	STATE_SLOTS,
	STATE_FOLDS,
	STATE_FOLD_ROOM,
	STATE_HEARD,
	STATE_HANDSHAKES,
	STATE_DENIAL_RING,
	STATE_FLOW_RING,
	STATE_ASK_RING,
	STATE_SETTINGS,
	STATE_COUNTERS,
	STATE_OWN,
	STATE_IMAGES,
	STATE_METERS,
	STATE_MAPS
};

#define DEVICE_PIN "device_"
/* A device of our network namespace, with its hook. */
struct device {
	uint32_t ifindex;
	char name[16], pin[24];
	bool ether;	  /* what leaves begins with Ethernet's header */
	int link;	  /* -1: none, or a filter of clsact */
	uint32_t program; /* id of what it must hold; 0 = nothing was set yet */
	int error;	  /* why */
};

/* In the order of a swap: the packet hook first, it is the one that decides. */
enum hook {
	HOOK_EGRESS,
	HOOK_CONNECT4,
	HOOK_CONNECT6,
	HOOK_SENDMSG4,
	HOOK_SENDMSG6,
	HOOK_INGRESS,
	HOOK_OPTION, /* of a generation */
	HOOK_SOCK_CREATE,
	HOOK_SOCK_RELEASE,
	HOOK_STATE, /* of the observer */
	HOOKS
};
#define HOOK_GENERATION_LAST HOOK_OPTION
struct hook_def {
	const char *name; /* of the program */
	const char *pin;  /* of the link */
	enum bpf_attach_type type;
	bool required;
};
/* hook.c */
const struct hook_def *hook_def(enum hook h);
const char *hook_pin(enum hook h); /* the name of its link's pin */

/* The place table in the kernel: shared by generations that have the same bytes. */
struct place_maps {
	unsigned refs;
	int fd[LOOKUP_ARRAYS];
	uint32_t elements[LOOKUP_ARRAYS];
	uint32_t nat64;
	uint64_t hash;
	size_t bytes;
};
/* A generation, as long as its programs may run. */
struct generation {
	uint32_t number;
	struct egress_bpf *skel;
	struct place_maps *places; /* one reference */
	int rules[DECIDE_ARRAYS];
	int decisions, totals, cgroups, users;
	uint32_t ndecisions;
	uint8_t *actions; /* by decision: enum decide_action */
};

/* What the last agent left (adopt.c). */
struct left {
	bool found;    /* its packet hook's link, or else its settings */
	bool attached; /* the link holds a program on a cgroup that is there */
	enum policy_mode mode;
	bool requested;
	uint64_t trial_until;
	uint32_t generations;
	uint32_t settings_id; /* of the map that the packet hook's program reads; 0 = not known */
	struct abi_total retired[4];
};

struct kernel {
	char cgroup[256], pins[256];
	int cgroup_fd, pins_fd; /* pins_fd holds the lock */
	uint64_t cgroup_id;
	bool whole_host, adopted, no_sendmsg;
	int state[STATE_MAPS];
	struct abi_settings *settings; /* mapped */
	struct observe_bpf *observe;
	struct bpf_link *iterator; /* owned; made at the first walk */
	bool by_files;		   /* it goes by open files */
	uint32_t walk_turn;
	struct generation *now, *before; /* before: its last packets may still be counted */
	/* totals by action of 'before' that settings->retired has already */
	struct abi_total before_retired[4];
	struct left left;
	int link[HOOKS];	 /* -1 = not attached */
	uint32_t program[HOOKS]; /* id of what the link must hold; 0 = the hook is not wanted */
	enum policy_mode mode;	 /* what settings->mode must be */
	enum kernel_devices devices;
	struct device device[KERNEL_DEVICES_MAX];
	size_t ndevices;
	unsigned devices_left_out, guarded;
	char left_out[16]; /* one of them, and why */
	int left_out_error;
	uint64_t trial_until;	    /* and settings->trial_until */
	struct kernel_names *names; /* owned; NULL: nobody asked for them, or they were refused */
	struct ring_buffer *asks, *denials, *flows;
	int epoll;
	int64_t boot_to_wall, mono_to_boot; /* ns */
	int64_t poll_until;		    /* during kernel_poll: CLOCK_MONOTONIC */
	unsigned polled;
	uint32_t folds_at;	   /* where kernel_denials goes on */
	struct abi_fold_room room; /* of the walk that is under way */
	bool folds_more;
	kernel_unresolved_fn *unresolved; /* or NULL */
	void *unresolved_arg;
	kernel_record_fn *fn; /* during kernel_poll only */
	void *arg;
};

/* pin.c */
int pin_directory(const char *path, int *ret_fd,
		  struct diag_sink *d);		       /* made, on a bpffs, locked */
int pin_bpffs(const char *path, struct diag_sink *d);  /* mounts /sys/fs/bpf where nothing is */
int pin_get(const struct kernel *k, const char *name); /* descriptor or -errno */
int pin_put(const struct kernel *k, const char *name, int fd); /* replaces */
int pin_drop(const struct kernel *k, const char *name);	       /* 0 when there is none */

uint32_t pin_map_id(int fd); /* 0 = no map */

/* adopt.c */
void adopt_left(struct kernel *k);			 /* fills k->left */
int adopt_map(const struct kernel *k, const char *name); /* of a pinned link's program; -ENOENT */
/* The last agent's generation, as far as its totals go; NULL when there is none or it is of another
 * version. */
struct generation *adopt_generation(const struct kernel *k);

/* state.c */
const char *state_name(enum state_map m);
int state_open(struct kernel *k, const struct kernel_config *cfg, struct diag_sink *d);
uint64_t state_tick_ns(void); /* of the kernel's jiffies */
int state_reuse(const struct kernel *k, struct bpf_object *o);

/* meter.c: those that a policy names are made before its programs run, others go when it does */
int meters_make(const struct kernel *k, const struct compiled *c, struct diag_sink *d);
void meters_keep(const struct kernel *k, const struct compiled *c);

/* generation.c */
int generation_make(struct generation **ret, struct kernel *k, const struct kernel_generation *g,
		    struct kernel_published *p, struct diag_sink *d);
struct generation *generation_new(uint32_t number); /* empty; NULL: no memory */
void generation_free(struct generation *g);
int generation_program(const struct generation *g, enum hook h);

/* swap.c */
int swap_in(struct kernel *k, const struct generation *g, const struct generation *old,
	    struct diag_sink *d);
int swap_observer(struct kernel *k, struct diag_sink *d);
/* One hook again, as it was: its program is loaded still. */
int swap_mend(struct kernel *k, enum hook h);
/* opens the pinned links; 1 when the packet hook is in force on our cgroup */
int swap_adopt(struct kernel *k);

/* device.c: the hooks on devices; 0 or -errno */
int devices_adopt(struct kernel *k); /* at the start: what an earlier agent left */
int devices_swap(struct kernel *k, const struct generation *g, const char **ret_name);
void devices_clean(struct kernel *k); /* pins that are nobody's */
void devices_detach(struct kernel *k);
void devices_close(struct kernel *k); /* the links stay */
const char *device_pin(const struct device *d);
int device_set(struct kernel *k, struct device *d, const struct generation *g);
/* What it holds now, and whether that stands before all others. */
int device_look(const struct device *d, uint32_t *prog, bool *first);

/* names.c */
void names_close(struct kernel *k);
int names_attach(struct kernel *k); /* to the cgroup as it is now; 0 or -errno */

/* records.c */
void names_record(const struct kernel *k, struct kernel_record *r,
		  const struct abi_names_record *a);
int records_open(struct kernel *k, struct diag_sink *d);
void records_close(struct kernel *k);
void record_of(const struct kernel *k, struct kernel_record *r, const struct abi_record *a);
static inline int64_t mono_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What 'before' has counted goes to the settings, as far as it is not there yet. */
void totals_retire(struct kernel *k);

/* map_value.c: which array maps the programs that are loaded next address directly; the first begins a
 * new list */
int map_value_register(void);
int map_value_begin(const struct bpf_map *m);
int map_value_add(const struct bpf_map *m);

/* libbpf_log.c: what libbpf said last, for the diag */
void libbpf_log_begin(void);
const char *libbpf_log_text(void);
#endif
