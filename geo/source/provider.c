/* SPDX-License-Identifier: BSD-2-Clause */
/* provider.c - tells the published lists by their content and runs their readers: rows of
 * formats.def each. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "geo/source/provider.h"

static bool has(const struct bytes *b, const char *text)
{
	return memmem(b->p, b->n, text, strlen(text));
}

static bool is_json(const struct bytes *b)
{
	size_t i = 0;

	while (i < b->n && isspace(b->p[i]))
		i++;
	return i < b->n && (b->p[i] == '{' || b->p[i] == '[');
}

static int finish(struct ranges *c, int r)
{
	if (!r && !c->failed && !c->n)
		r = ranges_error(c, "not one prefix in it");
	if (!r)
		r = ranges_finish(c);
	ranges_free(c);
	return r;
}

static int parse_json(struct claims *to, const struct bytes *b,
		      int (*read)(struct ranges *c, const json_t *root))
{
	struct ranges c = {.to = to, .text = (const char *)b->p, .len = b->n};
	json_t *root = NULL;
	int r = json_open(&c, &root);

	if (r)
		return r;
	r = json_is_object(root) ? read(&c, root) : ranges_error(&c, "not a JSON object");
	json_decref(root);
	return finish(&c, r);
}

static int parse_text(struct claims *to, const struct bytes *b, int (*read)(struct ranges *c))
{
	struct ranges c = {.to = to, .text = (const char *)b->p, .len = b->n};

	return finish(&c, read(&c));
}

/* Two members that only this publisher has; what they hold is for the reader to check. */
#define JSON(name, member, other)                                                                  \
	bool name##_probe(const struct bytes *b)                                                   \
	{                                                                                          \
		return is_json(b) && has(b, "\"" member "\"") && has(b, other);                    \
	}                                                                                          \
	int name##_parse(struct claims *c, const struct bytes *b)                                  \
	{                                                                                          \
		return parse_json(c, b, name##_read);                                              \
	}                                                                                          \
	void name##_key(char buf[64], const struct claim *claim)                                   \
	{                                                                                          \
		name##_path(buf, 64, claim->where);                                                \
	}
JSON(aws, "prefixes", "\"ipv6_prefixes\"")
JSON(azure, "addressPrefixes", "\"values\"")
JSON(oracle, "cidrs", "\"regions\"")
JSON(cloudflare, "ipv4_cidrs", "\"ipv6_cidrs\"")
JSON(fastly, "ipv6_addresses", "\"addresses\"")
JSON(heroku, "sources", "\"state\"")
JSON(github, "verifiable_password_authentication", "\"hooks\"")
JSON(google, "prefixes", "Prefix\"")
#undef JSON

/* Last of the JSON formats: says so instead of letting a text format fail at line 1. */
bool other_json_probe(const struct bytes *b)
{
	return is_json(b);
}

static int no_reader(struct ranges *c, const json_t *root)
{
	(void)root;
	return ranges_error(c, "JSON, but not as AWS, Azure, Oracle, "
			       "Cloudflare, Fastly, Heroku, GitHub or Google publish it");
}

int other_json_parse(struct claims *c, const struct bytes *b)
{
	return parse_json(c, b, no_reader);
}

static bool first_record(struct csv *csv, const struct bytes *b)
{
	csv_open(csv, (const char *)b->p, b->n);
	return csv_next(csv) > 0;
}

#define TEXT(name, told)                                                                           \
	bool name##_probe(const struct bytes *b)                                                   \
	{                                                                                          \
		struct csv first;                                                                  \
                                                                                                   \
		return first_record(&first, b) && (told);                                          \
	}                                                                                          \
	int name##_parse(struct claims *c, const struct bytes *b)                                  \
	{                                                                                          \
		return parse_text(c, b, name##_read);                                              \
	}

static bool is_prefix(const struct csv *first)
{
	struct claim claim;

	return !ranges_claim_prefix(&claim, first->field[0]);
}

/* Cloudflare's lists have no name in them; these prefixes are its oldest and in one list each. */
static bool is_cloudflare(const struct csv *first, const struct bytes *b)
{
	return first->nfields == 1 && is_prefix(first) &&
	       (has(b, "173.245.48.0/20") || has(b, "2400:cb00::/32"));
}

static bool is_geofeed(const struct csv *first)
{
	return first->nfields >= 2 && is_prefix(first) &&
	       (!*first->field[1] ||
		(strlen(first->field[1]) <= 3 && isalpha((unsigned char)*first->field[1])));
}

static int bare_list_read(struct ranges *c)
{
	return ranges_error(c,
			    "a list of prefixes that does not say whose they are: make it lines of "
			    "'prefix,operator' under that header");
}

TEXT(asn_csv, asn_csv_is(&first))
TEXT(operator_csv, operator_csv_is(&first))
TEXT(clever_csv, clever_csv_is(&first))
TEXT(cloudflare_txt, is_cloudflare(&first, b))
TEXT(geofeed, is_geofeed(&first))
TEXT(bare_list, first.nfields == 1 && is_prefix(&first))
#undef TEXT
