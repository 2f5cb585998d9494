/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c - text and foreign names for HTML. */
#include "agent/report/page.h"
#include <stdint.h>
#include "agent/base/text.h"

#define NAME_MAX_BYTES 1024

void page_text(FILE *to, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			if ((unsigned char)*s >= 0x20)
				fputc(*s, to);
		}
}

void page_name(FILE *to, const char *s)
{
	char buf[NAME_MAX_BYTES];

	page_text(to, text_escape(buf, sizeof(buf), s, SIZE_MAX));
}
