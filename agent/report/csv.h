/* csv.h - tables that others wrote: RFC 4180, by the names of their columns. */
#ifndef AGENT_REPORT_CSV_H
#define AGENT_REPORT_CSV_H
#include <stddef.h>

#define CSV_COLUMNS 64
#define CSV_ROWS    200000
struct csv {
	char *text;	    /* owned; fields are in it */
	const char **field; /* owned; rows * columns, "" where a row is short */
	size_t rows, room;  /* without the head */
	unsigned columns;
	const char *head[CSV_COLUMNS];
};
/* Takes text (malloc'ed, ended with NUL). The separator is the head's: , or ;. 0; -EBADMSG: an open quote, more
 * columns than the head; -E2BIG; -ENOMEM. */
int csv_read(struct csv *c, char *text, size_t n);
void csv_drop(struct csv *c);
int csv_column(const struct csv *c, const char *name); /* case ignored; -1: none */
/* "" when there is no such column. */
const char *csv_get(const struct csv *c, size_t row, int column);
#endif
