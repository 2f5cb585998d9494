/* SPDX-License-Identifier: BSD-2-Clause */
/* recipient.h - who is behind a name: organisation, service, site, law, and the endpoint in the EU
 * (geo/data/recipients.def). */
#ifndef GEO_FACTS_RECIPIENT_H
#define GEO_FACTS_RECIPIENT_H
#include <stdbool.h>
#include <stddef.h>

struct recipient {
	const char *suffix, *organisation, *service;
	const char *site; /* eu, global, or a country in small letters */
	const char *law;  /* ISO 3166-1 */
	const char *eu;	  /* the endpoint in the EU; NULL: it is that already, or none is known */
	const char *source;
	const char *checked; /* the day on which the source was read; NULL: nobody did */
};
/* The row with the longest suffix of whole labels; NULL: nobody that is known. name in lower case. */
const struct recipient *recipient_find(const char *name);
/* The i-th row, NULL past the end. */
const struct recipient *recipient_at(size_t i);
#endif
