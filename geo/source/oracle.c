/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.c - Oracle public_ip_ranges.json: regions with their prefixes, tagged by service.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/provider.h"

#define INDEX_BITS   20 /* of claim.where: the prefix within its region, under the region */
#define REGIONS_MAX  (1u << (32 - INDEX_BITS))
#define PREFIXES_MAX ((1u << INDEX_BITS) - 1)

/* OCI is every customer's; OSN and OBJECT_STORAGE name Oracle's own services. */
static int read_tags(struct ranges *c, const json_t *o, const char *path, struct claim *claim)
{
	json_t *tags = json_array_at(c, o, path, "tags"), *t;
	size_t i;

	if (!tags)
		return -EINVAL;
	json_array_foreach (tags, i, t) {
		if (!json_is_string(t))
			return ranges_error(c, "%s.tags[%zu] is not a string", path, i);
		if (strcmp(json_string_value(t), "OCI"))
			claim->service = ranges_name(c, json_string_value(t));
	}
	return 0;
}

static int read_region(struct ranges *c, const json_t *o, size_t region)
{
	char path[64];
	const char *name;
	json_t *list, *p;
	size_t i;

	snprintf(path, sizeof(path), "regions[%zu]", region);
	name = json_text_at(c, o, path, "region", false);
	list = name ? json_array_at(c, o, path, "cidrs") : NULL;
	if (!list)
		return -EINVAL;
	if (json_array_size(list) > PREFIXES_MAX)
		return ranges_error(c, "%s has over %u prefixes", path, PREFIXES_MAX);
	json_array_foreach (list, i, p) {
		uint32_t where = ((uint32_t)region << INDEX_BITS | (uint32_t)i) + 1;
		struct claim claim;
		const char *text;

		oracle_path(path, sizeof(path), where);
		text = json_text_at(c, p, path, "cidr", false);
		if (!text || json_prefix(c, &claim, text, path))
			return -EINVAL;
		claim.where = where;
		ranges_claim_operator(c, &claim, operator_by_key("oracle"));
		ranges_claim_region(c, &claim, "oracle", name);
		if (read_tags(c, p, path, &claim) || ranges_add(c, &claim))
			return -EINVAL;
	}
	return 0;
}

int oracle_read(struct ranges *c, const json_t *root)
{
	json_t *regions = json_array_at(c, root, "", "regions"), *o;
	const char *updated =
		regions ? json_text_at(c, root, "", "last_updated_timestamp", true) : NULL;
	size_t i;

	if (!updated)
		return -EINVAL;
	if (json_array_size(regions) >= REGIONS_MAX)
		return ranges_error(c, "regions has over %u entries", REGIONS_MAX - 1);
	claims_series(c->to, "oracle");
	ranges_version(c, updated);
	ranges_date(c, updated);
	json_array_foreach (regions, i, o) {
		int r = read_region(c, o, i);

		if (r)
			return r;
	}
	return ranges_settle(c, "OCI", false);
}

void oracle_path(char *buf, size_t size, uint32_t where)
{
	where--;
	snprintf(buf, size, "regions[%u].cidrs[%u]", where >> INDEX_BITS, where & PREFIXES_MAX);
}
