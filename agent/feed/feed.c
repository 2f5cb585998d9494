/* SPDX-License-Identifier: BSD-2-Clause */
/* feed.c - the table of transports, and feeds that outlive a reload. */
#include "agent/feed/feed.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/feed/road_file.h"

struct transport {
	const char *name;
	int (*open)(struct road **ret, const struct policy_feed *p);
	int (*check)(const char *target); /* NULL: nothing to look at before */
	const char *(*error)(int error);
};

static int open_file(struct road **ret, const struct policy_feed *p)
{
	return road_file_open(ret, p->target);
}

static int open_stdout(struct road **ret, const struct policy_feed *p)
{
	(void)p;
	return road_file_open(ret, "-");
}

static int check_file(const char *target)
{
	return strcmp(target, "-") ? road_file_check(target) : 0;
}

static const struct transport transports[] = {
	{"file", open_file, check_file, road_file_error},
	{"stdout", open_stdout, NULL, road_file_error},
};

struct feed {
	unsigned holders;
	const struct transport *transport;
	const struct format *format;
	struct road *road; /* owned */
	char *target;	   /* owned; "" = it needs none */
};

static const struct transport *transport_find(const char *name)
{
	for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++)
		if (strcmp(transports[i].name, name) == 0)
			return &transports[i];
	return NULL;
}

const char *feed_unsupported(const struct policy_feed *p)
{
	if (strcmp(p->transport, "metrics") == 0)
		return NULL; /* served by the daemon, not sent */
	if (!transport_find(p->transport))
		return "this version does not deliver that way";
	return format_find(p->format) ? NULL : "this version does not write that format";
}

int feed_open(struct feed **ret, const struct policy_feed *p)
{
	const struct transport *transport = transport_find(p->transport);
	const struct format *format = format_find(p->format);
	struct feed *f;
	int r;

	if (!transport || !format)
		return -EOPNOTSUPP;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->holders = 1;
	f->transport = transport;
	f->format = format;
	f->target = strdup(p->target ? p->target : "");
	r = f->target ? f->transport->open(&f->road, p) : -ENOMEM;
	if (r < 0) {
		free(f->target);
		free(f);
		return r;
	}
	*ret = f;
	return 0;
}

const char *feed_error(const struct policy_feed *p, int error)
{
	const struct transport *t = transport_find(p->transport);

	return t ? t->error(error) : strerror(error);
}

bool feed_same(const struct feed *f, const struct policy_feed *p)
{
	return f->transport == transport_find(p->transport) &&
	       f->format == format_find(p->format) &&
	       strcmp(f->target, p->target ? p->target : "") == 0;
}

struct feed *feed_share(struct feed *f)
{
	f->holders++;
	return f;
}

int feed_reopen(struct feed *f)
{
	road_reopen(f->road);
	return f->transport->check ? f->transport->check(f->target) : 0;
}

uint64_t feed_close(struct feed *f)
{
	uint64_t lost;

	if (!f || --f->holders)
		return 0;
	lost = road_close(f->road);
	free(f->target);
	free(f);
	return lost;
}

const struct format *feed_format(const struct feed *f)
{
	return f->format;
}

const char *feed_transport(const struct feed *f)
{
	return f->transport->name;
}

int feed_put(struct feed *f, const char *line, size_t len)
{
	return road_put(f->road, line, len);
}

void feed_state(const struct feed *f, struct road_state *ret)
{
	road_state(f->road, ret);
}
