/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * books.c - what the kernel counted and no row tells.
 *
 * Rows run ahead of the totals or behind them by what was under way when both were read; that lag comes
 * and goes, a loss stays. So the smaller of two minutes' lags is a loss, and at the end all of it is.
 *
 *     sum of totals = sum of rows + lag, at every minute, exactly
 */
#include "agent/ledger/ledger_private.h"
#include "rules/decide.h"

/* How much of the lag is for good. */
static uint64_t loss(int64_t before, int64_t now, bool last)
{
	int64_t least = last || now < before ? now : before;

	return least > 0 ? (uint64_t)least : 0;
}

/* Totals that went back are those of a new life, whatever it is called. */
static bool fewer(const struct ledger_totals *now, const struct ledger_totals *before)
{
	bool less = false;

	for (unsigned c = 0; c < LEDGER_CLASSES; c++)
		less |= now->packets[c] < before->packets[c] || now->bytes[c] < before->bytes[c];
	return less;
}

/* Moves what *part claims out of *whole: no more than is there. */
static void take(uint64_t *part, uint64_t *whole)
{
	*part = *part < *whole ? *part : *whole;
	*whole -= *part;
}

/* A ledger from before there was this class: all that passed, but for this minute's rows, was told. */
static void passed_before(struct books *b, const struct minute *m)
{
	struct ledger_totals told = m->totals, now = m->sum;

	take(&now.packets[LEDGER_PASSED], &told.packets[LEDGER_PASSED]);
	take(&now.bytes[LEDGER_PASSED], &told.bytes[LEDGER_PASSED]);
	b->seen.packets[LEDGER_PASSED] = told.packets[LEDGER_PASSED];
	b->seen.bytes[LEDGER_PASSED] = told.bytes[LEDGER_PASSED];
	b->has_passed = true;
}

static uint64_t close_one(uint64_t grew, uint64_t rows, int64_t *lag, bool last)
{
	int64_t now = *lag + (int64_t)(grew - rows);
	uint64_t lost = loss(*lag, now, last);

	*lag = now;
	return lost;
}

void books_close(struct books *b, const struct minute *m, bool last, struct ledger_totals *grew,
		 struct ledger_totals *rest)
{
	if (!b->has_passed && m->epoch == b->epoch)
		passed_before(b, m);
	if (m->epoch != b->epoch || fewer(&m->totals, &b->seen))
		b->seen = (struct ledger_totals){0};
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		grew->packets[c] = m->totals.packets[c] - b->seen.packets[c];
		grew->bytes[c] = m->totals.bytes[c] - b->seen.bytes[c];
		rest->packets[c] =
			close_one(grew->packets[c], m->sum.packets[c], &b->lag_packets[c], last);
		rest->bytes[c] = close_one(grew->bytes[c], m->sum.bytes[c], &b->lag_bytes[c], last);
		if (c == LEDGER_PASSED) { /* of what block misses, this part was not stopped */
			take(&rest->packets[c], &rest->packets[DECIDE_BLOCK]);
			take(&rest->bytes[c], &rest->bytes[DECIDE_BLOCK]);
		}
		b->lag_packets[c] -= (int64_t)rest->packets[c];
		b->lag_bytes[c] -= (int64_t)rest->bytes[c];
	}
	b->seen = m->totals;
	b->epoch = m->epoch;
	b->has_passed = true;
}
