/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fixture.h - a stage for the kernel tests: own network namespace, own bpffs, own cgroup, a policy
 * made by hand.
 *
 * Nothing of it touches the host: the cgroup is new and holds this process only, the devices are in
 * namespaces without a route out, and all of it goes when the process goes.
 */
#ifndef TESTS_BPF_FIXTURE_H
#define TESTS_BPF_FIXTURE_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bpf/load/kernel.h"
#ifndef FIXTURE_PLAIN
#include <criterion/criterion.h>
#else /* a benchmark: the same checks, without a test runner */
#define cr_assert(c, ...)                                                                          \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #c,                 \
				strerror(errno));                                                  \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b))
#define cr_skip(...)		cr_assert(!"can be skipped")
#endif

/* Addresses by place line: 10.1/16 and fd01::/32 are DE, .2 US, .3 CH; a device of ours
 * has 10.x.0.1, the peer 10.x.0.2. */
struct stage {
	char cgroup[300], bpffs[64], pins[80];
	pid_t peer; /* holds the peer's namespace */
};

static inline void stage_log(void *arg, const struct diag *d)
{
	(void)arg;
	fprintf(stderr, "    %s%s%s\n", d->file ? d->file : "", d->file ? ": " : "", d->text);
}

static inline void stage_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline void stage_run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	cr_assert_eq(system(cmd), 0, "%s", cmd);
}

/* NULL, or why the kernel tests cannot run here. */
static inline const char *stage_missing(void)
{
	static struct kernel_probe p;

	if (!kernel_probe(&p))
		return NULL;
	for (int f = 0; f < FEATURE_COUNT; f++)
		if (p.feature[f].required && !p.feature[f].ok)
			return p.feature[f].why;
	return "?";
}

/* Another network namespace, held by a process that sleeps. */
static inline pid_t stage_peer(void)
{
	int up[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(up), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(up[0]);
		if (unshare(CLONE_NEWNET) || write(up[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(up[1]);
	cr_assert_eq(read(up[0], &c, 1), 1, "no network namespace for the peer");
	close(up[0]);
	return pid;
}

static inline void stage_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
	close(fd);
}

/* Skips the test where the kernel lacks something, by its name. */
static inline void stage_set(struct stage *s)
{
	static int stages; /* a benchmark sets several */
	const char *why = stage_missing();
	struct kernel_probe p;
	char path[400], pid[16];

	if (why)
		cr_skip("kernel tests: %s", why);
	kernel_probe(&p);
	*s = (struct stage){};
	snprintf(s->cgroup, sizeof(s->cgroup), "%s/cordon_test_%d_%d", p.cgroup2, getpid(),
		 ++stages);
	cr_assert_eq(mkdir(s->cgroup, 0700), 0);
	snprintf(s->bpffs, sizeof(s->bpffs), "/tmp/cordon_test_bpffs_%d_%d", getpid(), stages);
	cr_assert_eq(mkdir(s->bpffs, 0700), 0);
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("bpf", s->bpffs, "bpf", 0, NULL), 0);
	snprintf(s->pins, sizeof(s->pins), "%s/cordon", s->bpffs);
	s->peer = stage_peer();
	snprintf(path, sizeof(path), "%s/cgroup.procs", s->cgroup);
	snprintf(pid, sizeof(pid), "%d", getpid());
	stage_write(path, pid);
	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	stage_run("ip link set lo up; ip link add here type veth peer name there netns %d",
		  s->peer);
	stage_run("nsenter -t %d -n ip link set there up; ip link set here up", s->peer);
	for (int i = 1; i <= 3; i++) {
		stage_run("ip addr add 10.%d.0.1/16 dev here; ip addr "
			  "add fd0%d::1/32 dev here nodad",
			  i, i);
		stage_run("nsenter -t %d -n ip addr add 10.%d.0.2/16 dev there", s->peer, i);
		stage_run("nsenter -t %d -n ip addr add fd0%d::2/32 dev there nodad", s->peer, i);
	}
}

static inline void stage_strike(struct stage *s)
{
	char path[400], pid[16];
	char *slash;

	if (!s->peer) /* skipped */
		return;
	kill(s->peer, SIGKILL);
	waitpid(s->peer, NULL, 0);
	snprintf(path, sizeof(path), "%s", s->cgroup);
	slash = strrchr(path, '/');
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/cgroup.procs");
	snprintf(pid, sizeof(pid), "%d", getpid());
	stage_write(path, pid);
	for (int i = 0; i < 100 && rmdir(s->cgroup); i++)
		usleep(20000);
	umount2(s->bpffs, MNT_DETACH);
	rmdir(s->bpffs);
}

/* The peer's side of the test: a socket in its namespace. */
static inline int stage_peer_socket(const struct stage *s, int family, int type, int proto)
{
	char path[64];
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), theirs, fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", s->peer);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(own >= 0 && theirs >= 0 && !setns(theirs, CLONE_NEWNET));
	fd = socket(family, type | SOCK_CLOEXEC, proto);
	cr_assert(fd >= 0 && !setns(own, CLONE_NEWNET));
	close(own);
	close(theirs);
	return fd;
}

/* ---- a policy made by hand: DE allow, CH alert, everything else block; port 5432 is blocked to DE
 * ---- */
#define FIX_CELLS (4 * 2 * 1 * OPENED_COUNT)
struct fixture {
	struct places *places;
	struct table *table;
	struct compiled compiled;
	uint16_t *row_of, *subj_of;
	uint8_t tcp[65536], udp[65536], proto[256];
	uint16_t column_of[KNOWN_COUNT * 2], matrix[FIX_CELLS];
	struct decide_decision decisions[5];
};
enum { FIX_LOCAL, FIX_ALLOW, FIX_ALERT, FIX_BLOCK }; /* rows */

static inline void fixture_places(struct fixture *f, const char *const *files, size_t nfiles)
{
	static const char *const texts[] = {"10.1.0.0/16", "fd01::/32",	  "10.2.0.0/16",
					    "fd02::/32",   "10.3.0.0/16", "fd03::/32"};
	static const uint16_t countries[] = {CC('D', 'E'), CC('U', 'S'), CC('C', 'H')};
	struct place_line lines[6] = {};
	struct diag_sink d = {.fn = stage_log};
	struct places_config cfg = {.files = files, .nfiles = nfiles, .lines = lines, .nlines = 6};

	for (int i = 0; i < 6; i++) {
		cr_assert_eq(cidr_parse(&lines[i].prefix, texts[i]), 0);
		lines[i].country = countries[i / 2];
		lines[i].file = "test";
	}
	cr_assert_eq(places_load(&f->places, &cfg, &d), 0);
	cr_assert_eq(table_build(&f->table, f->places, NULL, 0, &d), 0);
}

static inline uint16_t fixture_row(const struct place *p)
{
	if (p->scope == SCOPE_LOCAL)
		return FIX_LOCAL;
	if (p->country == CC('D', 'E'))
		return FIX_ALLOW;
	return p->country == CC('C', 'H') ? FIX_ALERT : FIX_BLOCK;
}

static inline void fixture_rows(struct fixture *f)
{
	uint32_t n = table_classes(f->table);

	f->row_of = calloc(n, sizeof(*f->row_of));
	f->subj_of = calloc(n, sizeof(*f->subj_of));
	for (uint32_t i = 0; i < n; i++)
		f->row_of[i] = fixture_row(&table_class(f->table, i)->place);
	f->compiled.header = (struct decide_header){
		.classes = n, .rows = 4, .services = 2, .columns = 1, .decisions = 5};
}

static inline struct fixture *fixture_make(const char *const *files, size_t nfiles)
{
	static const uint8_t actions[] = {DECIDE_BLOCK, DECIDE_LOCAL, DECIDE_ALLOW, DECIDE_ALERT,
					  DECIDE_BLOCK};
	static const uint16_t cell[4][2] = {{1, 1}, {2, 4}, {3, 3}, {4, 4}};
	struct fixture *f = calloc(1, sizeof(*f));
	const void *arrays[DECIDE_ARRAYS];
	size_t bytes[DECIDE_ARRAYS];

	fixture_places(f, files, nfiles);
	fixture_rows(f);
	f->tcp[5432] = 1;
	f->udp[5432] = 1;
	for (int i = 0; i < FIX_CELLS; i++)
		f->matrix[i] = cell[i / (2 * OPENED_COUNT)][i / OPENED_COUNT % 2];
	for (uint16_t i = 0; i < 5; i++)
		f->decisions[i] = (struct decide_decision){.action = actions[i], .rule = i};
	memcpy(arrays,
	       (const void *[]){f->row_of, f->subj_of, f->tcp, f->udp, f->proto, f->column_of,
				f->matrix},
	       sizeof(arrays));
	memcpy(bytes,
	       (size_t[]){2ul * f->compiled.header.classes, 2ul * f->compiled.header.classes, 65536,
			  65536, 256, sizeof(f->column_of), sizeof(f->matrix)},
	       sizeof(bytes));
	memcpy(f->compiled.array, arrays, sizeof(arrays));
	memcpy(f->compiled.bytes, bytes, sizeof(bytes));
	f->compiled.decisions = f->decisions;
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	table_free(f->table);
	places_free(f->places);
	free(f->row_of);
	free(f->subj_of);
	free(f);
}

static inline struct kernel *fixture_open(const struct stage *s)
{
	struct diag_sink d = {.fn = stage_log};
	struct kernel_config cfg = {.cgroup = s->cgroup, .pins = s->pins};
	struct kernel *k = NULL;

	cr_assert_eq(kernel_open(&k, &cfg, &d), 0);
	return k;
}

static inline struct kernel_published fixture_publish(struct kernel *k, const struct fixture *f,
						      enum policy_mode mode)
{
	struct kernel_generation g = {.table = f->table, .compiled = &f->compiled, .mode = mode};
	struct diag_sink d = {.fn = stage_log};
	struct kernel_published p = {};

	cr_assert_eq(kernel_publish(k, &g, &p, &d), 0);
	return p;
}
#endif
