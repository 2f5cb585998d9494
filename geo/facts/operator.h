/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * operator.h - who operates an address, and whose law the operator is under: the parent's, wherever
 * the machine stands.
 *
 * An operator is infrastructure (aws) or a platform on somebody's infrastructure (heroku on aws):
 * two fields of a place. Tables operators.tsv (a source a row), asns.tsv and names.tsv of
 * geo/data/facts. Certificates and what a host cannot see: law.h.
 */
#ifndef GEO_FACTS_OPERATOR_H
#define GEO_FACTS_OPERATOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * For who judges a place (merge, rules, explain):
 *
 *  laws		  the chain of laws over the operator: the company that operates, then its parents, up to the
 *			  ultimate one. Exoscale: CH, AT (A1), MX (America Movil). Each reaches the data.
 *  jurisdiction	  the one of them that a place carries: the first that is outside of the EEA, else the first.
 *  publishes_regions	  the operator says itself where its prefixes stand: one that is its own by AS number or
 *			  name and that its list does not have is unprovable, whatever a country database says.
 *  registry_says_nothing  one registration covers machines all over the world (Meta, CDNs, relays): a country
 *			  of registry grade proves nothing of it; only its own list or geofeed does.
 *  anycast		  even its own list can say no country.
 */
#define OPERATOR_LAWS 4
struct operator_entry {
	const char *key;	      /* as rules name it: "aws", "heroku"; lower case */
	const char *name;	      /* "Amazon Web Services" */
	uint16_t jurisdiction;	      /* see above, as are those without a comment here */
	uint16_t laws[OPERATOR_LAWS]; /* first to ultimate; 0 ends it */
	bool platform;		      /* runs on others' machines */
	bool anycast;
	bool publishes_regions;
	bool registry_says_nothing;
	/* platform: the one infrastructure it runs on ("aws"), "" when several or unknown */
	const char *on;
	const char *note;	   /* what a reader of the law must know besides, or "" */
	const char *source, *date; /* where and on which day the row was read */
	bool checked;		   /* false: the source is named, not read */
};
struct operator_asn {
	uint32_t asn;
	const char *key;
};
/* How an AS organisation's name begins: whole words, lower case. */
struct operator_name {
	const char *words, *key;
};

/* By key ("aws"), by name ("Amazon Web Services") or by an AS organisation ("Amazon.com, Inc."),
 * case ignored. Organisations match whole leading words of operator_names.tsv. NULL when not known.
 */
const struct operator_entry *operator_find(const char *name);
const struct operator_entry *operator_by_key(const char *key); /* exact key only */
const struct operator_entry *operator_by_asn(uint32_t asn);    /* never proves a country */
/* Is the country one of the operator's laws? false for 0. */
bool operator_under(const struct operator_entry *o, uint16_t country);
const struct operator_entry *operator_row(size_t i); /* NULL past the end; sorted by key */
uint32_t operator_asn_row(size_t i,
			  const char **key); /* row i of the AS table, 0 past the end; sorted */
#endif
