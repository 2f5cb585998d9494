/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt_test.c - what the next agent finds when pins are gone or of another version, and what the
 * running one puts back.
 */
#include <sys/mman.h>
#include <bpf/bpf.h>
#include "tests/bpf/policy.h"

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

TestSuite(adopt, .init = setup, .fini = teardown, .timeout = 300);

static const char policy_a[] = STAGE_PLACES "block to US\nallow to DE\nblock to any\n";

static int pin_open(const char *name)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/%s", stage.pins, name);
	return bpf_obj_get(path);
}

static void pin_remove(const char *name)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/%s", stage.pins, name);
	unlink(path);
}

static struct abi_settings *settings_of(int fd)
{
	struct abi_settings *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert_neq(s, MAP_FAILED);
	close(fd);
	return s;
}

/* Each row: what is gone or changed while no agent runs. The mode in force is found all the same,
 * numbers go on, and where new settings were made they say so before anything reads them. */
Test(adopt, the_mode_in_force_is_found_whatever_became_of_the_pins)
{
	static const struct {
		const char *name, *gone[3];
		bool version, counts;
	} rows[] = {
		{"nothing", {NULL}, false, true},
		{"images", {"images"}, false, true},
		{"settings", {"settings"}, false, true},
		{"three", {"settings", "slots", "counters"}, false, true},
		{"version", {NULL}, true, false},
		{"version and settings", {"settings", "folds"}, true, false},
	};
	struct loaded *l = loaded_make(policy_a);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct kernel *k = fixture_open(&stage);
		struct kernel_totals before, after;
		struct abi_settings *s;
		struct kernel_status st;
		struct kernel_left left;
		uint32_t number;

		loaded_publish(k, l, MODE_ENFORCE);
		kernel_requested(k, true);
		cr_expect_eq(stage_udp("10.1.0.2"), 0);
		cr_assert_eq(kernel_counters(k, &before), 0);
		kernel_status(k, &st);
		number = st.generation;
		kernel_close(k);
		s = settings_of(pin_open("settings"));
		if (rows[i].version)
			s->version--;
		for (int n = 0; n < 3 && rows[i].gone[n]; n++)
			pin_remove(rows[i].gone[n]);
		k = fixture_open(&stage);
		munmap(s, sizeof(*s));
		kernel_left(k, &left);
		cr_expect(left.found && left.attached && left.mode == MODE_ENFORCE, "%s",
			  rows[i].name);
		cr_expect(left.requested || rows[i].version, "%s", rows[i].name);
		s = settings_of(pin_open("settings"));
		cr_expect_eq(s->mode, MODE_ENFORCE, "%s: new settings in a weaker mode",
			     rows[i].name);
		munmap(s, sizeof(*s));
		cr_assert_eq(kernel_counters(k, &after), 0);
		if (rows[i].counts)
			cr_expect_eq(after.sum.action[DECIDE_ALLOW].packets,
				     before.sum.action[DECIDE_ALLOW].packets,
				     "%s: totals died with the agent", rows[i].name);
		loaded_publish(k, l, MODE_ENFORCE);
		cr_expect_eq(stage_udp("10.2.0.2"), -EPERM, "%s", rows[i].name);
		cr_expect_eq(stage_udp("10.1.0.2"), 0, "%s", rows[i].name);
		kernel_status(k, &st);
		if (!rows[i].version)
			cr_expect_gt(st.generation, number, "%s: a number given twice",
				     rows[i].name);
		kernel_counters(k, &after);
		if (rows[i].counts)
			cr_expect_eq(after.sum.action[DECIDE_ALLOW].packets,
				     before.sum.action[DECIDE_ALLOW].packets + 1, "%s",
				     rows[i].name);
		kernel_detach(k, &quiet);
	}
}

static struct kernel_finding one_finding(struct kernel *k, const char *what)
{
	struct kernel_finding f[KERNEL_FINDINGS_MAX] = {};
	int blind, n = kernel_guard(k, f, KERNEL_FINDINGS_MAX, &blind);

	cr_expect(n == 1 && !blind, "%s: %d findings, blind %d", what, n, blind);
	cr_expect_eq(f[0].error, 0, "%s: not put back: %d", what, f[0].error);
	n = kernel_guard(k, &f[1], KERNEL_FINDINGS_MAX - 1, &blind);
	cr_expect_eq(n, 0, "%s: found again", what);
	return f[0];
}

Test(adopt, what_somebody_changes_is_found_and_put_back)
{
	struct loaded *l = loaded_make(policy_a);
	struct kernel *k = fixture_open(&stage);
	struct kernel_finding f[KERNEL_FINDINGS_MAX];
	struct bpf_insn yes[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
				 {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_CGROUP_INET_EGRESS);
	struct abi_settings *s;
	int prog, link, blind;
	char path[160], other[160];

	loaded_publish(k, l, MODE_ENFORCE);
	cr_expect_eq(kernel_guard(k, f, KERNEL_FINDINGS_MAX, &blind), 0, "all was well");
	prog = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "yes", "GPL", yes, 2, &o);
	cr_assert_geq(prog, 0);
	link = pin_open("link_egress");
	cr_assert_eq(bpf_link_update(link, prog, NULL), 0);
	close(prog);
	cr_expect_eq(one_finding(k, "another program").fault, KERNEL_FAULT_PROGRAM);
	cr_assert_eq(bpf_link_detach(link), 0);
	close(link);
	/* a new link is made: its pin is renewed with it */
	cr_expect_eq(one_finding(k, "detached").fault, KERNEL_FAULT_DETACHED);
	s = settings_of(pin_open("settings"));
	s->mode = MODE_MONITOR;
	cr_expect_eq(one_finding(k, "mode").fault, KERNEL_FAULT_MODE);
	cr_expect_eq(s->mode, MODE_ENFORCE);
	munmap(s, sizeof(*s));
	pin_remove("link_connect4");
	cr_expect_eq(one_finding(k, "no pin").fault, KERNEL_FAULT_PIN_GONE);
	snprintf(path, sizeof(path), "%s/own", stage.pins);
	snprintf(other, sizeof(other), "%s/images", stage.pins);
	cr_assert_eq(rename(path, other), 0);
	cr_expect_eq(kernel_guard(k, f, KERNEL_FINDINGS_MAX, &blind), 2, "own gone, images other");
	cr_expect_eq(kernel_guard(k, f, KERNEL_FINDINGS_MAX, &blind), 0);
	cr_expect_eq(stage_udp("10.2.0.2"), -EPERM);
	kernel_detach(k, &quiet);
}
