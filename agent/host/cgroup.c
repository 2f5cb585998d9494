/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.c - the cgroup2 tree by id: a walk at the start, inotify for what comes and goes, file
 * handles for the rest. */
#include "agent/host/cgroup.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"

#define BUCKETS	      8192
#define DEPTH_MAX     64
#define KERNFS_HANDLE 0xfe /* FILEID_KERNFS */

struct cgroup {
	uint64_t id;
	int watch;	       /* inotify's number, -1 = none */
	struct cgroup *next;   /* by id */
	struct cgroup *next_w; /* by watch */
	char path[];	       /* below the mount; "/" is the root */
};
struct cgroups {
	int inotify, mount; /* owned */
	size_t mount_len, count;
	struct cgroups_watch watch;
	struct cgroup *by_id[BUCKETS], *by_watch[BUCKETS];
	char asked[PATH_MAX]; /* the answer of a look-up by handle */
	char root[PATH_MAX];
};

uint64_t cgroup_id(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? (uint64_t)st.st_ino : 0;
}

/* The next word of a line, ended with a NUL; *at goes past it. NULL: there is none. */
static struct cgroup *find_id(const struct cgroups *cs, uint64_t id)
{
	struct cgroup *c = cs->by_id[id % BUCKETS];

	while (c && c->id != id)
		c = c->next;
	return c;
}

static struct cgroup *find_watch(const struct cgroups *cs, int watch)
{
	struct cgroup *c = cs->by_watch[(unsigned)watch % BUCKETS];

	while (c && c->watch != watch)
		c = c->next_w;
	return c;
}

static void forget(struct cgroups *cs, struct cgroup *c)
{
	struct cgroup **at = &cs->by_id[c->id % BUCKETS];

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->watch >= 0) {
		at = &cs->by_watch[(unsigned)c->watch % BUCKETS];
		while (*at != c)
			at = &(*at)->next_w;
		*at = c->next_w;
		inotify_rm_watch(cs->inotify, c->watch);
	}
	cs->count--;
	free(c);
}

static struct cgroup *remember(struct cgroups *cs, uint64_t id, const char *path, int watch)
{
	size_t len = strlen(path) + 1;
	struct cgroup *c = malloc(sizeof(*c) + len);

	if (!c)
		return NULL;
	c->id = id;
	c->watch = watch;
	memcpy(c->path, path, len);
	c->next = cs->by_id[id % BUCKETS];
	cs->by_id[id % BUCKETS] = c;
	if (watch >= 0) {
		c->next_w = cs->by_watch[(unsigned)watch % BUCKETS];
		cs->by_watch[(unsigned)watch % BUCKETS] = c;
	}
	cs->count++;
	return c;
}

static void walk(struct cgroups *cs, const char *path, unsigned depth);

/* Watches first, lists afterwards: what is made in between is seen twice rather than not at all. */
static void add(struct cgroups *cs, const char *path, unsigned depth)
{
	char full[PATH_MAX];
	uint64_t id;
	int watch;

	if (text_put(full, sizeof(full), "%s%s", cs->root, path) >= sizeof(full) - 1 ||
	    depth > DEPTH_MAX)
		return;
	id = cgroup_id(full);
	if (!id || find_id(cs, id) || cs->count >= CGROUPS_MAX)
		return;
	watch = inotify_add_watch(cs->inotify, full,
				  IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ONLYDIR |
					  IN_DONT_FOLLOW);
	if (watch >= 0 && find_watch(cs, watch))
		forget(cs, find_watch(cs, watch)); /* the number's former directory is gone */
	if (!remember(cs, id, path, watch))
		return;
	if (cs->watch.seen)
		cs->watch.seen(cs->watch.arg, id, path);
	walk(cs, path, depth);
}

static void add_child(struct cgroups *cs, const char *parent, const char *name, unsigned depth)
{
	char path[PATH_MAX];

	if (text_put(path, sizeof(path), "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) <
	    sizeof(path) - 1)
		add(cs, path, depth + 1);
}

static void walk(struct cgroups *cs, const char *path, unsigned depth)
{
	char full[PATH_MAX];
	struct dirent *e;
	DIR *d;

	text_put(full, sizeof(full), "%s%s", cs->root, path);
	d = opendir(full);
	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			add_child(cs, path, e->d_name, depth);
	if (d)
		closedir(d);
}

int cgroups_new(struct cgroups **ret, const char *mount, const struct cgroups_watch *watch)
{
	struct cgroups *cs = calloc(1, sizeof(*cs));
	int r = 0;

	if (!cs)
		return -ENOMEM;
	if (watch)
		cs->watch = *watch;
	text_put(cs->root, sizeof(cs->root), "%s", mount);
	cs->mount = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cs->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (cs->mount < 0 || cs->inotify < 0)
		r = -errno;
	if (r < 0) {
		cgroups_free(cs);
		return r;
	}
	add(cs, "/", 0);
	*ret = cs;
	return 0;
}

void cgroups_free(struct cgroups *cs)
{
	if (!cs)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (cs->by_id[i])
			forget(cs, cs->by_id[i]);
	if (cs->inotify >= 0)
		close(cs->inotify);
	if (cs->mount >= 0)
		close(cs->mount);
	free(cs);
}

int cgroups_fd(const struct cgroups *cs)
{
	return cs->inotify;
}

static void on_deleted(struct cgroups *cs, const char *parent, const char *name)
{
	char path[PATH_MAX];
	struct cgroup *c, *next;

	text_put(path, sizeof(path), "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name);
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (c = cs->by_id[i]; c; c = next) {
			next = c->next;
			if (strcmp(c->path, path) != 0)
				continue;
			if (cs->watch.gone)
				cs->watch.gone(cs->watch.arg, c->id);
			forget(cs, c);
			return;
		}
	}
}

static void on_event(struct cgroups *cs, const struct inotify_event *e)
{
	struct cgroup *c;

	if (e->mask & IN_Q_OVERFLOW) {
		/* finds the new ones; what went away is dropped by its own number's reuse */
		walk(cs, "/", 0);
		return;
	}
	if (!(e->mask & IN_ISDIR) || !e->len)
		return;
	c = find_watch(cs, e->wd);
	if (!c)
		return;
	char parent[PATH_MAX];
	text_put(parent, sizeof(parent), "%s", c->path); /* c may go while children are added */
	if (e->mask & (IN_CREATE | IN_MOVED_TO))
		add_child(cs, parent, e->name, 0);
	else
		on_deleted(cs, parent, e->name);
}

void cgroups_dispatch(struct cgroups *cs)
{
	char buf[16384] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(cs->inotify, buf, sizeof(buf))) > 0) {
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)at;

			on_event(cs, e);
			at += sizeof(*e) + e->len;
		}
	}
}

/* The kernel opens a cgroup by its id: the handle of a kernfs node is the id itself
 * (fs/kernfs/mount.c). */
static const char *ask(struct cgroups *cs, uint64_t id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u = {.h = {.handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE}};
	_close_ int fd = -1;
	char link[64];
	ssize_t n;
	size_t root = strlen(cs->root);

	memcpy(u.h.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(cs->mount, &u.h, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text_put(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, cs->asked, sizeof(cs->asked) - 1);
	if (n < (ssize_t)root || memcmp(cs->asked, cs->root, root) != 0)
		return NULL;
	cs->asked[n] = 0;
	return cs->asked[root] ? cs->asked + root : "/";
}

const char *cgroups_path(struct cgroups *cs, uint64_t id)
{
	const struct cgroup *c = find_id(cs, id);
	const char *path = c ? c->path : ask(cs, id);

	if (!c && path)
		add(cs, path, 0);
	return path;
}

int cgroups_procs(struct cgroups *cs, uint64_t id, char *buf, size_t size)
{
	const char *path = cgroups_path(cs, id);

	if (!path || text_put(buf, size, "%s%s/cgroup.procs", cs->root, path) >= size - 1)
		return -ENOENT;
	return 0;
}

void cgroups_each(struct cgroups *cs)
{
	for (unsigned i = 0; cs->watch.seen && i < BUCKETS; i++)
		for (struct cgroup *c = cs->by_id[i]; c; c = c->next)
			cs->watch.seen(cs->watch.arg, c->id, c->path);
}
