/* SPDX-License-Identifier: BSD-2-Clause */
/* hub_fuzz.c - a line of a host's feed becomes rows of COPY: whole ones, each with its columns, and none when the line is refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "agent/hub/hub_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* tabs of a stage's row; 0: hub_parse writes none there */
static const unsigned tabs[HUB_STAGES] = {[STAGE_HOST] = 2,
					  [STAGE_ROW] = 27,
					  [STAGE_PART] = 5,
					  [STAGE_CHECKPOINT] = 7,
					  [STAGE_STATE] = 7};

static void look(int i, const struct hub_stage_text *s, bool refused)
{
	unsigned n = 0, rows = 0;

	if (s->n && (refused || !tabs[i] || s->text[s->n - 1] != '\n'))
		abort();
	for (size_t k = 0; k < s->n; k++) {
		if (s->text[k] == '\t')
			n++;
		else if (s->text[k] == '\n')
			rows++;
		else if (!s->text[k] || s->text[k] == '\r')
			abort();
	}
	if (rows > 1 || n != rows * tabs[i])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hub h = {0};
	const char *why;
	int r;

	for (int i = 0; i < HUB_STAGES; i++) {
		h.stage[i].f = open_memstream(&h.stage[i].text, &h.stage[i].n);
		if (!h.stage[i].f)
			abort();
	}
	r = hub_parse(&h, (const char *)data, size, &why);
	if (r < 0 && !*why)
		abort();
	for (int i = 0; i < HUB_STAGES; i++) {
		fclose(h.stage[i].f);
		look(i, &h.stage[i], r < 0);
		free(h.stage[i].text);
	}
	return 0;
}
