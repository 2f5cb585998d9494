/*
 * place.h - what an address is: the one struct that geo makes and rules read.
 *
 * An address has a *place* (country, provider, region, operator's law, status). The places
 * database interns every distinct place; the compiled table maps an address to a *class*: a place
 * plus the set of policy prefixes and ASNs (the *sets* that the policy names) that hold the
 * address. A policy that names no new set keeps all classes.
 */
#ifndef GEO_PLACE_H
#define GEO_PLACE_H
#include <stdint.h>
#include "geo/facts/country.h"
#include "geo/facts/scope.h"

enum place_status {
	PLACE_UNKNOWN, /* no source speaks */
	PLACE_KNOWN,
	PLACE_DISPUTED,	  /* sources differ on inside or outside the EU/EEA */
	PLACE_UNPROVABLE, /* anycast, GLOBAL, a region nobody placed */
};
struct place {
	uint16_t country;      /* country.h; 0 = none */
	uint16_t jurisdiction; /* the law over the operator; 0 = not known */
	uint16_t provider;     /* index for places_string(); 0 = none: infrastructure (aws) */
	uint16_t platform;     /* index; 0 = none: platform on it (heroku) */
	uint16_t region;       /* index; 0 = none */
	uint8_t status;	       /* enum place_status */
	uint8_t scope;	       /* enum place_scope */
};

/* distinct policy sets (prefix lists, ASNs, inside, subject addresses) */
#define PLACE_SETS_MAX 512
struct place_class {
	struct place place;
	const uint64_t *sets; /* bitmap of PLACE_SETS_MAX bits, owned by the table; never NULL */
};
static inline int place_class_in(const struct place_class *c, unsigned set)
{
	return (int)(c->sets[set / 64] >> (set % 64) & 1);
}
#define PLACE_CLASSES_MAX 65535
const char *place_status_name(enum place_status s);
const char *place_scope_name(enum place_scope s);
#endif
