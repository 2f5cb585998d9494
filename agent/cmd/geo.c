/* SPDX-License-Identifier: BSD-2-Clause */
/* geo.c - 'cordon geo': the verbs that make, update and show the places database. */
#include <stdio.h>
#include <string.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/geo.h"
#include "agent/base/diag_print.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *line, *help;
} verbs[] = {
	{"build", geo_build, "make places.mmdb from source files", geo_build_help},
	{"update", geo_update, "fetch the configured sources, check them, and build",
	 geo_update_help},
	{"show", geo_show, "sources with their ages and counts, and where they disagree",
	 geo_show_help},
	{"bundle", geo_bundle, "the facts as one signed file: make, install, show",
	 geo_bundle_help},
};
#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

static void help(FILE *to)
{
	fputs("usage: cordon geo VERB [options]\n\n", to);
	for (size_t i = 0; i < NVERBS; i++)
		fprintf(to, "  %-7s %s\n", verbs[i].name, verbs[i].line);
	fputs("\nSources, told by their content: AWS, Google, Azure, Oracle, Cloudflare, Fastly, Heroku and GitHub\n"
	      "range files, RFC 8805 geofeeds, CSV of prefix,asn,org or prefix,operator, iptoasn.com's table, MaxMind DBs of\n"
	      "countries, cities or ASNs, libloc's location database, the shipped lists (geo/data/facts), and the country\n"
	      "text of Debian's tor-geoipdb, the registries' delegated files; each also as gzip.\n"
	      "A source is dated by its content, else by its name (20261123, 2026-11), else by its mtime;\n"
	      "lists that come without a date and are copied about (Azure, Cloudflare, Fastly, GitHub) have\n"
	      "none then, and count as stale.\n"
	      "'cordon geo VERB --help' lists a verb's options.\n",
	      to);
}

static bool wants_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

int cmd_geo(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (wants_help(argv[1]) || !strcmp(argv[1], "help")) {
		help(stdout);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < NVERBS; i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		for (int a = 2; a < argc; a++) {
			if (wants_help(argv[a])) {
				fputs(verbs[i].help, stdout);
				return EXIT_DONE;
			}
		}
		return verbs[i].run(argc - 1, argv + 1);
	}
	return diag_usage("geo", "'%s' is no verb of geo: build, update, show or bundle", argv[1]);
}
