/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_report.c - sums by country, law, operator, source and service, and the table of destinations. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/replay_report.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "geo/base/cleanup.h"

#define CLAIMS	      16
#define OPERATORS_MAX 4096u
#define OPERATORS_OF  200000u /* destinations that are asked for their operator, largest first */

uint64_t report_sum(const struct report_row *row)
{
	return row->bytes[DECIDE_ALLOW] + row->bytes[DECIDE_ALERT] + row->bytes[DECIDE_BLOCK];
}

static int by_bytes(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;
	uint64_t m = report_sum(x), n = report_sum(y);

	if (m != n)
		return m > n ? -1 : 1;
	if (x->name && y->name)
		return strcmp(x->name, y->name);
	return ip_cmp(&x->host, &y->host);
}

static int larger(const void *a, const void *b)
{
	const struct pipeline_destination *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (ip_cmp(&x->address, &y->address))
		return ip_cmp(&x->address, &y->address);
	return (int)x->verdict - (int)y->verdict;
}

static const char *keep(struct report *p, const char *name)
{
	char **to = reallocarray(p->names, p->nnames + 1, sizeof(char *));

	if (!to)
		return NULL;
	p->names = to;
	to[p->nnames] = strdup(name);
	return to[p->nnames] ? to[p->nnames++] : NULL;
}

/* The row of this name, made when it is not there. NULL: no memory. */
static struct report_row *row_of(struct report *p, struct report_row **rows, size_t *n,
				 const char *name)
{
	struct report_row *to;

	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*rows)[i].name, name))
			return &(*rows)[i];
	to = reallocarray(*rows, *n + 1, sizeof(*to));
	if (!to)
		return NULL;
	*rows = to;
	to += *n;
	*to = (struct report_row){.name = keep(p, name)};
	return to->name ? &(*rows)[(*n)++] : NULL;
}

static int add(struct report *p, struct report_row **rows, size_t *n, const char *name,
	       const struct pipeline_destination *d)
{
	struct report_row *row = row_of(p, rows, n, name);

	if (!row)
		return -ENOMEM;
	row->packets += d->packets;
	row->bytes[d->verdict] += d->bytes;
	row->members++;
	return 0;
}

static const char *operator_of(const struct engine *e, const struct ip *ip)
{
	struct claim_of claims[CLAIMS];
	size_t n = places_claims(e->places, ip, claims, CLAIMS);

	for (size_t i = 0; i < n; i++)
		if (claims[i].claim.operator)
			return engine_string(e, claims[i].claim.operator);
	return "unknown";
}

static int by_destination(struct report *p, const struct engine *e)
{
	char cc[3];
	int r = 0;

	for (size_t i = 0; i < p->ndestinations && r == 0; i++) {
		const struct pipeline_destination *d = &p->destinations[i];
		uint16_t law = d->place->jurisdiction;
		const char *operator= i<OPERATORS_OF && p->noperators<OPERATORS_MAX && d->address.v
			? operator_of(e, &d->address)
			: "others";

		r = add(p, &p->countries, &p->ncountries,
			d->place->country ? country_text(d->place->country, cc) : "unknown", d);
		if (r == 0)
			r = add(p, &p->laws, &p->nlaws, law ? country_text(law, cc) : "unknown", d);
		if (r == 0)
			r = add(p, &p->operators, &p->noperators, operator, d);
	}
	return r;
}

static struct report_row row_from(const struct tally_line *l)
{
	struct report_row row = {.host = l->host, .country = l->country, .packets = l->packets};

	row.bytes[l->action] = l->bytes;
	row.members = l->flows;
	return row;
}

static int by_host(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;
	int c = ip_cmp(&x->host, &y->host);

	return c ? c : (int)x->country - (int)y->country;
}

/* A row for each source and country. */
static int hosts(struct report *p, const struct tally *t)
{
	size_t n = 0;

	p->hosts = calloc(t->n ? t->n : 1, sizeof(*p->hosts));
	if (!p->hosts)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n; i++)
		if (t->line[i].flows)
			p->hosts[n++] = row_from(&t->line[i]);
	qsort(p->hosts, n, sizeof(*p->hosts), by_host);
	for (size_t i = 0; i < n; i++) {
		struct report_row *to = p->nhosts ? &p->hosts[p->nhosts - 1] : NULL;

		if (to && !by_host(to, &p->hosts[i])) {
			to->packets += p->hosts[i].packets;
			to->members += p->hosts[i].members;
			for (unsigned a = 0; a < 4; a++)
				to->bytes[a] += p->hosts[i].bytes[a];
		} else {
			p->hosts[p->nhosts++] = p->hosts[i];
		}
	}
	qsort(p->hosts, p->nhosts, sizeof(*p->hosts), by_bytes);
	return 0;
}

static const char *protocol_text(char buf[TEXT_SHORT], uint8_t proto)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} known[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmpv6"}, {132, "sctp"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].proto == proto)
			return known[i].name;
	text_put(buf, TEXT_SHORT, "protocol %u", proto);
	return buf;
}

static int services(struct report *p, const struct tally *t)
{
	char name[64], proto[TEXT_SHORT];

	for (uint32_t i = 0; i < t->n; i++) {
		const struct tally_line *l = &t->line[i];
		struct pipeline_destination d = {.packets = l->packets,
						 .bytes = l->bytes,
						 .verdict = l->action};

		if (!l->flows)
			continue;
		text_put(name, sizeof(name), l->port ? "%u/%s" : "%.0u%s", l->port,
			 protocol_text(proto, l->proto));
		if (p->nservices >= OPERATORS_MAX - 1)
			text_put(name, sizeof(name), "others");
		if (add(p, &p->services, &p->nservices, name, &d) < 0)
			return -ENOMEM;
	}
	return 0;
}

int report_make(struct report *p, struct replay *r)
{
	const struct pipeline_tallies *t = pipeline_tallies(r->pipeline);
	size_t n = 0;
	int result;

	*p = (struct report){0};
	result = pipeline_destinations(r->pipeline, &p->destinations, &n);
	if (result < 0)
		return result;
	for (size_t i = 0; i < n; i++)
		if (p->destinations[i].egress && p->destinations[i].layer != LAYER_COVERED)
			p->destinations[p->ndestinations++] = p->destinations[i];
	qsort(p->destinations, p->ndestinations, sizeof(*p->destinations), larger);
	result = by_destination(p, r->engines[0]);
	if (result == 0)
		result = hosts(p, &t->hosts);
	if (result == 0)
		result = services(p, &t->services);
	if (result == 0)
		result = report_recipients(p, t);
	if (result < 0) {
		report_free(p);
		return result;
	}
	qsort(p->countries, p->ncountries, sizeof(struct report_row), by_bytes);
	qsort(p->laws, p->nlaws, sizeof(struct report_row), by_bytes);
	qsort(p->operators, p->noperators, sizeof(struct report_row), by_bytes);
	qsort(p->services, p->nservices, sizeof(struct report_row), by_bytes);
	return 0;
}

void report_free(struct report *p)
{
	for (size_t i = 0; i < p->nnames; i++)
		free(p->names[i]);
	free(p->names);
	free(p->destinations);
	free(p->countries);
	free(p->operators);
	free(p->hosts);
	free(p->services);
	free(p->laws);
	free(p->recipients);
	*p = (struct report){0};
}

static void put_row(struct json_writer *j, const char *key, const struct report_row *row)
{
	char address[IP_STRLEN], cc[3];

	json_writer_open(j, NULL, '{');
	if (row->name) {
		json_writer_text(j, key, row->name);
	} else {
		json_writer_text(j, key, row->host.v ? ip_format(address, &row->host) : NULL);
		json_writer_text(j, "country",
				 row->country ? country_text(row->country, cc) : NULL);
	}
	json_writer_number(j, "packets", row->packets);
	json_writer_number(j, "bytes", report_sum(row));
	json_writer_number(j, "allow", row->bytes[DECIDE_ALLOW]);
	json_writer_number(j, "alert", row->bytes[DECIDE_ALERT]);
	json_writer_number(j, "block", row->bytes[DECIDE_BLOCK]);
	json_writer_close(j, '}');
}

static void put_rows(struct json_writer *j, const char *list, const char *key,
		     const struct report_row *rows, size_t n, size_t top)
{
	struct report_row rest = {.name = "the rest"};

	json_writer_open(j, list, '[');
	for (size_t i = 0; i < n; i++) {
		if (!top || i < top) {
			put_row(j, key, &rows[i]);
			continue;
		}
		rest.packets += rows[i].packets;
		for (unsigned a = 0; a < 4; a++)
			rest.bytes[a] += rows[i].bytes[a];
	}
	if (top && n > top)
		put_row(j, key, &rest);
	json_writer_close(j, ']');
}

void report_put(struct json_writer *j, const struct report *p, size_t top)
{
	put_rows(j, "countries", "country", p->countries, p->ncountries, top);
	put_rows(j, "laws", "jurisdiction", p->laws, p->nlaws, top);
	put_rows(j, "operators", "operator", p->operators, p->noperators, top);
	put_rows(j, "hosts", "address", p->hosts, p->nhosts, top);
	put_rows(j, "services", "service", p->services, p->nservices, top);
	report_put_recipients(j, p, top);
}

/* Quoted, and no program that opens the table takes it for a formula. */
static void csv_text(FILE *to, const char *s)
{
	fputc('"', to);
	if (strchr("=+-@", *s) && *s)
		fputc('\'', to);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', to);
		fputc(*s, to);
	}
	fputc('"', to);
}

int report_csv(const struct report *p, FILE *to)
{
	char address[IP_STRLEN], cc[3], time[TEXT_SHORT];

	fputs("address,country,provider,region,jurisdiction,verdict,rule,packets,bytes,first,last\n",
	      to);
	for (size_t i = 0; i < p->ndestinations; i++) {
		const struct pipeline_destination *d = &p->destinations[i];

		fprintf(to, "%s,%s,", d->address.v ? ip_format(address, &d->address) : "others",
			d->place->country ? country_text(d->place->country, cc) : "");
		csv_text(to, d->provider);
		fputc(',', to);
		csv_text(to, d->region);
		fprintf(to, ",%s,%s,",
			d->place->jurisdiction ? country_text(d->place->jurisdiction, cc) : "",
			event_verdict_name(d->verdict));
		csv_text(to, d->rule ? d->rule->text : "default");
		fprintf(to, ",%llu,%llu,", (unsigned long long)d->packets,
			(unsigned long long)d->bytes);
		fprintf(to, "%s,", text_time(time, (int64_t)(d->first_ns / 1000000000)));
		fprintf(to, "%s\n", text_time(time, (int64_t)(d->last_ns / 1000000000)));
	}
	return ferror(to) ? -EIO : 0;
}
