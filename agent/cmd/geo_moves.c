/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_moves.c - a source is judged by what it does to addresses, not by how many lines it has: a list of the
 * same length may say of half a continent that it is in the EEA now, or be silent of what it named.
 */
#include "agent/cmd/geo_moves.h"
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/geo.h"
#include "geo/facts/zone.h"

enum side { SILENT, INSIDE, OUTSIDE };

static enum side side_of(const struct place *p)
{
	if (p->scope != SCOPE_GLOBAL || (!p->country && p->status == PLACE_UNKNOWN))
		return SILENT;
	return p->status == PLACE_KNOWN && zone_has(ZONE_EEA, p->country, INT64_MAX) ? INSIDE
										     : OUTSIDE;
}

static struct geo_move *move_of(struct geo_moves *m, const char *provider)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strncmp(m->v[i].provider, provider, sizeof(m->v[i].provider) - 1))
			return &m->v[i];
	if (m->n == GEO_MOVES_PROVIDERS)
		return &m->v[m->n - 1];
	text_put(m->v[m->n].provider, sizeof(m->v[m->n].provider), "%s", provider);
	return &m->v[m->n++];
}

struct sweep {
	struct geo_moves *to;
	const struct places *before, *now;
};

/* The same n addresses under both. */
static void add(struct sweep *s, unsigned family, uint32_t was, uint32_t is, uint64_t n)
{
	const struct place *a = places_get(s->before, was), *b = places_get(s->now, is);
	enum side from = side_of(a), to = side_of(b);
	struct geo_moved *m;

	if (from == SILENT)
		return;
	m = &move_of(s->to, places_string(s->before, a->provider))->family[family];
	m->before += n;
	if (to == SILENT)
		m->lost += n;
	else if (from != to && to == INSIDE)
		m->came_in += n;
	else if (from != to)
		m->went_out += n;
}

static void sweep4(struct sweep *s)
{
	size_t na, nb, i = 0, j = 0;
	const struct range4 *a = places_ranges4(s->before, &na), *b = places_ranges4(s->now, &nb);
	uint64_t at = 0, end;

	for (; na && nb && at <= UINT32_MAX; at = end) {
		uint64_t x = i + 1 < na ? a[i + 1].first : 1ull << 32;
		uint64_t y = j + 1 < nb ? b[j + 1].first : 1ull << 32;

		end = x < y ? x : y;
		add(s, 0, a[i].place, b[j].place, end - at);
		i += x == end;
		j += y == end;
	}
}

/* In networks of 64 bits; what divides one counts where it begins. */
static void sweep6(struct sweep *s)
{
	size_t na, nb, i = 0, j = 0;
	const struct range6 *a = places_ranges6(s->before, &na), *b = places_ranges6(s->now, &nb);
	uint64_t at = 0;

	while (i < na && j < nb) {
		uint64_t x = i + 1 < na ? a[i + 1].hi : UINT64_MAX;
		uint64_t y = j + 1 < nb ? b[j + 1].hi : UINT64_MAX;
		uint64_t end = x < y ? x : y;

		add(s, 1, a[i].place, b[j].place, end - at);
		at = end;
		i += x == end;
		j += y == end;
	}
}

void geo_moves(struct geo_moves *ret, const struct places *before, const struct places *now)
{
	struct sweep s = {ret, before, now};

	*ret = (struct geo_moves){.n = 0};
	sweep4(&s);
	sweep6(&s);
}

static bool over(uint64_t part, uint64_t of, unsigned percent)
{
	return (double)part * 100 > (double)of * percent;
}

static unsigned tell(const struct geo_move *v, unsigned family, const char *file, const char *name,
		     bool accept, struct diag_sink *d)
{
	const struct geo_moved *m = &v->family[family];
	const char *what = family ? "networks of 64 bits of IPv6" : "IPv4 addresses";
	const char *who = *v->provider ? v->provider : "addresses of no known operator";
	char in[TEXT_SHORT], out[TEXT_SHORT], lost[TEXT_SHORT], all[TEXT_SHORT];
	bool moves = over(m->came_in, m->before, GEO_MOVE_PERCENT) ||
		     over(m->went_out, m->before, GEO_MOVE_PERCENT);
	bool silent = over(m->lost, m->before, GEO_SHRINK_PERCENT);

	if (m->came_in || m->went_out)
		diag_at(d, moves && !accept ? DIAG_ERROR : DIAG_NOTE, file, 0, 0, 0,
			"%s: of %s %s %s are said to be in the EEA now, and %s no more%s%s%s", who,
			text_count(all, m->before), what, text_count(in, m->came_in),
			text_count(out, m->went_out),
			moves && !accept ? ": refused; --accept " : "",
			moves && !accept ? name : "", moves && !accept ? " takes it" : "");
	if (silent)
		diag_at(d, accept ? DIAG_NOTE : DIAG_ERROR, file, 0, 0, 0,
			"%s: of %s %s it is silent of %s now%s%s%s", who,
			text_count(all, m->before), what, text_count(lost, m->lost),
			accept ? "" : ": refused; --accept ", accept ? "" : name,
			accept ? "" : " takes it");
	return !accept && (moves || silent);
}

unsigned geo_moves_tell(const struct geo_moves *m, const char *file, const char *name, bool accept,
			struct diag_sink *d)
{
	unsigned refused = 0;

	for (size_t i = 0; i < m->n; i++)
		for (unsigned f = 0; f < 2; f++)
			refused += tell(&m->v[i], f, file, name, accept, d);
	return refused;
}
