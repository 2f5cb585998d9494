/* SPDX-License-Identifier: BSD-2-Clause */
/* charts.c - drawings as inline SVG: each shows the table below it, which has the numbers. */
#include <string.h>
#include "agent/base/text.h"
#include "agent/report/form_html.h"
#include "agent/report/map.h"
#include "agent/report/page.h"
#include "geo/facts/country.h"

#define WIDTH 960

static void begin(FILE *to, double height, enum report_text title, enum report_lang l)
{
	fprintf(to, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"", WIDTH, height);
	page_text(to, report_text(title, l));
	fputs("\">\n", to);
}

static void tip(FILE *to, const char *name, enum report_kind k, const struct report_cell *c,
		enum report_lang l)
{
	char buf[CELL_MAX];

	fputs("<title>", to);
	page_text(to, name);
	fputs(": ", to);
	page_text(to, cell_text(buf, sizeof(buf), k, c, l));
	fputs("</title>", to);
}

/* One bar of the table's column 1, a part a row. */
static void parts(FILE *to, const struct report_table *t, const char *const *color,
		  enum report_lang l)
{
	double sum = (double)table_sum(t, 1), x = 0;

	begin(to, 34, t->title, l);
	fprintf(to, "<rect width=\"%d\" height=\"34\" fill=\"#e6eaee\"/>\n", WIDTH);
	for (size_t i = 0; i < t->rows && sum > 0; i++) {
		const struct report_cell *c = t->cell + i * t->columns;
		double w = (double)c[1].n * WIDTH / sum;
		const char *fill = color ? color[i] : html_class_color(c[0].n);

		if (w <= 0)
			continue;
		fprintf(to,
			"<rect x=\"%.2f\" width=\"%.2f\" height=\"34\" fill=\"%s\" stroke=\"#fff\">",
			x, w, fill ? fill : "#57606a");
		tip(to, report_text((enum report_text)c[0].n, l), t->column[1].kind, &c[1], l);
		fputs("</rect>\n", to);
		x += w;
	}
	fputs("</svg>\n", to);
}

void html_bar(FILE *to, const struct residency *r, const struct report_table *t, enum report_lang l)
{
	(void)r;
	parts(to, t, NULL, l);
}

void html_coverage(FILE *to, const struct residency *r, const struct report_table *t,
		   enum report_lang l)
{
	static const char *const color[COVERS] = {"#1a7f37", "#9a6700", "#8250df", "#cf222e",
						  "#57606a"};

	(void)r;
	parts(to, t, color, l);
	fputs("<ul class=\"key\" aria-hidden=\"true\">", to);
	for (size_t i = 0; i < t->rows; i++) {
		fprintf(to, "<li><span class=\"k\" style=\"background:%s\"></span>", color[i]);
		page_text(to, report_text((enum report_text)t->cell[i * t->columns].n, l));
		fputs("</li>", to);
	}
	fputs("</ul>\n", to);
}

/* ---- days ---- */
#define DAYS_HEIGHT 150

static void day_bar(FILE *to, const struct report_table *t, size_t i, double most,
		    enum report_lang l)
{
	static const enum report_class class[] = {CLASS_EU, CLASS_EU, CLASS_ADEQUATE, CLASS_THIRD};
	const struct report_cell *c = t->cell + i * t->columns;
	double w = (double)WIDTH / (double)t->rows, y = DAYS_HEIGHT;
	char day[CELL_MAX], name[2 * CELL_MAX];

	for (unsigned k = 1; k < t->columns; k++) {
		double h = (double)c[k].n * DAYS_HEIGHT / most;

		if (h <= 0)
			continue;
		h = h < .5 ? .5 : h; /* what is little is still seen */
		y -= h;
		fprintf(to,
			"<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\">",
			(double)i * w, y < 0 ? 0 : y, w * .88, h, html_color(class[k]));
		text_put(name, sizeof(name), "%s, %s",
			 cell_text(day, sizeof(day), KIND_DATE, &c[0], l),
			 report_text(t->column[k].title, l));
		tip(to, name, KIND_BYTES, &c[k], l);
		fputs("</rect>\n", to);
	}
}

void html_days(FILE *to, const struct residency *r, const struct report_table *t,
	       enum report_lang l)
{
	static const enum report_class class[] = {CLASS_EU, CLASS_EU, CLASS_ADEQUATE, CLASS_THIRD};
	double most = 0;

	(void)r;
	for (size_t i = 0; i < t->rows; i++) {
		const struct report_cell *c = t->cell + i * t->columns;
		double sum = (double)c[1].n + (double)c[2].n + (double)c[3].n;

		most = sum > most ? sum : most;
	}
	if (most <= 0)
		return;
	begin(to, DAYS_HEIGHT + 2, t->title, l);
	for (size_t i = 0; i < t->rows; i++)
		day_bar(to, t, i, most, l);
	fprintf(to,
		"<path d=\"M0 %dH%d\" stroke=\"#57606a\"/></svg>\n<ul class=\"key\" aria-hidden=\"true\">",
		DAYS_HEIGHT + 1, WIDTH);
	for (unsigned k = 1; k < t->columns; k++) {
		fprintf(to, "<li><span class=\"k\" style=\"background:%s\"></span>",
			html_color(class[k]));
		page_text(to, report_text(t->column[k].title, l));
		fputs("</li>", to);
	}
	fputs("</ul>\n", to);
}

/* ---- maps ---- */
struct painter {
	const struct report_table *t;
	enum report_lang lang;
};

/* The first row of a country that is a known place; the table is in order of bytes. */
static const struct report_cell *row_of(const struct painter *p, uint16_t country)
{
	char cc[3];

	country_text(country, cc);
	for (size_t i = 0; country && i < p->t->rows; i++) {
		const struct report_cell *c = p->t->cell + i * p->t->columns;

		if (c[1].s && strcmp(c[1].s, cc) == 0 && c[2].n && c[0].n != T_CLASS_UNKNOWN &&
		    c[0].n != T_CLASS_UNPROVABLE)
			return c;
	}
	return NULL;
}

static void paint(FILE *to, void *arg, uint16_t country)
{
	const struct report_cell *c = row_of(arg, country);

	if (c)
		fprintf(to, " fill=\"%s\"", html_class_color(c[0].n));
}

static void call(FILE *to, void *arg, uint16_t country)
{
	const struct painter *p = arg;
	const struct report_cell *c = row_of(p, country);

	if (c)
		tip(to, country_name(country), KIND_BYTES, &c[2], p->lang);
}

static void map(FILE *to, const struct map_box *m, struct painter *p, enum report_text title)
{
	fprintf(to, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", m->width,
		map_height(m));
	page_text(to, report_text(title, p->lang));
	fputs("\"><g class=\"land\">\n", to);
	map_put(to, m, paint, call, p);
	fputs("</g></svg>\n", to);
}

static void key(FILE *to, enum report_lang l)
{
	fputs("<ul class=\"key\" aria-hidden=\"true\">", to);
	for (unsigned c = 0; c < CLASS_UNPROVABLE; c++) {
		fprintf(to, "<li><span class=\"k\" style=\"background:%s\"></span>",
			html_color((enum report_class)c));
		page_text(to, report_text(report_class_text((enum report_class)c), l));
		fputs("</li>", to);
	}
	fputs("</ul>\n", to);
}

void html_maps(FILE *to, const struct residency *r, const struct report_table *t,
	       enum report_lang l)
{
	static const struct map_box world = {-17000, -5600, 18000, 7800, 640, 1.1};
	static const struct map_box europe = {-1100, 3400, 3400, 7100, 460, .8};
	struct painter p = {t, l};

	(void)r;
	fputs("<div class=\"maps\">\n", to);
	map(to, &world, &p, T_MAP_WORLD);
	map(to, &europe, &p, T_MAP_EUROPE);
	fputs("</div>\n", to);
	key(to, l);
	fputs("<p class=\"s\">", to);
	page_text(to, report_text(T_NOTE_MAP, l));
	fputs("</p>\n", to);
}
