/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stage.c - where the techniques are tried: a cgroup, two network namespaces and the cable between them.
 *
 * The namespaces have no names and the directory is a mount of this process's own mount namespace, so the kernel
 * takes them when the last process ends. What it does not take, the cgroup and the empty directory, the janitor
 * removes: a process outside of all this, which waits for the end of the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/prove/prove_private.h"
#include "bpf/load/cgroup2.h"
#include "geo/base/cleanup.h"

static int fail(const char *what)
{
	int err = errno;

	diag_say("prove: %s: %s", what, strerror(err));
	return err ? -err : -EIO;
}

pid_t stage_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

int stage_command(const char *const *argv)
{
	pid_t pid = stage_fork();
	int status, null;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, 1);
		dup2(null, 2);
		setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EINTR;
	return WEXITSTATUS(status) == 127 ? -ENOENT : WEXITSTATUS(status);
}

/* By memory of its own: a file would stay when this process is killed just now. */
int stage_ip(const char *batch)
{
	_close_ int fd = memfd_create("cordon-prove.ip", 0);
	char path[64];
	const char *argv[] = {"ip", "-batch", path, NULL};
	int r;

	if (fd < 0 || write(fd, batch, strlen(batch)) != (ssize_t)strlen(batch))
		return fail("memory for what ip shall do");
	text_put(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = stage_command(argv);
	if (r == -ENOENT)
		diag_say("prove: 'ip' is not installed (package iproute2)");
	return r > 0 ? -EIO : r;
}

void stage_put(const char *path, const char *text)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return; /* a setting that is not there is not needed */
}

/* Ends what is left in the cgroup, and removes it. */
static void sweep(const struct stage *s)
{
	char path[360];

	text_put(path, sizeof(path), "%s/cgroup.kill", s->cgroup);
	for (int i = 0; i < 200; i++) {
		stage_put(path, "1");
		if (rmdir(s->cgroup) == 0 || errno == ENOENT)
			break;
		usleep(50000);
	}
	rmdir(s->directory);
}

static int janitor(struct stage *s)
{
	int end[2];
	char c;

	if (pipe2(end, O_CLOEXEC))
		return fail("pipe");
	s->janitor = fork();
	if (s->janitor < 0)
		return fail("fork");
	if (s->janitor == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid();
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		close(end[1]);
		while (read(end[0], &c, 1) < 0 && errno == EINTR)
			;
		sweep(s);
		_exit(0);
	}
	close(end[0]);
	s->alive = end[1];
	return 0;
}

static int directories(struct stage *s)
{
	char mount_at[256];
	int r = cgroup2_mount(mount_at, sizeof(mount_at));

	if (r < 0) {
		errno = -r;
		return fail("no cgroup2 file system is mounted");
	}
	text_put(s->directory, sizeof(s->directory), "/run/cordon-prove.XXXXXX");
	if (!mkdtemp(s->directory))
		return fail("/run");
	text_put(s->cgroup, sizeof(s->cgroup), "%s/%s", mount_at, s->directory + strlen("/run/"));
	text_put(s->outside, sizeof(s->outside), "%s/cgroup.procs", mount_at);
	if (mkdir(s->cgroup, 0755)) {
		r = fail(s->cgroup);
		rmdir(s->directory);
		return r;
	}
	return 0;
}

/* The directory is only ours from here on, and so are the pins in it. */
static int mounts(const struct stage *s)
{
	char bpf[96];

	text_put(bpf, sizeof(bpf), "%s/bpf", s->directory);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return fail("cannot make a mount namespace");
	if (mount("tmpfs", s->directory, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=0755"))
		return fail(s->directory);
	if (mkdir(bpf, 0700) || mount("bpf", bpf, "bpf", 0, "mode=0700"))
		return fail(bpf);
	return 0;
}

static int namespace_new(int *ret)
{
	if (unshare(CLONE_NEWNET))
		return fail("cannot make a network namespace");
	*ret = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? fail("/proc/self/ns/net") : 0;
}

/* No name service, no neighbour discovery: nothing is on the cable but what the techniques send. */
static const char cable_db[] =
	"link set lo up\n"
	"link set out address 02:00:00:00:00:01\n"
	"addr add 10.99.0.1/24 dev out\n"
	"addr add fd99::1/64 dev out nodad\n"
	"link set out addrgenmode none\n"
	"link set out up\n"
	"neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev out nud permanent\n"
	"neigh add fd99::2 lladdr 02:00:00:00:00:02 dev out nud permanent\n"
	"route add default via 10.99.0.2\n"
	"route add ::/0 via fd99::2 dev out\n";
static const char cable_sink[] =
	"link set lo up\n"
	"link set in address 02:00:00:00:00:02\n"
	"addr add 10.99.0.2/24 dev in\n"
	"addr add fd99::2/64 dev in nodad\n"
	"link set in addrgenmode none\n"
	"link set in up\n"
	"neigh add 10.99.0.1 lladdr 02:00:00:00:00:01 dev in nud permanent\n"
	"neigh add fd99::1 lladdr 02:00:00:00:00:01 dev in nud permanent\n"
	"route add local 3.80.0.0/16 dev lo\n"
	"route add local 52.28.0.0/16 dev lo\n"
	"route add local 2600:1f18::/36 dev lo\n"
	"route add local 2a05:d014::/36 dev lo\n";

static int namespaces(struct stage *s)
{
	char cable[128];
	int r;

	s->own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	r = namespace_new(&s->sink_ns);
	if (r < 0 || (r = namespace_new(&s->db_ns)) < 0)
		return r;
	/* the other namespace is named by a process that is in it */
	if ((r = sink_start(s)) < 0)
		return r;
	text_put(cable, sizeof(cable), "link add name out type veth peer name in netns %d\n",
		 (int)s->sink);
	if ((r = stage_ip(cable)) == 0)
		r = stage_ip(cable_db);
	if (r == 0) {
		stage_put("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
		stage_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
		if (setns(s->sink_ns, CLONE_NEWNET))
			return fail("setns");
		r = stage_ip(cable_sink);
		stage_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	}
	if (setns(s->own_ns, CLONE_NEWNET))
		return fail("setns");
	if (r < 0)
		diag_say("prove: cannot lay the cable between its network namespaces");
	return r;
}

int stage_set(struct stage *s)
{
	int r;

	*s = (struct stage){.db_ns = -1, .sink_ns = -1, .own_ns = -1, .alive = -1};
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED) {
		s->shared = NULL;
		return fail("memory");
	}
	if ((r = directories(s)) < 0 || (r = janitor(s)) < 0 || (r = mounts(s)) < 0)
		return r;
	return namespaces(s);
}

static void end_child(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

void stage_strike(struct stage *s)
{
	end_child(&s->agent);
	end_child(&s->sink);
	cleanup_close(&s->db_ns);
	cleanup_close(&s->sink_ns);
	cleanup_close(&s->own_ns);
	cleanup_close(&s->alive);
	if (s->janitor > 0)
		while (waitpid(s->janitor, NULL, 0) < 0 && errno == EINTR)
			;
	if (s->shared)
		munmap(s->shared, sizeof(*s->shared));
	s->shared = NULL;
}
