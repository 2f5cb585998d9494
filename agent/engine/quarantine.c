/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - the file of addresses that nothing may go to for a while. */
#include "agent/engine/quarantine.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "agent/base/text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define FILE_MAX (QUARANTINE_MAX * 512u)

/* Ends the word at *at, which goes on behind it; NULL: it is the last. */
static const char *word_end(char **at)
{
	char *blank = *at + strcspn(*at, " ");

	if (!*blank)
		return NULL;
	*blank = 0;
	*at = blank + 1;
	return *at;
}

static int entry_read(struct quarantine_entry *e, char *line)
{
	const char *until, *since;
	uint64_t u, s;
	char *rest = line;

	until = word_end(&rest);
	since = word_end(&rest);
	if (!until || !since || !word_end(&rest) || cidr_parse(&e->to, line) < 0 ||
	    text_number(&u, until, INT64_MAX) < 0 || text_number(&s, since, INT64_MAX) < 0)
		return -EINVAL;
	(void)cidr_mapped(&e->to, &e->to);
	e->until = (int64_t)u;
	e->since = (int64_t)s;
	text_put(e->because, sizeof(e->because), "%s", rest);
	return 0;
}

static int unread(struct diag_sink *d, const char *path, unsigned line)
{
	diag_error(d, path, line, "this line of the quarantine cannot be read");
	return -EINVAL;
}

int quarantine_read(struct quarantine *ret, const char *path, int64_t now, struct diag_sink *d)
{
	_free_ char *text = NULL;
	size_t len;
	unsigned n = 1;
	int r = file_read(&text, &len, AT_FDCWD, path, FILE_MAX);
	char *at, *end;

	ret->n = 0;
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		diag_error(d, path, 0, "cannot read the quarantine: %s", strerror(-r));
		return r;
	}
	for (at = text, r = 0; *at; at = end, n++) {
		struct quarantine_entry *e = &ret->entry[ret->n];

		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = 0;
		if (ret->n == QUARANTINE_MAX || entry_read(e, at) < 0)
			r = unread(d, path, n);
		else if (e->until > now)
			ret->n++;
	}
	if (at != text + len) /* what stands behind a NUL was not looked at */
		r = unread(d, path, n);
	return r;
}

int quarantine_write(const struct quarantine *q, const char *path, struct diag_sink *d)
{
	_free_ char *text = NULL;
	char address[IP_STRLEN];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < q->n; i++) {
		const struct quarantine_entry *e = &q->entry[i];

		fprintf(f, "%s %" PRId64 " %" PRId64 " %s\n", cidr_format(address, &e->to),
			e->until, e->since, e->because);
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	return file_replace(path, text, len, d);
}

static size_t find(const struct quarantine *q, const struct cidr *to)
{
	size_t i = 0;

	while (i < q->n &&
	       (ip_cmp(&q->entry[i].to.addr, &to->addr) != 0 || q->entry[i].to.len != to->len))
		i++;
	return i;
}

int quarantine_put(struct quarantine *q, const struct quarantine_entry *e)
{
	size_t i = find(q, &e->to);

	if (i == QUARANTINE_MAX)
		return -ENOSPC;
	q->entry[i] = *e;
	if (i == q->n)
		q->n++;
	return 0;
}

int quarantine_drop(struct quarantine *q, const struct cidr *to)
{
	size_t i = find(q, to);

	if (i == q->n)
		return -ENOENT;
	memmove(&q->entry[i], &q->entry[i + 1], (q->n - i - 1) * sizeof(q->entry[0]));
	q->n--;
	return 0;
}

void quarantine_keep(struct quarantine *q, const struct quarantine *before, int64_t now)
{
	for (size_t i = 0; i < before->n; i++)
		if (before->entry[i].until > now && find(q, &before->entry[i].to) == q->n)
			quarantine_put(q, &before->entry[i]); /* full: it holds as many as can be */
}
