/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_sums.c - the books: what events tell and declare lost adds up to the kernel's totals, to the
 * packet and byte.
 *
 *     kernel's totals = told by events + waiting in the aggregate + declared lost + not fetched yet
 *
 * The totals are read before the counts are fetched, so 'not fetched yet' is none of them; what is
 * missing after that is lost: a ring was full, a fold had no room, a killed agent had it and did not
 * write it. It is declared (lost-counts) when it is missing twice in a row, for a packet on its way
 * is counted in one place a moment before the other.
 */
#include <inttypes.h>
#include <string.h>
#include "agent/base/loop.h"
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "agent/event/event_text.h"

static bool totals(struct daemon *d, struct event_count sum[EVENT_SUMS])
{
	struct kernel_totals t = {0};
	const struct abi_total *action = t.sum.action, *passed = &t.sum.passed;

	memset(sum, 0, EVENT_SUMS * sizeof(*sum));
	if (!d->kernel || kernel_counters(d->kernel, &t) < 0)
		return false;
	sum[SUM_ALERTED].packets = action[DECIDE_ALERT].packets;
	sum[SUM_ALERTED].bytes = action[DECIDE_ALERT].bytes;
	sum[SUM_WOULD_BLOCK].packets = passed->packets;
	sum[SUM_WOULD_BLOCK].bytes = passed->bytes;
	sum[SUM_BLOCKED].packets = action[DECIDE_BLOCK].packets - passed->packets;
	sum[SUM_BLOCKED].bytes = action[DECIDE_BLOCK].bytes - passed->bytes;
	sum[SUM_BLOCKED].attempts = t.sum.count[ABI_CONNECT_DENIED] + t.sum.count[ABI_SYN_DENIED] +
				    t.sum.count[ABI_OPTION_DENIED];
	return true;
}

static void told(struct daemon *d, enum event_sum s, const struct event_count *c)
{
	struct kernel_told t;

	kernel_told(d->kernel, &t);
	t.sum[s].packets += c->packets;
	t.sum[s].bytes += c->bytes;
	*t.attempts += c->attempts;
}

void daemon_sums_event(struct daemon *d, const struct event *e)
{
	struct event_count c = {.attempts = e->attempts, .packets = e->packets, .bytes = e->bytes};

	if (d->kernel &&
	    (e->kind == EVENT_FLOW || e->kind == EVENT_FLOW_END || e->kind == EVENT_SUMMARY))
		told(d, event_sum_of(e), &c);
}

/* Totals that nobody kept books of: the books begin with them. */
void daemon_sums_start(struct daemon *d)
{
	struct event_count sum[EVENT_SUMS];
	struct kernel_told t;

	kernel_told(d->kernel, &t);
	if (*t.begun || !totals(d, sum))
		return;
	for (int i = 0; i < EVENT_SUMS; i++)
		t.sum[i] = (struct abi_total){sum[i].packets, sum[i].bytes};
	*t.attempts = sum[SUM_BLOCKED].attempts;
	*t.begun = 1;
}

void daemon_sums_before(struct daemon *d)
{
	d->sums_read = totals(d, d->sums);
}

static uint64_t missing(uint64_t total, uint64_t have)
{
	return total > have ? total - have : 0;
}

static uint64_t twice(uint64_t now, uint64_t *before)
{
	uint64_t both = now < *before ? now : *before;

	*before = now - both;
	return both;
}

static void declare(struct daemon *d, const struct event_count lost[EVENT_SUMS])
{
	char text[256] = "";
	size_t at = 0;

	for (int i = SUM_ALERTED; i < EVENT_SUMS; i++) {
		if (!event_count_any(&lost[i]))
			continue;
		at += text_put(text + at, sizeof(text) - at,
			       "%s%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " attempts %s",
			       at ? "; " : "", lost[i].packets, lost[i].bytes, lost[i].attempts,
			       event_sum_name((enum event_sum)i));
		told(d, (enum event_sum)i, &lost[i]);
	}
	daemon_lost(d, text, lost);
}

void daemon_sums_after(struct daemon *d)
{
	struct event_count waiting[EVENT_SUMS] = {0}, lost[EVENT_SUMS] = {0};
	struct kernel_told t;
	bool any = false;

	if (!d->sums_read)
		return;
	d->sums_read = false;
	kernel_told(d->kernel, &t);
	aggregate_waiting(d->aggregate, waiting);
	for (int i = SUM_ALERTED; i < EVENT_SUMS; i++) {
		const struct event_count *sum = &d->sums[i], *w = &waiting[i];
		struct event_count *before = &d->sums_missing[i];

		lost[i].packets = twice(missing(sum->packets, t.sum[i].packets + w->packets),
					&before->packets);
		lost[i].bytes =
			twice(missing(sum->bytes, t.sum[i].bytes + w->bytes), &before->bytes);
		if (i == SUM_BLOCKED)
			lost[i].attempts = twice(missing(sum->attempts, *t.attempts + w->attempts),
						 &before->attempts);
		any |= event_count_any(&lost[i]);
	}
	if (any)
		declare(d, lost);
}
