/* SPDX-License-Identifier: BSD-2-Clause */
/* age.c - the age format, version 1, with one X25519 recipient (C2SP age.md), by OpenSSL. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/age.h"

#define CHUNK	 65536u
#define TAG	 16u
#define FILE_KEY 16u
#define KEY	 32u
#define INTRO	 "age-encryption.org/v1\n"
#define INFO	 "age-encryption.org/v1/X25519"

struct seal {
	FILE *to;
	uint8_t key[KEY];
	uint8_t chunk[CHUNK];
	size_t n;
	uint64_t counter;
};

static unsigned polymod(const uint8_t *v, size_t n)
{
	static const unsigned generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
					     0x2a1462b3};
	unsigned c = 1;

	for (size_t i = 0; i < n; i++) {
		unsigned top = c >> 25;

		c = (c & 0x1ffffff) << 5 ^ v[i];
		for (unsigned k = 0; k < 5; k++)
			c ^= top >> k & 1 ? generator[k] : 0;
	}
	return c;
}

/* Bech32 (BIP 173) with the prefix "age": 52 letters of five bits each, and six of a checksum. */
int age_recipient(uint8_t ret[AGE_RECIPIENT], const char *text)
{
	static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	uint8_t v[7 + 58] = {3, 3, 3, 0, 1, 7, 5}; /* "age" expanded */
	unsigned bits = 0, have = 0;
	size_t out = 0;

	if (strncmp(text, "age1", 4) || strlen(text) != 62)
		return -EINVAL;
	for (size_t i = 0; i < 58; i++) {
		const char *p = strchr(letters, text[4 + i]);

		if (!p || !*p)
			return -EINVAL;
		v[7 + i] = (uint8_t)(p - letters);
	}
	if (polymod(v, sizeof(v)) != 1)
		return -EINVAL;
	for (size_t i = 0; i < 52; i++) {
		bits = (bits << 5 | v[7 + i]) & 0xfff;
		have += 5;
		if (have >= 8) {
			have -= 8;
			ret[out++] = (uint8_t)(bits >> have);
		}
	}
	return out == AGE_RECIPIENT && !(bits & ((1u << have) - 1)) ? 0 : -EINVAL;
}

static int hkdf(uint8_t out[KEY], const uint8_t *key, size_t nkey, const uint8_t *salt,
		size_t nsalt, const char *info)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM p[5], *q = p;
	int ok;

	*q++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
	*q++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, nkey);
	*q++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info,
						 strlen(info));
	if (nsalt)
		*q++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
							 (void *)(uintptr_t)salt, nsalt);
	*q = OSSL_PARAM_construct_end();
	ok = ctx && EVP_KDF_derive(ctx, out, KEY, p) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 0 : -EIO;
}

/* ChaCha20-Poly1305; out has room for n + TAG. */
static int aead(uint8_t *out, const uint8_t key[KEY], const uint8_t nonce[12], const uint8_t *in,
		size_t n)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0, end = 0;
	bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, nonce) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &len, in, (int)n) == 1 &&
		  EVP_EncryptFinal_ex(ctx, out + len, &end) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + n) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

/* Base64 without padding */
static void base64(char *to, const uint8_t *from, size_t n)
{
	EVP_EncodeBlock((unsigned char *)to, from, (int)n);
	to[strcspn(to, "=")] = 0;
}

/* An ephemeral key, and the secret that it and the recipient share. */
static int agree(uint8_t share[KEY], uint8_t secret[KEY], const uint8_t recipient[AGE_RECIPIENT])
{
	EVP_PKEY *mine = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY *theirs =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, recipient, AGE_RECIPIENT);
	EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	size_t n = KEY, m = KEY;
	bool ok = ctx && theirs && EVP_PKEY_get_raw_public_key(mine, share, &n) == 1 &&
		  EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
		  EVP_PKEY_derive(ctx, secret, &m) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
	return ok ? 0 : -EIO;
}

/* The stanza: the file key, wrapped for the recipient. */
static int stanza(char *text, size_t size, const uint8_t file_key[FILE_KEY],
		  const uint8_t recipient[AGE_RECIPIENT])
{
	static const uint8_t zero[12];
	uint8_t share[KEY], secret[KEY], salt[2 * KEY], wrap[KEY], body[FILE_KEY + TAG];
	char share64[64], body64[64];
	int r = agree(share, secret, recipient);

	memcpy(salt, share, KEY);
	memcpy(salt + KEY, recipient, KEY);
	if (r == 0)
		r = hkdf(wrap, secret, KEY, salt, sizeof(salt), INFO);
	if (r == 0)
		r = aead(body, wrap, zero, file_key, FILE_KEY);
	if (r < 0)
		return r;
	base64(share64, share, KEY);
	base64(body64, body, sizeof(body));
	snprintf(text, size, INTRO "-> X25519 %s\n%s\n---", share64, body64);
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(wrap, sizeof(wrap));
	return 0;
}

static int header(struct seal *s, const uint8_t recipient[AGE_RECIPIENT])
{
	uint8_t file_key[FILE_KEY], mac_key[KEY], mac[KEY], nonce[16];
	char text[256], mac64[64];
	size_t n = KEY;
	int r;

	if (RAND_bytes(file_key, sizeof(file_key)) != 1 || RAND_bytes(nonce, sizeof(nonce)) != 1)
		return -EIO;
	r = stanza(text, sizeof(text), file_key, recipient);
	if (r == 0)
		r = hkdf(mac_key, file_key, FILE_KEY, NULL, 0, "header");
	if (r == 0)
		r = hkdf(s->key, file_key, FILE_KEY, nonce, sizeof(nonce), "payload");
	if (r == 0 && !EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, mac_key, KEY,
				 (const unsigned char *)text, strlen(text), mac, sizeof(mac), &n))
		r = -EIO;
	OPENSSL_cleanse(file_key, sizeof(file_key));
	if (r < 0)
		return r;
	base64(mac64, mac, KEY);
	fprintf(s->to, "%s %s\n", text, mac64);
	return fwrite(nonce, 1, sizeof(nonce), s->to) == sizeof(nonce) ? 0 : -EIO;
}

static int put_chunk(struct seal *s, bool last)
{
	uint8_t nonce[12] = {0}, out[CHUNK + TAG];
	int r;

	for (unsigned i = 0; i < 8; i++)
		nonce[10 - i] = (uint8_t)(s->counter >> (8 * i));
	nonce[11] = last;
	r = aead(out, s->key, nonce, s->chunk, s->n);
	if (r == 0 && fwrite(out, 1, s->n + TAG, s->to) != s->n + TAG)
		r = -EIO;
	s->counter++;
	s->n = 0;
	return r;
}

/* A full chunk waits for more, since the last one is marked. */
static ssize_t seal_write(void *cookie, const char *from, size_t size)
{
	struct seal *s = cookie;
	size_t left = size;

	while (left) {
		size_t n = CHUNK - s->n < left ? CHUNK - s->n : left;

		if (s->n == CHUNK && put_chunk(s, false) < 0) {
			errno = EIO;
			return 0;
		}
		n = n ? n : (left < CHUNK ? left : CHUNK);
		memcpy(s->chunk + s->n, from, n);
		s->n += n;
		from += n;
		left -= n;
	}
	return (ssize_t)size;
}

static int seal_close(void *cookie)
{
	struct seal *s = cookie;
	int r = put_chunk(s, true);

	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
	if (r < 0)
		errno = EIO;
	return r < 0 ? EOF : 0;
}

FILE *age_seal(FILE *to, const uint8_t recipient[AGE_RECIPIENT])
{
	cookie_io_functions_t io = {.write = seal_write, .close = seal_close};
	struct seal *s = calloc(1, sizeof(*s));
	FILE *f;

	if (!s)
		return NULL;
	s->to = to;
	if (header(s, recipient) < 0) {
		free(s);
		errno = EIO;
		return NULL;
	}
	f = fopencookie(s, "w", io);
	if (!f)
		free(s);
	return f;
}
