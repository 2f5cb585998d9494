/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline_fuzz.c - any bytes as a capture, down the whole road: reader, headers, flows, distances,
 * verdicts, event lines. */
#include <string.h>
#include "agent/flow/pipeline.h"
#include "agent/feed/ecs.h"
#include "agent/source/capture.h"
#include "tests/fuzz/file.h"

#define FRAMES 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] =
	"home DE 50.11 8.68 \"Frankfurt\"\nplace 10.0.0.0/8 is DE\nplace 3.0.0.0/8 is US\n"
	"place 2000::/3 is US\nalert to eea until 2027-01-01\nblock to any\n";
static struct engine *engine;
static struct json_writer line;

static const char *temporary(char path[], const char *text)
{
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	return path;
}

static void say(void *arg, const struct diag *d)
{
	(void)arg;
	fprintf(stderr, "pipeline_fuzz: %s\n", d->text);
}

static int engine_at(void *arg, int64_t unix_s, const struct engine **ret)
{
	(void)arg;
	(void)unix_s;
	*ret = engine;
	return 0;
}

static void show(void *arg, const struct packet_frame *f, const char *comment)
{
	unsigned *events = arg;

	if (!f->data && f->caplen)
		abort();
	*events += comment[0] == 0;
}

static void make_engine(void)
{
	char policy_path[] = "/tmp/cordon-fuzz-XXXXXX", geo_path[] = "/tmp/cordon-fuzz-XXXXXX";
	const char *geo =
		temporary(geo_path,
			  "52.28.0.0/16,DE,,,\n3.80.0.0/16,US,,,\n2a05:d014::/36,DE,,,\n");
	struct engine_config cfg = {.policy = temporary(policy_path, policy),
				    .geo = &geo,
				    .ngeo = 1,
				    .now = 1795392000};
	struct diag_sink quiet = {.fn = say};

	if (engine_load(&engine, &cfg, NULL, &quiet) < 0)
		abort();
	unlink(policy_path);
	unlink(geo_path);
}

static void format(void *arg, struct event *e)
{
	unsigned *events = arg;

	if (!ecs_format(&line, e, NULL))
		abort();
	++*events;
}

/* Every frame is counted, and every IP packet in one flow; what is not judged has a kind. */
static void check(const struct pipeline_counts *c, uint64_t frames)
{
	uint64_t sum = 0, kinds = 0;

	for (unsigned i = 0; i < PACKET_RESULTS; i++)
		sum += c->by_result[i];
	for (unsigned i = 0; i < c->nkinds; i++)
		kinds += c->kind[i].packets;
	if (kinds != c->packets - c->ip_packets || c->judged > c->ip_packets + c->shared)
		abort();
	if (c->packets != frames || sum != frames || c->ip_packets != c->by_result[PACKET_IP])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned events = 0;
	struct packet_frame frames[FRAMES];
	struct pipeline_config cfg = {.replay = true,
				      .flows_max = 256,
				      .destinations_max = 64,
				      .event = format,
				      .engine_at = size % 2 ? engine_at : NULL,
				      .now_ns = 1795392000ull * 1000000000,
				      .dedup = size % 3 == 0,
				      .evidence = size % 5 ? NULL : show,
				      .arg = &events};
	struct diag_sink quiet = {0};
	struct pipeline *p = NULL;
	struct capture *c = NULL;
	uint64_t seen = 0;
	int n;

	if (!engine)
		make_engine();
	if (capture_open(&c, file_of(data, size), false, &quiet) < 0)
		return 0;
	cfg.engine = engine;
	if (pipeline_new(&p, &cfg) < 0)
		abort();
	pipeline_capture(p, 0);
	while ((n = capture_next(c, frames, FRAMES)) > 0) {
		seen += (uint64_t)n;
		if (pipeline_packets(p, frames, (size_t)n) < 0)
			abort();
	}
	pipeline_finish(p);
	check(pipeline_counts(p), seen);
	pipeline_free(p);
	capture_close(c);
	return 0;
}
