/* SPDX-License-Identifier: BSD-2-Clause */
/* road_kafka_test.c - the road to librdkafka's mock cluster, which speaks Kafka's protocol on loopback: brokers that are down, that
 * refuse, that answer late; a consumer reads what arrived. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "agent/base/text.h"
#include "agent/feed/judge.h"
#include "agent/feed/road_kafka.h"

#define TOPIC	"cordon.alerts"
#define BROKERS 3

static char dir[64], config[96];
static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;

static void write_config(const char *text, mode_t mode)
{
	FILE *f = fopen(config, "w");

	fputs(text, f);
	fclose(f);
	cr_assert_eq(chmod(config, mode), 0);
}

static void setup(void)
{
	char text[200];

	text_put(dir, sizeof(dir), "/tmp/road_kafka.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(config, sizeof(config), "%s/kafka.conf", dir);
	write_config("# a short patience\nmessage.timeout.ms=3000\n\n", 0600);
	owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
	cluster = rd_kafka_mock_cluster_new(owner, BROKERS);
	cr_assert(cluster);
	rd_kafka_mock_topic_create(cluster, TOPIC, 4, BROKERS);
}
static void teardown(void)
{
	char command[96];

	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(owner);
	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(road_kafka, .init = setup, .fini = teardown, .timeout = 180);

static struct road *road_to(void)
{
	struct policy_feed p = {.target = rd_kafka_mock_cluster_bootstraps(cluster),
				.topic = TOPIC,
				.config = config};
	char spool[96];
	struct queue *q;
	struct road *r;
	void *self;

	text_put(spool, sizeof(spool), "%s/spool", dir);
	cr_assert_eq(queue_spool(&q, spool, 0), 0);
	cr_assert_eq(road_kafka_make(&self, &p), 0);
	cr_assert_eq(road_open(&r, road_kafka_end(&p), self, q, "kafka"), 0);
	return r;
}

static void put(struct road *r, unsigned from, unsigned to)
{
	static struct json_writer j;
	struct identity host = {.name = "db1.example", .agent_id = "agent-1"};

	for (unsigned i = from; i < to; i++) {
		struct event e = {.kind = EVENT_STATE, .action = "started"};
		const char *line;
		char body[64];

		text_put(e.id, sizeof(e.id), "%08u-x", i);
		text_put(body, sizeof(body), "{\"n\": %u}", i);
		line = road_kafka_wrap(&j, &e, &host, body);
		cr_assert_eq(road_put(r, line, strlen(line)), 0);
	}
}

static struct road_state wait_state(struct road *r, bool error)
{
	struct road_state s;

	for (int i = 0; i < 1200; i++) {
		road_state(r, &s);
		if (error ? s.error != 0 : !s.waiting)
			return s;
		usleep(50000);
	}
	cr_assert_fail("%s; waiting %u", s.why, (unsigned)s.waiting);
	return s;
}

static void expect_header(const rd_kafka_headers_t *h, const char *name, const char *want)
{
	const void *value = NULL;
	size_t n = 0;

	cr_assert_eq(rd_kafka_header_get_last(h, name, &value, &n), 0, "%s", name);
	cr_expect_eq(n, strlen(want), "%s", name);
	cr_expect_eq(memcmp(value, want, n), 0, "%s: %.*s", name, (int)n, (const char *)value);
}

static void expect_message(const rd_kafka_message_t *m, unsigned got, int32_t *partition)
{
	rd_kafka_headers_t *h = NULL;
	char want[40];

	if (*partition < 0)
		*partition = m->partition;
	cr_assert_eq(m->partition, *partition, "a host's alerts stay together");
	cr_expect_eq(m->key_len, strlen("agent-1"));
	cr_expect_eq(memcmp(m->key, "agent-1", m->key_len), 0);
	cr_assert_eq(rd_kafka_message_headers(m, &h), 0);
	text_put(want, sizeof(want), "%08u-x", got);
	expect_header(h, "ce_id", want);
	expect_header(h, "ce_source", "//db1.example/cordon");
	expect_header(h, "ce_type", "eu.cordon.started.v1");
	expect_header(h, "ce_specversion", "1.0");
}

/* Everything from 0 to n - 1 is there, each first time in order. Returns how many messages there are. */
static unsigned expect_arrived(unsigned n)
{
	rd_kafka_conf_t *c = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(4);
	int32_t partition = -1;
	unsigned next = 0, count = 0, quiet = 0;
	char text[200];
	rd_kafka_t *rk;

	rd_kafka_conf_set(c, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), text,
			  sizeof(text));
	rd_kafka_conf_set(c, "group.id", "soc", text, sizeof(text));
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, c, text, sizeof(text));
	cr_assert(rk, "%s", text);
	for (int i = 0; i < 4; i++)
		rd_kafka_topic_partition_list_add(all, TOPIC, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	cr_assert_eq(rd_kafka_assign(rk, all), 0);
	while (quiet < (next < n ? 60 : 2)) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 500);
		unsigned got;

		if (m && !m->err) {
			cr_assert_eq(sscanf(m->payload, "{\"n\": %u}", &got), 1);
			cr_assert_leq(got, next, "nothing is left out");
			expect_message(m, got, &partition);
			next += got == next;
			count++;
			quiet = 0;
		} else {
			quiet++;
		}
		if (m)
			rd_kafka_message_destroy(m);
	}
	cr_expect_eq(next, n);
	rd_kafka_topic_partition_list_destroy(all);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return count;
}

static void brokers(bool up)
{
	for (int32_t i = 1; i <= BROKERS; i++)
		cr_assert_eq(up ? rd_kafka_mock_broker_set_up(cluster, i)
				: rd_kafka_mock_broker_set_down(cluster, i),
			     0);
}

Test(road_kafka, in_order_with_keys_and_ids)
{
	struct road *r = road_to();
	struct road_state s;

	put(r, 0, 2000);
	s = wait_state(r, false);
	cr_expect_eq(s.lines, 2000);
	cr_expect_eq(s.lost, 0);
	cr_expect_eq(road_close(r), 0);
	cr_expect_eq(expect_arrived(2000), 2000, "idempotent: none twice");
}

/* Down at the start, up, down in the middle, the road goes and comes back, up. */
Test(road_kafka, brokers_that_come_and_go)
{
	struct road_state s;
	struct road *r;

	brokers(false);
	r = road_to();
	put(r, 0, 100);
	s = wait_state(r, true);
	cr_expect_eq(s.waiting, 100);
	cr_expect(s.why[0]);
	brokers(true);
	wait_state(r, false);
	brokers(false);
	put(r, 100, 300);
	wait_state(r, true);
	cr_expect_eq(road_close(r), 200, "they wait in the directory");
	brokers(true);
	r = road_to();
	put(r, 300, 400);
	wait_state(r, false);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(400);
}

/* Errors that the protocol calls passing are tried again by the producer; others begin a new one. */
Test(road_kafka, brokers_that_refuse)
{
	struct road *r = road_to();

	rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 4,
					  RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
					  RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
					  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	put(r, 0, 500);
	wait_state(r, false);
	rd_kafka_mock_push_request_errors(cluster, 0, 1,
					  RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
	put(r, 500, 600);
	wait_state(r, false);
	cr_expect_eq(road_close(r), 0);
	expect_arrived(600);
}

Test(road_kafka, properties)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *why;
	} row[] = {
		{"nonsense.property=1\n", 0600, "nonsense.property"},
		{"sasl.password\n", 0600, "without '='"},
		{"sasl.password=x\n", 0644, "others may read it"},
		{"security.protocol=sasl_ssl\nsasl.mechanisms=PLAIN\n", 0600, "sasl.username"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct road_state s;
		struct road *r;

		write_config(row[i].text, row[i].mode);
		r = road_to();
		s = wait_state(r, true);
		cr_expect(strstr(s.why, row[i].why), "%s: %s", row[i].why, s.why);
		road_close(r);
	}
}

static _Atomic int refuses;
static int judge(void *arg, const struct ip *dst, uint16_t to, uint8_t proto, char *why,
		 size_t size)
{
	char ip[IP_STRLEN];

	(void)arg;
	cr_assert_str_eq(ip_format(ip, dst), "127.0.0.1");
	cr_assert(to);
	cr_assert_eq(proto, 6);
	if (refuses)
		text_put(why, size, "the policy says no");
	return refuses ? -JUDGE_REFUSED : 0;
}
static void expect_refused(struct road *r)
{
	struct road_state s;

	for (int i = 0; i < 600; i++) {
		road_state(r, &s);
		if (s.error == JUDGE_REFUSED)
			break;
		usleep(50000);
	}
	cr_expect_eq(s.error, JUDGE_REFUSED);
	cr_expect_str_eq(s.why, "the policy says no");
}

Test(road_kafka, the_policy_judges_the_brokers)
{
	struct road *r;

	refuses = 1;
	judge_set(judge, NULL);
	r = road_to();
	put(r, 0, 10);
	expect_refused(r);
	refuses = 0;
	wait_state(r, false);
	refuses = 1;
	expect_refused(r);
	refuses = 0;
	put(r, 10, 20);
	wait_state(r, false);
	road_close(r);
	expect_arrived(20);
}
