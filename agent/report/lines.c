/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.c - page one in sentences: what left, whose law, when nothing was seen, what is missing. */
#include <string.h>
#include "agent/report/report_private.h"

struct report_line *report_say(struct residency *r, char tone, enum report_text t)
{
	static struct report_line none;
	struct report_line *l;

	if (r->lines == REPORT_LINES)
		return &none;
	l = &r->line[r->lines++];
	*l = (struct report_line){.text = t, .tone = tone};
	return l;
}

static void arg(struct report_line *l, unsigned i, enum report_kind k, uint64_t n)
{
	l->kind[i] = k;
	l->arg[i].n = n;
}

static void arg_name(struct report_line *l, unsigned i, const char *s)
{
	l->kind[i] = KIND_NAME;
	l->arg[i].s = s;
}

struct totals {
	uint64_t bytes, away, away_flows, adequate, conditional, eea, eea_law, eea_unknown;
	uint64_t stopped, stopped_packets, attempts, unattributed, no_grade;
};

static void count(struct totals *t, const struct report_facts *f, const struct fact *x)
{
	const struct fact_key *k = &f->key[x->key];
	uint64_t b = x->sum.bytes;

	if (!fact_left(f, x)) {
		t->stopped += b;
		t->stopped_packets += x->sum.packets;
		t->attempts += x->sum.attempts + x->sum.flows;
		return;
	}
	t->bytes += b;
	if (x->place >= CLASS_THIRD) {
		t->away += b;
		t->away_flows += x->sum.flows;
	}
	t->adequate += x->place == CLASS_ADEQUATE || x->place == CLASS_CONDITIONAL ? b : 0;
	t->conditional += x->place == CLASS_CONDITIONAL ? b : 0;
	if (x->place <= CLASS_EEA) {
		t->eea += b;
		t->eea_law += x->law > CLASS_EEA && x->law != CLASS_UNKNOWN ? b : 0;
		t->eea_unknown += x->law == CLASS_UNKNOWN ? b : 0;
	}
	if (k->kind == LEDGER_UNATTRIBUTED)
		t->unattributed += b;
	else if (k->kind == LEDGER_FLOW && !*k->text[COLUMN_GRADE])
		t->no_grade += b;
}

static void say_traffic(struct residency *r, const struct totals *t)
{
	struct report_line *l;

	if (!t->bytes && !t->stopped) {
		report_say(r, 'w', T_SAY_NOTHING);
	} else if (t->away) {
		l = report_say(r, 'b', T_SAY_LEFT);
		arg(l, 0, KIND_BYTES, t->away);
		arg(l, 1, KIND_COUNT, t->away_flows);
	} else {
		report_say(r, 'g', T_SAY_STAYED);
	}
	if (t->adequate) {
		l = report_say(r, t->conditional ? 'w' : ' ', T_SAY_ADEQUATE);
		arg(l, 0, KIND_BYTES, t->adequate);
		arg(l, 1, KIND_BYTES, t->conditional);
	}
	if (t->eea) {
		l = report_say(r, t->eea_law || t->eea_unknown ? 'w' : 'g', T_SAY_LAW);
		arg(l, 0, KIND_BYTES, t->eea);
		arg(l, 1, KIND_BYTES, t->eea_law);
		arg(l, 2, KIND_BYTES, t->eea_unknown);
	}
	if (t->attempts || t->stopped) {
		l = report_say(r, ' ', T_SAY_BLOCKED);
		arg(l, 0, KIND_COUNT, t->attempts);
		arg(l, 1, KIND_BYTES, t->stopped);
		arg(l, 2, KIND_COUNT, t->stopped_packets);
	}
	if (t->unattributed)
		arg(report_say(r, 'w', T_SAY_UNATTRIBUTED), 0, KIND_BYTES, t->unattributed);
	if (t->no_grade)
		arg(report_say(r, 'w', T_SAY_NO_GRADE), 0, KIND_BYTES, t->no_grade);
}

static void say_cover(struct residency *r)
{
	static const struct {
		enum fact_cover cover;
		char tone;
		enum report_text text;
	} says[] = {{COVER_NONE, 'b', T_SAY_NO_RECORD},
		    {COVER_BLIND, 'b', T_SAY_BLIND},
		    {COVER_MODE_UNKNOWN, 'w', T_SAY_MODE_UNKNOWN},
		    {COVER_MONITORED, 'w', T_SAY_MONITORED}};
	const struct report_facts *f = r->facts;
	uint64_t sum[COVERS] = {0}, other = 0;

	for (size_t i = 0; i < f->hosts; i++)
		for (unsigned c = 0; c < COVERS; c++)
			sum[c] += (uint64_t)f->host[i].seconds[c];
	for (unsigned i = 0; i < sizeof(says) / sizeof(*says); i++) {
		other += sum[says[i].cover];
		if (sum[says[i].cover])
			arg(report_say(r, says[i].tone, says[i].text), 0, KIND_SECONDS,
			    sum[says[i].cover]);
	}
	if (!other)
		report_say(r, 'g', T_SAY_ENFORCED);
}

/* What the kernel counted and what the rows hold may differ by what was under way at both ends of the period. */
static void say_kernel(struct residency *r, size_t host)
{
	const struct report_facts *f = r->facts;
	const struct fact_host *h = &f->host[host];
	uint64_t kernel = 0, ledger = 0;
	struct report_line *l;

	for (unsigned v = 0; v < LEDGER_VERDICTS; v++)
		kernel += h->extent.totals.bytes[v];
	for (uint32_t i = 0; i < f->facts; i++)
		ledger += f->key[f->fact[i].key].host == host ? f->fact[i].sum.bytes : 0;
	if (kernel == ledger)
		return;
	l = report_say(r, 'w', T_SAY_KERNEL);
	arg_name(l, 0, h->name);
	arg(l, 1, KIND_BYTES, kernel);
	arg(l, 2, KIND_BYTES, ledger);
}

static void say_host(struct residency *r, size_t i)
{
	const struct report_facts *f = r->facts;
	const struct fact_host *h = &f->host[i];
	struct report_line *l;

	if (h->silent) {
		arg_name(report_say(r, 'b', h->state ? T_SAY_NO_LEDGER : T_SAY_SILENT), 0, h->name);
		return;
	}
	if (!h->has_journal)
		arg_name(report_say(r, 'w', T_SAY_NO_JOURNAL), 0, h->name);
	if (h->fault) {
		l = report_say(r, 'b', T_SAY_JOURNAL);
		arg_name(l, 0, h->name);
		arg_name(l, 1, h->fault);
		arg(l, 2, KIND_TIME, (uint64_t)h->journal_end);
	}
	if (h->extent.from < f->from) {
		l = report_say(r, 'w', T_SAY_ROUNDED);
		arg_name(l, 0, h->name);
		arg(l, 1, KIND_TIME, (uint64_t)h->extent.from);
	}
	say_kernel(r, i);
}

int report_lines(struct residency *r)
{
	const struct report_facts *f = r->facts;
	struct totals t = {0};

	for (uint32_t i = 0; i < f->facts; i++)
		count(&t, f, &f->fact[i]);
	r->bytes = t.bytes;
	r->left_bytes = t.away;
	r->law_bytes = t.eea_law;
	say_traffic(r, &t);
	if (r->contradictions)
		arg(report_say(r, 'b', T_SAY_CONTRADICTIONS), 0, KIND_COUNT, r->contradictions);
	say_cover(r);
	for (size_t i = 0; i < f->hosts; i++)
		say_host(r, i);
	if (f->parts_cut)
		report_say(r, 'w', T_SAY_PARTS_CUT);
	return 0;
}
