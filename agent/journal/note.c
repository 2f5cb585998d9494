/* SPDX-License-Identifier: BSD-2-Clause */
/* note.c - Ed25519 keys in PEM files, and signed notes made and checked with them. */
#include "agent/journal/note.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "geo/base/cleanup.h"

#define DASH	  "\xe2\x80\x94 " /* em dash, blank */
#define PUBLIC	  32
#define SIGNATURE 64
#define ED25519	  0x01
#define BLOB	  (4 + SIGNATURE)
#define BASE64(n) (((n) + 2) / 3 * 4)

struct note_key {
	EVP_PKEY *pkey;
	uint8_t public[PUBLIC], id[4];
	char name[NOTE_NAME_MAX], verifier[NOTE_VERIFIER_MAX];
};

void note_key_free(struct note_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

const char *note_key_name(const struct note_key *k)
{
	return k->name;
}

const char *note_key_verifier(const struct note_key *k)
{
	return k->verifier;
}

static int name_set(struct note_key *k, const char *name, size_t n)
{
	if (!n || n >= sizeof(k->name))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == '+' || name[i] == 0x7f)
			return -EINVAL;
	memcpy(k->name, name, n);
	return 0;
}

/* The id and the verifier line follow from name and public key. */
static int derive(struct note_key *k)
{
	uint8_t text[NOTE_NAME_MAX + 2 + PUBLIC], sum[32], blob[1 + PUBLIC];
	char b64[BASE64(sizeof(blob)) + 1];
	size_t n = strlen(k->name), len = PUBLIC;

	if (EVP_PKEY_get_raw_public_key(k->pkey, k->public, &len) != 1 || len != PUBLIC)
		return -EINVAL;
	memcpy(text, k->name, n);
	text[n] = '\n';
	text[n + 1] = ED25519;
	memcpy(text + n + 2, k->public, PUBLIC);
	if (EVP_Digest(text, n + 2 + PUBLIC, sum, NULL, EVP_sha256(), NULL) != 1)
		return -EIO;
	memcpy(k->id, sum, sizeof(k->id));
	blob[0] = ED25519;
	memcpy(blob + 1, k->public, PUBLIC);
	EVP_EncodeBlock((unsigned char *)b64, blob, sizeof(blob));
	snprintf(k->verifier, sizeof(k->verifier), "%s+%02x%02x%02x%02x+%s", k->name, k->id[0],
		 k->id[1], k->id[2], k->id[3], b64);
	return 0;
}

static EVP_PKEY *generate(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* Made beside and linked into place: never half a key, never over another one. */
static int write_new(const char *path, EVP_PKEY *pkey)
{
	char tmp[4096];
	_close_ int fd = -1;
	_fclose_ FILE *f = NULL;
	int r = 0;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || !(f = fdopen(dup(fd), "w")))
		return -errno;
	if (PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL) != 1 || fflush(f) ||
	    fsync(fd) < 0)
		r = -EIO;
	if (r == 0 && link(tmp, path) < 0)
		r = -errno;
	unlink(tmp);
	return r;
}

static int read_or_make(struct note_key *k, const char *path, int make, struct diag_sink *d)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_fclose_ FILE *f = NULL;
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT && make) {
		k->pkey = generate();
		r = k->pkey ? write_new(path, k->pkey) : -EIO;
		if (r < 0)
			diag_error(d, path, 0, "cannot make a signing key: %s", strerror(-r));
		return r;
	}
	if (fd < 0 || !(f = fdopen(dup(fd), "r"))) {
		r = -errno;
		diag_error(d, path, 0, "cannot read the signing key: %s", strerror(-r));
		return r;
	}
	if (fstat(fd, &st) == 0 && st.st_mode & 077)
		diag_warn(d, path, 0,
			  "others can read the signing key (mode %o): whoever has it "
			  "can sign a forged journal",
			  st.st_mode & 0777);
	k->pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	if (!k->pkey || EVP_PKEY_get_id(k->pkey) != EVP_PKEY_ED25519) {
		diag_error(d, path, 0, "no Ed25519 private key in PEM");
		return -EINVAL;
	}
	return 0;
}

int note_key_open(struct note_key **ret, const char *path, const char *name, int make,
		  struct diag_sink *d)
{
	struct note_key *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	r = name_set(k, name, strlen(name));
	if (r < 0)
		diag_error(d, path, 0, "'%s' cannot be a key's name: no blanks, no '+'", name);
	if (r == 0)
		r = read_or_make(k, path, make, d);
	if (r == 0)
		r = derive(k);
	if (r < 0) {
		note_key_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

/* Strict: one text for one value, so what decodes must encode to itself again. Bytes, or -EINVAL. */
static int decode(uint8_t *ret, size_t max, const char *s, size_t n)
{
	uint8_t buf[BASE64(BLOB) + 4];
	char again[BASE64(sizeof(buf)) + 1];
	int len, pad = 0;

	if (!n || n % 4 || n / 4 * 3 > sizeof(buf))
		return -EINVAL;
	while (pad < 2 && s[n - 1 - (size_t)pad] == '=')
		pad++;
	len = EVP_DecodeBlock(buf, (const unsigned char *)s, (int)n) - pad;
	if (len < 0 || (size_t)len > max)
		return -EINVAL;
	EVP_EncodeBlock((unsigned char *)again, buf, len);
	if (memcmp(again, s, n) != 0)
		return -EINVAL;
	memcpy(ret, buf, (size_t)len);
	return len;
}

int note_key_parse(struct note_key **ret, const char *verifier)
{
	const char *id = strchr(verifier, '+'), *key = id ? strchr(id + 1, '+') : NULL;
	struct note_key *k = key ? calloc(1, sizeof(*k)) : NULL;
	uint8_t blob[1 + PUBLIC];
	int r;

	if (!k)
		return key ? -ENOMEM : -EINVAL;
	r = name_set(k, verifier, (size_t)(id - verifier));
	if (r == 0 && (decode(blob, sizeof(blob), key + 1, strlen(key + 1)) != sizeof(blob) ||
		       blob[0] != ED25519))
		r = -EINVAL;
	if (r == 0) {
		k->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, blob + 1, PUBLIC);
		r = k->pkey ? derive(k) : -EINVAL;
	}
	if (r == 0 && strcmp(k->verifier, verifier) != 0) /* the id is not of this key */
		r = -EINVAL;
	if (r < 0)
		note_key_free(k);
	else
		*ret = k;
	return r;
}

char *note_key_pem(const struct note_key *k)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *data, *ret = NULL;
	long n;

	if (b && PEM_write_bio_PUBKEY(b, k->pkey) == 1) {
		n = BIO_get_mem_data(b, &data);
		ret = strndup(data, (size_t)n);
	}
	BIO_free(b);
	return ret;
}

int note_sign(char **ret, const struct note_key *k, const char *text, size_t n)
{
	uint8_t blob[BLOB];
	char b64[BASE64(BLOB) + 1];
	size_t len = SIGNATURE;
	EVP_MD_CTX *ctx;
	int ok;

	if (!n || n > NOTE_TEXT_MAX || text[n - 1] != '\n')
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
	     EVP_DigestSign(ctx, blob + 4, &len, (const uint8_t *)text, n) == 1 && len == SIGNATURE;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return -EIO;
	memcpy(blob, k->id, 4);
	EVP_EncodeBlock((unsigned char *)b64, blob, BLOB);
	return asprintf(ret, "%.*s\n" DASH "%s %s\n", (int)n, text, k->name, b64) < 0 ? -ENOMEM : 0;
}

static int verify(const struct note_key *k, const char *text, size_t n, const uint8_t *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		 EVP_DigestVerify(ctx, signature, SIGNATURE, (const uint8_t *)text, n) == 1;

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -EBADMSG;
}

/* One signature line: 1 when it is of another key. */
static int verify_line(const struct note_key *k, const char *line, size_t n, const char *text,
		       size_t text_len)
{
	size_t dash = strlen(DASH), name = strlen(k->name);
	uint8_t blob[BLOB];

	if (n <= dash || memcmp(line, DASH, dash) != 0)
		return -EINVAL;
	line += dash;
	n -= dash;
	if (n <= name + 1 || memcmp(line, k->name, name) != 0 || line[name] != ' ')
		return 1;
	if (decode(blob, sizeof(blob), line + name + 1, n - name - 1) != sizeof(blob) ||
	    memcmp(blob, k->id, 4) != 0)
		return 1;
	return verify(k, text, text_len, blob + 4);
}

int note_verify(const struct note_key *k, const char *note, size_t n, size_t *text_len)
{
	const char *end = note + n, *at = NULL;
	int found = -ENOKEY;

	for (const char *p = note; p + 1 < end; p++) /* the last empty line */
		if (p[0] == '\n' && p[1] == '\n')
			at = p;
	if (!at || n > NOTE_TEXT_MAX || end[-1] != '\n')
		return -EINVAL;
	for (const char *line = at + 2; line < end;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		int r = verify_line(k, line, (size_t)(nl - line), note, (size_t)(at + 1 - note));

		if (r < 0)
			return r;
		if (r == 0)
			found = 0;
		line = nl + 1;
	}
	if (found == 0)
		*text_len = (size_t)(at + 1 - note);
	return found;
}
