/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * places_fuzz.c - any bytes as a source of places, whatever format they look like: no crash, no
 * leak, an error says why, and what loads gives the same answer from the compiled table as from the
 * ranges.
 *
 * make -s build/fuzz/places_fuzz, then: build/fuzz/places_fuzz CORPUS tests/geo/fixtures
 * ../shared/mmdb/test-data with LSAN_OPTIONS=suppressions=tests/fuzz/places.supp: libmaxminddb 1.7
 * drops what it had of broken metadata
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "geo/lookup/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(void *arg, const struct diag *d)
{
	*(int *)arg += d->level == DIAG_ERROR && d->text && *d->text;
}

static void same(const struct places *p, const struct table *t, const struct ip *ip)
{
	const struct place *a = places_get(p, places_lookup(p, ip));

	if (memcmp(a, &table_class(t, table_lookup(t, ip))->place, sizeof(*a)))
		abort();
}

static struct ip ip6(uint64_t hi, uint64_t lo)
{
	struct ip ip = {.v = 6};

	for (int i = 0; i < 8; i++) {
		ip.b[i] = (uint8_t)(hi >> (56 - 8 * i));
		ip.b[8 + i] = (uint8_t)(lo >> (56 - 8 * i));
	}
	return ip;
}

/* At every boundary, and one before it. */
static void compare(const struct places *p, const struct table *t)
{
	size_t n4, n6;
	const struct range4 *r4 = places_ranges4(p, &n4);
	const struct range6 *r6 = places_ranges6(p, &n6);
	struct claim_of claims[16];
	struct ip ip;

	for (size_t i = 0; i < n4; i++) {
		ip = ip_from_v4(r4[i].first);
		same(p, t, &ip);
		places_claims(p, &ip, claims, 16);
		if (ip_prev(&ip))
			same(p, t, &ip);
	}
	for (size_t i = 0; i < n6; i++) {
		ip = ip6(r6[i].hi, r6[i].lo);
		same(p, t, &ip);
		places_claims(p, &ip, claims, 16);
		if (ip_prev(&ip))
			same(p, t, &ip);
	}
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n <= 0)
			return -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int errors = 0, fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct diag_sink d = {.fn = say, .arg = &errors};
	char path[40];
	const char *const files[] = {path};
	struct places *p;
	struct table *t;

	if (fd < 0 || write_all(fd, data, size))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (places_load(&p, &(struct places_config){.files = files, .nfiles = 1}, &d)) {
		if (!errors)
			abort();
	} else {
		if (table_build(&t, p, NULL, 0, &d))
			abort();
		compare(p, t);
		table_free(t);
		places_free(p);
	}
	close(fd);
	return 0;
}
