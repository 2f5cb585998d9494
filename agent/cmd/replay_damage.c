/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_damage.c - what was not judged, and why: damaged input, files that could not be read, frames
 * of kinds that are not on the closed list.
 *
 * packets = judged + local + each kind that was not judged: nothing is in none of them.
 */
#include <inttypes.h>
#include <pcap/pcap.h>
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"
#include "agent/flow/link.h"

static const char *const sentence[PACKET_RESULTS] = {
	[PACKET_CONTROL] = "control protocols, which carry nobody's data",
	[PACKET_BAD_IP] = "a broken IP header",
	[PACKET_SHORT] = "the frame ends inside its link header",
	[PACKET_TOO_DEEP] = "too many link headers",
	[PACKET_UNKNOWN_LINK] = "a link type that is not known",
	[PACKET_UNKNOWN_TYPE] = "no IP, of a type that is not known",
	[PACKET_ENCRYPTED] = "encrypted below IP",
};

bool replay_damaged(const struct replay *r)
{
	const struct pipeline_counts *c = r->pipeline ? pipeline_counts(r->pipeline) : NULL;

	for (unsigned i = 0; i < CAPTURE_DAMAGES; i++)
		if (r->damaged[i])
			return true;
	for (unsigned i = 0; c && i < c->nkinds; i++)
		if (c->kind[i].result != PACKET_CONTROL)
			return true;
	return r->unread > 0 || (c && c->tunnels_unread);
}

static const char *link_text(char *buf, size_t size, uint16_t link)
{
	const char *name = packet_link_name(link);

	if (!name)
		name = pcap_datalink_val_to_description(link);
	if (name)
		text_put(buf, size, "%s (%u)", name, link);
	else
		text_put(buf, size, "link type %u", link);
	return buf;
}

static const char *type_text(char buf[TEXT_SHORT], uint32_t type)
{
	static const char *const before[] = {"", "ppp ", "llc ", "family ", "snap "};
	unsigned i = type >> 16;

	text_put(buf, TEXT_SHORT, i == 3 ? "%s%u" : "%s0x%04x", i < 5 ? before[i] : "",
		 type & 0xffff);
	return buf;
}

static void say_notes(const struct replay_capture *c)
{
	char name[REPLAY_NAME], bytes[TEXT_SHORT];

	replay_name(name, c->path);
	for (size_t i = 0; i < c->nnotes; i++) {
		const struct capture_note *n = &c->note[i];

		if (n->what != CAPTURE_DROPPED)
			diag_say("%s: damaged: %s at offset %" PRIu64 ", after packet %" PRIu64
				 ", %s bytes lost",
				 name, capture_damage_name(n->what), n->offset, n->packet,
				 text_count(bytes, n->bytes));
	}
	for (unsigned k = 0; k < CAPTURE_DAMAGES; k++) {
		uint64_t noted = 0;

		for (size_t i = 0; i < c->nnotes; i++)
			noted += c->note[i].what == (enum capture_damage)k;
		if (c->damaged[k] > noted && k != CAPTURE_DROPPED &&
		    (k != CAPTURE_BAD_PACKED || !noted))
			diag_say("%s: damaged: %s: %s %s", name,
				 capture_damage_name((enum capture_damage)k),
				 text_count(bytes, c->damaged[k] - noted),
				 noted ? "more" : "packets");
	}
	/* by packets, by the interfaces' last words, or both */
	if (c->damaged[CAPTURE_DROPPED])
		diag_say("%s: dropped: the capturing system lost %s packets, which nobody judges",
			 name, text_count(bytes, c->damaged[CAPTURE_DROPPED]));
}

const char *replay_kind_text(char *buf, size_t size, const struct pipeline_kind *k)
{
	char link[128], type[TEXT_SHORT];

	text_put(buf, size, "%s%s%s: %s", link_text(link, sizeof(link), k->link),
		 k->type ? ", type " : "", k->type ? type_text(type, k->type) : "",
		 sentence[k->result]);
	return buf;
}

static void say_kind(const struct replay *r, const struct pipeline_kind *k)
{
	char what[256], count[TEXT_SHORT], name[REPLAY_NAME];

	diag_say("not judged: %s frames of %s (first: %s, packet %" PRIu64 ")",
		 text_count(count, k->packets), replay_kind_text(what, sizeof(what), k),
		 replay_name(name, r->captures[k->capture].path), k->number);
}

void replay_say_damage(const struct replay *r)
{
	const struct pipeline_counts *c = r->pipeline ? pipeline_counts(r->pipeline) : NULL;
	char count[TEXT_SHORT];

	for (size_t i = 0; i < r->ncaptures; i++)
		say_notes(&r->captures[i]);
	for (unsigned i = 0; c && i < c->nkinds; i++)
		if (c->kind[i].result != PACKET_CONTROL)
			say_kind(r, &c->kind[i]);
	if (c && c->tunnels_unread)
		diag_say(
			"not judged: what %s tunnelled packets carry: cut, nested too deep, or of a kind "
			"that is not known; their outer headers were judged",
			text_count(count, c->tunnels_unread));
	if (c && c->tunnels_encrypted)
		diag_say("%s tunnelled packets are encrypted: judged by their outer headers",
			 text_count(count, c->tunnels_encrypted));
	if (c)
		replay_say_memory(c);
	if (c && c->no_clock)
		diag_say("%s packets have no time that can be right: judged by the zones of today",
			 text_count(count, c->no_clock));
	if (c && c->duplicates)
		diag_say("%s packets were seen twice: %s", text_count(count, c->duplicates),
			 r->dedup ? "counted once" : "counted each time; --dedup counts them once");
	if (c && c->judged && !c->inside)
		diag_say(
			"nothing is inside: every packet between outside addresses counts as leaving; say "
			"--inside");
}

void replay_put_damage(struct json_writer *j, const struct replay *r)
{
	const struct pipeline_counts *c = pipeline_counts(r->pipeline);
	char text[128], type[TEXT_SHORT];

	json_writer_open(j, "damaged", '{');
	for (unsigned i = 0; i < CAPTURE_DAMAGES; i++)
		if (r->damaged[i])
			json_writer_number(j, capture_damage_name(i), r->damaged[i]);
	for (unsigned i = PACKET_CONTROL + 1; i < PACKET_RESULTS; i++)
		if (c->by_result[i])
			json_writer_number(j, packet_result_name(i), c->by_result[i]);
	if (c->tunnels_unread)
		json_writer_number(j, "tunnels_unread", c->tunnels_unread);
	if (r->unread)
		json_writer_number(j, "unread", r->unread);
	json_writer_close(j, '}');
	json_writer_open(j, "identity", '{');
	json_writer_number(j, "packets", c->packets);
	json_writer_number(j, "judged", c->judged);
	json_writer_number(j, "local", c->ip_packets + c->shared - c->judged);
	json_writer_number(j, "not_judged", c->packets - c->ip_packets);
	json_writer_number(j, "in_frames_of_others", c->shared);
	json_writer_close(j, '}');
	json_writer_open(j, "not_judged", '[');
	for (unsigned i = 0; i < c->nkinds; i++) {
		const struct pipeline_kind *k = &c->kind[i];

		json_writer_open(j, NULL, '{');
		json_writer_number(j, "link", k->link);
		json_writer_text(j, "link_name", link_text(text, sizeof(text), k->link));
		json_writer_text(j, "type", k->type ? type_text(type, k->type) : NULL);
		json_writer_text(j, "reason", packet_result_name(k->result));
		json_writer_bool(j, "closed_list", k->result == PACKET_CONTROL);
		json_writer_number(j, "packets", k->packets);
		json_writer_text(j, "file", r->captures[k->capture].path);
		json_writer_number(j, "packet", k->number);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
}

static void put_input_damage(struct json_writer *j, const struct replay_capture *c)
{
	json_writer_open(j, "damage", '[');
	for (size_t i = 0; i < c->nnotes; i++) {
		json_writer_open(j, NULL, '{');
		json_writer_text(j, "kind", capture_damage_name(c->note[i].what));
		json_writer_number(j, "offset", c->note[i].offset);
		json_writer_number(j, "after_packet", c->note[i].packet);
		json_writer_number(j, c->note[i].what == CAPTURE_DROPPED ? "packets" : "bytes",
				   c->note[i].bytes);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
	json_writer_number(j, "bytes_lost", c->lost);
	json_writer_number(j, "drops", c->damaged[CAPTURE_DROPPED]);
}

void replay_put_inputs(struct json_writer *j, const struct replay *r)
{
	static const char *const states[] = {
		[REPLAY_WAITING] = "incomplete", [REPLAY_READ] = "read",     [REPLAY_COPY] = "copy",
		[REPLAY_PASSED] = "passed over", [REPLAY_UNREAD] = "unread",
	};

	json_writer_open(j, "inputs", '[');
	for (size_t i = 0; i < r->ncaptures; i++) {
		const struct replay_capture *c = &r->captures[i];

		json_writer_open(j, NULL, '{');
		json_writer_text(j, "path", c->path);
		json_writer_text(j, "state", states[c->state]);
		json_writer_text(j, "sha256", *c->sha256 ? c->sha256 : NULL);
		json_writer_number(j, "packets", c->packets);
		if (c->packets) {
			json_writer_time(j, "first", c->first_seen);
			json_writer_time(j, "last", c->last_seen);
		}
		put_input_damage(j, c);
		json_writer_close(j, '}');
	}
	json_writer_close(j, ']');
}
