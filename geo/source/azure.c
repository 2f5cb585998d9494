/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * azure.c - Azure ServiceTags: a tag is a service, in a region or in none.
 *
 * Most prefixes of a tag without a region lie within a region of AzureCloud.REGION, and stand
 * there; what lies in none is unprovable. Front Door is anycast wherever it lies (all tags but its
 * back ends, which are the unicast side).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/provider.h"

#define INDEX_BITS   20 /* of claim.where: the prefix within its tag, under the tag */
#define TAGS_MAX     (1u << (32 - INDEX_BITS))
#define PREFIXES_MAX ((1u << INDEX_BITS) - 1)

/* The names of the resource manager where the published list has others, and one list's misspelling. */
static const char *list_name(const char *region)
{
	static const char *const alias[][2] = {
		{"francecentral", "centralfrance"},
		{"francesouth", "southfrance"},
		{"germanynorth", "germanyn"},
		{"germanywestcentral", "germanywc"},
		{"norwayeast", "norwaye"},
		{"norwaywest", "norwayw"},
		{"switzerlandnorth", "switzerlandn"},
		{"switzerlandwest", "switzerlandw"},
		{"brazilsoutheast", "brazilse"},
		{"isrealcentral", "israelcentral"},
	};

	for (size_t i = 0; i < sizeof(alias) / sizeof(alias[0]); i++)
		if (!strcmp(region, alias[i][0]))
			return alias[i][1];
	return region;
}

static bool anycast(const char *tag)
{
	return !strncmp(tag, "AzureFrontDoor", 14) && strncmp(tag, "AzureFrontDoor.Backend", 22);
}

static int read_prefixes(struct ranges *c, json_t *list, size_t tag, const struct claim *of_tag)
{
	json_t *o;
	size_t i;

	if (json_array_size(list) > PREFIXES_MAX)
		return ranges_error(c, "values[%zu] has over %u prefixes", tag, PREFIXES_MAX);
	json_array_foreach (list, i, o) {
		const char *text = json_string_value(o);
		struct claim claim, prefix;
		char path[64];
		int r;

		claim = *of_tag;
		claim.where = ((uint32_t)tag << INDEX_BITS | (uint32_t)i) + 1;
		azure_path(path, sizeof(path), claim.where);
		if (!text)
			return ranges_error(c, "%s is not a string", path);
		r = json_prefix(c, &prefix, text, path);
		claim.first = prefix.first;
		claim.last = prefix.last;
		if (!r)
			r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	return 0;
}

static int read_tag(struct ranges *c, const json_t *o, size_t tag)
{
	char path[64], properties[96];
	const char *name, *region;
	struct claim claim = {0};
	const json_t *p;
	json_t *list;

	snprintf(path, sizeof(path), "values[%zu]", tag);
	snprintf(properties, sizeof(properties), "%s.properties", path);
	name = json_text_at(c, o, path, "name", false);
	if (!name)
		return -EINVAL;
	p = json_object_get(o, "properties");
	region = json_text_at(c, p, properties, "region", false);
	list = region ? json_array_at(c, p, properties, "addressPrefixes") : NULL;
	if (!list)
		return -EINVAL;
	ranges_claim_operator(c, &claim, operator_by_key("azure"));
	ranges_claim_region(c, &claim, "azure", anycast(name) ? "global" : list_name(region));
	if (strncmp(name, "AzureCloud", 10))
		claim.service = ranges_name(c, name);
	return read_prefixes(c, list, tag, &claim);
}

int azure_read(struct ranges *c, const json_t *root)
{
	json_t *values = json_array_at(c, root, "", "values"), *o;
	const json_t *number = json_object_get(root, "changeNumber");
	const char *cloud = values ? json_text_at(c, root, "", "cloud", true) : NULL;
	char series[24];
	size_t i;

	if (!cloud)
		return -EINVAL;
	if (json_array_size(values) >= TAGS_MAX)
		return ranges_error(c, "values has over %u tags", TAGS_MAX - 1);
	if (json_is_integer(number)) {
		char text[32];

		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(number));
		ranges_version(c, text);
	}
	if (!strcmp(cloud, "Public"))
		cloud = "";
	snprintf(series, sizeof(series), "azure%s%.16s", *cloud ? " " : "", cloud);
	claims_series(c->to, series);
	claims_undated(c->to);
	json_array_foreach (values, i, o) {
		int r = read_tag(c, o, i);

		if (r)
			return r;
	}
	return ranges_settle(c, "AzureCloud", true);
}

void azure_path(char *buf, size_t size, uint32_t where)
{
	where--;
	snprintf(buf, size, "values[%u].properties.addressPrefixes[%u]", where >> INDEX_BITS,
		 where & PREFIXES_MAX);
}
