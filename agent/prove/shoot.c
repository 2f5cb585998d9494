/* SPDX-License-Identifier: BSD-2-Clause */
/* shoot.c - one technique at one address, in a process of its own that has the rights the variant has. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/prove/prove_private.h"
#include "geo/base/cleanup.h"

#define NOBODY	65534
#define SECONDS 5

static int into(const char *procs)
{
	_close_ int fd = open(procs, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
}

static int become(enum prove_who who)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {};

	if (who == PROVE_ROOT)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, who == PROVE_RAW) || setgroups(0, NULL) ||
	    setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	if (who == PROVE_RAW)
		d[0].effective = d[0].permitted = 1u << CAP_NET_RAW;
	if (syscall(SYS_capset, &h, d))
		return -errno;
	/* it was forgotten with the rights */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0;
}

static void child(const struct stage *s, struct shot *shot, struct aim *a,
		  const struct technique *t)
{
	char procs[352];
	int r;

	text_put(procs, sizeof(procs), "%s/cgroup.procs", s->cgroup);
	signal(SIGPIPE, SIG_IGN);
	r = into(procs);
	if (r == 0 && setns(s->db_ns, CLONE_NEWNET))
		r = -errno;
	if (r == 0)
		r = become(shot->cell % PROVE_WHOS);
	if (r == 0) {
		aim_at(a, a->v, shot->control, (unsigned)(shot - s->shared->shot));
		r = t->fire(a);
	}
	shot->error = -r;
	_exit(0);
}

static void peer(const struct stage *s, struct aim *a, const struct technique *t)
{
	if (setns(s->sink_ns, CLONE_NEWNET) == 0)
		t->peer(a);
	_exit(0);
}

static bool over(pid_t pid, unsigned tenths)
{
	for (unsigned i = 0; i < tenths * 50; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		usleep(2000);
	}
	return false;
}

static void reap(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void shoot(struct stage *s, unsigned index)
{
	struct shot *shot = &s->shared->shot[index];
	const struct technique *t = prove_technique(shot->technique);
	struct aim a = {.turn = &shot->turn, .outside = s->outside};
	pid_t other = 0, pid;

	aim_at(&a, shot->cell / PROVE_WHOS ? 6 : 4, shot->control, index);
	shot->error = ETIMEDOUT; /* until the process says otherwise */
	pid = stage_fork();
	if (pid == 0)
		child(s, shot, &a, t);
	shot->pid = pid;
	if (t->peer)
		other = stage_fork();
	if (t->peer && other == 0)
		peer(s, &a, t);
	if (pid > 0 && !over(pid, SECONDS * 10))
		reap(pid);
	reap(other);
}
