/* SPDX-License-Identifier: BSD-2-Clause */
/* quic.c - the protection of a client's Initial packets is taken off, and their CRYPTO frames are
 * listed. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include "agent/base/cursor.h"
#include "agent/names/quic.h"

#define ID_MAX	   20u
#define SECRET	   32u
#define KEY	   16u
#define IV	   12u
#define TAG	   16u
#define SAMPLE	   16u
#define INITIALS   4u /* in one datagram */
#define FRAMES_MAX 4096u

struct version {
	uint32_t number;
	uint8_t type; /* of an Initial, bits 4 and 5 of the first byte */
	uint8_t salt[20];
	const char *key, *iv, *hp; /* labels */
};
static const struct version versions[] = {
	{0x00000001,
	 0,
	 {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	 "quic key",
	 "quic iv",
	 "quic hp"},
	{0x6b3343cf,
	 1,
	 {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
	 "quicv2 key",
	 "quicv2 iv",
	 "quicv2 hp"},
	{0xff00001d,
	 0,
	 {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
	  0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
	 "quic key",
	 "quic iv",
	 "quic hp"},
};
struct keys {
	uint8_t key[KEY], iv[IV], hp[KEY];
};
struct initial {
	const struct version *version;
	const uint8_t *start;  /* of the packet */
	const uint8_t *id;     /* the connection's, as the client chose it */
	size_t id_len, header; /* bytes before the packet number */
	const uint8_t *body;   /* from the packet number on */
	size_t len;	       /* of the body */
};

static bool hmac(const uint8_t *key, size_t n, const uint8_t *data, size_t len, uint8_t ret[SECRET])
{
	unsigned got = 0;

	return HMAC(EVP_sha256(), key, (int)n, data, len, ret, &got) && got == SECRET;
}

/* HKDF-Expand-Label of TLS 1.3 (RFC 8446, 7.1) with an empty context; at most one block. */
static bool expand(const uint8_t secret[SECRET], const char *label, uint8_t *ret, size_t len)
{
	uint8_t info[64] = {0, (uint8_t)len}, block[SECRET];
	size_t n = strlen(label);

	info[2] = (uint8_t)(6 + n);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n);
	info[9 + n] = 0;
	info[10 + n] = 1;
	if (!hmac(secret, SECRET, info, 11 + n, block))
		return false;
	memcpy(ret, block, len);
	return true;
}

static bool derive(struct keys *k, const struct initial *in)
{
	const struct version *v = in->version;
	uint8_t initial[SECRET], client[SECRET];

	return hmac(v->salt, sizeof(v->salt), in->id, in->id_len, initial) &&
	       expand(initial, "client in", client, SECRET) &&
	       expand(client, v->key, k->key, KEY) && expand(client, v->iv, k->iv, IV) &&
	       expand(client, v->hp, k->hp, KEY);
}

static bool mask_of(const uint8_t hp[KEY], const uint8_t *sample, uint8_t mask[SAMPLE])
{
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = x && EVP_EncryptInit_ex(x, EVP_aes_128_ecb(), NULL, hp, NULL) &&
		  EVP_CIPHER_CTX_set_padding(x, 0) &&
		  EVP_EncryptUpdate(x, mask, &n, sample, SAMPLE) && n == SAMPLE;

	EVP_CIPHER_CTX_free(x);
	return ok;
}

struct sealed {
	const uint8_t *header, *text;
	size_t header_len, text_len; /* text without its tag, which follows */
};
static bool open_sealed(const struct keys *k, const uint8_t nonce[IV], const struct sealed *s,
			uint8_t *ret)
{
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG];
	int n = 0, m = 0;
	bool ok;

	memcpy(tag, s->text + s->text_len, TAG);
	ok = x && EVP_DecryptInit_ex(x, EVP_aes_128_gcm(), NULL, k->key, nonce) &&
	     EVP_DecryptUpdate(x, NULL, &n, s->header, (int)s->header_len) &&
	     EVP_DecryptUpdate(x, ret, &n, s->text, (int)s->text_len) &&
	     EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, TAG, tag) &&
	     EVP_DecryptFinal_ex(x, ret + n, &m) > 0;
	EVP_CIPHER_CTX_free(x);
	return ok;
}

/* The plain text of one packet at ret, which has room for it. 0 and its length, or -EBADMSG. */
static int decrypt(const struct initial *in, uint8_t *ret, size_t room, size_t *len)
{
	uint8_t header[7 + 2 * (ID_MAX + 1) + 8 + 512 + 4], mask[SAMPLE], nonce[IV];
	size_t number_len, h = in->header;
	struct sealed s;
	struct keys k;

	if (in->len < 4 + SAMPLE || h + 4 > sizeof(header) || !derive(&k, in) ||
	    !mask_of(k.hp, in->body + 4, mask))
		return -EBADMSG;
	memcpy(header, in->start, h);
	header[0] ^= mask[0] & 0x0f;
	number_len = (header[0] & 3u) + 1;
	memcpy(nonce, k.iv, IV);
	for (size_t i = 0; i < number_len; i++) {
		header[h + i] = in->body[i] ^ mask[1 + i];
		nonce[IV - number_len + i] ^= header[h + i];
	}
	if (in->len < number_len + TAG || in->len - number_len - TAG > room)
		return -EBADMSG;
	s = (struct sealed){header, in->body + number_len, h + number_len,
			    in->len - number_len - TAG};
	*len = s.text_len;
	return open_sealed(&k, nonce, &s, ret) ? 0 : -EBADMSG;
}

static bool number(struct cursor *c, uint64_t *ret)
{
	const uint8_t *p = cursor_take(c, 1);
	unsigned more = p ? (1u << (p[0] >> 6)) - 1 : 0;
	uint64_t n = p ? p[0] & 0x3f : 0;

	p = p ? cursor_take(c, more) : NULL;
	for (unsigned i = 0; p && i < more; i++)
		n = n << 8 | p[i];
	*ret = n;
	return p != NULL;
}

/* ACK: largest, delay, how many ranges, first range, then two numbers each. */
static bool skip_ack(struct cursor *c, uint64_t type)
{
	uint64_t v, ranges = 0;

	if (!number(c, &v) || !number(c, &v) || !number(c, &ranges) || !number(c, &v) ||
	    ranges > cursor_left(c))
		return false;
	for (uint64_t i = 0; i < 2 * ranges + (type == 3 ? 3 : 0); i++)
		if (!number(c, &v))
			return false;
	return true;
}

void quic_frames(struct quic *q, const uint8_t *p, size_t n)
{
	struct cursor c = {p, p + n};
	uint64_t type, offset, len;

	for (unsigned i = 0; i < FRAMES_MAX && number(&c, &type); i++) {
		if (type <= 1) /* PADDING, PING */
			continue;
		if (type == 2 || type == 3) {
			if (!skip_ack(&c, type))
				return;
			continue;
		}
		if (type != 6 || !number(&c, &offset) || !number(&c, &len) ||
		    len > cursor_left(&c) || q->npieces == QUIC_PIECES_MAX)
			return;
		q->piece[q->npieces++] =
			(struct quic_piece){offset, cursor_take(&c, len), (size_t)len};
	}
}

static const struct version *version_of(uint32_t n)
{
	for (unsigned i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (versions[i].number == n)
			return &versions[i];
	return NULL;
}

bool quic_long_header(const uint8_t *p, size_t len)
{
	return len >= 7 && (p[0] & 0xc0) == 0xc0 && be32(p + 1) && p[5] <= ID_MAX;
}

/* 1: the next packet of the datagram; 0: the datagram has no more of them. */
static int next(struct cursor *c, struct initial *ret)
{
	const uint8_t *start = c->p, *p;
	uint64_t token, len;

	if (!quic_long_header(c->p, cursor_left(c)))
		return 0;
	ret->version = version_of(be32(start + 1));
	if (!ret->version || (start[0] >> 4 & 3) != ret->version->type)
		return 0;
	p = cursor_take(c, 6);
	ret->id_len = p ? p[5] : 0;
	ret->id = cursor_take(c, ret->id_len);
	p = p && ret->id ? cursor_take(c, 1) : NULL;
	if (!p || p[0] > ID_MAX || !cursor_take(c, p[0]) || !number(c, &token) ||
	    token > cursor_left(c) || !cursor_take(c, (size_t)token) || !number(c, &len) ||
	    len > cursor_left(c))
		return 0;
	ret->start = start;
	ret->header = (size_t)(c->p - start);
	ret->len = (size_t)len;
	ret->body = cursor_take(c, (size_t)len);
	return 1;
}

int quic_initial(struct quic *ret, const uint8_t *p, size_t len)
{
	struct cursor c = {p, p + len};
	size_t used = 0;
	struct initial in;
	int r = -ENOMSG;

	ret->npieces = 0;
	ret->version = 0;
	for (unsigned i = 0; i < INITIALS && next(&c, &in) > 0; i++) {
		size_t n = 0;

		ret->version = in.version->number;
		if (decrypt(&in, ret->plain + used, sizeof(ret->plain) - used, &n) < 0)
			return ret->npieces ? 0 : -EBADMSG;
		r = 0;
		quic_frames(ret, ret->plain + used, n);
		used += n;
	}
	return r;
}
