/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_summary.c - what a replay found, as one JSON object, and its progress for a person who
 * waits. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/cmd/replay_report.h"
#include "agent/base/diag_print.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define PROGRESS_NS	 200000000ull
#define PROGRESS_BATCHES 1024 /* looks at the clock this seldom */

static void put_country(struct json_writer *j, const char *key, uint16_t country)
{
	char cc[3];

	json_writer_text(j, key, country ? country_text(country, cc) : NULL);
}

static void put_destination(struct json_writer *j, const struct pipeline_destination *d)
{
	char address[IP_STRLEN];

	json_writer_open(j, NULL, '{');
	json_writer_text(j, "address", d->address.v ? ip_format(address, &d->address) : NULL);
	put_country(j, "country", d->place->country);
	json_writer_text(j, "provider", *d->provider ? d->provider : NULL);
	json_writer_text(j, "region", *d->region ? d->region : NULL);
	put_country(j, "jurisdiction", d->place->jurisdiction);
	json_writer_text(j, "verdict", event_verdict_name(d->verdict));
	if (d->egress)
		json_writer_text(j, "rule", d->rule ? d->rule->text : "default");
	json_writer_number(j, "packets", d->packets);
	json_writer_number(j, "bytes", d->bytes);
	if (d->first_ns) {
		json_writer_time(j, "first", d->first_ns);
		json_writer_time(j, "last", d->last_ns);
	}
	if (d->layer != LAYER_OUTER)
		json_writer_bool(j, "tunnelled", true);
	json_writer_close(j, '}');
}

/* Bytes count once: those of a packet that leaves inside another that leaves are in 'tunnels' only. */
static bool in_egress(const struct pipeline_destination *d)
{
	return d->egress && d->layer != LAYER_COVERED;
}
static bool in_destinations(const struct pipeline_destination *d)
{
	return d->layer == LAYER_OUTER;
}
static bool in_tunnels(const struct pipeline_destination *d)
{
	return d->egress && d->layer != LAYER_OUTER;
}

static int larger_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

/* The least bytes that stand in a list of the 'top' largest, and how many of those that have just so many. */
static uint64_t nth_largest(const struct pipeline_destination *d, size_t n,
			    bool (*in)(const struct pipeline_destination *d), size_t top,
			    size_t *equal)
{
	_free_ uint64_t *bytes = top ? calloc(n ? n : 1, sizeof(*bytes)) : NULL;
	uint64_t least;
	size_t m = 0;

	*equal = SIZE_MAX;
	for (size_t i = 0; bytes && i < n; i++)
		if (in(&d[i]))
			bytes[m++] = d[i].bytes;
	if (!bytes || m <= top)
		return 0;
	qsort(bytes, m, sizeof(*bytes), larger_first);
	least = bytes[top - 1];
	*equal = 0;
	for (size_t i = top; i-- && bytes[i] == least;)
		++*equal;
	return least;
}

static void put_destinations(struct json_writer *j, const char *key,
			     const struct pipeline_destination *d, size_t n,
			     bool (*in)(const struct pipeline_destination *d), size_t top)
{
	size_t equal;
	uint64_t least = nth_largest(d, n, in, top, &equal);

	json_writer_open(j, key, '[');
	for (size_t i = 0; i < n; i++) {
		if (!in(&d[i]) || d[i].bytes < least)
			continue;
		if (!top || d[i].bytes > least || equal)
			put_destination(j, &d[i]);
		equal -= d[i].bytes == least && equal;
	}
	json_writer_close(j, ']');
}

static void put_verdicts(struct json_writer *j, const struct pipeline_counts *c)
{
	json_writer_open(j, "verdicts", '{');
	for (int a = DECIDE_ALLOW; a <= DECIDE_BLOCK; a++)
		json_writer_number(j, event_verdict_name(a), c->flows_by_verdict[a]);
	json_writer_close(j, '}');
}

/* What does not make the input damaged, yet belongs beside the numbers. */
static void put_notes(struct json_writer *j, const struct replay *r,
		      const struct pipeline_counts *c)
{
	json_writer_open(j, "notes", '{');
	json_writer_number(j, "snapped", c->snapped);
	json_writer_number(j, "backward_time", c->backward);
	json_writer_number(j, "fragments", c->fragments);
	json_writer_number(j, "fragments_unmatched", c->fragments_unmatched);
	json_writer_number(j, "source_routed", c->routed);
	json_writer_number(j, "deep_headers", c->deep);
	json_writer_number(j, "flows_evicted", c->evicted);
	json_writer_number(j, "files_skipped", r->skipped);
	json_writer_number(j, "files_twice", r->twice);
	json_writer_number(j, "filtered", r->filtered);
	json_writer_number(j, "duplicates", c->duplicates);
	json_writer_number(j, "length_over_frame", c->length_over_frame);
	json_writer_number(j, "frame_over_length", c->frame_over_length);
	json_writer_number(j, "no_clock", c->no_clock);
	json_writer_number(j, "tunnels", c->tunnels);
	json_writer_number(j, "tunnels_encrypted", c->tunnels_encrypted);
	json_writer_number(j, "tunnels_unread", c->tunnels_unread);
	json_writer_number(j, "dns_unread", c->dns_unread);
	json_writer_number(j, "names_lost", c->names_lost);
	if (c->first_ns) {
		json_writer_time(j, "first", c->first_ns);
		json_writer_time(j, "last", c->last_ns);
	}
	json_writer_close(j, '}');
}

static void put_sources(struct json_writer *j, const struct replay *r)
{
	const struct engine *e = r->engines[0];

	json_writer_open(j, "policy", '{');
	json_writer_text(j, "file", e->policy->file);
	json_writer_text(j, "sha256", e->policy->sha256);
	json_writer_close(j, '}');
	json_writer_open(j, "places", '[');
	for (size_t i = 0; i < places_sources(e->places); i++) {
		const struct source *s = places_source(e->places, i);

		if (!s->path)
			continue;
		json_writer_open(j, NULL, '{');
		json_writer_text(j, "file", s->path);
		json_writer_text(j, "sha256", s->sha256);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
	json_writer_open(j, "captures", '[');
	for (size_t i = 0; i < r->ncaptures; i++)
		json_writer_text(j, NULL, r->captures[i].path);
	json_writer_close(j, ']');
}

/* What was taken to be inside, and why. */
static void put_inside(struct json_writer *j, const struct replay *r)
{
	const struct policy *p = r->engines[0]->policy;
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);
	char text[IP_STRLEN + 4];

	json_writer_open(j, "inside", '{');
	json_writer_open(j, "networks", '[');
	for (size_t i = 0; i < p->ninside; i++)
		json_writer_text(j, NULL, cidr_format(text, &p->inside[i]));
	json_writer_close(j, ']');
	if (p->ninside)
		json_writer_text(j, "because",
				 r->config.ninside ? "--inside" : "the policy says it");
	else
		json_writer_text(
			j, "because",
			"nothing is said: private, link-local and unique local addresses, and "
			"the host that captured where the capture names it");
	json_writer_number(j, "packets", c->inside);
	json_writer_close(j, '}');
}

const char *replay_summary(struct replay *r, const struct report *p, int exit_code)
{
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);
	_free_ struct pipeline_destination *d = NULL;
	struct json_writer *j = &r->json;
	size_t n;

	if (pipeline_destinations(r->pipeline, &d, &n) < 0)
		return NULL;
	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	json_writer_number(j, "packets", c->packets);
	json_writer_number(j, "ip_packets", c->ip_packets);
	json_writer_number(j, "bytes", c->bytes);
	json_writer_number(j, "flows", c->flows);
	replay_put_damage(j, r);
	put_destinations(j, "egress", d, n, in_egress, r->top);
	put_destinations(j, "tunnels", d, n, in_tunnels, r->top);
	report_put(j, p, r->top);
	put_verdicts(j, c);
	put_notes(j, r, c);
	put_sources(j, r);
	put_inside(j, r);
	replay_put_inputs(j, r);
	if (r->all)
		put_destinations(j, "destinations", d, n, in_destinations, r->top);
	json_writer_bool(j, "complete", !r->interrupted);
	if (r->interrupted)
		json_writer_bool(j, "incomplete", true);
	json_writer_number(j, "exit_code", (uint64_t)exit_code);
	json_writer_close(j, '}');
	return json_writer_done(j);
}

static uint64_t now_ns(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

void replay_progress(struct replay *r, uint64_t bytes)
{
	const struct pipeline_counts *c;
	char packets[TEXT_SHORT], done[TEXT_SHORT], rate[TEXT_SHORT], percent[16] = "";
	uint64_t now;
	double seconds;

	if (!r->terminal || r->rounds++ % PROGRESS_BATCHES || !r->pipeline)
		return;
	now = now_ns();
	if (!r->began_ns)
		r->began_ns = r->said_ns = now;
	if (now - r->said_ns < PROGRESS_NS)
		return;
	r->said_ns = now;
	c = pipeline_counts(r->pipeline);
	seconds = (double)(now - r->began_ns) / 1e9;
	bytes += r->done_bytes;
	if (r->all_bytes)
		text_put(percent, sizeof(percent), "%3.0f%%  ",
			 100.0 * (double)bytes / (double)r->all_bytes);
	fprintf(stderr, "\r\033[K%s%s  %s packets  %s packets/s", percent, text_bytes(done, bytes),
		text_count(packets, c->packets),
		text_count(rate, (uint64_t)((double)c->packets / seconds)));
}

void replay_progress_end(struct replay *r)
{
	if (r->terminal && r->said_ns)
		fputs("\r\033[K", stderr);
}
