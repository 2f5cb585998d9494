/* SPDX-License-Identifier: BSD-2-Clause */
/* feed.c - the table of transports, and feeds that outlive a reload. */
#include "agent/feed/feed.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "geo/base/sha256.h"
#include "agent/base/text.h"
#include "agent/feed/road_file.h"
#include "agent/feed/road_journald.h"
#include "agent/feed/road_kafka.h"
#include "agent/feed/road_otlp.h"
#include "agent/feed/road_syslog.h"

struct transport {
	const char *name;
	/* a file's */
	int (*open)(struct road **ret, const struct policy_feed *p);
	int (*check)(const char *target); /* NULL: nothing to look at before */
	const char *(*error)(int error);
	/* a server's: 'self' of the end, the end, and the message around a line */
	int (*make)(void **self, const struct policy_feed *p);
	const struct road_end *(*end)(const struct policy_feed *p);
	const char *(*wrap)(struct json_writer *j, const struct event *e,
			    const struct identity *host, const char *line);
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

/* Of a queue in a directory; what a server says comes later. */
static const char *server_error(int error)
{
	switch (error) {
	case EBUSY:
		return "another agent keeps its queue in the same directory (--state)";
	case EINVAL:
		return "no address is said, neither by the policy nor by the environment";
	default:
		return strerror(error);
	}
}

static const struct transport transports[] = {
	{.name = "file", .open = open_file, .check = check_file, .error = road_file_error},
	{.name = "stdout", .open = open_stdout, .error = road_file_error},
	{.name = "syslog",
	 .error = server_error,
	 .make = road_syslog_make,
	 .end = road_syslog_end,
	 .wrap = road_syslog_wrap},
	{.name = "journald",
	 .error = server_error,
	 .make = road_journald_make,
	 .end = road_journald_end,
	 .wrap = road_journald_wrap},
	{.name = "kafka",
	 .error = server_error,
	 .make = road_kafka_make,
	 .end = road_kafka_end,
	 .wrap = road_kafka_wrap},
	{.name = "otlp",
	 .error = server_error,
	 .make = road_otlp_make,
	 .end = road_otlp_end,
	 .wrap = road_otlp_wrap},
};

struct feed {
	unsigned holders;
	const struct transport *transport;
	const struct format *format;
	struct road *road;    /* owned */
	char *target, *topic; /* owned; "" = it needs none */
	int64_t ledger;
	char *name; /* owned; of its queue, and of what else is kept of it */
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

static int ready_file(const char *path, char why[FEED_WHY])
{
	if (!path || access(path, R_OK) == 0)
		return 0;
	text_put(why, FEED_WHY, "%s: %s", path, strerror(errno));
	return -errno;
}

static int ready_server(const struct transport *t, const struct policy_feed *p, char why[FEED_WHY])
{
	void *self = NULL;
	int r = ready_file(p->ca, why);

	r = r ? r : ready_file(p->cert, why);
	r = r ? r : ready_file(p->key, why);
	r = r ? r : ready_file(p->config, why);
	if (r < 0)
		return r;
	r = t->make(&self, p);
	if (r < 0)
		text_put(why, FEED_WHY, "%s", t->error(-r));
	else
		t->end(p)->free(self);
	return r;
}

int feed_ready(const struct policy_feed *p, char why[FEED_WHY])
{
	const struct transport *t = transport_find(p->transport);
	const char *not = feed_unsupported(p);
	int r;

	if (not ) {
		text_put(why, FEED_WHY, "%s", not );
		return -EOPNOTSUPP;
	}
	if (!t)
		return 0; /* metrics */
	if (t->make)
		return ready_server(t, p, why);
	r = t->check ? t->check(p->target) : 0;
	if (r < 0)
		text_put(why, FEED_WHY, "%s", t->error(-r));
	return r;
}

/* A name a destination and format: syslog-<hash>. Certificates may change without losing what waits. */
static int make_name(struct feed *f)
{
	_free_ char *text = NULL;
	char hex[65];
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return -ENOMEM;
	fprintf(out, "%s\n%s\n%s\n%s\n", f->transport->name, f->target, f->format->name, f->topic);
	if (f->ledger)
		fprintf(out, "%" PRId64 "\n", f->ledger);
	fclose(out);
	if (!text)
		return -ENOMEM;
	sha256_hex(hex, text, n);
	return asprintf(&f->name, "%s-%.16s", f->transport->name, hex) < 0 ? -ENOMEM : 0;
}

static int open_queue(struct queue **ret, const struct feed *f, const char *dir)
{
	char path[1024];

	*ret = NULL;
	if (!dir)
		return 0;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	text_put(path, sizeof(path), "%s/%s", dir, f->name);
	return queue_spool(ret, path, 0);
}

static int open_server(struct feed *f, const struct policy_feed *p, const char *spool)
{
	struct queue *queue;
	void *self;
	int r = open_queue(&queue, f, spool);

	if (r < 0)
		return r;
	r = f->transport->make(&self, p);
	if (r < 0) {
		queue_free(queue);
		return r;
	}
	return road_open(&f->road, f->transport->end(p), self, queue,
			 *f->target ? f->target : f->transport->name);
}

static void feed_free(struct feed *f)
{
	free(f->target);
	free(f->topic);
	free(f->name);
	free(f);
}

int feed_open(struct feed **ret, const struct policy_feed *p, const char *spool)
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
	f->topic = strdup(p->topic ? p->topic : "");
	f->ledger = p->ledger;
	r = f->target && f->topic ? make_name(f) : -ENOMEM;
	if (r == 0)
		r = transport->open ? transport->open(&f->road, p) : open_server(f, p, spool);
	if (r < 0) {
		feed_free(f);
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
	       strcmp(f->target, p->target ? p->target : "") == 0 &&
	       strcmp(f->topic, p->topic ? p->topic : "") == 0 && f->ledger == p->ledger;
}

int feed_change(struct feed *f, const struct policy_feed *p)
{
	void *self;
	int r;

	if (!f->transport->make) {
		road_reopen(f->road);
		return f->transport->check ? f->transport->check(f->target) : 0;
	}
	r = f->transport->make(&self, p);
	if (r == 0)
		road_replace(f->road, self);
	return r;
}

struct feed *feed_share(struct feed *f)
{
	f->holders++;
	return f;
}

uint64_t feed_close(struct feed *f)
{
	uint64_t lost;

	if (!f || --f->holders)
		return 0;
	lost = road_close(f->road);
	feed_free(f);
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

int64_t feed_ledger(const struct feed *f)
{
	return f->ledger;
}

const char *feed_name(const struct feed *f)
{
	return f->name;
}

const char *feed_wrap(const struct feed *f, struct json_writer *j, const struct event *e,
		      const struct identity *host, const char *line)
{
	return f->transport->wrap ? f->transport->wrap(j, e, host, line) : line;
}

int feed_put(struct feed *f, const char *line, size_t len)
{
	return road_put(f->road, line, len);
}

void feed_state(const struct feed *f, struct road_state *ret)
{
	road_state(f->road, ret);
}
