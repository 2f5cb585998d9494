/* SPDX-License-Identifier: BSD-2-Clause */
/* import.c - one transaction for all of it; what is never rolled up stays in minutes. */
#include "agent/ledger/import.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/ledger/ledger_private.h"

#define SPAN_MAX (366 * 86400ll)

struct ledger_import {
	struct store *store;
	struct minute *minute; /* the rows that go in next */
	char *path;
};

static void drop(struct ledger_import *l)
{
	if (!l)
		return;
	store_close(l->store);
	minute_free(l->minute);
	free(l->path);
	free(l);
}

int ledger_import_open(struct ledger_import **ret, const char *path, const char *host,
		       struct diag_sink *d)
{
	struct ledger_import *l;
	int e = 0;

	if (access(path, F_OK) == 0) {
		diag_error(d, path, 0, "is there already: what is in it would be counted twice");
		return -EEXIST;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->path = strdup(path);
	e = l->path ? minute_new(&l->minute) : -ENOMEM;
	e = e ? e : store_open(&l->store, path, host, d);
	e = e ? e : store_begin(l->store);
	if (e < 0) {
		drop(l);
		return e;
	}
	*ret = l;
	return 0;
}

static int flush(struct ledger_import *l, int64_t next)
{
	int e = l->minute->rows ? store_flows(l->store, l->minute) : 0;

	minute_clear(l->minute, next);
	return e;
}

int ledger_import_add(struct ledger_import *l, const struct ledger_key *k,
		      const struct ledger_sum *s)
{
	int64_t at = (int64_t)(s->first_ns / 1000000000), start = at - at % 60;
	int e = 0;

	if (start != l->minute->start || l->minute->rows == LEDGER_KEYS)
		e = flush(l, start);
	if (e == 0 && !minute_add(l->minute, k, s))
		e = -ENOMEM;
	return e;
}

int ledger_import_span(struct ledger_import *l, int64_t from, int64_t to)
{
	int e = 0;

	if (to - from > SPAN_MAX)
		return 0;
	for (int64_t t = from - from % 60; t <= to && e == 0; t += 60)
		e = store_lived(l->store, t);
	return e;
}

int ledger_import_close(struct ledger_import *l, struct diag_sink *d)
{
	int e = flush(l, 0);

	(void)d;
	e = e ? e : store_commit(l->store);
	if (e == 0)
		drop(l);
	return e;
}

void ledger_import_abandon(struct ledger_import *l)
{
	static const char *const part[] = {"", "-wal", "-shm"};
	char path[4200];

	if (!l)
		return;
	store_close(l->store);
	l->store = NULL;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", l->path, part[i]);
		unlink(path);
	}
	drop(l);
}
