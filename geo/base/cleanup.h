/* SPDX-License-Identifier: BSD-2-Clause */
/* cleanup.h - locals that free themselves, and the explicit take with which they leave. */
#ifndef GEO_BASE_CLEANUP_H
#define GEO_BASE_CLEANUP_H
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}
static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define _free_	 _cleanup_(cleanup_free)
#define _close_	 _cleanup_(cleanup_close)
#define _fclose_ _cleanup_(cleanup_fclose)
#define _json_	 _cleanup_(cleanup_json)

/* Hands the thing to a new owner; the local is empty afterwards. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int take_ = (fd);                                                                  \
		(fd) = -1;                                                                         \
		take_;                                                                             \
	})
#endif
