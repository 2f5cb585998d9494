/*
 * places.h - the places database: sources -> claims -> merge -> disjoint ranges of interned
 * places. User space only.
 *
 * A *source* is one file (or the place lines of the policy); a *claim* is what it says of one
 * range. Claims are all kept for explain. Precedence: place lines > provider range file > geofeed
 * > MMDB > country text > registry; within a source the more specific wins. Differ on
 * inside/outside EEA: disputed. Merge is geo/merge/merge.c.
 */
#ifndef GEO_PLACES_H
#define GEO_PLACES_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/base/diag.h"
#include "geo/base/ip.h"
#include "geo/place.h"

enum source_kind {
	SOURCE_PLACE_LINES, /* of the policy */
	/* a provider's range file (AWS, Google, Azure, Oracle, Cloudflare, Fastly, CSV) */
	SOURCE_RANGES,
	SOURCE_GEOFEED,	 /* RFC 8805 */
	SOURCE_MMDB,	 /* country or city */
	SOURCE_TEXT,	 /* tor-geoipdb */
	SOURCE_REGISTRY, /* delegated files of the registries */
	SOURCE_ASN,	 /* ASN MMDB or CSV prefix,asn,org: who operates, never where */
	/* refuted.h: where an address is *not*; disputes a place, never makes one */
	SOURCE_REFUTED,
	SOURCE_KINDS
};

/* One range of one source, as read. Strings are interned in the places (places_intern). */
struct claim {
	struct ip first, last;
	uint16_t country;			      /* 0: the source does not say */
	uint16_t provider, platform, region, service; /* string indices */
	uint16_t jurisdiction;			      /* 0: does not say */
	/* PLACE_KNOWN, or PLACE_UNPROVABLE for anycast, GLOBAL and regions that nobody placed */
	uint8_t status;
	uint8_t grade;	/* enum place_grade; 0: the source's */
	uint8_t reason; /* enum place_reason of an unprovable one */
	uint8_t flags;	/* PLACE_ANYCAST, RELAY, SATELLITE, HOSTING */
	uint8_t inner; /* of a places.mmdb: which of the files in it said where, from 1; 0: not known */
	uint32_t asn;	   /* 0: does not say */
	uint32_t operator; /* string index: AS organisation (above 65535, so not in struct place) */
	uint32_t where;	   /* line, or record number, from 1; 0 = none */
};

struct source {
	enum source_kind kind;
	const char *format; /* "tor-geoipdb", "mmdb", "aws", ... static */
	char *path;	    /* as given */
	char sha256[65];
	int64_t date;  /* when it was made, Unix seconds (source.c); 0: nobody knows */
	char *version; /* syncToken, build epoch, ...; may be NULL */
	uint64_t claims;
	uint64_t v4_ranges, v6_ranges;
	uint8_t grade; /* enum place_grade of what it says of where */
	bool vague; /* comes after its own kind: names no region (goog.json), somebody else's geofeed */
	/* one list of one publisher, whatever the file's name: of two editions the newer speaks */
	char series[24];
	bool superseded; /* by a newer edition: kept as evidence, decides nothing */
};

#define PLACES_NAT64_MAX 16
struct places;

/* A place line of the policy; strings stay the caller's until places_load returns. */
struct place_line {
	struct cidr prefix;
	uint16_t country, jurisdiction;
	const char *provider, *platform, *region, *note; /* NULL = none */
	unsigned line;
	const char *file;
};
struct places_config {
	const char *const *files; /* formats are told by content; none: places_default_files() */
	size_t nfiles;
	const int64_t *dates; /* a date a file where the fetcher knows one, 0 else; NULL: none */
	bool no_files;	      /* not even the default ones: every place is unknown */
	const struct place_line *lines;
	size_t nlines;
	const struct cidr *nat64; /* operator's own NAT64 prefixes (RFC 6052 lengths) */
	size_t nnat64;
	uint16_t home;
};

/* 0 or -errno with a diag that names the file and the place in it; *ret untouched on failure.
 * Thread-free; no globals. */
int places_load(struct places **ret, const struct places_config *cfg, struct diag_sink *d);
void places_free(struct places *p); /* NULL is fine */
/* What all verbs use that were told nothing else: PLACES_BUILT, else the shipped lists and, where they
 * are, tor-geoipdb's two files. */
#define PLACES_BUILT "/var/lib/cordon/places.mmdb"
const char *const *places_default_files(size_t *n, struct diag_sink *d);

uint32_t places_count(const struct places *p); /* distinct places; index 0 is "unknown, global" */
const struct place *places_get(const struct places *p, uint32_t i);
const char *places_string(const struct places *p, uint32_t i); /* "" for 0 */
int places_find_string(const struct places *p, const char *s); /* index or -ENOENT */
const struct cidr *places_nat64(const struct places *p, size_t *n);

/* Disjoint, sorted, covering the whole family; place of the merged sources and special ranges.
 * Owned by p. */
struct range4 {
	uint32_t first, place;
}; /* up to the next range's first - 1 */
struct range6 {
	uint64_t hi, lo;
	uint32_t place;
}; /* host order halves of the first address */
const struct range4 *places_ranges4(const struct places *p, size_t *n);
const struct range6 *places_ranges6(const struct places *p, size_t *n);

uint32_t places_lookup(const struct places *p,
		       const struct ip *ip); /* by binary search; the slow reference for table.h */
size_t places_sources(const struct places *p);
const struct source *places_source(const struct places *p, size_t i);
/* The number (struct place.source) of a source, or of the inner'th file (from 1) in the places.mmdb that it
 * is; and the way back: what has the number, NULL for 0, with the source that was given in *given. */
uint8_t places_number(const struct places *p, size_t source, unsigned inner);
const struct source *places_numbered(const struct places *p, uint8_t number,
				     const struct source **given);
/* Every source's most specific claim for the address, best precedence first; returns how many (at
 * most max). */
struct claim_of {
	const struct source *source;
	struct claim claim;
	char key[64]; /* JSON path or MMDB prefix */
};
size_t places_claims(const struct places *p, const struct ip *ip, struct claim_of *out, size_t max);
/* Addresses an ASN holds according to the SOURCE_ASN sources: ranges appended through fn; 0 ranges
 * when unknown. */
size_t places_asn_ranges(const struct places *p, uint32_t asn,
			 void (*fn)(void *arg, const struct ip *first, const struct ip *last),
			 void *arg);
/* Age in seconds of the oldest source that gives places, at Unix time now. */
int64_t places_age(const struct places *p, int64_t now);
/* Of two editions of one list: over 0 when b is the newer one, under 0 when a is, 0 when nobody can tell. */
int source_newer(const struct source *a, const struct source *b);
/* The day in a file's name, "ServiceTags_Public_20261123.json" or "dbip-2026-11.csv"; 0: none. */
int64_t places_name_date(const char *path);
/* Warns, once a file and region, of the regions that no table places and no other source does. */
void places_warn_regions(const struct places *p, struct diag_sink *d);
#endif
