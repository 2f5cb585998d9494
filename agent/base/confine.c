/* SPDX-License-Identifier: BSD-2-Clause */
/* confine.c - Landlock (Linux 5.13), seccomp and capabilities. */
#include "agent/base/confine.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "geo/base/cleanup.h"

/* Bits of versions that the headers may not know: REFER 2, TRUNCATE 3, connections 4, IOCTL_DEV 5, scopes 6. */
#define FS_FIRST    ((1ull << 13) - 1)
#define FS_REFER    (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL    (1ull << 15)
#define NET_ALL	    3ull
#define SCOPE_ALL   3ull
#define FS_READ	    LANDLOCK_ACCESS_FS_READ_FILE
#define FS_WRITE    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_REPLACE                                                                                 \
	(FS_WRITE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                    \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE)

struct attributes { /* as long as version 6 has it */
	uint64_t files, net, scoped;
};
struct confine {
	int version, fd; /* owned */
	uint64_t files;	 /* that this version knows */
};

static const int calls[] = {
	/* files that are open, or that Landlock lets be opened */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(openat),
	SCMP_SYS(open),
	SCMP_SYS(fcntl),
	SCMP_SYS(dup),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(flock),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(statfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(umask),
	SCMP_SYS(memfd_create),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(sendfile),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(eventfd2),
	/* memory and threads of its own */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(membarrier),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(tgkill),
	SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit),
	/* who and when it is */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(getrusage),
	SCMP_SYS(getcpu),
};
#define TCGETS_ 0x5401u /* is it a terminal? */

int confine_new(struct confine **ret)
{
	struct confine *c = calloc(1, sizeof(*c));
	struct attributes a = {.net = NET_ALL, .scoped = SCOPE_ALL};
	size_t size;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->version =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (c->version < 1)
		c->version = 0;
	c->files = FS_FIRST | (c->version >= 2 ? FS_REFER : 0) |
		   (c->version >= 3 ? FS_TRUNCATE : 0) | (c->version >= 5 ? FS_IOCTL : 0);
	a.files = c->files;
	size = c->version >= 6 ? 24 : c->version >= 4 ? 16 : 8;
	if (c->version) {
		c->fd = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
		if (c->fd < 0) {
			int r = -errno;

			free(c);
			return r;
		}
	}
	*ret = c;
	return 0;
}

void confine_free(struct confine *c)
{
	if (c && c->fd >= 0)
		close(c->fd);
	free(c);
}

/* Of a file only what can be done with a file: the kernel refuses the rest. */
static void let(struct confine *c, const char *path, uint64_t what)
{
	_close_ int fd = c->fd < 0 ? -1 : open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr a = {.parent_fd = fd};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	a.allowed_access = what & c->files & (S_ISDIR(st.st_mode) ? UINT64_MAX : FS_WRITE);
	(void)syscall(SYS_landlock_add_rule, c->fd, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
}

void confine_read(struct confine *c, const char *path)
{
	let(c, path, FS_READ);
}

void confine_write(struct confine *c, const char *path)
{
	char real[PATH_MAX];

	if (!path || text_put(real, sizeof(real), "%s", path) >= sizeof(real))
		return;
	let(c, path, FS_WRITE);
	(void)!realpath(path, real); /* of one that is not there, what it says is its folder */
	let(c, dirname(real), FS_REPLACE);
}

/* What reads and writes others' files for root stays: captures often are the capturing user's. */
static int give_away(bool *ret)
{
	const uint32_t keep = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	*ret = d[0].permitted | d[1].permitted;
	for (unsigned i = 0; i < 2; i++) {
		d[i].permitted &= i ? 0 : keep;
		d[i].effective &= i ? 0 : keep;
		d[i].inheritable = 0;
	}
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

/* What is not named fails, as if the kernel did not let this user do it. */
static int filter(bool *ret)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = f ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i] >= 0) /* below: this machine has no such call */
			r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_EQ, TCGETS_));
	if (r == 0)
		r = seccomp_load(f);
	if (f)
		seccomp_release(f);
	*ret = r == 0;
	return r == -ENOSYS || r == -EINVAL ? 0 : r; /* built without it */
}

int confine_done(struct confine *c, struct confined *ret)
{
	int r = 0;

	*ret = (struct confined){0};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (c->version && syscall(SYS_landlock_restrict_self, c->fd, 0) < 0)
		return -errno;
	ret->landlock = c->version;
	r = give_away(&ret->privileges);
	return r ? r : filter(&ret->seccomp);
}
