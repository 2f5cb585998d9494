/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_ledger.c - each flow that leaves, by the engine of its time, into the minute of its first packet. */
#include "agent/cmd/replay_ledger.h"
#include <errno.h>
#include <string.h>
#include "agent/base/diag_print.h"
#include "agent/cmd/cmd.h"
#include "agent/engine/decide.h"
#include "agent/source/ledger_key.h"

#define NS   1000000000ull
#define HOST "captures"

int replay_ledger_open(struct replay *r)
{
	struct diag_print print;
	int e;

	diag_print_init(&print, stderr);
	e = ledger_import_open(&r->ledger, r->ledger_path, HOST, &print.sink);
	diag_print_done(&print);
	return e < 0 ? EXIT_FAILED : 0;
}

/* The time that the captures cover: in it, nothing is nothing. */
int replay_ledger_close(struct replay *r)
{
	struct diag_print print;
	int e = 0;

	for (size_t i = 0; i < r->ncaptures && e == 0; i++)
		if (r->captures[i].packets)
			e = ledger_import_span(r->ledger, (int64_t)(r->captures[i].first_seen / NS),
					       (int64_t)(r->captures[i].last_seen / NS));
	diag_print_init(&print, stderr);
	e = e ? e : ledger_import_close(r->ledger, &print.sink);
	diag_print_done(&print);
	if (e < 0)
		diag_say("%s: cannot be written: %s", r->ledger_path, strerror(-e));
	else
		r->ledger = NULL;
	return e < 0 ? EXIT_FAILED : 0;
}

int replay_ledger_flow(struct replay *r, const struct engine *e, const struct pipeline_flow *f)
{
	const struct record *k = f->record;
	struct ledger_sum s = {.packets = k->packets,
			       .bytes = k->bytes,
			       .flows = 1,
			       .first_ns = f->judged_ns,
			       .last_ns = k->last_ns > f->judged_ns ? k->last_ns : f->judged_ns};
	struct ledger_key_texts texts;
	struct ledger_key key;
	const char *name = event_names_domain(k->names);
	char to[IP_STRLEN];
	struct event ev;

	if (f->arrived || k->verdict.action == DECIDE_LOCAL)
		return 0;
	decide(e, k, &ev);
	if (!ev.operator_name)
		decide_operator(e, &ev);
	ledger_key_of(&key, &ev, &texts);
	if (r->names && name) /* a name has no odd bytes (agent/names/text.h) */
		fprintf(r->names, "%s %u %u %s\n", ip_format(to, &key.dst), key.port, key.proto,
			name);
	return ledger_import_add(r->ledger, &key, &s);
}
