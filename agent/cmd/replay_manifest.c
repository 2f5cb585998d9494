/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_manifest.c - what went in, what came out, by which rules and by whom: hashes of all of it, as
 * a signed note (C2SP signed-note), so that anybody can check it later with 'cordon journal' tools or
 * OpenSSL alone.
 */
#include <string.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_evidence.h"
#include "agent/cmd/replay_manifest.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/report/outputs.h"
#include "geo/base/cleanup.h"

#define KEY_NAME "cordon-replay"

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

/* What a flaw in a decoder could have been used for. */
static void put_confined(struct json_writer *j, const struct confined *c)
{
	json_writer_open(j, "confined", '{');
	json_writer_number(j, "landlock", (uint64_t)c->landlock);
	json_writer_bool(j, "seccomp", c->seccomp);
	json_writer_bool(j, "privileges_dropped", c->privileges);
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
	outputs_put(j, r->evidence);
	outputs_put(j, r->summary);
	outputs_put(j, r->csv);
	outputs_put(j, r->html);
	json_writer_close(j, ']');
	put_counts(j, r, code);
	put_confined(j, &r->confined);
	json_writer_close(j, '}');
	return json_writer_done(j);
}

int replay_manifest(struct replay *r, int code)
{
	const char *json = manifest_text(r, code);
	_free_ char *verifier = NULL;
	struct diag_print print;
	int result;

	if (!json) {
		diag_say("not enough memory for a manifest");
		return EXIT_FAILED;
	}
	diag_print_init(&print, stderr);
	result = outputs_write(&verifier, r->manifest, json, r->key, KEY_NAME, &print.sink);
	diag_print_done(&print);
	if (result == 0 && verifier)
		diag_say("%s: signed; its verifier: %s", r->manifest, verifier);
	return result < 0 ? EXIT_FAILED : 0;
}
