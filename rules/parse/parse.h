/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.h - what lexer, grammar, values and names share while one policy is read. Nothing of it
 * outlives policy_parse. */
#ifndef RULES_PARSE_PARSE_H
#define RULES_PARSE_PARSE_H
#include <setjmp.h>
#include "rules/parse/match.h"
#include "rules/parse/arena.h"

struct spot {
	unsigned line, column, length;
	unsigned source; /* 0: the policy's own file; else one that it includes, parse_file */
};
struct word {
	const char *s; /* in the region; quotes and escapes taken off */
	struct spot at;
	size_t offset; /* in the text */
	bool quoted;
};

/* A name that may be used before its line; 'def' stands from the first use and is filled by its
 * line. */
enum name_kind { NAME_ZONE, NAME_SUBJECT, NAME_SERVICE, NAME_LIST, NAME_KINDS };
struct name {
	struct name *next; /* of the bucket */
	enum name_kind kind;
	const char *s;
	void *def; /* struct zone_def, subject_def, service_def or list_def */
	bool defined;
	struct spot at;
};
struct name_use {
	const struct name *name;
	struct spot at;
	bool in_to; /* where a list may stand in a zone's place */
};
#define NAME_BUCKETS	1024
#define PLACES_COMPARED 1024 /* 'place' lines that a new one is compared with */
#define NAMES_MAX	4096 /* zones, subjects and services together */
#define ZONE_DEPTH_MAX	32   /* zones within zones */

/* An error, kept until all are known, so that they come out in the order of the text. */
struct complaint {
	struct spot at;
	const char *text;
	size_t order;
};

struct parse {
	struct policy *p;
	struct arena *arena;
	const char *text; /* what is lexed: lines that cannot be read are blank */
	size_t len;
	bool whole;	   /* the text says where its lines stand (agent/policy/policy_files.h) */
	struct list files; /* const char *: those that the policy includes */
	unsigned source;   /* of what is lexed */
	void *scanner;
	jmp_buf fatal; /* where a scanner without memory returns to */
	bool failed;   /* no memory */
	struct list complaints;
	size_t errors; /* complaints that were made; not all are kept */
	/* lexer */
	size_t start, end; /* of the token, offsets in text */
	unsigned line, column;
	bool raw, line_open; /* next word is no keyword; something stands on this line */
	bool braced, comma;  /* in a body; after a comma: a statement goes on in the next line */
	/* what is being built */
	struct rule rule;
	size_t rule_start;     /* of its line, offset in text */
	unsigned clauses;      /* bits of enum clause that the rule has */
	enum clause open_list; /* CLAUSE_FROM or CLAUSE_TO while its list is read, else CLAUSES */
	struct list ports;     /* of the rule: struct service_atom, without protocol */
	int proto;	       /* of the rule; -1: not said */
	unsigned parts;	       /* bits of what a place, geo or feed line has */
	struct spot once[4];   /* of home, mode, boot, journal; line 0: not said */
	unsigned rule_lines;
	size_t nplaces; /* of POLICY_PLACES_MAX */
	size_t nlisted; /* of POLICY_LISTED_MAX */
	bool in_to;	/* of the names that are used now */
	struct policy_place place;
	struct policy_feed feed;
	struct policy_geo geo;
	struct policy_promise promise;
	struct list stays; /* of it */
	struct spot geo_stale;
	struct list atoms; /* of a list or a body */
	/* in a service's body: protocol of the ports that follow, -1 none, -2 a wrong one */
	int pending_proto;
	bool proto_has_ports;
	/* lists of the policy */
	struct list inside, nat64, places, zones, subjects, services, lists, geos, feeds, promises;
	struct list rules, all_zones;
	struct list heres; /* where 'here' stands: it needs 'home' */
	/* names */
	struct name *names[NAME_BUCKETS];
	size_t nnames;
	struct list uses;
	struct zone_def *builtin[8]; /* by enum zone, when used */
};

/* Appends a copy to a list; sets failed when there is no memory. */
#define PARSE_PUSH(ps, list, value)                                                                \
	do {                                                                                       \
		if (!list_add((ps)->arena, (list), &(value), sizeof(value)))                       \
			(ps)->failed = true;                                                       \
	} while (0)

void parse_error(struct parse *ps, const struct spot *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of a source; NULL of the policy's own. */
const char *parse_file(const struct parse *ps, unsigned source);
/* "line 7", or "FILE:7" when it stands in another file than 'from' */
const char *parse_line(struct parse *ps, const char *file, unsigned line, const struct spot *from);
const char *parse_where(struct parse *ps, const struct spot *at, const struct spot *from);
/* Is it '#@ "FILE" N'? Then what follows stands there. */
bool parse_mark(struct parse *ps, const char *line, size_t len, unsigned *source, unsigned *number);

/* lexer.l */
int lexer_open(struct parse *ps);				/* 0 or -ENOMEM */
int lexer_next(void *value, struct spot *at, struct parse *ps); /* value: the grammar's union */
void lexer_close(struct parse *ps);

/* grammar.y */
int grammar_parse(struct parse *ps); /* 0; 2 when there is no memory */

/* build.c and setting.c: statements, called by the grammar */
void parse_body_start(struct parse *ps); /* of a zone, service or subject */
void parse_rule_start(struct parse *ps, enum decide_action action, const struct word *w);
void parse_rule_end(struct parse *ps);
void parse_port(struct parse *ps, const struct word *w); /* one more, of a list */
void parse_list_start(struct parse *ps, enum clause c, const struct word *key);
void parse_clause(struct parse *ps, enum clause c, const struct word *key, const struct word *w);
void parse_over(struct parse *ps, const struct word *key, const struct word *size,
		const struct word *per);
void parse_atom(struct parse *ps, enum place_atom_type t, const struct word *w);
void parse_atom_word(struct parse *ps,
		     const struct word *w); /* country, zone, address: told by its form */
void parse_region(struct parse *ps, const struct word *w);
void parse_subject_atom(struct parse *ps, enum subject_type t, const struct word *w);
void parse_subject_name(struct parse *ps, const struct word *w);
void parse_home(struct parse *ps, const struct word *cc, const struct word *lat,
		const struct word *lon, const struct word *name);
void parse_mode(struct parse *ps, const struct word *key, const struct word *w);
void parse_boot(struct parse *ps, const struct word *key, const struct word *w);
void parse_inside(struct parse *ps, const struct word *w);
void parse_nat64(struct parse *ps, const struct word *w);
void parse_place_start(struct parse *ps, const struct word *w);
enum place_part { PLACE_PROVIDER, PLACE_PLATFORM, PLACE_REGION, PLACE_UNDER, PLACE_NOTE };
void parse_place_part(struct parse *ps, enum place_part part, const struct word *w);
void parse_place_end(struct parse *ps, const struct word *cc);
void parse_zone(struct parse *ps, const struct word *name);
void parse_subject(struct parse *ps, const struct word *name);
void parse_service(struct parse *ps, const struct word *name);
void parse_listed(struct parse *ps, const struct word *w); /* a prefix of a list */
void parse_list(struct parse *ps, const struct word *name);
void parse_unread(struct parse *ps, const struct word *w, const struct word *file);
void parse_service_item(struct parse *ps, const struct word *w);
void parse_service_proto(struct parse *ps, const struct word *w);
void parse_service_port(struct parse *ps, const struct word *w);
void parse_geo_start(struct parse *ps, const struct word *path);
void parse_geo_age(struct parse *ps, const struct word *w);
void parse_geo_any(struct parse *ps, const struct word *w); /* of whatever sources there are */
void parse_geo_stale(struct parse *ps, const struct word *w);
void parse_geo_end(struct parse *ps);
void parse_journal_start(struct parse *ps);
void parse_journal_end(struct parse *ps, const struct word *key, const struct word *path);
/* unit NULL: the duration is one word (400d) */
void parse_journal_keep(struct parse *ps, const struct word *number, const struct word *unit);
void parse_journal_sync(struct parse *ps, const struct word *w);
void parse_feed_start(struct parse *ps, const struct word *transport);
enum feed_part {
	FEED_TARGET,
	FEED_FORMAT,
	FEED_TOPIC,
	FEED_CA,
	FEED_CERT,
	FEED_KEY,
	FEED_NAME,
	FEED_CONFIG,
	FEED_LEDGER
};
void parse_feed_part(struct parse *ps, enum feed_part part, const struct word *w);
void parse_feed_end(struct parse *ps);
/* promise.c */
enum promise_part { PROMISE_UNDER, PROMISE_NOTE };
void parse_promise_start(struct parse *ps, const struct word *key, const struct word *provider);
void parse_promise_stays(struct parse *ps, const struct word *w);
void parse_promise_part(struct parse *ps, enum promise_part part, const struct word *w);
void parse_promise_end(struct parse *ps);

/* names.c */
void *name_use(struct parse *ps, enum name_kind kind, const struct word *w);
void *name_define(struct parse *ps, enum name_kind kind, const struct word *w); /* NULL: reported */
const struct zone_def *
name_zone(struct parse *ps,
	  const struct word *w); /* a country, a built-in or an own zone; NULL: reported */
void names_resolve(struct parse *ps);

/* sets.c */
int sets_make(struct policy *p);

/* value.c; the functions of match.def and what they are made of. false: reported. */
bool value_parse_country(struct parse *ps, uint16_t *ret, const struct word *w);
bool value_parse_cidr(struct parse *ps, struct cidr *ret, const struct word *w);
/* 443, 6000-6063, or a well-known name: https */
bool value_parse_ports(struct parse *ps, uint16_t *first, uint16_t *last, const struct word *w);
bool value_parse_proto(struct parse *ps, uint8_t *ret, const struct word *w);
bool value_parse_duration(struct parse *ps, int64_t *ret, const struct word *w);
bool value_parse_size(struct parse *ps, uint64_t *ret, const struct word *w);
/* "12 months": days, weeks, months (31 days) and years (366) */
bool value_parse_span(struct parse *ps, int64_t *ret, const struct word *number,
		      const struct word *unit);
bool value_parse_date(struct parse *ps, int64_t *ret, const struct word *w);
bool value_parse_number(uint64_t *ret, const char *s, size_t len, uint64_t max);
bool value_parse_degrees(struct parse *ps, double *ret, const struct word *w, double max);
bool value_parse_choice(struct parse *ps, unsigned *ret, const struct word *w, const char *what,
			const char *const *names, size_t n);
void value_under(struct parse *ps, struct rule *r, const struct word *w);
void value_service(struct parse *ps, struct rule *r, const struct word *w);
void value_proto(struct parse *ps, struct rule *r, const struct word *w);
void value_port(struct parse *ps, struct rule *r, const struct word *w);
void value_name(struct parse *ps, struct rule *r, const struct word *w);
void value_label(struct parse *ps, struct rule *r, const struct word *w);
void value_opened(struct parse *ps, struct rule *r, const struct word *w);
void value_severity(struct parse *ps, struct rule *r, const struct word *w);
void value_quiet(struct parse *ps, struct rule *r, const struct word *w);
void value_purpose(struct parse *ps, struct rule *r, const struct word *w);
void value_basis(struct parse *ps, struct rule *r, const struct word *w);
void value_until(struct parse *ps, struct rule *r, const struct word *w);
void value_because(struct parse *ps, struct rule *r, const struct word *w);
void value_country(struct parse *ps, struct place_atom *a, const struct word *w);
void value_zone(struct parse *ps, struct place_atom *a, const struct word *w);
void value_cidr(struct parse *ps, struct place_atom *a, const struct word *w);
void value_provider(struct parse *ps, struct place_atom *a, const struct word *w);
void value_asn(struct parse *ps, struct place_atom *a, const struct word *w);
void value_jurisdiction(struct parse *ps, struct place_atom *a, const struct word *w);
void value_subject_text(struct parse *ps, struct subject_atom *a, const struct word *w);
void value_subject_cidr(struct parse *ps, struct subject_atom *a, const struct word *w);
#endif
