/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_html.c - one page that a person can be given: the verdict, when it left, where to, from whom,
 * and what was not seen. No script, no other file. */
#include <errno.h>
#include <string.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_report.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/report/page.h"

#define ROWS_MAX 100u
#define WIDTH	 960
#define HEIGHT	 160

static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 1em;color:#1b1f24;"
	"background:#fff}h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.1em;margin:2em 0 .4em}"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .6em;"
	"border-bottom:1px solid #d8dee4;vertical-align:top}th{font-weight:600}td.n,th.n{text-align:right;"
	"font-variant-numeric:tabular-nums;white-space:nowrap}.verdict{padding:.8em 1em;border-radius:6px;"
	"font-size:1.15em;margin:1em 0}.bad{background:#ffebe9;border:1px solid #cf222e}"
	".warn{background:#fff8c5;border:1px solid #9a6700}.good{background:#dafbe1;border:1px solid #1a7f37}"
	".block{color:#cf222e}.alert{color:#9a6700}.allow{color:#1a7f37}.s{color:#59636e;font-size:.9em}"
	".t{white-space:nowrap}svg{width:100%;height:auto}.scroll{overflow-x:auto}code{font-family:ui-monospace,monospace;"
	"overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
	"th,td{border-color:#30363d}.bad{background:#3c1618}.warn{background:#3a2d06}.good{background:#0f2d18}"
	".block{color:#ff7b72}.alert{color:#d29922}.allow{color:#3fb950}.s{color:#9198a1}}"
	"@media print{body{margin:0;max-width:none}}";

void report_cell_bytes(FILE *to, const char *class, uint64_t n)
{
	char b[TEXT_SHORT];

	fprintf(to, "<td class=\"n %s\">%s</td>", n ? class : "s", n ? text_bytes(b, n) : "0");
}

static void verdict(FILE *to, const struct pipeline_counts *c, int exit_code)
{
	const uint64_t *b = c->bytes_by_verdict;
	char x[TEXT_SHORT], y[TEXT_SHORT];
	bool found = c->flows_by_verdict[DECIDE_BLOCK] || c->flows_by_verdict[DECIDE_ALERT];

	fprintf(to, "<p class=\"verdict %s\">",
		c->flows_by_verdict[DECIDE_BLOCK] ? "bad"
		: found || exit_code		  ? "warn"
						  : "good");
	if (found)
		fprintf(to, "%s left under rules that block, %s under rules that alert.",
			text_bytes(x, b[DECIDE_BLOCK]), text_bytes(y, b[DECIDE_ALERT]));
	else
		fputs("Nothing left that the policy blocks or alerts on.", to);
	if (exit_code == EXIT_DAMAGED)
		fputs(" <strong>Part of the input was damaged or could not be judged</strong>: what is "
		      "said holds for the rest.",
		      to);
	if (exit_code == EXIT_FAILED)
		fputs(" <strong>Not everything was read.</strong>", to);
	fputs("</p>\n", to);
}

/* The part of the time line in which something left. */
struct span {
	unsigned from, to; /* buckets; to: behind the last */
	uint64_t most;
};

static struct span span_of(const struct timeline *t)
{
	struct span s = {.from = TALLY_BUCKETS};

	for (unsigned i = 0; i < TALLY_BUCKETS; i++) {
		uint64_t sum = timeline_sum(t, i);

		s.most = sum > s.most ? sum : s.most;
		if (sum) {
			s.from = i < s.from ? i : s.from;
			s.to = i + 1;
		}
	}
	return s;
}

static void bars(FILE *to, const struct timeline *t, const struct span *s)
{
	static const struct {
		enum decide_action action;
		const char *color;
	} parts[] = {{DECIDE_ALLOW, "#2da44e"},
		     {DECIDE_ALERT, "#d4a72c"},
		     {DECIDE_BLOCK, "#cf222e"}};
	double wide = (double)WIDTH / (s->to - s->from < 24 ? 24 : s->to - s->from);

	for (unsigned i = s->from; i < s->to; i++) {
		double y = HEIGHT;

		for (unsigned p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
			double h = (double)t->bytes[i][parts[p].action] * HEIGHT / (double)s->most;

			if (h <= 0)
				continue;
			y -= h;
			fprintf(to,
				"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
				"fill=\"%s\"/>",
				(i - s->from) * wide, y, wide * .9, h, parts[p].color);
		}
	}
}

static void timeline(FILE *to, const struct timeline *t)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], m[TEXT_SHORT], w[TEXT_SHORT];
	struct span s = span_of(t);

	if (!s.most)
		return;
	fprintf(to,
		"<h2>When</h2><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"bytes that left "
		"over time, by verdict\">",
		WIDTH, HEIGHT + 2);
	bars(to, t, &s);
	fprintf(to,
		"<line x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#8c959f\"/></svg>\n"
		"<p class=\"s\">%s to %s, %s a bar, at most %s in one. "
		"<span class=\"allow\">allowed</span>, <span class=\"alert\">alerted on</span>, "
		"<span class=\"block\">blocked</span>. A flow's bytes are spread evenly over its "
		"time.</p>\n",
		HEIGHT + 1, WIDTH, HEIGHT + 1,
		text_time(a, (int64_t)((t->base + t->width * s.from) / 1000000000)),
		text_time(b, (int64_t)((t->base + t->width * s.to) / 1000000000)),
		text_duration(w, (int64_t)(t->width / 1000000000)), text_bytes(m, s.most));
}

static void rows(FILE *to, const char *title, const char *head, const struct report_row *r,
		 size_t n)
{
	char address[IP_STRLEN], cc[3], count[TEXT_SHORT];

	fprintf(to,
		"<h2>%s</h2><div class=\"scroll\"><table><tr><th>%s</th>%s<th class=\"n\">packets</th>"
		"<th class=\"n\">allowed</th><th class=\"n\">alerted on</th><th class=\"n\">blocked</th></tr>\n",
		title, head, n && !r[0].name ? "<th>to</th>" : "");
	for (size_t i = 0; i < n && i < ROWS_MAX; i++) {
		fputs("<tr><td>", to);
		if (r[i].name)
			page_name(to, r[i].name);
		else
			fprintf(to, "%s</td><td>%s",
				r[i].host.v ? ip_format(address, &r[i].host) : "others",
				r[i].country ? country_text(r[i].country, cc) : "unknown");
		fprintf(to, "</td><td class=\"n\">%s</td>", text_count(count, r[i].packets));
		report_cell_bytes(to, "allow", r[i].bytes[DECIDE_ALLOW]);
		report_cell_bytes(to, "alert", r[i].bytes[DECIDE_ALERT]);
		report_cell_bytes(to, "block", r[i].bytes[DECIDE_BLOCK]);
		fputs("</tr>\n", to);
	}
	fputs("</table></div>\n", to);
	if (n > ROWS_MAX)
		fprintf(to, "<p class=\"s\">and %zu more</p>\n", n - ROWS_MAX);
}

static void destinations(FILE *to, const struct report *p)
{
	char address[IP_STRLEN], cc[3], bytes[TEXT_SHORT], first[TEXT_SHORT], last[TEXT_SHORT];

	fputs("<h2>Destinations</h2><div class=\"scroll\"><table><tr><th>address</th><th>country</th>"
	      "<th>provider</th><th>verdict</th><th>rule</th><th class=\"n\">bytes</th><th>first</th>"
	      "<th>last</th></tr>\n",
	      to);
	for (size_t i = 0; i < p->ndestinations && i < ROWS_MAX; i++) {
		const struct pipeline_destination *d = &p->destinations[i];
		const char *v = event_verdict_name(d->verdict);

		fprintf(to, "<tr><td>%s</td><td>%s</td><td>",
			d->address.v ? ip_format(address, &d->address) : "others",
			d->place->country ? country_text(d->place->country, cc) : "unknown");
		page_name(to, d->provider);
		fprintf(to, "</td><td class=\"%s\">%s</td><td><code>", v, v);
		page_name(to, d->rule ? d->rule->text : "default");
		fprintf(to,
			"</code></td><td class=\"n\">%s</td><td class=\"s t\">%s</td><td class=\"s t\">%s</td></tr>\n",
			text_bytes(bytes, d->bytes),
			text_time(first, (int64_t)(d->first_ns / 1000000000)),
			text_time(last, (int64_t)(d->last_ns / 1000000000)));
	}
	fputs("</table></div>\n", to);
	if (p->ndestinations > ROWS_MAX)
		fprintf(to, "<p class=\"s\">and %zu more: in the table of --csv</p>\n",
			p->ndestinations - ROWS_MAX);
}

static void not_seen(FILE *to, const struct replay *r)
{
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);
	char n[TEXT_SHORT], m[TEXT_SHORT], what[128];
	bool any = false;

	fprintf(to,
		"<h2>What was not seen</h2><p>%s packets in all, %s of them judged as leaving. ",
		text_count(n, c->packets), text_count(m, c->judged));
	fputs("Encrypted tunnels are judged by their outer header.</p><ul>\n", to);
	for (unsigned i = 0; i < c->nkinds; i++) {
		fprintf(to, "<li>%s frames without a verdict: ", text_count(n, c->kind[i].packets));
		page_text(to, replay_kind_text(what, sizeof(what), &c->kind[i]));
		fputs(c->kind[i].result == PACKET_CONTROL
			      ? " (nothing of anybody's is in them)</li>\n"
			      : "</li>\n",
		      to);
		any = true;
	}
	for (size_t i = 0; i < r->ncaptures; i++)
		for (size_t k = 0; k < r->captures[i].nnotes; k++) {
			const struct capture_note *note = &r->captures[i].note[k];

			fputs("<li>", to);
			page_name(to, r->captures[i].path);
			fprintf(to, ": %s at offset %llu, after packet %llu: %s %s lost</li>\n",
				capture_damage_name(note->what), (unsigned long long)note->offset,
				(unsigned long long)note->packet, text_count(n, note->bytes),
				note->what == CAPTURE_DROPPED ? "packets" : "bytes");
			any = true;
		}
	if (r->unread)
		fprintf(to, "<li>%s files or folders that could not be read</li>\n",
			text_count(n, r->unread));
	fputs(any || r->unread ? "</ul>\n" : "<li>nothing else</li></ul>\n", to);
}

static void inputs(FILE *to, const struct replay *r)
{
	char n[TEXT_SHORT], a[TEXT_SHORT], b[TEXT_SHORT];

	fputs("<h2>What was read</h2><div class=\"scroll\"><table><tr><th>capture</th><th>SHA-256</th>"
	      "<th class=\"n\">packets</th><th>first</th><th>last</th></tr>\n",
	      to);
	for (size_t i = 0; i < r->ncaptures; i++) {
		const struct replay_capture *c = &r->captures[i];

		fputs("<tr><td>", to);
		page_name(to, c->path);
		fprintf(to,
			"</td><td><code class=\"s\">%s</code></td><td class=\"n\">%s</td>"
			"<td class=\"s t\">%s</td><td class=\"s t\">%s</td></tr>\n",
			c->sha256, text_count(n, c->packets),
			c->packets ? text_time(a, (int64_t)(c->first_seen / 1000000000)) : "",
			c->packets ? text_time(b, (int64_t)(c->last_seen / 1000000000)) : "");
	}
	fputs("</table></div><p class=\"s\">policy: ", to);
	page_name(to, r->engines[0]->policy->file);
	fprintf(to, ", SHA-256 <code>%s</code>; cordon %s</p>\n", r->engines[0]->policy->sha256,
		CORDON_VERSION);
}

int report_html(const struct report *p, const struct replay *r, int exit_code, FILE *to)
{
	const struct pipeline_tallies *t = pipeline_tallies(r->pipeline);
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);

	fprintf(to,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		"content=\"width=device-width,initial-scale=1\"><title>What left: cordon replay</title>"
		"<style>%s</style></head><body>\n<h1>What left</h1>\n",
		style);
	verdict(to, c, exit_code);
	timeline(to, &t->time);
	rows(to, "Countries", "country", p->countries, p->ncountries);
	rows(to, "Hosts", "source", p->hosts, p->nhosts);
	destinations(to, p);
	report_html_recipients(to, p);
	rows(to, "Operators", "operator", p->operators, p->noperators);
	rows(to, "Law over the operator", "jurisdiction", p->laws, p->nlaws);
	rows(to, "Services", "service", p->services, p->nservices);
	not_seen(to, r);
	inputs(to, r);
	fputs("</body></html>\n", to);
	return ferror(to) ? -EIO : 0;
}
