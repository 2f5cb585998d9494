/* SPDX-License-Identifier: BSD-2-Clause */
/* seen_names.c - whom the flows of captures were meant for: what replay noted beside its ledger, a flow a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/seen.h"

#define NAMES_MAX 1000000 /* lines that are read */

static int by_key(const void *a, const void *b)
{
	const struct ledger_key_row *x = &(*(struct seen_flow *const *)a)->key,
				    *y = &(*(struct seen_flow *const *)b)->key;
	int r = strcmp(x->text[COLUMN_PREFIX], y->text[COLUMN_PREFIX]);

	r = r ? r : (x->port > y->port) - (x->port < y->port);
	return r ? r : (x->proto > y->proto) - (x->proto < y->proto);
}

/* The first of its key: others of it stand behind. */
static size_t first_of(struct seen_flow **v, size_t n, const struct seen_flow *wanted)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_key(&v[mid], &wanted) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int name_flows(struct seen *s, struct seen_flow **v, const struct seen_flow *wanted,
		      const char *name)
{
	uint32_t number;
	int e = texts_add(&s->texts, name, strlen(name), &number);

	if (e < 0)
		return e;
	for (size_t i = first_of(v, s->n, wanted); i < s->n && by_key(&v[i], &wanted) == 0; i++) {
		unsigned k = 0;

		while (k < SEEN_NAMES && v[i]->name[k] && v[i]->name[k] != s->texts.v[number])
			k++;
		if (k < SEEN_NAMES)
			v[i]->name[k] = s->texts.v[number];
	}
	return 0;
}

/* The network that the ledger keeps of an address. */
static const char *network(char buf[IP_STRLEN + 4], const char *address)
{
	struct cidr c = {0};

	if (ip_parse(&c.addr, address) < 0)
		return NULL;
	c.len = c.addr.v == 4 ? 24 : 48;
	memset(c.addr.b + c.len / 8, 0, sizeof(c.addr.b) - c.len / 8);
	return cidr_format(buf, &c);
}

static int read_names(struct seen *s, FILE *f, struct seen_flow **v)
{
	char line[512], address[64], name[256], prefix[IP_STRLEN + 4];
	unsigned port, proto;
	int e = 0;

	for (size_t i = 0; i < NAMES_MAX && e == 0 && fgets(line, sizeof(line), f); i++) {
		struct seen_flow wanted = {0};

		if (sscanf(line, "%63s %5u %3u %255s", address, &port, &proto, name) != 4)
			continue;
		wanted.key.text[COLUMN_PREFIX] = network(prefix, address);
		wanted.key.port = (uint16_t)port;
		wanted.key.proto = (uint8_t)proto;
		if (wanted.key.text[COLUMN_PREFIX])
			e = name_flows(s, v, &wanted, name);
	}
	return e;
}

int seen_names(struct seen *s, const char *path)
{
	FILE *f = fopen(path, "re");
	struct seen_flow **v;
	int e = -ENOMEM;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	v = calloc(s->n + 1, sizeof(struct seen_flow *));
	if (v) {
		for (size_t i = 0; i < s->n; i++)
			v[i] = &s->flows[i];
		qsort(v, s->n, sizeof(struct seen_flow *), by_key);
		e = read_names(s, f, v);
	}
	free(v);
	fclose(f);
	return e;
}
