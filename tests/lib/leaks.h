/* SPDX-License-Identifier: BSD-2-Clause */
/* leaks.h - Criterion under ASan lets leaks pass: no_leaks() in a suite's .fini does not. */
#ifndef TESTS_LEAKS_H
#define TESTS_LEAKS_H
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
int __lsan_do_recoverable_leak_check(void);
static inline void no_leaks(void)
{
	if (__lsan_do_recoverable_leak_check())
		abort();
}
#else
static inline void no_leaks(void)
{
}
#endif
#endif
