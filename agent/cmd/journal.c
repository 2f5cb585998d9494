/* SPDX-License-Identifier: BSD-2-Clause */
/* journal.c - 'cordon journal': one record, its proof, the key, the whole as a tlog-tiles tree. */
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
#include "geo/base/cleanup.h"

struct journal_options {
	const char *dir, *output;
	bool pem;
	char **args;
	int nargs;
};

static const char usage[] =
	"usage: cordon journal VERB [options]\n\n"
	"  proof ID|INDEX       a record's proof (C2SP tlog-proof), which needs no trust in this host\n"
	"  show ID|INDEX        the record itself\n"
	"  checkpoint           the latest signed root of all records\n"
	"  key                  the verifier of this journal's signatures\n"
	"  export DIR           the journal as a C2SP tlog-tiles tree, for public tools\n\n"
	"  --journal DIR        the journal (default /var/log/cordon)\n"
	"  --output FILE        proof: write it there, and the record beside it as FILE.record\n"
	"  --pem                key: as PEM, for openssl pkeyutl\n\n"
	"'cordon verify' checks a journal or a proof.\n";

/* ID is an event.id, INDEX a number from 0. 0, or -errno that was reported. */
static int find(struct journal_reader *r, const char *what, uint64_t *ret)
{
	int e = text_number(ret, what, UINT64_MAX);

	if (e < 0)
		e = journal_find(r, what, ret);
	else if (*ret < journal_reader_first(r) || *ret >= journal_reader_end(r))
		e = -ERANGE;
	if (e == -ERANGE)
		diag_say("record %s is not kept: this journal holds %" PRIu64 " to %" PRIu64, what,
			 journal_reader_first(r), journal_reader_end(r));
	else if (e == -ENOENT)
		diag_say("no record of this journal has the id '%s'", what);
	else if (e < 0)
		diag_say("cannot read the journal: %s", strerror(-e));
	return e;
}

static int write_file(const char *path, const char *suffix, const char *text, size_t n)
{
	char full[4096];
	FILE *f;
	int r;

	text_put(full, sizeof(full), "%s%s", path, suffix);
	f = fopen(full, "w");
	r = !f || fwrite(text, 1, n, f) != n ? -1 : 0;
	if (f && fclose(f) != 0)
		r = -1;
	if (r < 0)
		diag_say("%s: cannot write: %m", full);
	return r;
}

static int print_proof(const struct journal_options *o, struct journal_reader *r, uint64_t i,
		       const struct journal_checkpoint *c)
{
	_free_ char *proof = NULL;
	const char *record;
	size_t n;
	int e = journal_proof(&proof, r, i, c);

	if (e == -ERANGE)
		diag_say("record %" PRIu64 " is not signed yet: the checkpoint covers %" PRIu64, i,
			 c->size);
	else if (e < 0)
		diag_say("cannot make the proof: %s", strerror(-e));
	if (e < 0)
		return EXIT_FAILED;
	if (!o->output)
		return fputs(proof, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
	e = journal_record(r, i, &record, &n);
	if (e == 0)
		e = write_file(o->output, "", proof, strlen(proof));
	if (e == 0)
		e = write_file(o->output, ".record", record, n);
	return e < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int read_checkpoint(const struct journal_options *o, struct journal_checkpoint *c)
{
	char path[4096];
	int e;

	text_put(path, sizeof(path), "%s/checkpoint", o->dir);
	e = journal_checkpoint_read(c, path);
	if (e < 0)
		diag_say("%s: %s", path, e == -EINVAL ? "this is no checkpoint" : strerror(-e));
	return e;
}

static int with_reader(const struct journal_options *o, struct journal_reader *r)
{
	struct journal_checkpoint c = {0};
	const char *verb = o->args[0], *record;
	struct diag_print p;
	uint64_t i;
	size_t n;
	int code;

	if (strcmp(verb, "show") == 0) {
		if (find(r, o->args[1], &i) < 0 || journal_record(r, i, &record, &n) < 0)
			return EXIT_FAILED;
		printf("%.*s\n", (int)n, record);
		return EXIT_DONE;
	}
	if (read_checkpoint(o, &c) < 0)
		return EXIT_FAILED;
	if (strcmp(verb, "proof") == 0) {
		code = find(r, o->args[1], &i) < 0 ? EXIT_FAILED : print_proof(o, r, i, &c);
	} else {
		diag_print_init(&p, stderr);
		code = journal_export(r, &c, o->args[1], &p.sink) < 0 ? EXIT_FAILED : EXIT_DONE;
		diag_print_done(&p);
	}
	journal_checkpoint_drop(&c);
	return code;
}

static int on_records(const struct journal_options *o)
{
	struct journal_reader *r;
	struct diag_print p;
	int code;

	diag_print_init(&p, stderr);
	code = journal_reader_open(&r, o->dir, &p.sink) < 0 ? EXIT_FAILED : EXIT_DONE;
	diag_print_done(&p);
	if (code)
		return code;
	code = with_reader(o, r);
	journal_reader_close(r);
	return code;
}

static int on_checkpoint(const struct journal_options *o)
{
	struct journal_checkpoint c;

	if (read_checkpoint(o, &c) < 0)
		return EXIT_FAILED;
	fputs(c.note, stdout);
	journal_checkpoint_drop(&c);
	return EXIT_DONE;
}

static int on_key(const struct journal_options *o)
{
	_free_ char *line = NULL, *pem = NULL;
	struct note_key *k = NULL;
	char path[4096];
	size_t n;
	int e;

	text_put(path, sizeof(path), "%s/verifier", o->dir);
	e = file_read(&line, &n, AT_FDCWD, path, 4096);
	if (e < 0) {
		diag_say("%s: %s", path, strerror(-e));
		return EXIT_FAILED;
	}
	line[strcspn(line, "\n")] = 0;
	if (note_key_parse(&k, line) < 0) {
		diag_say("%s: this is no verifier", path);
		return EXIT_FAILED;
	}
	pem = o->pem ? note_key_pem(k) : NULL;
	if (o->pem)
		fputs(pem ? pem : "", stdout);
	else
		printf("%s\n", line);
	note_key_free(k);
	return o->pem && !pem ? EXIT_FAILED : EXIT_DONE;
}

static const struct {
	const char *name;
	int args;
	int (*run)(const struct journal_options *o);
} verbs[] = {
	{"proof", 1, on_records},	  {"show", 1, on_records}, {"export", 1, on_records},
	{"checkpoint", 0, on_checkpoint}, {"key", 0, on_key},
};

static int parse(struct journal_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"journal", required_argument, NULL, 'j'},
		{"output", required_argument, NULL, 'o'},
		{"pem", no_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int code;

	while ((code = options_next("journal", argc, argv, "", options)) != -1) {
		if (code == 'j')
			o->dir = optarg;
		else if (code == 'o')
			o->output = optarg;
		else if (code == 'p')
			o->pem = true;
		else if (code == 'h')
			return -1;
		else
			return EXIT_USAGE;
	}
	o->args = argv + optind;
	o->nargs = argc - optind;
	return 0;
}

int cmd_journal(int argc, char **argv)
{
	struct journal_options o = {.dir = JOURNAL_DIR};
	int r = parse(&o, argc, argv);

	if (r < 0) {
		fputs(usage, stdout);
		return EXIT_DONE;
	}
	if (r)
		return r;
	if (!o.nargs)
		return diag_usage("journal", "proof, show, checkpoint, key or export?");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, o.args[0]) != 0)
			continue;
		if (o.nargs - 1 != verbs[i].args)
			return diag_usage("journal", "%s takes %d argument%s", o.args[0],
					  verbs[i].args, verbs[i].args == 1 ? "" : "s");
		return verbs[i].run(&o);
	}
	return diag_usage("journal", "'%s' is no verb of journal", o.args[0]);
}
