/* SPDX-License-Identifier: BSD-2-Clause */
/* facts_table.c - a table's text becomes its rows, strictly: one field that does not read is an
 * error of the table. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "geo/facts/facts_private.h"

static const struct table {
	const char *name;
	unsigned fields; /* that this program reads */
	size_t row;	 /* bytes */
	size_t at;	 /* of the vector in struct facts */
	int (*read)(struct facts_reader *r, void *out);
	int (*check)(struct facts_reader *r);
} tables[] = {
#define TABLE(name, fields, type, member, prefix, check)                                           \
	{                                                                                          \
		name, fields, sizeof(type), offsetof(struct facts, member), prefix##_read, check   \
	}
	/* zones, then operators: those after them name them */
	TABLE("zones", 7, struct zone_entry, zones, zone_row, zone_check),
	TABLE("operators", 10, struct operator_entry, operators, operator_row, operator_check),
	TABLE("asns", 2, struct operator_asn, asns, operator_asn, operator_asn_check),
	TABLE("names", 2, struct operator_name, names, operator_name, operator_name_check),
	TABLE("regions", 7, struct region, regions, region_row, region_check),
	TABLE("aliases", 3, struct region_alias, aliases, region_alias, region_alias_check),
	TABLE("hds", 9, struct law_hds, hds, law_hds, law_check),
	TABLE("secnumcloud", 9, struct law_secnumcloud, secnumcloud, law_secnumcloud, law_check),
	TABLE("provider-facts", 5, struct law_fact, provider_facts, law_fact, law_check),
#undef TABLE
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int facts_bad(struct facts_reader *r, const char *fmt, ...)
{
	va_list ap;

	if (*r->f->bad_file)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(r->f->bad, sizeof(r->f->bad), fmt, ap);
	va_end(ap);
	snprintf(r->f->bad_file, sizeof(r->f->bad_file), "%s", r->path);
	r->f->bad_line = r->line;
	return -EINVAL;
}

int facts_country(struct facts_reader *r, unsigned i, uint16_t *ret)
{
	*ret = country_code(r->field[i], strlen(r->field[i]));
	return *ret ? 0 : facts_bad(r, "'%.16s' is no country", r->field[i]);
}

int facts_day(struct facts_reader *r, unsigned i, int64_t *ret)
{
	struct tm tm = {0};
	const char *end;
	int day;

	*ret = 0;
	if (!*r->field[i])
		return 0;
	end = strlen(r->field[i]) == 10 ? strptime(r->field[i], "%Y-%m-%d", &tm) : NULL;
	day = tm.tm_mday;
	if (!end || *end)
		return facts_bad(r, "'%.16s' is no day (YYYY-MM-DD)", r->field[i]);
	*ret = (int64_t)timegm(&tm); /* makes 1 March of 29 February 2027 */
	return tm.tm_mday == day ? 0 : facts_bad(r, "%.16s is not in the calendar", r->field[i]);
}

int facts_yes(struct facts_reader *r, unsigned i, bool *ret)
{
	*ret = !strcmp(r->field[i], "yes");
	return *ret || !strcmp(r->field[i], "no")
		       ? 0
		       : facts_bad(r, "'%.16s' is neither yes nor no", r->field[i]);
}

int facts_key(struct facts_reader *r, unsigned i)
{
	if (operator_in(r->f, r->field[i]))
		return 0;
	return facts_bad(r, "'%.32s' is no operator of operators.tsv", r->field[i]);
}

/* Cuts the line at its tabs. */
static int split(struct facts_reader *r, const struct table *t, char *line)
{
	r->nfields = 0;
	for (char *s = line; s; r->nfields++) {
		char *tab = strchr(s, '\t');

		if (tab)
			*tab++ = '\0';
		if (!*s)
			return facts_bad(r, "field %u is empty: '-' says so", r->nfields + 1);
		if (r->nfields < FACTS_FIELDS)
			r->field[r->nfields] = strcmp(s, "-") ? s : "";
		s = tab;
	}
	if (r->nfields < t->fields)
		return facts_bad(r, "%u fields, not %u", r->nfields, t->fields);
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static int read_rows(struct facts_reader *r, const struct table *t, char *text)
{
	struct facts_vector *v = (struct facts_vector *)(void *)((char *)r->f + t->at);
	size_t room = count_lines(text);
	char *end;
	int e = 0;

	if (room > FACTS_ROWS_MAX)
		return facts_bad(r, "over %d rows", FACTS_ROWS_MAX);
	v->v = calloc(room ? room : 1, t->row);
	if (!v->v)
		return -ENOMEM;
	for (; !e && (end = strchr(text, '\n')); text = end + 1) {
		r->line++;
		*end = '\0';
		if (*text == '#' || !*text)
			continue;
		e = split(r, t, text);
		if (!e)
			e = t->read(r, (char *)v->v + v->n * t->row);
		v->n += !e;
	}
	if (!e && *text)
		return facts_bad(r, "ends in the middle of a line: the file is truncated");
	if (!e && !v->n)
		return facts_bad(r, "has no rows");
	return e ? e : t->check(r);
}

static bool is_called(const struct table *t, const char *file)
{
	size_t n = strlen(t->name);

	return !strncmp(file, t->name, n) && !strcmp(file + n, ".tsv");
}

bool facts_is_table(const char *file)
{
	for (size_t i = 0; i < COUNT(tables); i++)
		if (is_called(&tables[i], file))
			return true;
	return false;
}

static int read_table(struct facts *f, const struct table *t, const char *directory, char *text)
{
	char path[512], magic[64];
	struct facts_reader r = {.f = f, .path = path, .line = 1};

	snprintf(path, sizeof(path), "%s/%s.tsv", directory, t->name);
	snprintf(magic, sizeof(magic), "#cordon-facts 1 %s\n", t->name);
	if (strncmp(text, magic, strlen(magic)))
		return facts_bad(&r, "does not begin with '#cordon-facts 1 %s'", t->name);
	r.line = 0;
	return read_rows(&r, t, text);
}

/* The file of one table, whichever line of the manifest names it. */
static int read_named(struct facts *f, const struct table *t, const struct manifest *m)
{
	struct facts_reader r = {.f = f, .path = m->directory};

	for (size_t i = 0; i < m->n; i++) {
		char *text;
		int e;

		if (!is_called(t, m->files[i].name))
			continue;
		e = facts_file(f, m, i, &text);
		if (e)
			return e;
		f->text[f->ntexts++] = text;
		return read_table(f, t, m->directory, text);
	}
	return facts_bad(&r, "FACTS names no %s.tsv", t->name);
}

int facts_tables_read(struct facts *f, const struct manifest *m)
{
	int e = 0;

	for (size_t i = 0; i < COUNT(tables) && !e; i++)
		e = read_named(f, &tables[i], m);
	return e;
}
