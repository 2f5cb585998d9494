/* SPDX-License-Identifier: BSD-2-Clause */
/* csv.c - the one checked cursor over lines of comma separated fields. */
#include <errno.h>
#include <string.h>
#include "geo/source/ranges.h"

void csv_open(struct csv *c, const char *text, size_t len)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'};

	c->text = text;
	c->end = text + len;
	c->line = 0;
	c->nfields = 0;
	if (len >= sizeof(mark) && !memcmp(text, mark, sizeof(mark)))
		c->text += sizeof(mark);
}

static char *trim(char *s)
{
	char *e;

	s += strspn(s, " \t");
	for (e = s + strlen(s); e > s && (e[-1] == ' ' || e[-1] == '\t'); e--)
		;
	*e = '\0';
	return s;
}

/* A quoted field: doubled quotes become one. Returns what follows the closing quote, NULL when
 * there is none. */
static char *unquote(char *s, char **field)
{
	char *out = ++s;

	*field = out;
	for (;; s++) {
		if (!*s)
			return NULL;
		if (*s == '"' && *++s != '"')
			break;
		*out++ = *s;
	}
	s += strspn(s, " \t");
	if (*s && *s != ',')
		return NULL;
	*out = '\0';
	return s;
}

static int split(struct csv *c)
{
	char *s = c->buffer;

	for (c->nfields = 0; c->nfields < CSV_FIELDS;) {
		char *comma;

		s += strspn(s, " \t");
		if (*s == '"') {
			char *after = unquote(s, &c->field[c->nfields++]);

			if (!after)
				return -EINVAL;
			if (!*after)
				return 1;
			s = after + 1;
			continue;
		}
		comma = strchr(s, ',');
		if (comma)
			*comma = '\0';
		c->field[c->nfields++] = trim(s);
		if (!comma)
			return 1;
		s = comma + 1;
	}
	return -E2BIG;
}

static int take_line(struct csv *c)
{
	const char *nl = memchr(c->text, '\n', (size_t)(c->end - c->text));
	size_t n = (size_t)((nl ? nl : c->end) - c->text);
	const char *start = c->text;

	c->text = nl ? nl + 1 : c->end;
	c->line++;
	if (n >= sizeof(c->buffer))
		return -E2BIG;
	if (memchr(start, '\0', n))
		return -EINVAL;
	memcpy(c->buffer, start, n);
	if (n && c->buffer[n - 1] == '\r')
		n--;
	c->buffer[n] = '\0';
	return 0;
}

int csv_next(struct csv *c)
{
	while (c->text < c->end) {
		int r = take_line(c);
		const char *s = c->buffer + strspn(c->buffer, " \t");

		if (r)
			return r;
		if (*s && *s != '#')
			return split(c);
	}
	return 0;
}
