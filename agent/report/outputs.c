/* SPDX-License-Identifier: BSD-2-Clause */
/* outputs.c - files to hashes, hashes to a note, and back. */
#include "agent/report/outputs.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/journal/note.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

static int file_sha256(const char *path, char ret[65])
{
	_free_ uint8_t *buf = malloc(1u << 20);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t md[EVP_MAX_MD_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC), e = fd < 0 ? -errno : -EIO;
	ssize_t n = -1;

	if (buf && ctx && fd >= 0 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		while ((n = read(fd, buf, 1u << 20)) > 0)
			EVP_DigestUpdate(ctx, buf, (size_t)n);
	if (n == 0 && EVP_DigestFinal_ex(ctx, md, NULL) == 1) {
		for (unsigned i = 0; i < 32; i++)
			snprintf(ret + 2 * i, 3, "%02x", md[i]);
		e = 0;
	}
	EVP_MD_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	return e;
}

int outputs_put(struct json_writer *j, const char *path)
{
	char sum[65] = "";
	int e;

	if (!path || !strcmp(path, "-"))
		return 0;
	e = file_sha256(path, sum);
	if (e < 0)
		return e;
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "file", path);
	json_writer_text(j, "sha256", sum);
	json_writer_close(j, '}');
	return 0;
}

int outputs_write(char **verifier, const char *path, const char *json, const char *key_path,
		  const char *name, struct diag_sink *d)
{
	struct note_key *key = NULL;
	_free_ char *text = NULL, *note = NULL;
	int e = 0;

	*verifier = NULL;
	if (asprintf(&text, "%s\n", json) < 0) {
		text = NULL;
		diag_error(d, path, 0, "not enough memory");
		return -ENOMEM;
	}
	if (key_path)
		e = note_key_open(&key, key_path, name, 1, d);
	if (e == 0 && key) {
		e = note_sign(&note, key, text, strlen(text));
		if (e < 0)
			diag_error(d, path, 0, "cannot be signed: %s", strerror(-e));
	}
	if (e == 0 && key)
		*verifier = strdup(note_key_verifier(key));
	if (e == 0)
		e = file_replace(path, note ? note : text, strlen(note ? note : text), d);
	note_key_free(key);
	return e;
}

/* ---- checking ---- */
static const char *state_of(const char *note, const char *file, const char *want)
{
	const char *name = strrchr(file, '/'), *end = strrchr(note, '/');
	char beside[4096], sum[65] = "";
	int e;

	text_put(beside, sizeof(beside), "%.*s%s", end ? (int)(end - note + 1) : 0, note,
		 name ? name + 1 : file);
	e = file_sha256(beside, sum);
	if (e == -ENOENT)
		e = file_sha256(file, sum);
	if (e < 0)
		return "missing";
	return strcmp(sum, want) == 0 ? "ok" : "changed";
}

static void check_files(struct outputs_found *ret, const char *path, const json_t *files,
			outputs_fn *fn, void *arg)
{
	const json_t *o;
	size_t i;

	if (!json_is_array(files))
		ret->bad_note = true;
	json_array_foreach ((json_t *)(uintptr_t)files, i, o) {
		const char *file = json_string_value(json_object_get(o, "file")),
			   *sum = json_string_value(json_object_get(o, "sha256")), *what;

		if (!file || !sum) {
			ret->bad_note = true;
			return;
		}
		what = state_of(path, file, sum);
		ret->files++;
		ret->changed += strcmp(what, "changed") == 0;
		ret->missing += strcmp(what, "missing") == 0;
		fn(arg, file, what);
	}
}

int outputs_check(struct outputs_found *ret, const char *path, const char *verifier, outputs_fn *fn,
		  void *arg, struct diag_sink *d)
{
	struct note_key *key = NULL;
	_free_ char *note = NULL;
	size_t n, text = 0;
	int e = note_key_parse(&key, verifier);

	*ret = (struct outputs_found){0};
	if (e < 0) {
		diag_error(d, NULL, 0, "'%s' is no verifier (NAME+ID+KEY)", verifier);
		return e;
	}
	e = file_read(&note, &n, AT_FDCWD, path, NOTE_TEXT_MAX);
	if (e < 0) {
		diag_error(d, path, 0, "%s", strerror(-e));
	} else if (note_verify(key, note, n, &text) < 0) {
		ret->bad_signature = true;
	} else {
		_json_ json_t *o = json_loadb(note, text, JSON_REJECT_DUPLICATES, NULL);

		check_files(ret, path, json_object_get(o, "outputs"), fn, arg);
	}
	note_key_free(key);
	return e;
}
