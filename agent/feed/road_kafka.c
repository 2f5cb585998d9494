/* SPDX-License-Identifier: BSD-2-Clause */
/* road_kafka.c - lines to librdkafka, its delivery reports back; one that failed begins a new producer. */
#include "agent/feed/road_kafka.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <librdkafka/rdkafka.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/judge.h"

#define FLIGHT	    8192u   /* messages not acknowledged */
#define MESSAGE_MAX 990000u /* message.max.bytes is 1,000,000, headers included */
#define CLOSE_MS    100
#define PEERS	    32u /* addresses of brokers that are judged again */
#define HEADS	    4	/* words before the line: agent, event, host, action */

struct kafka {
	char *brokers, *topic, *config, *ca, *cert, *key; /* owned */
	rd_kafka_t *rk;					  /* owned */
	uint64_t sent, done, told;			  /* acknowledged; of these, said */
	int broken;					  /* -errno */
	pthread_mutex_t lock; /* over what follows: brokers connect in threads of their own */
	struct sockaddr_storage peer[PEERS];
	unsigned npeers; /* ever */
	char why[ROAD_WHY];
};

static int say(struct kafka *k, int error, const char *what, const char *more)
{
	text_put(k->why, sizeof(k->why), "%s: %s", what, more);
	return -error;
}

/* Reports come in the order of the messages: one partition a key, and an idempotent producer. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kafka *k = opaque;

	(void)rk;
	if (k->broken)
		return;
	if (m->err)
		k->broken = say(k, EIO, "not delivered", rd_kafka_err2str(m->err));
	else
		k->done++;
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
	struct kafka *k = opaque;
	char text[160];

	if (error == RD_KAFKA_RESP_ERR__FATAL && !k->broken) {
		rd_kafka_fatal_error(rk, text, sizeof(text));
		k->broken = say(k, EIO, "the producer", text);
	} else if (!k->broken) {
		say(k, EIO, rd_kafka_err2name((rd_kafka_resp_err_t)error), reason);
	}
}

/* In a broker's thread. errno of connect(2), 0 when it is on its way. */
static int on_connect(int fd, const struct sockaddr *a, int len, const char *id, void *opaque)
{
	struct kafka *k = opaque;
	char why[ROAD_WHY];

	(void)id;
	pthread_mutex_lock(&k->lock); /* refused ones as well: kafka_judge says why */
	memcpy(&k->peer[k->npeers++ % PEERS], a, (size_t)len);
	pthread_mutex_unlock(&k->lock);
	if (judge_address(a, IPPROTO_TCP, why, sizeof(why)) < 0)
		return JUDGE_REFUSED;
	return connect(fd, a, (socklen_t)len) == 0 || errno == EINPROGRESS ? 0 : errno;
}

/* Each broker that it connects to. */
static int kafka_judge(struct kafka *k)
{
	unsigned n;
	int r = 0;

	pthread_mutex_lock(&k->lock);
	n = k->npeers < PEERS ? k->npeers : PEERS;
	for (unsigned i = 0; i < n && r == 0; i++)
		r = judge_address((const struct sockaddr *)&k->peer[i], IPPROTO_TCP, k->why,
				  sizeof(k->why));
	pthread_mutex_unlock(&k->lock);
	return r;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk, (void)level, (void)facility, (void)text; /* what matters comes as an error */
}

static int set(struct kafka *k, rd_kafka_conf_t *c, const char *name, const char *value)
{
	char text[160];

	if (!value || rd_kafka_conf_set(c, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
		return 0;
	return say(k, EINVAL, name, text);
}

/* "name=value" lines. The file holds passwords: nobody else may read it. */
static int set_file(struct kafka *k, rd_kafka_conf_t *c)
{
	_free_ char *line = NULL;
	size_t room = 0;
	struct stat st;
	FILE *f;
	int r = 0;

	if (!k->config)
		return 0;
	f = fopen(k->config, "re");
	if (!f)
		return say(k, errno, k->config, strerror(errno));
	if (fstat(fileno(f), &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IRWXO)))
		r = say(k, EPERM, k->config,
			"others may read it or write to it: chown root, chmod 0640");
	while (r == 0 && getline(&line, &room, f) >= 0) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\r\n")] = 0;
		if (!*line || *line == '#')
			continue;
		if (!value) {
			r = say(k, EINVAL, k->config, "a line without '='");
			break;
		}
		*value++ = 0;
		r = set(k, c, line, value);
	}
	fclose(f);
	return r;
}

static int set_all(struct kafka *k, rd_kafka_conf_t *c)
{
	bool tls = k->ca || k->cert;
	int r = set(k, c, "client.id", "cordon");

	r = r ? r : set(k, c, "message.timeout.ms", "30000");
	r = r ? r : set(k, c, "compression.codec", "lz4");
	r = r ? r : set(k, c, "security.protocol", tls ? "ssl" : NULL);
	r = r ? r : set(k, c, "ssl.ca.location", k->ca);
	r = r ? r : set(k, c, "ssl.certificate.location", k->cert);
	r = r ? r : set(k, c, "ssl.key.location", k->key);
	r = r ? r : set_file(k, c);
	r = r ? r : set(k, c, "bootstrap.servers", k->brokers);
	return r ? r : set(k, c, "enable.idempotence", "true");
}

static void kafka_close(void *self)
{
	struct kafka *k = self;

	if (!k->rk)
		return;
	rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	k->broken = k->broken ? k->broken : -ECONNRESET; /* what comes now is of nothing */
	rd_kafka_flush(k->rk, CLOSE_MS);
	rd_kafka_destroy(k->rk);
	k->rk = NULL;
}

static int kafka_open(void *self)
{
	struct kafka *k = self;
	rd_kafka_conf_t *c = rd_kafka_conf_new();
	char text[160];
	int r;

	k->sent = k->done = k->told = 0;
	k->broken = 0;
	k->npeers = 0;
	k->why[0] = 0;
	rd_kafka_conf_set_opaque(c, k);
	rd_kafka_conf_set_dr_msg_cb(c, on_delivery);
	rd_kafka_conf_set_error_cb(c, on_error);
	rd_kafka_conf_set_log_cb(c, on_log);
	rd_kafka_conf_set_connect_cb(c, on_connect);
	r = set_all(k, c);
	if (r == 0) {
		k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, c, text, sizeof(text));
		if (k->rk)
			return 0;
		r = say(k, EINVAL, "no producer", text);
	}
	rd_kafka_conf_destroy(c);
	return r;
}

/* The next word of what road_kafka_wrap put before the line. */
static void word(const char **at, const char *end, const char **ret, size_t *n)
{
	const char *space = memchr(*at, ' ', (size_t)(end - *at));

	space = space ? space : end;
	*ret = *at;
	*n = (size_t)(space - *at);
	*at = space < end ? space + 1 : end;
}

static rd_kafka_headers_t *headers(const char *const w[HEADS], const size_t n[HEADS])
{
	rd_kafka_headers_t *h = rd_kafka_headers_new(5);
	char b[400];

	rd_kafka_header_add(h, "ce_specversion", -1, "1.0", -1);
	rd_kafka_header_add(h, "ce_id", -1, w[1], (ssize_t)n[1]);
	text_put(b, sizeof(b), "//%.*s/cordon", (int)n[2], w[2]);
	rd_kafka_header_add(h, "ce_source", -1, b, -1);
	text_put(b, sizeof(b), "eu.cordon.%.*s.v1", (int)n[3], w[3]);
	rd_kafka_header_add(h, "ce_type", -1, b, -1);
	return h;
}

static int kafka_send(void *self, const char *line, size_t len)
{
	struct kafka *k = self;
	const char *w[HEADS], *at = line, *end = line + len;
	rd_kafka_headers_t *h;
	size_t n[HEADS];
	rd_kafka_resp_err_t e;

	rd_kafka_poll(k->rk, 0);
	if (k->broken)
		return k->broken;
	if (k->sent - k->done >= FLIGHT)
		return -EAGAIN;
	for (int i = 0; i < HEADS; i++)
		word(&at, end, &w[i], &n[i]);
	h = headers(w, n);
	e = rd_kafka_producev(k->rk, RD_KAFKA_V_TOPIC(k->topic), RD_KAFKA_V_KEY(w[0], n[0]),
			      RD_KAFKA_V_VALUE((void *)(uintptr_t)at, (size_t)(end - at)),
			      RD_KAFKA_V_HEADERS(h), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			      RD_KAFKA_V_END);
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
		k->sent++;
		return 0;
	}
	rd_kafka_headers_destroy(h);
	if (e == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return -EAGAIN;
	return say(k, EIO, "cannot send", rd_kafka_err2str(e));
}

static uint64_t kafka_confirmed(void *self)
{
	struct kafka *k = self;
	uint64_t n;

	rd_kafka_poll(k->rk, 0);
	n = k->done - k->told;
	k->told = k->done;
	return n;
}

static int kafka_tick(void *self)
{
	struct kafka *k = self;

	int r;

	rd_kafka_poll(k->rk, 0);
	r = kafka_judge(k); /* after what the producer says of it */
	return r < 0 ? r : k->broken;
}

static int kafka_finish(void *self)
{
	struct kafka *k = self;

	rd_kafka_poll(k->rk, 0);
	return k->broken ? k->broken : k->done < k->sent ? -EAGAIN : 0;
}

static const char *kafka_why(void *self)
{
	return ((struct kafka *)self)->why;
}

static void kafka_free(void *self)
{
	struct kafka *k = self;

	free(k->brokers);
	free(k->topic);
	free(k->config);
	free(k->ca);
	free(k->cert);
	free(k->key);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static bool copy(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return !s || *ret;
}

int road_kafka_make(void **self, const struct policy_feed *p)
{
	struct kafka *k = p->target && p->topic ? calloc(1, sizeof(*k)) : NULL;

	if (!k)
		return p->target && p->topic ? -ENOMEM : -EINVAL;
	pthread_mutex_init(&k->lock, NULL);
	if (!copy(&k->brokers, p->target) || !copy(&k->topic, p->topic) ||
	    !copy(&k->config, p->config) || !copy(&k->ca, p->ca) || !copy(&k->cert, p->cert) ||
	    !copy(&k->key, p->key)) {
		kafka_free(k);
		return -ENOMEM;
	}
	*self = k;
	return 0;
}

const struct road_end *road_kafka_end(const struct policy_feed *p)
{
	static const struct road_end end = {.open = kafka_open,
					    .send = kafka_send,
					    .tick = kafka_tick,
					    .close = kafka_close,
					    .free = kafka_free,
					    .confirmed = kafka_confirmed,
					    .finish = kafka_finish,
					    .why = kafka_why,
					    .line_max = MESSAGE_MAX,
					    .retry_max_ms = 30000};

	(void)p;
	return &end;
}

/* Four words, which hold no space, then the line. */
const char *road_kafka_wrap(struct json_writer *j, const struct event *e,
			    const struct identity *host, const char *line)
{
	const char *const w[HEADS] = {host->agent_id, e->id, host->name, e->action};

	json_writer_reset(j);
	for (int i = 0; i < HEADS; i++) {
		for (const char *s = w[i] ? w[i] : ""; *s; s++)
			if (*s > ' ' && *s < 0x7f)
				json_writer_plain(j, s, 1);
		json_writer_plain(j, " ", 1);
	}
	json_writer_plain(j, line, strlen(line));
	return json_writer_done(j);
}
