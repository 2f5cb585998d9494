/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prove.h - 'cordon prove': the known ways around an egress agent, each tried against the real programs.
 *
 *     cgroup of its own, network namespace 'db'           network namespace 'sink', no route out
 *     agent (cordon run --mode enforce) judges it  ---->  counts each frame, by the address it went to
 *     a process for each technique
 *
 * Every shot has an address that nobody else has, so that what arrived, and which alert was meant, is never a guess.
 * Each technique is fired at an address in the EU as well (the control): it must arrive, or the technique has shown
 * nothing and is 'not tried'.
 *
 * Nothing outlives it: namespaces, mounts and pins are its processes' own, a janitor outside them removes the cgroup
 * and the directory when the last one is gone, however it ended (tests/live/prove_live.sh).
 */
#ifndef AGENT_PROVE_PROVE_H
#define AGENT_PROVE_PROVE_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* From good to bad: what moves down is a failure. */
enum prove_result {
	PROVE_STOPPED,	   /* nothing arrived, and an alert names process and address */
	PROVE_UNNAMED,	   /* nothing arrived, and no alert names both */
	PROVE_DETECTED,	   /* it arrived, and an alert said so */
	PROVE_NOT_COVERED, /* it arrived in silence */
	PROVE_FALSE,	   /* it arrived, and an alert says 'blocked' */
	PROVE_NOT_TRIED,   /* this host cannot do it, or the control did not arrive */
	PROVE_RESULTS
};
const char *prove_result_name(enum prove_result r);

struct prove_config {
	const char *only; /* techniques whose name holds this; NULL: all */
	uint64_t seed;	  /* of the order */
	bool devices;	  /* the agent judges on the devices as well */
};

#define PROVE_CELLS                                                                                \
	6 /* a technique's variants: IPv4 and IPv6, as root, with CAP_NET_RAW, as nobody */
struct prove_cell {
	bool used;
	enum prove_result result;
	char why[96]; /* of PROVE_NOT_TRIED and PROVE_FALSE */
};
struct prove_row {
	unsigned number; /* in the list of known bypasses; 0: not in it */
	const char *name, *line, *note;
	enum prove_result expected, result; /* the worst cell that was tried */
	struct prove_cell cell[PROVE_CELLS];
};
struct prove_report {
	struct prove_row *row; /* owned: prove_done */
	unsigned rows, shots, moved;
	double seconds;
	uint64_t seed;
	bool devices;
	json_t *status;	 /* owned: what the agent said of itself at the end */
	char fault[160]; /* "" or what makes the whole run worthless */
};
const char *prove_cell_name(unsigned cell); /* "v4 root" */

/* 0, or -errno after a sentence on standard error. */
int prove_run(struct prove_report *ret, const struct prove_config *cfg);
void prove_done(struct prove_report *r);
#endif
