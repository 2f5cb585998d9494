/* SPDX-License-Identifier: BSD-2-Clause */
/* size.h - sizes as a policy writes them: a whole number and a unit, decimal (kB, MB ...) or binary (KiB ...). */
#ifndef RULES_PARSE_SIZE_H
#define RULES_PARSE_SIZE_H
#include <stdbool.h>
#include <stdint.h>

#define SIZE_MOST   1000000000000000000ull /* 1000000TB */
#define SIZE_STRLEN 32
bool size_parse(uint64_t *ret, const char *s); /* false: no size from 1B to SIZE_MOST */
/* In the largest unit that it is a whole number of; reads back as the same. */
const char *size_format(char buf[SIZE_STRLEN], uint64_t bytes);
#endif
