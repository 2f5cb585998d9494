/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_bundle.c - 'cordon geo bundle': the facts as one signed file, made, installed and shown. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/cmd/geo.h"
#include "geo/base/cleanup.h"
#include "geo/facts/bundle.h"
#include "geo/facts/facts.h"

const char geo_bundle_help[] =
	"usage: cordon geo bundle make --key FILE --output FILE [--from DIR] [--serial N]\n"
	"       cordon geo bundle install FILE [--to DIR]\n"
	"       cordon geo bundle show [FILE] [--json]\n"
	"The facts (lists of prefixes; regions, operators, laws, zones) as one signed, dated file.\n"
	"  --key FILE      make: private Ed25519 key in PEM; the public one is in the program, from\n"
	"                  the build (make BUNDLE_KEY=PUBLIC.pem; else build/bundle.key)\n"
	"  --from DIR      make: a directory of tables and lists (default: the facts in use)\n"
	"  --serial N      make: YYYYMMDDNN; default: today's first, or one above DIR's own\n"
	"  -o, --output FILE  make: where to\n"
	"  --to DIR        install: default " FACTS_INSTALLED
	"; an agent that runs takes it at its next reload\n"
	"  --json          show: one JSON object\n"
	"install needs no network. It refuses a bundle of another key, a damaged one, a table that this\n"
	"program does not read, and a serial that does not rise above the facts in use.\n";

struct options {
	const char *key, *from, *to, *output;
	uint64_t serial;
	bool json;
};

/* What the next start would use, whether it can be read now or not: 0 when there is none. */
static uint64_t serial_of(const char *directory)
{
	struct manifest m;
	char why[128];

	return manifest_read(&m, directory, why) ? 0 : m.serial;
}

static uint64_t newest(const char *target)
{
	uint64_t used = facts_serial(), there = serial_of(target);

	return used > there ? used : there;
}

static int make(const struct options *o, struct diag_sink *d)
{
	const char *from = o->from ? o->from : facts_directory();
	uint64_t serial = o->serial, before = serial_of(from);
	time_t now = time(NULL);
	struct tm tm;
	char day[32], date[32];
	struct bundle b;
	int r;

	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y%m%d01", &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	if (!serial)
		serial = strtoull(day, NULL, 10);
	if (!o->serial && serial <= before)
		serial = before + 1;
	if (!*from)
		return facts_open(d);
	r = bundle_make(o->output, from, o->key, serial, date, d);
	if (r)
		return r;
	r = bundle_open(&b, o->output, bundle_key(), d);
	if (r) {
		diag_warn(d, o->output, 0, "was made, but this program would not install it");
		return r;
	}
	printf("%s: serial %llu, %zu files, %zu bytes\n", o->output, (unsigned long long)serial,
	       b.manifest.n, b.n);
	bundle_close(&b);
	return 0;
}

static int install(const char *path, const struct options *o, struct diag_sink *d)
{
	const char *to = o->to ? o->to : FACTS_INSTALLED;
	struct bundle b;
	int r = bundle_open(&b, path, bundle_key(), d);

	if (r)
		return r;
	r = bundle_install(&b, to, newest(to), d);
	if (!r)
		printf("%s: serial %llu of %s; 'cordon reload' has an agent that runs take it\n",
		       to, (unsigned long long)b.manifest.serial, b.manifest.date);
	bundle_close(&b);
	return r;
}

static void print(const struct options *o, const char *where, const struct manifest *m,
		  const char *key)
{
	if (!o->json) {
		printf("%s\n  serial  %llu\n  date    %s\n  files   %zu\n  key     %s\n", where,
		       (unsigned long long)m->serial, m->date, m->n, key);
		for (size_t i = 0; i < m->n; i++)
			printf("  %-24s %9llu  %.12s\n", m->files[i].name,
			       (unsigned long long)m->files[i].size, m->files[i].sha256);
		return;
	}
	_json_ json_t *files = json_array();

	for (size_t i = 0; i < m->n; i++)
		json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", m->files[i].name,
						       "bytes", (json_int_t)m->files[i].size,
						       "sha256", m->files[i].sha256));
	_json_ json_t *all =
		json_pack("{s:s, s:I, s:s, s:s, s:O}", "path", where, "serial",
			  (json_int_t)m->serial, "date", m->date, "key", key, "files", files);
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
}

/* Without a file: the facts in use, and which key installs others. */
static int show(const char *path, const struct options *o, struct diag_sink *d)
{
	struct manifest m;
	char key[17], why[128] = "";
	struct bundle b;
	int r;

	bundle_key_name(key, bundle_key());
	if (!path) {
		r = facts_open(d);
		if (!r)
			r = manifest_read(&m, facts_directory(), why);
		if (!r)
			print(o, facts_directory(), &m, key);
		return r;
	}
	r = bundle_open(&b, path, bundle_key(), d);
	if (r)
		return r;
	print(o, path, &b.manifest, key);
	bundle_close(&b);
	return 0;
}

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"output", required_argument, NULL, 'o'},
		{"serial", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	int c;

	optind = 0;
	while ((c = options_next("geo bundle", argc, argv, "o:", options)) >= 0) {
		char *end = NULL;

		if (c == 'k')
			o->key = optarg;
		else if (c == 'f')
			o->from = optarg;
		else if (c == 't')
			o->to = optarg;
		else if (c == 'o')
			o->output = optarg;
		else if (c == 'j')
			o->json = true;
		else if (c == 's' && strspn(optarg, "0123456789") == 10 && strlen(optarg) == 10)
			o->serial = strtoull(optarg, &end, 10);
		else
			return EXIT_USAGE;
	}
	return 0;
}

int geo_bundle(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct options o = {0};
	struct diag_print print_to;
	int code, n;

	if (strcmp(verb, "make") && strcmp(verb, "install") && strcmp(verb, "show"))
		return diag_usage("geo bundle", "make, install or show?");
	argc--;
	argv++;
	code = parse(&o, argc, argv);
	if (code)
		return code;
	n = argc - optind;
	if (!strcmp(verb, "make") && (n || !o.key || !o.output))
		return diag_usage("geo bundle", "make wants --key FILE and --output FILE");
	if (!strcmp(verb, "install") && n != 1)
		return diag_usage("geo bundle", "install wants one FILE");
	if (n > 1)
		return diag_usage("geo bundle", "show wants one FILE at most");
	diag_print_init(&print_to, stderr);
	code = !strcmp(verb, "make")	  ? make(&o, &print_to.sink)
	       : !strcmp(verb, "install") ? install(argv[optind], &o, &print_to.sink)
					  : show(n ? argv[optind] : NULL, &o, &print_to.sink);
	diag_print_done(&print_to);
	return code ? EXIT_FAILED : EXIT_DONE;
}
