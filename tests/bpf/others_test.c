/* SPDX-License-Identifier: BSD-2-Clause */
/* others_test.c - programs of somebody else are found without an agent, ours are not taken for theirs. */
#include <net/if.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "tests/bpf/policy.h"

static struct stage stage;

static void setup(void)
{
	stage_set(&stage);
}

static void teardown(void)
{
	stage_strike(&stage);
}

TestSuite(others, .init = setup, .fini = teardown, .timeout = 300);

static int stranger(enum bpf_prog_type type, enum bpf_attach_type attach, int returns)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = returns},
		{.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = attach);
	int fd = bpf_prog_load(type, "stranger", "Dual BSD/GPL", insns, 2, &o);

	cr_assert_geq(fd, 0);
	return fd;
}

static bool there(const struct kernel_other *o, int n, const char *where)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(o[i].where, where) && !strcmp(o[i].name, "stranger") && o[i].program)
			return true;
	return false;
}

Test(others, a_stranger_is_found_and_ours_is_not_one)
{
	struct loaded *l = loaded_make(STAGE_PLACES "block to any\n");
	struct kernel_other o[KERNEL_NEIGHBOURS_MAX];
	struct kernel *k = fixture_open(&stage);
	int cgroup = open(stage.cgroup, O_RDONLY | O_DIRECTORY), egress, xdp, link;
	unsigned lo = if_nametoindex("lo");

	loaded_publish(k, l, MODE_MONITOR);
	cr_expect_eq(kernel_others(o, KERNEL_NEIGHBOURS_MAX, stage.cgroup, stage.pins), 0,
		     "the agent's own are none");
	egress = stranger(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 1);
	link = bpf_link_create(egress, cgroup, BPF_CGROUP_INET_EGRESS, NULL);
	cr_assert_geq(link, 0);
	xdp = stranger(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS);
	cr_assert_eq(bpf_xdp_attach((int)lo, xdp, 0, NULL), 0);
	cr_expect_eq(kernel_others(o, KERNEL_NEIGHBOURS_MAX, stage.cgroup, stage.pins), 2);
	cr_expect(there(o, 2, "egress"), "on the control group");
	cr_expect(there(o, 2, "xdp lo"), "on the device");
	cr_expect_eq(kernel_others(o, 1, stage.cgroup, stage.pins), 1,
		     "no more than there is room for");
	cr_expect_eq(bpf_xdp_detach((int)lo, 0, NULL), 0);
	close(link);
	cr_expect_eq(kernel_others(o, KERNEL_NEIGHBOURS_MAX, stage.cgroup, stage.pins), 0);
	cr_expect_eq(kernel_others(o, KERNEL_NEIGHBOURS_MAX, "/nowhere", stage.pins), -ENOENT);
	close(cgroup), close(egress), close(xdp);
	kernel_detach(k, NULL);
	loaded_free(l);
}
