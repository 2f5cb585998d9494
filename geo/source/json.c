/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - opens published JSON documents (jansson) and fetches members with errors that name the
 * JSON path. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/ranges.h"

#define JSON_DEPTH_MAX 64
/* the parsed document needs ten times that; the largest list has 5 MB */
#define JSON_BYTES_MAX (64u << 20)

/* The parser recurses: refuse a bomb of brackets before it starts. Strings are skipped, escapes
 * within them too. */
static int check_depth(struct ranges *c)
{
	size_t depth = 0;
	unsigned line = 1;
	bool string = false;

	for (size_t i = 0; i < c->len; i++) {
		char ch = c->text[i];

		line += ch == '\n';
		if (string && ch == '\\')
			i++;
		else if (ch == '"')
			string = !string;
		else if (!string && (ch == '[' || ch == '{'))
			depth++;
		else if (!string && (ch == ']' || ch == '}') && depth)
			depth--;
		if (depth > JSON_DEPTH_MAX) {
			claims_error(c->to, line, "JSON is nested deeper than %d", JSON_DEPTH_MAX);
			return -E2BIG;
		}
	}
	return 0;
}

int json_open(struct ranges *c, json_t **ret)
{
	json_error_t e;
	json_t *root;
	int r;

	if (c->len > JSON_BYTES_MAX) {
		claims_error(c->to, 0, "JSON of over %u bytes: too large for a list",
			     JSON_BYTES_MAX);
		return -EFBIG;
	}
	r = check_depth(c);
	if (r)
		return r;
	root = json_loadb(c->text, c->len, JSON_REJECT_DUPLICATES, &e);
	if (!root) {
		return claims_error(c->to, e.line > 0 ? (unsigned)e.line : 0,
				    "bad JSON at column %d: %s", e.column, e.text);
	}
	*ret = root;
	return 0;
}

static const char *dot(const char *path)
{
	return *path ? "." : "";
}

json_t *json_array_at(struct ranges *c, const json_t *object, const char *path, const char *key)
{
	json_t *v = json_object_get(object, key);

	if (json_is_array(v))
		return v;
	ranges_error(c, "%s%s%s is %s", path, dot(path), key, v ? "not an array" : "missing");
	return NULL;
}

const char *json_text_at(struct ranges *c, const json_t *object, const char *path, const char *key,
			 bool optional)
{
	json_t *v = json_object_get(object, key);

	if (!json_is_object(object))
		ranges_error(c, "%s is not an object", path);
	else if (!v && optional)
		return "";
	else if (!json_is_string(v))
		ranges_error(c, "%s%s%s is %s", path, dot(path), key,
			     v ? "not a string" : "missing");
	else
		return json_string_value(v);
	return NULL;
}

int json_prefix(struct ranges *c, struct claim *ret, const char *text, const char *path)
{
	int r = ranges_claim_prefix(ret, text);

	if (r == -EDOM)
		return ranges_error(c, "%s: '%.64s' has bits set beyond its length", path, text);
	return r ? ranges_error(c, "%s: '%.64s' is not a prefix", path, text) : 0;
}
