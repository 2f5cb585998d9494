/* pdf.h - the page as PDF, by a program that is installed: WeasyPrint, else a Chromium without a window. */
#ifndef AGENT_REPORT_PDF_H
#define AGENT_REPORT_PDF_H
#include "agent/report/report.h"

/* path is replaced whole, or stays. 0 or -errno after a diag: -ENOENT when no such program is installed. */
int report_put_pdf(const struct residency *r, enum report_lang l, const char *path,
		   struct diag_sink *d);
#endif
