/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_memory.c - '--memory': a bound on what grows with the captures, shared out among the tables.
 *
 *     flows 1/2 | destinations, with their rows of the report 1/4 | events that wait for their order 1/8 | sums 1/8
 *
 * A full table loses nothing: the longest idle flows end, destinations and sources are counted together by verdict, and
 * events are told before all flows have ended (tests/agent/replay_memory_check.sh).
 */
#include <string.h>
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/engine/destinations.h"

#define MEMORY_MIN (4ull << 20)
/* Bytes: two slots and as much again while they move, and what stands beside them */
#define FLOW	    384u
#define DESTINATION 1024u /* its lines, two rows, and its text */
#define EVENT	    512u  /* twice: the list doubles */
#define TALLY	    512u  /* a line of three tables */

int replay_memory(struct replay *r, const char *text)
{
	static const char units[] = "KMG";
	char digits[16];
	size_t n = strspn(text, "0123456789");
	const char *unit = n < sizeof(digits) && text[n] ? strchr(units, text[n]) : NULL;
	uint64_t size = 0;

	text_put(digits, sizeof(digits), "%.*s", (int)(n < 15 ? n : 15), text);
	if (!unit || text[n + 1] || text_number(&size, digits, 1u << 20) < 0)
		size = 0;
	else
		size <<= 10 * (unit - units + 1);
	if (size < MEMORY_MIN)
		return diag_usage("replay",
				  "--memory takes a size of at least 4M, as 512M or 2G, not '%s'",
				  text);
	r->memory = size;
	return 0;
}

void replay_share_memory(const struct replay *r, struct pipeline_config *cfg)
{
	if (!r->memory)
		return;
	if (!cfg->flows_max) /* a power of two, since its slots are */
		for (cfg->flows_max = 64; cfg->flows_max * 2 * FLOW <= r->memory / 2;)
			cfg->flows_max *= 2;
	cfg->destinations_max = r->memory / 4 / DESTINATION < DESTINATIONS_MAX
					? (uint32_t)(r->memory / 4 / DESTINATION)
					: DESTINATIONS_MAX;
	cfg->events_max = r->memory / 8 / EVENT;
	cfg->tallies_max =
		r->memory / 8 / TALLY < TALLY_MAX ? (uint32_t)(r->memory / 8 / TALLY) : TALLY_MAX;
}

void replay_say_memory(const struct pipeline_counts *c)
{
	char count[TEXT_SHORT];

	if (c->evicted)
		diag_say("more than the limit of flows at a time: %s idle ones were ended early",
			 text_count(count, c->evicted));
	if (c->no_line)
		diag_say(
			"more than the limit of destinations: those of %s flows are counted together",
			text_count(count, c->no_line));
	if (c->early)
		diag_say(
			"more than --memory has room for: %s events do not stand in the order of their first packets",
			text_count(count, c->early));
}
