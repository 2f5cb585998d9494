/* SPDX-License-Identifier: BSD-2-Clause */
/* state_fuzz.c - any bytes as a file that the agent keeps or is given: what distance refuted, geo.conf, the last good
 * policy and places, the ledger of gaps, the boot's choice. The first byte says which. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/cmd/geo_conf.h"
#include "agent/daemon/gap.h"
#include "agent/daemon/last_good.h"
#include "geo/base/ip.h"
#include "geo/distance/refuted.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/cordon-state-fuzz-XXXXXX";

static void remove_all(void)
{
	static const char *const names[] = {"last/manifest.json", "last",	  "gaps.jsonl",
					    "gaps.open.jsonl",	  "gaps.jsonl.1", "alive"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)remove(path);
	}
	(void)rmdir(directory);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static int entry(void *arg, const struct refuted_entry *e, unsigned line)
{
	(void)arg;
	if ((e->prefix.addr.v != 4 && e->prefix.addr.v != 6) || !line)
		abort();
	return 0;
}

static void refuted(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct diag_sink quiet = {0};
	struct refuted_text t = {.file = "refuted", .text = text, .len = size, .d = &quiet};

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	if (refuted_parse(&t, entry, NULL) == 0 && !isnan(t.home[0]) &&
	    (fabs(t.home[0]) > 90 || fabs(t.home[1]) > 180))
		abort();
	free(text);
}

static void geo_conf(const uint8_t *data, size_t size)
{
	struct diag_sink quiet = {0};
	struct geo_conf c = {0};

	(void)geo_conf_read(&c, file_of(data, size), &quiet);
	geo_conf_free(&c);
}

static void last_good(const uint8_t *data, size_t size)
{
	struct last_good l = {0};

	put("last/manifest.json", data, size);
	if (last_good_read(&l, directory) == 0) {
		if (l.nplaces > LAST_GOOD_PLACES_MAX)
			abort();
		(void)last_good_whole(&l.policy);
	}
}

static void gaps(const char *name, const uint8_t *data, size_t size)
{
	struct gaps *g = NULL;

	put("gaps.jsonl", data, 0);
	put("gaps.open.jsonl", data, 0);
	put(name, data, size);
	if (gap_start(&g, directory, false, NULL, NULL) == 0)
		gap_end(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;
	char sub[64];

	if (!made) {
		if (!mkdtemp(directory))
			abort();
		snprintf(sub, sizeof(sub), "%s/last", directory);
		if (mkdir(sub, 0700) < 0)
			abort();
		atexit(remove_all);
		made = true;
	}
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		refuted(data + 1, size - 1);
		break;
	case 1:
		geo_conf(data + 1, size - 1);
		break;
	case 2:
		last_good(data + 1, size - 1);
		break;
	default:
		gaps(data[0] & 4 ? "gaps.open.jsonl" : "alive", data + 1, size - 1);
	}
	return 0;
}
