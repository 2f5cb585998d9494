/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process.h - who sent it: what /proc says of a process, and which unit a cgroup belongs to.
 *
 * Everything in /proc/PID that the process itself chooses (comm, command line, file names) is
 * foreign: bounded, and made valid UTF-8 here, so that no reader of an event has to. Identity is
 * cgroup, user and executable; never comm.
 */
#ifndef AGENT_HOST_PROCESS_H
#define AGENT_HOST_PROCESS_H
#include "agent/event/event.h"
#include "agent/host/names.h"

#define PROCESSES_MAX	    4096 /* remembered; the oldest makes room */
#define PROCESS_CMDLINE_MAX 2048 /* bytes; longer ones end in "..." */

struct processes;
/* proc: "/proc", or the root of a test. Copied. names: the caller's, must outlive it; NULL: users have no names. */
int processes_new(struct processes **ret, const char *proc, struct names *names);
void processes_free(struct processes *ps);

/* A batch of records begins: what was seen of a process within it is believed to its end, so that a
 * thousand flows of one process ask /proc once. Never called: every look-up asks. */
void processes_turn(struct processes *ps);
/* Fills what is not set yet of p from /proc (p->pid is given; uid, cgroup and comm may be, and are
 * believed). p->start_ns given and different from /proc's: the pid belongs to another process now,
 * nothing is taken from it. The strings live until the next call. 0; -ESRCH: no such process, what
 * the caller knew stays. */
int processes_lookup(struct processes *ps, struct process *p);
/* What somebody else noted of a process that /proc no longer has, or only as a zombie: p->pid,
 * start_ns, uid and comm say which; arguments as in /proc/PID/cmdline. The next lookup answers with
 * it. 0 or -ENOMEM. */
int processes_learn(struct processes *ps, const struct process *p, const char *exe,
		    const char *arguments, size_t len);
/* The same of a process that was just looked up and may have become another program since: when /proc
 * tells of another one, p gets what was noted. Lives until the next call of any of these. */
void processes_program(struct processes *ps, struct process *p, const char *exe,
		       const char *arguments, size_t len);
/* NULL: nobody of that number, or not known yet: a later call may know. Lives until the next call. */
const char *processes_user(struct processes *ps, uint32_t uid);

/* "/system.slice/x.service/sub" -> "x.service": the first component that is named as a unit, slices
 * left out. buf has at least 256 bytes. NULL when there is none. */
#define PROCESS_UNIT_MAX 256
const char *process_unit(char *buf, const char *cgroup);
/* The id of the container that the cgroup belongs to, in buf; NULL: none whose runtime names it in the path. */
#define PROCESS_CONTAINER_MAX 65
const char *process_container(char buf[PROCESS_CONTAINER_MAX], const char *cgroup);
#endif
