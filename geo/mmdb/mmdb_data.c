/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_data.c - encodes values of the MaxMind DB format and stores equal ones once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/mmdb/mmdb_data.h"

enum type {
	POINTER = 1,
	STRING = 2,
	UINT16 = 5,
	UINT32 = 6,
	MAP = 7,
	UINT64 = 9,
	ARRAY = 11,
	BOOLEAN = 14
};

/* bytes of the section: fits every record size with the tree beside it */
#define DATA_MAX (1u << 30)
#define EMPTY	 UINT32_MAX

struct mmdb_data {
	uint8_t *bytes;
	size_t n, capacity;
	struct slot {
		uint32_t offset, length, hash; /* offset EMPTY: free */
	} * slots; /* open addressing, a power of two, at most half full */
	size_t nslots, used;
};

int mmdb_data_new(struct mmdb_data **ret)
{
	struct mmdb_data *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->nslots = 1024;
	d->slots = malloc(d->nslots * sizeof(*d->slots));
	if (!d->slots) {
		free(d);
		return -ENOMEM;
	}
	for (size_t i = 0; i < d->nslots; i++)
		d->slots[i].offset = EMPTY;
	*ret = d;
	return 0;
}

void mmdb_data_free(struct mmdb_data *d)
{
	if (!d)
		return;
	free(d->bytes);
	free(d->slots);
	free(d);
}

const uint8_t *mmdb_data_bytes(const struct mmdb_data *d, size_t *n)
{
	*n = d->n;
	return d->bytes;
}

/* FNV-1a, folded */
static uint32_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

/* The slot of these bytes, or the free one where they belong. */
static struct slot *find(const struct mmdb_data *d, const uint8_t *p, size_t n, uint32_t h)
{
	size_t i = h & (d->nslots - 1);

	for (; d->slots[i].offset != EMPTY; i = (i + 1) & (d->nslots - 1))
		if (d->slots[i].hash == h && d->slots[i].length == n &&
		    !memcmp(d->bytes + d->slots[i].offset, p, n))
			break;
	return &d->slots[i];
}

static int grow_slots(struct mmdb_data *d)
{
	struct slot *old = d->slots;
	size_t n = d->nslots;

	d->slots = malloc(2 * n * sizeof(*old));
	if (!d->slots) {
		d->slots = old;
		return -ENOMEM;
	}
	d->nslots = 2 * n;
	for (size_t i = 0; i < d->nslots; i++)
		d->slots[i].offset = EMPTY;
	for (size_t i = 0; i < n; i++) {
		size_t k = old[i].hash & (d->nslots - 1);

		if (old[i].offset == EMPTY)
			continue;
		while (d->slots[k].offset != EMPTY)
			k = (k + 1) & (d->nslots - 1);
		d->slots[k] = old[i];
	}
	free(old);
	return 0;
}

static int grow_bytes(struct mmdb_data *d, size_t more)
{
	size_t capacity = d->capacity ? d->capacity : 1 << 16;
	uint8_t *p;

	if (d->n + more > DATA_MAX)
		return -E2BIG;
	while (capacity < d->n + more)
		capacity *= 2;
	if (capacity == d->capacity)
		return 0;
	p = realloc(d->bytes, capacity);
	if (!p)
		return -ENOMEM;
	d->bytes = p;
	d->capacity = capacity;
	return 0;
}

int mmdb_data_store(struct mmdb_data *d, const struct mmdb_value *v, uint32_t *ret)
{
	uint32_t h = hash(v->bytes, v->n);
	struct slot *s;
	int r = v->error;

	if (!r && 2 * (d->used + 1) > d->nslots)
		r = grow_slots(d);
	if (!r)
		r = grow_bytes(d, v->n);
	if (r)
		return r;
	s = find(d, v->bytes, v->n, h);
	if (s->offset == EMPTY) {
		memcpy(d->bytes + d->n, v->bytes, v->n);
		*s = (struct slot){(uint32_t)d->n, (uint32_t)v->n, h};
		d->n += v->n;
		d->used++;
	}
	*ret = s->offset;
	return 0;
}

static void put(struct mmdb_value *v, const void *p, size_t n)
{
	if (n > sizeof(v->bytes) - v->n) {
		v->error = -E2BIG;
		return;
	}
	memcpy(v->bytes + v->n, p, n);
	v->n += n;
}

static void put_byte(struct mmdb_value *v, unsigned b)
{
	uint8_t byte = (uint8_t)b;

	put(v, &byte, 1);
}

/* The control byte, for an extended type its second one, and the size when it does not fit into
 * five bits. */
static void control(struct mmdb_value *v, enum type type, uint32_t size)
{
	unsigned low = size < 29 ? size : size < 285 ? 29 : size < 65821 ? 30 : 31;

	put_byte(v, (type > MAP ? 0 : (unsigned)type << 5) | low);
	if (type > MAP)
		put_byte(v, (unsigned)type - 7);
	if (low == 29)
		put_byte(v, size - 29);
	if (low == 30) {
		put_byte(v, (size - 285) >> 8);
		put_byte(v, (size - 285) & 0xff);
	}
	if (low == 31) {
		put_byte(v, (size - 65821) >> 16);
		put_byte(v, (size - 65821) >> 8 & 0xff);
		put_byte(v, (size - 65821) & 0xff);
	}
}

void mmdb_map(struct mmdb_value *v, uint32_t entries)
{
	control(v, MAP, entries);
}

void mmdb_array(struct mmdb_value *v, uint32_t entries)
{
	control(v, ARRAY, entries);
}

/* Leading zero bytes are left out: zero is of no bytes at all. */
static void number(struct mmdb_value *v, enum type type, uint64_t x)
{
	unsigned n = 0;

	while (n < 8 && x >> (8 * n))
		n++;
	control(v, type, n);
	while (n--)
		put_byte(v, (unsigned)(x >> (8 * n)) & 0xff);
}

void mmdb_u16(struct mmdb_value *v, uint16_t x)
{
	number(v, UINT16, x);
}

void mmdb_u32(struct mmdb_value *v, uint32_t x)
{
	number(v, UINT32, x);
}

void mmdb_u64(struct mmdb_value *v, uint64_t x)
{
	number(v, UINT64, x);
}

/* A boolean's value is its size. */
void mmdb_true(struct mmdb_value *v)
{
	control(v, BOOLEAN, 1);
}

void mmdb_text(struct mmdb_value *v, const char *s)
{
	size_t n = strlen(s);

	if (n > sizeof(v->bytes)) {
		v->error = -E2BIG;
		return;
	}
	control(v, STRING, (uint32_t)n);
	put(v, s, n);
}

/* Offsets of 11, 19, 27 and 32 bits; each size starts where the one before ends. */
void mmdb_pointer(struct mmdb_value *v, uint32_t offset)
{
	unsigned size = offset < 2048 ? 0 : offset < 526336 ? 1 : offset < 134744064 ? 2 : 3;
	static const uint32_t base[4] = {0, 2048, 526336, 0};
	uint32_t x = offset - base[size];

	put_byte(v, (unsigned)POINTER << 5 | size << 3 | (size == 3 ? 0 : x >> (8 * (size + 1))));
	for (unsigned i = size + 1; i-- > 0;)
		put_byte(v, x >> (8 * i) & 0xff);
}

int mmdb_string(struct mmdb_data *d, struct mmdb_value *v, const char *s)
{
	struct mmdb_value one;
	uint32_t offset;
	int r;

	mmdb_value_init(&one);
	if (strlen(s) < 3) {
		mmdb_text(v, s);
		return v->error;
	}
	mmdb_text(&one, s);
	r = mmdb_data_store(d, &one, &offset);
	if (r)
		return r;
	mmdb_pointer(v, offset);
	return v->error;
}
