/* SPDX-License-Identifier: BSD-2-Clause */
/* exec.c - the kernel's note of what a process ran, put together: the path's components came leaf
 * first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include "bpf/load/kernel_private.h"

static void path_of(const struct abi_image *i, char *ret, size_t size)
{
	__u32 n = i->parts < ABI_IMAGE_PARTS ? i->parts : ABI_IMAGE_PARTS;
	size_t at = 0;

	ret[0] = 0;
	if (n == ABI_IMAGE_PARTS)
		at += (size_t)snprintf(ret, size, "...");
	while (n-- && at < size) {
		int len =
			snprintf(ret + at, size - at, "/%.*s", (int)sizeof(i->part[n]), i->part[n]);

		if (len < 0)
			break;
		at += (size_t)len;
	}
}

int kernel_exec(struct kernel *k, int32_t pid, uint64_t start_ns, uint32_t exec,
		struct kernel_exec *ret)
{
	struct abi_image_key key = {.start_boot = start_ns, .pid = (__u32)pid, .exec = exec};
	struct abi_image i;

	if (bpf_map_lookup_elem(k->state[STATE_IMAGES], &key, &i))
		return -errno;
	memset(ret, 0, sizeof(*ret));
	path_of(&i, ret->exe, sizeof(ret->exe));
	ret->length = i.length < sizeof(i.arguments) ? i.length : sizeof(i.arguments);
	memcpy(ret->arguments, i.arguments, ret->length);
	if (i.cut) {
		memcpy(ret->arguments + ret->length, "...", 3);
		ret->length += 3;
	}
	return 0;
}
