/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_trial.c - enforce on trial: 'cordon enforce --for 10m' enforces until somebody confirms, or until the time is
 * over; then the mode is what it was before.
 *
 * 1. The end of the trial stands in the kernel's settings, and the programs look at it themselves: with no agent, or one
 *    that hangs, nothing is enforced a moment longer.
 * 2. It stands nowhere else. A reboot ends a trial, for it takes the settings with it.
 * 3. What the state directory remembers is not touched before the confirmation; so an agent that starts after the end
 *    has what it had before.
 * 4. Any other word about the mode (reload --mode, monitor, enforce without a time) ends the trial.
 */
#include <stdlib.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"

static uint64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec;
}

uint64_t daemon_trial_left(const struct daemon *d)
{
	uint64_t now = boot_ns();

	return d->trial_until > now ? (d->trial_until - now + LOOP_SECOND - 1) / LOOP_SECOND : 0;
}

json_t *daemon_trial_status(const struct daemon *d)
{
	return d->trial_until ? json_integer((json_int_t)daemon_trial_left(d)) : json_null();
}

/* The mode first: without its end, a trial would be enforcement for good. */
static void over(struct daemon *d)
{
	kernel_mode(d->kernel, MODE_MONITOR);
	kernel_trial(d->kernel, 0);
	d->trial_until = 0;
	d->mode = MODE_MONITOR;
	d->mode_override = d->engine->policy->mode == MODE_MONITOR ? d->trial_before : MODE_MONITOR;
	daemon_tell(d, "enforce-unconfirmed",
		    "nobody confirmed in time: mode monitor again, what was blocked passes");
}

void daemon_trial_adopt(struct daemon *d)
{
	struct kernel_left left;
	char text[TEXT_SHORT];

	kernel_left(d->kernel, &left);
	d->trial_before = d->mode_override;
	d->trial_until = left.trial_until;
	if (d->cfg.mode >= 0 || d->mode == MODE_ENFORCE) { /* --mode or the policy have decided */
		if (d->mode == MODE_MONITOR)
			kernel_mode(d->kernel, MODE_MONITOR);
		daemon_trial_end(d);
		return;
	}
	if (left.mode != MODE_ENFORCE || !daemon_trial_left(d)) {
		over(d);
		return;
	}
	d->mode_override = MODE_ENFORCE;
	d->mode = MODE_ENFORCE;
	daemon_tell(d, "enforce-trial", "the trial goes on for %s; 'cordon confirm' makes it stay",
		    text_duration(text, (int64_t)daemon_trial_left(d)));
}

void daemon_trial_second(struct daemon *d)
{
	if (d->trial_until && !daemon_trial_left(d))
		over(d);
}

void daemon_trial_end(struct daemon *d)
{
	d->trial_until = 0;
	if (d->kernel)
		kernel_trial(d->kernel, 0);
}

static int trial_start(struct daemon *d, uint64_t seconds, FILE *to)
{
	uint64_t before = d->trial_until;
	char text[TEXT_SHORT];

	if (!d->kernel) {
		fputs("cordon: a source that only listens (pcap) cannot block\n", to);
		return EXIT_USAGE;
	}
	if (d->mode == MODE_ENFORCE && !before) {
		fputs("cordon: mode enforce is in force already, and not on trial: nothing was changed\n",
		      to);
		return EXIT_FAILED;
	}
	if (!before)
		d->trial_before = d->mode_override;
	d->trial_until = boot_ns() + seconds * LOOP_SECOND;
	kernel_trial(d->kernel, d->trial_until);
	kernel_mode(d->kernel, MODE_ENFORCE);
	d->mode = MODE_ENFORCE;
	d->mode_override = MODE_ENFORCE;
	daemon_tell(
		d, "enforce-trial",
		"mode enforce for %s on request; without 'cordon confirm' it is monitor again then",
		text_duration(text, (int64_t)seconds));
	return 0;
}

static int trial_confirm(struct daemon *d, FILE *to)
{
	if (!daemon_trial_left(d)) {
		fprintf(to, "cordon: no trial is going on; mode %s is in force\n",
			daemon_mode_name(d->mode));
		return EXIT_FAILED;
	}
	daemon_mode_remember(d, MODE_ENFORCE);
	daemon_tell(d, "enforce-confirmed", "mode enforce stays, over restarts too");
	return 0;
}

json_t *daemon_trial_request(struct daemon *d, const json_t *request, bool confirm)
{
	json_int_t seconds = json_integer_value(json_object_get(request, "seconds"));
	char *text = NULL;
	size_t len;
	FILE *to;
	json_t *o;
	int r;

	if (!confirm && (seconds < 1 || seconds > DAEMON_TRIAL_MAX))
		return json_pack("{sbsiss}", "ok", 0, "exit", EXIT_USAGE, "error",
				 "'seconds' is from 1 to 86400");
	to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	r = confirm ? trial_confirm(d, to) : trial_start(d, (uint64_t)seconds, to);
	fclose(to);
	o = json_object();
	json_object_set_new(o, "ok", json_boolean(r == 0));
	json_object_set_new(o, "exit", json_integer(r));
	json_object_set_new(o, "diagnostics", json_string(text ? text : ""));
	json_object_set_new(o, "mode", json_string(daemon_mode_name(d->mode)));
	json_object_set_new(o, "trial_seconds_left",
			    json_integer((json_int_t)daemon_trial_left(d)));
	free(text);
	return o;
}
