/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_age.h - inside the engine only: which places rest on what is too old. */
#ifndef AGENT_ENGINE_ENGINE_AGE_H
#define AGENT_ENGINE_ENGINE_AGE_H
#include "agent/engine/engine.h"

/* Marks the classes whose source is over max-age with PLACE_STALE and fills e->oldest and e->stale. Returns
 * when the next source will be, Unix seconds; INT64_MAX: none. */
int64_t engine_ages(struct engine *e, int64_t now, struct place_class *classes, size_t n);
#endif
