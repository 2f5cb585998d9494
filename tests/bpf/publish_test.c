/* SPDX-License-Identifier: BSD-2-Clause */
/* publish_test.c - programs load, swap and decide: the first packets. */
#include "tests/bpf/fixture.h"

static struct stage stage;

static void setup(void)
{
	stage_set(&stage);
}

static void teardown(void)
{
	stage_strike(&stage);
}

TestSuite(publish, .init = setup, .fini = teardown);

static int send_udp(const char *to, uint16_t port)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool six = strchr(to, ':');
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), err;

	inet_pton(AF_INET, to, &a4.sin_addr);
	inet_pton(AF_INET6, to, &a6.sin6_addr);
	if (connect(fd, six ? (void *)&a6 : (void *)&a4, six ? sizeof(a6) : sizeof(a4)))
		err = -errno;
	else
		err = send(fd, "hello", 5, 0) == 5 ? 0 : -errno;
	close(fd);
	return err;
}

/* Also with the programs for devices; nothing is attached, nothing stays. */
Test(publish, programs_of_any_policy_load)
{
	char why[320] = "";

	cr_expect_eq(kernel_probe_programs(KERNEL_DEVICES_NONE, why, sizeof(why)), 0, "%s", why);
	cr_expect_eq(kernel_probe_programs(KERNEL_DEVICES_ALL, why, sizeof(why)), 0, "%s", why);
	cr_expect_eq(send_udp("10.2.0.2", 443), 0, "nothing is judged");
	cr_expect_neq(access(stage.pins, F_OK), 0, "nothing is pinned");
}

Test(publish, a_refusal_is_named)
{
	char why[320] = "";
	pid_t pid = fork();
	int status;

	if (!pid) /* nobody: the kernel takes nothing from it */
		_exit(setresuid(65534, 65534, 65534) ||
		      kernel_probe_programs(KERNEL_DEVICES_NONE, why, sizeof(why)) >= 0 ||
		      !strstr(why, "Operation not permitted"));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}

Test(publish, decides_by_place_and_port)
{
	static const struct {
		const char *to;
		uint16_t port;
		int want;
	} rows[] = {
		{"10.1.0.2", 443, 0},	  {"10.1.0.2", 5432, -EPERM}, {"10.2.0.2", 443, -EPERM},
		{"10.3.0.2", 443, 0},	  {"fd01::2", 443, 0},	      {"fd01::2", 5432, -EPERM},
		{"fd02::2", 443, -EPERM}, {"fd03::2", 443, 0},	      {"127.0.0.1", 443, 0},
	};
	struct fixture *f = fixture_make(NULL, 0);
	struct kernel *k = fixture_open(&stage);
	struct kernel_published p = fixture_publish(k, f, MODE_ENFORCE);

	fprintf(stderr, "    load %.1f ms fill %.1f ms swap %.3f ms table %zu\n",
		(double)p.ns_load / 1e6, (double)p.ns_fill / 1e6, (double)p.ns_swap / 1e6,
		p.table_bytes);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(send_udp(rows[i].to, rows[i].port), rows[i].want, "%s %d", rows[i].to,
			     rows[i].port);
	kernel_mode(k, MODE_MONITOR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(send_udp(rows[i].to, rows[i].port), 0, "monitor: %s %d", rows[i].to,
			     rows[i].port);
	cr_assert_eq(kernel_detach(k, &(struct diag_sink){.fn = stage_log}), 0);
	cr_expect_eq(send_udp("10.2.0.2", 443), 0, "detached");
	fixture_free(f);
}
