/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_mode.c - the mode that an agent starts in, and the memory of the one that was asked for.
 *
 * From the strongest word to the weakest:
 *
 *     --mode of this start
 *     'reload --mode' of an earlier agent      the state directory, or the pinned settings
 *     'mode ...' in the policy
 *     what is in force                         the attached programs, or the pinned settings
 *     monitor
 *
 * So nothing but --mode, a request or the policy's own line makes an agent start weaker than what is
 * in force; and when one of them does, that is an event of the highest severity.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define MODE_FILE "mode" /* in the state directory: "enforce 2026-11-25T17:00:00Z" */

static const char *mode_path(const struct daemon *d, char buf[512])
{
	if (!d->cfg.state || strlen(d->cfg.state) > 400)
		return NULL;
	text_put(buf, 512, "%s/" MODE_FILE, d->cfg.state);
	return buf;
}

/* What an earlier agent was asked for: enum policy_mode, or -1. since: its date, or "". */
static int mode_asked(const struct daemon *d, char since[TEXT_SHORT])
{
	_free_ char *text = NULL;
	char path[512];
	size_t len, word;

	since[0] = 0;
	if (!mode_path(d, path) || file_read(&text, &len, AT_FDCWD, path, 256) < 0)
		return -1;
	word = strcspn(text, " \n");
	if (text[word] == ' ')
		text_put(since, TEXT_SHORT, "%.*s", (int)strcspn(text + word + 1, "\n"),
			 text + word + 1);
	for (int m = MODE_MONITOR; m <= MODE_ENFORCE; m++)
		if (word == strlen(daemon_mode_name((enum policy_mode)m)) &&
		    !strncmp(text, daemon_mode_name((enum policy_mode)m), word))
			return m;
	diag_say("%s: no mode stands there: ignored", path);
	return -1;
}

void daemon_mode_remember(struct daemon *d, int mode)
{
	char path[512], at[TEXT_SHORT], text[64];
	struct diag_print p;
	int r = 0;

	daemon_trial_end(d);
	if (d->kernel)
		kernel_requested(d->kernel, mode >= 0);
	if (!mode_path(d, path) || access(d->cfg.state, F_OK) < 0)
		return;
	if (mode < 0) {
		r = unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	} else {
		text_time(at, (int64_t)(loop_unix_ns() / LOOP_SECOND));
		text_put(text, sizeof(text), "%s %s\n", daemon_mode_name((enum policy_mode)mode),
			 at);
		diag_print_init(&p, stderr);
		r = file_replace(path, text, strlen(text), &p.sink);
		diag_print_done(&p);
	}
	if (r < 0)
		diag_say("%s: the mode that was asked for is not remembered: %s", path,
			 strerror(-r));
}

static void tell_weaker(struct daemon *d, const char *why)
{
	daemon_tell(
		d, "mode-weakened",
		"enforce was in force, this agent starts in mode monitor (%s): what was blocked "
		"passes from now on",
		why);
}

void daemon_mode_start(struct daemon *d)
{
	const struct policy *p = d->engine->policy;
	struct kernel_left left = {0};
	char since[TEXT_SHORT], why[128] = "--mode";
	int asked = mode_asked(d, since), mode = d->cfg.mode;

	kernel_left(d->kernel, &left);
	if (left.trial_until)
		left.mode = MODE_MONITOR; /* what was in force before */
	if (asked < 0 && left.found && left.requested)
		asked = left.mode;
	if (mode < 0 && asked >= 0) {
		mode = asked;
		text_put(why, sizeof(why), "'cordon reload --mode' asked for it%s%s",
			 since[0] ? " on " : "", since);
		kernel_requested(d->kernel, true);
		if (asked != (int)p->mode)
			daemon_tell(d, "mode-requested", "mode %s, and not the policy's: %s",
				    daemon_mode_name((enum policy_mode)asked), why);
	} else if (mode < 0 && !p->has_mode && left.found && left.mode != p->mode) {
		mode = left.mode;
		daemon_tell(
			d, "mode-adopted",
			"mode %s was in force and neither --mode nor the policy says another: it stays",
			daemon_mode_name(left.mode));
	} else if (mode < 0) {
		text_put(why, sizeof(why), "the policy says so");
	}
	d->mode_override = mode;
	d->mode = mode >= 0 ? (enum policy_mode)mode : p->mode;
	if (left.trial_until)
		daemon_trial_adopt(d);
	else if (left.found && left.mode == MODE_ENFORCE && d->mode == MODE_MONITOR)
		tell_weaker(d, why);
}
