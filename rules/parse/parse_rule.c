/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_rule.c - the grammar's statements become the policy: rules and the lists in them. */
#include <string.h>
#include "rules/meter.h"
#include "rules/parse/parse.h"
#include "rules/parse/proto.h"

void parse_body_start(struct parse *ps)
{
	ps->atoms = (struct list){0};
	ps->open_list = CLAUSES;
	ps->pending_proto = -1;
	ps->proto_has_ports = false;
}

void parse_rule_start(struct parse *ps, enum decide_action action, const struct word *w)
{
	ps->rule = (struct rule){.action = action,
				 .file = parse_file(ps, w->at.source),
				 .line = w->at.line};
	ps->rule_start = w->offset;
	ps->clauses = 0;
	ps->ports = (struct list){0};
	ps->proto = -1;
	ps->rule_lines++;
	parse_body_start(ps);
}

/* Where the rule ends: at its line's end, but after a comma at the next one's. */
static size_t rule_stop(const struct parse *ps)
{
	bool quoted = false, comma = false, comment = false;
	size_t at = ps->rule_start;

	for (; at < ps->len; at++) {
		char c = ps->text[at];

		if (c == '\n' && !comma)
			break;
		if (c == '\n') {
			comment = false;
		} else if (quoted && c == '\\') {
			at++;
		} else if (!comment) {
			quoted ^= c == '"';
			comment = c == '#' && !quoted;
			if (!comment && !strchr(" \t\r", c))
				comma = c == ',' && !quoted;
		}
	}
	return at;
}

/* Columns of blanks are for the policy's reader, comments too; a line of an alert has neither. Quoted
 * text stays. */
static const char *rule_text(struct parse *ps)
{
	size_t to = rule_stop(ps), n = 0;
	char *text = arena_copy(ps->arena, ps->text + ps->rule_start, to - ps->rule_start);
	bool quoted = false, comment = false;

	if (!text)
		return NULL;
	for (size_t i = 0, len = to - ps->rule_start; i < len; i++) {
		bool blank = !quoted && strchr(" \t\r\n", text[i]);

		if (text[i] == '"' && !comment && (!i || text[i - 1] != '\\'))
			quoted = !quoted;
		comment = comment ? text[i] != '\n' : text[i] == '#' && !quoted;
		if (comment)
			continue;
		if (!blank)
			text[n++] = text[i];
		else if (n && text[n - 1] != ' ')
			text[n++] = ' ';
	}
	while (n && text[n - 1] == ' ')
		n--;
	text[n] = 0;
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

/* 'port' alone is of tcp and udp: two atoms a port. */
static void close_service(struct parse *ps)
{
	bool both = ps->proto < 0;
	size_t n = ps->ports.n * (both ? 2 : 1);
	const struct service_atom *ports = ps->ports.items;
	struct service_def *s;
	struct service_atom *a;

	if (both && !n)
		return;
	s = arena_alloc(ps->arena, 1, sizeof(*s));
	a = arena_alloc(ps->arena, n + 1, sizeof(*a));
	if (!s || !a) {
		ps->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		a[i] = ports[both ? i / 2 : i];
		a[i].proto = both ? (i % 2 ? 17 : 6) : (uint8_t)ps->proto;
	}
	if (!n)
		a[n++] = (struct service_atom){(uint8_t)ps->proto, true, 0, 65535};
	*s = (struct service_def){
		.atoms = a, .natoms = n, .file = ps->rule.file, .line = ps->rule.line};
	ps->rule.service = s;
}

void parse_port(struct parse *ps, const struct word *w)
{
	value_port(ps, &ps->rule, w);
}

void parse_rule_end(struct parse *ps)
{
	close_list(ps);
	close_service(ps);
	ps->rule.text = rule_text(ps);
	if (!ps->rule.text)
		ps->failed = true;
	if (ps->rules.n == POLICY_RULES_MAX)
		parse_error(ps, &(struct spot){ps->rule.line, 1, 1, ps->source},
			    "more than %d rules", POLICY_RULES_MAX);
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

/* An allow rule with it would let go what comes after the limit. */
void parse_over(struct parse *ps, const struct word *key, const struct word *size,
		const struct word *per)
{
	size_t before = ps->clauses;

	parse_clause(ps, CLAUSE_OVER, key, NULL);
	if (ps->clauses == before)
		return;
	if (ps->rule.action == DECIDE_ALLOW)
		parse_error(ps, &key->at,
			    "'over' is for alert and block rules; write 'block ... over %s per %s' "
			    "above this rule, without 'over' here",
			    size->s, per->s);
	if (value_parse_size(ps, &ps->rule.over, size) &&
	    value_parse_duration(ps, &ps->rule.per, per) && ps->rule.per < METER_STEPS)
		parse_error(ps, &per->at, "'over' counts over %ds at least", METER_STEPS);
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
			       .source = w->at.source,
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
	struct subject_atom a = {.type = t,
				 .file = parse_file(ps, w->at.source),
				 .line = w->at.line,
				 .column = w->at.column};
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
	*s = (struct subject_def){
		.atoms = copy, .natoms = 1, .set = -1, .file = a.file, .line = w->at.line};
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
				    &(struct spot){atoms[i].line, atoms[i].column, atoms[i].length,
						   atoms[i].source},
				    "a zone holds countries and zones; addresses "
				    "stand in a rule or a 'place' line");
	if (!z)
		return;
	*z = (struct zone_def){.name = name->s,
			       .builtin = -1,
			       .atoms = atoms,
			       .natoms = ps->atoms.n,
			       .file = parse_file(ps, name->at.source),
			       .line = name->at.line};
	PARSE_PUSH(ps, &ps->zones, z);
}

void parse_listed(struct parse *ps, const struct word *w)
{
	struct cidr c;

	if (++ps->nlisted > POLICY_LISTED_MAX) {
		if (ps->nlisted == POLICY_LISTED_MAX + 1)
			parse_error(ps, &w->at, "more than %d prefixes in lists",
				    POLICY_LISTED_MAX);
	} else if (value_parse_cidr(ps, &c, w)) {
		PARSE_PUSH(ps, &ps->atoms, c);
	}
}

void parse_list(struct parse *ps, const struct word *name)
{
	struct list_def *l = name_define(ps, NAME_LIST, name);

	if (!l)
		return;
	*l = (struct list_def){.name = name->s,
			       .cidrs = ps->atoms.items,
			       .ncidrs = ps->atoms.n,
			       .file = parse_file(ps, name->at.source),
			       .line = name->at.line};
	PARSE_PUSH(ps, &ps->lists, l);
}

/* Files are read before the text comes here; where they were not, nothing goes on without them. */
void parse_unread(struct parse *ps, const struct word *w, const struct word *file)
{
	if (w && strcmp(w->s, "file"))
		parse_error(ps, &w->at, "'%s' is not understood here; expected { or file \"PATH\"",
			    w->s);
	else
		parse_error(ps, &file->at, "the file '%s' was not read: %s", file->s,
			    *file->s ? "it is named alone on its line, and not in what is whole"
				     : "an empty name");
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
				  .file = parse_file(ps, name->at.source),
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

/* 'tcp 5432': a number or a port's name is of the protocol before it. */
void parse_service_item(struct parse *ps, const struct word *w)
{
	uint16_t first, last;

	bool name = ps->pending_proto >= 0 && proto_find(w->s) < 0 && proto_port(w->s);

	if (!name && (w->s[0] < '0' || w->s[0] > '9')) {
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
				  .file = parse_file(ps, name->at.source),
				  .line = name->at.line};
	PARSE_PUSH(ps, &ps->services, s);
}
