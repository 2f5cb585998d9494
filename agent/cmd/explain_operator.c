/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_operator.c - who operates an address and under which laws, what is certified for its
 * region, and what a host cannot see of it: as JSON, and as lines of the screen. */
#include <inttypes.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/explain_operator.h"
#include "agent/cmd/geo_conf.h"
#include "geo/facts/country.h"
#include "geo/facts/law.h"
#include "geo/facts/operator.h"

static json_t *text(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *laws(const struct operator_entry *k)
{
	json_t *a = json_array();
	char cc[3];

	for (size_t i = 0; i < OPERATOR_LAWS && k->laws[i]; i++)
		json_array_append_new(a, json_string(country_text(k->laws[i], cc)));
	return a;
}

/* What geo.conf says stands as it is; a shipped row is for the regions that it names. */
static json_t *hds_of(const char *key, const char *region, uint16_t country, int64_t now)
{
	json_t *o = geo_conf_hds_of(NULL, key);
	const struct law_hds *h = law_hds(key);

	if (!o)
		return json_null();
	if (h && json_object_get(o, "regions")) {
		enum law_hds_at at = law_hds_at(h, region, country, now);

		json_object_set_new(o, "here", json_string(law_hds_at_text(at)));
		json_object_set_new(o, "holds",
				    at == LAW_HDS_REGION_UNKNOWN
					    ? json_null()
					    : json_boolean(at == LAW_HDS_HERE));
	}
	return o;
}

static json_t *secnumcloud_of(const char *key)
{
	json_t *a = json_array();
	const struct law_secnumcloud *q;

	for (size_t i = 0; (q = law_secnumcloud(key, i)); i++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s}",
						   "offer", q->offer, "version", q->version,
						   "status", q->status, "from", q->from, "until",
						   q->until, "checked", q->checked, "date", q->date,
						   "source", q->source));
	return a;
}

static json_t *facts_of(const char *key)
{
	json_t *a = json_array();
	const struct law_fact *f;

	for (size_t i = 0; (f = law_fact(key, i)); i++)
		json_array_append_new(a,
				      json_pack("{s:s, s:b, s:s, s:s}", "fact", f->text, "checked",
						f->checked, "date", f->date, "source", f->source));
	return a;
}

void explain_operator(json_t *o, const struct operator_entry *k, const char *region,
		      uint16_t country, int64_t now)
{
	if (!k)
		return;
	json_object_set_new(o, "name", text(k->name));
	json_object_set_new(o, "laws", laws(k));
	json_object_set_new(o, "note", text(k->note));
	json_object_set_new(o, "source", text(k->source));
	json_object_set_new(o, "checked", json_boolean(k->checked));
	json_object_set_new(o, "hds", hds_of(k->key, region, country, now));
	json_object_set_new(o, "secnumcloud", secnumcloud_of(k->key));
	json_object_set_new(o, "unseen", facts_of(k->key));
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void put(FILE *to, const char *s)
{
	text_escape_to(to, s, strlen(s));
}

static void label(FILE *to, const char *name)
{
	fprintf(to, "  %-11s ", name);
}

/* " (source, of 2026-11-25, not checked)" */
static void put_source(FILE *to, const json_t *o)
{
	fputs(" (", to);
	put(to, text_of(o, "source"));
	if (*text_of(o, "date"))
		fprintf(to, ", of %s", text_of(o, "date"));
	if (json_is_false(json_object_get(o, "checked")))
		fputs(", not checked", to);
	fputs(")\n", to);
}

static void put_hds(FILE *to, const json_t *h)
{
	static const char *const parts[][2] = {{"version", ""},
					       {"activities", "activities "},
					       {"regions", "regions "},
					       {"until", "until "}};
	bool no = json_is_false(json_object_get(h, "holds"));

	if (!json_is_object(h))
		return;
	label(to, "HDS");
	if (no)
		fprintf(to, "%s: ", text_of(h, "here"));
	put(to, text_of(h, "status"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!*text_of(h, parts[i][0]))
			continue;
		fprintf(to, ", %s", parts[i][1]);
		put(to, text_of(h, parts[i][0]));
	}
	if (!no && *text_of(h, "here"))
		fprintf(to, "; %s", text_of(h, "here"));
	put_source(to, h);
}

static void put_secnumcloud(FILE *to, const json_t *list)
{
	const json_t *q;
	size_t i;

	json_array_foreach (list, i, q) {
		label(to, "SecNumCloud");
		put(to, text_of(q, "offer"));
		fprintf(to, ": %s", text_of(q, "status"));
		if (*text_of(q, "version"))
			fprintf(to, ", %s", text_of(q, "version"));
		if (*text_of(q, "from"))
			fprintf(to, ", since %s", text_of(q, "from"));
		put_source(to, q);
	}
}

void explain_operator_print(FILE *to, const json_t *o)
{
	const json_t *chain = json_object_get(o, "laws"), *list, *f;
	size_t i;

	if (json_array_size(chain) > 1) {
		label(to, "laws");
		json_array_foreach (chain, i, f)
			fprintf(to, "%s%s", i ? ", then its parent's: " : "", json_string_value(f));
		fputc('\n', to);
	}
	if (*text_of(o, "note")) {
		label(to, "");
		put(to, text_of(o, "note"));
		fputc('\n', to);
	}
	put_hds(to, json_object_get(o, "hds"));
	put_secnumcloud(to, json_object_get(o, "secnumcloud"));
	list = json_object_get(o, "unseen");
	json_array_foreach (list, i, f) {
		label(to, i ? "" : "not seen");
		put(to, text_of(f, "fact"));
		put_source(to, f);
	}
}
