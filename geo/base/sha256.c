/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.c - SHA-256 by OpenSSL, and its text. */
#include <errno.h>
#include <stdio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "geo/base/sha256.h"

void sha256_text(char ret[65], const uint8_t sum[32])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

int sha256_hex(char ret[65], const void *bytes, size_t n)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(bytes, n, sum, &len, EVP_sha256(), NULL) != 1 || len != 32) {
		ERR_clear_error(); /* what it keeps of the failure */
		return -ENOMEM;	   /* the only way it fails */
	}
	sha256_text(ret, sum);
	return 0;
}
