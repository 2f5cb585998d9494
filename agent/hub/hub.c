/* SPDX-License-Identifier: BSD-2-Clause */
/* hub.c - batches of lines into PostgreSQL: copied beside, merged, committed, or kept until the database is there again. */
#include "agent/hub/hub.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/hub/hub_private.h"
#include "agent/hub/hub_schema.h"
#include "geo/base/cleanup.h"

#define COPY_BYTES (1u << 20)

static void quiet(void *arg, const char *message)
{
	(void)arg, (void)message; /* notices: the schema is there already */
}

static void keep_why(struct hub *h)
{
	const char *s = PQerrorMessage(h->pg);

	text_put(h->why, sizeof(h->why), "%.*s", (int)strcspn(s, "\n"), s);
}

/* Away, or wrong? */
static int failed(struct hub *h, struct diag_sink *d, const char *what)
{
	keep_why(h);
	if (PQstatus(h->pg) != CONNECTION_OK)
		return -EAGAIN;
	diag_error(d, NULL, 0, "PostgreSQL: %s: %s", what, h->why);
	return -EIO;
}

/* Of a statement that may have failed for another reason than itself: a server that shuts down, a deadlock. */
static bool for_now(const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	return state && (!strncmp(state, "57P", 3) || !strncmp(state, "40", 2) ||
			 !strncmp(state, "53", 2) || !strncmp(state, "08", 2));
}

static int run(struct hub *h, const char *sql, const char *what, struct diag_sink *d)
{
	PGresult *r = PQexec(h->pg, sql);
	ExecStatusType s = PQresultStatus(r);
	int e = 0;

	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK && s != PGRES_COPY_IN) {
		e = for_now(r) ? -EAGAIN : failed(h, d, what);
		keep_why(h);
	}
	PQclear(r);
	return e;
}

/* Begins anew, with nothing in it. */
static int begin_stage(struct hub_stage_text *s)
{
	if (s->f)
		fclose(s->f);
	free(s->text);
	s->text = NULL;
	s->n = 0;
	s->f = open_memstream(&s->text, &s->n);
	return s->f ? 0 : -ENOMEM;
}

static int clear(struct hub *h)
{
	int r = 0;

	h->lines = 0;
	h->bytes = 0;
	for (unsigned i = 0; i < HUB_STAGES && r == 0; i++)
		r = begin_stage(&h->stage[i]);
	return r;
}

int hub_open(struct hub **ret, const char *database, bool make, struct diag_sink *d)
{
	struct hub *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->pg = PQconnectdb(database);
	if (PQstatus(h->pg) != CONNECTION_OK) {
		keep_why(h);
		diag_error(d, NULL, 0, "PostgreSQL: cannot connect: %s", h->why);
		hub_close(h);
		return -ECONNREFUSED;
	}
	PQsetNoticeProcessor(h->pg, quiet, NULL);
	r = clear(h);
	/* two hubs at once: one makes the tables */
	r = r || !make
		    ? r
		    : run(h, "BEGIN; SELECT pg_advisory_xact_lock(6017230);" SCHEMA_MAKE "COMMIT",
			  "cannot make the tables", d);
	if (r < 0) {
		hub_close(h);
		return r == -EAGAIN ? -EIO : r;
	}
	*ret = h;
	return 0;
}

void hub_close(struct hub *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < HUB_STAGES; i++) {
		if (h->stage[i].f)
			fclose(h->stage[i].f);
		free(h->stage[i].text);
	}
	PQfinish(h->pg);
	free(h);
}

int hub_add(struct hub *h, const char *line, size_t n)
{
	const char *why;
	int r = hub_parse(h, line, n, &why);

	h->lines++;
	h->bytes += n;
	h->state.lines++;
	if (r == -EINVAL) {
		h->state.refused++;
		text_put(h->state.why, sizeof(h->state.why), "%s", why);
		fprintf(h->stage[STAGE_REFUSED].f, "%s\n", why);
	}
	return r;
}

bool hub_full(const struct hub *h)
{
	return h->lines >= HUB_BATCH || h->bytes >= HUB_BATCH_MAX;
}

bool hub_empty(const struct hub *h)
{
	return h->lines == 0;
}

void hub_state(const struct hub *h, struct hub_state *ret)
{
	*ret = h->state;
}

const char *hub_why(const struct hub *h)
{
	return h->why;
}

int hub_place(struct hub *h, const char *name, uint64_t at)
{
	FILE *f = h->stage[STAGE_POSITION].f;

	hub_put_text(f, name);
	fprintf(f, "\t%" PRIu64 "\n", at);
	return ferror(f) ? -ENOMEM : 0;
}

int hub_placed(struct hub *h, const char *name, uint64_t *ret, struct diag_sink *d)
{
	PGresult *r = PQexecParams(h->pg, "SELECT at FROM cordon.position WHERE name = $1", 1, NULL,
				   &name, NULL, NULL, 0);
	int e = 0;

	*ret = 0;
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		e = for_now(r) ? -EAGAIN : failed(h, d, "cannot read the table of positions");
	else if (PQntuples(r))
		*ret = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return e;
}

int hub_expect(struct hub *h, const char *name, struct diag_sink *d)
{
	PGresult *r = PQexecParams(h->pg,
				   "INSERT INTO cordon.expected VALUES ($1) ON CONFLICT DO NOTHING",
				   1, NULL, &name, NULL, NULL, 0);
	int e = PQresultStatus(r) == PGRES_COMMAND_OK
			? 0
			: failed(h, d, "cannot write the table of expected hosts");

	PQclear(r);
	return e;
}

static int copy_text(struct hub *h, const char *text, size_t n)
{
	for (size_t at = 0; at < n; at += COPY_BYTES) {
		size_t part = n - at < COPY_BYTES ? n - at : COPY_BYTES;

		if (PQputCopyData(h->pg, text + at, (int)part) != 1)
			return -EIO;
	}
	return PQputCopyEnd(h->pg, NULL) == 1 ? 0 : -EIO;
}

static int copy(struct hub *h, const char *table, const struct hub_stage_text *s,
		struct diag_sink *d)
{
	char sql[64];
	PGresult *r;
	int e;

	if (!s->n)
		return 0;
	text_put(sql, sizeof(sql), "COPY %s FROM STDIN", table);
	e = run(h, sql, "cannot copy", d);
	if (e < 0)
		return e;
	e = copy_text(h, s->text, s->n);
	while ((r = PQgetResult(h->pg))) {
		if (PQresultStatus(r) != PGRES_COMMAND_OK)
			e = for_now(r) ? -EAGAIN : -EIO;
		PQclear(r);
	}
	if (e == -EIO)
		return failed(h, d, table);
	return e;
}

static int merge(struct hub *h, struct diag_sink *d)
{
	static const char *const tables[HUB_STAGES] = SCHEMA_STAGES;
	static const char *const steps[] = {
		MERGE_HOSTS,
		MERGE_KEYS,
		MERGE_ROWS("day", "86400"),
		MERGE_ROWS("hour", "3600"),
		MERGE_PARTS,
		MERGE_STATES,
		MERGE_CHECKPOINTS,
		MERGE_FORKS,
		MERGE_ROLLBACKS,
		MERGE_THIN,
		MERGE_REST,
	};
	int r = h->staged ? 0 : run(h, SCHEMA_STAGE, "cannot make the tables of a batch", d);

	h->staged = r == 0;
	r = r ? r : run(h, "BEGIN", "BEGIN", d);
	/* one at a time, so that two hubs never wait for each other in a circle */
	r = r ? r : run(h, "SELECT pg_advisory_xact_lock(6017231)", "lock", d);
	for (unsigned i = 0; i < HUB_STAGES && r == 0; i++)
		r = copy(h, tables[i], &h->stage[i], d);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && r == 0; i++)
		r = run(h, steps[i], "cannot merge", d);
	return r ? r : run(h, "COMMIT", "COMMIT", d);
}

int hub_commit(struct hub *h, struct diag_sink *d)
{
	int r = 0;

	if (PQstatus(h->pg) != CONNECTION_OK) {
		PQreset(h->pg);
		h->staged = false;
		if (PQstatus(h->pg) != CONNECTION_OK) {
			keep_why(h);
			return -EAGAIN;
		}
	}
	for (unsigned i = 0; i < HUB_STAGES && r == 0; i++)
		r = fflush(h->stage[i].f) || ferror(h->stage[i].f) ? -ENOMEM : 0;
	r = r ? r : merge(h, d);
	if (r == 0)
		return clear(h);
	if (PQstatus(h->pg) == CONNECTION_OK)
		PQclear(PQexec(h->pg, "ROLLBACK"));
	return r;
}
