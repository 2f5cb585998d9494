/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge.c - what all sources say becomes one place for every address.
 *
 * One sweep a family over the flat spans of all sources and the special ranges. At each address
 * stands a tuple (kind of address, what source 1 says, what source 2 says, ...); tuples are
 * interned, so each different one is judged once:
 *
 *  1. A special range (private, multicast, ...) has a place only if a place line says so. Local
 *     stays local.
 *  2. Where: the first source that speaks, in the order of enum source_kind, then of the files as
 *     given; it has a grade (place.h). Sources of ASNs never speak of where. Of two editions of
 *     one list the newer speaks.
 *  3. If a later one differs on inside or outside of the EEA, the place is disputed: the first
 *     keeps the country, both claims are kept for explain, and no rule takes the country for
 *     granted. Lesser grades do not dispute what the operator itself says, and a place line
 *     settles it. Two countries of the EEA, one outside the EU (NO, SE): known, for zones that
 *     hold the whole EEA (PLACE_EU_DIFFERS).
 *  4. Nobody can say where (anycast, GLOBAL, a region in no table): unprovable, without a country,
 *     whatever lesser sources say; a geofeed may name the country of such a region. So is what
 *     an operator that publishes its regions does not list, and the registry country of one
 *     whose registration says nothing of where machines are (operator.h).
 *  5. Distance (refuted.h) has proven that the address is not in the country found so: disputed, a
 *     place line's too, for no line moves a machine; but not where the operator's own list says a
 *     country of the EEA, for the measurement speaks of whoever answers, a proxy perhaps, and
 *     must not block what is known.
 *  6. Provider, platform, region, law: from the first source that says each; the law else from the
 *     operators' table.
 *
 * tests/geo/merge_test.c is the golden table of these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/claims/store.h"
#include "geo/facts/operator.h"
#include "geo/facts/special.h"
#include "geo/facts/zone.h"
#include "geo/merge/merge.h"

/* [0] special ranges, [1] NAT64 prefixes, then the sources */
#define CURSORS_MAX    (SOURCES_MAX + 2)
#define CURSOR_SPECIAL 0
#define CURSOR_NAT64   1
#define CURSOR_SOURCE  2

struct cursor {
	const struct spans *spans;
	size_t next;	  /* first span that is not behind us */
	u128 first, last; /* of that span; first > last: none left */
	uint32_t says;
};
struct merge {
	struct places *p;
	struct source_data *order[SOURCES_MAX]; /* best precedence first */
	size_t index[SOURCES_MAX];		/* of each in the places */
	size_t norder;
	struct spans special, nat64;
	struct cursor cursor[CURSORS_MAX];
	size_t ncursors;
	struct intern tuples;
	uint32_t *place_of; /* by tuple */
	size_t place_room;
	bool is6;
};

static void load_cursor(struct cursor *c)
{
	if (c->next < c->spans->n) {
		struct span s = spans_get(c->spans, c->next);

		c->first = s.first;
		c->last = s.last;
		c->says = s.claim_value;
	} else {
		c->first = 1;
		c->last = 0;
	}
}

static unsigned inside(uint16_t country)
{
	return (unsigned)zone_has(ZONE_EU, country, INT64_MAX) << 1 |
	       zone_has(ZONE_EEA, country, INT64_MAX);
}

static bool speaks(const struct claim_value *s)
{
	return s->country || s->status == PLACE_UNPROVABLE || s->status == PLACE_DISPUTED;
}

struct judgement {
	struct place place;
	bool decided, settled;
	bool listed; /* by the operator itself, be it in a region that only others place */
	/* by a place line, or when a places.mmdb (no other MMDB names a law) was made */
	bool law_settled;
};

static void take_where(struct judgement *j, const struct claim_value *s, uint8_t grade,
		       uint8_t source)
{
	j->listed |= j->decided || grade <= GRADE_GEOFEED;
	j->decided = true;
	j->place.grade = grade;
	j->place.source = source;
	j->place.reason = s->reason;
	j->place.status = s->status == PLACE_UNKNOWN ? PLACE_KNOWN : s->status;
	j->place.country = s->status == PLACE_UNPROVABLE ? 0 : s->country;
	if (j->place.status == PLACE_UNPROVABLE && !j->place.reason)
		j->place.reason = REASON_ANYCAST;
}

/* A region that our table lacks has a country when a geofeed names it. */
static bool fills_region(const struct judgement *j, const struct claim_value *s, uint8_t grade)
{
	return j->place.status == PLACE_UNPROVABLE && j->place.reason == REASON_REGION &&
	       s->country && s->status == PLACE_KNOWN &&
	       (grade == GRADE_GEOFEED || grade == GRADE_THIRD_PARTY);
}

/* Rule 3. */
static void contest_where(struct judgement *j, const struct claim_value *s, uint8_t grade)
{
	unsigned mine = inside(j->place.country), other = inside(s->country);

	if (j->place.status != PLACE_KNOWN || !s->country || s->status > PLACE_KNOWN)
		return;
	if (mine == other || (j->listed && grade > j->place.grade))
		return;
	if (mine & other) { /* NO against SE */
		j->place.flags |= PLACE_EU_DIFFERS;
		return;
	}
	j->place.status = PLACE_DISPUTED;
	j->place.reason = REASON_SOURCES;
}

static void judge_where(struct judgement *j, const struct claim_value *s, const struct source *from,
			uint8_t source)
{
	uint8_t grade = s->grade ? s->grade : from->grade;

	if (from->kind == SOURCE_ASN || !speaks(s) || j->settled)
		return;
	if (!j->decided || fills_region(j, s, grade))
		take_where(j, s, grade, source);
	else
		contest_where(j, s, grade);
	j->settled = from->kind == SOURCE_PLACE_LINES;
}

/* Rule 5. What the operator itself says of its machines outweighs a measurement. */
static void judge_distance(struct judgement *j, const struct claim_value *s)
{
	bool own_word =
		j->place.grade == GRADE_OPERATOR && zone_has(ZONE_EEA, j->place.country, INT64_MAX);

	if (!s->country || s->country != j->place.country || j->place.status != PLACE_KNOWN ||
	    own_word)
		return;
	j->place.status = PLACE_DISPUTED;
	j->place.reason = REASON_DISTANCE;
}

static void judge_who(struct place *p, const struct claim_value *s)
{
	if (!p->region && (!p->provider || !s->provider || p->provider == s->provider))
		p->region = s->region;
	if (!p->provider)
		p->provider = s->provider;
	if (!p->platform)
		p->platform = s->platform;
	if (!p->jurisdiction)
		p->jurisdiction = s->jurisdiction;
}

static uint16_t law_over(const struct places *p, uint16_t name)
{
	const struct operator_entry *o = name ? operator_find(p->names.v[name]) : NULL;

	return o ? o->jurisdiction : 0;
}

/* A French platform on American machines is within reach of both laws; the one from outside of the
 * EEA is named, whichever source came first. What a place line says of the law stands. */
static void judge_law(const struct places *p, struct judgement *j)
{
	struct place *place = &j->place;
	uint16_t infrastructure;

	if (j->law_settled || !place->provider)
		return;
	infrastructure = law_over(p, place->provider);
	if (!place->jurisdiction || (place->platform && infrastructure && !inside(infrastructure)))
		place->jurisdiction = infrastructure;
}

/* Rule 4: what is known of the operator says how much a country that it did not name itself is
 * worth. */
static void judge_operator(const struct places *p, struct judgement *j)
{
	const struct operator_entry *o =
		j->place.provider ? operator_by_key(p->names.v[j->place.provider]) : NULL;

	if (!o || !j->decided || j->settled || j->place.status == PLACE_UNPROVABLE)
		return;
	if (o->anycast)
		j->place.reason = REASON_ANYCAST;
	else if (!j->listed && o->publishes_regions)
		j->place.reason = REASON_UNLISTED;
	else if (!j->listed && o->registry_says_nothing)
		j->place.reason = REASON_REGISTRY;
	else
		return;
	j->place.status = PLACE_UNPROVABLE;
	j->place.country = 0;
}

/* Rule 1: which sources may speak of an address of this kind. */
static bool contribution(enum place_scope scope, enum source_kind kind)
{
	if (kind == SOURCE_REFUTED)
		return false;
	return scope == SCOPE_GLOBAL || (kind == SOURCE_PLACE_LINES && scope != SCOPE_LOCAL);
}

static struct place judge(const struct merge *m, const uint32_t *tuple)
{
	struct judgement j = {.place.scope = (uint8_t)tuple[CURSOR_SPECIAL]};
	enum place_scope scope =
		tuple[CURSOR_NAT64] ? SCOPE_EMBEDDED : (enum place_scope)tuple[CURSOR_SPECIAL];

	j.place.scope = (uint8_t)scope;
	for (size_t i = 0; i < m->norder; i++) {
		const struct claim_value *s = places_claim_value(m->p, tuple[CURSOR_SOURCE + i]);
		enum source_kind kind = m->order[i]->pub.kind;

		if (kind == SOURCE_REFUTED) /* the last kind: the country stands */
			judge_distance(&j, s);
		if (!tuple[CURSOR_SOURCE + i] || !contribution(scope, kind))
			continue;
		j.law_settled |=
			(kind == SOURCE_PLACE_LINES || kind == SOURCE_MMDB) && s->jurisdiction;
		judge_where(&j, s, &m->order[i]->pub, places_number(m->p, m->index[i], s->inner));
		judge_who(&j.place, s);
		j.place.flags |= s->flags;
		if (scope != SCOPE_MULTICAST)
			j.place.scope = SCOPE_GLOBAL;
	}
	judge_operator(m->p, &j);
	if (j.place.reason == REASON_ANYCAST)
		j.place.flags |= PLACE_ANYCAST;
	judge_law(m->p, &j);
	return j.place;
}

/* The number of the place for the tuple, judged when it is new. */
static int place_of(struct merge *m, const uint32_t *tuple, uint32_t *ret)
{
	uint32_t t;
	size_t known = m->tuples.n;
	struct place place;
	int r = intern_add(&m->tuples, tuple, &t);

	if (r)
		return r;
	if (t < known) {
		*ret = m->place_of[t];
		return 0;
	}
	if (t >= m->place_room) {
		size_t room = m->place_room ? 2 * m->place_room : 1024;
		uint32_t *v = realloc(m->place_of, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->place_of = v;
		m->place_room = room;
	}
	place = judge(m, tuple);
	r = intern_add(&m->p->places, &place, &m->place_of[t]);
	*ret = m->place_of[t];
	return r;
}

/* Every range starts where the one before ended; equal neighbours are one. */
static int emit4(struct places *p, size_t *room, u128 first, uint32_t place)
{
	if (p->n4 && p->r4[p->n4 - 1].place == place)
		return 0;
	if (p->n4 == *room) {
		struct range4 *v = realloc_big(p->r4, 2 * *room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->r4 = v;
		*room *= 2;
	}
	p->r4[p->n4++] = (struct range4){(uint32_t)first, place};
	return 0;
}

static int emit6(struct places *p, size_t *room, u128 first, uint32_t place)
{
	if (p->n6 && p->r6[p->n6 - 1].place == place)
		return 0;
	if (p->n6 == *room) {
		struct range6 *v = realloc_big(p->r6, 2 * *room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->r6 = v;
		*room *= 2;
	}
	p->r6[p->n6++] = (struct range6){(uint64_t)(first >> 64), (uint64_t)first, place};
	return 0;
}

/* The tuple at 'at', whether it changed, and the last address for which it holds. */
static u128 tuple_at(struct merge *m, u128 at, uint32_t *tuple, bool *changed)
{
	u128 end = ip_number_max(m->is6);
	uint32_t says;

	*changed = !at;

	for (size_t i = 0; i < m->ncursors; i++) {
		struct cursor *c = &m->cursor[i];

		if (c->first <= c->last && c->last < at) {
			c->next++;
			load_cursor(c);
		}
		says = 0;
		if (c->first > at) { /* c->first > c->last: none left */
			if (c->first <= c->last && c->first - 1 < end)
				end = c->first - 1;
		} else if (c->first <= c->last) {
			says = c->says;
			if (c->last < end)
				end = c->last;
		}
		*changed |= says != tuple[i];
		tuple[i] = says;
	}
	return end;
}

static int sweep(struct merge *m)
{
	uint32_t tuple[CURSORS_MAX] = {0}, place = 0;
	size_t room = 4096;
	u128 at = 0, end;
	bool changed;
	int r = 0;

	if (m->is6)
		m->p->r6 = malloc(room * sizeof(*m->p->r6));
	else
		m->p->r4 = malloc(room * sizeof(*m->p->r4));
	if (m->is6 ? !m->p->r6 : !m->p->r4)
		return -ENOMEM;
	for (;; at = end + 1) {
		end = tuple_at(m, at, tuple, &changed);
		if (changed)
			r = place_of(m, tuple, &place);
		if (!r)
			r = m->is6 ? emit6(m->p, &room, at, place) : emit4(m->p, &room, at, place);
		if (r || end == ip_number_max(m->is6))
			return r;
	}
}

static int special_spans(struct merge *m)
{
	const struct special *v;
	size_t n = special_ranges(m->is6, &v);
	int r = 0;

	m->special = (struct spans){.is6 = m->is6};
	for (size_t i = 0; i < n && !r; i++)
		r = spans_add(&m->special, &(struct span){v[i].first, v[i].last, v[i].scope, 0});
	return r;
}

static int by_first(const void *a, const void *b)
{
	return ip_cmp(&((const struct cidr *)a)->addr, &((const struct cidr *)b)->addr);
}

/* Configured NAT64 prefixes, sorted; one inside another adds nothing here. */
static int nat64_spans(struct merge *m)
{
	u128 end = 0;
	int r = 0;

	m->nat64 = (struct spans){.is6 = m->is6};
	if (m->is6 && m->p->nnat64)
		qsort(m->p->nat64, m->p->nnat64, sizeof(*m->p->nat64), by_first);
	for (size_t i = 0; m->is6 && i < m->p->nnat64 && !r; i++) {
		struct ip first = cidr_first(&m->p->nat64[i]), last = cidr_last(&m->p->nat64[i]);
		struct span s = {ip_number(&first), ip_number(&last), 1, 0};

		if (m->nat64.n && s.first <= end)
			continue;
		end = s.last;
		r = spans_add(&m->nat64, &s);
	}
	return r;
}

static int merge_family(struct merge *m, bool is6)
{
	int r;

	m->is6 = is6;
	r = special_spans(m);
	if (!r)
		r = nat64_spans(m);
	m->cursor[CURSOR_SPECIAL] = (struct cursor){.spans = &m->special};
	m->cursor[CURSOR_NAT64] = (struct cursor){.spans = &m->nat64};
	for (size_t i = 0; i < m->norder; i++)
		m->cursor[CURSOR_SOURCE + i] =
			(struct cursor){.spans = source_flat(m->order[i], is6)};
	m->ncursors = CURSOR_SOURCE + m->norder;
	for (size_t i = 0; i < m->ncursors; i++)
		load_cursor(&m->cursor[i]);
	if (!r)
		r = sweep(m);
	spans_drop(&m->special);
	spans_drop(&m->nat64);
	return r;
}

static void order_sources(struct merge *m)
{
	for (int r = 0; r < SOURCE_RANKS; r++)
		for (size_t i = 0; i < m->p->nsources; i++)
			if (source_rank(m->p->sources[i]) == r &&
			    !m->p->sources[i]->pub.superseded) {
				m->index[m->norder] = i;
				m->order[m->norder++] = m->p->sources[i];
			}
}

int places_merge(struct places *p, struct diag_sink *d)
{
	struct merge m = {.p = p};
	int r;

	editions_judge(p, d);
	order_sources(&m);
	r = intern_init(&m.tuples, (CURSOR_SOURCE + m.norder) * sizeof(uint32_t), 1U << 24);
	if (!r)
		r = merge_family(&m, false);
	if (!r)
		r = merge_family(&m, true);
	intern_drop(&m.tuples);
	free(m.place_of);
	if (r == -E2BIG)
		diag_error(d, "places", 0, "more than %d different places", PLACE_CLASSES_MAX);
	return r;
}
