/*
 * policy.h - a policy as written: text -> struct policy (flex and bison), print, lint. No I/O, no
 * clock. All memory of a policy is one region, dropped whole by policy_free.
 */
#ifndef RULES_POLICY_H
#define RULES_POLICY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"
#include "geo/base/ip.h"
#include "geo/facts/country.h"
#include "rules/decide.h"

#define RULE_LABEL_MAX	    64	       /* characters */
#define POLICY_LINE_MAX	    4096       /* bytes, without the newline */
#define POLICY_TEXT_MAX	    (8u << 20) /* bytes */
#define POLICY_RULES_MAX    4000
#define POLICY_PLACES_MAX   32768 /* countries, zones, prefixes ... in all rules and zones */
#define POLICY_LISTED_MAX   65536 /* prefixes in all lists */
#define POLICY_PROMISES_MAX 1024
/* How a text begins that is of several files: lines '#@ "FILE" N' say where the next line stands */
#define POLICY_WHOLE	  "#@ whole\n"
#define POLICY_ERRORS_MAX 100 /* printed in one run; the rest is counted */

enum policy_mode { MODE_MONITOR, MODE_ENFORCE };
/* What a start does that has neither policy and places nor good ones from before. Unsaid is open. */
enum policy_boot { BOOT_UNSAID, BOOT_OPEN, BOOT_CLOSED };

/* A place, as a rule or a zone names it. What matches a place whose status is not 'known' stands in
 * rules/compile/eval.h: an allow rule by country, zone, law or 'here' never does; one that names the
 * address, provider or status does. */
enum place_atom_type {
	ATOM_ANY,
	ATOM_COUNTRY,
	ATOM_ZONE,
	ATOM_CIDR,
	ATOM_LIST,
	ATOM_PROVIDER,
	ATOM_ASN,
	ATOM_JURISDICTION,
	ATOM_HERE,
	ATOM_PRIVATE,
	ATOM_UNKNOWN,
	ATOM_DISPUTED,
	ATOM_UNPROVABLE,
	ATOM_ANYCAST,
	ATOM_RELAY
};
struct zone_def;
/* A 'list' line: prefixes, in the order of the text. */
struct list_def {
	const char *name;
	const struct cidr *cidrs;
	size_t ncidrs;
	const char *file; /* as of a rule */
	unsigned line;
};
struct place_atom {
	enum place_atom_type type;
	uint16_t country;	     /* ATOM_COUNTRY */
	const struct zone_def *zone; /* ATOM_ZONE, ATOM_JURISDICTION */
	struct cidr cidr;	     /* ATOM_CIDR */
	const struct list_def *list; /* ATOM_LIST */
	const char *name;	     /* provider */
	const char *region;	     /* glob or NULL */
	uint32_t asn;
	/* ATOM_CIDR, ATOM_LIST, ATOM_ASN: index in policy_sets(); all CIDRs of one 'to' share a set */
	int set;
	unsigned source, line, column, length; /* source: of parse.h */
};
/* A zone: built-in (builtin >= 0), or the policy's own: members are countries and zones. A single
 * country that stands where a zone may ('under US', 'jurisdiction US') becomes an anonymous zone
 * (name NULL). */
struct zone_def {
	const char *name;
	int builtin; /* enum zone, or -1 */
	const struct place_atom *atoms;
	size_t natoms;
	const struct list_def *list; /* while a policy is read: the name is a list's */
	unsigned id;		     /* index in zone_order */
	const char *file;	     /* as of a rule */
	unsigned line;
};
enum subject_type {
	SUBJECT_UNIT,
	SUBJECT_USER_UNIT,
	SUBJECT_USER,
	SUBJECT_CGROUP,
	SUBJECT_ADDRESS
};
struct subject_atom {
	enum subject_type type;
	const char *text; /* glob, user name, or cgroup path */
	struct cidr cidr;
	const struct list_def *list; /* SUBJECT_ADDRESS: in place of the prefix, or NULL */
	const char *file;	     /* as of a rule */
	unsigned line, column;
};
struct subject_def {
	const char *name;		  /* NULL: written in the rule itself */
	const struct subject_atom *atoms; /* or */
	size_t natoms;
	/* its addresses, once sets_make has been there */
	const struct cidr *cidrs;
	size_t ncidrs;
	bool gathered;
	int set;	  /* index in policy_sets() of its addresses; -1 = it has none */
	const char *file; /* as of a rule */
	unsigned line;
};
struct service_atom {
	uint8_t proto;
	bool any_port;
	uint16_t first, last;
};
struct service_def {
	const char *name; /* NULL: 'port' or 'proto' in a rule. 'port N' is tcp and udp. */
	const struct service_atom *atoms;
	size_t natoms;
	const char *file; /* as of a rule */
	unsigned line;
};
enum rule_opened { RULE_OPENED_ANY, RULE_OPENED_HERE, RULE_OPENED_PEER };
struct rule {
	enum decide_action action;
	const struct subject_def **from; /* or; nfrom 0 = anybody */
	size_t nfrom;
	const struct place_atom *to; /* or; nto 0 = any */
	size_t nto;
	const struct zone_def *under;	   /* or NULL */
	const struct service_def *service; /* or NULL */
	const char *name; /* glob of the recipient's name, in small letters; or NULL */
	enum rule_opened opened;
	uint8_t severity; /* 0 = not said: block is high (3), alert is medium (2) */
	bool quiet;	  /* a block that raises no event */
	const char *label, *purpose, *basis, *because; /* or NULL */
	int64_t until; /* Unix seconds of the day's start, UTC; 0 = for ever */
	const char
		*file; /* that the policy includes and the line stands in; NULL: the policy's own */
	uint64_t over; /* bytes; 0 = matches from the first on */
	int64_t per;   /* seconds, of 'over' */
	unsigned line;
	const char *text; /* as written, on one line, without comments, blanks squeezed */
};
struct policy_place { /* a 'place' line */
	struct cidr prefix;
	uint16_t country, jurisdiction;
	const char *provider, *platform, *region, *note;
	const char *file; /* as of a rule */
	unsigned line;
};
struct policy_feed {
	const char *transport, *target, *format, *topic;
	const char *ca, *cert, *key; /* files in PEM */
	const char *config;	     /* a file of the library's own settings */
	const char *name;	     /* the server's, when it is not the target's host */
	int64_t ledger;	  /* seconds of a roll-up: the ledger goes there, no alerts; 0: alerts do */
	const char *file; /* as of a rule */
	unsigned line;
};
/* 'promise provider aws stays DE, FR under US "contract, annex 2"': decides nothing. The report holds it against what
 * was observed. */
struct policy_promise {
	const char *provider;
	const struct zone_def *const *stays; /* countries and zones; or */
	size_t nstays;
	const struct zone_def *under; /* every law over the operator; or NULL */
	const char *note;	      /* or NULL */
	const char *file;	      /* as of a rule */
	unsigned line;
};
struct policy_geo {
	const char *path;
	/* path: "" for all that no other line names */
	int64_t max_age; /* seconds, 0 = none */
	enum decide_action stale;
	const char *file; /* as of a rule */
	unsigned line;
};

struct policy {
	const char *file;
	char sha256[65]; /* of the text */
	bool has_home;
	uint16_t home;
	double home_lat, home_lon; /* degrees; NaN when not said */
	const char *home_name;
	enum policy_mode mode;
	bool has_mode; /* a line says it */
	enum policy_boot boot;
	const struct cidr *inside;
	size_t ninside;
	const struct cidr *nat64;
	size_t nnat64;
	const struct policy_place *places;
	size_t nplaces;
	const struct zone_def *const *zones; /* of 'zone' lines */
	size_t nzones;
	const struct list_def *const *lists;
	size_t nlists;
	/* all: built-in and anonymous ones too, each after its members */
	const struct zone_def *const *zone_order;
	size_t nzone_order;
	const struct subject_def *const *subjects;
	size_t nsubjects;
	const struct service_def *const *services;
	size_t nservices;
	const struct policy_geo *geo;
	size_t ngeo;
	const char *journal;
	int64_t journal_keep;  /* seconds; 0: for ever */
	bool journal_unsynced; /* 'sync none' */
	const struct policy_feed *feeds;
	size_t nfeeds;
	const struct policy_promise *promises;
	size_t npromises;
	const struct rule *rules;
	size_t nrules;
	const struct policy_set *sets; /* compile.h: policy_sets() */
	size_t nsets;
	struct arena *arena; /* holds all of this, itself included */
};

struct policy_target {
	const char *scheme; /* udp, tcp, tls, http, https */
	char host[256];
	uint16_t port; /* the scheme's own when none is said */
};
/* SCHEME://HOST[:PORT]. 0 or -EINVAL. */
int policy_target_parse(struct policy_target *ret, const char *text);

/* 0, or -EINVAL after every error went to d (parsing resumes at the next line); -ENOMEM. Text need
 * not end in NUL. file is copied. *ret untouched on failure. */
int policy_parse(struct policy **ret, const char *file, const char *text, size_t len,
		 struct diag_sink *d);
/* The same, with rules before the text's own that stand in no file: 'block to ADDRESS', until a second of the day and
 * not a day. Copied. Their line is 0. */
struct policy_first {
	struct cidr to;
	int64_t until; /* Unix seconds */
	const char *because;
};
struct policy_source {
	const char *file, *text;
	size_t len;
	const struct policy_first *first;
	size_t nfirst;
};
int policy_parse_first(struct policy **ret, const struct policy_source *s, struct diag_sink *d);
/* The 'boot' line of a text that policy_parse need not take. */
enum policy_boot policy_boot(const char *text, size_t len);
void policy_free(struct policy *p);
/* Warnings: shadowed, unreachable, expired, expires within 30 days of now (Unix seconds), unused
 * names, no final rule. */
void policy_lint(const struct policy *p, int64_t now, struct diag_sink *d);
/* Is the country in the zone on a day (Unix seconds)? false for 0. */
bool policy_zone_has(const struct zone_def *z, uint16_t country, int64_t at);
/* "DE", "eea" */
const char *policy_zone_text(const struct zone_def *z, char buf[3]);
/* Canonical text: parses back to the same policy. malloc'ed, caller frees; NULL on ENOMEM. */
char *policy_print(const struct policy *p);
/* Where something of a policy stands: "line 7", or "FILE:7" in a file that it includes. */
#define POLICY_WHERE 160
const char *policy_where(char to[POLICY_WHERE], const char *file, unsigned line);
uint8_t
rule_severity(const struct rule *r);	/* 0 none, 1 low .. 4 critical: as said, or by the action */
char *rule_print(const struct rule *r); /* one rule, canonical, without newline */
#endif
