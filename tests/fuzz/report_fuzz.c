/* SPDX-License-Identifier: BSD-2-Clause */
/* report_fuzz.c - what the report reads of others: CSV, clauses of rules, names that become HTML. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/report/csv.h"
#include "agent/report/page.h"
#include "agent/report/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No byte of a name is markup: what is written has no <, > or " and no control character. */
static void page(const char *text)
{
	char *html = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&html, &n);

	if (!f)
		return;
	page_name(f, text);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if (strchr("<>\"", html[i]) || (unsigned char)html[i] < 0x20)
			abort();
	free(html);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *word;
	struct csv c;
	size_t n;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	page(text);
	if (rule_word(text, "basis", &word, &n) && (word < text || word + n > text + size))
		abort();
	if (memchr(text, 0, size) || csv_read(&c, text, size) < 0) {
		if (memchr(data, 0, size))
			free(text);
		return 0;
	}
	for (size_t i = 0; i < c.rows; i++)
		for (unsigned k = 0; k < c.columns; k++)
			if (strlen(csv_get(&c, i, (int)k)) > size)
				abort();
	csv_drop(&c);
	return 0;
}
