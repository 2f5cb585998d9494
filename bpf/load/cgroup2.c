/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup2.c - finds the mount of cgroup2 in mountinfo. */
#include <errno.h>
#include <string.h>
#include "bpf/load/cgroup2.h"
#include "geo/base/cleanup.h"

static char *word(char **at)
{
	char *s = *at + strspn(*at, " "), *end = s + strcspn(s, " ");

	*at = *end ? end + 1 : end;
	*end = 0;
	return *s ? s : NULL;
}

/* mountinfo: "36 35 98:0 /root /mount options ... - fstype source super"; spaces in names are \040.
 */
static void mount_line(char *line, char *buf, size_t size)
{
	char *root = NULL, *at, *dash = strstr(line, " - cgroup2 ");

	if (!dash)
		return;
	*dash = 0;
	for (int i = 0; i < 4; i++)
		root = word(&line);
	at = word(&line);
	if (!at || !root || strcmp(root, "/") != 0 || strchr(at, '\\') || strlen(at) >= size)
		return;
	if (!buf[0] || strlen(at) < strlen(buf))
		memcpy(buf, at, strlen(at) + 1);
}

int cgroup2_mount(char *ret, size_t size)
{
	_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_free_ char *line = NULL;
	size_t cap = 0;

	ret[0] = 0;
	if (!f)
		return -errno;
	while (getline(&line, &cap, f) > 0)
		mount_line(line, ret, size);
	return ret[0] ? 0 : -ENOENT;
}
