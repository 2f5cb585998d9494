/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_name.c - a name: its row in the table of recipients, and the addresses under which events
 * on this host knew it. Nothing is asked of a name server: its answer now is not what was sent then.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/explain_name.h"
#include "agent/journal/journal.h"
#include "geo/base/cleanup.h"
#include "geo/facts/recipient.h"

#define NAME_MAX_LEN 253u
#define SEEN_MAX     1000u

struct seen {
	char address[64], country[8], provider[64], region[64], verdict[16], grade[16], last[32];
	uint64_t records;
};
struct look {
	char name[NAME_MAX_LEN + 1];
	struct seen *seen; /* owned */
	size_t nseen;
	uint64_t more, read; /* records of addresses past SEEN_MAX; records in all */
};

bool explain_is_name(const char *s)
{
	size_t n = strlen(s);
	const char *last = strrchr(s, '.');

	if (n && s[n - 1] == '.') { /* of the root */
		last = memrchr(s, '.', n - 1);
		n--;
	}
	if (!n || n > NAME_MAX_LEN || !last || *s == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    s[i]) ||
		    (s[i] == '.' && s[i + 1] == '.'))
			return false;
	return strpbrk(last, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static const json_t *at(const json_t *o, const char *a, const char *b, const char *c)
{
	o = json_object_get(o, a);
	o = b ? json_object_get(o, b) : o;
	return c ? json_object_get(o, c) : o;
}

static void copy(char *to, size_t size, const json_t *s)
{
	text_put(to, size, "%s", json_is_string(s) ? json_string_value(s) : "");
}

/* The name itself, or one below it. */
static bool is_or_below(const char *name, const char *wanted)
{
	size_t n = strlen(name), m = strlen(wanted);

	return n >= m && strcasecmp(name + n - m, wanted) == 0 &&
	       (n == m || name[n - m - 1] == '.');
}

static const json_t *claim_of(const struct look *l, const json_t *e)
{
	const json_t *each;
	size_t i;

	json_array_foreach (at(e, "cordon", "dst", "names"), i, each) {
		const char *name = json_string_value(json_object_get(each, "name"));

		if (name && is_or_below(name, l->name))
			return each;
	}
	return NULL;
}

static struct seen *row_of(struct look *l, const char *address, const char *verdict)
{
	for (size_t i = 0; i < l->nseen; i++)
		if (!strcmp(l->seen[i].address, address) && !strcmp(l->seen[i].verdict, verdict))
			return &l->seen[i];
	if (l->nseen == SEEN_MAX)
		return NULL;
	text_put(l->seen[l->nseen].address, sizeof(l->seen->address), "%s", address);
	text_put(l->seen[l->nseen].verdict, sizeof(l->seen->verdict), "%s", verdict);
	return &l->seen[l->nseen++];
}

static void see(struct look *l, const char *record, size_t n)
{
	_json_ json_t *e = json_loadb(record, n, 0, NULL);
	const json_t *claim = e ? claim_of(l, e) : NULL, *dst;
	const char *address = json_string_value(at(e, "destination", "ip", NULL));
	const char *verdict = json_string_value(at(e, "cordon", "verdict", NULL));
	struct seen *s;

	l->read += e != NULL;
	if (!claim || !address)
		return;
	s = row_of(l, address, verdict ? verdict : "");
	if (!s) {
		l->more++;
		return;
	}
	dst = at(e, "cordon", "dst", NULL);
	s->records++;
	copy(s->country, sizeof(s->country), json_object_get(dst, "country"));
	copy(s->provider, sizeof(s->provider), json_object_get(dst, "provider"));
	copy(s->region, sizeof(s->region), json_object_get(dst, "region"));
	copy(s->grade, sizeof(s->grade), json_object_get(claim, "grade"));
	copy(s->last, sizeof(s->last), json_object_get(e, "@timestamp"));
}

static int read_lines(struct look *l, const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int r;

	if (!f) {
		diag_say("%s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	while ((n = getline(&line, &size, f)) > 0)
		see(l, line, (size_t)n);
	r = ferror(f) ? EXIT_FAILED : EXIT_DONE;
	free(line);
	if (f != stdin)
		fclose(f);
	return r;
}

/* No journal is no fault: the host has none, or it is not for who asks. */
static void read_journal(struct look *l)
{
	struct journal_reader *r;
	struct diag_sink quiet = {0};
	const char *record;
	size_t n;

	if (journal_reader_open(&r, JOURNAL_DIR, &quiet) < 0)
		return;
	for (uint64_t i = journal_reader_first(r); i < journal_reader_end(r); i++) {
		if (journal_record(r, i, &record, &n) < 0)
			break;
		see(l, record, n);
	}
	journal_reader_close(r);
}

static int put_json(const struct look *l, const struct recipient *r)
{
	_json_ json_t *seen = json_array(), *who = json_null();
	_json_ json_t *o = NULL;

	if (r)
		who = json_pack("{ss ss ss ss ss? ss ss?}", "organisation", r->organisation,
				"service", r->service, "site", r->site, "law", r->law,
				"eu_endpoint", r->eu, "source", r->source, "checked", r->checked);
	for (size_t i = 0; i < l->nseen; i++) {
		const struct seen *s = &l->seen[i];

		json_array_append_new(seen, json_pack("{ss ss ss ss ss ss sI ss}", "address",
						      s->address, "country", s->country, "provider",
						      s->provider, "region", s->region, "verdict",
						      s->verdict, "grade", s->grade, "records",
						      (json_int_t)s->records, "last", s->last));
	}
	o = json_pack("{ss sO sO sI sI}", "name", l->name, "recipient", who, "seen", seen,
		      "records_of_more_addresses", (json_int_t)l->more, "records_read",
		      (json_int_t)l->read);
	if (!o)
		return EXIT_FAILED;
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	return EXIT_DONE;
}

static void put_seen(const struct seen *s)
{
	char text[64];

	printf("    %-39s %-2s", s->address, *s->country ? s->country : "??");
	printf(" %s", text_escape(text, sizeof(text), s->provider, SIZE_MAX));
	printf("%s%s", *s->region ? " " : "", text_escape(text, sizeof(text), s->region, SIZE_MAX));
	printf("  %s, %s, %llu record%s, last %.19sZ\n", s->verdict, s->grade,
	       (unsigned long long)s->records, s->records == 1 ? "" : "s", s->last);
}

static int put_text(const struct look *l, const struct recipient *r)
{
	printf("%s\n", l->name);
	if (r) {
		printf("  known as    %s, %s; site: %s, law: %s\n", r->organisation, r->service,
		       r->site, r->law);
		printf("  in the EU   %s\n", r->eu ? r->eu
					     : strcmp(r->site, "eu") == 0
						     ? "this is its site there"
						     : "no endpoint there is known");
		printf("  source      %s (%s)\n", r->source,
		       r->checked ? r->checked : "nobody has checked it");
	} else {
		printf("  known as    nobody in our table of recipients\n");
	}
	printf("  seen here   %zu address%s in %llu records\n", l->nseen, l->nseen == 1 ? "" : "es",
	       (unsigned long long)l->read);
	for (size_t i = 0; i < l->nseen; i++)
		put_seen(&l->seen[i]);
	if (l->more)
		printf("    and %llu records of more addresses\n", (unsigned long long)l->more);
	printf("  A name is no place and decides nothing; it is not resolved here. 'cordon explain "
	       "ADDRESS' says where an address is.\n");
	return EXIT_DONE;
}

int explain_name(const char *name, const char *events, bool json)
{
	struct look l = {.seen = calloc(SEEN_MAX, sizeof(*l.seen))};
	const struct recipient *r;
	int code = EXIT_DONE;
	size_t n = strlen(name);

	if (!l.seen) {
		diag_say("not enough memory");
		return EXIT_FAILED;
	}
	text_put(l.name, sizeof(l.name), "%.*s", (int)(n - (name[n - 1] == '.')), name);
	for (char *c = l.name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	r = recipient_find(l.name);
	if (events)
		code = read_lines(&l, events);
	else
		read_journal(&l);
	if (code == EXIT_DONE)
		code = json ? put_json(&l, r) : put_text(&l, r);
	free(l.seen);
	return code;
}
