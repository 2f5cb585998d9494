/* SPDX-License-Identifier: BSD-2-Clause */
/* test_case.c - the lines of a file of expectations: [WHO] -> ADDRESS[:PORT] [...] VERDICT [label NAME]. */
#include "agent/cmd/test_case.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"
#include "rules/parse/calendar.h"
#include "rules/parse/proto.h"

#define FILE_MAX  (8u << 20) /* bytes */
#define WORDS_MAX 64

struct reading {
	struct test_file *f;
	const char *path;
	unsigned line;
	struct diag_sink *d;
	const char *word[WORDS_MAX];
	size_t n;
};

#define CASE_ERROR(r, ...) (diag_error((r)->d, (r)->path, (r)->line, __VA_ARGS__), -EINVAL)

static int cut(struct reading *r, char *words)
{
	r->n = 0;
	for (char *w; (w = strsep(&words, " "));) {
		if (r->n == WORDS_MAX)
			return CASE_ERROR(r, "more than %d words", WORDS_MAX);
		r->word[r->n++] = w;
	}
	return 0;
}

/* "unit x.service user y" before the arrow: as --from of explain has it. */
static int senders(struct reading *r, struct test_case *c, size_t arrow)
{
	struct explain_question *q = &c->question;
	for (size_t i = 0; i < arrow; i++) {
		const char *w = r->word[i];
		bool pair = !strcmp(w, "unit") || !strcmp(w, "user-unit") || !strcmp(w, "user") ||
			    !strcmp(w, "cgroup");
		struct ip ip;

		if (!strcmp(w, "any") && arrow == 1)
			return 0;
		if (!pair && ip_parse(&ip, w) < 0)
			return CASE_ERROR(
				r,
				"'%s' is nobody who sends: unit NAME, user-unit NAME, user NAME, "
				"cgroup /PATH, an address, or any",
				w);
		if (pair && i + 1 == arrow)
			return CASE_ERROR(r, "'%s' of what name?", w);
		if (q->nfrom == EXPLAIN_FROM_MAX)
			return CASE_ERROR(r, "more than %d words of who sends", EXPLAIN_FROM_MAX);
		q->from[q->nfrom] =
			pair ? arena_format(r->f->memory, "%s %s", w, r->word[i + 1]) : w;
		if (!q->from[q->nfrom++])
			return -ENOMEM;
		i += pair;
	}
	return 0;
}

/* -1: it is none. */
static int action_of(const char *w)
{
	for (int a = DECIDE_ALLOW; a <= DECIDE_LOCAL; a++)
		if (!strcmp(w, event_verdict_name((enum decide_action)a)))
			return a;
	return -1;
}

/* A word with its value, between address and verdict. */
static int option(struct reading *r, struct test_case *c, const char *key, const char *value)
{
	struct explain_question *q = &c->question;
	unsigned days;
	int proto;

	if (!strcmp(key, "proto")) {
		proto = proto_find(value);
		if (proto < 0)
			return CASE_ERROR(r, "'%s' is no protocol", value);
		q->proto = (uint8_t)proto;
	} else if (!strcmp(key, "on")) {
		if (calendar_parse(&q->now, value, &days) < 0)
			return CASE_ERROR(r, "'%s' is no date like 2026-11-23", value);
	} else {
		return CASE_ERROR(
			r,
			"'%s' is not understood here; after the address: proto NAME, opened by "
			"peer, on DATE, then allow, alert, block or local",
			key);
	}
	return 0;
}

static int expectation(struct reading *r, struct test_case *c, size_t at)
{
	c->want = (enum decide_action)action_of(r->word[at]);
	if (at + 1 == r->n)
		return 0;
	if (at + 3 != r->n || strcmp(r->word[at + 1], "label"))
		return CASE_ERROR(
			r,
			"'%s' is not understood behind the verdict; 'label NAME' says which rule "
			"should decide, 'label default' that none does",
			r->word[at + 1]);
	c->label = r->word[at + 2];
	return 0;
}

static int destination(struct reading *r, struct test_case *c, size_t at)
{
	struct explain_question *q = &c->question;
	int err;

	if (at == r->n)
		return CASE_ERROR(r, "'->' to what address?");
	if (explain_address(q, r->word[at]) < 0)
		return CASE_ERROR(r,
				  "'%s' is no address, nor an address and a port (192.0.2.1:443)",
				  r->word[at]);
	for (at++; at < r->n && action_of(r->word[at]) < 0; at += 2) {
		if (at + 1 == r->n)
			return CASE_ERROR(r, "'%s' is no verdict: allow, alert, block or local",
					  r->word[at]);
		if (!strcmp(r->word[at], "opened") && !strcmp(r->word[at + 1], "by") &&
		    at + 2 < r->n) {
			at++;
			if (strcmp(r->word[at + 1], "peer") && strcmp(r->word[at + 1], "here"))
				return CASE_ERROR(r, "a flow is opened by 'here' or by 'peer'");
			q->opened = *r->word[at + 1] == 'p' ? OPENED_PEER : OPENED_HERE;
			continue;
		}
		err = option(r, c, r->word[at], r->word[at + 1]);
		if (err)
			return err;
	}
	if (at == r->n)
		return CASE_ERROR(r,
				  "what should the policy say of it? allow, alert, block or local");
	return expectation(r, c, at);
}

static int one_case(struct reading *r, struct test_case *c)
{
	size_t arrow = 0;
	char *words;
	int err;

	words = arena_copy(r->f->memory, c->text, strlen(c->text));
	if (!words)
		return -ENOMEM;
	err = cut(r, words);
	while (arrow < r->n && strcmp(r->word[arrow], "->"))
		arrow++;
	if (!err && arrow == r->n)
		err = CASE_ERROR(r,
				 "a case is WHO -> ADDRESS:PORT VERDICT, as in: user postgres -> "
				 "192.0.2.1:5432 block");
	if (!err)
		err = senders(r, c, arrow);
	return err ? err : destination(r, c, arrow + 1);
}

static int add_case(struct reading *r, const char *text, int64_t now)
{
	struct test_file *f = r->f;
	struct test_case *c;

	if (f->n == TEST_CASES_MAX)
		return CASE_ERROR(r, "more than %d cases", TEST_CASES_MAX);
	c = &f->cases[f->n];
	*c = (struct test_case){.line = r->line, .question = {.proto = 6, .now = now}};
	c->text = arena_copy(f->memory, text, strlen(text));
	if (!c->text)
		return -ENOMEM;
	f->n++;
	return one_case(r, c);
}

/* A 'place' line is of the policy, for this test. */
static void assume(struct test_file *f, unsigned line, const char *text)
{
	size_t n = strlen(text);

	memcpy(f->assumed + f->assumed_len, text, n);
	f->assumed_len += n;
	f->assumed[f->assumed_len++] = '\n';
	f->assumed_line[f->nassumed++] = line;
}

static int one_line(struct reading *r, char *s, int64_t now)
{
	char text[TEST_LINE_MAX], *end;
	bool quoted = false;

	for (end = s; *end && (quoted || *end != '#'); end++) {
		quoted ^= *end == '"';
		if (*end == '\r')
			*end = ' ';
	}
	if (end - s >= TEST_LINE_MAX)
		return CASE_ERROR(r, "a line of more than %d bytes", TEST_LINE_MAX - 1);
	*end = 0;
	text_squeeze(text, sizeof(text), s);
	s = text + (*text == ' ');
	end = s + strlen(s);
	if (end > s && end[-1] == ' ')
		*--end = 0;
	if (!*s)
		return 0;
	if (strncmp(s, "place ", 6) != 0)
		return add_case(r, s, now);
	assume(r->f, r->line, s);
	return 0;
}

/* Room for as many cases, and as many 'place' lines, as the file has lines. */
static int make_room(struct test_file *f, const char *bytes, size_t len)
{
	size_t lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	f->memory = arena_new();
	if (!f->memory)
		return -ENOMEM;
	f->cases = arena_alloc(f->memory, lines < TEST_CASES_MAX ? lines : TEST_CASES_MAX,
			       sizeof(*f->cases));
	f->assumed = arena_alloc(f->memory, len + 2, 1);
	f->assumed_line = arena_alloc(f->memory, lines, sizeof(*f->assumed_line));
	return f->cases && f->assumed && f->assumed_line ? 0 : -ENOMEM;
}

int test_file_read(struct test_file *ret, const char *path, int64_t now, struct diag_sink *d)
{
	struct reading r = {.f = ret, .path = path, .d = d};
	_free_ char *bytes = NULL;
	size_t len = 0;
	int err;

	*ret = (struct test_file){0};
	err = file_read(&bytes, &len, AT_FDCWD, path, FILE_MAX);
	if (!err && strlen(bytes) != len)
		return CASE_ERROR(&r, "a NUL byte: not a text");
	err = err ? err : make_room(ret, bytes, len);
	for (char *s = bytes, *next; !err && s; s = next) {
		next = strchr(s, '\n');
		if (next)
			*next++ = 0;
		r.line++;
		err = one_line(&r, s, now);
		err = err == -EINVAL ? 0 : err; /* the others have errors too */
	}
	if (err)
		diag_error(d, path, 0, "cannot be read: %s", strerror(-err));
	else if (!d->errors && !ret->n)
		diag_error(d, path, 0, "no case in it");
	return err ? err : d->errors ? -EINVAL : 0;
}

void test_file_free(struct test_file *f)
{
	arena_free(f->memory);
	*f = (struct test_file){0};
}
