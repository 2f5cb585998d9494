/* SPDX-License-Identifier: BSD-2-Clause */
/* hint.c - the table of mistaken words, and those that are told by their form. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "geo/facts/country.h"
#include "geo/facts/operator.h"
#include "geo/facts/region.h"
#include "geo/facts/zone.h"
#include "rules/parse/hint.h"

#define NO_NOT                                                                                     \
	"there is no 'not': the first rule that matches decides, so what is excepted gets a rule " \
	"of its own in a line above"
#define BLOCKS "the word is 'block'"
#define ALLOWS "the word is 'allow'"
#define ALERTS "'alert' lets a packet pass and reports it"
#define COMMAS "several stand with commas between them: DE, FR"
#define WORLD  "every place is 'any'"
#define EUROPE "'eu' are the 27 states, 'eea' those with Iceland, Liechtenstein and Norway"
#define NO_NAME                                                                                    \
	"a host's name is no place, for its addresses change; name an address, 'provider' or 'asn'"
#define PORTS	   "several ports: port 80 443 8000-8080"
#define NO_PROGRAM "a program is no subject; its unit, its user or its control group is"
#define HERE	   "traffic to this host itself is outside the policy"
#define OUT	   "rules are of what leaves; 'opened by peer' are replies"

static const struct {
	unsigned where;
	const char *word, *hint;
} hints[] = {
	{HINT_STATEMENT, "deny", BLOCKS},
	{HINT_STATEMENT, "drop", BLOCKS},
	{HINT_STATEMENT, "reject", BLOCKS},
	{HINT_STATEMENT, "forbid", BLOCKS},
	{HINT_STATEMENT, "pass", ALLOWS},
	{HINT_STATEMENT, "accept", ALLOWS},
	{HINT_STATEMENT, "permit", ALLOWS},
	{HINT_STATEMENT, "log", ALERTS},
	{HINT_STATEMENT, "warn", ALERTS},
	{HINT_STATEMENT, "monitor", "the mode is a statement: mode monitor"},
	{HINT_STATEMENT, "enforce", "the mode is a statement: mode enforce"},
	{HINT_STATEMENT, "default",
	 "what no rule matches is blocked; say it with 'block to any' at the end"},
	{HINT_STATEMENT, "policy",
	 "what no rule matches is blocked; say it with 'block to any' at the end"},
	{HINT_STATEMENT | HINT_RULE, "quick", "the first rule that matches decides, always"},
	{HINT_BARE, "all", "every place is 'any': block to any"},
	{HINT_BARE, "any", "every place stands behind 'to': block to any"},
	{HINT_RULE, "log", "a block or alert rule writes an event of itself"},
	{HINT_RULE, "in", OUT},
	{HINT_RULE, "out", OUT},
	{HINT_RULE, "tcp", "it is 'proto tcp port 443', or a 'service'"},
	{HINT_RULE, "udp", "it is 'proto udp port 53', or a 'service'"},
	{HINT_RULE, "ports", "it is 'port': port 80 443 8000-8080"},
	{HINT_RULE, ",", "no list goes on here; lists are of places, senders and ports"},
	{HINT_PLACE | HINT_RULE | HINT_SUBJECT, "not", NO_NOT},
	{HINT_PLACE | HINT_RULE, "except", NO_NOT},
	{HINT_PLACE | HINT_RULE, "but", NO_NOT},
	{HINT_PLACE | HINT_RULE | HINT_SUBJECT, "or", COMMAS},
	{HINT_PLACE | HINT_RULE | HINT_SUBJECT, "and", COMMAS},
	{HINT_PLACE, "all", WORLD},
	{HINT_PLACE, "*", WORLD},
	{HINT_PLACE, "world", WORLD},
	{HINT_PLACE, "anywhere", WORLD},
	{HINT_PLACE, "everywhere", WORLD},
	{HINT_PLACE, "internet", WORLD},
	{HINT_PLACE, "europe", EUROPE},
	{HINT_PLACE, "european-union", EUROPE},
	{HINT_PLACE, "schengen", EUROPE},
	{HINT_PLACE, "localhost", HERE},
	{HINT_PLACE, "loopback", HERE},
	{HINT_PLACE, "lan", "the private networks that no 'place' line covers are 'private'"},
	{HINT_PLACE, "internal", "the private networks that no 'place' line covers are 'private'"},
	{HINT_PLACE, "rfc1918", "the private networks that no 'place' line covers are 'private'"},
	{HINT_PLACE, "england", "the United Kingdom is 'GB'"},
	{HINT_PLACE, "britain", "the United Kingdom is 'GB'"},
	{HINT_PLACE, "usa", "the United States are 'US'"},
	{HINT_PLACE, "america", "the United States are 'US'"},
	{HINT_PLACE, "russia", "the Russian Federation is 'RU'"},
	{HINT_PLACE, "holland", "the Netherlands are 'NL'"},
	{HINT_PLACE, "region", "a region is of a provider: provider aws region \"eu-west-*\""},
	{HINT_PORT, "tcp", "the protocol is a part of its own: proto tcp port 443"},
	{HINT_PORT, "udp", "the protocol is a part of its own: proto udp port 53"},
	{HINT_SUBJECT, "exe", NO_PROGRAM},
	{HINT_SUBJECT, "process", NO_PROGRAM},
	{HINT_SUBJECT, "program", NO_PROGRAM},
	{HINT_SUBJECT, "comm", NO_PROGRAM},
	{HINT_SUBJECT, "container",
	 "a container is a control group: cgroup \"/machine.slice/ID.scope\", or a unit \"docker-*.scope\""},
	{HINT_SUBJECT, "uid", "a user stands by name or number: user 1000"},
	{HINT_SUBJECT, "group", "a group is no subject; a user, a unit or a control group is"},
	{HINT_PORT, "any", "a rule without 'port' is of every port"},
	{HINT_PORT, "all", "a rule without 'port' is of every port"},
	{HINT_SERVICE, "http", "write: port http"},
	{HINT_SERVICE, "https", "write: port https"},
	{HINT_SERVICE, "ssh", "write: port ssh"},
	{HINT_SERVICE, "smtp", "write: port smtp"},
	{HINT_SERVICE, "dns", "write: port dns"},
	{HINT_SERVICE, "domain", "write: port domain"},
	{HINT_SERVICE, "ntp", "write: port ntp"},
	{HINT_SERVICE, "ldap", "write: port ldap"},
	{HINT_SERVICE, "postgres", "write: port postgres"},
	{HINT_SERVICE, "postgresql", "write: port postgresql"},
	{HINT_SERVICE, "mysql", "write: port mysql"},
	{HINT_SERVICE, "redis", "write: port redis"},
};

static const char *of_table(unsigned where, const char *word)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (hints[i].where & where && !strcasecmp(hints[i].word, word))
			return hints[i].hint;
	return NULL;
}

/* 'eu-west-1' alone: whose region? */
static const char *of_region(struct arena *r, const char *word)
{
	const struct region *g;

	for (size_t i = 0; strchr(word, '-') && (g = region_row(i)); i++)
		if (!strcmp(g->name, word))
			return arena_format(r,
					    "a region is of a provider: provider %s region \"%s\"",
					    g->provider, word);
	return NULL;
}

/* Countries by name, zones in capitals, providers without their keyword. */
static const char *of_names(struct arena *r, const char *word)
{
	const struct operator_entry *o;
	char cc[3];

	for (int z = 0; z < ZONE_COUNT; z++)
		if (!strcasecmp(zone_name((enum zone)z), word))
			return arena_format(r, "zones are written in small letters: '%s'",
					    zone_name((enum zone)z));
	for (unsigned i = 0; i < 26 * 26; i++) {
		uint16_t c = (uint16_t)CC('A' + i / 26, 'A' + i % 26);

		if (strlen(word) > 2 && !strcasecmp(country_name(c), word))
			return arena_format(r, "a country is written as its code: '%s'",
					    country_text(c, cc));
	}
	o = operator_find(word);
	return o ? arena_format(r, "a provider stands behind its keyword: provider %s", o->key)
		 : NULL;
}

static const char *of_address(struct arena *r, const char *word)
{
	const char *colon = strrchr(word, ':'), *dot = strchr(word, '.');
	size_t n = strspn(word, "0123456789.");

	if (colon && dot && n == (size_t)(colon - word) &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1))
		return arena_format(r, "the port is a part of its own: %.*s port %s", (int)n, word,
				    colon + 1);
	if (*word == '[' && (colon = strchr(word, ']')) && colon[1] == ':')
		return arena_format(r, "the port is a part of its own: %.*s port %s",
				    (int)(colon - word - 1), word + 1, colon + 2);
	if (dot && word[n] == '/' && strchr(word + n, '.'))
		return "a prefix's length is a number of bits: 10.0.0.0/8";
	if (dot && word[n] == '*')
		return "a prefix says how many bits count: 10.0.0.0/16";
	if (dot && word[n] == '-' && isdigit((unsigned char)word[n + 1]))
		return "a range of addresses is written as prefixes";
	if (dot && isalpha((unsigned char)*word) && !strchr(word, '/'))
		return NO_NAME;
	return NULL;
}

static const char *of_place(struct arena *r, const char *word)
{
	const char *hint;

	if (!strncasecmp(word, "AS", 2) && word[2] && !word[2 + strspn(word + 2, "0123456789")])
		return arena_format(r, "an AS number is written 'asn %s'", word + 2);
	if (*word == '<' && word[strlen(word) - 1] == '>')
		return arena_format(r, "a list is named without < >: %.*s", (int)strlen(word) - 2,
				    word + 1);
	hint = of_address(r, word);
	if (!hint)
		hint = of_names(r, word);
	return hint ? hint : of_region(r, word);
}

static const char *of_subject(struct arena *r, const char *word)
{
	size_t len = strlen(word);

	if ((len == 2 && country_code(word, 2)) || zone_find(word) >= 0)
		return "where it goes is 'to'; 'from' says who sends";
	if (len > 8 && !strcmp(word + len - 8, ".service"))
		return arena_format(r, "a unit stands behind its keyword: unit \"%s\"", word);
	if (!strncmp(word, "user:", 5) || !strncmp(word, "unit:", 5))
		return arena_format(r, "a blank stands between: %.4s %s", word, word + 5);
	if (*word == '/')
		return arena_format(r, "a control group stands behind its keyword: cgroup \"%s\"",
				    word);
	if (isdigit((unsigned char)*word))
		return arena_format(r, "an address stands behind its keyword: address %s", word);
	return len ? arena_format(r, "a 'subject' line defines it, or write: user %s", word) : NULL;
}

static const char *of_port(struct arena *r, const char *word)
{
	size_t n = strspn(word, "0123456789");

	if (n && word[n] == '/' && isalpha((unsigned char)word[n + 1]))
		return arena_format(r, "the protocol is a part of its own: proto %s port %.*s",
				    word + n + 1, (int)n, word);
	if (isalpha((unsigned char)*word) && (word = strchr(word, '/')) &&
	    isdigit((unsigned char)word[1]))
		return arena_format(r, "the port is a part of its own: port %s", word + 1);
	return NULL;
}

const char *hint_find(struct arena *r, unsigned where, const char *word)
{
	const char *hint = of_table(where, word);
	size_t len = strlen(word);

	if (hint)
		return hint;
	if (*word == '!' && len > 1)
		return NO_NOT;
	if (len > 2 && *word == '"' && where == HINT_PLACE)
		return arena_format(r, "places stand without quotes: %.*s", (int)len - 2, word + 1);
	if (where & HINT_RULE && len && strspn(word, "0123456789-") == len)
		return PORTS;
	if (where & HINT_BARE &&
	    (zone_find(word) >= 0 || country_code(word, len) || strchr(word, '/')))
		return arena_format(r, "a place stands behind 'to': to %s", word);
	if (where & HINT_PLACE)
		return of_place(r, word);
	if (where & HINT_SUBJECT)
		return of_subject(r, word);
	return where & (HINT_PORT | HINT_PROTO) ? of_port(r, word) : NULL;
}
