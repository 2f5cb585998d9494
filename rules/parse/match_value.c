/* SPDX-License-Identifier: BSD-2-Clause */
/* match_value.c - the value functions of match.def: what a matcher's argument puts into the rule, the
 * place or the subject. */
#include <string.h>
#include "rules/parse/parse.h"

void value_under(struct parse *ps, struct rule *r, const struct word *w)
{
	r->under = name_zone(ps, w);
}

void value_service(struct parse *ps, struct rule *r, const struct word *w)
{
	r->service = name_use(ps, NAME_SERVICE, w);
}

/* 'port' and 'proto' of one rule make one anonymous service, whichever stands first. */
static void anonymous_service(struct parse *ps, struct rule *r, const struct word *w,
			      const struct service_atom *a, size_t n)
{
	struct service_def *s = arena_alloc(ps->arena, 1, sizeof(*s));
	struct service_atom *copy = arena_alloc(ps->arena, n, sizeof(*copy));

	if (!s || !copy) {
		ps->failed = true;
		return;
	}
	memcpy(copy, a, n * sizeof(*a));
	*s = (struct service_def){.atoms = copy, .natoms = n, .line = w->at.line};
	r->service = s;
}

static bool has_ports(struct parse *ps, uint8_t proto, const struct word *w)
{
	if (proto == 6 || proto == 17)
		return true;
	parse_error(ps, &w->at, "ports are decided for tcp and udp only");
	return false;
}

void value_proto(struct parse *ps, struct rule *r, const struct word *w)
{
	struct service_atom a = {.any_port = true, .last = 65535};

	if (r->service) { /* 'port' came first */
		a = r->service->atoms[0];
		if (value_parse_proto(ps, &a.proto, w) && has_ports(ps, a.proto, w))
			anonymous_service(ps, r, w, &a, 1);
	} else if (value_parse_proto(ps, &a.proto, w)) {
		anonymous_service(ps, r, w, &a, 1);
	}
}

void value_port(struct parse *ps, struct rule *r, const struct word *w)
{
	struct service_atom a[2] = {{.proto = 6}, {.proto = 17}};

	if (!value_parse_ports(ps, &a[0].first, &a[0].last, w))
		return;
	a[1].first = a[0].first;
	a[1].last = a[0].last;
	if (!r->service) {
		anonymous_service(ps, r, w, a, 2);
		return;
	}
	a[0].proto = r->service->atoms[0].proto; /* 'proto' came first */
	if (has_ports(ps, a[0].proto, w))
		anonymous_service(ps, r, w, a, 1);
}

void value_opened(struct parse *ps, struct rule *r, const struct word *w)
{
	static const char *const names[] = {"here", "peer"};
	unsigned which;

	if (value_parse_choice(ps, &which, w, "side of a flow", names, 2))
		r->opened = which ? RULE_OPENED_PEER : RULE_OPENED_HERE;
}

void value_severity(struct parse *ps, struct rule *r, const struct word *w)
{
	static const char *const names[] = {"low", "medium", "high", "critical"};
	unsigned which;

	if (value_parse_choice(ps, &which, w, "severity", names, 4))
		r->severity = (uint8_t)(which + 1);
}

/* Labels go into file names, CSV and query languages: letters, digits and '.', '_', '-', ':', '/'.
 */
static const char *label(struct parse *ps, const struct word *w)
{
	size_t len = strlen(w->s);

	for (size_t i = 0; i < len; i++)
		if (!((w->s[i] >= '0' && w->s[i] <= '9') ||
		      ((w->s[i] | 32) >= 'a' && (w->s[i] | 32) <= 'z') ||
		      strchr("._-:/", w->s[i]))) {
			parse_error(ps, &w->at,
				    "a label is of letters, digits and . _ - : "
				    "/; a sentence is for 'because'");
			return NULL;
		}
	if (!len)
		parse_error(ps, &w->at, "an empty label");
	return len ? w->s : NULL;
}

void value_purpose(struct parse *ps, struct rule *r, const struct word *w)
{
	r->purpose = label(ps, w);
}

void value_basis(struct parse *ps, struct rule *r, const struct word *w)
{
	/* what the GDPR's chapter V knows; scc and bcr are of art46 */
	static const char *const names[] = {"art45", "art46", "art47", "art48",
					    "art49", "scc",   "bcr"};
	unsigned which;

	if (value_parse_choice(ps, &which, w, "legal basis", names, sizeof(names) / sizeof(*names)))
		r->basis = names[which];
}

void value_until(struct parse *ps, struct rule *r, const struct word *w)
{
	value_parse_date(ps, &r->until, w);
}

void value_because(struct parse *ps, struct rule *r, const struct word *w)
{
	if (!w->quoted)
		parse_error(ps, &w->at, "the reason stands in quotes: because \"%s\"", w->s);
	else if (!*w->s)
		parse_error(ps, &w->at, "an empty reason");
	r->because = w->s;
}

void value_country(struct parse *ps, struct place_atom *a, const struct word *w)
{
	value_parse_country(ps, &a->country, w);
}

void value_zone(struct parse *ps, struct place_atom *a, const struct word *w)
{
	a->zone = name_use(ps, NAME_ZONE, w);
}

void value_cidr(struct parse *ps, struct place_atom *a, const struct word *w)
{
	value_parse_cidr(ps, &a->cidr, w);
}

void value_provider(struct parse *ps, struct place_atom *a, const struct word *w)
{
	a->name = label(ps, w);
}

void value_asn(struct parse *ps, struct place_atom *a, const struct word *w)
{
	const char *s = w->s + (!strncmp(w->s, "AS", 2) ? 2 : 0);
	uint64_t v = 0;

	if (!value_parse_number(&v, s, strlen(s), UINT32_MAX) || !v)
		parse_error(ps, &w->at, "'%s' is no AS number (from 1 to 4294967295)", w->s);
	a->asn = (uint32_t)v;
}

void value_jurisdiction(struct parse *ps, struct place_atom *a, const struct word *w)
{
	a->zone = name_zone(ps, w);
}

void value_subject_text(struct parse *ps, struct subject_atom *a, const struct word *w)
{
	a->text = w->s;
	if (!*w->s)
		parse_error(ps, &w->at, "an empty name");
	else if (a->type == SUBJECT_CGROUP && *w->s != '/')
		parse_error(ps, &w->at, "a cgroup is named from the root: '/%s'", w->s);
}

void value_subject_cidr(struct parse *ps, struct subject_atom *a, const struct word *w)
{
	value_parse_cidr(ps, &a->cidr, w);
}
