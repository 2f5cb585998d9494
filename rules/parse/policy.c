/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.c - policy_parse: what is no text is refused first, then lexer and grammar, then names;
 * errors in order. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/sha256.h"
#include "geo/base/utf8.h"
#include "rules/compile.h"
#include "rules/parse/parse.h"

void parse_error(struct parse *ps, const struct spot *at, const char *fmt, ...)
{
	struct complaint *c;
	char text[512];
	va_list ap;

	if (++ps->errors > POLICY_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c = list_push(ps->arena, &ps->complaints, sizeof(*c));
	if (c)
		*c = (struct complaint){*at, arena_copy(ps->arena, text, strlen(text)), ps->errors};
	if (!c || !c->text)
		ps->failed = true;
}

static int complaint_order(const void *a, const void *b)
{
	const struct complaint *x = a, *y = b;

	if (x->at.source != y->at.source)
		return x->at.source < y->at.source ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void complain(struct parse *ps, struct diag_sink *d)
{
	struct complaint *all = ps->complaints.items;

	if (ps->complaints.n)
		qsort(all, ps->complaints.n, sizeof(*all), complaint_order);
	for (size_t i = 0; i < ps->complaints.n; i++) {
		const char *file = parse_file(ps, all[i].at.source);

		diag_at(d, DIAG_ERROR, file ? file : ps->p->file, all[i].at.line, all[i].at.column,
			all[i].at.length, "%s", all[i].text);
	}
	if (ps->errors > POLICY_ERRORS_MAX)
		diag_error(d, ps->p->file, 0, "%zu more errors are not shown",
			   ps->errors - POLICY_ERRORS_MAX);
}

/* False when the line has what no policy may have; the first such thing is reported. */
static bool line_is_text(struct parse *ps, const char *s, size_t len, unsigned line)
{
	struct spot at = {line, 0, 1, ps->source};
	size_t n;

	if (len && s[len - 1] == '\r')
		len--;
	if (len > POLICY_LINE_MAX) {
		at.column = POLICY_LINE_MAX + 1;
		parse_error(ps, &at, "a line of %zu bytes; at most %d are read", len,
			    POLICY_LINE_MAX);
		return false;
	}
	for (size_t i = 0; i < len; i += n) {
		at.column = (unsigned)i + 1;
		n = utf8_length(s + i, len - i);
		if (n == 1 && (unsigned char)s[i] < 0x20 && s[i] != '\t')
			parse_error(ps, &at,
				    s[i] ? "a control character (0x%02x)" : "a NUL byte (0x%02x)",
				    (unsigned)(unsigned char)s[i]);
		else if (!n)
			parse_error(ps, &at, "not UTF-8 (byte 0x%02x)",
				    (unsigned)(unsigned char)s[i]);
		else
			continue;
		return false;
	}
	return true;
}

/* Lines that are no text become blank, so that the rest is parsed at its own place. */
static void check_lines(struct parse *ps, char *text)
{
	size_t start = 0, end;
	unsigned line = 1;
	char *nl;

	if (ps->len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) /* a byte order mark is no error */
		memset(text, ' ', 3);
	for (; start < ps->len; start = end + 1, line++) {
		nl = memchr(text + start, '\n', ps->len - start);
		end = nl ? (size_t)(nl - text) : ps->len;
		if (!line_is_text(ps, text + start, end - start, line))
			memset(text + start, ' ', end - start);
		else if (parse_mark(ps, text + start, end - start, &ps->source, &line))
			line--;
	}
}

const char *parse_file(const struct parse *ps, unsigned source)
{
	return source ? ((const char *const *)ps->files.items)[source - 1] : NULL;
}

const char *policy_where(char to[POLICY_WHERE], const char *file, unsigned line)
{
	if (file)
		snprintf(to, POLICY_WHERE, "%s%s:%u", strlen(file) > 140 ? "..." : "",
			 file + (strlen(file) > 140 ? strlen(file) - 140 : 0), line);
	else
		snprintf(to, POLICY_WHERE, "line %u", line);
	return to;
}

const char *parse_line(struct parse *ps, const char *file, unsigned line, const struct spot *from)
{
	const char *text, *own = parse_file(ps, from->source);
	char buf[POLICY_WHERE];

	policy_where(buf, file == own ? NULL : file ? file : ps->p->file, line);
	text = arena_copy(ps->arena, buf, strlen(buf));
	return text ? text : "";
}

const char *parse_where(struct parse *ps, const struct spot *at, const struct spot *from)
{
	return parse_line(ps, parse_file(ps, at->source), at->line, from);
}

/* A file's number, which is made when it is new: names are beside the policy's own. */
static unsigned source_of(struct parse *ps, const char *name, size_t len)
{
	const char *slash = strrchr(ps->p->file, '/');
	size_t folder = *name == '/' || !slash ? 0 : (size_t)(slash - ps->p->file) + 1;
	char *path = arena_format(ps->arena, "%.*s%.*s", (int)folder, ps->p->file, (int)len, name);

	for (unsigned i = 0; path && i < ps->files.n; i++)
		if (!strcmp(parse_file(ps, i + 1), path))
			return i + 1;
	if (path)
		PARSE_PUSH(ps, &ps->files, path);
	else
		ps->failed = true;
	return ps->failed ? 0 : (unsigned)ps->files.n;
}

bool parse_mark(struct parse *ps, const char *line, size_t len, unsigned *source, unsigned *number)
{
	const char *end = line + len;
	size_t n = 0, digits;
	uint64_t v = 0;
	char *name;

	if (!ps->whole || len < 7 || memcmp(line, "#@ \"", 4) != 0)
		return false;
	name = arena_copy(ps->arena, line, len);
	if (!name) {
		ps->failed = true;
		return false;
	}
	for (line += 4; line < end && *line != '"'; line++) {
		line += *line == '\\' && line + 1 < end;
		name[n++] = *line;
	}
	line += 2;
	digits = line < end ? strspn(line, "0123456789") : 0;
	if (!digits || !value_parse_number(&v, line, digits, 1u << 30) || !v)
		return false;
	*source = n ? source_of(ps, name, n) : 0;
	*number = (unsigned)v;
	return true;
}

#define TAKE(ps, list, field) ((ps)->p->field = (ps)->list.items, (ps)->p->n##field = (ps)->list.n)

static void take_lists(struct parse *ps)
{
	TAKE(ps, inside, inside);
	TAKE(ps, nat64, nat64);
	TAKE(ps, places, places);
	TAKE(ps, zones, zones);
	TAKE(ps, subjects, subjects);
	TAKE(ps, services, services);
	TAKE(ps, lists, lists);
	TAKE(ps, geos, geo);
	TAKE(ps, feeds, feeds);
	TAKE(ps, promises, promises);
	TAKE(ps, rules, rules);
}

/* 'here' is the country of 'home', which may stand anywhere. */
static void heres_resolve(struct parse *ps)
{
	const struct spot *at = ps->heres.items;

	for (size_t i = 0; i < ps->heres.n && !ps->p->has_home && !ps->once[0].line; i++)
		parse_error(ps, &at[i],
			    "'here' needs a 'home' line that says where this host stands");
}

static void first_make(struct parse *ps, struct rule *r, const struct policy_first *f)
{
	struct place_atom *to = arena_alloc(ps->arena, 1, sizeof(*to));
	const char *because = arena_copy(ps->arena, f->because, strlen(f->because));
	char address[IP_STRLEN], text[IP_STRLEN + 320];
	const char *copy;

	snprintf(text, sizeof(text),
		 "block to %s severity critical because \"%.240s\" (quarantine)",
		 cidr_format(address, &f->to), f->because);
	copy = arena_copy(ps->arena, text, strlen(text));
	if (!to || !because || !copy) {
		ps->failed = true;
		return;
	}
	*to = (struct place_atom){.type = ATOM_CIDR, .cidr = f->to, .set = -1};
	*r = (struct rule){.action = DECIDE_BLOCK,
			   .to = to,
			   .nto = 1,
			   .severity = 4,
			   .because = because,
			   .until = f->until,
			   .text = copy};
}

/* Before the text's own rules: the first that matches decides. */
static void take_first(struct parse *ps, const struct policy_source *s)
{
	size_t n = s->nfirst;
	struct rule *rules;

	if (!n || ps->errors || ps->failed)
		return;
	if (n + ps->p->nrules > POLICY_RULES_MAX) {
		parse_error(ps, &(struct spot){0}, "more than %d rules, with %zu of the quarantine",
			    POLICY_RULES_MAX, n);
		return;
	}
	rules = arena_alloc(ps->arena, n + ps->p->nrules, sizeof(*rules));
	if (!rules) {
		ps->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		first_make(ps, &rules[i], &s->first[i]);
	memcpy(rules + n, ps->p->rules, ps->p->nrules * sizeof(*rules));
	ps->p->rules = rules;
	ps->p->nrules += n;
}

static int parse_text(struct parse *ps, const struct policy_source *s)
{
	char *copy = arena_copy(ps->arena, s->text, s->len);
	int err;

	if (!copy)
		return -ENOMEM;
	ps->text = copy;
	ps->len = s->len;
	ps->whole = s->len >= strlen(POLICY_WHOLE) &&
		    !memcmp(s->text, POLICY_WHOLE, strlen(POLICY_WHOLE));
	check_lines(ps, copy);
	ps->source = 0;
	err = lexer_open(ps);
	if (err)
		return err;
	err = grammar_parse(ps);
	lexer_close(ps);
	if (err == 2 || ps->failed)
		return -ENOMEM;
	names_resolve(ps);
	heres_resolve(ps);
	if (!ps->rule_lines && !ps->errors)
		parse_error(ps, &(struct spot){0},
			    "no rules: everything would be blocked; if "
			    "that is meant, write 'block to any'");
	take_lists(ps);
	take_first(ps, s);
	return ps->failed ? -ENOMEM : ps->errors ? -EINVAL : sets_make(ps->p);
}

int policy_parse(struct policy **ret, const char *file, const char *text, size_t len,
		 struct diag_sink *d)
{
	struct policy_source s = {.file = file, .text = text, .len = len};

	return policy_parse_first(ret, &s, d);
}

int policy_parse_first(struct policy **ret, const struct policy_source *s, struct diag_sink *d)
{
	struct arena *arena = arena_new();
	struct parse *ps = arena ? arena_alloc(arena, 1, sizeof(*ps)) : NULL;
	struct policy *p = arena ? arena_alloc(arena, 1, sizeof(*p)) : NULL;
	int err = -ENOMEM;

	if (ps && p) {
		*p = (struct policy){.file = arena_copy(arena, s->file, strlen(s->file)),
				     .arena = arena,
				     .home_lat = __builtin_nan(""),
				     .home_lon = __builtin_nan("")};
		*ps = (struct parse){.p = p, .arena = arena};
		if (s->len > POLICY_TEXT_MAX)
			parse_error(ps, &(struct spot){0},
				    "a policy of %zu bytes; at most %u are read", s->len,
				    POLICY_TEXT_MAX);
		err = ps->errors ? -EINVAL : sha256_hex(p->sha256, s->text, s->len);
		if (!err && p->file)
			err = parse_text(ps, s);
		if (err != -ENOMEM)
			complain(ps, d);
	}
	if (err == -ENOMEM)
		diag_error(d, s->file, 0, "no memory for the policy");
	if (err)
		arena_free(arena);
	else
		*ret = p;
	return err;
}

void policy_free(struct policy *p)
{
	if (p)
		arena_free(p->arena);
}

uint8_t rule_severity(const struct rule *r)
{
	static const uint8_t by_action[] = {
		[DECIDE_ALLOW] = 0, [DECIDE_ALERT] = 2, [DECIDE_BLOCK] = 3};

	return r->severity ? r->severity : by_action[r->action];
}
