/* SPDX-License-Identifier: BSD-2-Clause */
/* shoot.c - one technique at one address, in a process of its own that has the rights the variant has. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
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
#define SECONDS 20

/* A child that begins its life in the cgroup: moving one there waits for every CPU. */
static pid_t fork_into(const char *cgroup)
{
	_close_ int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct clone_args a = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	pid_t parent = getpid(), pid;

	if (fd < 0)
		return -1;
	a.cgroup = (unsigned)fd;
	pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
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
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	if (setns(s->db_ns, CLONE_NEWNET))
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
	pid = fork_into(s->cgroup);
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
