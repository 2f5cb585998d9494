/* SPDX-License-Identifier: BSD-2-Clause */
/* manifest.c - reads the list of files of a directory of facts, and files against it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "geo/base/cleanup.h"
#include "geo/facts/manifest.h"

int manifest_digest(char hex[65], const void *bytes, size_t n)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(bytes, n, sum, &len, EVP_sha256(), NULL) != 1 || len != 32) {
		ERR_clear_error(); /* what it keeps of the failure */
		return -EIO;
	}
	for (unsigned i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

bool manifest_matches(const struct manifest_file *f, const void *bytes, size_t n)
{
	char hex[65];

	return n == f->size && !manifest_digest(hex, bytes, n) && !strcmp(hex, f->sha256);
}

int manifest_slurp(char **ret, size_t *size, const char *path, size_t max)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_free_ char *text = NULL;
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t r = read(fd, text + n, (size_t)st.st_size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		n += (size_t)r;
	}
	text[n] = '\0';
	*size = n;
	*ret = TAKE_PTR(text);
	return 0;
}

static bool plain(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return *name && *name != '.' && !name[strspn(name, letters)];
}

/* Digits up to end, at most 15 of them. */
static bool number(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789");

	*ret = 0;
	if (!n || n > 15 || text[n])
		return false;
	for (; *text; text++)
		*ret = *ret * 10 + (uint64_t)(*text - '0');
	return true;
}

static bool file_line(struct manifest *m, char *word[3])
{
	struct manifest_file *f = &m->files[m->n];

	if (m->n == MANIFEST_FILES_MAX || strlen(word[0]) > MANIFEST_NAME_MAX || !plain(word[0]) ||
	    !strcmp(word[0], MANIFEST_NAME) || !number(word[1], &f->size) ||
	    f->size > MANIFEST_BYTES_MAX || strlen(word[2]) != 64 ||
	    word[2][strspn(word[2], "0123456789abcdef")])
		return false;
	snprintf(f->name, sizeof(f->name), "%s", word[0]);
	snprintf(f->sha256, sizeof(f->sha256), "%s", word[2]);
	if (m->n && strcmp(m->files[m->n - 1].name, f->name) >= 0)
		return false;
	m->n++;
	return true;
}

/* One line, cut into up to three words; number counts from 1. */
static bool one_line(struct manifest *m, unsigned line, char *text)
{
	char *word[3] = {text, NULL, NULL};

	for (int i = 1; i < 3 && (word[i] = strchr(word[i - 1], ' ')); i++)
		*word[i]++ = '\0';
	if (!word[1])
		return false;
	if (line == 1)
		return !strcmp(word[0], "cordon-facts") && !strcmp(word[1], "1") && !word[2];
	if (line == 2)
		return !strcmp(word[0], "serial") && !word[2] && number(word[1], &m->serial) &&
		       m->serial;
	if (line == 3) {
		snprintf(m->date, sizeof(m->date), "%s", word[1]);
		return !strcmp(word[0], "date") && !word[2] && strlen(word[1]) == 10;
	}
	return word[2] && file_line(m, word);
}

int manifest_parse(struct manifest *ret, const char *text, size_t n, char why[128])
{
	struct manifest m = {0};
	unsigned line = 0;

	while (n) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n;
		char copy[256];

		line++;
		if (!end || len >= sizeof(copy) || memchr(text, '\0', len)) {
			snprintf(why, 128, "line %u: cut short, or no text", line);
			return -EINVAL;
		}
		memcpy(copy, text, len);
		copy[len] = '\0';
		if (!one_line(&m, line, copy)) {
			snprintf(why, 128, "line %u: not as FACTS has it", line);
			return -EINVAL;
		}
		text = end + 1;
		n -= len + 1;
	}
	if (!m.n) {
		snprintf(why, 128, "names no file");
		return -EINVAL;
	}
	*ret = m;
	return 0;
}

int manifest_read(struct manifest *ret, const char *directory, char why[128])
{
	char path[sizeof(ret->directory) + sizeof(MANIFEST_NAME) + 1];
	_free_ char *text = NULL;
	size_t n = 0;
	int r;

	if (strlen(directory) >= sizeof(ret->directory))
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s/%s", directory, MANIFEST_NAME);
	r = manifest_slurp(&text, &n, path, MANIFEST_TEXT_MAX);
	if (r) {
		snprintf(why, 128, "cannot be read: %s", strerror(-r));
		return r;
	}
	r = manifest_parse(ret, text, n, why);
	if (!r)
		snprintf(ret->directory, sizeof(ret->directory), "%s", directory);
	return r;
}
