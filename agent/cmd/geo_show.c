/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_show.c - 'cordon geo show': which sources, how old, how many ranges, and where they disagree,
 * by provider. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/cmd/geo.h"
#include "agent/cmd/geo_conf.h"
#include "agent/cmd/geo_count.h"
#include "agent/cmd/geo_distance.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/source/mmdb_meta.h"
#include "geo/facts/operator.h"

const char geo_show_help[] =
	"usage: cordon geo show [options] [FILE...]\n"
	"  --config FILE    geo.conf, for what it says of HDS (default " GEO_CONF
	", if it is there)\n"
	"  --distance       instead: from home, what a round-trip time proves of which country\n"
	"  --policy FILE    with --distance: the policy whose 'home' it is\n"
	"  --json           one JSON object\n"
	"Reads FILE... (default " GEO_OUTPUT
	", else the shipped lists and Debian's tor-geoipdb)\nand prints its sources with their "
	"dates, and for each provider how many addresses have a known, disputed or unprovable place.\n";

struct show {
	struct places *p;
	struct geo_conf conf;
	struct geo_counts counts;
	int64_t now;
};

static const char *kind_name(enum source_kind k)
{
	static const char *const names[] = {"place lines", "ranges",   "geofeed", "mmdb",
					    "text",	   "registry", "asn",	  "refuted"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == SOURCE_KINDS, "kinds");
	return (size_t)k < sizeof(names) / sizeof(names[0]) ? names[k] : "other";
}

/* The sources within a places.mmdb; 0 when the file is another's. */
static size_t built_from(struct mmdb_meta *m, const struct source *s)
{
	struct diag_sink silent = {0};

	if (s->kind != SOURCE_MMDB || mmdb_meta_read(m, s->path, &silent))
		return 0;
	return m->n;
}

/* Of a source that nobody can date, nothing is said. */
static json_t *dated(int64_t date, int64_t n)
{
	return date ? json_integer(n) : json_null();
}

static json_t *source_json(const struct source *s, int64_t now)
{
	json_t *o =
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "source", s->format,
			  "file", s->path, "kind", kind_name(s->kind), "sha256", s->sha256, "date",
			  dated(s->date, s->date), "age_seconds", dated(s->date, now - s->date),
			  "claims", (json_int_t)s->claims, "ipv4_ranges", (json_int_t)s->v4_ranges,
			  "ipv6_ranges", (json_int_t)s->v6_ranges);
	struct mmdb_meta m;
	size_t n = built_from(&m, s);
	json_t *within = n ? json_array() : NULL;

	if (s->version)
		json_object_set_new(o, "version", json_string(s->version));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			within,
			json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I}", "source",
				  m.sources[i].source, "file", m.sources[i].file, "version",
				  m.sources[i].version, "sha256", m.sources[i].sha256, "date",
				  dated((int64_t)m.sources[i].date, (int64_t)m.sources[i].date),
				  "age_seconds",
				  dated((int64_t)m.sources[i].date,
					now - (int64_t)m.sources[i].date),
				  "claims", (json_int_t)m.sources[i].claims));
	if (within)
		json_object_set_new(o, "built_from", within);
	return o;
}

static json_t *provider_json(const struct show *s, const struct geo_count *c)
{
	const char *key = places_string(s->p, c->provider);
	const struct operator_entry *op = operator_by_key(key);
	json_t *o = json_pack("{s:s}", "provider", c->provider ? key : "(none)");
	json_t *hds = geo_conf_hds_of(&s->conf, key);
	char cc[3], example[IP_STRLEN];

	if (op)
		json_object_set_new(o, "jurisdiction",
				    json_string(country_text(op->jurisdiction, cc)));
	for (unsigned f = 0; f < 2; f++)
		json_object_set_new(o, f ? "ipv6_slash48" : "ipv4_addresses",
				    json_pack("{s:I, s:I, s:I, s:I}", "known",
					      (json_int_t)c->n[f][PLACE_KNOWN], "disputed",
					      (json_int_t)c->n[f][PLACE_DISPUTED], "unprovable",
					      (json_int_t)c->n[f][PLACE_UNPROVABLE], "unknown",
					      (json_int_t)c->n[f][PLACE_UNKNOWN]));
	if (c->example.v)
		json_object_set_new(o, "disputed_example",
				    json_string(ip_format(example, &c->example)));
	if (hds)
		json_object_set_new(o, "hds", hds);
	return o;
}

static int print_json(const struct show *s)
{
	_json_ json_t *o = json_object();
	json_t *sources = json_array(), *providers = json_array();

	for (size_t i = 0; i < places_sources(s->p); i++)
		json_array_append_new(sources, source_json(places_source(s->p, i), s->now));
	for (size_t i = 0; i < s->counts.n; i++)
		json_array_append_new(providers, provider_json(s, &s->counts.v[i]));
	json_object_set_new(o, "sources", sources);
	json_object_set_new(o, "providers", providers);
	json_object_set_new(o, "age_seconds", json_integer(places_age(s->p, s->now)));
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	return EXIT_DONE;
}

static void line(const char *indent, const char *source, const char *file, int64_t date,
		 int64_t now, uint64_t claims)
{
	char when[TEXT_SHORT], age[TEXT_SHORT], count[TEXT_SHORT], name[256];

	printf("%s%-*s %-10s %14s %12s  %s\n", indent, 16 - (int)strlen(indent), source,
	       date ? text_date(when, date) : "no date",
	       date ? text_duration(age, now - date) : "?", text_count(count, claims),
	       text_escape(name, sizeof(name), file, SIZE_MAX));
}

static void print_sources(const struct show *s)
{
	printf("%-16s %-10s %14s %12s  %s\n", "SOURCE", "DATE", "AGE", "PREFIXES", "FILE");
	for (size_t i = 0; i < places_sources(s->p); i++) {
		const struct source *src = places_source(s->p, i);
		struct mmdb_meta m;
		size_t n = built_from(&m, src);

		line("", src->format, src->path, src->date, s->now, src->claims);
		for (size_t j = 0; j < n; j++)
			line("  ", m.sources[j].source, m.sources[j].file,
			     (int64_t)m.sources[j].date, s->now, m.sources[j].claims);
	}
}

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100.0 * (double)part / (double)of : 0;
}

static void print_provider(const struct show *s, const struct geo_count *c)
{
	const struct operator_entry *op = operator_by_key(places_string(s->p, c->provider));
	uint64_t all = 0;
	char total[TEXT_SHORT], example[IP_STRLEN], cc[3], name[64];

	for (unsigned i = 0; i <= PLACE_UNPROVABLE; i++)
		all += c->n[0][i];
	printf("%-16s %-3s %16s %7.2f%% %8.2f%% %10.2f%%  %s\n",
	       c->provider
		       ? text_escape(name, sizeof(name), places_string(s->p, c->provider), SIZE_MAX)
		       : "(none)",
	       op ? country_text(op->jurisdiction, cc) : "", text_count(total, all),
	       percent(c->n[0][PLACE_KNOWN], all), percent(c->n[0][PLACE_DISPUTED], all),
	       percent(c->n[0][PLACE_UNPROVABLE], all),
	       c->example.v ? ip_format(example, &c->example) : "");
}

static int print_text(const struct show *s)
{
	print_sources(s);
	printf("\n%-16s %-3s %16s %8s %9s %11s  %s\n", "PROVIDER", "LAW", "IPV4 ADDRESSES", "KNOWN",
	       "DISPUTED", "UNPROVABLE", "A DISPUTED ONE");
	for (size_t i = 0; i < s->counts.n; i++)
		print_provider(s, &s->counts.v[i]);
	for (size_t i = 0, first = 1; i < s->counts.n; i++) {
		const char *key = places_string(s->p, s->counts.v[i].provider);
		_json_ json_t *h = geo_conf_hds_of(&s->conf, key);

		if (!h)
			continue;
		if (first)
			puts("\nHDS");
		first = 0;
		printf("%-16s %s, as of %s (%s)\n", key,
		       json_string_value(json_object_get(h, "status")),
		       json_string_value(json_object_get(h, "date")),
		       json_string_value(json_object_get(h, "source")));
	}
	return EXIT_DONE;
}

static int show(const char *const *files, size_t n, const char *config, bool json)
{
	struct places_config cfg = {.files = files, .nfiles = n};
	struct show s = {.now = time(NULL)};
	struct diag_print print;
	int r = 0, code = EXIT_FAILED;

	diag_print_init(&print, stderr);
	if (config || !access(GEO_CONF, R_OK))
		r = geo_conf_read(&s.conf, config ? config : GEO_CONF, &print.sink);
	if (!r)
		r = places_load(&s.p, &cfg, &print.sink);
	if (!r)
		r = geo_count(&s.counts, s.p);
	if (!r)
		places_warn_regions(s.p, &print.sink);
	if (!r)
		code = json ? print_json(&s) : print_text(&s);
	geo_counts_free(&s.counts);
	places_free(s.p);
	geo_conf_free(&s.conf);
	diag_print_done(&print);
	return code;
}

int geo_show(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"policy", required_argument, NULL, 'p'},
		{"distance", no_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	const char *config = NULL, *policy = NULL;
	bool json = false, distance = false;
	int c;

	optind = 0;
	while ((c = options_next("geo show", argc, argv, "", options)) >= 0) {
		if (c == 'c')
			config = optarg;
		else if (c == 'p')
			policy = optarg;
		else if (c == 'd')
			distance = true;
		else if (c == 'j')
			json = true;
		else
			return EXIT_USAGE;
	}
	if (distance)
		return geo_distance(policy, json);
	if (policy)
		return diag_usage("geo show", "--policy goes with --distance");
	return show((const char *const *)argv + optind, (size_t)(argc - optind), config, json);
}
