/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_rule.c - the grammar's statements become the policy: rules and the lists in them. */
#include <string.h>
#include "rules/parse/parse.h"

void parse_body_start(struct parse *ps)
{
	ps->atoms = (struct list){0};
	ps->open_list = CLAUSES;
	ps->pending_proto = -1;
	ps->proto_has_ports = false;
}

void parse_rule_start(struct parse *ps, enum decide_action action, const struct word *w)
{
	ps->rule = (struct rule){.action = action, .line = w->at.line};
	ps->rule_start = w->offset;
	ps->clauses = 0;
	ps->rule_lines++;
	parse_body_start(ps);
}

/* Columns of blanks are for the policy's reader; a line of an alert has one. Quoted text stays.
 * Returns the new length. */
static size_t squeeze(char *s, size_t len)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool blank = !quoted && (s[i] == ' ' || s[i] == '\t');

		if (s[i] == '"' && (!i || s[i - 1] != '\\'))
			quoted = !quoted;
		if (!blank)
			s[n++] = s[i];
		else if (n && s[n - 1] != ' ')
			s[n++] = ' ';
	}
	return n;
}

/* The line as written, from the action to the comment. */
static const char *rule_text(struct parse *ps)
{
	char *text;

	size_t from = ps->rule_start, to;
	bool quoted = false;

	for (to = from; to < ps->len && ps->text[to] != '\n'; to++) {
		if (quoted && ps->text[to] == '\\')
			to++;
		else if (ps->text[to] == '"')
			quoted = !quoted;
		else if (ps->text[to] == '#' && !quoted)
			break;
	}
	while (to > from && strchr(" \t\r", ps->text[to - 1]))
		to--;
	text = arena_copy(ps->arena, ps->text + from, to - from);
	if (text)
		text[squeeze(text, to - from)] = 0;
	return text;
}

/* 'from' and 'to' share the list of what is being read: whichever is open is closed by the next
 * clause or the end. */
static void close_list(struct parse *ps)
{
	if (ps->open_list == CLAUSE_FROM) {
		ps->rule.from = ps->atoms.items;
		ps->rule.nfrom = ps->atoms.n;
	} else if (ps->open_list == CLAUSE_TO) {
		ps->rule.to = ps->atoms.items;
		ps->rule.nto = ps->atoms.n;
	}
	ps->open_list = CLAUSES;
	ps->atoms = (struct list){0};
}

void parse_rule_end(struct parse *ps)
{
	close_list(ps);
	ps->rule.text = rule_text(ps);
	if (!ps->rule.text)
		ps->failed = true;
	if (ps->rules.n == POLICY_RULES_MAX)
		parse_error(ps, &(struct spot){ps->rule.line, 1, 1}, "more than %d rules",
			    POLICY_RULES_MAX);
	if (ps->rules.n <= POLICY_RULES_MAX)
		PARSE_PUSH(ps, &ps->rules, ps->rule);
}

static bool says_service_twice(const struct parse *ps, enum clause c)
{
	unsigned service = 1u << CLAUSE_SERVICE, ports = 1u << CLAUSE_PORT | 1u << CLAUSE_PROTO;

	return (c == CLAUSE_SERVICE && (ps->clauses & ports)) ||
	       ((1u << c & ports) && (ps->clauses & service));
}

void parse_clause(struct parse *ps, enum clause c, const struct word *key, const struct word *w)
{
	const struct clause_row *row = match_clause(c);
	const struct spot *at = key ? &key->at : &w->at;

	if (c != CLAUSE_FROM && c != CLAUSE_TO && ps->open_list != CLAUSES)
		close_list(ps);
	if (row->where == MATCH_LATER) {
		parse_error(ps, at, "'%s' is understood but not decided by this version",
			    row->keyword);
		return;
	}
	if (ps->clauses & 1u << c) {
		parse_error(ps, at, "'%s' stands twice in one rule", row->keyword);
		return;
	}
	if (says_service_twice(ps, c)) {
		parse_error(ps, at, "a rule has either 'service' or 'port' and 'proto'");
		return;
	}
	ps->clauses |= 1u << c;
	if (row->value)
		row->value(ps, &ps->rule, w);
}

void parse_list_start(struct parse *ps, enum clause c, const struct word *key)
{
	close_list(ps);
	parse_clause(ps, c, key, NULL);
	ps->open_list = c;
}

void parse_atom(struct parse *ps, enum place_atom_type t, const struct word *w)
{
	const struct place_row *row = match_place(t);
	struct place_atom a = {.type = t,
			       .line = w->at.line,
			       .column = w->at.column,
			       .length = w->at.length,
			       .set = -1};

	if (++ps->nplaces > POLICY_PLACES_MAX) {
		if (ps->nplaces == POLICY_PLACES_MAX + 1)
			parse_error(ps, &w->at, "more than %d places in rules and zones",
				    POLICY_PLACES_MAX);
		return;
	}
	if (t == ATOM_HERE)
		PARSE_PUSH(ps, &ps->heres, w->at);
	if (row->value)
		row->value(ps, &a, w);
	PARSE_PUSH(ps, &ps->atoms, a);
}

void parse_atom_word(struct parse *ps, const struct word *w)
{
	size_t len = strlen(w->s);
	bool capitals =
		len == 2 && w->s[0] >= 'A' && w->s[0] <= 'Z' && w->s[1] >= 'A' && w->s[1] <= 'Z';
	bool digit = w->s[0] >= '0' && w->s[0] <= '9';

	parse_atom(ps,
		   capitals			? ATOM_COUNTRY
		   : digit || strchr(w->s, ':') ? ATOM_CIDR
						: ATOM_ZONE,
		   w);
}

void parse_region(struct parse *ps, const struct word *w)
{
	struct place_atom *atoms = ps->atoms.items;

	if (!*w->s)
		parse_error(ps, &w->at, "an empty region");
	if (ps->atoms.n)
		atoms[ps->atoms.n - 1].region = w->s;
}

void parse_subject_name(struct parse *ps, const struct word *w)
{
	const struct subject_def *s = name_use(ps, NAME_SUBJECT, w);

	PARSE_PUSH(ps, &ps->atoms, s);
}

/* In a 'subject' line it is an atom of the subject; in a rule it is a subject of its own without a
 * name. */
void parse_subject_atom(struct parse *ps, enum subject_type t, const struct word *w)
{
	struct subject_atom a = {.type = t, .line = w->at.line, .column = w->at.column};
	struct subject_atom *copy;
	struct subject_def *s;
	const struct subject_def *def;

	match_subject(t)->value(ps, &a, w);
	if (ps->open_list != CLAUSE_FROM) {
		PARSE_PUSH(ps, &ps->atoms, a);
		return;
	}
	copy = arena_alloc(ps->arena, 1, sizeof(*copy));
	s = arena_alloc(ps->arena, 1, sizeof(*s));
	if (!copy || !s) {
		ps->failed = true;
		return;
	}
	*copy = a;
	*s = (struct subject_def){.atoms = copy, .natoms = 1, .set = -1, .line = w->at.line};
	def = s;
	PARSE_PUSH(ps, &ps->atoms, def);
}

void parse_zone(struct parse *ps, const struct word *name)
{
	struct zone_def *z = name_define(ps, NAME_ZONE, name);
	const struct place_atom *atoms = ps->atoms.items;

	for (size_t i = 0; i < ps->atoms.n; i++)
		if (atoms[i].type == ATOM_CIDR)
			parse_error(ps,
				    &(struct spot){atoms[i].line, atoms[i].column, atoms[i].length},
				    "a zone holds countries and zones; addresses "
				    "stand in a rule or a 'place' line");
	if (!z)
		return;
	*z = (struct zone_def){.name = name->s,
			       .builtin = -1,
			       .atoms = atoms,
			       .natoms = ps->atoms.n,
			       .line = name->at.line};
	PARSE_PUSH(ps, &ps->zones, z);
}

void parse_subject(struct parse *ps, const struct word *name)
{
	struct subject_def *s = name_define(ps, NAME_SUBJECT, name);

	if (!s)
		return;
	*s = (struct subject_def){.name = name->s,
				  .atoms = ps->atoms.items,
				  .natoms = ps->atoms.n,
				  .set = -1,
				  .line = name->at.line};
	PARSE_PUSH(ps, &ps->subjects, s);
}

static void push_service_atom(struct parse *ps, uint8_t proto, bool any, uint16_t first,
			      uint16_t last)
{
	struct service_atom a = {proto, any, first, last};

	PARSE_PUSH(ps, &ps->atoms, a);
}

/* A protocol that no ports followed is all of its ports. */
static void close_proto(struct parse *ps)
{
	if (ps->pending_proto >= 0 && !ps->proto_has_ports)
		push_service_atom(ps, (uint8_t)ps->pending_proto, true, 0, 65535);
	ps->pending_proto = -1;
	ps->proto_has_ports = false;
}

void parse_service_proto(struct parse *ps, const struct word *w)
{
	uint8_t proto;

	close_proto(ps);
	if (value_parse_proto(ps, &proto, w))
		ps->pending_proto = proto;
	else
		ps->pending_proto = -2; /* reported: its ports need no second error */
}

/* 'tcp 5432': a word that starts with a digit is the ports of the protocol before it. */
void parse_service_item(struct parse *ps, const struct word *w)
{
	uint16_t first, last;

	if (w->s[0] < '0' || w->s[0] > '9') {
		parse_service_proto(ps, w);
		return;
	}
	if (ps->pending_proto == -2)
		return;
	if (ps->pending_proto == -1) {
		parse_error(ps, &w->at, "ports of which protocol? write 'tcp %s' or 'port %s'",
			    w->s, w->s);
		return;
	}
	if (!value_parse_ports(ps, &first, &last, w))
		return;
	if (ps->pending_proto != 6 && ps->pending_proto != 17)
		parse_error(ps, &w->at, "ports are decided for tcp and udp only");
	ps->proto_has_ports = true;
	push_service_atom(ps, (uint8_t)ps->pending_proto, false, first, last);
}

void parse_service_port(struct parse *ps, const struct word *w)
{
	uint16_t first, last;

	close_proto(ps);
	if (!value_parse_ports(ps, &first, &last, w))
		return;
	push_service_atom(ps, 6, false, first, last);
	push_service_atom(ps, 17, false, first, last);
}

void parse_service(struct parse *ps, const struct word *name)
{
	struct service_def *s;

	close_proto(ps);
	s = name_define(ps, NAME_SERVICE, name);
	if (!s)
		return;
	*s = (struct service_def){.name = name->s,
				  .atoms = ps->atoms.items,
				  .natoms = ps->atoms.n,
				  .line = name->at.line};
	PARSE_PUSH(ps, &ps->services, s);
}
