/* SPDX-License-Identifier: BSD-2-Clause */
/* merge.h - inside geo only: all sources of p -> its ranges and places. */
#ifndef GEO_MERGE_MERGE_H
#define GEO_MERGE_MERGE_H
#include "geo/places.h"

int places_merge(struct places *p, struct diag_sink *d);
#endif
