/* SPDX-License-Identifier: BSD-2-Clause */
/* match_value.c - the value functions of match.def: what a matcher's argument puts into the rule, the
 * place or the subject. */
#include <string.h>
#include "rules/parse/parse.h"

void value_under(struct parse *ps, struct rule *r, const struct word *w)
{
	r->under = name_zone(ps, w);
}

void value_service(struct parse *ps, struct rule *r, const struct word *w)
{
	r->service = name_use(ps, NAME_SERVICE, w);
}

static bool has_ports(struct parse *ps, int proto, const struct word *w)
{
	if (proto < 0 || proto == 6 || proto == 17)
		return true;
	parse_error(ps, &w->at, "ports are decided for tcp and udp only");
	return false;
}

/* 'port' and 'proto' of one rule make one anonymous service at the rule's end, whichever stands
 * first. */
void value_proto(struct parse *ps, struct rule *r, const struct word *w)
{
	uint8_t proto;

	(void)r;
	if (!value_parse_proto(ps, &proto, w))
		return;
	ps->proto = proto;
	if (ps->ports.n)
		has_ports(ps, proto, w);
}

void value_port(struct parse *ps, struct rule *r, const struct word *w)
{
	struct service_atom a = {0};

	(void)r;
	if (value_parse_ports(ps, &a.first, &a.last, w) && has_ports(ps, ps->proto, w))
		PARSE_PUSH(ps, &ps->ports, a);
}

void value_opened(struct parse *ps, struct rule *r, const struct word *w)
{
	static const char *const names[] = {"here", "peer"};
	unsigned which;

	if (value_parse_choice(ps, &which, w, "side of a flow", names, 2))
		r->opened = which ? RULE_OPENED_PEER : RULE_OPENED_HERE;
}

void value_severity(struct parse *ps, struct rule *r, const struct word *w)
{
	static const char *const names[] = {"low", "medium", "high", "critical"};
	unsigned which;

	if (value_parse_choice(ps, &which, w, "severity", names, 4))
		r->severity = (uint8_t)(which + 1);
}

/* Only what is stopped may be left untold: it did not leave. */
void value_quiet(struct parse *ps, struct rule *r, const struct word *w)
{
	r->quiet = true;
	if (r->action == DECIDE_ALLOW)
		parse_error(ps, &w->at,
			    "'quiet' is for block rules; an allow rule raises no event");
	else if (r->action == DECIDE_ALERT)
		parse_error(ps, &w->at,
			    "'quiet' is for block rules; what passes without an event is 'allow'");
}

/* Labels go into file names, CSV and query languages: letters, digits and '.', '_', '-', ':', '/'.
 */
static const char *label(struct parse *ps, const struct word *w)
{
	size_t len = strlen(w->s);

	for (size_t i = 0; i < len; i++)
		if (!((w->s[i] >= '0' && w->s[i] <= '9') ||
		      ((w->s[i] | 32) >= 'a' && (w->s[i] | 32) <= 'z') ||
		      strchr("._-:/", w->s[i]))) {
			parse_error(ps, &w->at,
				    "a label is of letters, digits and . _ - : "
				    "/; a sentence is for 'because'");
			return NULL;
		}
	if (!len)
		parse_error(ps, &w->at, "an empty label");
	return len ? w->s : NULL;
}

/* As agent/names/text.c writes names: small letters, no last dot. */
void value_name(struct parse *ps, struct rule *r, const struct word *w)
{
	size_t len = strlen(w->s);
	char *s = arena_copy(ps->arena, w->s, len);

	if (!s) {
		ps->failed = true;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		bool letter = (s[i] | 32) >= 'a' && (s[i] | 32) <= 'z';

		if (s[i] >= 'A' && s[i] <= 'Z')
			s[i] = (char)(s[i] | 32);
		if (letter || (s[i] >= '0' && s[i] <= '9') || strchr("-_.*?", s[i]))
			continue;
		parse_error(ps, &w->at,
			    "a name is of letters, digits and . - _ with * and ?; an international "
			    "name stands in its xn-- form");
		return;
	}
	if (!len || len > 253 || s[0] == '.' || s[len - 1] == '.' || strspn(s, "*?.") == len)
		parse_error(ps, &w->at,
			    "'%s' is no name: write it like \"api.example.eu\" or \"*.example.eu\"",
			    w->s);
	else
		r->name = s;
}

void value_label(struct parse *ps, struct rule *r, const struct word *w)
{
	const struct rule *rules = ps->rules.items;

	r->label = label(ps, w);
	if (strlen(w->s) > RULE_LABEL_MAX)
		parse_error(ps, &w->at, "a label of more than %d characters", RULE_LABEL_MAX);
	if (!strcmp(w->s, "default"))
		parse_error(ps, &w->at, "'default' is what events say when no rule matched");
	for (size_t i = 0; i < ps->rules.n; i++)
		if (r->label && rules[i].label && !strcmp(r->label, rules[i].label))
			parse_error(ps, &w->at, "the rule of %s has the label '%s' already",
				    parse_line(ps, rules[i].file, rules[i].line, &w->at), r->label);
}

void value_purpose(struct parse *ps, struct rule *r, const struct word *w)
{
	r->purpose = label(ps, w);
}

void value_basis(struct parse *ps, struct rule *r, const struct word *w)
{
	/* what the GDPR's chapter V knows; scc and bcr are of art46 */
	static const char *const names[] = {"art45", "art46", "art47", "art48",
					    "art49", "scc",   "bcr"};
	unsigned which;

	if (value_parse_choice(ps, &which, w, "legal basis", names, sizeof(names) / sizeof(*names)))
		r->basis = names[which];
}

void value_until(struct parse *ps, struct rule *r, const struct word *w)
{
	value_parse_date(ps, &r->until, w);
}

void value_because(struct parse *ps, struct rule *r, const struct word *w)
{
	if (!w->quoted)
		parse_error(ps, &w->at, "the reason stands in quotes: because \"%s\"", w->s);
	else if (!*w->s)
		parse_error(ps, &w->at, "an empty reason");
	r->because = w->s;
}

void value_country(struct parse *ps, struct place_atom *a, const struct word *w)
{
	value_parse_country(ps, &a->country, w);
}

void value_zone(struct parse *ps, struct place_atom *a, const struct word *w)
{
	ps->in_to = ps->open_list == CLAUSE_TO;
	a->zone = name_use(ps, NAME_ZONE, w);
	ps->in_to = false;
}

void value_cidr(struct parse *ps, struct place_atom *a, const struct word *w)
{
	value_parse_cidr(ps, &a->cidr, w);
}

void value_provider(struct parse *ps, struct place_atom *a, const struct word *w)
{
	a->name = label(ps, w);
}

void value_asn(struct parse *ps, struct place_atom *a, const struct word *w)
{
	const char *s = w->s + (!strncmp(w->s, "AS", 2) ? 2 : 0);
	uint64_t v = 0;

	if (!value_parse_number(&v, s, strlen(s), UINT32_MAX) || !v)
		parse_error(ps, &w->at, "'%s' is no AS number (from 1 to 4294967295)", w->s);
	a->asn = (uint32_t)v;
}

void value_jurisdiction(struct parse *ps, struct place_atom *a, const struct word *w)
{
	a->zone = name_zone(ps, w);
}

void value_subject_text(struct parse *ps, struct subject_atom *a, const struct word *w)
{
	a->text = w->s;
	if (!*w->s)
		parse_error(ps, &w->at, "an empty name");
	else if (a->type == SUBJECT_CGROUP && *w->s != '/')
		parse_error(ps, &w->at, "a cgroup is named from the root: '/%s'", w->s);
}

void value_subject_cidr(struct parse *ps, struct subject_atom *a, const struct word *w)
{
	if (((*w->s | 32) >= 'a' && (*w->s | 32) <= 'z') && !strpbrk(w->s, ":/."))
		a->list = name_use(ps, NAME_LIST, w);
	else
		value_parse_cidr(ps, &a->cidr, w);
}
