/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_lines.c - 'cordon explain -': a list of addresses on standard input, a line of answer each.
 *
 * A line is an address, with a port or without; in CSV the first field that is one. What has none, a heading
 * say, is skipped and counted; a '#' begins a comment.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/cmd/explain.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"
#include "geo/facts/zone.h"

#define FIELD_MAX  128
#define SEPARATORS ",; \t\r\n"

struct lines {
	const struct engine *e;
	const struct explain_question *question;
	struct engine_query query; /* all but the address and the port */
	struct ip source;
	struct json_writer out;
	bool json;
	uint64_t number, answered, skipped, first_skipped;
};

/* The first field that is an address; a quote around it is taken off. */
static bool find_address(struct explain_question *q, const char *line)
{
	for (const char *s = line + strspn(line, SEPARATORS); *s && *s != '#';) {
		size_t n = strcspn(s, SEPARATORS), quote = *s == '"' && n > 1 && s[n - 1] == '"';
		char field[FIELD_MAX];

		if (n < sizeof(field)) {
			text_put(field, sizeof(field), "%.*s", (int)(n - 2 * quote), s + quote);
			if (!explain_address(q, field))
				return true;
		}
		s += n;
		s += strspn(s, SEPARATORS);
	}
	return false;
}

static bool blank(const char *line)
{
	line += strspn(line, SEPARATORS);
	return !*line || *line == '#';
}

static void put_json(struct lines *l, const struct explain_question *q,
		     const struct engine_verdict *v)
{
	const struct place *p = &v->where->place;
	struct json_writer *j = &l->out;
	char ip[IP_STRLEN], cc[3];

	json_writer_open(j, NULL, '{');
	json_writer_number(j, "line", l->number);
	json_writer_text(j, "address", ip_format(ip, &q->ip));
	if (q->has_port)
		json_writer_number(j, "port", q->port);
	json_writer_text(j, "verdict", event_verdict_name(v->action));
	if (v->rule)
		json_writer_number(j, "rule_line", v->rule->line);
	json_writer_text(j, "status", place_status_name((enum place_status)p->status));
	json_writer_text_set(j, "reason", place_reason_name((enum place_reason)p->reason));
	json_writer_text_set(j, "grade", place_grade_name((enum place_grade)p->grade));
	json_writer_text_set(j, "country", p->country ? country_text(p->country, cc) : "");
	if (p->country)
		json_writer_bool(j, "in_eea", zone_has(ZONE_EEA, p->country, l->question->now));
	json_writer_text_set(j, "provider", engine_string(l->e, p->provider));
	json_writer_text_set(j, "platform", engine_string(l->e, p->platform));
	json_writer_text_set(j, "region", engine_string(l->e, p->region));
	json_writer_text(j, "jurisdiction",
			 p->jurisdiction ? country_text(p->jurisdiction, cc) : NULL);
	if (p->flags & PLACE_STALE)
		json_writer_bool(j, "stale", true);
	json_writer_close(j, '}');
}

static const char *or_dash(const char *s)
{
	return *s ? s : "-";
}

static void put_text(struct lines *l, const struct explain_question *q,
		     const struct engine_verdict *v)
{
	const struct place *p = &v->where->place;
	char ip[IP_STRLEN], cc[3] = "", law[3] = "", line[512], provider[128], region[128];
	int n;

	text_escape(provider, sizeof(provider), engine_string(l->e, p->provider), SIZE_MAX);
	text_escape(region, sizeof(region), engine_string(l->e, p->region), SIZE_MAX);
	n = snprintf(line, sizeof(line), "%s\t%s\t%u\t%s\t%s\t%s\t%s\t%s\t%s",
		     ip_format(ip, &q->ip), event_verdict_name(v->action),
		     v->rule ? v->rule->line : 0, place_status_name((enum place_status)p->status),
		     or_dash(p->country ? country_text(p->country, cc) : ""), or_dash(provider),
		     or_dash(region),
		     p->jurisdiction ? country_text(p->jurisdiction, law) : "unknown",
		     or_dash(place_grade_name((enum place_grade)p->grade)));
	json_writer_plain(&l->out, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static int one(struct lines *l, const char *text)
{
	struct explain_question q = *l->question;
	struct engine_verdict v;
	const char *line;

	if (blank(text))
		return 0;
	if (!find_address(&q, text)) {
		if (!l->skipped++)
			l->first_skipped = l->number;
		return 0;
	}
	l->query.dst = &q.ip;
	l->query.has_port = q.has_port;
	l->query.port = q.port;
	engine_decide(l->e, &l->query, &v);
	json_writer_reset(&l->out);
	if (l->json)
		put_json(l, &q, &v);
	else
		put_text(l, &q, &v);
	line = json_writer_done(&l->out);
	l->answered++;
	return !line ? -ENOMEM : puts(line) == EOF ? -errno : 0;
}

int explain_lines(const struct engine *e, const struct explain_question *q, bool json, FILE *from)
{
	struct lines l = {.e = e, .question = q, .json = json};
	_free_ char *text = NULL;
	const char *why;
	size_t room = 0;
	int r = explain_from(e, q, &l.query, &l.source, &why);

	if (!r && !json)
		r = puts("address\tverdict\trule\tstatus\tcountry\tprovider\tregion\tlaw\tgrade") ==
				    EOF
			    ? -errno
			    : 0;
	while (!r && getline(&text, &room, from) >= 0) {
		l.number++;
		r = one(&l, text);
	}
	json_writer_free(&l.out);
	if (!r && (ferror(from) || fflush(stdout)))
		r = -EIO;
	if (r)
		diag_say("explain: %s", strerror(-r));
	if (l.skipped)
		diag_say("explain: %llu line%s without an address, the first is line %llu",
			 (unsigned long long)l.skipped, l.skipped == 1 ? "" : "s",
			 (unsigned long long)l.first_skipped);
	return r ? EXIT_FAILED : l.skipped && !l.answered ? EXIT_DAMAGED : EXIT_DONE;
}
