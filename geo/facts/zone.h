/* zone.h - built-in sets of countries, each with its source and the dates it holds for.
 * geo/data/facts/zones.tsv is the table. */
#ifndef GEO_FACTS_ZONE_H
#define GEO_FACTS_ZONE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone { ZONE_EU, ZONE_EEA, ZONE_ADEQUATE, ZONE_ADEQUATE_CONDITIONAL, ZONE_COUNT };
int zone_find(const char *name); /* enum zone or -ENOENT */
const char *zone_name(enum zone z);
bool zone_has(enum zone z, uint16_t country, int64_t at); /* at: Unix seconds */
/* Row i of the zone's table, false past the end: country, from/until Unix seconds (0 = open), the
 * legal act. */
struct zone_row {
	uint16_t country;
	int64_t from, until;
	const char *source, *date; /* the legal act; the day the row was made */
	bool checked;		   /* false: the act is named, not read */
};
bool zone_row(enum zone z, size_t i, struct zone_row *ret);
#endif
