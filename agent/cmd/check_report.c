/* SPDX-License-Identifier: BSD-2-Clause */
/* check_report.c - what 'check' prints: what happens when something is missing, full or stale;
 * zones; JSON. */
#include <errno.h>
#include <string.h>
#include "agent/cmd/check.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/facts/zone.h"
#include "rules/parse/calendar.h"

/* Addresses that nobody thought of when he wrote the rules: the policy itself says what becomes of
 * them. */
static const struct {
	const char *when;
	struct place place;
	uint8_t proto;
	uint8_t has_port;
	uint8_t known;
} cases[] = {
	{"a place that no source knows", {.status = PLACE_UNKNOWN}, 6, 1, KNOWN_ALL},
	{"a place in dispute (said to be in DE)",
	 {.status = PLACE_DISPUTED, .country = CC('D', 'E')},
	 6,
	 1,
	 KNOWN_ALL},
	{"anycast, or a global range", {.status = PLACE_UNPROVABLE}, 6, 1, KNOWN_ALL},
	{"a private network without 'place'", {.scope = SCOPE_PRIVATE}, 6, 1, KNOWN_ALL},
	{"multicast beyond the link", {.scope = SCOPE_MULTICAST}, 17, 1, KNOWN_ALL},
	{"DE, the sender not known",
	 {.status = PLACE_KNOWN, .country = CC('D', 'E')},
	 6,
	 1,
	 KNOWN_NOBODY},
	{"DE, the port not known (a fragment)",
	 {.status = PLACE_KNOWN, .country = CC('D', 'E')},
	 6,
	 0,
	 KNOWN_ALL},
	{"outside (US), the sender not known",
	 {.status = PLACE_KNOWN, .country = CC('U', 'S')},
	 6,
	 1,
	 KNOWN_NOBODY},
	{"outside (US), the port not known",
	 {.status = PLACE_KNOWN, .country = CC('U', 'S')},
	 6,
	 0,
	 KNOWN_ALL},
	{"a country that no rule names",
	 {.status = PLACE_KNOWN, .country = CC('A', 'Q')},
	 6,
	 1,
	 KNOWN_ALL},
};
#define CASES (sizeof(cases) / sizeof(*cases))
static const uint64_t no_sets[PLACE_SETS_MAX / 64];

static const char *no_string(void *arg, uint16_t index)
{
	(void)arg, (void)index;
	return "";
}

static int compile_cases(const struct check *c, struct compiled **ret, struct diag_sink *d)
{
	struct place_class classes[CASES];
	struct compile_env env = {.classes = classes,
				  .nclasses = CASES,
				  .string = no_string,
				  .now = c->now,
				  .live = 1};

	for (size_t i = 0; i < CASES; i++)
		classes[i] = (struct place_class){cases[i].place, no_sets};
	return policy_compile(ret, c->policy, &env, d);
}

int check_compile(struct check *c)
{
	struct compiled *compiled;
	int err = compile_cases(c, &compiled, c->sink);

	if (!err)
		compiled_free(compiled);
	return err;
}

/* What the agent does, whatever the rules say. */
static const char *const always[][2] = {
	{"loopback, link-local, DHCP, ND", "outside the policy"},
	{"no rule matches", "block, severity high"},
	{"the sender is not known", "the strictest of the rules that may match decides"},
	{"the port is not known (a fragment)", "the strictest of the rules that may match decides"},
	{"a table is full",
	 "what finds no room is judged as not known; blocked where no verdict can be read"},
	{"more than 8 IPv6 extension headers", "block"},
	{"more events than there is room for",
	 "packets are judged and counted; lost records are counted and told"},
	{"an alert file cannot be written", "verdicts go on; lost lines are counted and told"},
	{"the policy is wrong at reload", "the running one stays; the error is returned"},
	{"the places are missing or damaged", "no start; at reload the running ones stay"},
	{"the agent dies while enforcing", "the kernel goes on with the last policy"},
};

static const char *verb(const struct check *c, unsigned action)
{
	switch (action) {
	case DECIDE_ALLOW:
		return "allow";
	case DECIDE_ALERT:
		return "alert";
	case DECIDE_LOCAL:
		return "outside the policy";
	default:
		return c->policy->mode == MODE_ENFORCE ? "block" : "would block";
	}
}

struct otherwise {
	const char *when, *then;
	const struct rule *rule; /* NULL: none */
};

/* The cases' verdicts; the rules' texts stay the policy's. */
static size_t decide_cases(const struct check *c, struct otherwise out[CASES])
{
	struct diag_sink quiet = {0};
	struct compiled *compiled;
	const struct decide_decision *d;

	if (compile_cases(c, &compiled, &quiet))
		return 0;
	for (size_t i = 0; i < CASES; i++) {
		struct decide_packet pkt = {.place = (uint32_t)i,
					    .proto = cases[i].proto,
					    .port = 443,
					    .has_port = cases[i].has_port,
					    .known = cases[i].known};

		d = compiled_decide(compiled, &pkt, UINT32_MAX, (uint64_t)c->now * 1000000000u);
		out[i] = (struct otherwise){cases[i].when, verb(c, d->action),
					    d->rule ? &c->policy->rules[d->rule - 1] : NULL};
	}
	compiled_free(compiled);
	return CASES;
}

static void print_stale(const struct check *c, FILE *to)
{
	char age[TEXT_SHORT];

	for (size_t i = 0; i < c->policy->ngeo; i++) {
		const struct policy_geo *g = &c->policy->geo[i];

		if (g->max_age)
			fprintf(to, "  %-38s %s\n", "what decides is older than max-age",
				g->stale == DECIDE_BLOCK
					? "an event, and no rule allows by what it says"
					: "an event, and verdicts go on");
		if (g->max_age)
			fprintf(to, "  %-38s %s (%s)\n", "", text_duration(age, g->max_age),
				*g->path ? g->path : "whatever sources there are");
	}
	if (!c->policy->ngeo)
		fprintf(to, "  %-38s %s\n", "the places grow old",
			"nothing: no 'geo' line says max-age");
}

void check_print_otherwise(const struct check *c, FILE *to)
{
	char where[POLICY_WHERE];
	struct otherwise all[CASES];
	size_t n = decide_cases(c, all);

	fprintf(to, "%s: %zu rule%s, mode %s, %u warning%s\n\n", c->policy->file, c->policy->nrules,
		c->policy->nrules == 1 ? "" : "s",
		c->policy->mode == MODE_ENFORCE ? "enforce" : "monitor", c->sink->warnings,
		c->sink->warnings == 1 ? "" : "s");
	fputs("What this policy says of tcp port 443 towards\n", to);
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "  %-38s %s", all[i].when, all[i].then);
		if (all[i].rule)
			fprintf(to, ": %s '%s'\n",
				policy_where(where, all[i].rule->file, all[i].rule->line),
				all[i].rule->text);
		else
			fputs(": no rule\n", to);
	}
	fputs("\nWhat happens whatever it says\n", to);
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		fprintf(to, "  %-38s %s\n", always[i][0], always[i][1]);
	print_stale(c, to);
}

static void print_builtin(const struct check *c, enum zone z, FILE *to)
{
	char cc[3], from[CALENDAR_STRLEN], until[CALENDAR_STRLEN];
	struct zone_row row;
	unsigned n = 0;

	for (size_t i = 0; zone_row(z, i, &row); i++)
		n += (!row.from || row.from <= c->now) && (!row.until || row.until > c->now);
	fprintf(to, "%s: %u countries\n", zone_name(z), n);
	for (size_t i = 0; zone_row(z, i, &row); i++) {
		if ((row.from && row.from > c->now) || (row.until && row.until <= c->now))
			continue;
		fprintf(to, "  %s  %-10s  %-10s  %-24s  %s\n", country_text(row.country, cc),
			row.from ? calendar_format(from, row.from) : "-",
			row.until ? calendar_format(until, row.until) : "-",
			country_name(row.country), row.source);
	}
}

void check_print_zones(const struct check *c, FILE *to)
{
	char date[CALENDAR_STRLEN];

	fprintf(to, "Zones as of %s: country, from, until, name, source\n\n",
		calendar_format(date, c->now));
	for (int z = 0; z < ZONE_COUNT; z++)
		print_builtin(c, (enum zone)z, to);
	for (size_t i = 0; i < c->policy->nzones; i++) {
		const struct zone_def *z = c->policy->zones[i];

		fprintf(to, "%s: line %u of %s\n ", z->name, z->line,
			z->file ? z->file : c->policy->file);
		for (size_t j = 0; j < z->natoms; j++)
			fprintf(to, " %s",
				z->atoms[j].type == ATOM_ZONE
					? z->atoms[j].zone->name
					: country_text(z->atoms[j].country, (char[3]){0}));
		fputc('\n', to);
	}
}

static json_t *date_json(int64_t seconds)
{
	char buf[CALENDAR_STRLEN];

	return seconds ? json_string(calendar_format(buf, seconds)) : json_null();
}

static json_t *zones_json(const struct check *c)
{
	json_t *zones = json_object(), *rows;
	struct zone_row row;
	char cc[3];

	for (int z = 0; z < ZONE_COUNT; z++) {
		rows = json_array();
		for (size_t i = 0; zone_row((enum zone)z, i, &row); i++)
			if ((!row.from || row.from <= c->now) && (!row.until || row.until > c->now))
				json_array_append_new(rows,
						      json_pack("{s:s, s:o, s:o, s:s}", "country",
								country_text(row.country, cc),
								"from", date_json(row.from),
								"until", date_json(row.until),
								"source", row.source));
		json_object_set_new(zones, zone_name((enum zone)z), rows);
	}
	return zones;
}

static json_t *otherwise_json(const struct check *c)
{
	struct otherwise all[CASES];
	size_t n = decide_cases(c, all);
	json_t *ret = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(ret, json_pack("{s:s, s:s, s:o}", "when", all[i].when, "then",
						     all[i].then, "line",
						     all[i].rule ? json_integer(all[i].rule->line)
								 : json_null()));
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		json_array_append_new(ret, json_pack("{s:s, s:s}", "when", always[i][0], "then",
						     always[i][1]));
	return ret;
}

int check_json(struct check *c)
{
	_json_ json_t *o =
		json_pack("{s:s, s:i, s:i, s:O}", "file", c->path, "errors", (int)c->sink->errors,
			  "warnings", (int)c->sink->warnings, "diagnostics", c->diagnostics);

	if (!o || c->failed)
		return -ENOMEM;
	if (c->policy) {
		json_object_set_new(o, "sha256", json_string(c->policy->sha256));
		json_object_set_new(o, "mode",
				    json_string(c->policy->mode == MODE_ENFORCE ? "enforce"
										: "monitor"));
		json_object_set_new(o, "rules", json_integer((json_int_t)c->policy->nrules));
	}
	if (c->policy && c->zones)
		json_object_set_new(o, "zones", zones_json(c));
	else if (c->policy && !c->sink->errors)
		json_object_set_new(o, "otherwise", otherwise_json(c));
	if (c->policy && !c->sink->errors)
		json_object_set_new(o, "feeds", check_feeds_json(c));
	json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	return putchar('\n') == EOF ? -EIO : 0;
}
