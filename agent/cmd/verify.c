/* SPDX-License-Identifier: BSD-2-Clause */
/* verify.c - 'cordon verify': a journal against its signatures, or one record against its proof. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/file.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/journal/journal.h"
#include "agent/journal/proof.h"
#include "agent/report/outputs.h"
#include "geo/base/cleanup.h"

#define SEEN_MAX   64
#define RECORD_MAX (1u << 20)

struct verify_options {
	const char *dir, *key, *proof, *record, *note;
	const char *seen[SEEN_MAX];
	size_t nseen;
	bool json;
};

static void print_json(const struct journal_report *rep)
{
	_json_ json_t *o = json_pack("{sbsssIsIsI}", "ok", rep->fault == JOURNAL_FINE, "fault",
				     journal_fault_name(rep->fault), "checked",
				     (json_int_t)rep->checked, "first", (json_int_t)rep->first,
				     "signed", (json_int_t)rep->signed_records);

	if (rep->fault) {
		json_object_set_new(o, "record", json_integer((json_int_t)rep->record));
		json_object_set_new(o, "where", json_string(rep->where));
		json_object_set_new(o, "text", json_string(rep->text));
	}
	json_object_set_new(o, "clock_set_back", json_integer((json_int_t)rep->clock_back));
	json_dumpf(o, stdout, 0);
	putchar('\n');
}

static void print_text(const char *dir, const struct journal_report *rep)
{
	char n[TEXT_SHORT];

	if (rep->fault)
		printf("%s: %s: %s\n", rep->where[0] ? rep->where : dir,
		       journal_fault_name(rep->fault), rep->text);
	else
		printf("%s: %s records are what they were when they were written and signed\n", dir,
		       text_count(n, rep->checked));
	if (rep->first)
		printf("%s: records before %s are past their time and not kept\n", dir,
		       text_count(n, rep->first));
	if (rep->clock_back)
		printf("%s: the clock was set back %" PRIu64 " times, first before record %" PRIu64
		       "\n",
		       dir, rep->clock_back, rep->clock_back_first);
}

static int read_seen(const struct verify_options *o, struct journal_checkpoint *seen)
{
	for (size_t i = 0; i < o->nseen; i++) {
		int e = journal_checkpoint_read(&seen[i], o->seen[i]);

		if (e < 0) {
			diag_say("%s: %s", o->seen[i],
				 e == -EINVAL ? "this is no checkpoint" : strerror(-e));
			return e;
		}
	}
	return 0;
}

static int verify_journal(const struct verify_options *o)
{
	struct journal_checkpoint seen[SEEN_MAX] = {0};
	struct journal_check_config cfg = {o->dir, o->key, seen, o->nseen};
	struct journal_report rep = {0};
	struct diag_print p;
	int e = read_seen(o, seen);

	diag_print_init(&p, stderr);
	if (e == 0)
		e = journal_check(&rep, &cfg, &p.sink);
	diag_print_done(&p);
	for (size_t i = 0; i < o->nseen; i++)
		journal_checkpoint_drop(&seen[i]);
	if (e < 0)
		return EXIT_FAILED;
	if (o->json)
		print_json(&rep);
	else
		print_text(o->dir, &rep);
	return rep.fault ? EXIT_DAMAGED : EXIT_DONE;
}

static int read_whole(char **ret, size_t *n, const char *path, size_t max)
{
	int e = file_read(ret, n, AT_FDCWD, path, max);

	if (e < 0)
		diag_say("%s: %s", path, strerror(-e));
	return e;
}

static int verify_proof(const struct verify_options *o)
{
	_free_ char *proof = NULL, *record = NULL;
	struct note_key *key = NULL;
	struct proof_facts facts;
	size_t np, nr;
	int e;

	if (!o->record || !o->key)
		return diag_usage("verify", "--proof needs --record FILE and --key VERIFIER");
	if (read_whole(&proof, &np, o->proof, RECORD_MAX) < 0 ||
	    read_whole(&record, &nr, o->record, RECORD_MAX) < 0)
		return EXIT_FAILED;
	if (note_key_parse(&key, o->key) < 0) {
		diag_say("'%s' is no verifier (NAME+ID+KEY)", o->key);
		return EXIT_USAGE;
	}
	if (nr && record[nr - 1] == '\n') /* as an editor or a shell leaves it */
		nr--;
	e = proof_verify(&facts, proof, np, record, nr, key);
	note_key_free(key);
	if (e == 0)
		printf("%s: record %" PRIu64 " of %" PRIu64 ", signed by %s\n", o->record,
		       facts.index, facts.size, facts.origin);
	else
		diag_say("%s: %s", o->proof, proof_error(e));
	return e < 0 ? EXIT_DAMAGED : EXIT_DONE;
}

static void print_file(void *arg, const char *file, const char *what)
{
	const struct verify_options *o = arg;

	if (!o->json || strcmp(what, "ok") != 0) {
		text_escape_to(o->json ? stderr : stdout, file, strlen(file));
		fprintf(o->json ? stderr : stdout, ": %s\n", what);
	}
}

static int verify_note(const struct verify_options *o)
{
	struct outputs_found found;
	struct diag_print p;
	bool ok;
	int e;

	if (!o->key)
		return diag_usage("verify", "--note needs --key VERIFIER");
	diag_print_init(&p, stderr);
	e = outputs_check(&found, o->note, o->key, print_file, (void *)(uintptr_t)o, &p.sink);
	diag_print_done(&p);
	if (e < 0)
		return e == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	if (found.bad_signature)
		diag_say("%s: not signed by this key, or changed since", o->note);
	else if (found.bad_note)
		diag_say("%s: signed, but it names no files", o->note);
	ok = !found.bad_signature && !found.bad_note && !found.changed && !found.missing;
	if (o->json)
		printf("{\"ok\":%s,\"signed\":%s,\"files\":%u,\"changed\":%u,\"missing\":%u}\n",
		       ok ? "true" : "false", found.bad_signature ? "false" : "true", found.files,
		       found.changed, found.missing);
	else if (ok)
		printf("%s: %u files are what they were when they were signed\n", o->note,
		       found.files);
	return ok ? EXIT_DONE : EXIT_DAMAGED;
}

static int parse(struct verify_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"checkpoint", required_argument, NULL, 'c'},
		{"proof", required_argument, NULL, 'p'},
		{"record", required_argument, NULL, 'r'},
		{"note", required_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int code;

	while ((code = options_next("verify", argc, argv, "", options)) != -1) {
		if (code == 'k')
			o->key = optarg;
		else if (code == 'p')
			o->proof = optarg;
		else if (code == 'r')
			o->record = optarg;
		else if (code == 'n')
			o->note = optarg;
		else if (code == 'j')
			o->json = true;
		else if (code == 'c' && o->nseen < SEEN_MAX)
			o->seen[o->nseen++] = optarg;
		else if (code == 'c')
			return diag_usage("verify", "more than %d checkpoints", SEEN_MAX);
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		o->dir = argv[optind++];
	if (optind < argc)
		return diag_usage("verify", "'%s' is one argument too many", argv[optind]);
	return 0;
}

int cmd_verify(int argc, char **argv)
{
	struct verify_options o = {.dir = JOURNAL_DIR};
	int r = parse(&o, argc, argv);

	if (r)
		return r;
	if (o.note)
		return verify_note(&o);
	return o.proof ? verify_proof(&o) : verify_journal(&o);
}
