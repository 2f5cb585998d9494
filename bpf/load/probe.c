/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.c - what this kernel can do: every feature is tried, none is guessed from a version.
 *
 * Tiny programs are loaded (and the cgroup one is attached to a cgroup that lives for a moment and
 * holds no process), then everything is let go again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "bpf/load/cgroup2.h"
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"

#define BTF_VMLINUX "/sys/kernel/btf/vmlinux"

static const char *const feature_names[FEATURE_COUNT] = {
	[FEATURE_PRIVILEGE] = "privileges",	[FEATURE_BTF] = "btf",
	[FEATURE_CGROUP2] = "cgroup2",		[FEATURE_BPFFS] = "bpffs",
	[FEATURE_SKB] = "cgroup_skb",		[FEATURE_CONNECT] = "cgroup connect and sendmsg",
	[FEATURE_RINGBUF] = "ring buffer",	[FEATURE_STORAGE] = "socket storage",
	[FEATURE_STATE] = "socket state trace", [FEATURE_ITERATOR] = "socket iterator",
};

const char *kernel_feature_name(enum kernel_feature f)
{
	return (unsigned)f < FEATURE_COUNT ? feature_names[f] : "";
}

static void __attribute__((format(printf, 3, 4)))
probe_no(struct kernel_probe *p, enum kernel_feature f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->feature[f].why, sizeof(p->feature[f].why), fmt, ap);
	va_end(ap);
	p->feature[f].ok = false;
}

static bool has_cap(const struct __user_cap_data_struct c[2], int cap)
{
	return c[cap / 32].effective >> (cap % 32) & 1;
}

static void probe_privilege(struct kernel_probe *p)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct c[2] = {};

	if (syscall(SYS_capget, &h, c)) {
		probe_no(p, FEATURE_PRIVILEGE, "cannot read the capabilities: %s", strerror(errno));
		return;
	}
	p->feature[FEATURE_PRIVILEGE].ok =
		has_cap(c, CAP_SYS_ADMIN) ||
		(has_cap(c, CAP_BPF) && has_cap(c, CAP_NET_ADMIN) && has_cap(c, CAP_PERFMON));
	if (!p->feature[FEATURE_PRIVILEGE].ok)
		probe_no(p, FEATURE_PRIVILEGE,
			 "needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run it as root");
}

static void probe_btf(struct kernel_probe *p)
{
	if (access(BTF_VMLINUX, R_OK))
		probe_no(p, FEATURE_BTF, "%s: %s (a kernel with CONFIG_DEBUG_INFO_BTF is needed)",
			 BTF_VMLINUX, strerror(errno));
	else
		p->feature[FEATURE_BTF].ok = true;
}

static void probe_cgroup2(struct kernel_probe *p)
{
	p->feature[FEATURE_CGROUP2].ok = !cgroup2_mount(p->cgroup2, sizeof(p->cgroup2));
	if (!p->cgroup2[0])
		probe_no(p, FEATURE_CGROUP2, "not mounted (mount -t cgroup2 none /sys/fs/cgroup)");
}

static void probe_bpffs(struct kernel_probe *p)
{
	struct diag_sink quiet = {};

	p->feature[FEATURE_BPFFS].ok = !pin_bpffs(KERNEL_PINS, &quiet);
	if (!p->feature[FEATURE_BPFFS].ok)
		probe_no(p, FEATURE_BPFFS, "cannot mount a BPF file system on /sys/fs/bpf");
}

/* return 1 */
static int prog_try(enum bpf_prog_type type, enum bpf_attach_type attach)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = attach);
	int fd = bpf_prog_load(type, "cordon_probe", "Dual BSD/GPL", insns, 2, &o);

	return fd < 0 ? -errno : fd;
}

/* This process' own cgroup below the mount, "/" and all; "" when it cannot be told. */
static void own_cgroup(char ret[256])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[300];

	ret[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "0::/", 4) == 0 && strlen(line + 3) < 256)
			memcpy(ret, line + 3, strlen(line + 3) + 1);
	}
	if (f)
		fclose(f);
}

/* The root of cgroup2 is r-x for its owner: a service without CAP_DAC_OVERRIDE makes directories
 * below its own only. */
static int probe_directory(const struct kernel_probe *p, char *ret, size_t size)
{
	char own[256];

	snprintf(ret, size, "%s/cordon_probe_%d", p->cgroup2, getpid());
	if (!mkdir(ret, 0700))
		return 0;
	own_cgroup(own);
	snprintf(ret, size, "%s%s/cordon_probe_%d", p->cgroup2, own, getpid());
	return mkdir(ret, 0700) ? -errno : 0;
}

/* In a cgroup of its own, without processes: nothing is judged by it. */
static int attach_try(const struct kernel_probe *p, int prog, enum bpf_attach_type type)
{
	_close_ int cgroup = -1;
	_close_ int link = -1;
	char path[448];
	int err = probe_directory(p, path, sizeof(path));

	if (err)
		return err;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup >= 0)
		link = bpf_link_create(prog, cgroup, type, NULL);
	if (link < 0)
		err = -errno;
	cleanup_close(&link);
	cleanup_close(&cgroup);
	rmdir(path);
	return err;
}

static void probe_hook(struct kernel_probe *p, enum kernel_feature f, enum bpf_prog_type type,
		       const enum bpf_attach_type *attach, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_close_ int fd = prog_try(type, attach[i]);
		int err = fd < 0 ? fd : 0;

		if (err) {
			probe_no(p, f, "the kernel does not load the program: %s", strerror(-err));
			return;
		}
		if (p->cgroup2[0])
			err = attach_try(p, fd, attach[i]);
		if (err) {
			probe_no(p, f, "cannot attach to a cgroup below %s: %s", p->cgroup2,
				 strerror(-err));
			return;
		}
	}
	p->feature[f].ok = true;
}

static void probe_ringbuf(struct kernel_probe *p)
{
	_close_ int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "cordon_probe", 0, 0,
					(uint32_t)getpagesize(), NULL);

	p->feature[FEATURE_RINGBUF].ok = fd >= 0;
	if (fd < 0)
		probe_no(p, FEATURE_RINGBUF, "%s (kernel 5.8 is needed)", strerror(errno));
}

/* The observer is what uses these: it is loaded as it is, one program at a time. */
static void probe_observer(struct kernel_probe *p, enum kernel_feature f, const char *program)
{
	struct observe_bpf *o = observe_bpf__open();
	struct bpf_program *prog;
	int err;

	libbpf_log_begin();
	if (!o) {
		probe_no(p, f, "cannot open the program: %s", strerror(errno));
		return;
	}
	bpf_object__for_each_program(prog, o->obj)
		bpf_program__set_autoload(prog, strcmp(bpf_program__name(prog), program) == 0);
	err = observe_bpf__load(o);
	p->feature[f].ok = !err;
	if (err)
		probe_no(p, f, "%s (%.100s)", strerror(-err), libbpf_log_text());
	observe_bpf__destroy(o);
}

int kernel_probe(struct kernel_probe *ret)
{
	const enum bpf_attach_type skb[] = {BPF_CGROUP_INET_EGRESS};
	const enum bpf_attach_type addr[] = {BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT,
					     BPF_CGROUP_UDP4_SENDMSG, BPF_CGROUP_UDP6_SENDMSG};
	struct utsname u;

	*ret = (struct kernel_probe){};
	for (int f = 0; f < FEATURE_COUNT; f++)
		ret->feature[f].required = f != FEATURE_CONNECT && f != FEATURE_ITERATOR;
	if (!uname(&u))
		snprintf(ret->release, sizeof(ret->release), "%.63s", u.release);
	probe_cgroup2(ret);
	probe_btf(ret);
	probe_privilege(ret);
	if (!ret->feature[FEATURE_PRIVILEGE].ok) {
		for (int f = FEATURE_BPFFS; f < FEATURE_COUNT; f++)
			probe_no(ret, (enum kernel_feature)f, "not tried: no privileges");
		return -EPERM;
	}
	probe_bpffs(ret);
	probe_hook(ret, FEATURE_SKB, BPF_PROG_TYPE_CGROUP_SKB, skb, 1);
	probe_hook(ret, FEATURE_CONNECT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, addr, 4);
	probe_ringbuf(ret);
	probe_observer(ret, FEATURE_STORAGE, "sock_create");
	probe_observer(ret, FEATURE_STATE, "sock_state");
	probe_observer(ret, FEATURE_ITERATOR, "live_flows");
	if (!ret->feature[FEATURE_ITERATOR].ok)
		probe_observer(ret, FEATURE_ITERATOR, "live_files");
	for (int f = 0; f < FEATURE_COUNT; f++)
		if (ret->feature[f].required && !ret->feature[f].ok)
			return -ENOTSUP;
	return 0;
}
