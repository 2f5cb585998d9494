/* page.h - what every page that cordon writes needs: text that cannot become markup. */
#ifndef AGENT_REPORT_PAGE_H
#define AGENT_REPORT_PAGE_H
#include <stdio.h>

/* Text of ours: < > & " are escaped, control characters left out. */
void page_text(FILE *to, const char *s);
/* A name from outside: what a terminal could not show (control characters, broken UTF-8) is \xNN. */
void page_name(FILE *to, const char *s);
#endif
