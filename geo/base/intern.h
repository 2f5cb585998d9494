/* SPDX-License-Identifier: BSD-2-Clause */
/* intern.h - equal things get equal small numbers; two hash tables, one of
 * records and one of texts. */
#ifndef GEO_BASE_INTERN_H
#define GEO_BASE_INTERN_H
#include <stddef.h>
#include <stdint.h>

/* Records of one size (a multiple of 4, no padding that is not zeroed), numbered from 0 as they
 * come. */
struct intern {
	uint32_t *items; /* n * words; moves when it grows */
	uint32_t *slots; /* number + 1; 0 = empty */
	size_t words, n, room, nslots, max;
};
int intern_init(struct intern *t, size_t bytes, size_t max); /* 0 or -ENOMEM */
void intern_drop(struct intern *t);
/* 0 and the number; -E2BIG past max, -ENOMEM. */
int intern_add(struct intern *t, const void *item, uint32_t *ret);
static inline const void *intern_get(const struct intern *t, uint32_t i)
{
	return t->items + i * t->words;
}

/* realloc for what grows to megabytes: asks for huge pages, which spares a page fault every 4 KB.
 */
void *realloc_big(void *p, size_t bytes);

/* Texts, numbered from 1 as they come; 0 is the empty text. Their bytes do not move. */
struct texts {
	char **v;		     /* v[0] = "" */
	uint32_t *slots;	     /* number; 0 = empty */
	size_t n, room, nslots, max; /* n counts the empty text */
};
int texts_init(struct texts *t, size_t max);
void texts_drop(struct texts *t);
int texts_add(struct texts *t, const char *s, size_t n, uint32_t *ret);
int64_t texts_find(const struct texts *t, const char *s, size_t n); /* number or -ENOENT */
#endif
