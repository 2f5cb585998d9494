/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap_test.c - no packet to a blocked place gets out while policies change, agents die and others
 * take over; and no packet to an allowed place is lost to it. Counted at the peer, and by the
 * senders.
 */
#include <linux/if_packet.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include "tests/bpf/policy.h"

#define RELOADS 300 /* tests/live/crash_live.sh does 1,000 through the whole agent */

static struct stage stage;
static struct diag_sink quiet;

static void setup(void)
{
	stage_set(&stage);
}

static void teardown(void)
{
	stage_strike(&stage);
}

TestSuite(swap, .init = setup, .fini = teardown, .timeout = 900);

static const char policy_a[] = STAGE_PLACES "block to US\nallow to DE\nblock to any\n";
static const char policy_b[] = STAGE_PLACES "allow to DE\nalert to CH\nblock to any\n";
static const char policy_c[] =
	STAGE_PLACES "block to 10.2.7.0/24\nallow to DE\nblock to any\n"; /* another table */

/* ---- senders ---- */
struct flood {
	volatile uint64_t sent, refused, allowed_lost;
	volatile int stop;
	pid_t pid[2];
};

/* UDP to a blocked and to an allowed address in turn. */
static void flood_udp(struct flood *f)
{
	struct sockaddr_in us = stage_address("10.2.0.2", 9000),
			   de = stage_address("10.1.0.2", 9000);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	while (!f->stop) {
		if (sendto(fd, "us", 2, 0, (void *)&us, sizeof(us)) < 0)
			f->refused++;
		else
			f->sent++;
		if (sendto(fd, "de", 2, 0, (void *)&de, sizeof(de)) < 0 && errno == EPERM)
			f->allowed_lost++;
	}
}

/* TCP: connects (they meet the connect hook), and SYNs by a raw socket (they do not). */
static void flood_tcp(struct flood *f)
{
	struct sockaddr_in us = stage_address("10.2.0.2", 9000);
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	uint8_t syn[20] = {1, 2, 0x23, 0x28, [12] = 0x50, [13] = 0x02};

	while (!f->stop) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(fd, (void *)&us, sizeof(us)) < 0 && errno == EPERM)
			f->refused++;
		close(fd);
		if (sendto(raw, syn, sizeof(syn), 0, (void *)&us, sizeof(us)) < 0)
			f->refused++;
		else
			f->sent++;
	}
}

static struct flood *flood_start(void)
{
	struct flood *f =
		mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void (*const run[2])(struct flood *) = {flood_udp, flood_tcp};

	for (int i = 0; i < 2; i++) {
		f->pid[i] = fork();
		if (!f->pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)!nice(19); /* the reloads are what the test waits for */
			run[i](f);
			_exit(0);
		}
	}
	return f;
}

static void flood_stop(struct flood *f)
{
	f->stop = 1;
	for (int i = 0; i < 2; i++)
		waitpid(f->pid[i], NULL, 0);
}

/* Packets at the peer whose destination is the blocked address. */
static int sniff_open(void)
{
	int fd = stage_peer_socket(&stage, AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_IP)),
	    room = 8 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static uint64_t sniff_leaks(int fd, uint64_t *all)
{
	uint64_t leaks = 0;
	uint8_t b[64];

	while (recv(fd, b, sizeof(b), MSG_TRUNC) > 0) {
		leaks += !memcmp(b + 16, (uint8_t[]){10, 2, 0, 2}, 4);
		++*all;
	}
	return leaks;
}

Test(swap, reloads_leak_nothing)
{
	struct loaded *l[3] = {loaded_make(policy_a), loaded_make(policy_b), loaded_make(policy_c)};
	struct kernel *k = fixture_open(&stage);
	uint64_t leaks = 0, seen = 0;
	int sniff = sniff_open(), reused = 0;
	struct flood *f;

	loaded_publish(k, l[0], MODE_ENFORCE);
	f = flood_start();
	for (int i = 0; i < RELOADS; i++) {
		reused += loaded_publish(k, l[i % 50 == 49 ? 2 : i % 2], MODE_ENFORCE).table_reused;
		leaks += sniff_leaks(sniff, &seen);
	}
	flood_stop(f);
	leaks += sniff_leaks(sniff, &seen);
	cr_expect_eq(leaks, 0, "%lu packets leaked of %lu attempts", leaks, f->refused + f->sent);
	cr_expect_eq(f->sent, 0, "%lu sends were not refused", f->sent);
	cr_expect_eq(f->allowed_lost, 0, "%lu sends to an allowed place were refused",
		     f->allowed_lost);
	cr_expect(f->refused > RELOADS && seen > RELOADS, "the flood was no flood: %lu, %lu",
		  f->refused, seen);
	cr_expect(reused >= RELOADS * 9 / 10 && reused < RELOADS, "the table was reused %d times",
		  reused);
	fprintf(stderr,
		"    %d reloads, %lu refused, %lu allowed packets seen, table reused %d times\n",
		RELOADS, f->refused, seen, reused);
	kernel_detach(k, &quiet);
}

/* An agent in another process; returns when it has published. */
static pid_t agent_start(const struct loaded *l)
{
	int up[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(up), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct kernel *k = fixture_open(&stage);

		loaded_publish(k, l, MODE_ENFORCE);
		if (write(up[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(up[1]);
	cr_assert_eq(read(up[0], &c, 1), 1);
	close(up[0]);
	return pid;
}

Test(swap, killed_agent_leaves_the_verdict_and_the_next_adopts_it)
{
	struct loaded *l = loaded_make(policy_a);
	uint64_t leaks = 0, seen = 0;
	int sniff = sniff_open();
	struct kernel_status st;
	struct flood *f = NULL;

	for (int round = 0; round < 5; round++) {
		pid_t pid = agent_start(l);

		if (!f)
			f = flood_start();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		usleep(100000); /* nobody but the pins */
		leaks += sniff_leaks(sniff, &seen);
	}
	struct kernel *k = fixture_open(&stage);

	cr_assert_eq(kernel_status(k, &st), 0);
	cr_expect(st.adopted && st.generation == 0 && st.mode == MODE_ENFORCE);
	cr_expect(st.hook[0].attached && st.hook[0].prog_id, "the packet hook is in force");
	loaded_publish(k, l, MODE_ENFORCE);
	usleep(50000);
	flood_stop(f);
	leaks += sniff_leaks(sniff, &seen);
	cr_expect_eq(leaks, 0);
	cr_expect_eq(f->sent, 0);
	cr_expect_eq(f->allowed_lost, 0);
	cr_expect_gt(seen, 100);
	kernel_detach(k, &quiet);
}

static void keep_text(void *arg, const struct diag *d)
{
	snprintf(arg, 200, "%s", d->text);
}

Test(swap, second_agent_is_told)
{
	char text[200] = "";
	struct diag_sink d = {.fn = keep_text, .arg = text};
	struct kernel_config cfg = {.cgroup = stage.cgroup, .pins = stage.pins};
	struct kernel *k = fixture_open(&stage), *second = NULL;

	cr_expect_eq(kernel_open(&second, &cfg, &d), -EBUSY);
	cr_expect(!second && strstr(text, "another agent"), "%s", text);
	kernel_close(k);
	cr_expect_eq(kernel_open(&k, &cfg, &d), 0, "%s", text);
	kernel_detach(k, &quiet);
}

Test(swap, failed_publish_keeps_the_old)
{
	struct loaded *l = loaded_make(policy_a);
	struct kernel *k = fixture_open(&stage);
	struct compiled broken = *l->compiled;
	struct kernel_generation g = {.table = l->table, .compiled = &broken, .mode = MODE_MONITOR};
	char text[200] = "";
	struct diag_sink d = {.fn = keep_text, .arg = text};
	struct kernel_status st;

	loaded_publish(k, l, MODE_ENFORCE);
	broken.bytes[DECIDE_MATRIX] = ABI_ARRAY_BYTES_MAX + 1;
	cr_expect_eq(kernel_publish(k, &g, NULL, &d), -E2BIG);
	cr_expect(strstr(text, "r_matrix"), "%s", text);
	g.ncgroups = ABI_CGROUPS_MAX + 1;
	broken = *l->compiled;
	cr_expect_eq(kernel_publish(k, &g, NULL, &d), -E2BIG);
	kernel_status(k, &st);
	cr_expect(st.generation == 1 && st.mode == MODE_ENFORCE);
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM);
	cr_expect_eq(stage_udp("10.1.0.2"), 0);
	kernel_detach(k, &quiet);
}

Test(swap, another_version_of_the_state_is_replaced_and_said)
{
	struct loaded *l = loaded_make(policy_a);
	struct kernel *k = fixture_open(&stage);
	char text[200] = "", path[120];
	struct diag_sink d = {.fn = keep_text, .arg = text};
	struct kernel_config cfg = {.cgroup = stage.cgroup, .pins = stage.pins};
	struct abi_settings *s;
	struct kernel_left left;
	int fd;

	loaded_publish(k, l, MODE_ENFORCE);
	kernel_trial(k, UINT64_MAX / 2);
	kernel_close(k);
	snprintf(path, sizeof(path), "%s/settings", stage.pins);
	fd = bpf_obj_get(path);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(s, MAP_FAILED);
	s->version = ABI_VERSION + 1;
	cr_assert_eq(kernel_open(&k, &cfg, &d), 0);
	cr_expect(strstr(text, "another version"), "%s", text);
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM,
		     "the old programs stand until the next generation");
	kernel_left(k, &left);
	cr_expect_eq(left.mode, MODE_ENFORCE);
	cr_expect_eq(left.trial_until, UINT64_MAX / 2, "a trial would be enforcement for good");
	loaded_publish(k, l, MODE_ENFORCE);
	munmap(s, sizeof(*s));
	close(fd);
	fd = bpf_obj_get(path);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(s, MAP_FAILED);
	cr_expect_eq(s->version, ABI_VERSION);
	cr_expect_eq(s->trial_until, UINT64_MAX / 2, "in the new settings too");
	munmap(s, sizeof(*s));
	close(fd);
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM);
	cr_expect_eq(stage_udp("10.1.0.2"), 0);
	kernel_detach(k, &quiet);
}

/* ---- whose packets the devices' programs judge ---- */
struct scope {
	const volatile struct abi_settings *settings;
	volatile int stop;
	uint64_t none;
};

static void *scope_watch(void *arg)
{
	struct scope *w = arg;

	while (!w->stop)
		w->none += w->settings->scope_cgroup == 0;
	return NULL;
}

Test(swap, the_scope_of_devices_stands_through_publications_and_agents)
{
	struct loaded *l = loaded_make(policy_a);
	struct kernel *k = fixture_open(&stage);
	struct kernel_config cfg = {.cgroup = stage.cgroup, .pins = stage.pins};
	struct scope w = {};
	char path[120];
	pthread_t t;
	int fd;

	loaded_publish(k, l, MODE_ENFORCE);
	snprintf(path, sizeof(path), "%s/settings", stage.pins);
	fd = bpf_obj_get(path);
	w.settings = mmap(NULL, sizeof(*w.settings), PROT_READ, MAP_SHARED, fd, 0);
	cr_assert_neq(w.settings, MAP_FAILED);
	cr_assert_neq(w.settings->scope_cgroup, 0);
	cr_assert_eq(pthread_create(&t, NULL, scope_watch, &w), 0);
	for (int i = 0; i < 30; i++) {
		if (i % 10 == 9) {
			kernel_close(k);
			cr_assert_eq(kernel_open(&k, &cfg, &quiet), 0);
		}
		loaded_publish(k, l, MODE_ENFORCE);
	}
	w.stop = 1;
	pthread_join(t, NULL);
	cr_expect_eq(w.none, 0, "for %" PRIu64 " looks no packet would have been judged", w.none);
	munmap((void *)w.settings, sizeof(*w.settings));
	close(fd);
	kernel_detach(k, &quiet);
}

Test(swap, forced_detach_is_seen_and_mended)
{
	struct loaded *l = loaded_make(policy_a);
	struct kernel *k = fixture_open(&stage);
	struct kernel_status st;
	char path[120];
	int fd;

	loaded_publish(k, l, MODE_ENFORCE);
	kernel_status(k, &st);
	for (size_t i = 0; i < st.nhooks; i++)
		cr_expect(st.hook[i].attached && strlen(st.hook[i].tag) == 16, "%s",
			  st.hook[i].name);
	snprintf(path, sizeof(path), "%s/link_egress", stage.pins);
	fd = bpf_obj_get(path);
	cr_assert_eq(bpf_link_detach(fd), 0);
	close(fd);
	kernel_status(k, &st);
	cr_expect(!st.hook[0].attached, "nobody noticed");
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM, "sendmsg4 still refuses");
	loaded_publish(k, l, MODE_ENFORCE);
	kernel_status(k, &st);
	cr_expect(st.hook[0].attached);
	kernel_detach(k, &quiet);
	cr_expect_eq(stage_udp("10.2.0.2"), 0, "detach is an uninstall");
	cr_expect(access(stage.pins, F_OK) && errno == ENOENT, "the pins are still there");
}

/* ---- subjects ---- */
struct unresolved {
	uint64_t cgroup;
	int n;
};

static void keep_unresolved(void *arg, uint64_t cgroup)
{
	struct unresolved *u = arg;

	u->cgroup = cgroup;
	u->n++;
}

Test(swap, cgroups_are_asked_for_once_and_unknown_is_not_allowed)
{
	struct loaded *l =
		loaded_make(STAGE_PLACES "allow from cgroup \"/here\" to DE\nblock to any\n");
	struct kernel *k = fixture_open(&stage);
	struct unresolved u = {};
	struct kernel_status st;

	cr_assert(l->compiled->header.needs & DECIDE_NEEDS_CGROUP);
	loaded_publish(k, l, MODE_ENFORCE);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(stage_udp("10.1.0.2"), -EPERM);
	kernel_on_unresolved(k, keep_unresolved, &u);
	kernel_unresolved(k);
	kernel_status(k, &st);
	cr_expect(u.n == 1 && u.cgroup == st.cgroup_id, "asked %d times for %lu", u.n, u.cgroup);
	cr_assert_eq(kernel_cgroup_set(k, u.cgroup, compiled_cgroup_mask(l->compiled, "/here")), 0);
	cr_expect_eq(stage_udp("10.1.0.2"), 0);
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM);
	cr_assert_eq(
		kernel_cgroup_set(k, u.cgroup, compiled_cgroup_mask(l->compiled, "/elsewhere")), 0);
	cr_expect_eq(stage_udp("10.1.0.2"), -EPERM);
	kernel_detach(k, &quiet);
}

static int try_as(uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(setuid(uid) ? 99 : -stage_udp("10.1.0.2"));
	waitpid(pid, &status, 0);
	return -WEXITSTATUS(status);
}

Test(swap, users_and_source_addresses_are_subjects)
{
	struct loaded *l =
		loaded_make(STAGE_PLACES "allow from user nobody to DE\n"
					 "allow from address 10.3.0.0/16 to CH\nblock to any\n");
	struct kernel *k = fixture_open(&stage);

	cr_assert(l->compiled->header.needs & DECIDE_NEEDS_USER &&
		  l->compiled->header.needs & DECIDE_NEEDS_SOURCE);
	loaded_publish(k, l, MODE_ENFORCE);
	cr_expect_eq(try_as(65534), -EPERM);
	cr_assert_eq(kernel_user_set(k, 65534, compiled_user_mask(l->compiled, "nobody", 65534)),
		     0);
	cr_expect_eq(try_as(65534), 0);
	cr_expect_eq(try_as(1), -EPERM);
	cr_expect_eq(stage_udp("10.3.0.2"), 0, "our address there is 10.3.0.1");
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM);
	kernel_detach(k, &quiet);
}
