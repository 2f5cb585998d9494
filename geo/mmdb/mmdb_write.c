/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_write.c - writes a places database as a MaxMind DB.
 *
 * One sweep a family over the merged ranges and the disjoint claims of every source: wherever one
 * of them begins or ends a new leaf begins. Equal leaves have one record, found by what was contribution
 * there (place and claims), so that a record is encoded once; the tree then joins neighbours that
 * say the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/file.h"
#include "geo/mmdb/mmdb_record.h"
#include "geo/mmdb/mmdb_tree.h"
#include "geo/mmdb/mmdb_write.h"

struct leaves {
	struct mmdb_leaf *v; /* owned */
	size_t n, capacity;
};
struct writer {
	struct record_maker maker;
	struct intern contribution; /* place, then a struct contribution for each source */
	uint32_t *records;	    /* offset of the record of each; owned */
	size_t nrecords, capacity;
	struct leaves leaves[2];
	struct mmdb_data *data;
	struct mmdb_tree tree;
};
struct sweep {
	const struct places *p;
	bool is6;
	size_t merged;		/* index in r4 or r6 of what holds the address */
	size_t at[SOURCES_MAX]; /* first claim of each that does not end before it */
	struct {
		uint32_t place;
		struct contribution contribution[SOURCES_MAX];
	} now;
};

static int leaves_add(struct leaves *l, u128 first, uint32_t value)
{
	if (l->n && l->v[l->n - 1].value == value)
		return 0;
	if (l->n == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 4096;
		struct mmdb_leaf *v = reallocarray(l->v, capacity, sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->capacity = capacity;
	}
	l->v[l->n++] = (struct mmdb_leaf){first, value};
	return 0;
}

static size_t merged_count(const struct sweep *s)
{
	return s->is6 ? s->p->n6 : s->p->n4;
}

static u128 merged_first(const struct sweep *s, size_t i)
{
	return s->is6 ? U128(s->p->r6[i].hi, s->p->r6[i].lo) : s->p->r4[i].first;
}

/* Lines of a text and numbers of a database's ranges would make every record one of its own; keys
 * of lists are kept. */
static bool keeps_where(const struct source_data *s)
{
	return s->pub.kind == SOURCE_RANGES || s->pub.kind == SOURCE_GEOFEED;
}

static uint32_t where_of(const struct source_data *s, int is6, const struct span *span)
{
	if (!keeps_where(s))
		return 0;
	return s->disjoint[is6] ? span->where : spans_get(&s->raw[is6], span->where).where;
}

/* Boundaries are one past an end, so 0 is the end of IPv6: it sorts last when one is taken from
 * both sides. */
static void lower(u128 *next, u128 boundary)
{
	if (boundary - 1 < *next - 1)
		*next = boundary;
}

/* What source i says at the address; lowers *next to where it may say something else. */
static struct contribution hear(struct sweep *s, size_t i, u128 address, u128 *next)
{
	const struct source_data *d = s->p->sources[i];
	const struct spans *flat = source_flat(d, s->is6);
	struct span span;

	while (s->at[i] < flat->n && spans_get(flat, s->at[i]).last < address)
		s->at[i]++;
	if (s->at[i] == flat->n)
		return (struct contribution){0};
	span = spans_get(flat, s->at[i]);
	if (span.first > address) {
		lower(next, span.first);
		return (struct contribution){0};
	}
	lower(next, span.last + 1);
	return (struct contribution){span.claim_value, where_of(d, s->is6, &span)};
}

static int new_record(struct writer *w, const struct sweep *s, uint32_t i)
{
	if (i == w->capacity) {
		size_t capacity = w->capacity ? w->capacity * 2 : 4096;
		uint32_t *v = reallocarray(w->records, capacity, sizeof(*v));

		if (!v)
			return -ENOMEM;
		w->records = v;
		w->capacity = capacity;
	}
	w->nrecords = i + 1;
	return mmdb_record_store(&w->maker, s->now.place, s->now.contribution, &w->records[i]);
}

static int add_leaf(struct writer *w, const struct sweep *s, u128 first)
{
	uint32_t i;
	int r = intern_add(&w->contribution, &s->now, &i);

	if (!r && i == w->nrecords)
		r = new_record(w, s, i);
	return r ? r : leaves_add(&w->leaves[s->is6], first, w->records[i]);
}

static int sweep_family(struct writer *w, const struct places *p, bool is6)
{
	struct sweep s = {.p = p, .is6 = is6};
	const u128 end = ip_number_max(is6) + 1;
	u128 address = 0, next;
	int r = 0;

	do {
		size_t n = merged_count(&s);

		while (s.merged + 1 < n && merged_first(&s, s.merged + 1) <= address)
			s.merged++;
		next = s.merged + 1 < n ? merged_first(&s, s.merged + 1) : end;
		s.now.place = is6 ? p->r6[s.merged].place : p->r4[s.merged].place;
		for (size_t i = 0; i < p->nsources; i++)
			s.now.contribution[i] = hear(&s, i, address, &next);
		r = add_leaf(w, &s, address);
		address = next;
	} while (!r && address != end);
	return r;
}

static int write_tree(const struct mmdb_tree *t, unsigned bits, FILE *f)
{
	uint8_t out[8];

	for (uint32_t i = 0; i < t->n; i++) {
		size_t n = mmdb_tree_encode(t, i, bits, out);

		if (fwrite_unlocked(out, 1, n, f) != n)
			return -EIO;
	}
	return 0;
}

static int write_file(struct writer *w, int64_t build_epoch, struct mmdb_stats *st, FILE *f)
{
	static const uint8_t between[16];
	size_t n;
	const uint8_t *data = mmdb_data_bytes(w->data, &n);
	int r = write_tree(&w->tree, st->record_bits, f);

	if (!r && (fwrite(between, 1, sizeof(between), f) != sizeof(between) ||
		   (n && fwrite(data, 1, n, f) != n)))
		r = -EIO;
	if (!r)
		r = mmdb_record_metadata(&w->maker, w->tree.n, st->record_bits, build_epoch, f);
	st->file_bytes = r ? 0 : (uint64_t)ftello(f);
	return r;
}

static int make(struct writer *w, const struct places *p)
{
	int r = intern_init(&w->contribution,
			    sizeof(uint32_t) + p->nsources * sizeof(struct contribution),
			    UINT32_MAX);

	if (!r)
		r = mmdb_data_new(&w->data);
	if (r)
		return r;
	r = mmdb_record_init(&w->maker, p, w->data);
	if (!r)
		r = sweep_family(w, p, false);
	if (!r)
		r = sweep_family(w, p, true);
	return r ? r
		 : mmdb_tree_build(&w->tree, w->leaves[0].v, w->leaves[0].n, w->leaves[1].v,
				   w->leaves[1].n);
}

static void writer_drop(struct writer *w)
{
	intern_drop(&w->contribution);
	mmdb_record_drop(&w->maker);
	free(w->records);
	free(w->leaves[0].v);
	free(w->leaves[1].v);
	free(w->tree.nodes);
	mmdb_data_free(w->data);
}

static int write_made(struct writer *w, const char *path, int64_t build_epoch,
		      struct mmdb_stats *st, struct diag_sink *d)
{
	struct file_write file;
	int r = file_open(&file, path, d);

	if (r)
		return r;
	r = write_file(w, build_epoch, st, file.f);
	if (!r)
		return file_commit(&file, d);
	diag_error(d, path, 0, "cannot be written: %s", strerror(r == -EIO && errno ? errno : -r));
	file_abandon(&file);
	return r;
}

int mmdb_write(const struct places *p, const char *path, const struct mmdb_options *o,
	       struct mmdb_stats *ret, struct diag_sink *d)
{
	struct writer w = {0};
	struct mmdb_stats st = {0};
	size_t data_bytes = 0;
	int r = make(&w, p);

	if (!r) {
		mmdb_data_bytes(w.data, &data_bytes);
		st = (struct mmdb_stats){.nodes = w.tree.n,
					 .data_bytes = data_bytes,
					 .records = w.nrecords};
		st.record_bits = mmdb_tree_record_bits(&w.tree, data_bytes);
		r = st.record_bits ? 0 : -E2BIG;
		if (!r && st.record_bits < o->record_bits)
			st.record_bits = o->record_bits;
	}
	if (r)
		diag_error(d, path, 0, "cannot be built: %s", strerror(-r));
	else
		r = write_made(&w, path, o->build_epoch, &st, d);
	writer_drop(&w);
	if (!r)
		*ret = st;
	return r;
}
