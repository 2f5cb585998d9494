/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_guard.c - what somebody else changed of ours: told once a kind and look, after it was put
 * back.
 *
 * Four looks a second, so that no change holds longer than that. A kind that comes again and again
 * (somebody fights us) is told at most once a second, with how often it came.
 */
#include <errno.h>
#include <string.h>
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"

#define GUARD_EVERY (LOOP_SECOND / 4)

/* In the order of enum kernel_fault. */
static const struct {
	const char *action, *what, *mended;
} faults[KERNEL_FAULTS] = {
	[KERNEL_FAULT_DETACHED] = {"hook-detached", "somebody detached cordon's programs",
				   "attached again"},
	[KERNEL_FAULT_PROGRAM] = {"program-replaced",
				  "somebody put another program in the place of cordon's",
				  "cordon's is in force again"},
	[KERNEL_FAULT_MODE] = {"mode-tampered", "somebody changed the mode in the pinned map",
			       "it is again"},
	[KERNEL_FAULT_PIN_GONE] = {"pins-removed", "somebody removed cordon's pins",
				   "they are there again"},
	[KERNEL_FAULT_PIN_OTHER] = {"pins-replaced",
				    "somebody put other objects in the place of cordon's pins",
				    "cordon's are there again"},
	[KERNEL_FAULT_CGROUP_GONE] =
		{"cgroup-missing", "the cgroup is gone: nothing is judged until it is made again",
		 ""},
	[KERNEL_FAULT_CGROUP_NEW] = {"cgroup-attached", "the cgroup was made again", "attached"},
	[KERNEL_FAULT_ORDER] = {"program-before",
				"somebody put a program before cordon's on a device",
				"cordon's is the first again"},
	[KERNEL_FAULT_DEVICE] = {"device-unjudged", "what leaves by a device is not judged there",
				 ""},
};

struct names {
	unsigned n;
	int error;
	char list[400];
};

static void gather(struct names *to, const struct kernel_finding *f)
{
	size_t at = strlen(to->list);

	to->n++;
	to->error = to->error ? to->error : f->error;
	text_put(to->list + at, sizeof(to->list) - at, "%s%s", at ? ", " : "", f->what);
}

static const char *why(int error)
{
	if (error == -EPFNOSUPPORT)
		return "a kind of link whose packets the programs cannot read";
	return error == -ENOSPC ? "more devices than there is room for" : strerror(-error);
}

/* What lasts is one event at its beginning and one at its end: the cgroup is missing, a device is not judged. At most
 * one a second; a beginning that comes too soon is seen again at the next look. */
static void tell_state(struct daemon *d, enum kernel_fault fault, const struct names *n, bool *is)
{
	struct daemon_fault *f = &d->fault[fault];
	uint64_t now = loop_monotonic_ns();

	if (*is == (n->n > 0) || (n->n && f->told_ns && now - f->told_ns < LOOP_SECOND))
		return;
	*is = n->n > 0;
	if (*is && fault == KERNEL_FAULT_DEVICE)
		daemon_tell(d, faults[fault].action, "%s (%s): %s", faults[fault].what, n->list,
			    why(n->error));
	else if (*is)
		daemon_tell(d, faults[fault].action, "%s (%s)", faults[fault].what, n->list);
	else if (fault == KERNEL_FAULT_DEVICE)
		daemon_tell(d, "devices-judged", "every device is judged");
	f->told_ns = *is ? now : f->told_ns;
}

static void tell(struct daemon *d, enum kernel_fault fault, const struct names *n)
{
	struct daemon_fault *f = &d->fault[fault];
	uint64_t now = loop_monotonic_ns();

	f->untold += n->n;
	/* what cannot be put back stands there at each look */
	if (f->told_ns && now - f->told_ns < (n->error ? 60 : 1) * LOOP_SECOND)
		return;
	daemon_tell(d, faults[fault].action, "%s (%s; %u times); %s%s%s", faults[fault].what,
		    n->list, f->untold, n->error ? "cannot put it right: " : faults[fault].mended,
		    n->error			 ? strerror(-n->error)
		    : fault == KERNEL_FAULT_MODE ? " "
						 : "",
		    !n->error && fault == KERNEL_FAULT_MODE ? n->list : "");
	if (fault == KERNEL_FAULT_DETACHED && !n->error)
		daemon_tell(d, "hook-attached", "the programs are attached again");
	f->told_ns = now;
	f->untold = 0;
}

static void tell_blind(struct daemon *d, int blind)
{
	if (blind && !d->guard_blind)
		daemon_tell(
			d, "guard-blind",
			"hooks and pins cannot be looked after now: %s; what is in force goes on",
			strerror(-blind));
	else if (!blind && d->guard_blind)
		daemon_tell(d, "guard-sees", "hooks and pins are looked after again");
	d->guard_blind = blind;
}

void daemon_guard(void *daemon)
{
	struct kernel_finding f[KERNEL_FINDINGS_MAX];
	struct names names[KERNEL_FAULTS] = {0};
	struct daemon *d = daemon;
	int blind, n = kernel_guard(d->kernel, f, KERNEL_FINDINGS_MAX, &blind);

	for (int i = 0; i < n; i++)
		gather(&names[f[i].fault], &f[i]);
	for (enum kernel_fault k = 0; k < KERNEL_FAULTS; k++)
		if (k == KERNEL_FAULT_CGROUP_GONE)
			tell_state(d, k, &names[k], &d->cgroup_missing);
		else if (k == KERNEL_FAULT_DEVICE)
			tell_state(d, k, &names[k], &d->device_unjudged);
		else if (names[k].n)
			tell(d, k, &names[k]);
	tell_blind(d, blind);
}

void daemon_guard_cgroup(struct daemon *d, const char *path)
{
	const char *ours = d->cfg.cgroup;
	size_t a = ours ? strlen(ours) : 0, b = strlen(path);

	if (a >= b && b > 1 && !strcmp(ours + a - b, path) && d->generation)
		daemon_guard(d);
}

int daemon_guard_start(struct daemon *d)
{
	int r = loop_timer(d->loop, GUARD_EVERY, GUARD_EVERY, daemon_guard, d);

	return r < 0 ? r : 0;
}
