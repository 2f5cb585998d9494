/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_fields.c - decodes one record of a MaxMind DB: what is known is kept, the rest skipped
 * without recursion.
 *
 * Not libmaxminddb's look-ups by path: they walk the record once for each field, and recurse as
 * deep as the file wants (1.7 skips nested arrays on the stack). Here every byte is behind one
 * cursor, nesting is followed only where a table row leads, and a budget of steps ends what would
 * take for ever. Source: the MaxMind DB File Format Specification 2.0
 * (maxmind.github.io/MaxMind-DB).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "geo/source/mmdb_fields.h"

enum type {
	TYPE_EXTENDED = 0,
	TYPE_POINTER = 1,
	TYPE_TEXT = 2,
	TYPE_DOUBLE = 3,
	TYPE_BYTES = 4,
	TYPE_U16 = 5,
	TYPE_U32 = 6,
	TYPE_MAP = 7,
	TYPE_I32 = 8,
	TYPE_U64 = 9,
	TYPE_U128 = 10,
	TYPE_ARRAY = 11,
	TYPE_CACHE = 12,
	TYPE_END = 13,
	TYPE_BOOL = 14,
	TYPE_FLOAT = 15
};

struct value {
	enum type type;
	uint32_t size; /* bytes, entries, or the boolean itself */
	size_t at;     /* of its content */
	size_t after;  /* of what follows content without parts, or the pointer to it */
	size_t head;   /* where it begins: what a pointer to it would hold */
	bool pointed;
};
struct reader {
	struct mmdb_section *s;
	const char *why;
};

/* Where we are in the record: which rows of the table apply. */
enum level { LEVEL_TOP, LEVEL_COUNTRY, LEVEL_TRAITS, LEVEL_CORDON, LEVEL_EVIDENCE };
enum action { AS_TEXT, AS_NUMBER, AS_BOOL, ENTER, NOTE_LIST, COUNTRY, ASN };
struct row {
	enum level level;
	const char *key;
	uint8_t length;
	enum action action;
	unsigned target; /* offset in struct mmdb_fields or _evidence; for ENTER the level */
};

#define KEY(text)      text, sizeof(text) - 1
#define TOP(name)      offsetof(struct mmdb_fields, name)
#define EVIDENCE(name) offsetof(struct mmdb_evidence, name)
static const struct row rows[] = {
	{LEVEL_TOP, KEY("country"), COUNTRY, LEVEL_COUNTRY}, /* a map, or flat */
	{LEVEL_COUNTRY, KEY("iso_code"), AS_TEXT, TOP(country)},
	{LEVEL_COUNTRY, KEY("is_in_european_union"), AS_BOOL, TOP(in_eu)},
	{LEVEL_TOP, KEY("country_code"), AS_TEXT, TOP(country_code)},
	{LEVEL_TOP, KEY("traits"), ENTER, LEVEL_TRAITS},
	{LEVEL_TRAITS, KEY("is_anycast"), AS_BOOL, TOP(anycast)},
	{LEVEL_TOP, KEY("is_anycast"), AS_BOOL, TOP(anycast)},
	{LEVEL_TRAITS, KEY("is_anonymous"), AS_BOOL, TOP(relay[0])},
	{LEVEL_TRAITS, KEY("is_anonymous_vpn"), AS_BOOL, TOP(relay[1])},
	{LEVEL_TRAITS, KEY("is_public_proxy"), AS_BOOL, TOP(relay[2])},
	{LEVEL_TRAITS, KEY("is_residential_proxy"), AS_BOOL, TOP(relay[3])},
	{LEVEL_TRAITS, KEY("is_tor_exit_node"), AS_BOOL, TOP(relay[4])},
	{LEVEL_TRAITS, KEY("is_anonymous_proxy"), AS_BOOL, TOP(relay[0])},
	{LEVEL_TRAITS, KEY("is_satellite_provider"), AS_BOOL, TOP(satellite)},
	{LEVEL_TRAITS, KEY("is_hosting_provider"), AS_BOOL, TOP(hosting)},
	{LEVEL_TOP, KEY("is_anonymous"), AS_BOOL, TOP(relay[0])},
	{LEVEL_TOP, KEY("is_anonymous_vpn"), AS_BOOL, TOP(relay[1])},
	{LEVEL_TOP, KEY("is_public_proxy"), AS_BOOL, TOP(relay[2])},
	{LEVEL_TOP, KEY("is_residential_proxy"), AS_BOOL, TOP(relay[3])},
	{LEVEL_TOP, KEY("is_tor_exit_node"), AS_BOOL, TOP(relay[4])},
	{LEVEL_TOP, KEY("is_satellite"), AS_BOOL, TOP(satellite)},
	{LEVEL_TOP, KEY("is_hosting"), AS_BOOL, TOP(hosting)},
	{LEVEL_TOP, KEY("is_hosting_provider"), AS_BOOL, TOP(hosting)},
	{LEVEL_TRAITS, KEY("autonomous_system_number"), AS_NUMBER, TOP(asn)},
	{LEVEL_TRAITS, KEY("autonomous_system_organization"), AS_TEXT, TOP(organisation)},
	{LEVEL_TOP, KEY("autonomous_system_number"), AS_NUMBER, TOP(asn)},
	{LEVEL_TOP, KEY("autonomous_system_organization"), AS_TEXT, TOP(organisation)},
	{LEVEL_TOP, KEY("asn"), ASN, TOP(asn)},
	{LEVEL_TOP, KEY("as_name"), AS_TEXT, TOP(organisation)},
	{LEVEL_TOP, KEY("cordon"), ENTER, LEVEL_CORDON},
	{LEVEL_CORDON, KEY("provider"), AS_TEXT, TOP(provider)},
	{LEVEL_CORDON, KEY("platform"), AS_TEXT, TOP(platform)},
	{LEVEL_CORDON, KEY("region"), AS_TEXT, TOP(region)},
	{LEVEL_CORDON, KEY("jurisdiction"), AS_TEXT, TOP(jurisdiction)},
	{LEVEL_CORDON, KEY("status"), AS_TEXT, TOP(status)},
	{LEVEL_CORDON, KEY("grade"), AS_TEXT, TOP(grade)},
	{LEVEL_CORDON, KEY("reason"), AS_TEXT, TOP(reason)},
	{LEVEL_CORDON, KEY("anycast"), AS_BOOL, TOP(anycast)},
	{LEVEL_CORDON, KEY("relay"), AS_BOOL, TOP(relay[0])},
	{LEVEL_CORDON, KEY("satellite"), AS_BOOL, TOP(satellite)},
	{LEVEL_CORDON, KEY("hosting"), AS_BOOL, TOP(hosting)},
	{LEVEL_CORDON, KEY("eu_differs"), AS_BOOL, TOP(eu_differs)},
	{LEVEL_CORDON, KEY("decided_by"), AS_NUMBER, TOP(decided_by)},
	{LEVEL_CORDON, KEY("data_epoch"), AS_NUMBER, TOP(data_epoch)},
	{LEVEL_CORDON, KEY("sources"), NOTE_LIST, 0},
	{LEVEL_EVIDENCE, KEY("source"), AS_TEXT, EVIDENCE(source)},
	{LEVEL_EVIDENCE, KEY("file"), AS_TEXT, EVIDENCE(file)},
	{LEVEL_EVIDENCE, KEY("version"), AS_TEXT, EVIDENCE(version)},
	{LEVEL_EVIDENCE, KEY("sha256"), AS_TEXT, EVIDENCE(sha256)},
	{LEVEL_EVIDENCE, KEY("key"), AS_TEXT, EVIDENCE(key)},
	{LEVEL_EVIDENCE, KEY("line"), AS_NUMBER, EVIDENCE(line)},
	{LEVEL_EVIDENCE, KEY("date"), AS_NUMBER, EVIDENCE(date)},
	{LEVEL_EVIDENCE, KEY("country"), AS_TEXT, EVIDENCE(country)},
	{LEVEL_EVIDENCE, KEY("region"), AS_TEXT, EVIDENCE(region)},
	{LEVEL_EVIDENCE, KEY("service"), AS_TEXT, EVIDENCE(service)},
	{LEVEL_EVIDENCE, KEY("provider"), AS_TEXT, EVIDENCE(provider)},
	{LEVEL_EVIDENCE, KEY("platform"), AS_TEXT, EVIDENCE(platform)},
	{LEVEL_EVIDENCE, KEY("jurisdiction"), AS_TEXT, EVIDENCE(jurisdiction)},
	{LEVEL_EVIDENCE, KEY("status"), AS_TEXT, EVIDENCE(status)},
	{LEVEL_EVIDENCE, KEY("asn"), AS_NUMBER, EVIDENCE(asn)},
	{LEVEL_EVIDENCE, KEY("operator"), AS_TEXT, EVIDENCE(operator)},
};

static int fail(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

/* n big-endian bytes at *at. */
static int take(struct reader *r, size_t *at, unsigned n, uint64_t *ret)
{
	uint64_t x = 0;

	if (*at > r->s->n || n > r->s->n - *at)
		return fail(r, "has a value past the end of its data");
	for (unsigned i = 0; i < n; i++)
		x = x << 8 | r->s->p[(*at)++];
	*ret = x;
	return 0;
}

static int take_size(struct reader *r, size_t *at, unsigned bits, uint32_t *ret)
{
	static const uint32_t base[] = {29, 285, 65821};
	uint64_t more;
	int e;

	*ret = bits;
	if (bits < 29)
		return 0;
	e = take(r, at, bits - 28, &more);
	if (!e)
		*ret = base[bits - 29] + (uint32_t)more;
	return e;
}

static int take_pointer(struct reader *r, size_t *at, unsigned control, size_t *ret)
{
	static const uint32_t base[] = {0, 2048, 526336, 0};
	unsigned bytes = control >> 3 & 3;
	uint64_t x;
	int e = take(r, at, bytes + 1, &x);

	if (e)
		return e;
	if (bytes < 3)
		x |= (uint64_t)(control & 7) << (8 * (bytes + 1));
	*ret = (size_t)x + base[bytes];
	return 0;
}

/* The head of the value at 'at', without following a pointer. */
static int head(struct reader *r, size_t at, struct value *ret, size_t *pointer)
{
	uint64_t control, extended;
	size_t begin = at;
	int e;

	if (!r->s->steps)
		return fail(r, "is too entangled: decoding it takes "
			       "longer than any real database needs");
	r->s->steps--;
	e = take(r, &at, 1, &control);
	if (e)
		return e;
	*ret = (struct value){.type = (enum type)(control >> 5), .head = begin};
	if (ret->type == TYPE_POINTER) {
		e = take_pointer(r, &at, (unsigned)control, pointer);
		ret->after = at;
		return e;
	}
	if (ret->type == TYPE_EXTENDED) {
		e = take(r, &at, 1, &extended);
		if (e)
			return e;
		if (extended < 1 || extended > TYPE_FLOAT - 7)
			return fail(r, "has a value of no known type");
		ret->type = (enum type)(extended + 7);
	}
	e = take_size(r, &at, control & 31, &ret->size);
	ret->at = ret->after = at;
	if (e || ret->type == TYPE_MAP || ret->type == TYPE_ARRAY || ret->type == TYPE_BOOL)
		return e;
	if (ret->size > r->s->n - at)
		return fail(r, "has a value past the end of its data");
	ret->after = at + ret->size;
	return 0;
}

/* The value at 'at', or the one it points to. A pointer to a pointer is not allowed, so there is
 * no loop here. */
static int value(struct reader *r, size_t at, struct value *ret)
{
	size_t target = 0, after;
	int e = head(r, at, ret, &target);

	if (e || ret->type != TYPE_POINTER)
		return e;
	after = ret->after;
	e = head(r, target, ret, &target);
	if (!e && ret->type == TYPE_POINTER)
		return fail(r, "has a pointer to a pointer");
	ret->after = after;
	ret->pointed = true;
	return e;
}

/* Steps over the value at *at, whatever is in it; pointers are not followed. */
static int skip(struct reader *r, size_t *at)
{
	uint64_t todo = 1;

	while (todo--) {
		struct value v;
		size_t pointer;
		int e = head(r, *at, &v, &pointer);

		if (e)
			return e;
		if (v.type == TYPE_MAP)
			todo += 2ULL * v.size;
		else if (v.type == TYPE_ARRAY)
			todo += v.size;
		*at = v.after;
	}
	return 0;
}

static const struct row *find_row(enum level level, const struct mmdb_text *key)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].length == key->n &&
		    !memcmp(rows[i].key, key->p, key->n))
			return &rows[i];
	return NULL;
}

static int store_text(struct reader *r, const struct value *v, void *target)
{
	if (v->type != TYPE_TEXT)
		return fail(r, "has a field of the wrong type where a text belongs");
	*(struct mmdb_text *)target = (struct mmdb_text){(const char *)r->s->p + v->at, v->size};
	return 0;
}

static int store_number(struct reader *r, const struct value *v, void *target)
{
	size_t at = v->at;

	if ((v->type != TYPE_U16 && v->type != TYPE_U32 && v->type != TYPE_U64) || v->size > 8)
		return fail(r, "has a field of the wrong type where a number belongs");
	return take(r, &at, v->size, target);
}

/* Claims are decoded when somebody wants them; here it is only noted where they are. */
static int list(struct reader *r, const struct value *v, struct mmdb_fields *f)
{
	size_t at = v->at;

	if (v->type != TYPE_ARRAY)
		return fail(r, "has a field of the wrong type where a list belongs");
	for (uint32_t i = 0; i < v->size; i++) {
		struct value item;
		int e = value(r, at, &item);

		if (e)
			return e;
		if (f->nevidence == MMDB_EVIDENCE_MAX)
			return fail(r, "names more sources for one place than there can be");
		f->evidence[f->nevidence++] = (uint32_t)item.head;
		e = skip(r, &at);
		if (e)
			return e;
	}
	return 0;
}

static int map(struct reader *r, const struct value *v, enum level level, struct mmdb_fields *f,
	       void *base, size_t *end);

static int store(struct reader *r, const struct row *row, const struct value *v,
		 struct mmdb_fields *f, uint8_t *base)
{
	size_t end;

	switch (row->action) {
	case AS_TEXT:
		return store_text(r, v, base + row->target);
	case AS_NUMBER:
		return store_number(r, v, base + row->target);
	case AS_BOOL:
		if (v->type != TYPE_BOOL)
			return fail(r, "has a field of the wrong type where a boolean belongs");
		*(bool *)(base + row->target) = v->size != 0;
		return 0;
	case ENTER:
		return map(r, v, (enum level)row->target, f, base, &end);
	case NOTE_LIST:
		return list(r, v, f);
	case COUNTRY:
		return v->type == TYPE_TEXT ? store_text(r, v, &f->country)
					    : map(r, v, (enum level)row->target, f, base, &end);
	case ASN:
		return v->type == TYPE_TEXT ? store_text(r, v, &f->asn_text)
					    : store_number(r, v, &f->asn);
	}
	return 0;
}

/* Reads a map's entries by the rows of its level; *end is behind the last entry. Depth is that of
 * the table: 3. */
static int map(struct reader *r, const struct value *v, enum level level, struct mmdb_fields *f,
	       void *base, size_t *end)
{
	size_t at = v->at;

	if (v->type != TYPE_MAP)
		return fail(r, "has a field of the wrong type where a map belongs");
	for (uint32_t i = 0; i < v->size; i++) {
		struct mmdb_text key;
		struct value k, item;
		const struct row *row;
		int e = value(r, at, &k);

		if (!e && k.type != TYPE_TEXT)
			e = fail(r, "has a map with a key that is no text");
		if (e)
			return e;
		key = (struct mmdb_text){(const char *)r->s->p + k.at, k.size};
		at = k.after;
		row = find_row(level, &key);
		if (row) {
			e = value(r, at, &item);
			if (!e)
				e = store(r, row, &item, f, base);
			if (e)
				return e;
		}
		e = skip(r, &at);
		if (e)
			return e;
	}
	*end = at;
	return 0;
}

int mmdb_fields_read(struct mmdb_section *s, size_t offset, struct mmdb_fields *ret,
		     const char **why)
{
	struct reader r = {.s = s};
	struct value v;
	size_t end;
	int e;

	memset(ret, 0, offsetof(struct mmdb_fields, evidence));
	e = value(&r, offset, &v);
	if (!e && v.type == TYPE_MAP)
		e = map(&r, &v, LEVEL_TOP, ret, ret, &end);
	*why = r.why;
	return e;
}

int mmdb_evidence_read(struct mmdb_section *s, uint32_t offset, struct mmdb_evidence *ret,
		       const char **why)
{
	struct reader r = {.s = s};
	struct value v;
	size_t end;
	int e;

	memset(ret, 0, sizeof(*ret));
	e = value(&r, offset, &v);
	if (!e)
		e = map(&r, &v, LEVEL_EVIDENCE, NULL, ret, &end);
	*why = r.why;
	return e;
}
