/* SPDX-License-Identifier: BSD-2-Clause */
/* merge.h - inside geo only: all sources of p -> its ranges and places. */
#ifndef GEO_MERGE_MERGE_H
#define GEO_MERGE_MERGE_H
#include "geo/places.h"

/* Marks what a newer edition supersedes, with a note. */
void editions_judge(struct places *p, struct diag_sink *d);
int places_merge(struct places *p, struct diag_sink *d);
#endif
