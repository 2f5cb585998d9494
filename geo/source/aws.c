/* SPDX-License-Identifier: BSD-2-Clause */
/* aws.c - AWS ip-ranges.json: where a prefix stands is its network border group, not its
 * region. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/provider.h"

#define IPV6_BIT 0x80000000u /* of claim.where: the second list */

/*
 * eu-central-1 has prefixes in Istanbul (border group eu-central-1-ist-1): the group is the region
 * of the claim. Files from before 2020 have no groups. GLOBAL is in no table, hence unprovable.
 */
static int prefix_claim(struct ranges *c, const json_t *o, const char *key, const char *path,
			struct claim *ret)
{
	const char *text = json_text_at(c, o, path, key, false);
	const char *region = text ? json_text_at(c, o, path, "region", false) : NULL;
	const char *service = region ? json_text_at(c, o, path, "service", false) : NULL;
	const json_t *its = json_object_get(o, "network_border_group");
	const char *group = !service ? NULL
			    : json_is_null(its)
				    ? "" /* where it stands is not said */
				    : json_text_at(c, o, path, "network_border_group", true);

	if (!group || json_prefix(c, ret, text, path))
		return -EINVAL;
	ranges_claim_operator(c, ret, operator_by_key("aws"));
	ranges_claim_region(c, ret, "aws", its ? group : region);
	if (strcmp(service, "AMAZON"))
		ret->service = ranges_name(c, service);
	return 0;
}

static int read_list(struct ranges *c, const json_t *root, const char *list, const char *key,
		     uint32_t bit)
{
	json_t *a = json_array_at(c, root, "", list), *o;
	size_t i;

	if (!a)
		return -EINVAL;
	json_array_foreach (a, i, o) {
		struct claim claim;
		char path[64];
		int r;

		snprintf(path, sizeof(path), "%s[%zu]", list, i);
		r = prefix_claim(c, o, key, path, &claim);
		if (r)
			return r;
		claim.where = (uint32_t)(i + 1) | bit;
		r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	return 0;
}

int aws_read(struct ranges *c, const json_t *root)
{
	const char *token = json_text_at(c, root, "", "syncToken", true);
	const char *created = token ? json_text_at(c, root, "", "createDate", true) : NULL;
	int r;

	if (!created)
		return -EINVAL;
	claims_series(c->to, "aws");
	ranges_version(c, token);
	ranges_date(c, *created ? created : token);
	r = read_list(c, root, "prefixes", "ip_prefix", 0);
	if (!r)
		r = read_list(c, root, "ipv6_prefixes", "ipv6_prefix", IPV6_BIT);
	return r ? r : ranges_settle(c, "AMAZON", false);
}

void aws_path(char *buf, size_t size, uint32_t where)
{
	snprintf(buf, size, "%s[%u]", where & IPV6_BIT ? "ipv6_prefixes" : "prefixes",
		 (where & ~IPV6_BIT) - 1);
}
