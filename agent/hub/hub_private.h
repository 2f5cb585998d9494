/* SPDX-License-Identifier: BSD-2-Clause */
/* hub_private.h - a batch: what goes into each stage, as COPY has it. */
#ifndef AGENT_HUB_HUB_PRIVATE_H
#define AGENT_HUB_HUB_PRIVATE_H
#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>
#include "agent/hub/hub.h"

enum hub_stage {
	STAGE_HOST,
	STAGE_ROW,
	STAGE_PART,
	STAGE_CHECKPOINT,
	STAGE_STATE,
	STAGE_POSITION,
	STAGE_REFUSED,
	HUB_STAGES
};
struct hub_stage_text {
	FILE *f; /* open_memstream: owned */
	char *text;
	size_t n;
};
struct hub {
	PGconn *pg; /* owned */
	struct hub_stage_text stage[HUB_STAGES];
	unsigned lines; /* of the batch */
	size_t bytes;
	bool staged; /* the temporary tables are there, in this connection */
	struct hub_state state;
	char why[256];
};
/* A column of a row that is being written: its text, escaped; NULL is COPY's null. */
void hub_put_text(FILE *to, const char *s);
void hub_put_time(FILE *to, int64_t unix_ms);
/* What the line says goes into the stages. 0, or -EINVAL with a reason of one short sentence. */
int hub_parse(struct hub *h, const char *line, size_t n, const char **why);
#endif
