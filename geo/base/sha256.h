/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.h - SHA-256 as 64 hexadecimal digits. */
#ifndef GEO_BASE_SHA256_H
#define GEO_BASE_SHA256_H
#include <stddef.h>
#include <stdint.h>

int sha256_hex(char ret[65], const void *bytes, size_t n); /* 0 or -ENOMEM */
void sha256_text(char ret[65], const uint8_t sum[32]);
#endif
