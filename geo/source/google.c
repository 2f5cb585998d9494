/* SPDX-License-Identifier: BSD-2-Clause */
/* google.c - Google's cloud.json (a scope a prefix) and goog.json (no scope: Google's, but
 * nowhere in particular). */
#include <errno.h>
#include <stdio.h>
#include "geo/source/provider.h"

static int prefix_claim(struct ranges *c, const json_t *o, const char *path, struct claim *ret)
{
	const char *v4 = json_text_at(c, o, path, "ipv4Prefix", true);
	const char *v6 = v4 ? json_text_at(c, o, path, "ipv6Prefix", true) : NULL;
	const char *service = v6 ? json_text_at(c, o, path, "service", true) : NULL;
	const char *scope = service ? json_text_at(c, o, path, "scope", true) : NULL;

	if (!scope)
		return -EINVAL;
	if (!*v4 == !*v6)
		return ranges_error(c, "%s has %s of ipv4Prefix and ipv6Prefix", path,
				    *v4 ? "both" : "neither");
	if (json_prefix(c, ret, *v4 ? v4 : v6, path))
		return -EINVAL;
	ranges_claim_operator(c, ret, operator_by_key("google"));
	ranges_claim_region(c, ret, "google", scope);
	if (*service)
		ret->service = ranges_name(c, service);
	return 0;
}

int google_read(struct ranges *c, const json_t *root)
{
	json_t *a = json_array_at(c, root, "", "prefixes"), *o;
	const char *token = a ? json_text_at(c, root, "", "syncToken", true) : NULL;
	const char *created = token ? json_text_at(c, root, "", "creationTime", true) : NULL;
	bool scoped = false;
	size_t i;

	if (!created)
		return -EINVAL;
	ranges_version(c, token);
	ranges_date(c, *created ? created : token);
	json_array_foreach (a, i, o) {
		struct claim claim;
		char path[64];
		int r;

		google_path(path, sizeof(path), (uint32_t)(i + 1));
		r = prefix_claim(c, o, path, &claim);
		claim.where = (uint32_t)(i + 1);
		scoped |= !r && claim.region;
		if (!r)
			r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	claims_series(c->to, scoped ? "google" : "google-all");
	if (!scoped)
		claims_vague(c->to);
	return ranges_settle(c, NULL, true);
}

void google_path(char *buf, size_t size, uint32_t where)
{
	snprintf(buf, size, "prefixes[%u]", where - 1);
}
