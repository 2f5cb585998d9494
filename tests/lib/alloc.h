/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc.h - for a test that defines malloc and its family itself, so that it can let them fail: what
 * stands behind them. ASan's are behind its interceptors, which the program's own definitions hide.
 */
#ifndef TESTS_ALLOC_H
#define TESTS_ALLOC_H
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define REAL_ALLOC(name) __interceptor_##name
#define REAL_ALLOC_COUNTS                                                                          \
	0 /* what libc allocates for itself (strdup) does not pass the program's */
#else
#define REAL_ALLOC(name)  __libc_##name
#define REAL_ALLOC_COUNTS 1
#endif
void *REAL_ALLOC(malloc)(size_t n);
void *REAL_ALLOC(calloc)(size_t n, size_t size);
void *REAL_ALLOC(realloc)(void *p, size_t n);
void REAL_ALLOC(free)(void *p);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
void free(void *p);
#endif
