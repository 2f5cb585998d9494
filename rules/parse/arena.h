/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - memory that is taken piece by piece and dropped whole: one region a policy, one a
 * compiled policy. */
#ifndef RULES_PARSE_ARENA_H
#define RULES_PARSE_ARENA_H
#include <stddef.h>

struct arena;

/* NULL when there is no memory; so do the others. */
struct arena *arena_new(void);
void arena_free(struct arena *r);				 /* NULL is fine */
void *arena_alloc(struct arena *r, size_t n, size_t size);	 /* zeroed, aligned for any type */
char *arena_copy(struct arena *r, const char *text, size_t len); /* NUL is added */
char *arena_format(struct arena *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A list that grows in a region. What an earlier size held stays in the region: at most twice the
 * list in all. */
struct list {
	void *items;
	size_t n, cap, size;
};
/* A zeroed item at the end; NULL when there is no memory, or when the list's items are of another
 * size. The pointer holds until the next push. */
void *list_push(struct arena *r, struct list *l, size_t size);
void *list_add(struct arena *r, struct list *l, const void *item,
	       size_t size); /* the same, with a copy of item in it */
#endif
