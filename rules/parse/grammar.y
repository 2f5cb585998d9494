/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grammar.y - the policy language: a statement a line. An error in a line is reported, the line is dropped, and parsing
 * resumes at the next one, so that one run shows every error. Values and names are policy.c's, value.c's and names.c's.
 */
%define api.pure full
%define api.prefix {policy_yy}
%define api.location.type {struct spot}
%define parse.error custom
%define parse.lac full
%define lr.type ielr
%param { struct parse *ps }

%code requires {
#include "rules/parse/hint.h"
#include "rules/parse/parse.h"
}
%code {
#include <string.h>
static int policy_yylex(POLICY_YYSTYPE *value, POLICY_YYLTYPE *at, struct parse *ps);
static void policy_yyerror(POLICY_YYLTYPE *at, struct parse *ps, const char *text);
#define YYLLOC_DEFAULT(now, rhs, n) ((now) = (n) ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))
}

%union {
	struct word word;
	int n;
}
%token T_LINE "the end of the line" T_BAD "something that cannot be read"
%token <word> T_WORD "a word" T_STRING "a string"
%token <word> T_FROM "from" T_TO "to" T_UNDER "under" T_SERVICE "service" T_PROTO "proto" T_PORT "port"
%token <word> T_LABEL "label" T_OPENED "opened" T_CLEARTEXT "cleartext" T_ENCRYPTED "encrypted" T_OVER "over" T_QUIET "quiet"
%token <word> T_SEVERITY "severity" T_PURPOSE "purpose" T_BASIS "basis" T_UNTIL "until" T_BECAUSE "because"
%token <word> T_ANY "any" T_PROVIDER "provider" T_ASN "asn" T_JURISDICTION "jurisdiction" T_HERE "here"
%token <word> T_PRIVATE "private" T_UNKNOWN "unknown" T_DISPUTED "disputed" T_UNPROVABLE "unprovable"
%token <word> T_UNIT "unit" T_USER_UNIT "user-unit" T_USER "user" T_CGROUP "cgroup" T_ADDRESS "address"
%token <word> T_ANYCAST "anycast" T_RELAY "relay"
%token <word> T_HOME "home" T_INSIDE "inside" T_NAT64 "nat64" T_PLACE "place" T_IS "is" T_PLATFORM "platform"
%token <word> T_REGION "region" T_ZONE "zone" T_MODE "mode" T_BOOT "boot" T_GEO "geo" T_MAX_AGE "max-age" T_STALE "stale"
%token <word> T_JOURNAL "journal" T_KEEP "keep" T_SYNC "sync" T_FEED "feed" T_FORMAT "format" T_TOPIC "topic" T_CA "ca"
%token <word> T_CERT "cert" T_KEY "key" T_NAME "name" T_CONFIG "config" T_LEDGER "ledger"
%token <word> T_PROMISE "promise" T_STAYS "stays"
%token <word> T_SUBJECT "subject" T_LIST "list" T_INCLUDE "include"
%token <word> T_ALLOW "allow" T_ALERT "alert" T_BLOCK "block" T_BY "by" T_PER "per"
%type <word> word optional_string bare
%type <n> simple_clause bare_place subject_key name_place
%%
policy
	: %empty
	| policy statement T_LINE
	| policy error T_LINE { yyerrok; }
	;

statement
	: T_HOME T_WORD optional_string { parse_home(ps, &$2, NULL, NULL, &$3); }
	| T_HOME T_WORD T_WORD T_WORD optional_string { parse_home(ps, &$2, &$3, &$4, &$5); }
	| T_INSIDE inside
	| T_NAT64 nat64
	| T_PLACE T_WORD { parse_place_start(ps, &$2); } T_IS T_WORD place_parts { parse_place_end(ps, &$5); }
	| T_ZONE T_WORD '{' { parse_body_start(ps); } zone_body '}' { parse_zone(ps, &$2); }
	| T_SERVICE T_WORD '{' { parse_body_start(ps); }
	  service_body '}' { parse_service(ps, &$2); }
	| T_SUBJECT T_WORD '{' { parse_body_start(ps); } subject_body '}' { parse_subject(ps, &$2); }
	| T_LIST T_WORD '{' { parse_body_start(ps); } list_body '}' { parse_list(ps, &$2); }
	| T_LIST T_WORD T_WORD T_STRING { parse_unread(ps, &$3, &$4); }
	| T_INCLUDE T_STRING { parse_unread(ps, NULL, &$2); }
	| T_MODE T_WORD { parse_mode(ps, &$1, &$2); }
	| T_BOOT T_WORD { parse_boot(ps, &$1, &$2); }
	| T_GEO T_STRING { parse_geo_start(ps, &$2); } geo_parts { parse_geo_end(ps); }
	| T_GEO T_MAX_AGE T_WORD { parse_geo_any(ps, &$1); parse_geo_age(ps, &$3); } geo_parts { parse_geo_end(ps); }
	| T_PROMISE T_PROVIDER word { parse_promise_start(ps, &$1, &$3); } T_STAYS stays promise_parts
	  { parse_promise_end(ps); }
	| T_JOURNAL T_STRING { parse_journal_start(ps); } journal_parts
	  { parse_journal_end(ps, &$1, &$2); }
	| T_FEED T_WORD { parse_feed_start(ps, &$2); } optional_string
	  { parse_feed_part(ps, FEED_TARGET, &$4); } feed_parts { parse_feed_end(ps); }
	| T_ALLOW { parse_rule_start(ps, DECIDE_ALLOW, &$1); } clauses { parse_rule_end(ps); }
	| T_ALERT { parse_rule_start(ps, DECIDE_ALERT, &$1); } clauses { parse_rule_end(ps); }
	| T_BLOCK { parse_rule_start(ps, DECIDE_BLOCK, &$1); } clauses { parse_rule_end(ps); }
	;

inside
	: T_WORD { parse_inside(ps, &$1); }
	| inside comma T_WORD { parse_inside(ps, &$3); }
	;
nat64
	: T_WORD { parse_nat64(ps, &$1); }
	| nat64 comma T_WORD { parse_nat64(ps, &$3); }
	;
comma
	: %empty
	| ','
	;
word
	: T_WORD
	| T_STRING
	;
optional_string
	: %empty { $$ = (struct word){ 0 }; }
	| T_STRING
	;

place_parts
	: %empty
	| place_parts T_PROVIDER word { parse_place_part(ps, PLACE_PROVIDER, &$3); }
	| place_parts T_PLATFORM word { parse_place_part(ps, PLACE_PLATFORM, &$3); }
	| place_parts T_REGION word { parse_place_part(ps, PLACE_REGION, &$3); }
	| place_parts T_UNDER T_WORD { parse_place_part(ps, PLACE_UNDER, &$3); }
	| place_parts T_STRING { parse_place_part(ps, PLACE_NOTE, &$2); }
	;

zone_body
	: T_WORD { parse_atom_word(ps, &$1); }
	| zone_body comma T_WORD { parse_atom_word(ps, &$3); }
	;

list_body
	: %empty
	| list_body T_WORD { parse_listed(ps, &$2); }
	| list_body ',' T_WORD { parse_listed(ps, &$3); }
	;

service_body
	: service_item
	| service_body comma service_item
	;
service_item
	: T_WORD { parse_service_item(ps, &$1); }
	| T_PROTO T_WORD { parse_service_proto(ps, &$2); }
	| T_PORT T_WORD { parse_service_port(ps, &$2); }
	;

subject_body
	: subject_atom
	| subject_body comma subject_atom
	;
subject_atom
	: subject_key word { parse_subject_atom(ps, (enum subject_type)$1, &$2); }
	;
subject_key
	: T_UNIT { $$ = SUBJECT_UNIT; }
	| T_USER_UNIT { $$ = SUBJECT_USER_UNIT; }
	| T_USER { $$ = SUBJECT_USER; }
	| T_CGROUP { $$ = SUBJECT_CGROUP; }
	| T_ADDRESS { $$ = SUBJECT_ADDRESS; }
	;

stays
	: T_WORD { parse_promise_stays(ps, &$1); }
	| stays ',' T_WORD { parse_promise_stays(ps, &$3); }
	;
promise_parts
	: %empty
	| promise_parts T_UNDER T_WORD { parse_promise_part(ps, PROMISE_UNDER, &$3); }
	| promise_parts T_STRING { parse_promise_part(ps, PROMISE_NOTE, &$2); }
	;

geo_parts
	: %empty
	| geo_parts T_MAX_AGE T_WORD { parse_geo_age(ps, &$3); }
	| geo_parts T_STALE T_WORD { parse_geo_stale(ps, &$3); }
	;
journal_parts
	: %empty
	| journal_parts T_KEEP T_WORD { parse_journal_keep(ps, &$3, NULL); }
	| journal_parts T_KEEP T_WORD T_WORD { parse_journal_keep(ps, &$3, &$4); }
	| journal_parts T_SYNC T_WORD { parse_journal_sync(ps, &$3); }
	;
feed_parts
	: %empty
	| feed_parts T_FORMAT T_WORD { parse_feed_part(ps, FEED_FORMAT, &$3); }
	| feed_parts T_TOPIC word { parse_feed_part(ps, FEED_TOPIC, &$3); }
	| feed_parts T_CA word { parse_feed_part(ps, FEED_CA, &$3); }
	| feed_parts T_CERT word { parse_feed_part(ps, FEED_CERT, &$3); }
	| feed_parts T_KEY word { parse_feed_part(ps, FEED_KEY, &$3); }
	| feed_parts T_NAME word { parse_feed_part(ps, FEED_NAME, &$3); }
	| feed_parts T_CONFIG word { parse_feed_part(ps, FEED_CONFIG, &$3); }
	| feed_parts T_LEDGER T_WORD { parse_feed_part(ps, FEED_LEDGER, &$3); }
	;

clauses
	: %empty
	| clauses clause
	;
clause
	: T_FROM { parse_list_start(ps, CLAUSE_FROM, &$1); } senders
	| T_TO { parse_list_start(ps, CLAUSE_TO, &$1); } to_list
	| T_PORT T_WORD { parse_clause(ps, CLAUSE_PORT, NULL, &$2); } more_ports
	| simple_clause word { parse_clause(ps, (enum clause)$1, NULL, &$2); }
	| T_OPENED T_BY T_WORD { parse_clause(ps, CLAUSE_OPENED, NULL, &$3); }
	| T_CLEARTEXT { parse_clause(ps, CLAUSE_CLEARTEXT, &$1, NULL); }
	| T_ENCRYPTED { parse_clause(ps, CLAUSE_ENCRYPTED, &$1, NULL); }
	| T_QUIET { parse_clause(ps, CLAUSE_QUIET, &$1, &$1); }
	| T_OVER T_WORD T_PER T_WORD { parse_over(ps, &$1, &$2, &$4); }
	;
simple_clause
	: T_UNDER { $$ = CLAUSE_UNDER; }
	| T_SERVICE { $$ = CLAUSE_SERVICE; }
	| T_PROTO { $$ = CLAUSE_PROTO; }
	| T_NAME { $$ = CLAUSE_NAME; }
	| T_LABEL { $$ = CLAUSE_LABEL; }
	| T_SEVERITY { $$ = CLAUSE_SEVERITY; }
	| T_PURPOSE { $$ = CLAUSE_PURPOSE; }
	| T_BASIS { $$ = CLAUSE_BASIS; }
	| T_UNTIL { $$ = CLAUSE_UNTIL; }
	| T_BECAUSE { $$ = CLAUSE_BECAUSE; }
	;

more_ports
	: %empty
	| more_ports comma T_WORD { parse_port(ps, &$3); }
	;

senders
	: T_ANY /* as without the clause */
	| from_list
	;
from_list
	: from
	| from_list ',' from
	;
from
	: T_WORD { parse_subject_name(ps, &$1); }
	| subject_key word { parse_subject_atom(ps, (enum subject_type)$1, &$2); }
	;
to_list
	: to
	| to_list ',' to
	;
to
	: T_WORD { parse_atom_word(ps, &$1); }
	| bare_place bare { parse_atom(ps, (enum place_atom_type)$1, &$2); }
	| name_place word { parse_atom(ps, (enum place_atom_type)$1, &$2); }
	| T_PROVIDER word { parse_atom(ps, ATOM_PROVIDER, &$2); } optional_region
	;
bare
	: %empty { $$ = (struct word){ .s = "", .at = @$ }; }
	;
optional_region
	: %empty
	| T_REGION word { parse_region(ps, &$2); }
	;
bare_place
	: T_ANY { $$ = ATOM_ANY; }
	| T_HERE { $$ = ATOM_HERE; }
	| T_PRIVATE { $$ = ATOM_PRIVATE; }
	| T_UNKNOWN { $$ = ATOM_UNKNOWN; }
	| T_DISPUTED { $$ = ATOM_DISPUTED; }
	| T_UNPROVABLE { $$ = ATOM_UNPROVABLE; }
	| T_ANYCAST { $$ = ATOM_ANYCAST; }
	| T_RELAY { $$ = ATOM_RELAY; }
	;
name_place
	: T_ASN { $$ = ATOM_ASN; }
	| T_JURISDICTION { $$ = ATOM_JURISDICTION; }
	;
%%
static int policy_yylex(POLICY_YYSTYPE *value, POLICY_YYLTYPE *at, struct parse *ps)
{
	return lexer_next(value, at, ps);
}

/* Bison calls this for want of memory only; syntax errors go through the function below. */
static void policy_yyerror(POLICY_YYLTYPE *at, struct parse *ps, const char *text)
{
	(void)at;
	(void)text;
	ps->failed = true;
}

/* Is it a keyword, or a name of a kind of word? */
static bool is_keyword(const char *symbol)
{
	return !strchr(symbol, ' ') && symbol[0] != '\'' && symbol[0] != '{' && symbol[0] != '}';
}

static bool expects(const char *const *names, int n, const char *what)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], what))
			return true;
	return false;
}

/* What may stand here: the words themselves if they are few, else what they have in common. */
static const char *expected_text(struct parse *ps, const char *const *names, int n)
{
	const char *text = "", *quote;

	if (expects(names, n, "home"))
		return "a statement starts with allow, alert, block, or home, place, zone, mode, geo, feed ...";
	if (expects(names, n, "','") && expects(names, n, "purpose"))
		return "expected a comma, or the next part of the rule (from, to, under, port, until ...)";
	if (expects(names, n, "purpose"))
		return "expected a part of the rule (from, to, under, service, port, opened, until ...)";
	if (expects(names, n, "unprovable"))
		return "expected a place (any, a country like DE, a zone like eea, an address, provider NAME ...)";
	for (int i = 0; i < n && i < 6; i++) {
		quote = is_keyword(names[i]) ? "'" : "";
		text = arena_format(ps->arena, "%s%s%s%s%s", text, !i ? "expected " : i == n - 1 ? " or " : ", ",
				    quote, names[i], quote);
		if (!text)
			return "";
	}
	return n > 6 ? "" : text;
}

/* Where in a rule or a file the word stands, by what else could stand there. */
static unsigned where(const char *const *names, int n)
{
	if (expects(names, n, "home"))
		return HINT_STATEMENT;
	if (expects(names, n, "purpose"))
		return expects(names, n, "to") && !expects(names, n, "','") ? HINT_RULE | HINT_BARE : HINT_RULE;
	if (expects(names, n, "unprovable"))
		return HINT_PLACE;
	return expects(names, n, "cgroup") ? HINT_SUBJECT : 0;
}

static void syntax_error(struct parse *ps, const struct spot *at, const char *got, int token, const char *const *names,
			 int n)
{
	const char *keywords[YYNTOKENS], *near, *text = expected_text(ps, names, n);
	const char *hint = hint_find(ps->arena, where(names, n), got);
	size_t nkeywords = 0;

	for (int i = 0; i < n; i++)
		if (is_keyword(names[i]))
			keywords[nkeywords++] = names[i];
	near = match_nearest(got, keywords, nkeywords);
	if (token == YYSYMBOL_T_LINE)
		parse_error(ps, at, "the line ends too early%s%s", *text ? "; " : "", text);
	else if (hint)
		parse_error(ps, at, "'%s' is not understood here; %s", got, hint);
	else if (near)
		parse_error(ps, at, "'%s' is not understood here; did you mean '%s'?", got, near);
	else
		parse_error(ps, at, "'%s' is not understood here%s%s", got, *text ? "; " : "", text);
}

static int yyreport_syntax_error(const yypcontext_t *ctx, struct parse *ps)
{
	yysymbol_kind_t expected[YYNTOKENS], token = yypcontext_token(ctx);
	const char *names[YYNTOKENS];
	const struct spot *at = yypcontext_location(ctx);
	int n = yypcontext_expected_tokens(ctx, expected, YYNTOKENS);
	const char *got = arena_copy(ps->arena, ps->text + ps->start, at->length);

	if (n < 0 || !got)
		return YYENOMEM;
	if (token == YYSYMBOL_T_BAD)
		return 0; /* the lexer has said it */
	if (!strcmp(got, "{") || !strcmp(got, ","))
		ps->braced = ps->comma = false; /* nothing was opened: the error ends with its line */
	for (int i = 0; i < n; i++)
		names[i] = yysymbol_name(expected[i]);
	syntax_error(ps, at, got, token, names, n);
	return 0;
}

int grammar_parse(struct parse *ps)
{
	return policy_yyparse(ps);
}
