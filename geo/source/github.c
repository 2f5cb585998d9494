/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * github.c - api.github.com/meta: lists of prefixes by use (web, git, actions, ...). No list says where
 * its machines stand, so all are unprovable; those of the runners lie within Azure's lists, which
 * speak first when they are given too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/provider.h"

/* claim.where: the number of the list among the document's members, over that of the prefix. */
#define INDEX_BITS   20
#define LISTS_MAX    64u
#define PREFIXES_MAX ((1u << INDEX_BITS) - 1)

static int read_list(struct ranges *c, const char *use, const json_t *list, uint32_t number)
{
	json_t *o;
	size_t i;

	if (json_array_size(list) > PREFIXES_MAX)
		return ranges_error(c, "%.32s has over %u prefixes", use, PREFIXES_MAX);
	json_array_foreach (list, i, o) {
		struct claim claim;
		char path[64];
		int r;

		snprintf(path, sizeof(path), "%.32s[%zu]", use, i);
		if (!json_is_string(o))
			return ranges_error(c, "%s is not a string", path);
		r = json_prefix(c, &claim, json_string_value(o), path);
		if (r)
			return r;
		ranges_claim_operator(c, &claim, operator_by_key("github"));
		claim.status = PLACE_UNPROVABLE;
		claim.reason = REASON_REGISTRY;
		claim.service = ranges_name(c, use);
		claim.where = (number << INDEX_BITS | (uint32_t)i) + 1;
		r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	return 0;
}

int github_read(struct ranges *c, const json_t *root)
{
	void *at = json_object_iter((json_t *)(uintptr_t)root);
	uint32_t number = 0;

	if (json_object_size(root) > LISTS_MAX)
		return ranges_error(c, "over %u members", LISTS_MAX);
	claims_series(c->to, "github");
	claims_vague(c->to);
	claims_undated(c->to);
	for (; at; at = json_object_iter_next((json_t *)(uintptr_t)root, at), number++) {
		const char *use = json_object_iter_key(at);
		const json_t *list = json_object_iter_value(at);
		int r;

		/* host keys and domains stand beside the lists */
		if (!json_is_array(list) || !strncmp(use, "ssh_", 4))
			continue;
		r = read_list(c, use, list, number);
		if (r)
			return r;
	}
	return ranges_settle(c, NULL, false);
}

/* The list's name is the claim's service; where one prefix is in two lists, this is the first's place. */
void github_path(char *buf, size_t size, uint32_t where)
{
	where--;
	snprintf(buf, size, "member %u[%u]", (where >> INDEX_BITS) + 1, where & PREFIXES_MAX);
}
