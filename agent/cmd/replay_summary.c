/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_summary.c - what a replay found, as one JSON object, and its progress for a person who
 * waits. */
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/event/event_text.h"

#define PROGRESS_NS	 200000000ull
#define PROGRESS_BATCHES 1024 /* looks at the clock this seldom */

/* What the packet decoder could not judge; a frame without IP in it is none of these. */
static const struct {
	enum packet_result result;
	const char *name, *sentence;
} unjudged[] = {
	{PACKET_BAD_IP, "bad_ip_header", "packets with a broken IP header"},
	{PACKET_SHORT, "short_frame", "frames that end inside their link header"},
	{PACKET_TOO_DEEP, "too_deep", "frames with too many link headers"},
	{PACKET_UNKNOWN_LINK, "unknown_link", "packets of an unknown link type"},
	{PACKET_UNKNOWN_TYPE, "unknown_type", "frames without IP whose type is not known"},
	{PACKET_ENCRYPTED, "encrypted", "frames that are encrypted below IP"},
};
#define UNJUDGED (sizeof(unjudged) / sizeof(*unjudged))

static uint64_t unjudged_packets(const struct replay *r, size_t i)
{
	return r->pipeline ? pipeline_counts(r->pipeline)->by_result[unjudged[i].result] : 0;
}

bool replay_damaged(const struct replay *r)
{
	for (unsigned i = 0; i < CAPTURE_DAMAGES; i++)
		if (r->damaged[i])
			return true;
	for (size_t i = 0; i < UNJUDGED; i++)
		if (unjudged_packets(r, i))
			return true;
	return false;
}

static const char *link_text(uint16_t link, char *buf, size_t size)
{
	const char *name = pcap_datalink_val_to_description(link);

	text_put(buf, size, name ? "%u (%s)" : "%u", link, name);
	return buf;
}

void replay_say_damage(const struct replay *r)
{
	const struct pipeline_counts *c = r->pipeline ? pipeline_counts(r->pipeline) : NULL;
	char text[128], name[128];

	for (unsigned i = 0; i < CAPTURE_DAMAGES; i++)
		if (r->damaged[i])
			diag_say("damaged input: %s: %s", capture_damage_name(i),
				 text_count(text, r->damaged[i]));
	for (size_t i = 0; i < UNJUDGED; i++)
		if (unjudged_packets(r, i))
			diag_say("not judged: %s: %s", unjudged[i].sentence,
				 text_count(text, unjudged_packets(r, i)));
	for (unsigned i = 0; c && i < c->nlinks; i++)
		diag_say("link type %s is not known: %s packets counted, not judged",
			 link_text(c->link_type[i], name, sizeof(name)),
			 text_count(text, c->link_packets[i]));
	if (c && c->evicted)
		diag_say("more than the limit of flows at a time: %s idle ones were ended early",
			 text_count(text, c->evicted));
}

static void put_damage(struct json_writer *j, const struct replay *r)
{
	json_writer_open(j, "damaged", '{');
	for (unsigned i = 0; i < CAPTURE_DAMAGES; i++)
		if (r->damaged[i])
			json_writer_number(j, capture_damage_name(i), r->damaged[i]);
	for (size_t i = 0; i < UNJUDGED; i++)
		if (unjudged_packets(r, i))
			json_writer_number(j, unjudged[i].name, unjudged_packets(r, i));
	json_writer_close(j, '}');
}

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
	json_writer_close(j, '}');
}

static void put_destinations(struct json_writer *j, const char *key,
			     const struct pipeline_destination *d, size_t n, bool egress_only)
{
	json_writer_open(j, key, '[');
	for (size_t i = 0; i < n; i++)
		if (d[i].egress || !egress_only)
			put_destination(j, &d[i]);
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
	if (c->packets) {
		json_writer_time(j, "first", c->first_ns);
		json_writer_time(j, "last", c->last_ns);
	}
	json_writer_close(j, '}');
}

static void put_inputs(struct json_writer *j, const struct replay *r)
{
	const struct engine *e = r->engines[r->nengines - 1];

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

const char *replay_summary(struct replay *r, int exit_code)
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
	put_damage(j, r);
	put_destinations(j, "egress", d, n, true);
	put_verdicts(j, c);
	put_notes(j, r, c);
	put_inputs(j, r);
	if (r->all)
		put_destinations(j, "destinations", d, n, false);
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
