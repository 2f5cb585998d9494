/* SPDX-License-Identifier: BSD-2-Clause */
/* suspect.c - counts the countries that were refuted in about one time. */
#include "geo/distance/suspect.h"

#define MS 1000000ull

/* Within a quarter, or a millisecond: what a loaded machine adds to a short way. */
static bool about(uint64_t a, uint64_t b)
{
	uint64_t less = a < b ? a : b, more = a < b ? b : a;

	return more - less <= (less / 4 > MS ? less / 4 : MS);
}

static unsigned countries_at(const struct suspect *s, uint64_t rtt_ns)
{
	uint16_t seen[SUSPECT_KEPT];
	unsigned n = 0;

	for (unsigned i = 0; i < SUSPECT_KEPT && i < s->n; i++) {
		unsigned k = 0;

		if (!about(s->seen[i].rtt_ns, rtt_ns))
			continue;
		while (k < n && seen[k] != s->seen[i].country)
			k++;
		seen[k] = s->seen[i].country;
		n += k == n;
	}
	return n;
}

size_t suspect_answered(const struct suspect *s, const struct ip *ret[SUSPECT_KEPT])
{
	size_t n = 0;

	for (unsigned i = 0; s->rtt_ns && i < SUSPECT_KEPT && i < s->n; i++)
		if (about(s->seen[i].rtt_ns, s->rtt_ns))
			ret[n++] = &s->seen[i].ip;
	return n;
}

enum suspect_verdict suspect_see(struct suspect *s, const struct ip *ip, uint16_t country,
				 uint64_t rtt_ns)
{
	unsigned at = s->n % SUSPECT_KEPT;

	if (s->rtt_ns && about(s->rtt_ns, rtt_ns))
		return SUSPECT_SAME;
	s->seen[at].ip = *ip;
	s->seen[at].country = country;
	s->seen[at].rtt_ns = rtt_ns;
	s->n = s->n + 1 < 2 * SUSPECT_KEPT ? s->n + 1 : SUSPECT_KEPT;
	if (countries_at(s, rtt_ns) < SUSPECT_COUNTRIES)
		return SUSPECT_NO;
	s->rtt_ns = rtt_ns;
	return SUSPECT_NEW;
}
