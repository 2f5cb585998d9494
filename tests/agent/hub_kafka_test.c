/* SPDX-License-Identifier: BSD-2-Clause */
/* hub_kafka_test.c - the hub's reader of a topic against librdkafka's mock cluster: what was taken does not come again, what was not
 * does. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "agent/base/text.h"
#include "agent/hub/hub.h"

#define TOPIC	   "cordon.fleet"
#define PARTITIONS 3
#define LINES	   3000u

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static unsigned seen[LINES];

static void setup(void)
{
	char text[200];

	owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
	cluster = rd_kafka_mock_cluster_new(owner, 2);
	cr_assert(cluster);
	rd_kafka_mock_topic_create(cluster, TOPIC, PARTITIONS, 1);
}
static void teardown(void)
{
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(owner);
}
TestSuite(hub_kafka, .init = setup, .fini = teardown, .timeout = 180);

static void produce(unsigned from, unsigned to)
{
	rd_kafka_conf_t *c = rd_kafka_conf_new();
	char text[200], key[16], line[64];
	rd_kafka_t *rk;

	rd_kafka_conf_set(c, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), text,
			  sizeof(text));
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, c, text, sizeof(text));
	cr_assert(rk);
	for (unsigned i = from; i < to; i++) {
		size_t nkey = text_put(key, sizeof(key), "host-%u", i % 17);
		size_t n = text_put(line, sizeof(line), "{\"n\": %u}", i);

		cr_assert_eq(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(TOPIC),
					       RD_KAFKA_V_KEY(key, nkey), RD_KAFKA_V_VALUE(line, n),
					       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					       RD_KAFKA_V_END),
			     RD_KAFKA_RESP_ERR_NO_ERROR);
	}
	cr_assert_eq(rd_kafka_flush(rk, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_destroy(rk);
}

static void *open_it(void)
{
	struct diag_sink d = {0};
	char target[300];
	void *self = NULL;

	text_put(target, sizeof(target), "kafka://%s/" TOPIC,
		 rd_kafka_mock_cluster_bootstraps(cluster));
	cr_assert_eq(hub_kafka_open(&self, target, NULL, &d), 0);
	return self;
}

/* So many lines, or all that there are (max 0). */
static unsigned read_some(void *self, unsigned max)
{
	struct diag_sink d = {0};
	const char *line;
	unsigned n = 0, i;
	size_t len;
	int r;

	for (unsigned waits = 0; waits < 600 && (!max || n < max); waits++) {
		r = hub_kafka()->next(self, &line, &len, 200, &d);
		cr_assert_geq(r, 0);
		if (r == 0 && hub_kafka()->over(self) && !max)
			break;
		if (r != 1)
			continue;
		cr_assert_eq(sscanf(line, "{\"n\": %u}", &i), 1, "%.*s", (int)len, line);
		cr_assert_lt(i, LINES);
		seen[i]++;
		n++;
		waits = 0;
	}
	return n;
}

Test(hub_kafka, what_was_not_taken_comes_again)
{
	struct diag_sink d = {0};
	unsigned again = 0;
	void *self;

	produce(0, 2000);
	self = open_it();
	cr_assert_eq(read_some(self, 1000), 1000);
	cr_assert_eq(hub_kafka()->taken(self, &d), 0);
	cr_assert_eq(read_some(self, 500), 500); /* and the hub dies before its commit */
	hub_kafka()->free(self);
	produce(2000, LINES);
	self = open_it();
	cr_assert_eq(read_some(self, 0), LINES - 1000);
	cr_assert_eq(hub_kafka()->taken(self, &d), 0);
	hub_kafka()->free(self);
	for (unsigned i = 0; i < LINES; i++) {
		cr_assert_geq(seen[i], 1, "%u", i);
		cr_assert_leq(seen[i], 2, "%u", i);
		again += seen[i] == 2;
	}
	cr_expect_eq(again, 500);
	self = open_it();
	cr_expect_eq(read_some(self, 0), 0, "all was taken");
	hub_kafka()->free(self);
}

Test(hub_kafka, a_target_that_is_none)
{
	static const char *const bad[] = {"kafka://", "kafka://h:9092", "kafka:///topic",
					  "kafka://h:9092/"};
	void *self;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct diag_sink d = {0};

		cr_expect_eq(hub_kafka_open(&self, bad[i], NULL, &d), -22, "%s", bad[i]);
		cr_expect_eq(d.errors, 1);
	}
}
