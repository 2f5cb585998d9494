/* SPDX-License-Identifier: BSD-2-Clause */
/* form_html.c - the report as one page: sentences, charts, a map, and each table. No script, no other file; it prints. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "agent/report/form_html.h"
#include "agent/report/page.h"

static const char style[] =
	"@page{size:A4;margin:14mm 12mm}@page wide{size:A4 landscape;margin:12mm}"
	"*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
	"body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:#1b1f24;"
	"background:#fff;"
	"max-width:72rem;margin:0 auto;padding:1.5rem 1rem 4rem}"
	"a{color:#0550ae}a:focus-visible,.scroll:focus-visible{outline:3px solid #0550ae;outline-offset:2px}"
	"h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.6rem 0 .4rem;padding-top:.6rem;"
	"border-top:1px solid #c8d1da}p{margin:.4rem 0}.s{color:#4b5560;font-size:.9rem}"
	"nav ul{list-style:none;margin:1rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.92rem}"
	".say{list-style:none;margin:1.2rem 0;padding:0}"
	".say li{padding:.55rem .9rem;margin:.4rem 0;border-left:5px solid #8c959f;"
	"background:#f6f8fa}.say .b{border-color:#cf222e;background:#ffebe9;font-weight:600}"
	".say .w{border-color:#9a6700;background:#fff8c5}.say .g{border-color:#1a7f37;background:#dafbe1}"
	".say b{display:inline-block;width:1.2em}"
	".scroll{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;width:100%;font-size:.92rem}"
	"th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}"
	"thead th{border-bottom:2px solid #8c959f;vertical-align:bottom;font-weight:600}tbody th{font-weight:400}"
	"tfoot td,tfoot th{border-top:2px solid #8c959f;font-weight:600}.n{text-align:right;white-space:nowrap;"
	"font-variant-numeric:tabular-nums}.t{white-space:nowrap}thead .n{white-space:normal}.many{font-size:.8rem}"
	".f{overflow-wrap:anywhere;min-width:6.5em}.w{min-width:7em}.many td,.many th{padding:.3rem .45rem}"
	".k{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border:1px solid #0003;vertical-align:-.05em}"
	".key{list-style:none;padding:0;margin:.2rem 0 .8rem;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.9rem}"
	"svg{display:block;width:100%;height:auto;margin:.4rem 0}.maps{display:grid;grid-template-columns:2fr 1fr;gap:1rem;"
	"align-items:start}.land{fill:#e6eaee;stroke:#aab4be;stroke-width:.4}"
	".duo{display:grid;grid-template-columns:1fr 1fr;gap:1.6rem}"
	"pre{background:#f6f8fa;padding:.8rem;overflow-x:auto;font-size:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}"
	"code{font-family:ui-monospace,'DejaVu Sans Mono',monospace}"
	"@media screen and (max-width:60rem){.duo,.maps{grid-template-columns:1fr}}"
	"@media print{body{max-width:none;margin:0;padding:0;font-size:9.5pt}nav{display:none}h2{break-after:avoid}"
	"tr,.say li,svg{break-inside:avoid}footer{break-before:avoid}thead{display:table-header-group}"
	"tfoot{display:table-row-group}"
	"table{font-size:8.5pt}"
	".many{font-size:6.5pt}.many th,.many td{padding:.15rem .2rem;min-width:0}.many .t{white-space:normal}"
	".scroll{overflow:visible}.wide{page:wide}"
	"*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

/* Each is 3:1 or better on white, and no two differ by color alone: a name stands beside. */
static const char *const colors[REPORT_CLASSES] = {
	[CLASS_EU] = "#1a7f37",		 [CLASS_EEA] = "#3d8f6e",   [CLASS_ADEQUATE] = "#0969da",
	[CLASS_CONDITIONAL] = "#9a6700", [CLASS_THIRD] = "#cf222e", [CLASS_UNPROVABLE] = "#8250df",
	[CLASS_UNKNOWN] = "#57606a",
};

const char *html_class_color(uint64_t text)
{
	for (unsigned c = 0; c < REPORT_CLASSES; c++)
		if (report_class_text((enum report_class)c) == text)
			return colors[c];
	return NULL;
}

const char *html_color(enum report_class c)
{
	return colors[c];
}

static bool is_number(enum report_kind k)
{
	return k == KIND_BYTES || k == KIND_COUNT || k == KIND_SECONDS;
}

static void put_value(FILE *to, enum report_kind k, const struct report_cell *c, enum report_lang l)
{
	const char *color = k == KIND_WORD ? html_class_color(c->n) : NULL;
	bool foreign = (k == KIND_NAME || k == KIND_COUNTRY) && c->s && *c->s;
	char buf[CELL_MAX];

	if (color)
		fprintf(to, "<span class=\"k\" style=\"background:%s\"></span>", color);
	if (foreign)
		fputs("<bdi>", to);
	page_text(to, cell_text(buf, sizeof(buf), k, c, l));
	if (foreign)
		fputs("</bdi>", to);
}

static void put_cell(FILE *to, enum report_kind k, const struct report_cell *c, bool head,
		     enum report_lang l)
{
	fputs(head ? "<th scope=\"row\"" : "<td", to);
	if (is_number(k))
		fprintf(to, " class=\"n\" data-n=\"%" PRIu64 "\"", c->n);
	else if (k == KIND_TIME || k == KIND_DATE)
		fputs(" class=\"t\"", to);
	else if (k == KIND_WORD)
		fputs(" class=\"w\"", to);
	else if (k == KIND_NAME && c->s && strlen(c->s) > 12)
		fputs(" class=\"f\"", to);
	fputc('>', to);
	put_value(to, k, c, l);
	fputs(head ? "</th>" : "</td>", to);
}

static void put_sums(FILE *to, const struct report_table *t, size_t first,
		     const struct report_line *name, enum report_lang l)
{
	char buf[LINE_MAX_BYTES];

	fputs("<tr><th scope=\"row\">", to);
	page_text(to, line_text(buf, sizeof(buf), name, l));
	fputs("</th>", to);
	for (unsigned c = 1; c < t->columns; c++) {
		struct report_cell sum = {.n = table_sum_after(t, c, first)};

		if (t->column[c].kind == KIND_ROWS)
			continue;
		if (t->column[c].role == SUM)
			put_cell(to, t->column[c].kind, &sum, false, l);
		else
			fputs("<td></td>", to);
	}
	fputs("</tr>\n", to);
}

static bool has_sum(const struct report_table *t)
{
	for (unsigned c = 0; c < t->columns; c++)
		if (t->column[c].role == SUM)
			return true;
	return false;
}

static void put_head(FILE *to, const struct report_table *t, enum report_lang l)
{
	fputs("<thead><tr>", to);
	for (unsigned c = 0; c < t->columns; c++) {
		if (t->column[c].kind == KIND_ROWS)
			continue;
		fprintf(to, "<th scope=\"col\"%s>",
			c && is_number(t->column[c].kind) ? " class=\"n\"" : "");
		page_text(to, report_text(t->column[c].title, l));
		fputs("</th>", to);
	}
	fputs("</tr></thead>\n", to);
}

static void put_row(FILE *to, const struct report_table *t, size_t row, enum report_lang l)
{
	fputs("<tr>", to);
	for (unsigned c = 0; c < t->columns; c++)
		if (t->column[c].kind != KIND_ROWS)
			put_cell(to, t->column[c].kind, &t->cell[row * t->columns + c], c == 0, l);
	fputs("</tr>\n", to);
}

void html_table(FILE *to, const struct report_table *t, enum report_lang l)
{
	size_t n = t->shown && t->shown < t->rows ? t->shown : t->rows;
	struct report_line rest = {T_REST, {KIND_COUNT}, {{.n = t->rows - n}}, ' '};
	struct report_line total = {.text = T_TOTAL};

	if (t->note) {
		fputs("<p class=\"s\">", to);
		page_text(to, report_text(t->note, l));
		fputs("</p>\n", to);
	}
	if (!t->rows) {
		fputs("<p>", to);
		page_text(to, report_text(T_NO_ROWS, l));
		fputs("</p>\n", to);
		return;
	}
	fprintf(to,
		"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"h-%s\"><table id=\"t-%s\"%s>\n",
		t->id, t->id, t->columns > 8 ? " class=\"many\"" : "");
	put_head(to, t, l);
	fputs("<tbody>\n", to);
	for (size_t i = 0; i < n; i++)
		put_row(to, t, i, l);
	if (n < t->rows)
		put_sums(to, t, n, &rest, l);
	fputs("</tbody>", to);
	if (has_sum(t)) {
		fputs("<tfoot>", to);
		put_sums(to, t, 0, &total, l);
		fputs("</tfoot>", to);
	}
	fputs("</table></div>\n", to);
}

void html_head(FILE *to, const char *id, enum report_text title, enum report_lang l)
{
	fprintf(to, "<h2 id=\"h-%s\">", id);
	page_text(to, report_text(title, l));
	fputs("</h2>\n", to);
}

static void put_lines(FILE *to, const struct residency *r, enum report_lang l)
{
	static const char *const mark[] = {"\xe2\x96\xb2", "\xe2\x97\x86", "\xe2\x9c\x93",
					   "\xe2\x80\xa2"};
	char buf[LINE_MAX_BYTES];

	fputs("<ul class=\"say\">\n", to);
	for (unsigned i = 0; i < r->lines; i++) {
		char tone = r->line[i].tone;

		fprintf(to, "<li class=\"%c\"><b aria-hidden=\"true\">%s</b> ",
			tone == ' ' ? 'p' : tone,
			mark[tone == 'b'   ? 0
			     : tone == 'w' ? 1
			     : tone == 'g' ? 2
					   : 3]);
		page_text(to, line_text(buf, sizeof(buf), &r->line[i], l));
		fputs("</li>\n", to);
	}
	fputs("</ul>\n", to);
}

static void put_top(FILE *to, const struct residency *r, enum report_lang l)
{
	struct report_line period = {T_PERIOD,
				     {KIND_TIME, KIND_TIME},
				     {{.n = (uint64_t)r->from}, {.n = (uint64_t)r->to}},
				     ' '};
	char buf[LINE_MAX_BYTES];

	fprintf(to,
		"<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		"content=\"width=device-width,initial-scale=1\"><title>",
		l == REPORT_FR ? "fr" : "en");
	page_text(to, report_text(T_TITLE, l));
	fprintf(to, "</title><style>%s</style></head><body>\n<header><h1>", style);
	page_text(to, report_text(T_TITLE, l));
	fputs("</h1><p>", to);
	page_text(to, line_text(buf, sizeof(buf), &period, l));
	fputs("</p></header>\n<main>\n", to);
	put_lines(to, r, l);
}

static void put_nav(FILE *to, const struct residency *r, enum report_lang l)
{
	fputs("<nav><ul>\n", to);
	for (unsigned i = 0; i < REPORT_TABLES; i++) {
		fprintf(to, "<li><a href=\"#h-%s\">", r->table[i].id);
		page_text(to, report_text(r->table[i].title, l));
		fputs("</a></li>\n", to);
	}
	fputs("<li><a href=\"#h-proof\">", to);
	page_text(to, report_text(T_TAB_PROOF, l));
	fputs("</a></li>\n</ul></nav>\n", to);
}

static void put_section(FILE *to, const struct residency *r, enum report_table_id id,
			html_chart_fn *chart, enum report_lang l)
{
	const struct report_table *t = &r->table[id];

	fprintf(to, "<section%s>", t->columns > 8 && t->rows ? " class=\"wide\"" : "");
	html_head(to, t->id, t->title, l);
	if (chart)
		chart(to, r, t, l);
	html_table(to, t, l);
	fputs("</section>\n", to);
}

int report_put_html(const struct residency *r, enum report_lang l, FILE *to)
{
	static html_chart_fn *const chart[REPORT_TABLES] = {
		[TABLE_PLACE] = html_bar,    [TABLE_LAW] = html_bar,
		[TABLE_COUNTRY] = html_maps, [TABLE_COVERAGE] = html_coverage,
		[TABLE_DAYS] = html_days,
	};

	put_top(to, r, l);
	put_nav(to, r, l);
	for (unsigned i = 0; i < REPORT_TABLES; i++)
		put_section(to, r, (enum report_table_id)i, chart[i], l);
	html_proof(to, r, l);
	fputs("</main>\n<footer class=\"s\"><p>cordon " CORDON_VERSION
	      "</p></footer></body></html>\n",
	      to);
	return ferror(to) ? -EIO : 0;
}
