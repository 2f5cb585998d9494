/* SPDX-License-Identifier: BSD-2-Clause */
/* suggest_text.c - the suggested policy: rules for what stays in the EEA, and as comments what else was seen. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/suggest.h"
#include "geo/facts/country.h"
#include "geo/facts/recipient.h"
#include "geo/facts/zone.h"
#include "rules/parse/proto.h"
#include "rules/parse/writer.h"

#define NS     1000000000ull
#define SHOWN  160 /* bytes of each foreign text in a comment */
#define NAMES  6   /* networks, countries and programs named in a comment */
#define PREFIX COLUMN_PREFIX

static const struct {
	const char *title, *decide;
} whys[WHYS] = {
	[WHY_OUTSIDE] = {"outside the EEA",
			 "Stop it, or move it to the EEA, or name the legal basis and until when:"},
	[WHY_PRIVATE] = {"private networks: nobody has said where they stand",
			 "Say where it stands, as below, and ask again; or allow it as it is:"},
	[WHY_UNKNOWN] =
		{"nobody knows where it is",
		 "'cordon explain ADDRESS' says what is known. Say where it stands, or allow it as it is:"},
	[WHY_DISPUTED] = {"sources differ on whether it is in the EEA",
			  "'cordon explain ADDRESS' has both sides. If you know better:"},
	[WHY_UNPROVABLE] = {"anycast, or served from anywhere",
			    "Choose a service that has a place; or allow it, knowing that:"},
	[WHY_OLD] = {"what says that it is in the EEA is older than the policy allows",
		     "'cordon geo update', and ask again; or:"},
	[WHY_REFUTED] = {"the round-trip time refutes the place",
			 "'cordon explain ADDRESS' has the proof. If you know better:"},
	[WHY_PORT] =
		{"in the EEA, port or protocol not known",
		 "Look at 'cordon ledger --by prefix'; a rule without a port takes in every service:"},
	[WHY_BLOCKED] = {"in the EEA, and the policy in force stops it",
			 "It was stopped for a reason that somebody wrote down. If that is over:"},
	[WHY_SENDER] =
		{"in the EEA, from a sender whose name no rule can have",
		 "Give the service a plain unit name or a user of its own; or allow it from anyone:"},
	[WHY_SUBJECTS] =
		{"in the EEA, from more senders than a policy can name",
		 "Name one subject for several of them ('subject NAME { unit \"GLOB\" }'), then:"},
};

static const char *text(const struct suggest_flow *f, enum ledger_column c)
{
	return f->flow->key.text[c];
}

static void shown(FILE *to, const char *s)
{
	char buf[SHOWN];

	fputs(text_escape(buf, sizeof(buf), s, SIZE_MAX), to);
}

static void put_quoted(FILE *to, const char *s)
{
	struct writer w = {0};
	char *q;

	writer_quote(&w, s);
	q = writer_take(&w);
	fputs(q ? q : "\"\"", to);
	free(q);
}

static void put_from(const struct suggest_flow *f, FILE *to)
{
	if (f->who == WHO_ANYONE)
		return;
	fprintf(to, " from %s ", f->who == WHO_UNIT ? "unit" : "user");
	put_quoted(to, f->name);
}

static void put_service(const struct suggest_flow *f, FILE *to)
{
	const struct ledger_key_row *k = &f->flow->key;
	const char *name = proto_name(k->proto);

	if (!k->proto)
		return;
	if (name)
		fprintf(to, " proto %s", name);
	else
		fprintf(to, " proto %u", k->proto);
	if ((k->proto == 6 || k->proto == 17) && k->port)
		fprintf(to, " port %u", k->port);
	fprintf(to, " opened by %s", k->by_peer ? "peer" : "here");
}

static void put_law(const struct suggest_flow *f, FILE *to)
{
	fprintf(to, " under %s", *text(f, COLUMN_LAW) ? text(f, COLUMN_LAW) : "unknown");
}

static void put_rule(const struct suggest_flow *f, FILE *to)
{
	fputs("allow", to);
	put_from(f, to);
	if (f->to == TO_REGION) {
		fprintf(to, " to provider %s region ", text(f, COLUMN_PROVIDER));
		put_quoted(to, text(f, COLUMN_REGION));
	} else {
		fprintf(to, " to %s", f->to == TO_ZONE ? "eea" : text(f, COLUMN_COUNTRY));
		put_law(f, to);
	}
	put_service(f, to);
	fputc('\n', to);
}

static void put_sum(const struct ledger_sum *s, FILE *to)
{
	char b[TEXT_SHORT], n[TEXT_SHORT];

	fprintf(to, "%s in %s flow%s", text_bytes(b, s->bytes), text_count(n, s->flows),
		s->flows == 1 ? "" : "s");
	if (s->attempts)
		fprintf(to, ", %s refused call%s", text_count(n, s->attempts),
			s->attempts == 1 ? "" : "s");
}

/* The different texts of a column, the first few by name. */
static size_t put_list(const struct suggest_flow *f, size_t n, enum ledger_column c, FILE *to)
{
	const char *seen[NAMES];
	size_t named = 0, more = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < named && seen[k] != text(&f[i], c))
			k++;
		if (k < named || !*text(&f[i], c))
			continue;
		if (named == NAMES) {
			more++;
			continue;
		}
		seen[named++] = text(&f[i], c);
		fputs(named > 1 ? ", " : "", to);
		shown(to, text(&f[i], c));
	}
	if (more)
		fputs(" and others", to);
	return named + more;
}

/* Whom captures say it was meant for, who that is, and where that has an endpoint in the EU. */
static void put_names(const struct suggest_flow *f, size_t n, FILE *to)
{
	const char *seen[NAMES];
	size_t named = 0;

	for (size_t i = 0; i < n * SEEN_NAMES && named < NAMES; i++) {
		const char *name = f[i / SEEN_NAMES].flow->name[i % SEEN_NAMES];
		const struct recipient *r = name ? recipient_find(name) : NULL;
		size_t k = 0;

		while (name && k < named && seen[k] != name)
			k++;
		if (!name || k < named)
			continue;
		seen[named++] = name;
		fputs("#   meant for ", to);
		shown(to, name);
		if (r)
			fprintf(to, " (%s, %s)", r->organisation, r->service);
		if (r && r->eu)
			fprintf(to, "; its endpoint in the EU: %s", r->eu);
		fputc('\n', to);
	}
}

static void put_wide(const struct suggest_flow *f, size_t n, FILE *to)
{
	fputs("#   takes in ", to);
	if (f->to == TO_REGION) {
		fputs("the whole region", to);
	} else if (f->to == TO_COUNTRY) {
		fprintf(to, "all of %s under that law",
			country_name(country_code(text(f, COLUMN_COUNTRY), 2)));
	} else {
		fputs("the whole EEA under that law; seen in ", to);
		put_list(f, n, COLUMN_COUNTRY, to);
	}
	fputs("; seen: ", to);
	put_list(f, n, PREFIX, to);
	if (f->who == WHO_ANYONE)
		fputs("; from anyone: who sent is not known", to);
	if (f->flow->key.proto != 6 && f->flow->key.proto != 17)
		fputs("; all of the protocol", to);
	fputc('\n', to);
}

static void put_allowed(const struct suggest_flow *f, size_t n, FILE *to)
{
	struct ledger_sum sum = {0};

	for (size_t i = 0; i < n; i++) {
		sum.bytes += f[i].flow->sum.bytes;
		sum.flows += f[i].flow->sum.flows;
		sum.attempts += f[i].flow->sum.attempts;
	}
	fputs("\n# ", to);
	put_sum(&sum, to);
	fprintf(to, " to %s",
		f->to == TO_ZONE ? "the EEA"
				 : country_name(country_code(text(f, COLUMN_COUNTRY), 2)));
	fprintf(to, ", law: %s", *text(f, COLUMN_LAW) ? text(f, COLUMN_LAW) : "unknown");
	if (*text(f, COLUMN_EXE)) {
		fputs(", by ", to);
		put_list(f, n, COLUMN_EXE, to);
	}
	fputc('\n', to);
	put_names(f, n, to);
	put_wide(f, n, to);
	put_rule(f, to);
}

static void put_words(const char *before, const char *s, FILE *to)
{
	if (!*s)
		return;
	fputs(before, to);
	shown(to, s);
}

static const char *did(const struct ledger_key_row *k)
{
	static const char *const words[] = {"allowed", "alerted"};

	return k->verdict < 2 ? words[k->verdict] : k->enforced ? "blocked" : "would block";
}

static void put_undecided(const struct suggest_flow *f, int64_t now, FILE *to)
{
	const struct ledger_key_row *k = &f->flow->key;
	const char *cc = text(f, COLUMN_COUNTRY);
	uint16_t country = country_code(cc, strlen(cc));

	fputs("#\n# ", to);
	put_sum(&f->flow->sum, to);
	fprintf(to, " to %s", text(f, PREFIX));
	if (country)
		fprintf(to, ", %s", country_name(country));
	put_words(", ", text(f, COLUMN_PROVIDER), to);
	put_words(" ", text(f, COLUMN_REGION), to);
	put_words(", operator ", text(f, COLUMN_OPERATOR), to);
	fprintf(to, ", law: %s", *text(f, COLUMN_LAW) ? text(f, COLUMN_LAW) : "unknown");
	if (f->why == WHY_OUTSIDE && zone_has(ZONE_ADEQUATE, country, now))
		fputs(", adequate (basis art45)", to);
	fputs("\n#   by", to);
	put_words(" unit ", text(f, COLUMN_UNIT), to);
	put_words(" container ", text(f, COLUMN_CONTAINER), to);
	put_words(" user ", text(f, COLUMN_USER), to);
	put_words(" ", text(f, COLUMN_EXE), to);
	if (!*text(f, COLUMN_UNIT) && !*text(f, COLUMN_USER) && !*text(f, COLUMN_EXE))
		fputs(" nobody that is known", to);
	fprintf(to, "; %s by: ", did(k));
	shown(to, text(f, COLUMN_RULE));
	fputc('\n', to);
	put_names(f, 1, to);
	if (f->why == WHY_PRIVATE || f->why == WHY_UNKNOWN)
		fprintf(to, "#place %s is CC\n", text(f, PREFIX));
	fputs("#allow", to);
	put_from(f, to);
	fprintf(to, " to %s", text(f, PREFIX));
	put_service(f, to);
	if (f->why == WHY_OUTSIDE)
		fputs(" until DATE because \"...\" basis ...", to);
	fputc('\n', to);
}

static void put_decisions(const struct suggest *s, FILE *to)
{
	enum suggest_why last = WHY_ALLOWED;
	struct ledger_sum rest = {0};

	for (size_t i = s->allowed; i < s->n; i++) {
		const struct suggest_flow *f = &s->flows[i];

		if (i - s->allowed >= SUGGEST_LISTED) {
			rest.bytes += f->flow->sum.bytes;
			rest.flows += f->flow->sum.flows;
			rest.attempts += f->flow->sum.attempts;
			continue;
		}
		if (f->why != last)
			fprintf(to, "\n# -- %s\n# %s\n", whys[f->why].title, whys[f->why].decide);
		last = f->why;
		put_undecided(f, s->now, to);
	}
	if (s->n - s->allowed > SUGGEST_LISTED) {
		fprintf(to, "#\n# and %zu more that no line shows: ",
			s->n - s->allowed - SUGGEST_LISTED);
		put_sum(&rest, to);
		fputs(" ('cordon ledger' has them)\n", to);
	}
}

static void put_uncounted(const struct ledger_sum *s, const char *what, FILE *to)
{
	if (!s->packets && !s->attempts)
		return;
	fputs("# ", to);
	put_sum(s, to);
	fprintf(to, " %s: nothing below speaks of them\n", what);
}

static void put_head(const struct suggest *s, FILE *to)
{
	char from[TEXT_SHORT], until[TEXT_SHORT], n[TEXT_SHORT];

	fputs("# 'cordon suggest' wrote this from ", to);
	shown(to, s->source);
	if (*s->seen.extent.host) {
		fputs(", host ", to);
		shown(to, s->seen.extent.host);
	}
	fputs("\n# ", to);
	if (s->n)
		fprintf(to, "What left from %s to %s: %s kinds of flow, ",
			text_time(from, (int64_t)(s->seen.first_ns / NS)),
			text_time(until, (int64_t)(s->seen.last_ns / NS)), text_count(n, s->n));
	else
		fputs("Nothing left in that time: ", to);
	fprintf(to, "%zu allowed below, %zu left for you to decide.\n", s->allowed,
		s->n - s->allowed);
	put_uncounted(&s->other, "found no room in the ledger", to);
	put_uncounted(&s->unattributed, "were counted and have no record", to);
	fputs("# Only what was seen in the EEA is allowed. What did not happen in that time is not: month-end jobs, failovers.\n"
	      "# 'cordon check' reads it, 'cordon diff OLD NEW' says what it changes. The first rule that matches decides.\n\n",
	      to);
}

int suggest_write(const struct suggest *s, const char *settings, FILE *to)
{
	put_head(s, to);
	fputs("# -- of the policy in force\n", to);
	fputs(settings, to);
	if (s->n > s->allowed)
		fputs("\n# -- for you to decide: all of it is blocked below until you take a '#' away here\n",
		      to);
	put_decisions(s, to);
	fputs("\n# -- a place that is not known is not allowed by its region's name either\n"
	      "block to unknown, disputed, unprovable\n"
	      "\n# -- seen in the EEA\n",
	      to);
	for (size_t i = 0, end; i < s->allowed; i = end) {
		for (end = i + 1; end < s->allowed && suggest_same(&s->flows[i], &s->flows[end]);)
			end++;
		put_allowed(&s->flows[i], end - i, to);
	}
	fputs("\nblock to any\n", to);
	return ferror(to) ? -EIO : 0;
}
