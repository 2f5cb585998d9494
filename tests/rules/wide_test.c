/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wide_test.c - policies with more subjects than have a column for each mask (decide.h: wide): what decides for a
 * sender of several subjects, against a plain reading of the rules.
 */
#include "tests/rules/fixture.h"

TestSuite(wide, .fini = no_leaks);

#define RULES  60
#define PLACES 4
static const char *const countries[PLACES] = {"DE", "FR", "US", "CH"};
static const int ports[] = {25, 443, 5432};

static uint64_t seed;

static unsigned roll(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 32) % n;
}

/* A rule as the test keeps it: subjects as bits, 0 = anybody. */
struct model {
	uint64_t from;
	unsigned action, to; /* to: bits of countries */
	int port;	     /* 0 = any */
	bool ended;
};

/* Even subjects are cgroups, odd ones users: the bit of each in a mask is asked from the compiled policy. */
static int subject_text(char *to, size_t size, unsigned i)
{
	return snprintf(to, size, i % 2 ? "user u%u" : "cgroup \"/c%u\"", i);
}

static size_t rule_text(char *to, size_t size, const struct model *r)
{
	static const char *const actions[] = {"allow", "alert", "block"};
	size_t n = (size_t)snprintf(to, size, "%s", actions[r->action]);
	const char *join = " from ";

	for (unsigned i = 0; i < DECIDE_SUBJECTS_MAX; i++)
		if (r->from >> i & 1) {
			n += (size_t)snprintf(to + n, size - n, "%s", join);
			n += (size_t)subject_text(to + n, size - n, i);
			join = ", ";
		}
	join = " to ";
	for (unsigned i = 0; i < PLACES; i++)
		if (r->to >> i & 1) {
			n += (size_t)snprintf(to + n, size - n, "%s%s", join, countries[i]);
			join = ", ";
		}
	if (r->port)
		n += (size_t)snprintf(to + n, size - n, " port %d", r->port);
	return n + (size_t)snprintf(to + n, size - n, "%s\n", r->ended ? " until 2001-01-01" : "");
}

/* 1 matches, 0 does not, -1 = would, if what is not known were so. */
static int matches(const struct model *r, const struct decide_packet *p, uint64_t subjects)
{
	uint64_t cgroups = 0x5555555555555555;
	int sender = !r->from || r->from & subjects ? 1 : 0;
	int service = !r->port || (p->has_port && p->port == r->port) ? 1 : 0;

	if (!sender && ((p->known == KNOWN_USER && r->from & cgroups) || p->known == KNOWN_NOBODY))
		sender = -1;
	if (!service && !p->has_port)
		service = -1;
	if (r->ended || !(r->to >> p->place & 1) || !sender || !service)
		return 0;
	return sender == 1 && service == 1 ? 1 : -1;
}

/* decide.h's invariant 3: the rule + 1, or 0 for the default. */
static unsigned expected(const struct model *rules, const struct decide_packet *p,
			 uint64_t subjects)
{
	unsigned best = 0;

	for (unsigned i = 0; i < RULES; i++) {
		int m = matches(&rules[i], p, subjects);

		if (!m || (m < 0 && rules[i].action == DECIDE_ALLOW))
			continue;
		if (!best || rules[i].action > rules[best - 1].action)
			best = i + 1;
		if (m > 0)
			return best;
	}
	return best && rules[best - 1].action == DECIDE_BLOCK ? best : 0;
}

static uint64_t mask_of(const struct compiled *c, uint64_t subjects)
{
	uint64_t mask = 0;
	char name[40];

	for (unsigned i = 0; i < DECIDE_SUBJECTS_MAX; i++) {
		snprintf(name, sizeof(name), i % 2 ? "u%u" : "/c%u", i);
		if (subjects >> i & 1)
			mask |= i % 2 ? compiled_user_mask(c, name, 1)
				      : compiled_cgroup_mask(c, name);
	}
	return mask;
}

static struct policy *random_policy(struct model rules[RULES], unsigned subjects)
{
	static char text[1 << 16];
	size_t n = 0;

	for (unsigned i = 0; i < RULES; i++) {
		rules[i] = (struct model){.action = roll(3), .to = 1 + roll((1 << PLACES) - 1)};
		for (unsigned k = roll(4); k; k--)
			rules[i].from |= 1ull << roll(subjects);
		rules[i].port = roll(3) ? 0 : ports[roll(3)];
		rules[i].ended = !roll(12);
		n += rule_text(text + n, sizeof(text) - n, &rules[i]);
	}
	return good(text);
}

static struct compiled *built(const struct policy *p, int live)
{
	static struct place_class classes[PLACES];

	for (unsigned i = 0; i < PLACES; i++)
		classes[i] = place_in(countries[i], PLACE_KNOWN);
	return compile(p, classes, PLACES, live);
}

static unsigned action_of(const struct model *rules, unsigned rule)
{
	return rule ? rules[rule - 1].action : DECIDE_BLOCK;
}

static void compare(uint64_t start, unsigned *wide, unsigned *several)
{
	struct model rules[RULES];
	struct policy *p;
	struct compiled *c;

	seed = start * 0x9e3779b97f4a7c15u;
	p = random_policy(rules, 8 + roll(DECIDE_SUBJECTS_MAX - 8));
	c = built(p, 0);
	*wide += DECIDE_WIDE(c->header.subjects);
	for (unsigned i = 0; i < 400; i++) {
		struct decide_packet k = {.place = roll(PLACES), .proto = 6, .has_port = !!roll(5)};
		const struct decide_decision *d;
		uint64_t subjects = 0;
		unsigned want;

		k.known = (uint8_t)(roll(3) ? KNOWN_ALL : roll(2) ? KNOWN_USER : KNOWN_NOBODY);
		k.port = (uint16_t)(k.has_port ? ports[roll(3)] : 0);
		for (unsigned n = roll(6); n && k.known != KNOWN_NOBODY; n--)
			subjects |= 1ull << roll(DECIDE_SUBJECTS_MAX);
		if (k.known == KNOWN_USER)
			subjects &= 0xaaaaaaaaaaaaaaaa;
		k.mask = mask_of(c, subjects);
		*several += __builtin_popcountll(k.mask) > 1;
		want = expected(rules, &k, subjects);
		d = compiled_decide(c, &k, UINT32_MAX, NOW * 1000000000ull);
		if (k.has_port && k.known == KNOWN_ALL) /* nothing is in doubt */
			cr_expect_eq(d->rule, want, "seed %llu: rule %u, expected %u",
				     (unsigned long long)start, d->rule, want);
		cr_expect_geq(d->action, action_of(rules, want), "seed %llu: milder than %u",
			      (unsigned long long)start, want);
	}
	compiled_free(c);
	policy_free(p);
}

Test(wide, agrees_with_first_match)
{
	unsigned wide = 0, several = 0;

	for (uint64_t s = 1; s <= 120; s++)
		compare(s, &wide, &several);
	cr_expect_gt(wide, 100, "%u policies were wide", wide);
	cr_expect_gt(several, 5000, "%u senders were several subjects", several);
}

/* What no table holds is block, as everywhere. */
Test(wide, out_of_range_blocks)
{
	struct model rules[RULES];
	struct policy *p;
	struct compiled *c;

	seed = 7;
	p = random_policy(rules, DECIDE_SUBJECTS_MAX);
	c = built(p, 1);
	cr_assert(DECIDE_WIDE(c->header.subjects));
	cr_expect_eq(line_of(c, PLACES, 6, 443, OPENED_HERE, KNOWN_ALL, 3), 0);
	cr_expect_eq(line_of(c, 0, 6, 443, OPENED_HERE, KNOWN_COUNT, 3), 0);
	cr_expect_eq(line_of(c, 0, 6, 443, OPENED_COUNT, KNOWN_ALL, 3), 0);
	compiled_free(c);
	policy_free(p);
}
