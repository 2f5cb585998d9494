/* SPDX-License-Identifier: BSD-2-Clause */
/* agent.c - the agent that is tried: this very program as 'cordon run', on the cgroup of the stage alone. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/daemon/control.h"
#include "agent/prove/prove_private.h"
#include "geo/base/cleanup.h"

static const char policy[] = "home DE\n"
			     "allow to eea\n"
			     "block to any severity high because \"cordon prove\"\n";
static const char places[] = "52.28.0.0/16,DE,,,\n2a05:d014::/36,DE,,,\n"
			     "3.80.0.0/16,US,,,\n2600:1f18::/36,US,,,\n";

static const char *path(char buf[96], const struct stage *s, const char *name)
{
	text_put(buf, 96, "%s/%s", s->directory, name);
	return buf;
}

static int write_file(const struct stage *s, const char *name, const char *text)
{
	char at[96];
	FILE *f = fopen(path(at, s, name), "we");

	if (!f || fputs(text, f) < 0) {
		diag_say("prove: %s: %s", at, strerror(errno));
		if (f)
			fclose(f);
		return -EIO;
	}
	return fclose(f) ? -errno : 0;
}

static void agent_exec(const struct stage *s, bool devices)
{
	char p[96], g[96], pin[96], control[96], alerts[96], state[96], said[96];
	const char *argv[] = {"cordon",
			      "run",
			      "--policy",
			      path(p, s, "policy"),
			      "--geo",
			      path(g, s, "places.csv"),
			      "--cgroup",
			      s->cgroup,
			      "--pin",
			      path(pin, s, "bpf/cordon"),
			      "--control",
			      path(control, s, "control"),
			      "--alerts",
			      path(alerts, s, "alerts"),
			      "--state",
			      path(state, s, "state"),
			      "--mode",
			      "enforce",
			      "--fold",
			      "0",
			      "--devices",
			      devices ? "all" : "none",
			      "--detach-on-exit",
			      NULL};
	int fd = open(path(said, s, "said"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	dup2(fd, 1);
	dup2(fd, 2);
	if (setns(s->db_ns, CLONE_NEWNET) == 0)
		execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int ask(const struct stage *s, json_t **ret)
{
	char at[96];
	_json_ json_t *q = json_pack("{ss}", "verb", "status");

	return control_call(ret, path(at, s, "control"), q, CONTROL_SECONDS);
}

/* What it said, when it did not come up. */
static void complain(const struct stage *s)
{
	char at[96], line[512];
	_fclose_ FILE *f = fopen(path(at, s, "said"), "re");

	diag_say("prove: its agent did not come up:");
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
}

int agent_start(struct stage *s, bool devices)
{
	int r = write_file(s, "policy", policy);

	if (r < 0 || (r = write_file(s, "places.csv", places)) < 0)
		return r;
	s->agent = stage_fork();
	if (s->agent == 0)
		agent_exec(s, devices);
	for (int i = 0; s->agent > 0 && i < 600; i++) {
		_json_ json_t *status = NULL;

		if (ask(s, &status) == 0 && json_is_object(json_object_get(status, "kernel")))
			return 0;
		if (waitpid(s->agent, NULL, WNOHANG) == s->agent) {
			s->agent = 0;
			break;
		}
		usleep(50000);
	}
	complain(s);
	return -EIO;
}

int agent_end(struct stage *s, json_t **status)
{
	int r = ask(s, status), how;

	kill(s->agent, SIGTERM);
	for (int i = 0; i < 600; i++) {
		if (waitpid(s->agent, &how, WNOHANG) == s->agent) {
			s->agent = 0;
			return r;
		}
		usleep(50000);
	}
	return -ETIMEDOUT; /* stage_strike() ends it */
}
