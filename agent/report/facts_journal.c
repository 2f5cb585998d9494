/* SPDX-License-Identifier: BSD-2-Clause */
/* facts_journal.c - which mode, policy and places were in force since when, by a host's journal, and whether it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/journal/journal.h"
#include "agent/report/report_private.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define STATE_MARK "\"kind\":\"state\""

static int64_t time_of(const char *s)
{
	struct tm tm = {0};
	const char *end = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	return end ? (int64_t)timegm(&tm) : 0;
}

static const char *path_text(const json_t *o, const char *a, const char *b, const char *c)
{
	o = json_object_get(o, a);
	o = b ? json_object_get(o, b) : o;
	o = c ? json_object_get(o, c) : o;
	return json_string_value(o);
}

static const char *keep(struct report_facts *f, const char *s)
{
	return s ? facts_keep(f, s, strlen(s)) : "";
}

/* An agent that stopped leaves its programs in force, by the same policy: the mode goes on. */
static int add_state(struct report_facts *f, uint8_t host, uint64_t i, const json_t *o)
{
	const char *mode = path_text(o, "cordon", "mode", NULL);
	struct fact_state s = {.time = time_of(path_text(o, "@timestamp", NULL, NULL)),
			       .policy = keep(f, path_text(o, "cordon", "policy", "sha256")),
			       .places = keep(f, path_text(o, "cordon", "db", "sha256")),
			       .action = keep(f, path_text(o, "event", "action", NULL)),
			       .record = i,
			       .host = host};
	int e;

	if (!s.time || !mode)
		return 0;
	s.mode = strcmp(mode, "enforce") == 0	? MODE_ENFORCES
		 : strcmp(mode, "monitor") == 0 ? MODE_MONITORS
						: MODE_NOT_KNOWN;
	e = FACTS_ROOM(f->state, f->states_room, f->states);
	if (e == 0)
		f->state[f->states++] = s;
	return e;
}

static int read_states(struct report_facts *f, uint8_t host, struct journal_reader *r)
{
	struct fact_host *h = &f->host[host];
	const char *line;
	size_t n;
	int e = 0;

	for (uint64_t i = journal_reader_first(r); i < journal_reader_end(r) && e == 0; i++) {
		_json_ json_t *o = NULL;

		if (journal_record(r, i, &line, &n) < 0)
			continue;
		h->records++;
		if (!memmem(line, n, STATE_MARK, sizeof(STATE_MARK) - 1))
			continue;
		o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
		e = add_state(f, host, i, o);
	}
	return e;
}

/* The last moment that a damaged journal still vouches for: of the record before the first bad one. */
static void end_of(struct fact_host *h, struct journal_reader *r, uint64_t bad)
{
	const char *line;
	size_t n;

	h->journal_end = 1;
	for (uint64_t i = bad; i-- > journal_reader_first(r);) {
		_json_ json_t *o = NULL;

		if (journal_record(r, i, &line, &n) < 0)
			continue;
		o = json_loadb(line, n, 0, NULL);
		h->journal_end = time_of(path_text(o, "@timestamp", NULL, NULL));
		if (h->journal_end)
			return;
	}
}

static void read_checkpoint(struct report_facts *f, struct fact_host *h, const char *dir)
{
	struct journal_checkpoint c = {0};
	_free_ char *verifier = NULL;
	char path[4096];
	size_t n;

	text_put(path, sizeof(path), "%s/checkpoint", dir);
	if (journal_checkpoint_read(&c, path) == 0) {
		h->checkpoint = facts_keep(f, c.note, c.len);
		h->signed_records = c.size;
		journal_checkpoint_drop(&c);
	}
	text_put(path, sizeof(path), "%s/verifier", dir);
	if (file_read(&verifier, &n, AT_FDCWD, path, 1024) == 0)
		h->verifier = facts_keep(f, verifier, strcspn(verifier, "\n"));
}

int facts_read_journal(struct report_facts *f, uint8_t host, const char *dir, struct diag_sink *d)
{
	struct journal_check_config cfg = {.dir = dir};
	struct fact_host *h = &f->host[host];
	struct journal_reader *r = NULL;
	struct journal_report rep = {0};
	int e;

	if (access(dir, R_OK) < 0)
		return 0; /* said on page one: no journal */
	e = journal_reader_open(&r, dir, d);
	if (e < 0)
		return e == -ENOENT ? 0 : e;
	h->has_journal = journal_reader_end(r) > journal_reader_first(r);
	e = read_states(f, host, r);
	if (e == 0 && h->has_journal) {
		read_checkpoint(f, h, dir);
		e = journal_check(&rep, &cfg, d);
	}
	if (e == 0 && h->has_journal && rep.fault) {
		h->fault = journal_fault_name(rep.fault);
		h->fault_text = facts_keep(f, rep.text, strlen(rep.text));
		end_of(h, r, rep.record);
	}
	journal_reader_close(r);
	return e;
}
