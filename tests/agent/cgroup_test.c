/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup_test.c - the tree by id: what was there, what comes, what goes, and what inotify did not
 * tell. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/host/cgroup.h"

static char root[64];
static struct cgroups *cs;
static unsigned seen, gone;
static char last[256];

static void on_seen(void *arg, uint64_t id, const char *path)
{
	(void)arg;
	cr_expect_neq(id, 0);
	seen++;
	text_put(last, sizeof(last), "%s", path);
}
static void on_gone(void *arg, uint64_t id)
{
	(void)arg;
	(void)id;
	gone++;
}

static void make(const char *path)
{
	char full[160];

	text_put(full, sizeof(full), "%s%s", root, path);
	cr_assert_eq(mkdir(full, 0700), 0, "%s", path);
}
static uint64_t id_of(const char *path)
{
	char full[160];

	text_put(full, sizeof(full), "%s%s", root, path);
	return cgroup_id(full);
}

static void setup(void)
{
	struct cgroups_watch w = {on_seen, on_gone, NULL};

	seen = gone = 0;
	text_put(root, sizeof(root), "/tmp/cgroup_test.XXXXXX");
	cr_assert(mkdtemp(root));
	make("/system.slice");
	make("/system.slice/a.service");
	cr_assert_eq(cgroups_new(&cs, root, &w), 0);
}
static void teardown(void)
{
	char command[96];

	cgroups_free(cs);
	text_put(command, sizeof(command), "rm -rf %s", root);
	cr_assert_eq(system(command), 0);
}
TestSuite(cgroup, .init = setup, .fini = teardown, .timeout = 30);

Test(cgroup, what_was_there)
{
	cr_expect_eq(seen, 3, "the root, the slice, the service");
	cr_expect_str_eq(cgroups_path(cs, id_of("/system.slice/a.service")),
			 "/system.slice/a.service");
	cr_expect_str_eq(cgroups_path(cs, id_of("")), "/");
	seen = 0;
	cgroups_each(cs);
	cr_expect_eq(seen, 3);
}

Test(cgroup, what_comes_and_goes)
{
	char full[160];
	uint64_t id;

	make("/system.slice/b.service");
	make("/system.slice/b.service/sub"); /* before anybody looked */
	cgroups_dispatch(cs);
	cr_expect_eq(seen, 5);
	id = id_of("/system.slice/b.service/sub");
	cr_expect_str_eq(cgroups_path(cs, id), "/system.slice/b.service/sub");
	make("/system.slice/b.service/sub/deep");
	cgroups_dispatch(cs);
	cr_expect_str_eq(last, "/system.slice/b.service/sub/deep");
	text_put(full, sizeof(full), "%s/system.slice/b.service/sub/deep", root);
	rmdir(full);
	*strrchr(full, '/') = 0;
	rmdir(full);
	cgroups_dispatch(cs);
	cr_expect_eq(gone, 2);
	cr_expect_null(cgroups_path(cs, id));
}

/* A restarted service has another cgroup of the same name. */
Test(cgroup, same_name_again)
{
	char full[160];

	text_put(full, sizeof(full), "%s/system.slice/a.service", root);
	rmdir(full);
	make("/system.slice/a.service");
	cgroups_dispatch(cs);
	cr_expect_eq(gone, 1);
	cr_expect_str_eq(cgroups_path(cs, id_of("/system.slice/a.service")),
			 "/system.slice/a.service");
	make("/system.slice/a.service/child");
	cgroups_dispatch(cs);
	cr_expect_str_eq(last, "/system.slice/a.service/child", "the new one is watched");
}

Test(cgroup, more_events_than_a_buffer_holds)
{
	char path[64];

	for (int i = 0; i < 700; i++) {
		text_put(path, sizeof(path), "/system.slice/many-%d.service", i);
		make(path);
	}
	cgroups_dispatch(cs);
	cr_expect_eq(seen, 703);
}

Test(cgroup, nowhere)
{
	struct cgroups *none = NULL;

	cr_expect_eq(cgroups_new(&none, "/nonexistent/cgroup", NULL), -ENOENT);
	cr_expect_null(none);
	cr_expect_null(cgroups_path(cs, 0));
	cr_expect_null(cgroups_path(cs, UINT64_MAX));
}
