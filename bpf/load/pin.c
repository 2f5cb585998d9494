/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pin.c - the directory on the bpffs: made, locked, and one name in it got, put and dropped.
 *
 * The pin protocol
 * ----------------
 * The pins are what enforces when no agent runs, and all that the next agent has. One directory
 * (/sys/fs/bpf/cordon), mode 0700:
 *
 *     slots folds handshakes denial_ring ...   state: maps that generations share (state.c)
 *     settings                                 state: the mode, the clock, the ports listened on
 *     link_egress link_connect4 ...            a link a hook (hook.c); each holds a program, and
 *                                              the program holds the maps of its generation
 *
 * A generation's own maps (places, rules, masks) are pinned nowhere: they live as long as a link
 * or the agent has the programs that use them. So:
 *
 *   1. Who holds the flock on the directory is the agent of these pins. The kernel frees the lock
 *      when that process ends, however it ends. A second agent is refused (-EBUSY).
 *   2. The state is adopted whole or not at all: every map is there (by its pin, or as a map of a
 *      program that a pinned link holds), has the type and sizes that this version declares, and
 *      settings has its ABI_VERSION. Else all of it is made anew, with the mode that is in force.
 *   3. A name never points to nothing: pin_put pins the new object as NAME_new and renames it over
 *      the old one. A crash between two names leaves some old and some new; rule 2 finds that.
 *   4. A program that a link holds never changes its maps. New state maps are used by the new
 *      programs only; the old ones go on with the old maps, by the old mode, until the link update.
 *   5. Settings that no attached program reads yet have their mode before the swap; those that are
 *      read already change it after the swap, together with the policy that it belongs to.
 *   6. The packet hook is exchanged first: it decides, connect and sendmsg only answer sooner.
 *   7. A link that cannot be updated (the cgroup is another, or was removed; somebody detached it) is
 *      made anew, and takes the pin after it is in force: for a moment both judge, never none.
 *   8. An agent that goes leaves everything. 'cordon detach' takes the hooks away, the packet hook
 *      last, then the maps, then the directory.
 *   9. What somebody takes away or changes while the agent runs is put back within a second
 *      (guard.c); while none runs, the next start finds it.
 *
 * tests/bpf/swap_test.c, tests/live/pins_live.sh, crash_live.sh and tamper_live.sh hold them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

#define BPFFS "/sys/fs/bpf"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int pin_bpffs(const char *path, struct diag_sink *d)
{
	char parent[256];
	char *slash;

	if (strlen(path) >= sizeof(parent)) {
		diag_error(d, path, 0, "the path is too long");
		return -ENAMETOOLONG;
	}
	memcpy(parent, path, strlen(path) + 1);
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = 0;
	if (is_bpffs(path) || is_bpffs(parent))
		return 0;
	if (strncmp(path, BPFFS "/", sizeof(BPFFS)) != 0) {
		diag_error(d, path, 0,
			   "not on a bpffs: mount one there (mount -t bpf bpf DIR) or use " BPFFS);
		return -ENOTSUP;
	}
	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700")) {
		int err = -errno;

		diag_error(d, BPFFS, 0, "cannot mount the BPF file system: %s", strerror(-err));
		return err;
	}
	return is_bpffs(parent) ? 0 : -ENOTSUP;
}

int pin_directory(const char *path, int *ret_fd, struct diag_sink *d)
{
	_close_ int fd = -1;
	int err = pin_bpffs(path, d);

	if (err)
		return err;
	if (mkdir(path, 0700) && errno != EEXIST) {
		err = -errno;
		diag_error(d, path, 0, "cannot make the directory of pins: %s", strerror(-err));
		return err;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !is_bpffs(path)) {
		err = fd < 0 ? -errno : -ENOTSUP;
		diag_error(d, path, 0, "cannot use the directory of pins: %s", strerror(-err));
		return err;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		diag_error(d, path, 0,
			   "another agent runs on these pins: stop it first, or use other pins");
		return -EBUSY;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int pin_path(const struct kernel *k, const char *name, char ret[320])
{
	int n = snprintf(ret, 320, "%s/%s", k->pins, name);

	return n < 0 || n >= 320 ? -ENAMETOOLONG : 0;
}

int pin_get(const struct kernel *k, const char *name)
{
	char path[320];
	int fd;

	if (pin_path(k, name, path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* The old object keeps its pin until the new one has it: a crash in between leaves one of them. */
int pin_put(const struct kernel *k, const char *name, int fd)
{
	char path[320], fresh[330];

	if (pin_path(k, name, path))
		return -ENAMETOOLONG;
	snprintf(fresh, sizeof(fresh), "%s_new", path);
	unlink(fresh);
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	return rename(fresh, path) ? -errno : 0;
}

int pin_drop(const struct kernel *k, const char *name)
{
	char path[320];

	if (pin_path(k, name, path))
		return -ENAMETOOLONG;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

uint32_t pin_map_id(int fd)
{
	struct bpf_map_info i = {};
	__u32 len = sizeof(i);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &i, &len) ? i.id : 0;
}
