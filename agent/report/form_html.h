/* form_html.h - the parts of the page: tables in form_html.c, drawings in charts.c. */
#ifndef AGENT_REPORT_FORM_HTML_H
#define AGENT_REPORT_FORM_HTML_H
#include "agent/report/report_private.h"

/* A drawing of what the table below it says. */
typedef void html_chart_fn(FILE *to, const struct residency *r, const struct report_table *t,
			   enum report_lang l);
html_chart_fn html_bar, html_maps, html_coverage, html_days;

void html_proof(FILE *to, const struct residency *r, enum report_lang l);
void html_table(FILE *to, const struct report_table *t, enum report_lang l);
void html_head(FILE *to, const char *id, enum report_text title, enum report_lang l);
const char *html_color(enum report_class c);
const char *html_class_color(uint64_t text); /* of a class's name; NULL: it is none */
#endif
