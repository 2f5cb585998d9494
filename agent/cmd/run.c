/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c - 'cordon run': options of the daemon. */
#include <string.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/base/options.h"
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"

enum option_code {
	OPTION_POLICY = 256,
	OPTION_GEO,
	OPTION_MODE,
	OPTION_SOURCE,
	OPTION_INTERFACE,
	OPTION_CGROUP,
	OPTION_PIN,
	OPTION_ALERTS,
	OPTION_LIVE,
	OPTION_CONTROL,
	OPTION_DETACH,
	OPTION_KEEP,
	OPTION_FOLD,
	OPTION_STATE,
	OPTION_DEVICES,
	OPTION_NAMES
};
static const struct option options[] = {
	{"policy", required_argument, NULL, OPTION_POLICY},
	{"geo", required_argument, NULL, OPTION_GEO},
	{"mode", required_argument, NULL, OPTION_MODE},
	{"source", required_argument, NULL, OPTION_SOURCE},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"pin", required_argument, NULL, OPTION_PIN},
	{"alerts", required_argument, NULL, OPTION_ALERTS},
	{"live", no_argument, NULL, OPTION_LIVE},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"detach-on-exit", no_argument, NULL, OPTION_DETACH},
	{"keep-on-exit", no_argument, NULL, OPTION_KEEP},
	{"fold", required_argument, NULL, OPTION_FOLD},
	{"state", required_argument, NULL, OPTION_STATE},
	{"devices", required_argument, NULL, OPTION_DEVICES},
	{"names", required_argument, NULL, OPTION_NAMES},
	{NULL, 0, NULL, 0},
};

static int set_mode(struct daemon_config *c, const char *s)
{
	if (strcmp(s, "monitor") == 0)
		c->mode = MODE_MONITOR;
	else if (strcmp(s, "enforce") == 0)
		c->mode = MODE_ENFORCE;
	else
		return diag_usage("run", "'%s' is no mode: monitor or enforce", s);
	return 0;
}

static int set_source(struct daemon_config *c, const char *s)
{
	c->pcap = strcmp(s, "pcap") == 0;
	if (!c->pcap && strcmp(s, "ebpf") != 0)
		return diag_usage("run", "'%s' is no source: ebpf or pcap", s);
	return 0;
}

static int set_devices(struct daemon_config *c, const char *s)
{
	static const char *const names[] = {"none", "own", "all"};

	for (int i = 0; i < 3; i++)
		if (strcmp(s, names[i]) == 0) {
			c->devices = i;
			return 0;
		}
	return diag_usage("run", "--devices takes all, own or none, not '%s'", s);
}

static int set_names(struct daemon_config *c, const char *s)
{
	c->names = strcmp(s, "on") == 0;
	if (!c->names && strcmp(s, "off") != 0)
		return diag_usage("run", "--names takes on or off, not '%s'", s);
	return 0;
}

static int set_geo(struct daemon_config *c, const char *s)
{
	if (c->ngeo == DAEMON_GEO_MAX)
		return diag_usage("run", "more than %d places databases", DAEMON_GEO_MAX);
	c->geo[c->ngeo++] = s;
	return 0;
}

static int set(struct daemon_config *c, int code)
{
	switch (code) {
	case 'p':
	case OPTION_POLICY:
		c->policy = optarg;
		return 0;
	case OPTION_GEO:
		return set_geo(c, optarg);
	case OPTION_MODE:
		return set_mode(c, optarg);
	case OPTION_SOURCE:
		return set_source(c, optarg);
	case OPTION_INTERFACE:
		c->interface = optarg;
		return 0;
	case OPTION_CGROUP:
		c->cgroup = optarg;
		return 0;
	case OPTION_PIN:
		c->pins = optarg;
		return 0;
	case OPTION_ALERTS:
		c->alerts = optarg;
		return 0;
	case OPTION_LIVE:
		c->live = true;
		return 0;
	case OPTION_CONTROL:
		c->control = optarg;
		return 0;
	case OPTION_DETACH:
		c->detach_on_exit = true;
		return 0;
	case OPTION_KEEP:
		c->keep_on_exit = true;
		return 0;
	case OPTION_FOLD:
		if (text_number(&c->fold_seconds, optarg, 86400) < 0)
			return diag_usage("run", "--fold takes 0 (off) to 86400 seconds, not '%s'",
					  optarg);
		return 0;
	case OPTION_DEVICES:
		return set_devices(c, optarg);
	case OPTION_NAMES:
		return set_names(c, optarg);
	case OPTION_STATE:
		c->state = optarg;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static int check(const struct daemon_config *c)
{
	if (c->pcap && !c->interface)
		return diag_usage("run", "--source pcap needs --interface");
	if (!c->pcap && c->interface)
		return diag_usage("run", "--interface belongs to --source pcap; the "
					 "kernel programs see every device");
	if (c->pcap && c->mode == MODE_ENFORCE)
		return diag_usage("run", "--source pcap only listens and cannot "
					 "block: it takes no --mode enforce");
	if (c->detach_on_exit && c->keep_on_exit)
		return diag_usage("run", "--detach-on-exit and --keep-on-exit exclude each other");
	if (c->live && c->alerts && strcmp(c->alerts, "-") == 0 && isatty(STDOUT_FILENO))
		return diag_usage("run", "--live and --alerts - both want the terminal");
	return 0;
}

int cmd_run(int argc, char **argv)
{
	struct daemon_config c = {.mode = -1,
				  .control = CONTROL_PATH,
				  .state = ENGINE_STATE,
				  .names = true,
				  .fold_seconds = AGGREGATE_WINDOW_NS / LOOP_SECOND};
	int code, r;

	while ((code = options_next("run", argc, argv, "p:", options)) != -1) {
		r = set(&c, code);
		if (r)
			return r;
	}
	if (optind < argc)
		return diag_usage("run", "'%s' is one argument too many", argv[optind]);
	r = check(&c);
	return r ? r : daemon_run(&c);
}
