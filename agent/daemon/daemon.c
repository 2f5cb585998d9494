/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon.c - start, the loop's handlers, and a stop that says what stays behind. */
#include "bpf/load/cgroup2.h"
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
	int64_t max_age;

	text_put(title, sizeof(title),
		 "cordon %s | %s, %zu rules | places %s, %s old | %" PRIu64 " alerts, %" PRIu64
		 " folded",
		 d->mode == MODE_ENFORCE ? "ENFORCE" : "monitor",
		 slash ? slash + 1 : d->engine->policy->file, d->engine->policy->nrules,
		 d->engine->places_name, text_duration(age, daemon_places_age(d->engine, &max_age)),
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

	stderr_queue_flush();
	if (d->kernel && d->generation)
		daemon_check_users(d);
	daemon_check_feeds(d);
	if (d->kernel_source) {
		kernel_source_poll(d->kernel_source);
		if (second % PORTS_EVERY == 0)
			daemon_check_ports(d);
		if (second % COUNTS_EVERY == 0 || kernel_source_more(d->kernel_source)) {
			kernel_source_counts(d->kernel_source);
			kernel_source_active(d->kernel_source);
		}
		if (second % COUNTS_EVERY == 0) {
			kernel_clock(d->kernel);
			daemon_check_lost(d);
		}
	}
	if (d->pcap_live && second % COUNTS_EVERY == 0)
		pcap_live_expire(d->pcap_live, loop_unix_ns());
	aggregate_tick(d->aggregate, loop_monotonic_ns());
	daemon_journal_second(d);
	daemon_ledger_second(d);
	daemon_metrics_second(d);
	daemon_load_due(d);
	if (second % 60 == 59)
		daemon_boot_retry(d);
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

static void on_kernel(void *arg, uint32_t events)
{
	struct daemon *d = arg;

	(void)events;
	kernel_source_poll(d->kernel_source);
	daemon_journal_flush(d);
}

static void on_pcap_live(void *arg, uint32_t events)
{
	struct daemon *d = arg;
	const char *why = "";

	(void)events;
	if (pcap_live_poll(d->pcap_live, &why) == 0)
		return;
	daemon_tell(d, "source-failed", "%s: %s", d->cfg.interface, why);
	d->exit_code = EXIT_FAILED;
	loop_stop(d->loop);
}

static void on_cgroups(void *arg, uint32_t events)
{
	(void)events;
	cgroups_dispatch(arg);
}

static void on_host(void *arg, uint32_t events)
{
	struct daemon *d = arg;

	(void)events;
	netlink_dispatch(d->host);
}

static void on_address(void *arg, const struct ip *ip, bool on)
{
	struct daemon *d = arg;

	kernel_own_address_set(d->kernel, ip, on);
	identity_address(&d->identity, ip, on);
	d->own_addresses += on ? 1 : 0;
}

static void cgroup_gone(void *arg, uint64_t id)
{
	struct daemon *d = arg;

	if (d->kernel)
		kernel_cgroup_forget(d->kernel, id);
}

/* Tells the one that runs; it writes that down too. */
static int second_agent(struct daemon *d, const char *what)
{
	_json_ json_t *q = json_pack("{sssi}", "verb", "second", "pid", (int)getpid());
	_json_ json_t *a = NULL;
	json_int_t pid = 0;

	if (q && control_call(&a, d->cfg.control, q, 2) == 0)
		pid = json_integer_value(json_object_get(a, "pid"));
	if (pid)
		diag_say("another agent is running (process %" JSON_INTEGER_FORMAT
			 ", %s); one host has one agent",
			 pid, what);
	else
		diag_say("another agent is running (%s is taken); one host has one agent", what);
	return EXIT_FAILED;
}

static int start_control(struct daemon *d)
{
	int r = control_open(&d->control, d->loop, d->cfg.control, daemon_request, d);

	if (r == -EADDRINUSE)
		return second_agent(d, d->cfg.control);
	if (r == -EEXIST)
		diag_say("%s: something that is no socket stands there; remove it or use --control",
			 d->cfg.control);
	else if (r < 0)
		diag_say("%s: cannot make the control socket: %s", d->cfg.control, strerror(-r));
	return r < 0 ? EXIT_FAILED : 0;
}

static int probe(char *cgroup2, size_t size)
{
	struct kernel_probe p;
	int r = kernel_probe(&p);

	text_put(cgroup2, size, "%s", p.cgroup2);
	if (r == 0)
		return 0;
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		if (p.feature[i].required && !p.feature[i].ok) {
			diag_say("cannot watch this host: %s: %s",
				 kernel_feature_name((enum kernel_feature)i), p.feature[i].why);
			/* the first reason; the others follow from it more often than not */
			return EXIT_FAILED;
		}
	diag_say("cannot watch this host: %s", strerror(-r));
	return EXIT_FAILED;
}

static int start_cgroups(struct daemon *d, const char *cgroup2)
{
	struct cgroups_watch w = {daemon_cgroup_seen, cgroup_gone, d};
	int r = cgroups_new(&d->cgroups, cgroup2, &w);

	if (r == 0)
		r = loop_add(d->loop, cgroups_fd(d->cgroups), EPOLLIN, on_cgroups, d->cgroups);
	if (r < 0)
		diag_say("%s: cannot watch the cgroups: %s", cgroup2, strerror(-r));
	return r < 0 ? EXIT_FAILED : 0;
}

static int open_kernel(struct daemon *d)
{
	struct kernel_config cfg = {.cgroup = d->cfg.cgroup, .pins = d->cfg.pins};
	struct diag_print p;
	int r;

	diag_print_init(&p, stderr);
	r = kernel_open(&d->kernel, &cfg, &p.sink);
	diag_print_done(&p);
	if (r == -EBUSY)
		return second_agent(d, d->cfg.pins ? d->cfg.pins : KERNEL_PINS);
	return r < 0 ? EXIT_FAILED : 0;
}

static int start_kernel_source(struct daemon *d)
{
	struct kernel_source_config cfg = {.kernel = d->kernel,
					   .processes = d->processes,
					   .cgroups = d->cgroups,
					   .aggregate = d->aggregate,
					   .top = d->top,
					   .ledger = d->kernel_ledger,
					   .refuted = daemon_place_refuted,
					   .alarm = daemon_alarm,
					   .arg = d};
	int r = kernel_source_new(&d->kernel_source, &cfg);

	if (r < 0) {
		diag_say("not enough memory for the kernel's flows");
		return EXIT_FAILED;
	}
	kernel_source_engine(d->kernel_source, d->engine, d->generation);
	r = loop_add(d->loop, kernel_fd(d->kernel), EPOLLIN, on_kernel, d);
	if (r < 0)
		diag_say("cannot wait for the kernel's records: %s", strerror(-r));
	return r < 0 ? EXIT_FAILED : 0;
}

/* From here on the host is watched. What was attached before stays in force until the new
 * generation is in place. */
static int start_kernel(struct daemon *d)
{
	struct kernel_status s = {0};
	char cgroup2[128];
	int r = probe(cgroup2, sizeof(cgroup2));

	r = r ? r : open_kernel(d);
	r = r ? r : start_cgroups(d, cgroup2);
	if (r)
		return r;
	kernel_status(d->kernel, &s);
	kernel_clock(d->kernel);
	if (netlink_open(&d->host, on_address, d) == 0)
		loop_add(d->loop, netlink_fd(d->host), EPOLLIN, on_host, d);
	else
		diag_say("cannot watch this host's addresses: a "
			 "connection to itself may look like egress");
	daemon_check_ports(d);
	daemon_mode_start(d);
	if (daemon_publish(d, d->engine, d->mode, stderr) < 0) {
		if (!s.adopted) /* what nobody attached, nobody needs */
			kernel_detach(TAKE_PTR(d->kernel), NULL);
		return EXIT_FAILED;
	}
	d->generation = d->published.generation;
	daemon_ledger_start(d);
	r = start_kernel_source(d);
	if (r == 0 && s.adopted)
		daemon_tell(d, "adopted",
			    "found cordon's programs at work in %s, "
			    "without an agent; took them over",
			    s.pins);
	return r;
}

static int start_pcap_live(struct daemon *d)
{
	struct pcap_live_config cfg = {.interface = d->cfg.interface,
				       .engine = d->engine,
				       .aggregate = d->aggregate,
				       .top = d->top,
				       .processes = d->processes,
				       .cgroup2 = d->cgroup2,
				       .refuted = daemon_place_refuted,
				       .arg = d};
	struct diag_print p;
	int r;

	/* without cgroup2 the alerts name no unit */
	if (cgroup2_mount(d->cgroup2, sizeof(d->cgroup2)) == 0)
		start_cgroups(d, d->cgroup2);
	cfg.cgroups = d->cgroups;
	diag_print_init(&p, stderr);
	r = pcap_live_open(&d->pcap_live, &cfg, &p.sink);
	diag_print_done(&p);
	if (r == 0)
		r = loop_add(d->loop, pcap_live_fd(d->pcap_live), EPOLLIN, on_pcap_live, d);
	return r < 0 ? EXIT_FAILED : 0;
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
	r = r ? r : start_control(d);
	r = r ? r : daemon_open_feeds(d, d->engine, &d->feeds, stderr);
	r = r ? r : daemon_metrics_load(d, d->engine, stderr);
	r = r ? r : start_feeds(d);
	if (r)
		return r;
	identity_read(&d->identity);
	daemon_journal_start(d);
	r = d->cfg.pcap ? start_pcap_live(d) : start_kernel(d);
	if (r == 0 && ((d->kernel && daemon_guard_start(d) < 0) || daemon_watch_clock(d) < 0 ||
		       loop_timer(d->loop, LOOP_SECOND, LOOP_SECOND, on_second, d) < 0)) {
		diag_say("cannot start the event loop: %m");
		r = EXIT_FAILED;
	}
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
