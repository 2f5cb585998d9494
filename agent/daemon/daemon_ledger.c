/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_ledger.c - the ledger beside what else is remembered, and the kernel's totals for it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"

#define LEDGER_FILE "ledger.db"

static bool totals_of(const struct daemon *d, struct ledger_totals *ret)
{
	struct kernel_totals t;

	if (!d->kernel || kernel_counters(d->kernel, &t) < 0)
		return false;
	for (unsigned v = 0; v < LEDGER_VERDICTS; v++) {
		ret->packets[v] = t.sum.action[v].packets;
		ret->bytes[v] = t.sum.action[v].bytes;
	}
	ret->packets[LEDGER_PASSED] = t.sum.passed.packets;
	ret->bytes[LEDGER_PASSED] = t.sum.passed.bytes;
	return true;
}

/* The totals live as long as the boot. */
static uint64_t epoch_of(const struct daemon *d)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (const char *p = d->identity.boot_id; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ull;
	return h >> 1;
}

void daemon_ledger_start(struct daemon *d)
{
	struct diag_print p;
	char path[512];
	int r;

	if (!d->kernel || !d->cfg.state || access(d->cfg.state, W_OK) < 0)
		return;
	text_put(path, sizeof(path), "%s/" LEDGER_FILE, d->cfg.state);
	diag_print_init(&p, stderr);
	r = ledger_open(&d->ledger, path, d->identity.name, &p.sink);
	diag_print_done(&p);
	if (r == 0 && kernel_ledger_new(&d->kernel_ledger, d->ledger, epoch_of(d)) < 0)
		r = -ENOMEM;
	if (r < 0)
		daemon_tell(d, "ledger-failed", "%s: cannot be opened: %s; no sums are kept", path,
			    strerror(-r));
}

void daemon_ledger_second(struct daemon *d)
{
	struct ledger_totals t;
	struct ledger_state s;

	if (!d->ledger || !totals_of(d, &t))
		return;
	ledger_minute(d->ledger, (int64_t)(loop_unix_ns() / LOOP_SECOND), &t, epoch_of(d));
	ledger_state(d->ledger, &s);
	if (s.error && !d->ledger_error)
		daemon_tell(d, "ledger-failed",
			    "the ledger cannot be written: %s; it is tried again",
			    strerror(-s.error));
	d->ledger_error = s.error;
}

/* After the last records, before the kernel is left. */
void daemon_ledger_stop(struct daemon *d)
{
	struct ledger_totals t;

	if (d->ledger && totals_of(d, &t))
		ledger_finish(d->ledger, &t, epoch_of(d));
	ledger_close(d->ledger);
	d->ledger = NULL;
}

json_t *daemon_ledger_status(struct daemon *d)
{
	struct ledger_state s;

	if (!d->ledger)
		return json_null();
	ledger_state(d->ledger, &s);
	return json_pack("{sIsIsIsIsIso}", "rows", (json_int_t)s.rows, "minutes",
			 (json_int_t)s.minutes, "other", (json_int_t)s.other,
			 "unattributed_packets", (json_int_t)s.unattributed_packets, "lost_packets",
			 (json_int_t)s.lost_packets, "error",
			 s.error ? json_string(strerror(-s.error)) : json_null());
}
