/* SPDX-License-Identifier: BSD-2-Clause */
/* hub_kafka.c - a topic, read by a consumer group whose offsets are stored after the lines are committed elsewhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <librdkafka/rdkafka.h>
#include "agent/base/text.h"
#include "agent/hub/hub.h"
#include "geo/base/cleanup.h"

#define SCHEME	   "kafka://"
#define PARTITIONS 65536

struct kafka {
	rd_kafka_t *rk;		   /* owned */
	rd_kafka_message_t *at;	   /* owned: the line that was given last */
	unsigned partitions, ends; /* assigned; of these, read to the end */
	bool end[PARTITIONS];
	bool said;
	char why[160];
};

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk, (void)level, (void)facility, (void)text; /* what matters comes as an error */
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
	struct kafka *k = opaque;

	(void)rk, (void)error;
	text_put(k->why, sizeof(k->why), "%s", reason);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t e,
			 rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct kafka *k = opaque;
	bool got = e == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

	k->partitions = got ? (unsigned)list->cnt : 0;
	k->ends = 0;
	memset(k->end, 0, sizeof(k->end));
	rd_kafka_assign(rk, got ? list : NULL);
}

static int set(rd_kafka_conf_t *c, const char *name, const char *value, struct diag_sink *d)
{
	char text[160];

	if (rd_kafka_conf_set(c, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
		return 0;
	diag_error(d, NULL, 0, "Kafka: %s: %s", name, text);
	return -EINVAL;
}

/* "name=value" lines. The file holds passwords: nobody else may read it. */
static int set_file(rd_kafka_conf_t *c, const char *path, struct diag_sink *d)
{
	_fclose_ FILE *f = path ? fopen(path, "re") : NULL;
	_free_ char *line = NULL;
	size_t room = 0;
	struct stat st;
	int r = 0;

	if (!path)
		return 0;
	if (!f || fstat(fileno(f), &st) < 0) {
		diag_error(d, path, 0, "%s", strerror(errno));
		return -errno;
	}
	if (st.st_mode & (S_IWGRP | S_IRWXO)) {
		diag_error(d, path, 0, "others may read it or write to it: chmod 0640");
		return -EPERM;
	}
	while (r == 0 && getline(&line, &room, f) >= 0) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\r\n")] = 0;
		if (!*line || *line == '#')
			continue;
		if (!value) {
			diag_error(d, path, 0, "'%s': a line is NAME=VALUE", line);
			return -EINVAL;
		}
		*value++ = 0;
		r = set(c, line, value, d);
	}
	return r;
}

static int configure(rd_kafka_conf_t *c, struct kafka *k, const char *brokers, const char *config,
		     struct diag_sink *d)
{
	int r = set(c, "client.id", "cordon-hub", d);

	rd_kafka_conf_set_opaque(c, k);
	rd_kafka_conf_set_log_cb(c, on_log);
	rd_kafka_conf_set_error_cb(c, on_error);
	rd_kafka_conf_set_rebalance_cb(c, on_rebalance);
	r = r ? r : set(c, "group.id", "cordon-hub", d);
	r = r ? r : set(c, "auto.offset.reset", "earliest", d);
	r = r ? r : set_file(c, config, d);
	r = r ? r : set(c, "bootstrap.servers", brokers, d);
	r = r ? r : set(c, "enable.auto.commit", "false", d);
	r = r ? r : set(c, "enable.auto.offset.store", "false", d);
	return r ? r : set(c, "enable.partition.eof", "true", d);
}

static int subscribe(struct kafka *k, const char *topic, struct diag_sink *d)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t e;

	rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
	e = rd_kafka_subscribe(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (!e)
		return 0;
	diag_error(d, NULL, 0, "Kafka: cannot read %s: %s", topic, rd_kafka_err2str(e));
	return -EIO;
}

static void drop(void *self)
{
	struct kafka *k = self;

	if (k->at)
		rd_kafka_message_destroy(k->at);
	if (k->rk) {
		rd_kafka_consumer_close(k->rk);
		rd_kafka_destroy(k->rk);
	}
	free(k);
}

/* Once for each that is not there; librdkafka tries again by itself. */
static void say(struct kafka *k, const char *why, struct diag_sink *d)
{
	if (!k->said)
		diag_warn(d, NULL, 0, "Kafka: %s; it is tried again", why);
	k->said = true;
}

static void set_end(struct kafka *k, int32_t partition, bool on)
{
	if (partition < 0 || partition >= PARTITIONS || k->end[partition] == on)
		return;
	k->end[partition] = on;
	k->ends += on ? 1u : -1u;
}

static int next(void *self, const char **line, size_t *n, int ms, struct diag_sink *d)
{
	struct kafka *k = self;
	rd_kafka_message_t *m;

	if (k->at)
		rd_kafka_message_destroy(k->at);
	k->at = NULL;
	m = rd_kafka_consumer_poll(k->rk, ms);
	if (!m) {
		if (k->why[0])
			say(k, k->why, d);
		k->why[0] = 0;
		return 0;
	}
	if (!m->err) {
		k->at = m;
		k->said = false;
		set_end(k, m->partition, false);
		/* what is stored now is sent to the broker by taken(), after the commit of the batch */
		rd_kafka_offset_store(m->rkt, m->partition, m->offset);
		*line = m->payload ? m->payload : "";
		*n = m->len;
		return 1;
	}
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		set_end(k, m->partition, true);
	else
		say(k, rd_kafka_message_errstr(m), d);
	rd_kafka_message_destroy(m);
	return 0;
}

static bool over(void *self)
{
	struct kafka *k = self;

	return k->partitions && k->ends >= k->partitions;
}

static int taken(void *self, struct diag_sink *d)
{
	struct kafka *k = self;
	rd_kafka_resp_err_t e = rd_kafka_commit(k->rk, NULL, 0);

	/* they come again, and count once */
	if (e && e != RD_KAFKA_RESP_ERR__NO_OFFSET)
		say(k, rd_kafka_err2str(e), d);
	return 0;
}

int hub_kafka_open(void **self, const char *target, const char *config, struct diag_sink *d)
{
	const char *brokers = target + strlen(SCHEME), *slash = strchr(brokers, '/');
	struct kafka *k = calloc(1, sizeof(*k));
	_free_ char *list = NULL;
	rd_kafka_conf_t *c;
	char text[160];
	int r;

	if (!k)
		return -ENOMEM;
	if (!slash || slash == brokers || !slash[1]) {
		diag_error(d, target, 0, "write kafka://BROKER:9092,BROKER:9092/TOPIC");
		free(k);
		return -EINVAL;
	}
	list = strndup(brokers, (size_t)(slash - brokers));
	c = rd_kafka_conf_new();
	r = list ? configure(c, k, list, config, d) : -ENOMEM;
	k->rk = r == 0 ? rd_kafka_new(RD_KAFKA_CONSUMER, c, text, sizeof(text)) : NULL;
	if (!k->rk) {
		rd_kafka_conf_destroy(c);
		if (r == 0)
			diag_error(d, target, 0, "%s", text);
		free(k);
		return r ? r : -EINVAL;
	}
	rd_kafka_poll_set_consumer(k->rk);
	r = subscribe(k, slash + 1, d);
	if (r < 0)
		drop(k);
	else
		*self = k;
	return r;
}

const struct hub_source *hub_kafka(void)
{
	static const struct hub_source source = {
		.next = next, .over = over, .taken = taken, .free = drop};

	return &source;
}

int hub_source_open(const struct hub_source **ret, void **self, const char *text,
		    const char *config, struct hub *h, struct diag_sink *d)
{
	bool kafka = strncmp(text, SCHEME, strlen(SCHEME)) == 0;

	*ret = kafka ? hub_kafka() : hub_directory();
	return kafka ? hub_kafka_open(self, text, config, d) : hub_directory_open(self, text, h, d);
}
