/* SPDX-License-Identifier: BSD-2-Clause */
/* process_test.c - /proc is foreign: hostile names, torn files, reused pids; and how units are
 * named. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/host/process.h"

static char root[64];
static struct processes *ps;
static struct names *names;

static void put(int pid, const char *name, const char *bytes, size_t len)
{
	char path[128];
	FILE *f;

	text_put(path, sizeof(path), "%s/%d", root, pid);
	mkdir(path, 0700);
	text_put(path, sizeof(path), "%s/%d/%s", root, pid, name);
	f = fopen(path, "w");
	cr_assert(f);
	cr_assert_eq(fwrite(bytes, 1, len, f), len);
	fclose(f);
}
#define PUT(pid, name, text) put(pid, name, text, sizeof(text) - 1)

static void link_exe(int pid, const char *to)
{
	char path[128];

	text_put(path, sizeof(path), "%s/%d/exe", root, pid);
	unlink(path);
	cr_assert_eq(symlink(to, path), 0);
}

#define REST " S 1 2 3 4 5 4194560 7 8 9 10 11 12 13 14 15 16 17 18 250 20 21"

static void one(int pid)
{
	PUT(pid, "stat", "42 (postgres)" REST);
	PUT(pid, "status", "Name:\tpostgres\nUid:\t0\t113\t113\t113\nGid:\t1\t1\t1\t1\n");
	PUT(pid, "cmdline", "postgres\0-D\0/var/lib\0");
	PUT(pid, "cgroup", "1:name=systemd:/x\n0::/system.slice/postgresql@15-main.service\n");
	link_exe(pid, "/usr/lib/postgresql/15/bin/postgres");
}

static void setup(void)
{
	text_put(root, sizeof(root), "/tmp/process_test.XXXXXX");
	cr_assert(mkdtemp(root));
	cr_assert_eq(names_new(&names, NULL), 0);
	cr_assert_eq(processes_new(&ps, root, names), 0);
}

static void teardown(void)
{
	char command[96];

	processes_free(ps);
	names_free(names);
	text_put(command, sizeof(command), "rm -rf %s", root);
	cr_assert_eq(system(command), 0);
}
TestSuite(process, .init = setup, .fini = teardown);

Test(process, reads_what_stands_there)
{
	struct process p = {.pid = 42};

	one(42);
	cr_assert_eq(processes_lookup(ps, &p), 0);
	cr_expect_str_eq(p.comm, "postgres");
	cr_expect_str_eq(p.exe, "/usr/lib/postgresql/15/bin/postgres");
	cr_expect_str_eq(p.cmdline, "postgres -D /var/lib");
	cr_expect_str_eq(p.cgroup, "/system.slice/postgresql@15-main.service");
	cr_expect_str_eq(p.unit, "postgresql@15-main.service");
	cr_expect_eq(p.uid, 113, "the effective user acts");
	cr_expect_eq(p.start_ns, 2500000000ull);
	cr_expect_eq(p.kernel, 0);
}

Test(process, what_the_kernel_said_is_believed)
{
	struct process p = {
		.pid = 42, .uid = 7, .has_uid = 1, .cgroup = "/mine", .start_ns = 2501234567ull};

	one(42);
	cr_assert_eq(processes_lookup(ps, &p), 0);
	cr_expect_eq(p.uid, 7);
	cr_expect_str_eq(p.cgroup, "/mine");
	cr_expect_null(p.unit, "the unit of another cgroup is not its");
}

Test(process, a_reused_pid_gives_nothing)
{
	struct process p = {.pid = 42, .start_ns = 9000000000ull};

	one(42);
	cr_expect_eq(processes_lookup(ps, &p), -ESRCH);
	cr_expect_null(p.exe);
	cr_expect_null(p.cmdline);
}

Test(process, proc_is_asked_once_a_turn)
{
	struct process p = {.pid = 42}, q = {.pid = 42},
		       other = {.pid = 42, .start_ns = 9000000000ull};

	one(42);
	processes_turn(ps);
	cr_assert_eq(processes_lookup(ps, &p), 0);
	put(42, "stat", "42 (other)" REST, strlen("42 (other)" REST));
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.comm, "postgres", "believed until the turn ends");
	cr_expect_eq(processes_lookup(ps, &other), -ESRCH,
		     "but not of another that has the number");
	q = (struct process){.pid = 42};
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.comm, "other", "who asked for another made it look");
	one(42);
	processes_turn(ps);
	q = (struct process){.pid = 42};
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.comm, "postgres");
}

Test(process, hostile_names)
{
	static const struct {
		const char *stat, *comm;
	} row[] = {
		{"42 (a) S 1 (b))" REST, "a) S 1 (b)"},	  {"42 ()" REST, ""},
		{"42 (two\nlines)" REST, "two\nlines"},	  {"42 (\xff\xfe)" REST, "\\xff\\xfe"},
		{"42 (((((((((((()" REST, "((((((((((("},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct process p = {.pid = 42};

		one(42);
		put(42, "stat", row[i].stat, strlen(row[i].stat));
		cr_assert_eq(processes_lookup(ps, &p), 0, "%zu", i);
		cr_expect_str_eq(p.comm, row[i].comm, "%zu: %s", i, p.comm);
		cr_expect_eq(p.start_ns, 2500000000ull, "%zu", i);
	}
}

Test(process, broken_stat_is_no_process)
{
	static const char *const row[] = {
		"",
		"42",
		"42 (x",
		"42 x)",
		")(",
		"42 (x)",
		"42 (x) S",
		"42 (x) S 1 2 3",
		"42 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99999999999999999999999 20",
		"42 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 20",
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct process p = {.pid = 42};

		one(42);
		put(42, "stat", row[i], strlen(row[i]));
		cr_expect_eq(processes_lookup(ps, &p), -ESRCH, "'%s'", row[i]);
	}
}

Test(process, command_line_is_bounded_and_clean)
{
	char big[PROCESS_CMDLINE_MAX + 100], evil[] = "evil\033[2J\0\xc3\x28\0";
	struct process p = {.pid = 42}, q = {.pid = 43};

	memset(big, 'a', sizeof(big));
	one(42);
	put(42, "cmdline", big, sizeof(big));
	cr_assert_eq(processes_lookup(ps, &p), 0);
	cr_expect_eq(strlen(p.cmdline), PROCESS_CMDLINE_MAX + 3);
	cr_expect_str_eq(p.cmdline + PROCESS_CMDLINE_MAX, "...");
	one(43);
	put(43, "cmdline", evil, sizeof(evil) - 1);
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.cmdline, "evil\033[2J \\xc3(");
}

Test(process, a_file_without_end_is_not_read)
{
	char *big = calloc(1, 70 << 10);
	struct process p = {.pid = 42};

	one(42);
	put(42, "cmdline", big, 70 << 10);
	cr_assert_eq(processes_lookup(ps, &p), 0);
	cr_expect_null(p.cmdline);
	free(big);
}

Test(process, missing_pieces)
{
	struct process p = {.pid = 42}, none = {.pid = 7}, zero = {.pid = 0};

	PUT(42, "stat", "42 (kthreadd) S 0 0 0 0 -1 2129984 7 8 9 10 11 12 13 14 15 16 17 18 2 20");
	PUT(42, "status", "Name:\tkthreadd\nUid:\t0\t0\t0\t0\n");
	PUT(42, "cmdline", "");
	cr_assert_eq(processes_lookup(ps, &p), 0);
	cr_expect_null(p.exe);
	cr_expect_null(p.cmdline);
	cr_expect_null(p.cgroup);
	cr_expect_eq(p.kernel, 1);
	cr_expect_eq(processes_lookup(ps, &none), -ESRCH);
	cr_expect_eq(processes_lookup(ps, &zero), -ESRCH);
}

Test(process, the_dead_are_remembered_the_changed_are_read_again)
{
	struct process p = {.pid = 42}, q = {.pid = 42}, r = {.pid = 42};
	char path[128];

	one(42);
	cr_assert_eq(processes_lookup(ps, &p), 0);
	PUT(42, "stat", "42 (psql)" REST); /* exec: same start, another program */
	link_exe(42, "/usr/bin/psql");
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.exe, "/usr/bin/psql");
	text_put(path, sizeof(path), "%s/42/stat", root);
	unlink(path);
	cr_assert_eq(processes_lookup(ps, &r), 0, "its last flows end after it");
	cr_expect_str_eq(r.exe, "/usr/bin/psql");
}

/* stat of a process with its memory's beginnings: startcode, endcode, startstack */
static void put_image(const char *comm, char state, unsigned code, unsigned stack)
{
	char text[256];

	text_put(text, sizeof(text),
		 "42 (%s) %c 1 2 3 4 5 4194560 7 8 9 10 11 12 13 14 15 16 17 18 250 20 "
		 "18446744073709551615 %u 25 %u 27",
		 comm, state, code, stack);
	put(42, "stat", text, strlen(text));
}

Test(process, exec_of_another_file_of_the_same_name)
{
	static const struct {
		const char *why, *exe, *want;
		char state;
		unsigned code, stack;
	} row[] = {
		{"as it was", "/b1/psql", "/b1/psql", 'S', 1000, 2000},
		{"another file, laid out elsewhere", "/b2/psql", "/b2/psql", 'S', 1010, 2010},
		{"another file, laid out alike", "/b3/psql", "/b3/psql", 'S', 1010, 2010},
		{"ended: what it was", "/nowhere", "/b3/psql", 'Z', 0, 0},
	};

	one(42);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct process p = {.pid = 42};

		put_image("psql", row[i].state, row[i].code, row[i].stack);
		link_exe(42, row[i].exe);
		cr_assert_eq(processes_lookup(ps, &p), 0, "%s", row[i].why);
		cr_expect_str_eq(p.exe, row[i].want, "%s", row[i].why);
	}
}

Test(process, the_same_file_again_with_other_arguments)
{
	struct process p = {.pid = 42}, q = {.pid = 42};

	one(42);
	put_image("sh", 'S', 1000, 2000);
	cr_assert_eq(processes_lookup(ps, &p), 0);
	put_image("sh", 'S', 1010, 2010);
	PUT(42, "cmdline", "sh\0-c\0pg_dump\0");
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.cmdline, "sh -c pg_dump");
}

Test(process, a_name_that_comes_late_is_in_later_lookups)
{
	struct process p = {.pid = 42}, q = {.pid = 42};

	one(42);
	PUT(42, "status", "Name:\tx\nUid:\t0\t0\t0\t0\n");
	cr_assert_eq(processes_lookup(ps, &p), 0);
	cr_assert_eq(names_settle(names, 5000), 0);
	cr_assert_eq(processes_lookup(ps, &q), 0);
	cr_expect_str_eq(q.user, "root");
}

Test(process, more_than_it_remembers)
{
	char path[128];

	PUT(1, "stat", "1 (x)" REST);
	PUT(1, "status", "Name:\tx\nUid:\t1\t1\t1\t1\n");
	for (int pid = 1; pid <= PROCESSES_MAX + 50; pid++) {
		struct process p = {.pid = pid};

		text_put(path, sizeof(path), "%s/%d", root, pid);
		cr_assert(pid == 1 || symlink("1", path) == 0);
		cr_assert_eq(processes_lookup(ps, &p), 0, "%d", pid);
	}
	for (int pid = 1; pid <= 100; pid++) {
		struct process p = {.pid = pid};

		cr_expect_eq(processes_lookup(ps, &p), 0, "%d", pid);
		cr_expect_str_eq(p.comm, "x");
	}
}

Test(process, units)
{
	static const struct {
		const char *cgroup, *unit;
	} row[] = {
		{"/system.slice/postgresql@15-main.service", "postgresql@15-main.service"},
		{"/system.slice/system-postgresql.slice/postgresql@15-main.service/sub",
		 "postgresql@15-main.service"},
		{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
		 "user@1000.service"},
		{"/init.scope", "init.scope"},
		{"/box/system.slice/cron.service", "cron.service"},
		{"/", NULL},
		{"", NULL},
		{"/system.slice", NULL},
		{"/docker/0123456789ab", NULL},
		{"/system.slice/.service", NULL},
		{"no/slash.service", NULL},
		{NULL, NULL},
	};
	char buf[PROCESS_UNIT_MAX], big[600] = "/";

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *u = process_unit(buf, row[i].cgroup);

		if (row[i].unit)
			cr_expect_str_eq(u ? u : "", row[i].unit, "%s", row[i].cgroup);
		else
			cr_expect_null(u, "%s", row[i].cgroup ? row[i].cgroup : "NULL");
	}
	memset(big + 1, 'a', PROCESS_UNIT_MAX);
	memcpy(big + PROCESS_UNIT_MAX, ".service", 9);
	cr_expect_null(process_unit(buf, big), "longer than a name can be");
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define IE "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

Test(process, containers)
{
	static const struct {
		const char *cgroup, *id;
	} row[] = {
		{"/system.slice/docker-" ID ".scope", ID},
		{"/docker/" ID, ID},
		{"/docker/" ID "/system.slice/x.service", ID},
		{"/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-" ID ".scope", ID},
		{"/kubepods/besteffort/pod7f-1/" ID, ID},
		{"/machine.slice/libpod-" ID ".scope/container", ID},
		{"/kubepods/crio-" ID "/crio-" IE ".scope", IE},
		{"/system.slice/postgresql@15-main.service", NULL},
		{"/docker/" ID "0", NULL},
		{"/docker/0123456789ab", NULL},
		{"/a" ID, NULL},
		{"/", NULL},
		{NULL, NULL},
	};
	char buf[PROCESS_CONTAINER_MAX];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *id = process_container(buf, row[i].cgroup);

		if (row[i].id)
			cr_expect_str_eq(id ? id : "", row[i].id, "%s", row[i].cgroup);
		else
			cr_expect_null(id, "%s", row[i].cgroup ? row[i].cgroup : "NULL");
	}
}
