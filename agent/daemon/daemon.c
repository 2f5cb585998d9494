/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon.c - start, the loop's handlers, and a stop that says what stays behind. */
#include "agent/daemon/daemon.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include "geo/base/cleanup.h"
#include "agent/base/stderr_queue.h"
#include "agent/base/text.h"

#define COUNTS_EVERY 10 /* seconds between fetches of folded counts */
#define PORTS_EVERY  5	/* seconds between looks at who listens */
#define FRAMES_EVERY 2	/* a look at who sends frames */
#define STALE_EVERY  3600

static void notify_status(const struct daemon *d)
{
	sd_notifyf(0, "STATUS=%s; %s, %zu rules; %" PRIu64 " alerts", daemon_mode_name(d->mode),
		   d->engine->policy->file, d->engine->policy->nrules, d->events);
}

static void draw(struct daemon *d)
{
	const struct daemon_message *m =
		d->nmessages ? &d->message[(d->nmessages - 1) % DAEMON_MESSAGES_MAX] : NULL;
	const char *slash = strrchr(d->engine->policy->file, '/');
	char title[512], age[TEXT_SHORT], last[320] = "";

	text_put(title, sizeof(title),
		 "cordon %s | %s, %zu rules | places %s, %s old | %" PRIu64 " alerts, %" PRIu64
		 " folded",
		 d->mode == MODE_ENFORCE ? "ENFORCE" : "monitor",
		 slash ? slash + 1 : d->engine->policy->file, d->engine->policy->nrules,
		 d->engine->places_name, text_duration(age, daemon_places_age(d->engine)),
		 d->events, aggregate_suppressed(d->aggregate));
	if (m)
		text_put(last, sizeof(last), "%s: %s", m->action, m->text);
	top_draw(d->top, title, m ? last : NULL, loop_unix_ns());
}

static void live_flow(void *arg, const struct event *e)
{
	top_put(arg, e);
}

static void show(struct daemon *d)
{
	if (d->kernel_source)
		kernel_source_flows(d->kernel_source, live_flow, d->top);
	draw(d);
}

/* Once a second: nothing here waits, and nothing is done that did not come due. */
static void on_second(void *arg)
{
	struct daemon *d = arg;
	uint64_t second = d->ticks++;
	bool more;

	stderr_queue_flush();
	gap_alive(d->gaps);
	if (d->kernel && d->generation)
		daemon_check_users(d);
	daemon_check_feeds(d);
	if (d->kernel_source) {
		kernel_source_poll(d->kernel_source);
		if (second % PORTS_EVERY == 0)
			daemon_check_ports(d);
		if (second % FRAMES_EVERY == 0)
			daemon_frames_check(d);
		if (second % COUNTS_EVERY == 0 || kernel_source_more(d->kernel_source)) {
			if (!kernel_source_more(d->kernel_source))
				daemon_sums_before(d);
			more = kernel_source_poll(d->kernel_source);
			kernel_source_counts(d->kernel_source);
			kernel_source_active(d->kernel_source);
			if (!more && !kernel_source_more(d->kernel_source))
				daemon_sums_after(d);
		}
		if (second % COUNTS_EVERY == 0) {
			kernel_clock(d->kernel);
			daemon_check_lost(d);
			daemon_names_check(d);
		}
	}
	if (d->pcap_live && second % COUNTS_EVERY == 0)
		pcap_live_expire(d->pcap_live, loop_unix_ns());
	aggregate_tick(d->aggregate, loop_monotonic_ns());
	daemon_journal_second(d);
	daemon_ledger_second(d);
	daemon_rollup_second(d);
	daemon_trial_second(d);
	daemon_metrics_second(d);
	daemon_load_due(d);
	if (second % 60 == 59)
		daemon_boot_retry(d);
	daemon_quarantine_look(d);
	if (second % STALE_EVERY == 0)
		daemon_check_stale(d);
	if (second % COUNTS_EVERY == 0)
		notify_status(d);
	if (d->top)
		show(d);
}

static void on_watchdog(void *arg)
{
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

static void reload_by_signal(struct daemon *d)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, loop_monotonic_ns() / 1000);
	daemon_reload(d, stderr);
	sd_notify(0, "READY=1");
	notify_status(d);
}

static void on_signal(void *arg, int signal)
{
	struct daemon *d = arg;

	if (signal == SIGHUP &&
	    !(d->top && isatty(STDIN_FILENO))) /* a table whose terminal went away ends */
		reload_by_signal(d);
	else
		loop_stop(d->loop);
}

static void on_keys(void *arg, uint32_t events)
{
	struct daemon *d = arg;
	char bytes[64];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	(void)events;
	if (n <= 0)
		loop_remove(d->loop, STDIN_FILENO);
	else if (!top_keys(d->top, bytes, (size_t)n))
		loop_stop(d->loop);
	else
		draw(d);
}

/* Where the table is drawn on a terminal that is ours to read from. */
static void start_keys(struct daemon *d)
{
	if (d->top && top_input(d->top, STDIN_FILENO) == 0 &&
	    loop_add(d->loop, STDIN_FILENO, EPOLLIN, on_keys, d) < 0)
		diag_say("the table takes no keys: %m");
}

static int start_feeds(struct daemon *d)
{
	if (aggregate_new(&d->aggregate, d->cfg.fold_seconds * LOOP_SECOND, daemon_emit, d) < 0 ||
	    names_new(&d->name_service, NULL) < 0 ||
	    processes_new(&d->processes, "/proc", d->name_service) < 0 ||
	    (d->cfg.live && top_new(&d->top, stdout) < 0)) {
		diag_say("not enough memory to start");
		return EXIT_FAILED;
	}
	return 0;
}

/* Half of what systemd waits, and no more than a second: a loop that is late is seen at once. */
static uint64_t watchdog_ns(uint64_t usec)
{
	return usec * 500 < LOOP_SECOND ? usec * 500 : LOOP_SECOND;
}

static int start_loop(struct daemon *d)
{
	static const int signals[] = {SIGHUP, SIGTERM, SIGINT, 0};
	uint64_t usec;
	int r = loop_new(&d->loop);

	r = r ? r : loop_signals(d->loop, signals, on_signal, d);
	if (r == 0 && sd_watchdog_enabled(0, &usec) > 0)
		r = loop_timer(d->loop, watchdog_ns(usec), watchdog_ns(usec), on_watchdog, NULL);
	d->change_timer = r < 0 ? -1 : loop_timer(d->loop, 0, 0, daemon_recompile, d);
	if (r < 0 || d->change_timer < 0) {
		diag_say("cannot start the event loop: %s",
			 strerror(r < 0 ? -r : -d->change_timer));
		return EXIT_FAILED;
	}
	return 0;
}

static int start(struct daemon *d)
{
	int r = start_loop(d);

	r = r ? r : daemon_boot(d);
	if (r == 0 && d->cfg.pcap && d->mode == MODE_ENFORCE)
		r = diag_usage("run", "--source pcap only listens and cannot "
				      "block, but the mode is enforce");
	r = r ? r : daemon_start_control(d);
	if (r == 0)
		daemon_judge_start(d);
	r = r ? r : daemon_open_feeds(d, d->engine, &d->feeds, stderr);
	r = r ? r : daemon_metrics_load(d, d->engine, stderr);
	r = r ? r : start_feeds(d);
	if (r)
		return r;
	identity_read(&d->identity);
	daemon_journal_start(d);
	r = d->cfg.pcap ? daemon_start_pcap(d) : daemon_start_kernel(d);
	if (r == 0 && ((d->kernel && daemon_guard_start(d) < 0) || daemon_watch_clock(d) < 0 ||
		       loop_timer(d->loop, LOOP_SECOND, LOOP_SECOND, on_second, d) < 0)) {
		diag_say("cannot start the event loop: %m");
		r = EXIT_FAILED;
	}
	if (r == 0)
		start_keys(d);
	return r;
}

static void tell_started(struct daemon *d)
{
	char up[TEXT_SHORT];
	struct kernel_status s = {0};

	if (d->kernel)
		kernel_status(d->kernel, &s);
	daemon_tell(d, "started",
		    "mode %s, source %s%s%s, policy %s (%zu rules, "
		    "sha256 %.12s), places %s; %s after boot",
		    daemon_mode_name(d->mode), d->cfg.pcap ? "pcap on " : "ebpf on ",
		    d->cfg.pcap ? d->cfg.interface : s.cgroup,
		    s.whole_host ? " (the whole host)" : "", d->engine->policy->file,
		    d->engine->policy->nrules, d->engine->policy->sha256, d->engine->places_name,
		    text_duration(up, (int64_t)(loop_monotonic_ns() / LOOP_SECOND)));
	daemon_boot_tell(d);
	daemon_keep(d);
	daemon_check_stale(d);
	daemon_quarantine_look(d);
}

int daemon_run(const struct daemon_config *cfg)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int r, code;

	if (!d) {
		diag_say("not enough memory to start");
		return EXIT_FAILED;
	}
	if (stderr_queue_start() < 0)
		diag_say("messages may wait for whoever reads them: not enough memory");
	d->cfg = *cfg;
	d->clock = -1;
	d->mode_override = cfg->mode;
	d->started_ns = loop_unix_ns();
	code = start(d);
	if (code == 0) {
		tell_started(d);
		sd_notify(0, "READY=1");
		notify_status(d);
		r = loop_run(d->loop);
		if (r < 0)
			diag_say("the event loop failed: %s", strerror(-r));
		code = r < 0 ? EXIT_FAILED : d->exit_code;
		daemon_stop(d, true);
	} else {
		daemon_stop(d, false);
	}
	free(d);
	stderr_queue_flush();
	return code;
}
