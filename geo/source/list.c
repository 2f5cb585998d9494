/* SPDX-License-Identifier: BSD-2-Clause */
/* list.c - documents that are bare lists of prefixes of one operator: Cloudflare, Fastly, a
 * Heroku Private Space. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geo/source/provider.h"

#define IPV6_BIT 0x80000000u /* of claim.where: the second list */

struct list_format {
	const char *operator;
	const char *within; /* member that holds the lists, "" = the document itself */
	const char *lists[2];
	const char *date; /* member with the date, NULL = none */
	uint8_t status;	  /* of every claim */
};

static const struct list_format cloudflare = {
	"cloudflare", "result", {"ipv4_cidrs", "ipv6_cidrs"}, NULL, PLACE_UNPROVABLE,
};
static const struct list_format fastly = {
	"fastly", "", {"addresses", "ipv6_addresses"}, NULL, PLACE_UNPROVABLE,
};
/* GET /spaces/{id}/nat does not say the region: country and region are left to the provider's own
 * file. */
static const struct list_format heroku = {
	"heroku", "", {"sources", NULL}, "updated_at", PLACE_KNOWN,
};

static int read_list(struct ranges *c, const struct list_format *f, const json_t *o, unsigned which)
{
	const char *key = f->lists[which];
	json_t *a = json_array_at(c, o, f->within, key), *p;
	size_t i;

	if (!a)
		return -EINVAL;
	json_array_foreach (a, i, p) {
		struct claim claim;
		char path[64];
		int r;

		snprintf(path, sizeof(path), "%s%s%s[%zu]", f->within, *f->within ? "." : "", key,
			 i);
		if (!json_is_string(p))
			return ranges_error(c, "%s is not a string", path);
		r = json_prefix(c, &claim, json_string_value(p), path);
		if (r)
			return r;
		ranges_claim_operator(c, &claim, operator_by_key(f->operator));
		claim.status = f->status;
		claim.where = (uint32_t)(i + 1) | (which ? IPV6_BIT : 0);
		r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	return 0;
}

static int read_lists(struct ranges *c, const struct list_format *f, const json_t *root)
{
	const json_t *o = *f->within ? json_object_get(root, f->within) : root;

	if (!json_is_object(o))
		return ranges_error(c, "%s is not an object", f->within);
	if (f->date) {
		const char *date = json_text_at(c, root, "", f->date, true);

		if (!date)
			return -EINVAL;
		ranges_date(c, date);
	}
	for (unsigned i = 0; i < 2 && f->lists[i]; i++) {
		int r = read_list(c, f, o, i);

		if (r)
			return r;
	}
	return ranges_settle(c, NULL, false);
}

static void list_key(const struct list_format *f, char *buf, size_t size, uint32_t where)
{
	const char *list = f->lists[where & IPV6_BIT ? 1 : 0];

	snprintf(buf, size, "%s%s%s[%u]", f->within, *f->within ? "." : "", list ? list : "",
		 (where & ~IPV6_BIT) - 1);
}

int cloudflare_read(struct ranges *c, const json_t *root)
{
	const char *etag =
		json_string_value(json_object_get(json_object_get(root, "result"), "etag"));

	if (etag)
		ranges_version(c, etag);
	claims_series(c->to, "cloudflare");
	claims_undated(c->to);
	return read_lists(c, &cloudflare, root);
}

int fastly_read(struct ranges *c, const json_t *root)
{
	claims_series(c->to, "fastly");
	claims_undated(c->to);
	return read_lists(c, &fastly, root);
}

int heroku_read(struct ranges *c, const json_t *root)
{
	return read_lists(c, &heroku, root);
}

void cloudflare_path(char *buf, size_t size, uint32_t where)
{
	list_key(&cloudflare, buf, size, where);
}

void fastly_path(char *buf, size_t size, uint32_t where)
{
	list_key(&fastly, buf, size, where);
}

void heroku_path(char *buf, size_t size, uint32_t where)
{
	list_key(&heroku, buf, size, where);
}

int cloudflare_txt_read(struct ranges *c)
{
	const struct operator_entry *op = operator_by_key("cloudflare");
	struct csv csv;
	int r;

	claims_undated(c->to);
	csv_open(&csv, c->text, c->len);
	while ((r = csv_next(&csv)) > 0) {
		struct claim claim;

		if (csv.nfields != 1 || ranges_claim_prefix(&claim, csv.field[0])) {
			claims_error(c->to, csv.line, "'%.64s' is not a prefix", csv.field[0]);
			return -EINVAL;
		}
		ranges_claim_operator(c, &claim, op);
		claim.status = PLACE_UNPROVABLE;
		claim.reason = REASON_ANYCAST;
		claim.where = csv.line;
		r = ranges_add(c, &claim);
		if (r)
			return r;
	}
	if (r)
		claims_error(c->to, csv.line, "damaged line");
	return r ? r : ranges_settle(c, NULL, false);
}
