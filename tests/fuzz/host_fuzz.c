/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_fuzz.c - any bytes as what the kernel says of this host: files of /proc, messages of netlink, and records of the
 * ring. The first byte says which.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/host/netlink.c" /* its messages come from the kernel only: no socket gives them */
#include "agent/host/frames.h"
#include "agent/host/process.h"
#include "agent/host/socket.h"
#include "bpf/load/kernel_private.h"
#include "geo/base/utf8.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/cordon-host-fuzz-XXXXXX";
static const char *const files[] = {"7/stat",	  "7/status",	   "7/cmdline", "7/cgroup",
				    "net/packet", "net/protocols", "net/raw",	"net/raw6"};
#define FILES (sizeof(files) / sizeof(*files))

static const char *below(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void put(const char *name, const void *data, size_t size)
{
	int fd = open(below(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void leave(void)
{
	for (size_t i = 0; i < FILES; i++)
		(void)unlink(below(files[i]));
	(void)rmdir(below("7"));
	(void)rmdir(below("net"));
	(void)rmdir(root);
}

static void begin(void)
{
	if (!mkdtemp(root) || mkdir(below("7"), 0700) < 0 || mkdir(below("net"), 0700) < 0)
		abort();
	atexit(leave);
}

static void valid(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	for (size_t i = 0; i < n;) {
		unsigned k = utf8_length(s + i, n - i);

		if (!k)
			abort();
		i += k;
	}
}

/* One file is the input, the others are as the kernel writes them. */
static void process(unsigned which, const uint8_t *data, size_t size)
{
	static const char stat[] =
		"7 (a b) S 1 7 7 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 4242 1 1 1 "
		"4096 8192 12288 0 0\n";
	static const char status[] = "Name:\tx\nUid:\t0\t33\t0\t0\n";
	static const char cgroup[] = "0::/system.slice/x.service\n";
	struct process p = {.pid = 7};
	struct processes *ps;

	put(files[0], stat, sizeof(stat) - 1);
	put(files[1], status, sizeof(status) - 1);
	put(files[2], "/bin/x\0-y\0", 10);
	put(files[3], cgroup, sizeof(cgroup) - 1);
	put(files[which % 4], data, size);
	if (processes_new(&ps, root, NULL) < 0)
		abort();
	if (processes_lookup(ps, &p) == 0) {
		char container[PROCESS_CONTAINER_MAX];

		valid(p.comm);
		valid(p.cmdline);
		valid(p.cgroup);
		valid(p.unit);
		if (p.cgroup)
			valid(process_container(container, p.cgroup));
	}
	processes_free(ps);
}

static void net(unsigned which, const uint8_t *data, size_t size)
{
	struct flow_key k = {.src = {.v = 4}, .dst = {.v = 4}, .proto = 1};
	struct frames f;
	uint64_t inode;

	put(files[4 + which % 4], data, size);
	if (frames_read(&f, below("net")) == 0 && f.n > FRAMES_MAX)
		abort();
	(void)socket_raw(&inode, below("net"), &k);
	k.src.v = k.dst.v = 6;
	(void)socket_raw(&inode, below("net"), &k);
}

static void address(void *arg, const struct ip *ip, bool on)
{
	(void)arg;
	(void)on;
	if (ip->v != 4 && ip->v != 6)
		abort();
}

static void device(void *arg)
{
	(void)arg;
}

static void messages(const uint8_t *data, size_t size)
{
	struct netlink h = {.fd = -1, .fn = address, .device = device};
	char *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	(void)on_messages(&h, exact, (ssize_t)size);
	free(exact);
}

/* What the programs hand up: whatever stands in it, the record has an end, and addresses of a kind. */
static void record(const uint8_t *data, size_t size)
{
	static const struct kernel k;
	struct abi_record a = {0};
	struct kernel_record r;

	memcpy(&a, data, size < sizeof(a) ? size : sizeof(a));
	record_of(&k, &r, &a);
	if (!memchr(r.comm, 0, sizeof(r.comm)) || r.last_ns < r.first_ns)
		abort();
	if ((r.src.v && r.src.v != 4 && r.src.v != 6) || (r.dst.v && r.dst.v != 4 && r.dst.v != 6))
		abort();
	if ((unsigned)r.folded >= ABI_FOLDEDS ||
	    (r.opened != OPENED_HERE && r.opened != OPENED_PEER) || (r.has_icmp && r.has_port))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;

	if (!made)
		begin();
	made = true;
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		process(data[0] / 4u, data + 1, size - 1);
		break;
	case 1:
		net(data[0] / 4u, data + 1, size - 1);
		break;
	case 2:
		messages(data + 1, size - 1);
		break;
	default:
		record(data + 1, size - 1);
	}
	return 0;
}
