/* SPDX-License-Identifier: BSD-2-Clause */
/* match_test.c - every row of match.def has a case here: it parses, prints itself, and decides both
 * ways. */
#include "tests/rules/fixture.h"
#include "rules/parse/match.h"

TestSuite(match, .fini = no_leaks);

/* Classes that the cases speak of by number. Sets are given per case by the prefix's or ASN's
 * class. */
enum { DE, US, FR_AWS, DISPUTED, UNPROVABLE, UNKNOWN, PRIVATE, ANYCAST, RELAY, CLASSES };

/* A rule with the row in it, then 'block to any' in line 4; what it decides for a class and packet
 * that fit, and for ones that do not. A case with 'wrong' is refused with this text. */
struct packet_case {
	unsigned class;
	uint8_t proto;
	int port;
	uint8_t opened, known;
	uint32_t mask; /* of subjects; of meters too */
	int64_t days;  /* after NOW */
};
static const struct row_case {
	const char *id, *rule, *wrong;
	struct packet_case yes, no;
	bool set; /* the class 'yes' is in all sets */
} cases[] = {
	{"CLAUSE_FROM",
	 "allow from postgres",
	 NULL,
	 {DE, 6, 443, 0, KNOWN_ALL, 1, 0},
	 {DE, 6, 443, 0, KNOWN_ALL, 0, 0},
	 0},
	{"CLAUSE_TO", "allow to DE", NULL, {DE, 6, 443, 0, 0, 0, 0}, {US, 6, 443, 0, 0, 0, 0}, 0},
	{"CLAUSE_UNDER",
	 "alert to any under US",
	 NULL,
	 {FR_AWS, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_SERVICE",
	 "allow service web",
	 NULL,
	 {DE, 6, 80, 0, 0, 0, 0},
	 {DE, 17, 80, 0, 0, 0, 0},
	 0},
	{"CLAUSE_PROTO",
	 "allow proto icmp",
	 NULL,
	 {DE, 1, -1, 0, 0, 0, 0},
	 {DE, 6, 80, 0, 0, 0, 0},
	 0},
	{"CLAUSE_PORT",
	 "allow port 443",
	 NULL,
	 {DE, 17, 443, 0, 0, 0, 0},
	 {DE, 6, 444, 0, 0, 0, 0},
	 0},
	{"CLAUSE_OPENED",
	 "allow opened by peer",
	 NULL,
	 {DE, 6, 443, 1, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_NAME", /* not known at a packet: named_test.c has the rest */
	 "block to DE name \"*.example.eu\"",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_CLEARTEXT",
	 "block cleartext",
	 "'cleartext' is understood but not decided by this version",
	 {0},
	 {0},
	 0},
	{"CLAUSE_ENCRYPTED",
	 "block encrypted",
	 "'encrypted' is understood but not decided by this version",
	 {0},
	 {0},
	 0},
	{"CLAUSE_OVER",
	 "block over 1GB per 1d",
	 NULL,
	 {DE, 6, 443, 0, 0, 1, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_SEVERITY",
	 "alert to DE severity critical",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_QUIET",
	 "block to DE quiet",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_LABEL",
	 "alert to DE label db-backup",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_PURPOSE",
	 "alert to DE purpose backup",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_BASIS",
	 "alert to DE basis art46",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"CLAUSE_UNTIL",
	 "allow until 2026-11-25",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 1},
	 {DE, 6, 443, 0, 0, 0, 2},
	 0},
	{"CLAUSE_BECAUSE",
	 "alert to DE because \"so\"",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_ANY", "alert to any", NULL, {UNKNOWN, 6, 443, 0, 0, 0, 0}, {.class = CLASSES}, 0},
	{"PLACE_COUNTRY",
	 "allow to DE",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {DISPUTED, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_ZONE",
	 "allow to eea",
	 NULL,
	 {FR_AWS, 6, 443, 0, 0, 0, 0},
	 {US, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_CIDR",
	 "allow to 192.0.2.0/24",
	 NULL,
	 {US, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 1},
	{"PLACE_LIST",
	 "allow to backups",
	 NULL,
	 {UNKNOWN, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 1},
	{"PLACE_PROVIDER",
	 "allow to provider aws region \"eu-*\"",
	 NULL,
	 {FR_AWS, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_ASN",
	 "allow to asn 64496",
	 NULL,
	 {US, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 1},
	{"PLACE_JURISDICTION",
	 "alert to jurisdiction US",
	 NULL,
	 {FR_AWS, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_HERE",
	 "allow to here",
	 NULL,
	 {DE, 6, 443, 0, 0, 0, 0},
	 {FR_AWS, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_PRIVATE",
	 "allow to private",
	 NULL,
	 {PRIVATE, 6, 443, 0, 0, 0, 0},
	 {UNKNOWN, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_UNKNOWN",
	 "allow to unknown",
	 NULL,
	 {UNKNOWN, 6, 443, 0, 0, 0, 0},
	 {PRIVATE, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_DISPUTED",
	 "allow to disputed",
	 NULL,
	 {DISPUTED, 6, 443, 0, 0, 0, 0},
	 {UNPROVABLE, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_UNPROVABLE",
	 "allow to unprovable",
	 NULL,
	 {UNPROVABLE, 6, 443, 0, 0, 0, 0},
	 {DISPUTED, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_ANYCAST",
	 "allow to anycast",
	 NULL,
	 {ANYCAST, 6, 443, 0, 0, 0, 0},
	 {UNPROVABLE, 6, 443, 0, 0, 0, 0},
	 0},
	{"PLACE_RELAY",
	 "alert to relay",
	 NULL,
	 {RELAY, 6, 443, 0, 0, 0, 0},
	 {DE, 6, 443, 0, 0, 0, 0},
	 0},
	{"SUBJECT_UNIT",
	 "allow from unit \"p*.service\"",
	 NULL,
	 {DE, 6, 443, 0, KNOWN_ALL, 1, 0},
	 {DE, 6, 443, 0, KNOWN_NOBODY, 0, 0},
	 0},
	{"SUBJECT_USER_UNIT",
	 "allow from user-unit \"p*.service\"",
	 NULL,
	 {DE, 6, 443, 0, KNOWN_ALL, 1, 0},
	 {DE, 6, 443, 0, KNOWN_NOBODY, 0, 0},
	 0},
	{"SUBJECT_USER",
	 "allow from user postgres",
	 NULL,
	 {DE, 6, 443, 0, KNOWN_USER, 1, 0},
	 {DE, 6, 443, 0, KNOWN_ALL, 0, 0},
	 0},
	{"SUBJECT_CGROUP",
	 "allow from cgroup \"/a\"",
	 NULL,
	 {DE, 6, 443, 0, KNOWN_ALL, 1, 0},
	 {DE, 6, 443, 0, KNOWN_USER, 0, 0},
	 0},
	{"SUBJECT_ADDRESS",
	 "allow from address 10.0.0.0/8",
	 NULL,
	 {DE, 6, 443, 0, KNOWN_NOBODY, 1, 0},
	 {DE, 6, 443, 0, KNOWN_NOBODY, 0, 0},
	 0},
};
#define CASES	  (sizeof(cases) / sizeof(*cases))
#define RULE_LINE 5

static const uint64_t all_sets[PLACE_SETS_MAX / 64] = {~1ull}; /* all but 'inside' */

static void make_classes(struct place_class *c, const struct row_case *k)
{
	c[DE] = place_in("DE", PLACE_KNOWN);
	c[US] = place_in("US", PLACE_KNOWN);
	c[FR_AWS] = place_in("FR", PLACE_KNOWN);
	c[FR_AWS].place.provider = string_index("aws");
	c[FR_AWS].place.region = string_index("eu-central-1");
	c[FR_AWS].place.jurisdiction = CC('U', 'S');
	c[DISPUTED] = place_in("DE", PLACE_DISPUTED);
	c[UNPROVABLE] = place_in("", PLACE_UNPROVABLE);
	c[ANYCAST] = place_in("", PLACE_UNPROVABLE);
	c[ANYCAST].place.flags = PLACE_ANYCAST;
	c[RELAY] = place_in("DE", PLACE_KNOWN);
	c[RELAY].place.flags = PLACE_RELAY;
	c[UNKNOWN] = place_in("", PLACE_UNKNOWN);
	c[PRIVATE] = place_in("", PLACE_UNKNOWN);
	c[PRIVATE].place.scope = SCOPE_PRIVATE;
	if (k->set)
		c[k->yes.class].sets = all_sets;
}

static int decide(const struct compiled *c, const struct packet_case *k)
{
	struct decide_packet pkt = {.place = k->class,
				    .mask = k->mask,
				    .proto = k->proto,
				    .port = (uint16_t)k->port,
				    .has_port = k->port >= 0,
				    .opened = k->opened,
				    .known = k->known,
				    .over = k->mask};
	const struct decide_decision *d =
		compiled_decide(c, &pkt, UINT32_MAX,
				(uint64_t)(NOW + k->days * 86400) * 1000000000u);

	return d->rule ? (int)c->policy->rules[d->rule - 1].line : 0;
}

static const struct row_case *case_of(const char *id)
{
	for (size_t i = 0; i < CASES; i++)
		if (!strcmp(cases[i].id, id))
			return &cases[i];
	return NULL;
}

/* The row's keyword, if it has one, must come out in print. */
static void try_row(const char *id, const char *keyword, unsigned where)
{
	const struct row_case *k = case_of(id);
	struct place_class classes[CLASSES];
	struct compiled *c;
	struct policy *p;
	char text[512], *printed;

	cr_assert_not_null(k, "match.def's row %s has no case in this file", id);
	snprintf(
		text, sizeof(text),
		"home DE\nservice web { tcp 80 }\nsubject postgres { user postgres }\nlist backups { 192.0.2.0/24 }\n%s\nblock to any\n",
		k->rule);
	cr_expect_eq(!!k->wrong, where == MATCH_LATER,
		     "%s: a case for what is not decided yet, or none", id);
	if (k->wrong) {
		const char *said = bad(text, strlen(text));

		cr_expect_not_null(strstr(said, k->wrong), "%s: %s", id, said);
		return;
	}
	p = good(text);
	printed = rule_print(&p->rules[0]);
	cr_expect_str_eq(printed, k->rule, "%s prints as '%s'", id, printed);
	cr_expect(!keyword || strstr(printed, keyword), "%s: no '%s' in '%s'", id, keyword,
		  printed);
	make_classes(classes, k);
	c = compile(p, classes, CLASSES, 1);
	cr_expect_eq(decide(c, &k->yes), RULE_LINE, "%s does not match: line %d", id,
		     decide(c, &k->yes));
	cr_expect(k->no.class == CLASSES || decide(c, &k->no) == RULE_LINE + 1,
		  "%s matches too much", id);
	compiled_free(c);
	policy_free(p);
	free(printed);
}

Test(match, every_row_has_a_case_that_decides)
{
	char id[64];

	for (unsigned i = 0; i < CLAUSES; i++) {
		const struct clause_row *r = match_clause((enum clause)i);

		snprintf(id, sizeof(id), "CLAUSE_%s", r->id);
		try_row(id, r->keyword, r->where);
		cr_expect(strlen(r->manual) > 10, "%s: no manual", id);
	}
	for (unsigned i = 0; i < PLACE_ROWS; i++) {
		const struct place_row *r = match_place((enum place_atom_type)i);

		snprintf(id, sizeof(id), "PLACE_%s", r->id);
		try_row(id, r->keyword, r->where);
		cr_expect(strlen(r->manual) > 10, "%s: no manual", id);
	}
	for (unsigned i = 0; i < SUBJECT_ROWS; i++) {
		const struct subject_row *r = match_subject((enum subject_type)i);

		snprintf(id, sizeof(id), "SUBJECT_%s", r->id);
		try_row(id, r->keyword, r->where);
		cr_expect(strlen(r->manual) > 10, "%s: no manual", id);
	}
}

/* A case without a row would be a test of nothing. */
Test(match, every_case_has_a_row)
{
	cr_expect_eq(CASES, (size_t)CLAUSES + PLACE_ROWS + SUBJECT_ROWS);
}

Test(match, every_keyword_is_reserved)
{
	static const char *const words[] = {
#define MATCH_WORD(id, key, raw) key,
#include "rules/parse/match.def"
	};
	char text[256];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		cr_expect(match_keyword(words[i]), "%s", words[i]);
		snprintf(text, sizeof(text), "zone %s { DE }\nblock to any\n", words[i]);
		cr_expect_not_null(strstr(bad(text, strlen(text)), "is a word of the language"),
				   "%s", words[i]);
	}
	cr_expect(!match_keyword("postgres"));
}

Test(match, glob)
{
	static const struct {
		const char *glob, *text;
		bool fits;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"?", "", false},
		{"?", "a", true},
		{"a*c", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "abd", false},
		{"*.service", "ssh.service", true},
		{"*.service", "ssh.service.d", false},
		{"postgresql@*.service", "postgresql@15-main.service", true},
		{"a*b*c", "aXbYbZc", true},
		{"a**", "a", true},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"[a]", "a", false},
		{"A", "a", false},
		{"a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(match_glob(rows[i].glob, rows[i].text), rows[i].fits, "'%s' on '%s'",
			     rows[i].glob, rows[i].text);
}

Test(match, nearest)
{
	static const char *const words[] = {"allow", "alert", "block", "to", "from"};
	static const struct {
		const char *word, *near;
	} rows[] = {
		{"allwo", "allow"},
		{"alow", "allow"},
		{"blcok", "block"},
		{"allert", "alert"},
		{"fro", "from"},
		{"too", "to"},
		{"frobnicate", NULL},
		{"", NULL},
		{"x", NULL},
		{"allow", NULL},
		{"averyveryverylongwordthatisnotcompared", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *got = match_nearest(rows[i].word, words, 5);

		cr_expect(got == rows[i].near ||
				  (got && rows[i].near && !strcmp(got, rows[i].near)),
			  "'%s': %s", rows[i].word, got ? got : "nothing");
	}
}
