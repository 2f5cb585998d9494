/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_text.c - a status as Prometheus text: one row of the table a metric. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/daemon/metrics.h"

enum metric_type { COUNTER, GAUGE };
/* path: keys with dots; "[]" stands for each element of an array, whose label is its value there. */
struct metric {
	const char *name, *help, *path;
	enum metric_type type;
	const char *label, *value; /* a fixed label, or NULL */
	const char *each;	   /* with []: the element's key that is the label's value */
};

static const struct metric table[] = {
	{"cordon_packets_total", "Packets by verdict, counted in the kernel.",
	 "counters.allow.packets", COUNTER, "verdict", "allow", NULL},
	{"cordon_packets_total", NULL, "counters.alert.packets", COUNTER, "verdict", "alert", NULL},
	{"cordon_packets_total", NULL, "counters.block.packets", COUNTER, "verdict", "block", NULL},
	{"cordon_bytes_total", "Bytes (IP layer) by verdict, counted in the kernel.",
	 "counters.allow.bytes", COUNTER, "verdict", "allow", NULL},
	{"cordon_bytes_total", NULL, "counters.alert.bytes", COUNTER, "verdict", "alert", NULL},
	{"cordon_bytes_total", NULL, "counters.block.bytes", COUNTER, "verdict", "block", NULL},
	{"cordon_would_block_packets_total", "Packets that enforce mode would have stopped.",
	 "counters.would_block.packets", COUNTER, NULL, NULL, NULL},
	{"cordon_would_block_bytes_total", "Bytes that enforce mode would have stopped.",
	 "counters.would_block.bytes", COUNTER, NULL, NULL, NULL},
	{"cordon_lost_records_total",
	 "Records lost, by kind: their packets are in the totals only.", "counters.lost_denials",
	 COUNTER, "kind", "denials", NULL},
	{"cordon_lost_records_total", NULL, "counters.lost_flow_ends", COUNTER, "kind", "flow_ends",
	 NULL},
	{"cordon_lost_records_total", NULL, "counters.lost_folds", COUNTER, "kind", "folds", NULL},
	{"cordon_lost_records_total", NULL, "counters.lost_storage", COUNTER, "kind", "storage",
	 NULL},
	{"cordon_malformed_packets_total", "Packets whose headers could not be read.",
	 "counters.malformed", COUNTER, NULL, NULL, NULL},
	{"cordon_connect_denied_total", "connect() and sendmsg() refused.",
	 "counters.connect_denied", COUNTER, NULL, NULL, NULL},
	{"cordon_flows", "Flows that are open, by verdict.", "flows.allow", GAUGE, "verdict",
	 "allow", NULL},
	{"cordon_flows", NULL, "flows.alert", GAUGE, "verdict", "alert", NULL},
	{"cordon_flows", NULL, "flows.block", GAUGE, "verdict", "block", NULL},
	{"cordon_events_total", "Events written.", "agent.events", COUNTER, NULL, NULL, NULL},
	{"cordon_events_folded_total", "Events that went into a summary.", "agent.folded", COUNTER,
	 NULL, NULL, NULL},
	{"cordon_verdict_mismatches_total", "Verdicts on which kernel and agent differed.",
	 "agent.verdict_mismatches", COUNTER, NULL, NULL, NULL},
	{"cordon_enforcing", "1 in enforce mode.", "mode=enforce", GAUGE, NULL, NULL, NULL},
	{"cordon_hook_attached", "1 where the program is attached.", "kernel.hooks[].attached",
	 GAUGE, "hook", NULL, "hook"},
	{"cordon_places_age_seconds", "Age of each source of places.",
	 "places.sources[].age_seconds", GAUGE, "source", NULL, "file"},
	{"cordon_places_stale", "1 when places are older than the policy lets them be.",
	 "places.stale", GAUGE, NULL, NULL, NULL},
	{"cordon_policy_age_seconds", "Seconds since the policy was loaded.", "policy.age_seconds",
	 GAUGE, NULL, NULL, NULL},
	{"cordon_feed_lines_total", "Events delivered, by feed.", "feeds[].lines", COUNTER, "feed",
	 NULL, "target"},
	{"cordon_feed_lost_total", "Events that a feed lost, by feed.", "feeds[].lost", COUNTER,
	 "feed", NULL, "target"},
	{"cordon_feed_waiting", "Events that a feed has not delivered yet.", "feeds[].waiting",
	 GAUGE, "feed", NULL, "target"},
	{"cordon_feed_no_progress_seconds",
	 "How long a feed that has events to deliver delivered none.",
	 "feeds[].no_progress_seconds", GAUGE, "feed", NULL, "target"},
	{"cordon_feed_failing", "1 while the other end of a feed refuses or is not there.",
	 "feeds[].failing", GAUGE, "feed", NULL, "target"},
	{"cordon_feed_sent_again_total", "Events sent once more, for they were not confirmed.",
	 "feeds[].sent_again", COUNTER, "feed", NULL, "target"},
	{"cordon_journal_records_total", "Records in the journal's tree.", "journal.records",
	 COUNTER, NULL, NULL, NULL},
	{"cordon_journal_signed_records", "Records that the latest checkpoint covers.",
	 "journal.signed", GAUGE, NULL, NULL, NULL},
	{"cordon_journal_lost_total", "Records that the disk refused.", "journal.lost", COUNTER,
	 NULL, NULL, NULL},
	{"cordon_ledger_unattributed_packets_total", "Packets counted that no record tells.",
	 "ledger.unattributed_packets", COUNTER, NULL, NULL, NULL},
};

/* A label's value: backslash, quote and line end escaped; never more than fits. */
static void label_value(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			fprintf(f, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", f);
		else
			fputc(*s, f);
	}
}

static void sample(FILE *f, const struct metric *m, const char *value, const json_t *v)
{
	long long n = json_is_integer(v) ? (long long)json_integer_value(v) : json_is_true(v);

	if (!v || (!json_is_integer(v) && !json_is_boolean(v)))
		return;
	fputs(m->name, f);
	if (m->label && value) {
		fprintf(f, "{%s=\"", m->label);
		label_value(f, value);
		fputs("\"}", f);
	}
	fprintf(f, " %lld\n", n);
}

/* The object or value at the path's next part. */
static const json_t *step(const json_t *o, const char **path, char key[64])
{
	size_t n = strcspn(*path, ".[=");

	text_put(key, 64, "%.*s", (int)n, *path);
	*path += n;
	return json_object_get(o, key);
}

static void metric_write(FILE *f, const struct metric *m, const json_t *status)
{
	const json_t *o = status, *each, *v;
	const char *path = m->path;
	char key[64];
	size_t i;

	while (o && *path) {
		o = step(o, &path, key);
		if (*path == '=') {
			sample(f, m, m->value,
			       json_boolean(o &&
					    strcmp(json_string_value(o) ? json_string_value(o) : "",
						   path + 1) == 0));
			return;
		}
		if (*path == '[')
			break;
		path += *path == '.';
	}
	if (*path != '[') {
		sample(f, m, m->value, o);
		return;
	}
	path += strlen("[].");
	json_array_foreach (o, i, each) {
		v = json_object_get(each, path);
		sample(f, m, json_string_value(json_object_get(each, m->each)), v);
	}
}

char *metrics_text(const json_t *status)
{
	static const char *const type[] = {[COUNTER] = "counter", [GAUGE] = "gauge"};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs("# HELP cordon_info The agent.\n# TYPE cordon_info gauge\n"
	      "cordon_info{version=\"" CORDON_VERSION "\"} 1\n",
	      f);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].help)
			fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help,
				table[i].name, type[table[i].type]);
		metric_write(f, &table[i], status);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
