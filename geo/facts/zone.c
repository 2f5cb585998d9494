/* SPDX-License-Identifier: BSD-2-Clause */
/* zone.c - the built-in zones: geo/data/zones.def read as of a date. */
#include <errno.h>
#include <string.h>
#include "geo/facts/country.h"
#include "geo/facts/zone.h"

/* Days from 1970-01-01 of a proleptic Gregorian date, as a constant: years start in March. */
#define SHIFTED(y, m) ((y) - ((m) <= 2))
#define MONTH(m)      ((m) + ((m) > 2 ? -3 : 9))
#define DAYS(y, m, d)                                                                              \
	(SHIFTED(y, m) * 365LL + SHIFTED(y, m) / 4 - SHIFTED(y, m) / 100 + SHIFTED(y, m) / 400 +   \
	 (153 * MONTH(m) + 2) / 5 + (d)-1 - 719468)
#define DATE(y, m, d) (DAYS(y, m, d) * 86400LL)
#define OPEN	      0

struct row {
	enum zone zone;
	struct zone_row row;
};

static const struct row rows[] = {
#define ZONE_ROW(z, a, b, from, until, source) {ZONE_##z, {CC(a, b), from, until, source}},
#include "geo/data/zones.def"
#undef ZONE_ROW
};

static const char *const names[] = {
	[ZONE_EU] = "eu",
	[ZONE_EEA] = "eea",
	[ZONE_ADEQUATE] = "adequate",
	[ZONE_ADEQUATE_CONDITIONAL] = "adequate-conditional",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == ZONE_COUNT, "every zone has a name");
_Static_assert(DATE(2000, 3, 1) == 951868800 && DATE(2026, 1, 27) == 1769472000, "DATE");

int zone_find(const char *name)
{
	for (int i = 0; i < ZONE_COUNT; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -ENOENT;
}

const char *zone_name(enum zone z)
{
	return (unsigned)z < ZONE_COUNT ? names[z] : "";
}

/* The EEA is the EU and three states more: its rows are both. */
static bool row_in(const struct row *r, enum zone z)
{
	return r->zone == z || (z == ZONE_EEA && r->zone == ZONE_EU);
}

bool zone_has(enum zone z, uint16_t country, int64_t at)
{
	for (size_t i = 0; country && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct zone_row *r = &rows[i].row;

		if (r->country == country && row_in(&rows[i], z) && (!r->from || at >= r->from) &&
		    (!r->until || at < r->until))
			return true;
	}
	return false;
}

bool zone_row(enum zone z, size_t i, struct zone_row *ret)
{
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		if (row_in(&rows[k], z) && i-- == 0) {
			*ret = rows[k].row;
			return true;
		}
	}
	return false;
}
