/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.c - reads a signed bundle of facts, and makes one. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include "bundle_key.h" /* made by make: BUNDLE_PUBLIC_KEY */
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "geo/facts/bundle.h"
#include "geo/facts/facts_private.h"

#define HEAD	  "cordon-bundle 1\nfacts "
#define SIGNATURE "signature "
#define SIG_BYTES 64
#define TAIL_SIZE (sizeof(SIGNATURE) - 1 + 2 * SIG_BYTES + 1)

static void cleanup_pkey(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
static void cleanup_md(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

const uint8_t *bundle_key(void)
{
	static const uint8_t key[BUNDLE_KEY_BYTES] = BUNDLE_PUBLIC_KEY;

	return key;
}

void bundle_key_name(char buf[17], const uint8_t key[BUNDLE_KEY_BYTES])
{
	char hex[65] = "?";

	manifest_digest(hex, key, BUNDLE_KEY_BYTES);
	snprintf(buf, 17, "%.16s", hex);
}

static int bad(struct diag_sink *d, const char *path, const char *what)
{
	ERR_clear_error();
	diag_error(d, path, 0, "%s", what);
	return -EINVAL;
}

static int unhex(uint8_t out[SIG_BYTES], const char *hex)
{
	for (size_t i = 0; i < 2 * SIG_BYTES; i++) {
		const char *digits = "0123456789abcdef", *at = strchr(digits, hex[i]);

		if (!at || !*at)
			return -EINVAL;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (at - digits));
	}
	return 0;
}

/* The last line, over everything before it. */
static int check_signature(const struct bundle *b, const char *path, const uint8_t *key,
			   struct diag_sink *d)
{
	_cleanup_(cleanup_pkey) EVP_PKEY *k =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, BUNDLE_KEY_BYTES);
	_cleanup_(cleanup_md) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[SIG_BYTES] = {0};
	char name[17];
	const char *tail = b->n > TAIL_SIZE ? b->bytes + b->n - TAIL_SIZE : NULL;

	if (!tail || memcmp(tail, SIGNATURE, sizeof(SIGNATURE) - 1) ||
	    tail[TAIL_SIZE - 1] != '\n' || unhex(sig, tail + sizeof(SIGNATURE) - 1))
		return bad(d, path, "does not end in a signature: it is truncated, or no bundle");
	if (k && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
	    EVP_DigestVerify(c, sig, SIG_BYTES, (const uint8_t *)b->bytes, b->n - TAIL_SIZE) == 1)
		return 0;
	bundle_key_name(name, key);
	ERR_clear_error();
	diag_error(d, path, 0,
		   "is not signed by the key of this program (%s): damaged, changed, or made for "
		   "another build",
		   name);
	return -EKEYREJECTED;
}

/* "facts N\n", then FACTS, then each file. Only what was signed is read here. */
static int lay_out(struct bundle *b, const char *path, struct diag_sink *d)
{
	const size_t head = sizeof(HEAD) - 1, end = b->n - TAIL_SIZE;
	char why[128] = "";
	size_t at = head;

	while (at < end && isdigit((unsigned char)b->bytes[at]) && at < head + 8)
		b->facts_size = b->facts_size * 10 + (size_t)(b->bytes[at++] - '0');
	if (at >= end || b->bytes[at] != '\n' || b->facts_size > MANIFEST_TEXT_MAX ||
	    b->facts_size > end - at - 1)
		return bad(d, path, "says that FACTS is longer than it is");
	b->facts = ++at;
	if (manifest_parse(&b->manifest, b->bytes + at, b->facts_size, why)) {
		diag_error(d, path, 0, "its FACTS: %s", why);
		return -EINVAL;
	}
	at += b->facts_size;
	for (size_t i = 0; i < b->manifest.n; at += b->manifest.files[i++].size) {
		b->offset[i] = at;
		if (b->manifest.files[i].size > end - at ||
		    !manifest_matches(&b->manifest.files[i], b->bytes + at,
				      b->manifest.files[i].size)) {
			diag_error(d, path, 0, "%s in it is not what its FACTS names",
				   b->manifest.files[i].name);
			return -EINVAL;
		}
	}
	return at == end ? 0 : bad(d, path, "has more in it than its FACTS names");
}

int bundle_open(struct bundle *ret, const char *path, const uint8_t key[BUNDLE_KEY_BYTES],
		struct diag_sink *d)
{
	struct bundle b = {0};
	int r = manifest_slurp(&b.bytes, &b.n, path, BUNDLE_BYTES_MAX);

	if (r) {
		diag_error(d, path, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	if (b.n < sizeof(HEAD) - 1 || memcmp(b.bytes, HEAD, sizeof(HEAD) - 1))
		r = bad(d, path, "is no bundle: it does not begin with 'cordon-bundle 1'");
	if (!r)
		r = check_signature(&b, path, key, d);
	if (!r)
		r = lay_out(&b, path, d);
	if (r)
		free(b.bytes);
	else
		*ret = b;
	return r;
}

void bundle_close(struct bundle *b)
{
	free(b->bytes);
	*b = (struct bundle){0};
}

static int is_part(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return facts_is_table(e->d_name) ||
	       (n > 7 && *e->d_name != '.' && !strcmp(e->d_name + n - 7, ".ranges"));
}

/* What is being made: FACTS and, after it, the files. */
struct parts {
	FILE *facts, *files;
	char *facts_text, *files_text; /* owned */
	size_t facts_size, files_size;
};

static void cleanup_parts(struct parts *p)
{
	if (p->facts)
		fclose(p->facts);
	if (p->files)
		fclose(p->files);
	free(p->facts_text);
	free(p->files_text);
}

static int add_file(struct parts *p, const char *directory, const char *name, struct diag_sink *d)
{
	_free_ char *text = NULL;
	char path[512], hex[65];
	size_t n = 0;
	int r;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	r = manifest_slurp(&text, &n, path, MANIFEST_BYTES_MAX);
	if (!r)
		r = manifest_digest(hex, text, n);
	if (r) {
		diag_error(d, path, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	fprintf(p->facts, "%s %zu %s\n", name, n, hex);
	return fwrite(text, 1, n, p->files) == n ? 0 : -ENOMEM;
}

/* Sorted by bytes, as FACTS wants it. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int collect(struct parts *p, const char *directory, uint64_t serial, const char *date,
		   struct diag_sink *d)
{
	struct dirent **names = NULL;
	int n = scandir(directory, &names, is_part, by_name), r = 0;

	if (n < 0) {
		r = -errno;
		diag_error(d, directory, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	p->facts = open_memstream(&p->facts_text, &p->facts_size);
	p->files = open_memstream(&p->files_text, &p->files_size);
	if (!p->facts || !p->files)
		r = -ENOMEM;
	else
		fprintf(p->facts, "cordon-facts 1\nserial %llu\ndate %s\n",
			(unsigned long long)serial, date);
	for (int i = 0; i < n; free(names[i++]))
		if (!r)
			r = add_file(p, directory, names[i]->d_name, d);
	free(names);
	if (!r && (fflush(p->facts) || fflush(p->files)))
		r = -ENOMEM;
	return r;
}

static EVP_PKEY *read_private_key(const char *path, struct diag_sink *d)
{
	_fclose_ FILE *f = fopen(path, "re");
	EVP_PKEY *k = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (k && EVP_PKEY_get_base_id(k) == EVP_PKEY_ED25519)
		return k;
	EVP_PKEY_free(k);
	ERR_clear_error();
	diag_error(d, path, 0, "%s", f ? "is no private Ed25519 key in PEM" : strerror(errno));
	return NULL;
}

static int sign(char tail[TAIL_SIZE + 1], const char *text, size_t n, const char *key,
		struct diag_sink *d)
{
	_cleanup_(cleanup_pkey) EVP_PKEY *k = read_private_key(key, d);
	_cleanup_(cleanup_md) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[SIG_BYTES];
	size_t len = sizeof(sig);

	if (!k)
		return -EINVAL;
	if (!c || EVP_DigestSignInit(c, NULL, NULL, NULL, k) != 1 ||
	    EVP_DigestSign(c, sig, &len, (const uint8_t *)text, n) != 1 || len != SIG_BYTES)
		return bad(d, key, "cannot sign");
	snprintf(tail, TAIL_SIZE + 1, SIGNATURE);
	for (size_t i = 0; i < len; i++)
		snprintf(tail + sizeof(SIGNATURE) - 1 + 2 * i, 3, "%02x", sig[i]);
	tail[TAIL_SIZE - 1] = '\n';
	tail[TAIL_SIZE] = '\0';
	return 0;
}

int bundle_make(const char *out, const char *directory, const char *private_key, uint64_t serial,
		const char *date, struct diag_sink *d)
{
	_cleanup_(cleanup_parts) struct parts p = {0};
	_free_ char *text = NULL;
	char tail[TAIL_SIZE + 1];
	size_t n = 0;
	int r = collect(&p, directory, serial, date, d);
	FILE *all;

	if (r)
		return r;
	all = open_memstream(&text, &n);
	if (!all)
		return -ENOMEM;
	fprintf(all, HEAD "%zu\n", p.facts_size);
	fwrite(p.facts_text, 1, p.facts_size, all);
	fwrite(p.files_text, 1, p.files_size, all);
	if (fflush(all) || ferror(all))
		r = -ENOMEM;
	if (!r)
		r = sign(tail, text, n, private_key, d);
	if (!r && (fwrite(tail, 1, TAIL_SIZE, all) != TAIL_SIZE || fflush(all)))
		r = -ENOMEM;
	fclose(all);
	return r ? r : file_replace(out, text, n, d);
}
