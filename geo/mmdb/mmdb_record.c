/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_record.c - a place with its claims as a record of the MaxMind DB, see mmdb_write.h for the
 * shape. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/utf8.h"
#include "geo/mmdb/mmdb_record.h"
#include "geo/mmdb/mmdb_tree.h"
#include "geo/mmdb/mmdb_write.h"

/* A map is written behind its own head, which needs the number of entries: they are collected
 * first. */
struct map {
	struct record_maker *m;
	struct mmdb_value body;
	uint32_t entries;
	int error;
};

/* Not by an initialiser: the scratch buffers are large and need no zeroes. */
static void map_init(struct map *map, struct record_maker *m)
{
	map->m = m;
	map->entries = 0;
	map->error = 0;
	mmdb_value_init(&map->body);
}

static void keep_error(struct map *map, int r)
{
	if (r && !map->error)
		map->error = r;
}

#define TEXT_MAX 256 /* bytes of one name in a record */

static int put_text(struct map *map, const char *s)
{
	char text[TEXT_MAX];

	utf8_clean(text, sizeof(text), s, strlen(s));
	return mmdb_string(map->m->data, &map->body, text);
}

/* A text that lives as long as the places: found again by its address. */
static void put_lasting(struct map *map, const char *s)
{
	struct record_maker *m = map->m;
	size_t i = ((uintptr_t)s >> 3 ^ (uintptr_t)s >> 13) & (RECORD_TEXTS - 1);
	struct mmdb_value one;
	char text[TEXT_MAX];
	int r = 0;

	if (m->texts[i].s != s) {
		mmdb_value_init(&one);
		utf8_clean(text, sizeof(text), s, strlen(s));
		mmdb_text(&one, text);
		r = mmdb_data_store(m->data, &one, &m->texts[i].offset);
		m->texts[i].s = r ? NULL : s;
	}
	if (!r)
		mmdb_pointer(&map->body, m->texts[i].offset);
	keep_error(map, r);
}

static void map_key(struct map *map, const char *key)
{
	put_lasting(map, key);
	map->entries++;
}

static void map_text(struct map *map, const char *key, const char *s)
{
	if (!*s)
		return;
	map_key(map, key);
	put_lasting(map, s);
}

/* A text in a buffer of the caller's. */
static void map_buffer(struct map *map, const char *key, const char *s)
{
	if (!*s)
		return;
	map_key(map, key);
	keep_error(map, put_text(map, s));
}

static void map_country(struct map *map, const char *key, uint16_t cc)
{
	char buf[3];

	map_buffer(map, key, country_text(cc, buf));
}

static void map_u32(struct map *map, const char *key, uint32_t x)
{
	if (!x)
		return;
	map_key(map, key);
	mmdb_u32(&map->body, x);
}

static void map_true(struct map *map, const char *key)
{
	map_key(map, key);
	mmdb_true(&map->body);
}

static void map_u64(struct map *map, const char *key, uint64_t x)
{
	map_key(map, key);
	mmdb_u64(&map->body, x);
}

static int map_store(struct map *map, uint32_t *ret)
{
	struct mmdb_value whole;

	mmdb_value_init(&whole);
	mmdb_map(&whole, map->entries);
	if (map->body.error || map->body.n > sizeof(whole.bytes) - whole.n)
		return -E2BIG;
	memcpy(whole.bytes + whole.n, map->body.bytes, map->body.n);
	whole.n += map->body.n;
	return map->error ? map->error : mmdb_data_store(map->m->data, &whole, ret);
}

static void map_child(struct map *map, const char *key, struct map *child)
{
	uint32_t offset;
	int r;

	if (!child->entries)
		return;
	r = map_store(child, &offset);
	keep_error(map, r);
	if (r)
		return;
	map_key(map, key);
	mmdb_pointer(&map->body, offset);
}

int mmdb_record_init(struct record_maker *m, const struct places *p, struct mmdb_data *data)
{
	*m = (struct record_maker){.p = p, .data = data, .nsources = p->nsources};
	for (size_t i = 0; i < p->nsources; i++) {
		size_t at = i;

		for (; at && source_rank(p->sources[m->order[at - 1]]) > source_rank(p->sources[i]);
		     at--)
			m->order[at] = m->order[at - 1];
		m->order[at] = (uint8_t)i;
	}
	return intern_init(&m->claims, 3 * sizeof(uint32_t), UINT32_MAX);
}

void mmdb_record_drop(struct record_maker *m)
{
	intern_drop(&m->claims);
	free(m->stored);
}

/* Where the file lay is nobody's business outside this host: its name is enough beside the sum. */
static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void source_fields(struct map *map, const struct source *s, int sum_digits)
{
	char sum[65];

	memcpy(sum, s->sha256, sizeof(sum));
	sum[sum_digits] = '\0';
	map_text(map, "source", s->format ? s->format : "place");
	map_text(map, "file", file_name(s->path));
	map_text(map, "version", s->version ? s->version : "");
	map_u64(map, "date", s->date > 0 ? (uint64_t)s->date : 0);
	map_buffer(map, "sha256", sum);
}

static void claim_fields(struct map *map, const struct claim_value *y)
{
	const struct places *p = map->m->p;

	map_country(map, "country", y->country);
	map_text(map, "region", places_string(p, y->region));
	map_text(map, "service", places_string(p, y->service));
	map_text(map, "provider", places_string(p, y->provider));
	map_text(map, "platform", places_string(p, y->platform));
	map_country(map, "jurisdiction", y->jurisdiction);
	if (y->status != PLACE_KNOWN)
		map_text(map, "status", place_status_name(y->status));
	map_u32(map, "asn", y->asn);
	map_text(map, "operator", places_string(p, y->operator));
}

static int encode_claim(struct record_maker *m, const struct source_data *s,
			const struct contribution *contribution, uint32_t *ret)
{
	struct map map;
	char key[64] = "";

	map_init(&map, m);
	source_fields(&map, &s->pub, 16);
	if (contribution->where && s->key) {
		struct claim claim = {.where = contribution->where};

		s->key(key, &claim);
		map_buffer(&map, "key", key);
	} else {
		map_u32(&map, "line", contribution->where);
	}
	claim_fields(&map, places_claim_value(m->p, contribution->claim_value));
	return map_store(&map, ret);
}

/* A country database says 250 things of a million ranges: what was encoded before is found by its
 * numbers. */
static int store_claim(struct record_maker *m, uint8_t source,
		       const struct contribution *contribution, uint32_t *ret)
{
	uint32_t item[3] = {source, contribution->claim_value, contribution->where}, i;
	size_t known = m->claims.n;
	int r = intern_add(&m->claims, item, &i);

	if (!r && i == known && known >= m->room) {
		size_t room = m->room ? 2 * m->room : 1024;
		uint32_t *v = reallocarray(m->stored, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->stored = v;
		m->room = room;
	}
	if (!r && i == known)
		r = encode_claim(m, m->p->sources[source], contribution, &m->stored[i]);
	if (!r)
		*ret = m->stored[i];
	return r;
}

/* The claims as an array of pointers, and which of them said where (from 1); asn and organisation come
 * from the first source that names them. */
static int add_sources(struct map *cordon, const struct contribution *contribution,
		       const struct place *place, const struct claim_value **names)
{
	struct record_maker *m = cordon->m;
	const struct source *by;
	struct mmdb_value list;
	uint32_t n = 0, at = 0, decides = 0;

	places_numbered(m->p, place->source, &by);
	mmdb_value_init(&list);
	for (size_t i = 0; i < m->nsources; i++)
		n += contribution[m->order[i]].claim_value != 0;
	mmdb_array(&list, n);
	for (size_t i = 0; i < m->nsources; i++) {
		const struct contribution *h = &contribution[m->order[i]];
		uint32_t offset;
		int r;

		if (!h->claim_value)
			continue;
		r = store_claim(m, m->order[i], h, &offset);
		if (r)
			return r;
		mmdb_pointer(&list, offset);
		at++;
		if (by == &m->p->sources[m->order[i]]->pub)
			decides = at;
		if (!*names && places_claim_value(m->p, h->claim_value)->asn)
			*names = places_claim_value(m->p, h->claim_value);
	}
	map_u32(cordon, "decided_by", decides);
	map_key(cordon, "sources");
	if (list.error || list.n > sizeof(cordon->body.bytes) - cordon->body.n)
		return -E2BIG;
	memcpy(cordon->body.bytes + cordon->body.n, list.bytes, list.n);
	cordon->body.n += list.n;
	return 0;
}

static const struct {
	uint8_t bit;
	const char *name;
} flags[] = {
	{PLACE_ANYCAST, "anycast"},	  {PLACE_RELAY, "relay"},
	{PLACE_SATELLITE, "satellite"},	  {PLACE_HOSTING, "hosting"},
	{PLACE_EU_DIFFERS, "eu_differs"},
};

int mmdb_record_store(struct record_maker *m, uint32_t place,
		      const struct contribution *contribution, uint32_t *ret)
{
	const struct place *pl = places_get(m->p, place);
	struct map root, country, cordon;
	const struct claim_value *names = NULL;
	size_t i = 0;
	int r;

	while (i < m->nsources && !contribution[i].claim_value)
		i++;
	if (i == m->nsources) {
		*ret = MMDB_NOTHING;
		return 0;
	}
	map_init(&root, m);
	map_init(&country, m);
	map_init(&cordon, m);
	map_text(&cordon, "status", place_status_name(pl->status));
	map_text(&cordon, "grade", place_grade_name(pl->grade));
	map_text(&cordon, "reason", place_reason_name(pl->reason));
	for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++)
		if (pl->flags & flags[f].bit)
			map_true(&cordon, flags[f].name);
	map_text(&cordon, "provider", places_string(m->p, pl->provider));
	map_text(&cordon, "platform", places_string(m->p, pl->platform));
	map_text(&cordon, "region", places_string(m->p, pl->region));
	map_country(&cordon, "jurisdiction", pl->jurisdiction);
	r = add_sources(&cordon, contribution, pl, &names);
	if (r)
		return r;
	map_country(&country, "iso_code", pl->country);
	map_child(&root, "country", &country);
	if (names) {
		map_u32(&root, "autonomous_system_number", names->asn);
		map_text(&root, "autonomous_system_organization",
			 places_string(m->p, names->operator));
	}
	map_child(&root, "cordon", &cordon);
	return map_store(&root, ret);
}

static void head_field(struct mmdb_value *v, const char *key, const char *text)
{
	char out[TEXT_MAX];

	utf8_clean(out, sizeof(out), text, strlen(text));
	mmdb_text(v, key);
	mmdb_text(v, out);
}

static void head_number(struct mmdb_value *v, const char *key, uint64_t x,
			void (*number)(struct mmdb_value *, uint64_t))
{
	mmdb_text(v, key);
	number(v, x);
}

static void as_u16(struct mmdb_value *v, uint64_t x)
{
	mmdb_u16(v, (uint16_t)x);
}

static void as_u32(struct mmdb_value *v, uint64_t x)
{
	mmdb_u32(v, (uint32_t)x);
}

/* The age of the whole is that of its oldest part that says where things stand. */
static uint64_t data_epoch(const struct places *p)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < p->nsources; i++) {
		const struct source *s = &p->sources[i]->pub;

		if (s->kind != SOURCE_ASN && s->date > 0 && s->date < oldest)
			oldest = s->date;
	}
	return oldest == INT64_MAX ? 0 : (uint64_t)oldest;
}

static int put_value(struct mmdb_value *v, FILE *f)
{
	int r = v->error ? v->error : fwrite(v->bytes, 1, v->n, f) != v->n ? -EIO : 0;

	v->n = 0;
	return r;
}

static int put_sources(const struct record_maker *m, FILE *f)
{
	int r = 0;

	for (size_t i = 0; i < m->nsources && !r; i++) {
		const struct source *s = &m->p->sources[m->order[i]]->pub;
		struct mmdb_value v = {.n = 0};

		mmdb_map(&v, 6);
		head_field(&v, "source", s->format ? s->format : "place");
		head_field(&v, "file", file_name(s->path));
		head_field(&v, "version", s->version ? s->version : "");
		head_field(&v, "sha256", s->sha256);
		head_number(&v, "date", s->date > 0 ? (uint64_t)s->date : 0, mmdb_u64);
		head_number(&v, "claims", s->claims, mmdb_u64);
		r = put_value(&v, f);
	}
	return r;
}

/* Pointers of the metadata would be relative to itself: it is short, so everything stands in place.
 */
int mmdb_record_metadata(const struct record_maker *m, uint32_t nodes, unsigned bits,
			 int64_t build_epoch, FILE *f)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	struct mmdb_value v = {.n = 0};
	int r;

	if (fwrite(marker, 1, sizeof(marker) - 1, f) != sizeof(marker) - 1)
		return -EIO;
	mmdb_map(&v, 10);
	head_number(&v, "binary_format_major_version", 2, as_u16);
	head_number(&v, "binary_format_minor_version", 0, as_u16);
	head_number(&v, "build_epoch", (uint64_t)build_epoch, mmdb_u64);
	head_field(&v, "database_type", MMDB_PLACES_TYPE);
	mmdb_text(&v, "description");
	mmdb_map(&v, 1);
	head_field(&v, "en", "Places with evidence, built by cordon from the sources named here");
	head_number(&v, "ip_version", 6, as_u16);
	mmdb_text(&v, "languages");
	mmdb_array(&v, 1);
	mmdb_text(&v, "en");
	head_number(&v, "node_count", nodes, as_u32);
	head_number(&v, "record_size", bits, as_u16);
	mmdb_text(&v, "cordon");
	mmdb_map(&v, 2);
	head_number(&v, "data_epoch", data_epoch(m->p), mmdb_u64);
	mmdb_text(&v, "sources");
	mmdb_array(&v, (uint32_t)m->nsources);
	r = put_value(&v, f);
	return r ? r : put_sources(m, f);
}
