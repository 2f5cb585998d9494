/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon.h - 'cordon run': what holds engine, kernel, pipeline, feeds and control together. One
 * thread, one owner.
 *
 *   daemon.c          start, the loop's handlers, stop
 *   daemon_check.c    what is looked after: stale places, lost records, hooks, ports
 *   daemon_engine.c   load, publish and swap of policy and places; mode
 *   daemon_trial.c    enforce on trial
 *   daemon_preview.c  what enforcing would cut
 *   daemon_users.c    the users that the policy names
 *   daemon_event.c    events: ids, state events, the last messages
 *   daemon_feeds.c    where they go
 *   daemon_judge.c    whether they may go there
 *   daemon_journal.c  the journal: events in, checkpoints out
 *   daemon_ledger.c   the ledger; daemon_rollup.c: its hours and days to feeds
 *   daemon_frames.c   sockets whose frames no socket hook judges
 *   daemon_meters.c   what left under rules with 'over'
 *   daemon_names.c    whom flows are meant for
 *   daemon_quarantine.c  addresses that nothing may go to for a while
 *   daemon_refuted.c  the memory of distance: refuted places are kept, and disputed from then on
 *   daemon_status.c   the answer to 'cordon status' and the control requests
 *
 * Invariants: 1. a failed load leaves engine, kernel and mode as they were; 2. the fold is flushed
 * before an engine is freed, for its events point into it; 3. nothing that fails after the programs
 * are attached detaches them.
 */
#ifndef AGENT_DAEMON_DAEMON_H
#define AGENT_DAEMON_DAEMON_H
#include <stdbool.h>
#include <stdio.h>
#include "agent/daemon/control.h"
#include "agent/daemon/gap.h"
#include "agent/daemon/metrics.h"
#include "agent/base/diag_print.h"
#include "agent/engine/engine.h"
#include "agent/base/loop.h"
#include "agent/feed/feed.h"
#include "agent/feed/aggregate.h"
#include "agent/feed/top.h"
#include "agent/journal/journal.h"
#include "agent/host/cgroup.h"
#include "agent/host/identity.h"
#include "agent/host/process.h"
#include "agent/host/netlink.h"
#include "agent/host/route.h"
#include "agent/source/kernel.h"
#include "agent/source/pcap_live.h"
#include "bpf/load/kernel.h"
#include "geo/distance/refuted.h"
#include "geo/distance/suspect.h"

#define DAEMON_FEEDS_MAX    8
#define DAEMON_MESSAGES_MAX 16 /* state messages kept for status and the live table */
#define DAEMON_GEO_MAX	    64
#define DAEMON_TRIAL_MAX    86400 /* seconds */

struct daemon_config {
	const char *policy; /* NULL: the default */
	const char *geo[DAEMON_GEO_MAX];
	size_t ngeo;
	int mode; /* enum policy_mode; -1: the policy's */
	bool pcap;
	int devices; /* enum kernel_devices */
	const char *interface, *cgroup, *pins, *alerts, *control;
	const char *state; /* directory of what is remembered; where there is none, nothing is */
	bool live, detach_on_exit, keep_on_exit, names;
	uint64_t fold_seconds;
};

struct daemon_feed {
	struct feed *feed; /* held */
	int error;	   /* said already */
	uint64_t reopened; /* told already */
	/* daemon_rollup.c: of a feed of the ledger */
	struct ledger_position at, saved; /* given to the road; confirmed, and kept */
	bool read, more;		  /* saved was read; there is more in the ledger */
};
struct daemon_feeds {
	struct daemon_feed feed[DAEMON_FEEDS_MAX];
	unsigned n;
};

#define DAEMON_LOSSES	 4   /* counters that mean lost evidence */
#define DAEMON_USERS_MAX 256 /* names in the policy's subjects that are asked for again */
struct daemon_user {
	bool known;
	uint32_t uid;
};

struct daemon_message {
	uint64_t time_ns;
	char action[32], text[256];
};

struct daemon {
	struct daemon_config cfg;
	char *policy_path; /* owned: what 'reload --policy' named; NULL: cfg.policy */
	struct loop *loop;
	struct control *control;
	struct engine *engine;
	struct kernel *kernel; /* NULL with --source pcap */
	struct kernel_source *kernel_source;
	struct pcap_live *pcap_live;
	struct cgroups *cgroups;
	struct names *name_service;
	struct processes *processes;
	struct netlink *host;
	struct aggregate *aggregate;
	struct top *top;
	struct daemon_feeds feeds;
	struct metrics *metrics;	     /* owned; NULL: none */
	struct ledger *ledger;		     /* owned; NULL: none is kept */
	struct kernel_ledger *kernel_ledger; /* owned */
	struct live_names *names;	     /* owned; NULL: not looked for */
	bool names_on;
	uint64_t names_lost; /* told already */
	int ledger_error;
	struct journal *journal;     /* owned; NULL: none */
	char *journal_dir;	     /* owned */
	int journal_error;	     /* of the last write */
	uint64_t journal_long;	     /* events that were too long for it */
	struct json_writer line;     /* of the event that is written */
	struct json_writer envelope; /* what a feed puts around it */
	struct process self;	     /* what the policy knows this process by; texts below */
	char self_cgroup[512], self_unit[PROCESS_UNIT_MAX];
	struct identity identity;
	struct route route;
	/* during a publish: where daemon_cgroup_seen puts its masks */
	struct daemon_masks *collecting;
	int mode_override; /* enum policy_mode, -1: the policy's mode */
	enum policy_mode mode;
	uint64_t trial_until; /* daemon_trial.c: ns of CLOCK_BOOTTIME; 0: no trial */
	int trial_before;     /* mode_override before it */
	uint32_t generation;
	struct refuted *refuted; /* owned: places refuted since the last save, or NULL */
	int refuted_timer;	 /* 0: not made yet */
	uint64_t refuted_loaded_ns;
	struct suspect suspect; /* a proxy that answers for all countries */
	bool refuted_told;	/* that nothing is remembered */
	bool disputed_due; /* the list of refuted places was saved: load the places again with it */
	size_t disputed;   /* entries of it */
	int clock;	   /* owned: wakes when the clock is set */
	int change_timer;  /* the next date at which the policy changes by itself */
	uint64_t ticks;	   /* of on_second */
	/* daemon_sums.c: the kernel's totals before the counts were fetched, and what was missing */
	struct event_count sums[EVENT_SUMS], sums_missing[EVENT_SUMS];
	bool sums_read;
	uint64_t started_ns, loaded_ns, sequence, events;
	uint64_t lost_seen[DAEMON_LOSSES]; /* kernel's lost records that were told already */
	bool stale_told;
	struct daemon_fault {
		uint64_t told_ns;
		unsigned untold;
	} fault[KERNEL_FAULTS];
	const char *boot_action; /* what is in force is not what was given; NULL: it is */
	char boot_text[1200];
	bool accept_shrink;    /* during a reload that was told so */
	struct gaps *gaps;     /* owned */
	struct frames *frames; /* owned; NULL: not looked yet */
	bool frames_gap;
	bool cgroup_missing, device_unjudged; /* as the guard saw it last */
	bool quarantine_unread;
	int guard_blind; /* -errno, 0 */
	struct daemon_user
		users[DAEMON_USERS_MAX]; /* in the order of the running policy's subjects */
	size_t nusers;
	const struct compiled *users_of;
	int exit_code;
	char last_reload[320]; /* one sentence */
	struct kernel_published published;
	struct daemon_message message[DAEMON_MESSAGES_MAX];
	unsigned nmessages; /* ever */
	uint64_t own_addresses;
	char cgroup2[128]; /* where cgroup2 is mounted; "" = nowhere */
};

/* Runs until a signal; returns an enum exit_code. Everything that goes wrong has been said. */
int daemon_run(const struct daemon_config *cfg);

/* daemon_start.c; 0 or an exit code, said */
int daemon_start_control(struct daemon *d);
int daemon_start_kernel(struct daemon *d);
int daemon_start_pcap(struct daemon *d);
json_t *daemon_second_agent(struct daemon *d, const json_t *request); /* tells, and answers */

/* daemon_boot.c */
int daemon_boot(struct daemon *d);			 /* the first load; 0 or an exit code */
const char *daemon_policy_given(const struct daemon *d); /* the file that was asked for */
/* That file against what is in force: "same", "differs", "missing", or "shipped" where none is used. */
const char *daemon_policy_on_disk(const struct daemon *d);
void daemon_boot_tell(struct daemon *d);
void daemon_boot_retry(struct daemon *d); /* once a minute */
void daemon_keep(struct daemon *d);	  /* what is in force, for the next start */

/* What is loaded instead of what was given. */
struct daemon_load_from {
	const char *policy; /* NULL: the given one */
	const char *text;   /* see engine_config */
	const char *const *geo;
	size_t ngeo; /* 0: the given ones */
	bool no_geo;
};
int daemon_load_other(struct daemon *d, const struct daemon_load_from *from);
int daemon_load_given(struct daemon *d); /* in silence; 0 when it took over */
/* daemon_stop.c. ran: the loop ran, and the end is reported. Frees all but d. */
void daemon_stop(struct daemon *d, bool ran);

/* daemon_engine.c. 0 or an enum exit_code; diagnostics and one closing sentence go to 'to'. */
int daemon_load(struct daemon *d, FILE *to);
int daemon_reload(struct daemon *d, FILE *to);
int daemon_set_mode(struct daemon *d, int override, FILE *to); /* -1: the policy's mode */
int daemon_publish(struct daemon *d, const struct engine *e, enum policy_mode mode, FILE *to);
void daemon_recompile(void *daemon); /* a date came: zones and 'until' */
void daemon_cgroup_seen(void *daemon, uint64_t id, const char *path);

/* The same policy, but places as they are now; else EXIT_FAILED. */
int daemon_load_same(struct daemon *d);
/* The policy in force again, with the quarantine as it is now. 0 or an exit code, said in 'to'. */
int daemon_load_held(struct daemon *d, FILE *to);
void daemon_load_due(struct daemon *d); /* when distance has refuted places: disputed_due */

/* daemon_regions.c */
void daemon_regions_tell(const struct daemon *d, const struct places *p, struct diag_sink *sink);

/* daemon_refuted.c */
void daemon_refuted(struct daemon *d, const struct event *e);
/* A proxy answered for these: no longer refuted. How many were. */
size_t daemon_refuted_forget(struct daemon *d, const struct ip *const *ip, size_t n);
void daemon_refuted_done(struct daemon *d); /* at the end: saves what is due */
/* The file's path, in buf. */
const char *daemon_refuted_path(const struct daemon *d, char buf[512]);

/* daemon_frames.c */
void daemon_frames_check(struct daemon *d);
json_t *daemon_frames_status(const struct daemon *d);

/* daemon_meters.c: of rules with 'over'; needs d->kernel */
json_t *daemon_meters_status(const struct daemon *d);

/* daemon_names.c: never fails; what it cannot do is told */
void daemon_names_start(struct daemon *d); /* after the first publish */
void daemon_names_stop(struct daemon *d);
void daemon_names_check(struct daemon *d);
json_t *daemon_names_status(const struct daemon *d);

/* daemon_quarantine.c */
json_t *daemon_quarantine(struct daemon *d, const json_t *request);
/* Tells when its file cannot be read, and when it can again. */
void daemon_quarantine_look(struct daemon *d);
/* The file's path, in buf; NULL: there is no state directory. */
const char *daemon_quarantine_path(const struct daemon *d, char buf[512]);

/* daemon_users.c */
/* The masks of the users that c names, and what is not known of them as a sentence in 'to'; waits a moment for the name
 * service, not longer. */
size_t daemon_users(struct daemon *d, const struct compiled *c, struct kernel_mask *ret,
		    size_t room, FILE *to);
void daemon_check_users(struct daemon *d); /* each second: who is known by now? */

/* daemon_event.c */
void daemon_place_refuted(void *daemon, struct event *e); /* from a source */
int daemon_feed(struct daemon *d, struct event *e);	  /* to the feeds, not to the journal */
int daemon_emit(void *daemon, struct event *e); /* from the fold; negative: a feed has lost it */
void daemon_tell(struct daemon *d, const char *action, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void daemon_alarm(void *daemon, const char *action, const char *detail);
void daemon_gap(void *daemon, const struct event_gap *g, const char *detail);

/* daemon_feeds.c */
/* --alerts and the policy's feeds; those that the running policy has too are kept, and what their names mean now is
 * opened (so a rotated file is followed). With none, and no table on the terminal, standard output. 0, or an exit code with the
 * sentence in errors and nothing open. What is not delivered is said there too. */
int daemon_open_feeds(struct daemon *d, const struct engine *e, struct daemon_feeds *to,
		      FILE *errors);
void daemon_close_feeds(struct daemon_feeds *feeds);	       /* says what was left */
int daemon_put_feeds(struct daemon *d, const struct event *e); /* negative: a feed has lost it */
void daemon_check_feeds(struct daemon *d);		       /* each second */

/* daemon_judge.c: from now on every server of a feed is judged by the running policy */
void daemon_judge_start(struct daemon *d);
void daemon_judge_stop(void); /* before the policy goes: a road that outlives it connects nowhere */

/* daemon_check.c; each tells once what is wrong, and again when it is right */
void daemon_check_stale(struct daemon *d);
void daemon_check_lost(struct daemon *d);
void daemon_check_ports(struct daemon *d);
/* Tells when somebody sets the clock, and lets the dates of the policy follow at once. */
int daemon_watch_clock(struct daemon *d);

/* daemon_guard.c */
int daemon_guard_start(struct daemon *d);		      /* 0 or -errno */
void daemon_guard(void *daemon);			      /* a look now */
void daemon_guard_cgroup(struct daemon *d, const char *path); /* this one appeared or went */

/* daemon_mode.c */
void daemon_mode_start(struct daemon *d); /* before the first publish; tells what is odd */
void daemon_mode_remember(struct daemon *d,
			  int mode); /* of 'reload --mode'; -1: the policy's again */

/* daemon_trial.c: "enforce" for so many seconds, or "confirm"; NULL: no memory */
json_t *daemon_trial_request(struct daemon *d, const json_t *request, bool confirm);
void daemon_trial_end(struct daemon *d); /* the mode is what somebody asked for */
/* At the start, when mode and mode_override are set and the last agent left a trial: it goes on, or is over. */
void daemon_trial_adopt(struct daemon *d);
void daemon_trial_second(struct daemon *d);
/* seconds; 0: no trial */
uint64_t daemon_trial_left(const struct daemon *d);
json_t *daemon_trial_status(const struct daemon *d); /* seconds that are left; null: no trial */

/* daemon_preview.c: what enforcing would cut of what lives now */
json_t *daemon_preview(struct daemon *d);

/* daemon_metrics.c: 'feed metrics "ADDRESS"' of the policy. 0 or an exit code. */
int daemon_metrics_load(struct daemon *d, const struct engine *e, FILE *errors);
void daemon_metrics_second(struct daemon *d);

/* daemon_journal.c */
void daemon_journal_start(struct daemon *d); /* with the first engine; never fails */
/* Before a swap: opens the journal that e's policy names, if it is another one. 0 or an exit code. */
int daemon_journal_load(struct daemon *d, const struct engine *e, FILE *errors);
void daemon_journal_settle(struct daemon *d); /* after a swap */
void daemon_journal_add(struct daemon *d, const char *line, size_t len);
void daemon_journal_flush(struct daemon *d); /* at the end of a turn of the loop */
void daemon_journal_second(struct daemon *d);
void daemon_journal_stop(struct daemon *d);
json_t *daemon_journal_status(const struct daemon *d); /* null: the policy names none */

/* daemon_ledger.c */
void daemon_ledger_start(struct daemon *d); /* before the kernel source; never fails */
void daemon_ledger_second(struct daemon *d);
void daemon_ledger_stop(struct daemon *d);
json_t *daemon_ledger_status(struct daemon *d); /* null: none is kept */

/* daemon_rollup.c: hours or days of the ledger to the feeds that carry them */
void daemon_rollup_second(struct daemon *d);

/* daemon_sums.c; before and after the kernel's counts are fetched */
void daemon_sums_start(struct daemon *d);
void daemon_sums_before(struct daemon *d);
void daemon_sums_after(struct daemon *d);
void daemon_sums_event(struct daemon *d, const struct event *e); /* it was written */
/* daemon_event.c: tells that; detail and lost live for the call */
void daemon_lost(struct daemon *d, const char *detail, const struct event_count *lost);

/* daemon_status.c */
json_t *daemon_request(void *daemon, const json_t *request);
json_t *daemon_status(struct daemon *d);
json_t *daemon_kernel_status(struct kernel *k); /* also without a running agent */
json_t *daemon_sentences(const char *const *s);
int64_t daemon_places_age(const struct engine *e); /* seconds, of the oldest place source */

const char *daemon_mode_name(enum policy_mode m);
#endif
