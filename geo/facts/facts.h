/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.h - the shipped facts: where they are, which version, and the lists of prefixes among them.
 *
 * A directory of tables (geo/data/facts, installed as PREFIX/share/cordon/facts) is read at the
 * first question; region.h, operator.h, law.h and zone.h answer from it. A program that lives long
 * asks facts_renew() for a newer one; what was read once stays in memory, so that no pointer into
 * it ever dangles. Nothing of it is compiled in: a new region needs no new binary. The file FACTS there
 * names every other file with its size and SHA-256; one that differs, lacks or does not read is an
 * error of the whole directory, and then every table is empty: no zone has a country, no region
 * stands anywhere, no operator is known. A program that judges by them asks facts_open() first and
 * stops when it fails, since with no operator known 'block ... jurisdiction US' would match nothing.
 *
 * Where: $CORDON_DATA/facts when CORDON_DATA is set, and nowhere else then. Else the directory
 * share/cordon/facts beside the program, one above it (/usr/bin -> /usr/share) or two above it
 * (build/tests/geo -> build/share, what make copies there from geo/data); and FACTS_INSTALLED,
 * where 'cordon geo bundle install' puts a newer one: the higher serial is used. When the one
 * installed there is damaged that is an error, not a reason to take the older.
 */
#ifndef GEO_FACTS_FACTS_H
#define GEO_FACTS_FACTS_H
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"

#define FACTS_INSTALLED "/var/lib/cordon/facts"
#define FACTS_VARIABLE	"CORDON_DATA"

/* 0, or -errno after a diag with the file, the line and what is wrong. Reads at the first call, or
 * at the first look-up that came before it; says the same at every later one. */
int facts_open(struct diag_sink *d);
/* A newer directory (its serial is higher) is read beside the one in use, and used from then on:
 * whole, or not at all. 1: it is; 0: there is none; -errno after a diag: the one in use stays.
 * Callers of facts_renew and facts_use are one thread; readers may be any. */
int facts_renew(struct diag_sink *d);
/* Back to what was in use before, by its serial: what was built on the newer one failed. */
void facts_use(uint64_t serial);
#define FACTS_KEPT 64		   /* that one program reads in its life */
const char *facts_directory(void); /* "" when there is none */
uint64_t facts_serial(void);	   /* YYYYMMDDNN; only rises; 0 when there is none */
const char *facts_date(void);	   /* YYYY-MM-DD the tables were made; "" when there is none */
/* The lists of prefixes (format: geo/source/facts_list.c), whole paths, sorted. Owned by facts.c. */
const char *const *facts_lists(size_t *n);
#endif
