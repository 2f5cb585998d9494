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
/* How good the evidence is for where a place is, the best first. A better grade is not disputed by a
 * worse one when it is the operator's own word. */
enum place_grade {
	GRADE_NONE,
	GRADE_CONFIGURED,  /* a place line of the policy */
	GRADE_OPERATOR,	   /* the operator's own list of prefixes with their regions */
	GRADE_GEOFEED,	   /* the operator's own geofeed */
	GRADE_THIRD_PARTY, /* somebody else's geofeed */
	GRADE_MEASURED,	   /* a country database */
	GRADE_REGISTRY,	   /* where the addresses are registered, which is not where machines are */
	GRADES
};
/* Why a place is not simply known. */
enum place_reason {
	REASON_NONE,
	REASON_ANYCAST,	 /* one address, machines in many places; GLOBAL of a provider */
	REASON_REGION,	 /* its region is in no table */
	REASON_UNLISTED, /* its operator publishes where its prefixes are, and does not list it */
	REASON_REGISTRY, /* its operator's registry country says nothing of where machines are */
	REASON_WITHHELD, /* a geofeed asks not to place it */
	REASON_TWICE,	 /* its operator publishes it in two places */
	REASON_SOURCES,	 /* sources differ on inside or outside of the EEA */
	REASON_DISTANCE, /* the speed of light refuted the country */
	REASONS
};
/* flags of a place */
#define PLACE_ANYCAST	 1u
#define PLACE_RELAY	 2u /* a VPN, proxy, relay or Tor exit: not where the data goes */
#define PLACE_SATELLITE	 4u
#define PLACE_HOSTING	 8u
#define PLACE_EU_DIFFERS 16u /* sources name two countries of the EEA, one of them outside the EU */
#define PLACE_STALE	 32u /* older than the policy's max-age; the engine sets it */

struct place {
	uint16_t country;      /* country.h; 0 = none */
	uint16_t jurisdiction; /* the law over the operator; 0 = not known */
	uint16_t provider;     /* index for places_string(); 0 = none: infrastructure (aws) */
	uint16_t platform;     /* index; 0 = none: platform on it (heroku) */
	uint16_t region;       /* index; 0 = none */
	uint8_t status;	       /* enum place_status */
	uint8_t scope;	       /* enum place_scope */
	uint8_t grade;	       /* enum place_grade, of the claim that decided where */
	uint8_t reason;	       /* enum place_reason */
	uint8_t flags;	       /* PLACE_* */
	uint8_t source;	       /* the source that decided where: places_numbered(); 0 = none */
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
const char *place_grade_name(enum place_grade g);   /* "operator-list"; "" for none */
const char *place_reason_name(enum place_reason r); /* "region-unknown"; "" for none */
const char *place_reason_text(enum place_reason r); /* a sentence's end; "" for none */
#endif
