/* SPDX-License-Identifier: BSD-2-Clause */
/* hub_parse.c - a line of a host's feed as rows of the stages. Lines are foreign: every value is checked before it is written. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>
#include "agent/base/text.h"
#include "agent/hub/hub_private.h"
#include "agent/journal/journal.h"
#include "geo/base/cleanup.h"

#define TIME_MAX 253402300799ll /* 9999 */
#define NAME_LEN 256
#define TEXTS	 12
#define TAB	 '\t'
#define VERDICTS 3

struct line { /* what all lines have */
	const json_t *o, *event, *cordon;
	const char *agent, *name, *id, *action;
	int64_t at_ms, created_ms;
};

void hub_put_text(FILE *to, const char *s)
{
	if (!s) {
		fputs("\\N", to);
		return;
	}
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\\\", to);
		else if (*s == '\t')
			fputs("\\t", to);
		else if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '\r')
			fputs("\\r", to);
		else
			putc(*s, to);
	}
}

void hub_put_time(FILE *to, int64_t unix_ms)
{
	time_t t = (time_t)(unix_ms / 1000);
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime_r(&t, &tm));
	fprintf(to, "%s.%03d+00", text, (int)(unix_ms % 1000));
}

/* "2026-11-23T10:41:12.345678901Z": milliseconds; -1. */
static int64_t time_of(const json_t *o)
{
	const char *s = json_string_value(o), *end;
	struct tm tm = {0};
	int64_t t, ms = 0;

	end = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	t = end ? (int64_t)timegm(&tm) : -1;
	if (t < 0 || t > TIME_MAX)
		return -1;
	if (*end == '.')
		for (int i = 1, scale = 100; i <= 3 && end[i] >= '0' && end[i] <= '9';
		     i++, scale /= 10)
			ms += (end[i] - '0') * scale;
	return t * 1000 + ms;
}

/* A whole number from 0 to max; else -1. */
static int64_t number(const json_t *o, const char *key, int64_t max)
{
	const json_t *v = json_object_get(o, key);
	int64_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	return n > max ? -1 : n;
}

static bool is_uuid(const char *s)
{
	if (!s || strlen(s) != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return true;
}

static const char *string(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void put_host(struct hub *h, const struct line *l)
{
	FILE *f = h->stage[STAGE_HOST].f;

	hub_put_text(f, l->agent);
	putc(TAB, f);
	hub_put_text(f, l->name);
	putc(TAB, f);
	hub_put_time(f, l->created_ms);
	putc('\n', f);
}

/* The parts of a key, for its hash and for its row. */
struct key {
	const char *text[TEXTS]; /* unit .. prefix */
	int kind, verdict;
	int64_t port, proto;
	bool enforced, by_peer;
};

static int find(const char *const *names, int n, const char *s)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], s) == 0)
			return i;
	return -1;
}

static int key_of(struct key *k, const json_t *row)
{
	static const char *const names[TEXTS] = {"unit",    "container", "exe",	   "user",
						 "country", "provider",	 "region", "operator",
						 "law",	    "grade",	 "rule",   "prefix"};
	static const char *const kinds[] = {"flow", "other", "unattributed"};
	static const char *const verdicts[] = {"allow", "alert", "block"};

	for (int i = 0; i < TEXTS; i++) {
		k->text[i] = string(row, names[i]);
		if (strlen(k->text[i]) > 1024)
			return -EINVAL;
	}
	k->kind = find(kinds, 3, string(row, "row"));
	k->verdict = find(verdicts, VERDICTS, string(row, "verdict"));
	k->port = number(row, "port", 65535);
	k->proto = number(row, "proto", 255);
	k->enforced = json_is_true(json_object_get(row, "enforced"));
	k->by_peer = json_is_true(json_object_get(row, "by_peer"));
	return k->kind < 0 || k->verdict < 0 || k->port < 0 || k->proto < 0 ? -EINVAL : 0;
}

static void put_hash(FILE *f, const struct key *k)
{
	char numbers[64];
	uint8_t md[EVP_MAX_MD_SIZE] = {0};
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = text_put(numbers, sizeof(numbers), "%d %d %" PRId64 " %" PRId64 " %d %d",
			    k->kind, k->verdict, k->port, k->proto, k->enforced, k->by_peer);

	EVP_DigestInit_ex(c, EVP_sha256(), NULL);
	for (int i = 0; i < TEXTS; i++)
		EVP_DigestUpdate(c, k->text[i], strlen(k->text[i]) + 1);
	EVP_DigestUpdate(c, numbers, n);
	EVP_DigestFinal_ex(c, md, NULL);
	EVP_MD_CTX_free(c);
	for (int i = 0; i < 16; i++)
		fprintf(f, "%02x", md[i]);
}

static int put_row(struct hub *h, const struct line *l, const json_t *row, int64_t seconds,
		   int64_t start)
{
	static const char *const sums[] = {"packets", "bytes",	  "attempts",
					   "flows",   "first_ns", "last_ns"};
	FILE *f = h->stage[STAGE_ROW].f;
	struct key k;
	int r = key_of(&k, row);

	for (int i = 0; i < 6 && r == 0; i++)
		r = number(row, sums[i], INT64_MAX) < 0 ? -EINVAL : 0;
	if (r < 0)
		return r;
	hub_put_text(f, l->agent);
	fprintf(f, "\t%" PRId64 "\t", seconds);
	hub_put_time(f, start * 1000);
	putc(TAB, f);
	put_hash(f, &k);
	fprintf(f, "\t%d", k.kind);
	for (int i = 0; i < TEXTS; i++) {
		putc(TAB, f);
		hub_put_text(f, k.text[i]);
	}
	fprintf(f, "\t%" PRId64 "\t%" PRId64 "\t%d\t%c\t%c", k.port, k.proto, k.verdict,
		k.enforced ? 't' : 'f', k.by_peer ? 't' : 'f');
	for (int i = 0; i < 6; i++)
		fprintf(f, "\t%" PRId64, number(row, sums[i], INT64_MAX));
	putc('\n', f);
	return 0;
}

static int put_end(struct hub *h, const struct line *l, const json_t *row, int64_t seconds,
		   int64_t start)
{
	static const char *const verdicts[VERDICTS] = {"allow", "alert", "block"};
	const json_t *kernel = json_object_get(row, "kernel");
	int64_t rows = number(row, "rows", INT64_MAX), v[2][VERDICTS];
	FILE *f = h->stage[STAGE_PART].f;

	for (int i = 0; i < VERDICTS; i++) {
		const json_t *each = json_object_get(kernel, verdicts[i]);

		v[0][i] = number(each, "packets", INT64_MAX);
		v[1][i] = number(each, "bytes", INT64_MAX);
		if (v[0][i] < 0 || v[1][i] < 0)
			return -EINVAL;
	}
	if (rows < 0)
		return -EINVAL;
	hub_put_text(f, l->agent);
	fprintf(f, "\t%" PRId64 "\t", seconds);
	hub_put_time(f, start * 1000);
	fprintf(f, "\t%" PRId64, rows);
	for (int i = 0; i < 2; i++)
		fprintf(f, "\t{%" PRId64 ",%" PRId64 ",%" PRId64 "}", v[i][0], v[i][1], v[i][2]);
	putc('\n', f);
	return 0;
}

static int put_ledger(struct hub *h, const struct line *l)
{
	const json_t *row = json_object_get(l->cordon, "ledger");
	int64_t seconds = number(row, "seconds", 86400), start = number(row, "start", TIME_MAX);

	if ((seconds != 3600 && seconds != 86400) || start < 0 || start % seconds)
		return -EINVAL;
	if (strcmp(string(row, "row"), "end") == 0)
		return put_end(h, l, row, seconds, start);
	return put_row(h, l, row, seconds, start);
}

/* Is the note signed by the key that the line names? The host's first such key is its key (hub_schema.h). */
static bool is_signed(const char *note, size_t n, const char *verifier)
{
	struct note_key *k = NULL;
	size_t text;
	bool good = note_key_parse(&k, verifier) == 0 && note_verify(k, note, n, &text) == 0;

	note_key_free(k);
	return good;
}

static int put_checkpoint(struct hub *h, const struct line *l)
{
	const char *note = string(l->cordon, "checkpoint"),
		   *verifier = string(l->cordon, "verifier");
	FILE *f = h->stage[STAGE_CHECKPOINT].f;
	struct journal_checkpoint c = {0};
	size_t n = strlen(note);

	if (n > 4096 || strlen(verifier) >= NOTE_VERIFIER_MAX ||
	    journal_checkpoint_parse(&c, note, n) < 0)
		return -EINVAL;
	if (c.size > INT64_MAX) {
		journal_checkpoint_drop(&c);
		return -EINVAL;
	}
	hub_put_text(f, l->agent);
	fprintf(f, "\t%s\t", l->id);
	hub_put_time(f, l->at_ms);
	putc(TAB, f);
	hub_put_text(f, verifier);
	fprintf(f, "\t%c\t%" PRIu64 "\t", is_signed(note, n, verifier) ? 't' : 'f', c.size);
	for (int i = 0; i < MERKLE_HASH; i++)
		fprintf(f, "%02x", c.root.b[i]);
	putc(TAB, f);
	hub_put_text(f, note);
	putc('\n', f);
	journal_checkpoint_drop(&c);
	return 0;
}

static int put_state(struct hub *h, const struct line *l)
{
	FILE *f = h->stage[STAGE_STATE].f;
	const char *v[] = {l->action, string(l->cordon, "mode"),
			   string(json_object_get(l->cordon, "policy"), "sha256"),
			   string(json_object_get(l->cordon, "db"), "sha256"),
			   string(l->event, "reason")};

	hub_put_text(f, l->agent);
	fprintf(f, "\t%s\t", l->id);
	hub_put_time(f, l->at_ms);
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		putc(TAB, f);
		hub_put_text(f, *v[i] ? v[i] : NULL);
	}
	putc('\n', f);
	return 0;
}

static int common(struct line *l, const json_t *o, const char **why)
{
	const json_t *agent = json_object_get(o, "agent");

	l->o = o;
	l->event = json_object_get(o, "event");
	l->cordon = json_object_get(o, "cordon");
	l->agent = string(agent, "id");
	l->name = string(agent, "name");
	l->id = string(l->event, "id");
	l->action = string(l->event, "action");
	l->at_ms = time_of(json_object_get(o, "@timestamp"));
	l->created_ms = time_of(json_object_get(l->event, "created"));
	*why = "no event of cordon in ECS";
	if (strcmp(string(l->event, "module"), "cordon") != 0)
		return -EINVAL;
	*why = "it does not say which host it is of";
	if (!*l->agent || strlen(l->agent) > NAME_LEN || strlen(l->name) > NAME_LEN)
		return -EINVAL;
	*why = "it has no id or time";
	return is_uuid(l->id) && l->at_ms >= 0 && l->created_ms >= 0 &&
			       strlen(l->action) <= NAME_LEN
		       ? 0
		       : -EINVAL;
}

int hub_parse(struct hub *h, const char *line, size_t n, const char **why)
{
	_json_ json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	struct line l;
	const char *kind;
	int r;

	*why = "no JSON";
	if (!json_is_object(o))
		return -EINVAL;
	r = common(&l, o, why);
	if (r < 0)
		return r;
	kind = string(l.cordon, "kind");
	*why = "a sum or checkpoint that cannot be read";
	if (strcmp(kind, "ledger") == 0)
		r = put_ledger(h, &l);
	else if (json_object_get(l.cordon, "checkpoint"))
		r = put_checkpoint(h, &l);
	else if (strcmp(kind, "state") == 0)
		r = put_state(h, &l);
	if (r == 0) /* alerts are of the SIEM: they only say that the host lives */
		put_host(h, &l);
	return r;
}
