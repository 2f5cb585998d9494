/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_manifest.c - what went in, what came out, by which rules and by whom: hashes of all of it, as
 * a signed note (C2SP signed-note), so that anybody can check it later with 'cordon journal' tools or
 * OpenSSL alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_evidence.h"
#include "agent/cmd/replay_manifest.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/journal/note.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define KEY_NAME "cordon-replay"

static int file_sha256(const char *path, char ret[65])
{
	_free_ uint8_t *buf = malloc(1u << 20);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t md[EVP_MAX_MD_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (buf && ctx && fd >= 0 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		while ((n = read(fd, buf, 1u << 20)) > 0)
			EVP_DigestUpdate(ctx, buf, (size_t)n);
	if (n == 0 && EVP_DigestFinal_ex(ctx, md, NULL) == 1)
		for (unsigned i = 0; i < 32; i++)
			snprintf(ret + 2 * i, 3, "%02x", md[i]);
	EVP_MD_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	return n == 0 ? 0 : -EIO;
}

static void put_file(struct json_writer *j, const char *path)
{
	char sum[65] = "";

	if (!path || !strcmp(path, "-") || file_sha256(path, sum) < 0)
		return;
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "file", path);
	json_writer_text(j, "sha256", sum);
	json_writer_close(j, '}');
}

static void put_counts(struct json_writer *j, const struct replay *r, int code)
{
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);

	json_writer_open(j, "counts", '{');
	json_writer_number(j, "packets", c->packets);
	json_writer_number(j, "judged", c->judged);
	json_writer_number(j, "not_judged", c->packets - c->ip_packets);
	json_writer_number(j, "evidence_packets", r->evidence ? r->evidence_packets : 0);
	json_writer_number(j, "exit_code", (uint64_t)code);
	json_writer_close(j, '}');
}

static void put_who(struct json_writer *j, const struct replay *r)
{
	char time[TEXT_SHORT];

	json_writer_text(j, "program", "cordon " CORDON_VERSION);
	json_writer_text(j, "written", text_time(time, (int64_t)(r->now_ns / 1000000000)));
	json_writer_open(j, "command", '[');
	for (int i = 0; i < r->argc; i++)
		json_writer_text(j, NULL, r->argv[i]);
	json_writer_close(j, ']');
	json_writer_open(j, "policy", '{');
	json_writer_text(j, "file", r->engines[0]->policy->file);
	json_writer_text(j, "sha256", r->engines[0]->policy->sha256);
	json_writer_close(j, '}');
	json_writer_open(j, "places", '{');
	json_writer_text(j, "name", r->engines[0]->places_name);
	json_writer_text(j, "sha256", r->engines[0]->places_sha256);
	json_writer_close(j, '}');
}

static const char *manifest_text(struct replay *r, int code)
{
	struct json_writer *j = &r->json;

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	put_who(j, r);
	replay_put_inputs(j, r);
	json_writer_open(j, "outputs", '[');
	put_file(j, r->evidence);
	put_file(j, r->summary);
	put_file(j, r->csv);
	put_file(j, r->html);
	json_writer_close(j, ']');
	put_counts(j, r, code);
	json_writer_close(j, '}');
	return json_writer_done(j);
}

int replay_manifest(struct replay *r, int code)
{
	struct note_key *key = NULL;
	struct diag_print print;
	_free_ char *text = NULL, *note = NULL;
	const char *json = manifest_text(r, code);
	int result;

	if (!json || asprintf(&text, "%s\n", json) < 0) {
		text = NULL;
		diag_say("not enough memory for a manifest");
		return EXIT_FAILED;
	}
	diag_print_init(&print, stderr);
	result = r->key ? note_key_open(&key, r->key, KEY_NAME, 1, &print.sink) : 0;
	if (result == 0 && key)
		result = note_sign(&note, key, text, strlen(text));
	if (result == 0 && key)
		diag_say("%s: signed; its verifier: %s", r->manifest, note_key_verifier(key));
	if (result == 0)
		result = file_replace(r->manifest, note ? note : text, strlen(note ? note : text),
				      &print.sink);
	diag_print_done(&print);
	note_key_free(key);
	return result < 0 ? EXIT_FAILED : 0;
}
