/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_recipients.c - whom it was meant for: sums by name, and who is known to be behind it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/replay_report.h"
#include "agent/base/text.h"
#include "agent/report/page.h"

#define ROWS_MAX 100u

static const char *const why[WHOMS] = {
	[WHOM_NAMED] = "",
	[WHOM_UNNAMED] = "no name was seen",
	[WHOM_SEVERAL] = "several names have its address",
	[WHOM_HIDDEN] = "encrypted ClientHello",
	[WHOM_OTHERS] = "more names than have room",
};

static uint64_t sum(const struct report_recipient *r)
{
	return r->bytes[DECIDE_ALLOW] + r->bytes[DECIDE_ALERT] + r->bytes[DECIDE_BLOCK];
}

static int by_name(const struct report_recipient *x, const struct report_recipient *y)
{
	if (x->whom != y->whom)
		return x->whom < y->whom ? -1 : 1;
	return x->name && y->name ? strcmp(x->name, y->name) : 0;
}

static int same_together(const void *a, const void *b)
{
	return by_name(a, b);
}

static int largest_first(const void *a, const void *b)
{
	uint64_t m = sum(a), n = sum(b);

	return m != n ? (m > n ? -1 : 1) : by_name(a, b);
}

static struct report_recipient row_from(const struct tally_line *l, const struct texts *names)
{
	struct report_recipient r = {.name = l->whom == WHOM_NAMED ? names->v[l->name] : NULL,
				     .whom = l->whom,
				     .who = l->recipient,
				     .packets = l->packets,
				     .flows = l->flows};

	r.bytes[l->action] = l->bytes;
	return r;
}

int report_recipients(struct report *p, const struct pipeline_tallies *t)
{
	struct report_recipient *row = calloc(t->names.n ? t->names.n : 1, sizeof(*row));
	size_t n = 0;

	p->recipients = row;
	if (!row)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->names.n; i++)
		if (t->names.line[i].flows)
			row[n++] = row_from(&t->names.line[i], &t->name);
	qsort(row, n, sizeof(*row), same_together);
	for (size_t i = 0; i < n; i++) { /* a row was an action: they become one */
		struct report_recipient *to = p->nrecipients ? &row[p->nrecipients - 1] : NULL;

		if (!to || by_name(to, &row[i])) {
			row[p->nrecipients++] = row[i];
			continue;
		}
		to->packets += row[i].packets;
		to->flows += row[i].flows;
		to->who = to->who ? to->who : row[i].who;
		for (unsigned a = 0; a < 4; a++)
			to->bytes[a] += row[i].bytes[a];
	}
	qsort(row, p->nrecipients, sizeof(*row), largest_first);
	return 0;
}

static void put(struct json_writer *j, const struct report_recipient *r, const char *instead)
{
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "name", r->name);
	if (!r->name)
		json_writer_text(j, "why", instead ? instead : why[r->whom]);
	if (r->who) {
		json_writer_text(j, "organisation", r->who->organisation);
		json_writer_text(j, "service", r->who->service);
		json_writer_text(j, "site", r->who->site);
		json_writer_text(j, "law", r->who->law);
		json_writer_text_set(j, "eu_endpoint", r->who->eu);
	}
	json_writer_number(j, "flows", r->flows);
	json_writer_number(j, "packets", r->packets);
	json_writer_number(j, "bytes", sum(r));
	json_writer_number(j, "allow", r->bytes[DECIDE_ALLOW]);
	json_writer_number(j, "alert", r->bytes[DECIDE_ALERT]);
	json_writer_number(j, "block", r->bytes[DECIDE_BLOCK]);
	json_writer_close(j, '}');
}

void report_put_recipients(struct json_writer *j, const struct report *p, size_t top)
{
	struct report_recipient rest = {.name = NULL};
	size_t shown = top && p->nrecipients > top ? top : p->nrecipients;

	json_writer_open(j, "recipients", '[');
	for (size_t i = 0; i < shown; i++)
		put(j, &p->recipients[i], NULL);
	for (size_t i = shown; i < p->nrecipients; i++) {
		rest.packets += p->recipients[i].packets;
		rest.flows += p->recipients[i].flows;
		for (unsigned a = 0; a < 4; a++)
			rest.bytes[a] += p->recipients[i].bytes[a];
	}
	if (shown < p->nrecipients)
		put(j, &rest, "the rest");
	json_writer_close(j, ']');
}

static void html_row(FILE *to, const struct report_recipient *r)
{
	char n[TEXT_SHORT];

	fputs("<tr><td>", to);
	if (r->name)
		page_text(to, r->name); /* its odd bytes are \DDD already */
	else
		fprintf(to, "<span class=\"s\">%s</span>", why[r->whom]);
	fputs("</td><td>", to);
	if (r->who) {
		page_text(to, r->who->organisation);
		fputs("<br><span class=\"s\">", to);
		page_text(to, r->who->service);
		fprintf(to, ", site: %s, law: %s</span>", r->who->site, r->who->law);
	}
	fputs("</td><td>", to);
	page_text(to, r->who && r->who->eu ? r->who->eu : "");
	fprintf(to, "</td><td class=\"n\">%s</td>", text_count(n, r->flows));
	report_cell_bytes(to, "allow", r->bytes[DECIDE_ALLOW]);
	report_cell_bytes(to, "alert", r->bytes[DECIDE_ALERT]);
	report_cell_bytes(to, "block", r->bytes[DECIDE_BLOCK]);
	fputs("</tr>\n", to);
}

void report_html_recipients(FILE *to, const struct report *p)
{
	fputs("<h2>Recipients by name</h2><p class=\"s\">As the flows themselves and the DNS answers before them "
	      "say; a name decides nothing here.</p><div class=\"scroll\"><table><tr><th>name</th>"
	      "<th>known as</th><th>endpoint in the EU</th><th class=\"n\">flows</th>"
	      "<th class=\"n\">allowed</th><th class=\"n\">alerted on</th><th class=\"n\">blocked</th></tr>\n",
	      to);
	for (size_t i = 0; i < p->nrecipients && i < ROWS_MAX; i++)
		html_row(to, &p->recipients[i]);
	fputs("</table></div>\n", to);
	if (p->nrecipients > ROWS_MAX)
		fprintf(to, "<p class=\"s\">and %zu more: in the summary</p>\n",
			p->nrecipients - ROWS_MAX);
}
