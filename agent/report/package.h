/* package.h - the tables of a report package, out of a ZIP or a folder. */
#ifndef AGENT_REPORT_PACKAGE_H
#define AGENT_REPORT_PACKAGE_H
#include "agent/report/csv.h"
#include "geo/base/diag.h"

#define PACKAGE_FILE_MAX (64u << 20)
/* tables[i] gets the file whose name ends with names[i] (case ignored), wherever it lies; columns 0: there is none.
 * 0 or -errno after a diag; csv_drop each after success. */
int package_read(struct csv *tables, const char *const *names, size_t n, const char *path,
		 struct diag_sink *d);
#endif
