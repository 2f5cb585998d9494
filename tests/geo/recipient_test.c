/* SPDX-License-Identifier: BSD-2-Clause */
/* recipient_test.c - suffixes of whole labels, the longest first; the table is sound. */
#include <criterion/criterion.h>
#include <string.h>
#include "geo/facts/country.h"
#include "geo/facts/recipient.h"

Test(recipient, longest_suffix_of_whole_labels)
{
	static const struct {
		const char *name, *organisation, *site;
	} rows[] = {
		{"intake.logs.datadoghq.com", "Datadog", "us"},
		{"datadoghq.com", "Datadog", "us"},
		{"http-intake.logs.datadoghq.eu", "Datadog", "eu"},
		{"o1.ingest.sentry.io", "Sentry (Functional Software)", "us"},
		{"o1.ingest.de.sentry.io", "Sentry (Functional Software)", "eu"},
		{"eu01.nr-data.net", "New Relic", "eu"},
		{"http-intake.logs.ap1.datadoghq.com", "Datadog", "jp"},
		{"api.jp.newrelic.com", "New Relic", "jp"},
		{"api.intercom.io", "Intercom", "global"},
		{"api.mistral.ai", "Mistral AI", "global"},
		{"evildatadoghq.com", NULL, NULL},
		{"datadoghq.com.example", NULL, NULL},
		{"com", NULL, NULL},
		{"", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct recipient *r = recipient_find(rows[i].name);

		cr_expect_eq(r != NULL, rows[i].organisation != NULL, "%s", rows[i].name);
		if (!r || !rows[i].organisation)
			continue;
		cr_expect_str_eq(r->organisation, rows[i].organisation, "%s", rows[i].name);
		cr_expect_str_eq(r->site, rows[i].site, "%s", rows[i].name);
	}
}

Test(recipient, table)
{
	const struct recipient *r;

	for (size_t i = 0; (r = recipient_at(i)); i++) {
		cr_expect_eq(recipient_find(r->suffix), r, "%s stands twice", r->suffix);
		cr_expect_eq(strspn(r->suffix, "abcdefghijklmnopqrstuvwxyz0123456789-."),
			     strlen(r->suffix), "%s", r->suffix);
		cr_expect(country_code(r->law, 2) != 0, "%s: law %s", r->suffix, r->law);
		cr_expect(!strcmp(r->site, "eu") || !strcmp(r->site, "us") ||
				  !strcmp(r->site, "global") || !strcmp(r->site, "jp") ||
				  !strcmp(r->site, "au"),
			  "%s", r->suffix);
		cr_expect(!r->checked || (strlen(r->checked) == 10 && r->checked[4] == '-'),
			  "%s: checked %s", r->suffix, r->checked);
		cr_expect(*r->organisation && *r->service && *r->source, "%s", r->suffix);
		if (!r->eu)
			continue;
		cr_assert_not_null(recipient_find(r->eu), "%s: nobody is at %s", r->suffix, r->eu);
		cr_expect_str_eq(recipient_find(r->eu)->site, "eu", "%s: %s", r->suffix, r->eu);
		cr_expect_str_eq(recipient_find(r->eu)->organisation, r->organisation, "%s",
				 r->suffix);
	}
}
