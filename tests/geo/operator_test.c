/* SPDX-License-Identifier: BSD-2-Clause */
/* operator_test.c - the tables of operators and regions: sorted, whole, sourced, and right about
 * those that mislead. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/facts/country.h"
#include "geo/facts/facts.h"
#include "geo/facts/law.h"
#include "geo/facts/operator.h"
#include "geo/facts/region.h"
#include "geo/facts/zone.h"

#define NOW 1795392000 /* 2026-11-23 */

static const char *cc(uint16_t country)
{
	static char buf[3];

	return country_text(country, buf);
}

Test(operator, rows_are_whole)
{
	for (size_t i = 0; operator_row(i); i++) {
		const struct operator_entry *o = operator_row(i), *next = operator_row(i + 1);

		cr_expect(!next || strcmp(o->key, next->key) < 0, "%s: not sorted", o->key);
		cr_expect_eq(operator_by_key(o->key), o);
		cr_expect(*country_name(o->jurisdiction), "%s: %s is no country", o->key,
			  cc(o->jurisdiction));
		cr_expect(*o->name && strlen(o->source) > 10, "%s: no source", o->key);
		cr_expect(!*o->on || (o->platform && operator_by_key(o->on) &&
				      !operator_by_key(o->on)->platform),
			  "%s: runs on %s", o->key, o->on);
		for (const char *s = o->key; *s; s++)
			cr_expect(islower((unsigned char)*s) || isdigit((unsigned char)*s),
				  "%s: a key is lower case", o->key);
	}
}

/* Who says where its prefixes stand, whose registry says nothing, and whose law reaches it. */
Test(operator, flags_and_chain)
{
	static const char *const regions[] = {"aws", "azure", "google", "oracle", "meta"};
	static const char *const nowhere[] = {"meta", "cloudflare", "fastly", "akamai", "zscaler"};

	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		cr_expect(operator_by_key(regions[i])->publishes_regions, "%s", regions[i]);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		cr_expect(operator_by_key(nowhere[i])->registry_says_nothing, "%s", nowhere[i]);
	cr_expect_not(operator_by_key("ovh")->publishes_regions);
	cr_expect_not(operator_by_key("hetzner")->registry_says_nothing);
	cr_expect(operator_under(operator_by_key("exoscale"), CC('C', 'H')));
	cr_expect(operator_under(operator_by_key("exoscale"), CC('M', 'X')));
	cr_expect_not(operator_under(operator_by_key("exoscale"), CC('U', 'S')));
	cr_expect_not(operator_under(operator_by_key("exoscale"), 0));
}

Test(operator, asns_are_sorted_and_known)
{
	const char *key, *other;
	uint32_t asn, before = 0;

	for (size_t i = 0; (asn = operator_asn_row(i, &key)); i++) {
		cr_expect(asn > before, "AS%u after AS%u", asn, before);
		cr_expect(operator_by_key(key), "AS%u: no operator %s", asn, key);
		cr_expect_str_eq(operator_by_asn(asn)->key, key);
		before = asn;
	}
	cr_expect_eq(operator_asn_row(100000, &other), 0);
	cr_expect_null(operator_by_asn(64500));
	cr_expect_null(operator_by_asn(0));
	cr_expect_null(operator_by_asn(UINT32_MAX));
}

/* Every operator that the assignment names, by what a person or a database calls it. */
static const struct {
	const char *name, *key, *law;
} names[] = {
	{"aws", "aws", "US"},
	{"Amazon.com, Inc.", "aws", "US"},
	{"AMAZON-02", "aws", "US"},
	{"Amazon Data Services Ireland Ltd", "aws", "US"},
	{"AWS Elastic Beanstalk", "elasticbeanstalk", "US"},
	{"Elastic Beanstalk", "elasticbeanstalk", "US"},
	{"Google LLC", "google", "US"},
	{"Google Cloud EMEA Ltd", "google", "US"},
	{"Microsoft Corporation", "azure", "US"},
	{"Microsoft Deutschland MCIO GmbH", "azure", "US"},
	{"Oracle Corporation", "oracle", "US"},
	{"Oracle Svenska AB", "oracle", "US"},
	{"Salesforce.com, Inc.", "salesforce", "US"},
	{"heroku", "heroku", "US"},
	{"Cloudflare London, LLC", "cloudflare", "US"},
	{"Fastly, Inc.", "fastly", "US"},
	{"Akamai International B.V.", "akamai", "US"},
	{"Linode, LLC", "linode", "US"},
	{"DigitalOcean, LLC", "digitalocean", "US"},
	{"OVH SAS", "ovh", "FR"},
	{"OVHcloud", "ovh", "FR"},
	{"SCALEWAY S.A.S.", "scaleway", "FR"},
	{"Clever Cloud SAS", "clevercloud", "FR"},
	{"Outscale SASU", "outscale", "FR"},
	{"Platform.sh SAS", "platformsh", "FR"},
	{"Upsun", "platformsh", "FR"},
	{"Hetzner Online GmbH", "hetzner", "DE"},
	{"IONOS SE", "ionos", "DE"},
	{"STACKIT", "stackit", "DE"},
	{"Akenes SA", "exoscale", "CH"},
	{"Infomaniak Network SA", "infomaniak", "CH"},
	{"UpCloud Ltd", "upcloud", "FI"},
	{"LeaseWeb Netherlands B.V.", "leaseweb", "NL"},
};
/* Names that begin alike and are others'. */
static const char *const strangers[] = {
	"AMAZONIA TELECOMUNICACOES LTDA",
	"OVHAZARD Ltd",
	"Oraclehosting SARL",
	"T-systems Limited Liability Company",
	"Vultris",
	"Freenet",
	"Aruba Networks",
	"Awstats Inc",
	"Gandia Fibra SL",
	"",
	" ",
};

Test(operator, names)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct operator_entry *o = operator_find(names[i].name);

		cr_assert_not_null(o, "%s", names[i].name);
		cr_expect_str_eq(o->key, names[i].key, "%s", names[i].name);
		cr_expect_str_eq(cc(o->jurisdiction), names[i].law, "%s", names[i].name);
	}
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		cr_expect_null(operator_find(strangers[i]), "%s", strangers[i]);
}

Test(operator, platforms_and_health_data)
{
	cr_expect(operator_by_key("heroku")->platform);
	cr_expect_str_eq(operator_by_key("heroku")->on, "aws");
	cr_expect(operator_by_key("platformsh")->platform);
	cr_expect_str_eq(operator_by_key("platformsh")->on, "");
	cr_expect_not(operator_by_key("ovh")->platform);
	cr_expect_not_null(law_hds("ovh"));
	cr_expect_not_null(law_hds("scaleway"));
	cr_expect_null(law_hds("cloudflare"));
	for (const char *const *k = (const char *const[]){"aws", "ovh", "scaleway", NULL}; *k; k++)
		cr_expect(*law_hds(*k)->date && *law_hds(*k)->source, "%s", *k);
}

Test(region, rows_are_whole)
{
	for (size_t i = 0; region_row(i); i++) {
		const struct region *r = region_row(i), *next = region_row(i + 1);
		int order = next ? strcmp(r->provider, next->provider) : -1;

		cr_expect(order < 0 || (!order && strcmp(r->name, next->name) < 0),
			  "%s %s: not sorted", r->provider, r->name);
		cr_expect_eq(region_find(r->provider, r->name), r);
		cr_expect(operator_by_key(r->provider), "%s", r->provider);
		cr_expect(*country_name(r->country), "%s %s", r->provider, r->name);
		cr_expect(strlen(r->source) > 10, "%s %s: no source", r->provider, r->name);
	}
}

/* What their names suggest is wrong, or there is nothing behind them. */
static const struct {
	const char *provider, *region, *country;
} regions[] = {
	{"aws", "eu-west-2", "GB"},
	{"aws", "eu-central-2", "CH"},
	{"aws", "eu-central-1-ist-1", "TR"},
	{"aws", "eu-central-1-ath-1", "GR"},
	{"aws", "eu-central-1", "DE"},
	{"aws", "eusc-de-east-1", "DE"},
	{"aws", "me-south-1-mct-1", "OM"},
	{"aws", "us-east-1-bue-1", "AR"},
	{"google", "europe-west6", "CH"},
	{"google", "europe-west2", "GB"},
	{"google", "europe-west9", "FR"},
	{"azure", "uksouth", "GB"},
	{"azure", "norwaye", "NO"},
	{"azure", "switzerlandn", "CH"},
	{"azure", "westeurope", "NL"},
	{"azure", "northeurope", "IE"},
	{"oracle", "eu-jovanovac-1", "RS"},
	{"oracle", "eu-zurich-1", "CH"},
	{"oracle", "uk-london-1", "GB"},
	{"aws", "GLOBAL", ""},
	{"google", "global", ""},
	{"azure", "", ""},
	{"aws", "eu-central-9", ""},
	{"aws", "me-west-1", ""}, /* no list of AWS's places it yet */
	{"google", "europe-west15", ""},
	{"azure", "northeurope2", ""},
	{"azure", "francecentral", "FR"}, /* other names of centralfrance, israelcentral */
	{"azure", "isrealcentral", "IL"},
	{"azure", "germanywestcentral", "DE"},
	{"azure", "switzerlandnorth", "CH"},
	{"aws", "francecentral", ""},
	{"google", "eu-central-1", ""},
	{"nobody", "eu-central-1", ""},
};

Test(region, misleading)
{
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		cr_expect_str_eq(cc(region_country(regions[i].provider, regions[i].region)),
				 regions[i].country, "%s %s", regions[i].provider,
				 regions[i].region);
}

/* The shared table is nobody's input; it is a second opinion on ours. */
Test(region, agrees_with_the_shared_table)
{
	const char *shared = getenv("SHARED");
	char path[512], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ranges/regions.tsv",
		 shared && *shared ? shared : "../shared");
	f = fopen(path, "r");
	if (!f) {
		puts("skip shared/regions.tsv - no shared/ beside the clone");
		return;
	}
	cr_assert_not_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f)) {
		char provider[64], name[64], country[8], in[8], confirmed[8];
		const char *p = provider;

		cr_assert_eq(sscanf(line, "%63s %63s %7s %7s %7s", provider, name, country, in,
				    confirmed),
			     5);
		p = !strcmp(p, "gcp") ? "google" : !strncmp(p, "aws-", 4) ? "aws" : p;
		if (!strcmp(confirmed, "yes")) {
			cr_expect_str_eq(cc(region_country(p, name)), country, "%s %s", p, name);
			cr_expect_eq(zone_has(ZONE_EU, region_country(p, name), NOW), *in == '1',
				     "%s %s", p, name);
		} else {
			cr_expect_eq(region_country(p, name), 0, "%s %s is not confirmed", p, name);
		}
	}
	fclose(f);
}
