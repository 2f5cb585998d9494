/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c - hosts to facts, facts to tables, in that order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/report/declared.h"
#include "agent/report/report_private.h"

#define TEXTS_MAX (4u << 20)

/* Without a ledger the host is still a host: its gaps and its journal speak for it. */
static int read_host(struct report_facts *f, const struct report_config *cfg, uint8_t i,
		     struct diag_sink *d)
{
	struct fact_host *h = &f->host[i];
	char path[4096];
	int e;

	h->state = h->name = facts_keep(f, cfg->host[i].state, strlen(cfg->host[i].state));
	text_put(path, sizeof(path), "%s/ledger.db", h->state);
	h->silent = access(path, R_OK) < 0;
	if (h->silent && errno != ENOENT) {
		e = -errno;
		diag_error(d, path, 0, "%s", strerror(-e));
		return e;
	}
	e = facts_read_gaps(f, i, d);
	if (e == 0 && cfg->host[i].journal)
		e = facts_read_journal(f, i, cfg->host[i].journal, d);
	return e;
}

static bool is_there(const struct report_facts *f, const char *name)
{
	for (size_t i = 0; i < f->hosts; i++)
		if (strcmp(f->host[i].name, name) == 0)
			return true;
	return false;
}

static int add_expected(struct report_facts *f, const struct report_config *cfg,
			struct diag_sink *d)
{
	for (size_t i = 0; i < cfg->nexpected; i++) {
		if (is_there(f, cfg->expected[i]))
			continue;
		if (f->hosts == REPORT_HOSTS) {
			diag_error(d, cfg->expected[i], 0, "more than %u hosts", REPORT_HOSTS);
			return -E2BIG;
		}
		f->host[f->hosts++] = (struct fact_host){
			.name = facts_keep(f, cfg->expected[i], strlen(cfg->expected[i])),
			.silent = true};
	}
	return 0;
}

static int read_all(struct residency *r, const struct report_config *cfg, struct diag_sink *d)
{
	struct report_facts *f = r->facts;
	int e = texts_init(&f->texts, TEXTS_MAX);

	f->from = cfg->from;
	f->to = cfg->to;
	for (size_t i = 0; i < cfg->nhosts && e == 0; i++) {
		f->hosts = i + 1;
		e = read_host(f, cfg, (uint8_t)i, d);
	}
	e = e ? e : facts_parts(f);
	e = e ? e : facts_read_ledgers(f, d);
	e = e ? e : add_expected(f, cfg, d);
	return e ? e : facts_cover(f);
}

static int contradictions(struct residency *r, const struct report_config *cfg, struct diag_sink *d)
{
	struct declarations all = {0};
	int e = 0;

	for (size_t i = 0; i < cfg->ndora && e == 0; i++)
		e = declared_dora(&all, cfg->dora[i], d);
	for (size_t i = 0; i < cfg->nhds && e == 0; i++)
		e = declared_hds(&all, cfg->hds[i], d);
	for (size_t i = 0; i < cfg->npolicy && e == 0; i++)
		e = declared_policy(&all, cfg->policy[i], d);
	e = e ? e : tables_contradictions(r, &all);
	declared_drop(&all);
	return e;
}

int residency_make(struct residency **ret, const struct report_config *cfg, struct diag_sink *d)
{
	struct residency *r = calloc(1, sizeof(*r));
	int e = r ? 0 : -ENOMEM;

	if (r) {
		r->from = cfg->from;
		r->to = cfg->to;
		r->facts = calloc(1, sizeof(*r->facts));
		e = r->facts ? read_all(r, cfg, d) : -ENOMEM;
	}
	e = e ? e : tables_verdict(r);
	e = e ? e : tables_cover(r);
	e = e ? e : tables_rows(r);
	e = e ? e : contradictions(r, cfg, d);
	e = e ? e : tables_law(r);
	e = e ? e : report_lines(r);
	if (e == -ENOMEM)
		diag_error(d, NULL, 0, "not enough memory for the report");
	if (e < 0) {
		residency_free(r);
		return e;
	}
	r->damaged = d->errors > 0;
	*ret = r;
	return 0;
}

void residency_free(struct residency *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < REPORT_TABLES; i++)
		free(r->table[i].cell);
	report_facts_free(r->facts);
	free(r);
}
