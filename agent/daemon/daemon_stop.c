/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_stop.c - the end: what the kernel still has to say, and what stays in force without an
 * agent. */
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"

/* Enforcement outlives the agent by design; watching does not, unless it was asked for. */
static bool is_kept(const struct daemon *d)
{
	return d->cfg.keep_on_exit || (d->mode == MODE_ENFORCE && !d->cfg.detach_on_exit);
}

static void tell_stopped(struct daemon *d)
{
	bool keep = d->kernel && is_kept(d);
	uint64_t left = daemon_trial_left(d);
	char text[TEXT_SHORT];

	if (keep && d->mode == MODE_ENFORCE && left)
		daemon_tell(d, "stopped",
			    "the agent stops; enforcement goes on in the kernel for %s, then the "
			    "trial is over and nothing is blocked",
			    text_duration(text, (int64_t)left));
	else
		daemon_tell(
			d, "stopped", "%s",
			!keep ? "the agent stops, nothing is watched any more"
			: d->mode == MODE_ENFORCE
				? "the agent stops, enforcement goes on in the kernel"
				: "the agent stops; the programs stay attached and block nothing");
}

static void leave_kernel(struct daemon *d)
{
	bool keep = is_kept(d);
	struct kernel_status s = {0};
	struct diag_print p;

	kernel_status(d->kernel, &s);
	if (keep && kernel_repin(d->kernel) < 0) {
		diag_say("the pins in %s are gone and cannot be made "
			 "again: with this agent the enforcement ends",
			 s.pins);
		return;
	}
	if (keep) {
		diag_say("the programs stay attached to %s in mode %s "
			 "(pinned in %s); 'cordon detach' removes them",
			 s.cgroup, daemon_mode_name(d->mode), s.pins);
		return;
	}
	diag_print_init(&p, stderr);
	if (kernel_detach(TAKE_PTR(d->kernel), &p.sink) < 0)
		diag_say("not everything could be removed from the kernel; look in %s", s.pins);
	else
		diag_say("everything is removed from the kernel: "
			 "nothing is watched or blocked any more");
	diag_print_done(&p);
}

/* What the kernel still has to say; a flood that goes on has a second. */
static void drain(struct daemon *d)
{
	uint64_t until = loop_monotonic_ns() + LOOP_SECOND;

	daemon_sums_before(d);
	while (kernel_source_poll(d->kernel_source) && loop_monotonic_ns() < until)
		;
	do
		kernel_source_counts(d->kernel_source);
	while (kernel_source_more(d->kernel_source) && loop_monotonic_ns() < until + LOOP_SECOND);
	daemon_sums_after(d);
	kernel_source_active(d->kernel_source);
}

void daemon_stop(struct daemon *d, bool ran)
{
	if (ran) {
		sd_notify(0, "STOPPING=1");
		if (d->kernel_source)
			drain(d);
		if (d->pcap_live)
			pcap_live_finish(d->pcap_live);
		aggregate_flush(d->aggregate);
		if (d->kernel_source)
			drain(d); /* what is missing now too, is lost */
		aggregate_flush(d->aggregate);
		gap_close(d->gaps);
		tell_stopped(d);
	}
	daemon_refuted_done(d);
	if (ran)
		daemon_journal_stop(d);
	else
		journal_close(d->journal);
	daemon_ledger_stop(d);
	top_free(d->top);
	d->top = NULL;
	if (ran && d->kernel)
		leave_kernel(d);
	metrics_close(d->metrics);
	control_close(d->control);
	kernel_source_free(d->kernel_source);
	kernel_ledger_free(d->kernel_ledger);
	daemon_names_stop(d);
	cgroups_free(d->cgroups);
	netlink_close(d->host);
	kernel_close(d->kernel);
	pcap_live_close(d->pcap_live);
	aggregate_free(d->aggregate);
	processes_free(d->processes);
	names_free(d->name_service);
	daemon_close_feeds(&d->feeds);
	daemon_judge_stop();
	engine_free(d->engine);
	json_writer_free(&d->line);
	json_writer_free(&d->envelope);
	gap_end(d->gaps);
	free(d->frames);
	loop_free(d->loop);
	if (d->clock >= 0)
		close(d->clock);
	free(d->policy_path);
}
