/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_start.c - the sources and the control socket, opened and joined to the loop. */
#include "agent/daemon/daemon.h"
#include "bpf/load/cgroup2.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include "geo/base/cleanup.h"
#include "agent/base/stderr_queue.h"
#include "agent/base/text.h"

#define NOTHING_KEPT                                                                               \
	"no ledger, gaps, requested mode or last good policy is kept for the next start"

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

/* Before it carries packets: it was made, and is not up yet, mostly. */
static void on_device(void *arg)
{
	struct daemon *d = arg;

	if (d->kernel)
		kernel_devices_follow(d->kernel);
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

int daemon_start_control(struct daemon *d)
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

/* A policy to come may ask for more than this one: what the kernel refuses of it is said now, and not at a reload. */
static void probe_programs(struct daemon *d)
{
	char why[320];

	if (kernel_probe_programs((enum kernel_devices)d->cfg.devices, why, sizeof(why)) < 0)
		daemon_tell(
			d, "programs-refused",
			"this kernel refuses the programs of a policy that asks for everything: %s; a reload may be "
			"refused, and then the old policy stays",
			why);
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
	struct kernel_config cfg = {.cgroup = d->cfg.cgroup,
				    .pins = d->cfg.pins,
				    .devices = (enum kernel_devices)d->cfg.devices};
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
					   .names = d->names,
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

/* Where what outlives the agent is kept: made when it is not there, and said when it cannot be. */
static void start_state(struct daemon *d)
{
	const char *dir = d->cfg.state;
	_close_ int fd = -1;

	if (!dir || strlen(dir) > 400)
		daemon_tell(d, "state-unkept",
			    "the state directory's name is too long: " NOTHING_KEPT);
	else if ((mkdir(dir, 0700) < 0 && errno != EEXIST) ||
		 (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		 faccessat(fd, ".", W_OK | X_OK, 0) < 0)
		daemon_tell(d, "state-unkept", "%s: %s: " NOTHING_KEPT, dir, strerror(errno));
}

static void start_gaps(struct daemon *d)
{
	struct kernel_left left;

	kernel_left(d->kernel, &left);
	if (gap_start(&d->gaps, d->cfg.state, left.attached, daemon_gap, d) < 0)
		diag_say("gaps are not recorded: not enough memory");
}

/* From here on the host is watched. What was attached before stays in force until the new
 * generation is in place. */
int daemon_start_kernel(struct daemon *d)
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
	if (netlink_open(&d->host, on_address, on_device, d) == 0)
		loop_add(d->loop, netlink_fd(d->host), EPOLLIN, on_host, d);
	else
		diag_say("cannot watch this host's addresses: a "
			 "connection to itself may look like egress");
	daemon_check_ports(d);
	start_state(d);
	start_gaps(d);
	daemon_mode_start(d);
	if (daemon_publish(d, d->engine, d->mode, stderr) < 0) {
		if (!s.adopted) /* what nobody attached, nobody needs */
			kernel_detach(TAKE_PTR(d->kernel), NULL);
		return EXIT_FAILED;
	}
	d->generation = d->published.generation;
	daemon_ledger_start(d);
	daemon_sums_start(d);
	daemon_names_start(d);
	r = start_kernel_source(d);
	if (r == 0)
		probe_programs(d); /* takes a third of a second: protection comes first */
	if (r == 0 && s.adopted)
		daemon_tell(d, "adopted",
			    "found cordon's programs at work in %s, "
			    "without an agent; took them over",
			    s.pins);
	return r;
}

int daemon_start_pcap(struct daemon *d)
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

json_t *daemon_second_agent(struct daemon *d, const json_t *request)
{
	daemon_tell(d, "second-agent-refused",
		    "process %" JSON_INTEGER_FORMAT " tried to start a second agent",
		    json_integer_value(json_object_get(request, "pid")));
	return json_pack("{sbsi}", "ok", 1, "pid", (int)getpid());
}
