/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_text.c - the answer of 'explain' as one screen: the verdict first, then why, then what it
 * rests on. */
#include <inttypes.h>
#include <string.h>
#include "agent/cmd/explain.h"
#include "agent/cmd/explain_operator.h"
#include "agent/base/text.h"

#define RULES_SHOWN 12 /* around the one that decides; --json has them all */
#define LABEL	    "%-11s "

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int64_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Names come from files that others made. */
static void put(FILE *to, const char *s)
{
	text_escape_to(to, s, strlen(s));
}

static void label(FILE *to, const char *name)
{
	fprintf(to, "  " LABEL, name);
}

/* A rule's line with its columns closed up. */
static void put_line(FILE *to, const char *s)
{
	char line[4200];

	put(to, text_squeeze(line, sizeof(line), s));
}

static void put_set(FILE *to, const char *before, const char *s, const char *after)
{
	if (!*s)
		return;
	fputs(before, to);
	put(to, s);
	fputs(after, to);
}

static void put_question(FILE *to, const json_t *a, const char *bold, const char *plain)
{
	const char *ip = text_of(a, "address");
	const json_t *from = json_object_get(a, "from"), *f, *proto = json_object_get(a, "proto");
	bool port = json_is_integer(json_object_get(a, "port"));
	size_t i;

	fputs(bold, to);
	fprintf(to, port && strchr(ip, ':') ? "[%s]" : "%s", ip);
	if (port)
		fprintf(to, ":%" PRId64, number_of(a, "port"));
	fputs(plain, to);
	if (json_is_string(proto))
		fprintf(to, " %s", json_string_value(proto));
	else
		fprintf(to, " protocol %" PRId64, (int64_t)json_integer_value(proto));
	fprintf(to, ", opened by %s", text_of(a, "opened"));
	json_array_foreach (from, i, f)
		put_set(to, ", from ", json_string_value(f), "");
	fputc('\n', to);
}

static void put_place(FILE *to, const json_t *p)
{
	const json_t *eea = json_object_get(p, "in_eea");

	label(to, "place");
	if (*text_of(p, "country"))
		fprintf(to, "%s, %s", text_of(p, "country"), text_of(p, "country_name"));
	else
		fputs("no country", to);
	fprintf(to, "; %s", text_of(p, "status"));
	if (*text_of(p, "grade") && !*text_of(p, "reason_text"))
		fprintf(to, " by %s", text_of(p, "grade"));
	if (*text_of(p, "reason_text"))
		fprintf(to, ": %s", text_of(p, "reason_text"));
	if (json_is_true(json_object_get(p, "relay")))
		fputs("; a relay: the data goes on from there", to);
	if (strcmp(text_of(p, "scope"), "global") != 0)
		fprintf(to, ", %s address", text_of(p, "scope"));
	if (json_is_boolean(eea))
		fputs(json_is_true(eea) ? "; in the EEA" : "; not in the EEA", to);
	fputc('\n', to);
	if (!*text_of(p, "provider") && !*text_of(p, "platform") && !*text_of(p, "region"))
		return;
	label(to, "provider");
	put(to, *text_of(p, "provider") ? text_of(p, "provider") : "-");
	put_set(to, ", region ", text_of(p, "region"), "");
	put_set(to, ", platform ", text_of(p, "platform"), "");
	fputc('\n', to);
}

static void put_age(FILE *to, const json_t *p)
{
	char age[TEXT_SHORT], max[TEXT_SHORT];

	if (!json_is_true(json_object_get(p, "stale")))
		return;
	label(to, "too old");
	put(to, text_of(p, "source_file"));
	if (json_is_integer(json_object_get(p, "source_age_seconds")))
		fprintf(to, " is %s old", text_duration(age, number_of(p, "source_age_seconds")));
	else
		fputs(" has no date", to);
	fprintf(to, "; the policy allows %s\n",
		text_duration(max, number_of(p, "max_age_seconds")));
}

static void put_operator(FILE *to, const json_t *o)
{
	label(to, "law");
	if (*text_of(o, "jurisdiction"))
		fprintf(to, "operator under the law of %s", text_of(o, "jurisdiction"));
	else
		fputs("operator not known, so its law is not either", to);
	put_set(to, ": ", *text_of(o, "name") ? text_of(o, "name") : text_of(o, "organisation"),
		"");
	if (json_is_integer(json_object_get(o, "asn")))
		fprintf(to, ", AS%" PRId64, number_of(o, "asn"));
	fputc('\n', to);
	explain_operator_print(to, o);
}

static const char *paint(const char *effect)
{
	if (strstr(effect, "block"))
		return "\033[31m";
	return strcmp(effect, "alert") == 0 ? "\033[33m" : "\033[32m";
}

static void put_verdict(FILE *to, const json_t *v, bool colour)
{
	const json_t *r = json_object_get(v, "rule");
	const char *effect = text_of(v, "effect");

	label(to, "verdict");
	fprintf(to, "%s%s%s", colour ? paint(effect) : "",
		strcmp(effect, "would-block") == 0 ? "block" : effect, colour ? "\033[0m" : "");
	if (strcmp(effect, "would-block") == 0)
		fputs(" (monitor mode: it passes, and the alert says 'would block')", to);
	if (strcmp(text_of(v, "severity"), "none") != 0)
		put_set(to, ", severity ", text_of(v, "severity"), "");
	fputc('\n', to);
	if (json_is_true(json_object_get(v, "places_stale"))) {
		label(to, "STALE");
		fputs("what says where it is is older than max-age, and the policy says 'stale block': no rule allows by it\n",
		      to);
	}
	label(to, "decided by");
	if (json_is_object(r)) {
		put(to, text_of(r, "file"));
		if (number_of(r, "line"))
			fprintf(to, ":%" PRId64, number_of(r, "line"));
		fputs(": ", to);
		put_line(to, text_of(r, "text"));
	} else if (strcmp(effect, "local") == 0) {
		fputs("no rule: local traffic is outside the policy", to);
	} else {
		fputs("the default: no rule matches, and what no rule allows is blocked", to);
	}
	fputc('\n', to);
}

static void put_why_not(FILE *to, const json_t *w)
{
	const json_t *reasons = json_object_get(w, "reasons"), *s;
	size_t i;

	if (!json_is_object(w))
		return;
	label(to, "why not");
	put(to, text_of(w, "zone"));
	if (!json_array_size(reasons))
		fputs(json_is_true(json_object_get(w, "in")) ? ": it is" : ": nothing to say", to);
	json_array_foreach (reasons, i, s) {
		fputs(i ? "\n" : ": ", to);
		if (i)
			label(to, "");
		put(to, json_string_value(s));
	}
	fputc('\n', to);
}

static void put_by_port(FILE *to, const json_t *list)
{
	const json_t *a;
	size_t i;

	if (json_array_size(list))
		label(to, "by port");
	json_array_foreach (list, i, a) {
		put_set(to, i ? "; " : "", text_of(a, "ports"),
			json_is_true(json_object_get(a, "more")) ? ", ...: " : ": ");
		if (!*text_of(a, "ports"))
			fputs(i ? "; any other: " : "any other: ", to);
		fputs(text_of(a, "action"), to);
		if (json_is_integer(json_object_get(a, "line")))
			fprintf(to, " by line %" PRId64, number_of(a, "line"));
	}
	if (json_array_size(list))
		fputs("; the verdict above is for a port that is not known\n", to);
}

static void put_embedded(FILE *to, const json_t *list)
{
	const json_t *ip;
	size_t i;

	if (!json_array_size(list))
		return;
	label(to, "inside it");
	json_array_foreach (list, i, ip)
		fprintf(to, "%s%s", i ? ", " : "", json_string_value(ip));
	fputs("; the worst verdict counts\n", to);
}

static void put_claim(FILE *to, const json_t *c, bool first)
{
	label(to, first ? "evidence" : "");
	fprintf(to, "%s", text_of(c, "source"));
	put_set(to, json_is_true(json_object_get(c, "denies")) ? " says not " : " says ",
		text_of(c, "country"), "");
	if (!*text_of(c, "country") && strcmp(text_of(c, "status"), "unprovable") == 0)
		fputs(" says unprovable", to);
	put_set(to, " ", text_of(c, "provider"), "");
	put_set(to, " ", text_of(c, "platform"), "");
	put_set(to, " ", text_of(c, "region"), "");
	put_set(to, " ", text_of(c, "service"), "");
	if (json_is_integer(json_object_get(c, "asn")))
		fprintf(to, " AS%" PRId64, number_of(c, "asn"));
	put_set(to, " ", text_of(c, "operator"), "");
	put_set(to, " law ", text_of(c, "jurisdiction"), "");
	fprintf(to, " for %s\n", text_of(c, "prefix"));
	label(to, "");
	fputs("  ", to);
	put(to, text_of(c, "file"));
	put_set(to, ", ", text_of(c, "key"), "");
	fprintf(to, ", of %s, sha256 %.12s\n", text_of(c, "date"), text_of(c, "sha256"));
}

static void put_claims(FILE *to, const json_t *list)
{
	const json_t *c;
	size_t i;

	json_array_foreach (list, i, c)
		put_claim(to, c, i == 0);
	if (!i) {
		label(to, "evidence");
		fputs("no source says anything about this address\n", to);
	}
}

static void put_distance(FILE *to, const json_t *d)
{
	if (!json_is_object(d))
		return;
	label(to, "distance");
	fputs("from home", to);
	put_set(to, " (", text_of(d, "home"), ")");
	fprintf(to, ": nearest soil of that country %" PRId64 " km, farthest %" PRId64 " km\n",
		number_of(d, "nearest_km"), number_of(d, "farthest_km"));
	label(to, "");
	fprintf(to, "an RTT under %.2f ms would refute it; one under %.2f ms proves the EEA\n",
		json_real_value(json_object_get(d, "refuted_below_ms")),
		json_real_value(json_object_get(d, "proven_in_eea_below_ms")));
	if (!*text_of(d, "verdict"))
		return;
	label(to, "");
	fprintf(to, "an RTT of %.3f ms puts it within %" PRId64 " km: %s\n",
		json_real_value(json_object_get(d, "rtt_ms")), number_of(d, "within_km"),
		text_of(d, "verdict"));
}

static const char *mark(const json_t *s)
{
	if (json_is_true(json_object_get(s, "decides")))
		return "->";
	return json_is_string(json_object_get(s, "matches")) ? " ?"
	       : json_is_true(json_object_get(s, "matches")) ? " +"
							     : "  ";
}

static void put_rule(FILE *to, const json_t *s, bool first)
{
	label(to, first ? "rules" : "");
	fprintf(to, "%s ", mark(s));
	put_set(to, "", text_of(s, "file"), ":");
	fprintf(to, "%" PRId64 ": ", number_of(s, "line"));
	put_line(to, text_of(s, "text"));
	if (!json_is_true(json_object_get(s, "decides")))
		put_set(to, "  -- ", text_of(s, "why"), "");
	fputc('\n', to);
}

static void put_rules(FILE *to, const json_t *list)
{
	size_t n = json_array_size(list), at = n, from = 0, i;
	const json_t *s;

	json_array_foreach (list, i, s)
		if (json_is_true(json_object_get(s, "decides")))
			at = i;
	if (at >= RULES_SHOWN)
		from = at < n ? at + 1 - RULES_SHOWN : n - RULES_SHOWN;
	if (at < n)
		n = at + 1; /* what stands below the deciding rule is not asked */
	for (i = from; i < n; i++)
		put_rule(to, json_array_get(list, i), i == from);
	if (from) {
		label(to, "");
		fprintf(to, "   and %zu rules above that do not match; --json shows them\n", from);
	}
}

static void put_changes(FILE *to, const json_t *list)
{
	const json_t *s;
	bool first = true;
	size_t i;

	json_array_foreach (list, i, s) {
		if (!*text_of(s, "change"))
			continue;
		label(to, first ? "to change" : "");
		put(to, text_of(s, "change"));
		fputc('\n', to);
		first = false;
	}
}

void explain_print(FILE *to, const json_t *a, bool colour)
{
	const json_t *policy = json_object_get(a, "policy");

	put_question(to, a, colour ? "\033[1m" : "", colour ? "\033[0m" : "");
	put_verdict(to, json_object_get(a, "verdict"), colour);
	put_why_not(to, json_object_get(a, "why_not"));
	put_by_port(to, json_object_get(a, "by_port"));
	put_embedded(to, json_object_get(a, "embedded"));
	put_place(to, json_object_get(a, "place"));
	put_age(to, json_object_get(a, "place"));
	put_operator(to, json_object_get(a, "operator"));
	put_claims(to, json_object_get(a, "claims"));
	put_distance(to, json_object_get(a, "distance"));
	if (strcmp(text_of(json_object_get(a, "verdict"), "action"), "local") != 0) {
		put_rules(to, json_object_get(a, "rules"));
		put_changes(to, json_object_get(a, "rules"));
	}
	label(to, "policy");
	put(to, text_of(policy, "file"));
	fprintf(to, ", %" PRId64 " rules, sha256 %.12s, as of %s\n", number_of(policy, "rules"),
		text_of(policy, "sha256"), text_of(a, "as_of"));
}
