/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_moves.h - what a new edition of a source moves: over the border of the EEA, and out of its word. */
#ifndef AGENT_CMD_GEO_MOVES_H
#define AGENT_CMD_GEO_MOVES_H
#include "geo/places.h"

#define GEO_MOVES_PROVIDERS 64
#define GEO_MOVE_PERCENT    1 /* of a provider's addresses: more over the border is refused */

struct geo_moves {
	struct geo_move {
		char provider[32]; /* "" for those of nobody */
		/* IPv4 addresses; networks of 64 bits of IPv6 */
		struct geo_moved {
			uint64_t before, came_in, went_out, lost;
		} family[2];
	} v[GEO_MOVES_PROVIDERS];
	size_t n; /* what has no room counts with the last */
};
void geo_moves(struct geo_moves *ret, const struct places *before, const struct places *now);
/* Says what moved, a note a provider; returns how many moved or lost more than may be, with an error each. */
unsigned geo_moves_tell(const struct geo_moves *m, const char *file, const char *name, bool accept,
			struct diag_sink *d);
#endif
