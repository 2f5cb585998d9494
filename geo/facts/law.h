/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * law.h - what is known of an operator besides its seat: certification for French health data,
 * qualification by ANSSI, and what a host cannot see of it. Each row has its source, the day it
 * was read, and whether that source could be read or only somebody's word for it.
 */
#ifndef GEO_FACTS_LAW_H
#define GEO_FACTS_LAW_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Hosts of health data (hebergeur de donnees de sante, Code de la sante publique L.1111-8);
 * configuration: geo.conf may say otherwise. */
struct law_hds {
	const char *key;	/* operator */
	const char *status;	/* "certified", "certified except activity 5", ... */
	const char *version;	/* of the referential: "v2.0", or "" when nobody could check */
	const char *activities; /* "1 2 3 4 5 6" or "" */
	const char *regions;	/* globs of the regions certified, spaces between; "" = not known */
	const char *until;	/* YYYY-MM-DD, or "" */
	bool checked;		/* false: the source is somebody's word */
	const char *source, *date;
};
/* Does it hold for this region? Never outside of the EEA, whatever the certificate's list. */
enum law_hds_at {
	LAW_HDS_HERE,
	LAW_HDS_ELSEWHERE,	/* certified, yet not for this region */
	LAW_HDS_REGION_UNKNOWN, /* the region, or the certificate's list of them, is not known */
};
const struct law_hds *law_hds(const char *key); /* NULL: nothing known */
enum law_hds_at law_hds_at(const struct law_hds *h, const char *region, uint16_t country,
			   int64_t at); /* at: Unix seconds */
const char *law_hds_at_text(enum law_hds_at at);

/* SecNumCloud: an offer, not a company, is qualified. */
struct law_secnumcloud {
	const char *key, *offer, *version; /* "3.2" */
	const char *status;		   /* "qualified", "in progress" */
	const char *from, *until;	   /* YYYY-MM-DD, YYYY-MM or "" */
	bool checked;
	const char *source, *date;
};
/* What no packet shows: where backups go, who administers. */
struct law_fact {
	const char *key, *text;
	bool checked;
	const char *source, *date;
};
/* Row i of the operator's, NULL past the last. */
const struct law_secnumcloud *law_secnumcloud(const char *key, size_t i);
const struct law_fact *law_fact(const char *key, size_t i);
#endif
