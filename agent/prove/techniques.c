/* SPDX-License-Identifier: BSD-2-Clause */
/* techniques.c - the table of techniques.def. */
#include "agent/prove/prove_private.h"

#define TECHNIQUE(nr, title, function, families, who, want, text)                                  \
	}                                                                                          \
	,                                                                                          \
	{                                                                                          \
		.number = (nr), .name = #title, .fire = function, .on = (families), .by = (who),   \
		.expected = PROVE_##want, .line = (text)
#define TECHNIQUE_IN(nr, title, function, families, who, want, text)                               \
	TECHNIQUE(nr, title, function, families, who, want, text), .peer = function##_peer
#define ELSEWHERE     , .elsewhere = true
#define DEVICES(want) , .devices = PROVE_##want
#define NOTE(text)    , .note = (text)

static const struct technique techniques[] = {{
#include "agent/prove/techniques.def"
}};

size_t prove_techniques_count(void)
{
	return sizeof(techniques) / sizeof(techniques[0]);
}

const struct technique *prove_technique(size_t i)
{
	return &techniques[i];
}
