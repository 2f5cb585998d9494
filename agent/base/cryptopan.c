/* SPDX-License-Identifier: BSD-2-Clause */
/* cryptopan.c - Crypto-PAn with AES-128: 16 bytes of the key for the cipher, 16 for the pad. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/file.h"
#include "agent/base/cryptopan.h"
#include "agent/base/text.h"

#define BLOCK 16

struct cryptopan {
	EVP_CIPHER_CTX *aes;
	uint8_t pad[BLOCK];
};

static void encrypt(struct cryptopan *c, uint8_t out[BLOCK], const uint8_t in[BLOCK])
{
	int n;

	EVP_EncryptUpdate(c->aes, out, &n, in, BLOCK);
}

int cryptopan_new(struct cryptopan **ret, const uint8_t key[CRYPTOPAN_KEY])
{
	struct cryptopan *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->aes = EVP_CIPHER_CTX_new();
	if (!c->aes || EVP_EncryptInit_ex(c->aes, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(c->aes, 0) != 1) {
		cryptopan_free(c);
		return -EIO;
	}
	encrypt(c, c->pad, key + BLOCK);
	*ret = c;
	return 0;
}

void cryptopan_free(struct cryptopan *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->aes);
	OPENSSL_cleanse(c->pad, sizeof(c->pad));
	free(c);
}

/* Bit i is turned by the first bit of the cipher over the i bits before it, filled up by the pad. */
void cryptopan_address(struct cryptopan *c, uint8_t *address, size_t n)
{
	uint8_t in[BLOCK], out[BLOCK], turn[BLOCK] = {0};

	for (size_t bit = 0; bit < n * 8; bit++) {
		size_t whole = bit / 8;
		uint8_t mask = (uint8_t)(0xff00 >> bit % 8);

		memcpy(in, c->pad, BLOCK);
		memcpy(in, address, whole);
		in[whole] = (uint8_t)((address[whole] & mask) | (c->pad[whole] & ~mask));
		encrypt(c, out, in);
		turn[whole] |= (uint8_t)((out[0] >> 7) << (7 - bit % 8));
	}
	for (size_t i = 0; i < n; i++)
		address[i] ^= turn[i];
}

int cryptopan_key(uint8_t ret[CRYPTOPAN_KEY], const char *path)
{
	char *text = NULL;
	size_t n = 0;
	int r = file_read(&text, &n, AT_FDCWD, path, 4096);

	if (r < 0)
		return r;
	r = -EINVAL;
	if (n == CRYPTOPAN_KEY) {
		memcpy(ret, text, n);
		r = 0;
	} else {
		size_t digits = 0;

		while (digits < n && isxdigit((unsigned char)text[digits]))
			digits++;
		for (size_t i = 0; digits == 64 && i < CRYPTOPAN_KEY; i++) {
			char two[3] = {text[2 * i], text[2 * i + 1], 0};

			ret[i] = (uint8_t)strtoul(two, NULL, 16);
			r = 0;
		}
	}
	OPENSSL_cleanse(text, n);
	free(text);
	return r;
}
