/* SPDX-License-Identifier: BSD-2-Clause */
/* declared.c - registers and tables as what they say of each operator. */
#include "agent/policy/policy_files.h"
#include "agent/report/declared.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "agent/base/text.h"
#include "agent/report/package.h"
#include "geo/base/file.h"
#include "geo/facts/country.h"
#include "rules/policy.h"

/* "eba_GA:DE" or "DE"; eba_GA:qx2007 (not applicable) and what is no country: 0 */
static uint16_t country_of(const char *s)
{
	if (strncasecmp(s, "eba_GA:", 7) == 0)
		s += 7;
	return country_code(s, strlen(s));
}

static bool is_no(const char *s)
{
	static const char *const no[] = {"eba_BT:x29", "no", "false", "0"};

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (strcasecmp(s, no[i]) == 0)
			return true;
	return false;
}

static struct declared *entry(struct declarations *d, const char *code)
{
	struct declared *p;

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->v[i].code, code) == 0)
			return &d->v[i];
	if (d->n == DECLARED_MAX || strlen(code) >= sizeof(p->code))
		return NULL;
	p = reallocarray(d->v, d->n + 1, sizeof(*p));
	if (!p)
		return NULL;
	d->v = p;
	p = &d->v[d->n++];
	*p = (struct declared){0};
	text_put(p->code, sizeof(p->code), "%s", code);
	return p;
}

static void add_country(struct declared *p, uint16_t cc)
{
	for (unsigned i = 0; i < p->countries; i++)
		if (p->country[i] == cc)
			return;
	if (!cc)
		return;
	if (p->countries == DECLARED_COUNTRIES)
		p->everywhere = true;
	else
		p->country[p->countries++] = cc;
}

/* B_02.02: 0030 provider, 0130 provision, 0140 stored?, 0150 at rest, 0160 processing */
static int contracts(struct declarations *d, const struct csv *t)
{
	int code = csv_column(t, "c0030"), provision = csv_column(t, "c0130"),
	    stored = csv_column(t, "c0140"), rest = csv_column(t, "c0150"),
	    processing = csv_column(t, "c0160");

	if (code < 0 || provision < 0 || rest < 0 || processing < 0)
		return -EBADMSG;
	for (size_t i = 0; i < t->rows; i++) {
		struct declared *p = entry(d, csv_get(t, i, code));

		if (!p)
			return -E2BIG;
		p->contracted = true;
		add_country(p, country_of(csv_get(t, i, provision)));
		add_country(p, country_of(csv_get(t, i, processing)));
		if (!is_no(csv_get(t, i, stored)))
			add_country(p, country_of(csv_get(t, i, rest)));
	}
	return 0;
}

/* B_05.01. The annex of the ITS has name, headquarters, parent in 0030, 0050, 0080; the EBA's template, with two columns
 * of additional codes and one of names in Latin letters more, in 0050, 0080, 0110. */
static int providers(struct declarations *d, const struct csv *t)
{
	bool eba = csv_column(t, "c0110") >= 0;
	int code = csv_column(t, "c0010"), name = csv_column(t, eba ? "c0050" : "c0030"),
	    home = csv_column(t, eba ? "c0080" : "c0050"),
	    parent = csv_column(t, eba ? "c0110" : "c0080");

	if (code < 0 || name < 0 || home < 0)
		return -EBADMSG;
	for (size_t i = 0; i < t->rows; i++) {
		struct declared *p = entry(d, csv_get(t, i, code));

		if (!p)
			return -E2BIG;
		text_put(p->name, sizeof(p->name), "%s", csv_get(t, i, name));
		text_put(p->parent, sizeof(p->parent), "%s", csv_get(t, i, parent));
		p->home = country_of(csv_get(t, i, home));
		p->op = operator_find(p->name);
	}
	return 0;
}

/* B_05.02: 0030 provider */
static int chain(struct declarations *d, const struct csv *t)
{
	int code = csv_column(t, "c0030");

	if (code < 0)
		return -EBADMSG;
	d->chain = true;
	for (size_t i = 0; i < t->rows; i++) {
		struct declared *p = entry(d, csv_get(t, i, code));

		if (!p)
			return -E2BIG;
		p->subcontracts = true;
	}
	return 0;
}

/* A provider without another parent is its own; one whose parent has no row cannot be judged. */
static void ultimates(struct declarations *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct declared *p = &d->v[i];

		if (!*p->parent || strcmp(p->parent, p->code) == 0) {
			p->ultimate = p->home;
			continue;
		}
		for (size_t k = 0; k < d->n; k++)
			if (strcmp(d->v[k].code, p->parent) == 0)
				p->ultimate = d->v[k].home;
	}
}

int declared_dora(struct declarations *d, const char *path, struct diag_sink *sink)
{
	static const char *const names[] = {"b_02.02.csv", "b_05.01.csv", "b_05.02.csv"};
	int (*const read[])(struct declarations *, const struct csv *) = {contracts, providers,
									  chain};
	struct csv t[3];
	int e = package_read(t, names, 3, path, sink);

	if (e < 0)
		return e;
	if (!t[0].columns || !t[1].columns) {
		diag_error(sink, path, 0, "this is no register of information: %s is missing",
			   t[0].columns ? names[1] : names[0]);
		e = -EBADMSG;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (e == 0 && t[i].columns) {
			e = read[i](d, &t[i]);
			if (e < 0)
				diag_error(sink, path, 0, "%s: %s", names[i],
					   e == -EBADMSG
						   ? "a column that is needed is missing"
						   : "too many providers, or a code too long");
		}
		csv_drop(&t[i]);
	}
	ultimates(d);
	return e;
}

/* "none" as people write it in a table of transfers, in French or English */
static bool is_none(const char *s)
{
	static const char *const none[] = {"aucun", "non", "no", "none", "n/a", "sans objet"};

	s += strspn(s, " \t");
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		size_t n = strlen(none[i]);

		if (strncasecmp(s, none[i], n) == 0 &&
		    !((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z' && strcasecmp(none[i], "aucun")))
			return true;
	}
	return false;
}

static bool is_yes(const char *s)
{
	s += strspn(s, " \t");
	return strncasecmp(s, "oui", 3) == 0 || strncasecmp(s, "yes", 3) == 0 ||
	       strncasecmp(s, "certif", 6) == 0;
}

/* actor, role, HDS certified, SecNumCloud, activities, access from outside of the EEA, risk by third-country law */
int declared_hds(struct declarations *d, const char *path, struct diag_sink *sink)
{
	struct csv t;
	char *text = NULL;
	size_t n;
	int e = file_read(&text, &n, AT_FDCWD, path, PACKAGE_FILE_MAX);

	if (e == 0 && memchr(text, 0, n)) {
		free(text);
		e = -EBADMSG;
	}
	e = e ? e : csv_read(&t, text, n);
	if (e == 0 && t.columns != 7) {
		csv_drop(&t);
		e = -EINVAL;
	}
	if (e < 0) {
		diag_error(
			sink, path, 0, "%s",
			e == -EBADMSG ? "is no CSV as RFC 4180 has it"
			: e == -EINVAL
				? "a table of transfers has seven columns: actor, role, HDS, SecNumCloud, "
				  "activities, access from outside of the EEA, risk by third-country law"
				: strerror(-e));
		return e;
	}
	for (size_t i = 0; i < t.rows && e == 0; i++) {
		struct declared *p = entry(d, csv_get(&t, i, 0));

		if (!p) {
			diag_error(sink, path, 0, "too many actors, or a name too long");
			e = -E2BIG;
			break;
		}
		p->hds = true;
		text_put(p->name, sizeof(p->name), "%s", csv_get(&t, i, 0));
		p->op = operator_find(p->name);
		p->hds_certified = is_yes(csv_get(&t, i, 2));
		p->hds_no_access = is_none(csv_get(&t, i, 5));
		p->hds_no_law = is_none(csv_get(&t, i, 6));
	}
	csv_drop(&t);
	return e;
}

int declared_policy(struct declarations *d, const char *path, struct diag_sink *sink)
{
	char *text;
	size_t n;
	int e = policy_files_read(&text, &n, path, sink);

	if (e == -EINVAL)
		return e; /* said */
	if (e < 0) {
		diag_error(sink, path, 0, "%s", strerror(-e));
		return e;
	}
	if (d->policies == DECLARED_POLICIES) {
		diag_error(sink, path, 0, "more than %d policies", DECLARED_POLICIES);
		e = -E2BIG;
	}
	e = e ? e : policy_parse(&d->policy[d->policies], path, text, n, sink);
	free(text);
	d->policies += e == 0;
	return e;
}

bool declared_any(const struct declarations *d)
{
	for (size_t i = 0; i < d->policies; i++)
		if (d->policy[i]->npromises)
			return true;
	return d->n;
}

void declared_drop(struct declarations *d)
{
	for (size_t i = 0; i < d->policies; i++)
		policy_free(d->policy[i]);
	free(d->v);
	*d = (struct declarations){0};
}

static bool means(const struct declared *p, const char *operator_name,
		  const struct operator_entry *o)
{
	if (p->op || o)
		return p->op == o;
	return *operator_name && strcasecmp(p->name, operator_name) == 0;
}

const struct declared *declared_next(const struct declarations *d, const struct declared *after,
				     const char *operator_name, const char *provider)
{
	const struct operator_entry *o = operator_find(operator_name);

	if (!o && *provider)
		o = operator_find(provider);
	for (const struct declared *p = after ? after + 1 : d->v; p && p < d->v + d->n; p++)
		if ((p->contracted || p->hds) && means(p, operator_name, o))
			return p;
	return NULL;
}
