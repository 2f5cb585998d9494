/* SPDX-License-Identifier: BSD-2-Clause */
/* csv.c - fields in place: the text is cut where it stands. */
#include "agent/report/csv.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cutter {
	char *at, *end;
	char separator;
};

/* The next field, its quotes taken away; *last: its row ends behind it. */
static int field(struct cutter *c, const char **ret, int *last)
{
	char *to = c->at, *from = c->at;
	int quoted = from < c->end && *from == '"';

	*ret = to;
	from += quoted;
	for (; from < c->end; from++) {
		if (quoted && *from == '"') {
			if (from + 1 == c->end || from[1] != '"') {
				quoted = 0;
				continue;
			}
			from++;
		} else if (!quoted && (*from == c->separator || *from == '\n')) {
			break;
		}
		*to++ = *from;
	}
	if (quoted)
		return -EBADMSG;
	*last = from >= c->end || *from == '\n';
	if (*last && to > *ret && to[-1] == '\r')
		to--;
	c->at = from < c->end ? from + 1 : from;
	*to = 0;
	return 0;
}

static int head(struct csv *c, struct cutter *k)
{
	int last = 0, e = 0;

	while (!last && e == 0) {
		if (c->columns == CSV_COLUMNS)
			return -E2BIG;
		e = field(k, &c->head[c->columns++], &last);
	}
	return e;
}

static int more(struct csv *c)
{
	size_t room = c->room ? c->room * 2 : 64;
	const char **p;

	if (c->rows < c->room)
		return 0;
	p = reallocarray(c->field, room, c->columns * sizeof(*p));
	if (!p)
		return -ENOMEM;
	c->field = p;
	c->room = room;
	return 0;
}

static int row(struct csv *c, struct cutter *k)
{
	const char **v, *extra;
	int last = 0, e = c->rows == CSV_ROWS ? -E2BIG : more(c);

	if (e < 0)
		return e;
	v = c->field + c->rows * c->columns;
	for (unsigned i = 0; i < c->columns; i++) {
		v[i] = "";
		e = last || e ? e : field(k, &v[i], &last);
	}
	while (e == 0 && !last) {
		e = field(k, &extra, &last);
		if (e == 0 && *extra)
			e = -EBADMSG;
	}
	c->rows += e == 0;
	return e;
}

int csv_read(struct csv *c, char *text, size_t n)
{
	struct cutter k = {text, text + n, ','};
	size_t line = strcspn(text, "\n");
	int e;

	*c = (struct csv){.text = text};
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		k.at += 3; /* as Excel begins it */
	if (!memchr(text, ',', line) && memchr(text, ';', line))
		k.separator = ';';
	e = head(c, &k);
	while (e == 0 && k.at < k.end)
		e = row(c, &k);
	if (e < 0)
		csv_drop(c);
	return e;
}

void csv_drop(struct csv *c)
{
	free(c->text);
	free(c->field);
	*c = (struct csv){0};
}

int csv_column(const struct csv *c, const char *name)
{
	for (unsigned i = 0; i < c->columns; i++)
		if (strcasecmp(c->head[i], name) == 0)
			return (int)i;
	return -1;
}

const char *csv_get(const struct csv *c, size_t at, int column)
{
	return column < 0 ? "" : c->field[at * c->columns + (unsigned)column];
}
