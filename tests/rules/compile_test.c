/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile_test.c - the compiled matrix against a first-match evaluator that is written here a
 * second time.
 *
 * A random policy is made as text and, beside it, as a model that the parser never sees. The
 * evaluator reads the model and the real addresses; the compiler reads the text and classes. They
 * must agree on every packet.
 */
#include <time.h>
#include "tests/rules/fixture.h"
#include "geo/facts/zone.h"

TestSuite(compile, .fini = no_leaks);

static uint64_t seed;
static unsigned any_of(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

#define DAY 86400
static const char *const countries[] = {"DE", "FR", "US", "GB", "CH", "NO", "JP", "RU", "MC"};
static const char *const zones[] = {"eu", "eea", "adequate", "adequate-conditional"};
static const char *const cidrs[] = {"192.0.2.0/24",   "192.0.2.128/25", "198.51.100.7",
				    "203.0.113.0/28", "2001:db8::/32",	"2001:db8:1::/48",
				    "10.0.0.0/8"};
static const unsigned asns[] = {64496, 64497, 64511};
static const char *const globs[] = {"eu-*", "*-1", "eu-central-1", "g?a"};

/* What one address of the test's world is. */
struct spot {
	const char *text;
	struct ip ip;
	const char *country, *law; /* "" = none */
	uint8_t status, scope;
	const char *provider, *platform, *region;
	unsigned asn;
};
static struct spot world[48];
#define WORLD (sizeof(world) / sizeof(*world))

static void make_world(void)
{
	static const char *const addresses[] = {
		"192.0.2.1",   "192.0.2.200",  "198.51.100.7", "198.51.100.8",
		"203.0.113.3", "203.0.113.99", "2001:db8::1",  "2001:db8:1::1",
		"2001:db9::1", "10.1.2.3",     "10.2.3.4",     "172.16.0.1",
		"10.77.0.1",   "10.77.0.2",    "8.8.8.8",      "127.0.0.1",
	};
	static const char *const providers[] = {"", "", "aws", "ovh"};
	static const char *const regions[] = {"", "eu-central-1", "eu-west-2", "us-east-1", "gra"};

	for (size_t i = 0; i < WORLD; i++) {
		struct spot *s = &world[i];

		*s = (struct spot){.text = addresses[i % 16],
				   .country = "",
				   .law = "",
				   .provider = "",
				   .platform = "",
				   .region = ""};
		cr_assert_eq(ip_parse(&s->ip, s->text), 0);
		s->status = (uint8_t)any_of(4);
		if (s->status == PLACE_KNOWN || s->status == PLACE_DISPUTED || any_of(3) == 0)
			s->country = countries[any_of(9)];
		if (s->status == PLACE_UNKNOWN)
			s->country = "";
		s->law = any_of(3) ? countries[any_of(9)] : "";
		s->provider = providers[any_of(4)];
		s->platform = *s->provider && !any_of(3) ? "heroku" : "";
		s->region = *s->provider ? regions[any_of(5)] : "";
		s->asn = any_of(2) ? asns[any_of(3)] : 0;
		if (i % 16 == 15)
			s->scope = SCOPE_LOCAL;
		else if (i % 16 == 11 && any_of(2)) {
			s->scope = SCOPE_PRIVATE;
			s->status = PLACE_UNKNOWN;
			s->country = "";
		} else if (!any_of(10)) {
			s->scope = SCOPE_MULTICAST;
		}
	}
}

/* ---- the model ---- */
enum {
	TO_ANY,
	TO_COUNTRY,
	TO_ZONE,
	TO_OWN,
	TO_CIDR,
	TO_PROVIDER,
	TO_ASN,
	TO_LAW,
	TO_HERE,
	TO_PRIVATE,
	TO_UNKNOWN,
	TO_DISPUTED,
	TO_UNPROVABLE,
	TO_KINDS
};
struct to {
	unsigned kind;
	const char *word, *glob;
	unsigned asn;
};
enum { WHO_UNIT, WHO_USER, WHO_CGROUP, WHO_SOURCE, WHO_MIXED };
static const struct {
	const char *text;
	unsigned kind;
	const char *arg;
} who[] = {
	{"unit \"postgresql@*.service\"", WHO_UNIT, "postgresql@*.service"},
	{"user postgres", WHO_USER, "postgres"},
	{"cgroup \"/system.slice\"", WHO_CGROUP, "/system.slice"},
	{"address 10.1.0.0/16", WHO_SOURCE, "10.1.0.0/16"},
	{"mixed", WHO_MIXED, ""}, /* subject mixed { user backup address 10.2.0.0/16 } */
};
struct model {
	unsigned action, nto, nwho, service, opened;
	struct to to[3];
	unsigned who[2];
	const char *under;
	int64_t until;
};
/* services: none, a port, a range, tcp port, udp, icmp, a named list */
static const char *const services[] = {
	"",	      " port 443",   " port 100-200", " proto tcp port 5432",
	" proto udp", " proto icmp", " service mix"};

static struct to random_to(void)
{
	struct to t = {.kind = any_of(TO_KINDS)};

	switch (t.kind) {
	case TO_COUNTRY:
		t.word = countries[any_of(9)];
		break;
	case TO_ZONE:
		t.word = zones[any_of(4)];
		break;
	case TO_LAW:
		t.word = any_of(2) ? zones[any_of(4)] : countries[any_of(9)];
		break;
	case TO_CIDR:
		t.word = cidrs[any_of(7)];
		break;
	case TO_PROVIDER:
		t.word = strings[1 + any_of(3)];
		t.glob = any_of(2) ? globs[any_of(4)] : NULL;
		break;
	case TO_ASN:
		t.asn = asns[any_of(3)];
		break;
	default:
		break;
	}
	return t;
}

static size_t to_text(char *s, size_t size, const struct to *t)
{
	static const char *const words[] = {[TO_ANY] = "any",
					    [TO_OWN] = "trusted",
					    [TO_HERE] = "here",
					    [TO_PRIVATE] = "private",
					    [TO_UNKNOWN] = "unknown",
					    [TO_DISPUTED] = "disputed",
					    [TO_UNPROVABLE] = "unprovable"};

	if (t->kind == TO_PROVIDER && t->glob)
		return (size_t)snprintf(s, size, "provider %s region \"%s\"", t->word, t->glob);
	if (t->kind == TO_PROVIDER)
		return (size_t)snprintf(s, size, "provider %s", t->word);
	if (t->kind == TO_ASN)
		return (size_t)snprintf(s, size, "asn %u", t->asn);
	if (t->kind == TO_LAW)
		return (size_t)snprintf(s, size, "jurisdiction %s", t->word);
	return (size_t)snprintf(s, size, "%s", t->word ? t->word : words[t->kind]);
}

static struct model random_rule(bool may_end)
{
	struct model m = {.action = any_of(3),
			  .nto = any_of(4),
			  .service = any_of(3) ? 0 : any_of(7)};

	for (unsigned i = 0; i < m.nto; i++)
		m.to[i] = random_to();
	if (!any_of(3))
		for (m.nwho = 0; m.nwho < 1 + any_of(2); m.nwho++)
			m.who[m.nwho] = any_of(5);
	if (!any_of(4))
		m.under = any_of(2) ? zones[any_of(4)] : countries[any_of(9)];
	m.opened = any_of(4) ? 0 : 1 + any_of(2);
	if (may_end && !any_of(2))
		m.until = NOW + ((int64_t)any_of(20) - 5) * DAY;
	return m;
}

static size_t rule_text(char *s, size_t size, const struct model *m)
{
	static const char *const actions[] = {"allow", "alert", "block"};
	size_t n = (size_t)snprintf(s, size, "%s", actions[m->action]);
	time_t day = m->until;
	struct tm tm;

	for (unsigned i = 0; i < m->nwho; i++)
		n += (size_t)snprintf(s + n, size - n, "%s%s", i ? ", " : " from ",
				      who[m->who[i]].text);
	for (unsigned i = 0; i < m->nto; i++) {
		n += (size_t)snprintf(s + n, size - n, "%s", i ? ", " : " to ");
		n += to_text(s + n, size - n, &m->to[i]);
	}
	if (m->under)
		n += (size_t)snprintf(s + n, size - n, " under %s", m->under);
	n += (size_t)snprintf(s + n, size - n, "%s", services[m->service]);
	if (m->opened)
		n += (size_t)snprintf(s + n, size - n, " opened by %s",
				      m->opened == 1 ? "here" : "peer");
	if (m->until) {
		gmtime_r(&day, &tm);
		n += strftime(s + n, size - n, " until %Y-%m-%d", &tm);
	}
	n += (size_t)snprintf(s + n, size - n, "\n");
	return n;
}

/* ---- the evaluator ---- */
struct packet {
	const struct spot *dst, *src;
	uint8_t proto, opened, known;
	bool has_port;
	uint16_t port;
	const char *cgroup, *user; /* what really is, and what of it is known */
	int64_t now;
};

static bool in_zone(const char *zone, const char *cc)
{
	if (!*cc)
		return false;
	if (strlen(zone) == 2 && zone[0] < 'a')
		return !strcmp(zone, cc);
	return zone_has((enum zone)zone_find(zone), CC(cc[0], cc[1]), NOW);
}

static bool in_cidr(const char *text, const struct ip *ip)
{
	struct cidr c;

	cr_assert_eq(cidr_parse(&c, text), 0);
	return cidr_has(&c, ip);
}

static bool fits(const char *glob, const char *s)
{
	if (*glob == '*')
		return fits(glob + 1, s) || (*s && fits(glob, s + 1));
	if (!*glob || !*s)
		return *glob == *s;
	return (*glob == '?' || *glob == *s) && fits(glob + 1, s + 1);
}

/* Returns 2 when it matches but speaks of where the place is, so that an allow needs a known place.
 */
static int to_matches(const struct to *t, const struct spot *s)
{
	bool lonely = s->scope == SCOPE_PRIVATE && !*s->country;

	switch (t->kind) {
	case TO_ANY:
		return 1;
	case TO_COUNTRY:
		return !strcmp(t->word, s->country) ? 2 : 0;
	case TO_ZONE:
		return in_zone(t->word, s->country) ? 2 : 0;
	case TO_OWN:
		return in_zone("eea", s->country) || !strcmp(s->country, "CH") ? 2 : 0;
	case TO_CIDR:
		return in_cidr(t->word, &s->ip);
	case TO_PROVIDER:
		return (!strcmp(t->word, s->provider) || !strcmp(t->word, s->platform)) &&
		       (!t->glob || fits(t->glob, s->region));
	case TO_ASN:
		return t->asn == s->asn;
	case TO_LAW:
		return in_zone(t->word, s->law) ? 2 : 0;
	case TO_HERE:
		return !strcmp(s->country, "DE") ? 2 : 0;
	case TO_PRIVATE:
		return lonely;
	case TO_UNKNOWN:
		return !lonely &&
		       (s->status == PLACE_UNKNOWN || (s->status == PLACE_KNOWN && !*s->country));
	case TO_DISPUTED:
		return s->status == PLACE_DISPUTED;
	default:
		return s->status == PLACE_UNPROVABLE;
	}
}

static bool place_matches(const struct model *m, const struct spot *s)
{
	static const struct to any = {.kind = TO_ANY};
	bool strict = m->action == 0 && s->status != PLACE_KNOWN;

	if (m->under && !in_zone(m->under, s->law))
		return false;
	for (unsigned i = 0; i < (m->nto ? m->nto : 1); i++) {
		const struct to *t = m->nto ? &m->to[i] : &any;
		int how = to_matches(t, s);

		if (m->under && t->kind == TO_ANY)
			how = 2;
		if (how == 1 || (how == 2 && !strict))
			return true;
	}
	return false;
}

/* yes 1, no 0, not known -1 */
static int is_sender(unsigned w, const struct packet *k)
{
	bool cgroup = k->known == KNOWN_ALL || k->known == KNOWN_NO_SOURCE,
	     user = k->known != KNOWN_NOBODY,
	     source = k->known != KNOWN_NO_SOURCE && k->known != KNOWN_USER_NO_SOURCE;

	switch (who[w].kind) {
	case WHO_UNIT:
		return cgroup ? !!strstr(k->cgroup, "/postgresql@") : -1;
	case WHO_USER:
		return user ? !strcmp(k->user, "postgres") : -1;
	case WHO_CGROUP:
		return cgroup ? !strncmp(k->cgroup, "/system.slice/", 14) : -1;
	case WHO_SOURCE:
		return source ? in_cidr(who[w].arg, &k->src->ip) : -1;
	default:
		if (source && in_cidr("10.2.0.0/16", &k->src->ip))
			return 1;
		if (!source && (!user || strcmp(k->user, "backup")))
			return -1;
		return user ? !strcmp(k->user, "backup") : -1;
	}
}

static int sender_matches(const struct model *m, const struct packet *k)
{
	int ret = m->nwho ? 0 : 1;

	for (unsigned i = 0; i < m->nwho; i++) {
		int one = is_sender(m->who[i], k);

		if (one == 1)
			return 1;
		if (one == -1)
			ret = -1;
	}
	return ret;
}

static int port_in(const struct packet *k, bool proto, unsigned first, unsigned last)
{
	return !proto ? 0 : !k->has_port ? -1 : k->port >= first && k->port <= last;
}

static int service_matches(const struct model *m, const struct packet *k)
{
	bool tcp = k->proto == 6, udp = k->proto == 17;

	switch (m->service) {
	case 0:
		return 1;
	case 1:
		return port_in(k, tcp || udp, 443, 443);
	case 2:
		return port_in(k, tcp || udp, 100, 200);
	case 3:
		return port_in(k, tcp, 5432, 5432);
	case 4:
		return udp;
	case 5:
		return k->proto == 1;
	default: /* service mix { tcp 80 tcp 8000-8080 udp 53 gre } */
		if (k->proto == 47)
			return 1;
		if (udp)
			return port_in(k, true, 53, 53);
		return port_in(k, tcp, 80, 80) == 1 ? 1 : port_in(k, tcp, 8000, 8080);
	}
}

/* yes 1, no 0, not known -1 */
static int rule_matches(const struct model *m, const struct packet *k)
{
	int sender = sender_matches(m, k), service = service_matches(m, k);

	if (m->until && k->now >= m->until)
		return 0;
	if ((m->opened == 1 && k->opened != OPENED_HERE) ||
	    (m->opened == 2 && k->opened != OPENED_PEER))
		return 0;
	if (!place_matches(m, k->dst) || !sender || !service)
		return 0;
	return sender == 1 && service == 1 ? 1 : -1;
}

/* ---- the two against each other ---- */
#define RULES_MAX 30
static const char head[] =
	"home DE\nzone trusted { eea CH }\nservice mix { tcp 80 tcp 8000-8080 udp 53 gre }\n"
	"subject mixed { user backup address 10.2.0.0/16 }\ninside 10.77.0.0/31\n";
#define HEAD_LINES 5

static void classes_of(const struct policy *p, struct place_class *classes,
		       uint64_t (*bits)[PLACE_SETS_MAX / 64])
{
	const struct policy_set *sets;
	size_t n = policy_sets(p, &sets);

	for (size_t i = 0; i < WORLD; i++) {
		const struct spot *s = &world[i];

		memset(bits[i], 0, sizeof(bits[i]));
		for (size_t j = 0; j < n; j++) {
			bool in = sets[j].asn && sets[j].asn == s->asn;

			for (size_t k = 0; k < sets[j].ncidrs; k++)
				in |= cidr_has(&sets[j].cidrs[k], &s->ip);
			if (in)
				bits[i][j / 64] |= 1ull << (j % 64);
		}
		classes[i] = (struct place_class){
			{.country = *s->country ? CC(s->country[0], s->country[1]) : 0,
			 .jurisdiction = *s->law ? CC(s->law[0], s->law[1]) : 0,
			 .provider = string_index(s->provider),
			 .platform = string_index(s->platform),
			 .region = string_index(s->region),
			 .status = s->status,
			 .scope = s->scope},
			bits[i]};
	}
}

static struct packet random_packet(int live)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 47, 58};
	static const uint16_t ports[] = {0,   53,  79,	80,   81,   99,	  100,	200,
					 201, 443, 444, 5432, 7999, 8000, 8080, 65535};
	static const char *const cgroups[] = {
		"/system.slice/system-postgresql.slice/postgresql@15-main.service",
		"/system.slice/ssh.service", "/user.slice/user-1000.slice"};
	static const char *const users[] = {"postgres", "backup", "root"};
	struct packet k = {.dst = &world[any_of(WORLD)],
			   .src = &world[any_of(WORLD)],
			   .proto = protos[any_of(8)],
			   .opened = (uint8_t)any_of(2),
			   .known = live ? (uint8_t)any_of(KNOWN_COUNT) : KNOWN_NOBODY,
			   .port = ports[any_of(16)],
			   .cgroup = cgroups[any_of(3)],
			   .user = users[any_of(3)]};

	k.has_port = (k.proto == 6 || k.proto == 17) && any_of(4);
	k.now = NOW + (int64_t)any_of(20) * DAY - (live ? 0 : 10 * DAY);
	return k;
}

static int expected(const struct model *rules, unsigned n, const struct packet *k)
{
	unsigned best = 0;

	if (k->dst->scope == SCOPE_LOCAL || in_cidr("10.77.0.0/31", &k->dst->ip))
		return -1;
	for (unsigned i = 0; i < n; i++) {
		int matches = rule_matches(&rules[i], k);

		/* a mild rule that only may match leaves it to the others */
		if (matches == 1 ? !best || rules[i].action > rules[best - 1].action
				 : matches == -1 && rules[i].action > 0 &&
					   (!best || rules[i].action > rules[best - 1].action))
			best = i + 1;
		if (matches == 1)
			return (int)best;
	}
	return best && rules[best - 1].action == 2 ? (int)best : 0; /* the default blocks */
}

static bool knows_cgroup(const struct packet *k)
{
	return k->known == KNOWN_ALL || k->known == KNOWN_NO_SOURCE;
}

static uint32_t source_of(const struct packet *k)
{
	return k->known == KNOWN_NO_SOURCE || k->known == KNOWN_USER_NO_SOURCE
		       ? UINT32_MAX
		       : (uint32_t)(k->src - world);
}

static int got(const struct compiled *c, const struct packet *k)
{
	struct decide_packet pkt = {.place = (uint32_t)(k->dst - world),
				    .port = k->port,
				    .proto = k->proto,
				    .opened = k->opened,
				    .known = k->known,
				    .has_port = k->has_port};
	const struct decide_decision *d;

	if (knows_cgroup(k))
		pkt.mask |= compiled_cgroup_mask(c, k->cgroup);
	if (k->known != KNOWN_NOBODY)
		pkt.mask |= compiled_user_mask(c, k->user, 1);
	d = compiled_decide(c, &pkt, source_of(k), (uint64_t)k->now * 1000000000u);
	return d->action == DECIDE_LOCAL ? -1 : d->rule;
}

/* explain walks the rules one by one: a third opinion. */
static int explained(const struct compiled *c, const struct place_class *classes,
		     const struct packet *k)
{
	struct explain_step steps[RULES_MAX];
	struct decide_packet pkt = {.place = (uint32_t)(k->dst - world),
				    .port = k->port,
				    .proto = k->proto,
				    .opened = k->opened,
				    .known = k->known,
				    .has_port = k->has_port};
	size_t n;

	if (source_of(k) != UINT32_MAX)
		pkt.mask = compiled_source_mask(c, (uint32_t)(k->src - world));
	if (knows_cgroup(k))
		pkt.mask |= compiled_cgroup_mask(c, k->cgroup);
	if (k->known != KNOWN_NOBODY)
		pkt.mask |= compiled_user_mask(c, k->user, 1);
	n = compiled_explain(c, &classes[k->dst - world], &pkt, (uint64_t)k->now * 1000000000u,
			     steps, RULES_MAX);
	for (size_t i = 0; i < n; i++)
		if (steps[i].decides)
			return (int)i + 1;
	return 0;
}

static size_t random_policy(char *text, size_t size, struct model *rules, unsigned n)
{
	size_t len = (size_t)snprintf(text, size, "%s", head);
	unsigned ending = 0;

	for (unsigned i = 0; i < n; i++) {
		rules[i] = random_rule(ending < 6);
		ending += rules[i].until != 0;
		len += rule_text(text + len, size - len, &rules[i]);
	}
	return len;
}

/* The lines that lint calls never reached. */
static void never_reached(const struct policy *p, bool flagged[RULES_MAX])
{
	static struct said said;
	unsigned line;

	memset(flagged, 0, RULES_MAX * sizeof(*flagged));
	said_start(&said);
	policy_lint(p, NOW, &said.sink);
	for (const char *s = said.text; *s; s = strchr(s, '\n') + 1)
		if (sscanf(s, "%u:", &line) == 1 && line > HEAD_LINES &&
		    line - HEAD_LINES <= RULES_MAX &&
		    !strncmp(strchr(s, ' '), " warning: never reached", 23))
			flagged[line - HEAD_LINES - 1] = true;
}

/* Printing keeps the meaning: the printed policy must decide as the first one did; and what lint
 * calls never reached must decide for no packet. */
static void compare(uint64_t start)
{
	static struct place_class classes[WORLD];
	static uint64_t bits[WORLD][PLACE_SETS_MAX / 64];
	struct model rules[RULES_MAX];
	char text[1 << 14], *printed;
	unsigned n;
	int live, want;
	bool flagged[RULES_MAX];
	struct policy *p, *again;
	struct compiled *c;

	seed = start;
	make_world();
	n = 1 + any_of(RULES_MAX - 1);
	live = (int)any_of(2);
	random_policy(text, sizeof(text), rules, n);
	p = good(text);
	never_reached(p, flagged);
	printed = policy_print(p);
	again = good(printed);
	classes_of(any_of(2) ? p : again, classes, bits);
	cr_assert(policy_sets_equal(p, again));
	c = compile(start % 2 ? p : again, classes, WORLD, live);
	for (unsigned i = 0; i < 300; i++) {
		struct packet k = random_packet(live);

		want = expected(rules, n, &k);
		cr_assert_eq(got(c, &k), want,
			     "seed %llu packet %u to %s: compiled rule %d, expected %d\n%s",
			     (unsigned long long)start, i, k.dst->text, got(c, &k), want, text);
		cr_assert(want <= 0 || !flagged[want - 1],
			  "seed %llu: lint says that rule %d is never reached\n%s",
			  (unsigned long long)start, want, text);
		if (want >= 0)
			cr_assert_eq(explained(c, classes, &k), want,
				     "seed %llu packet %u: explain differs\n%s",
				     (unsigned long long)start, i, text);
	}
	compiled_free(c);
	policy_free(p);
	policy_free(again);
	free(printed);
}

Test(compile, agrees_with_first_match)
{
	for (uint64_t s = 1; s <= 400; s++)
		compare(s);
}
