/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_record.h - inside geo only: the records of a places database and its metadata as values of
 * the format. */
#ifndef GEO_MMDB_MMDB_RECORD_H
#define GEO_MMDB_MMDB_RECORD_H
#include <stdio.h>
#include "geo/claims/store.h"
#include "geo/mmdb/mmdb_data.h"

/* What decides a record: the place, and what every source says with where it says it. Words of an
 * intern table. */
struct contribution {
	uint32_t claim_value, where;
};
#define RECORD_TEXTS 1024 /* a power of two */
struct record_maker {
	const struct places *p;
	struct mmdb_data *data;
	size_t nsources;
	uint8_t order[SOURCES_MAX]; /* index of the sources, best precedence first */
	struct intern claims;	    /* source, claim_value, where: stored before */
	uint32_t *stored;	    /* offset of each; owned */
	size_t room;
	struct {
		const char *s; /* a text that does not move */
		uint32_t offset;
		/* where they are stored, by their address: most records say the same few words */
	} texts[RECORD_TEXTS];
};
int mmdb_record_init(struct record_maker *m, const struct places *p,
		     struct mmdb_data *data); /* 0 or -ENOMEM */
void mmdb_record_drop(struct record_maker *m);
/* Offset of the record; MMDB_NOTHING of mmdb_tree.h when nobody speaks. */
int mmdb_record_store(struct record_maker *m, uint32_t place,
		      const struct contribution *contribution, uint32_t *ret);
/* The metadata, its marker before it, as it ends the file. -EIO when the file took less. */
int mmdb_record_metadata(const struct record_maker *m, uint32_t nodes, unsigned bits,
			 int64_t build_epoch, FILE *f);
#endif
