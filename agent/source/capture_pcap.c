/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_pcap.c - the classic format, and how to go on in it after damage.
 *
 * A record's header has no mark of its own: it is believed when the header behind its data can be
 * one too. Where it cannot, the next place is looked for at which three headers follow each other
 * (or fewer, up to the very end of the file), or at which a file header stands:
 *
 *     | good | good | ?  what is this ... | header - data - header - data - header | ...
 *                   ^ lost, counted        ^ read on from here
 *
 * A record whose own length is wrong is found the same way: the place where records go on lies
 * inside it, or just where its other length says. It is lost, and the ones behind it are not.
 */
#include <errno.h>
#include "agent/source/capture_private.h"

#define LENGTH_MAX (1u << 20) /* on the wire, that a search believes: BIG TCP has 512 KB */
#define HOLE_TAIL  64u	      /* zeros at a record's end before a hole: the hole begins in it */
#define TIME_APART (366u * 86400u)

struct record {
	uint32_t sec, frac, caplen, len;
};

static inline struct record record_at(const struct capture *c, const uint8_t *p)
{
	struct record r = {capture_u32(c, p), capture_u32(c, p + 4), capture_u32(c, p + 8),
			   capture_u32(c, p + 12)};

	if (c->lengths == LENGTHS_SWAPPED ||
	    (c->lengths == LENGTHS_SWAPPED_IF_WRONG && r.caplen > r.len)) {
		uint32_t x = r.caplen;

		r.caplen = r.len;
		r.len = x;
	}
	return r;
}

/* Can this be a record at all? Odd ones of odd writers can. */
static inline bool possible(const struct record *r)
{
	return r->caplen <= CAPTURE_PACKET_MAX && (r->caplen | r->len);
}

/* Is it one beyond doubt, as one that is found by search must be? */
static inline bool ordinary(const struct capture *c, const struct record *r)
{
	return r->caplen && r->caplen <= r->len && r->caplen <= CAPTURE_PACKET_MAX &&
	       r->len <= LENGTH_MAX && r->frac < 1000000000u / c->unit;
}

/* Do records follow each other from here (offset in the buffer)? How many were seen to; 0: no. */
static int chain(const struct capture *c, size_t at, bool strict)
{
	uint32_t first = 0;

	int i = 0;

	for (; i < CAPTURE_CHAIN; i++) {
		size_t left = at <= c->in.have ? c->in.have - at : 0;
		struct record r;

		if (at == c->in.have && c->in.eof)
			return i;
		if (left < c->header) /* further on than can be seen, or the end is cut */
			return i > (c->in.eof ? 1 : 0) ? i : 0;
		r = record_at(c, c->in.buf + at);
		if (strict ? !ordinary(c, &r) : !possible(&r))
			return capture_is_header(c->in.buf + at, left) ? i : 0;
		if (!i)
			first = r.sec;
		else if (strict && (r.sec > first ? r.sec - first : first - r.sec) > TIME_APART)
			return 0;
		at += c->header + r.caplen;
	}
	return i;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* The next offset in the window, from 'from' on, at which reading can go on; 0: none in it. */
static size_t find_chain(const struct capture *c, size_t from)
{
	const uint8_t *p = c->in.buf;

	for (size_t at = from; at + c->header <= c->in.have; at++) {
		struct record r = record_at(c, p + at);

		if ((ordinary(c, &r) && chain(c, at, true)) ||
		    capture_is_header(p + at, c->in.have - at))
			return at;
	}
	return 0;
}

/* Nothing at the window's start can be read: on to where something can. 0 or -errno. */
static int resync(struct capture *c)
{
	struct capture_note *mine = NULL;
	enum capture_damage what;
	int r = input_want(&c->in, INPUT_WINDOW);
	size_t from = 1, at = 0;

	if (r < 0)
		return r;
	what = all_zero(capture_at(c), c->header) ? CAPTURE_ZEROS : CAPTURE_BAD_RECORD;
	c->number += what == CAPTURE_BAD_RECORD;
	if (c->nnotes < CAPTURE_NOTES_MAX)
		mine = &c->note[c->nnotes];
	capture_lose(c, what, 0);
	while (!(at = find_chain(c, c->in.pos + from)) && !c->in.eof) {
		size_t step = input_left(&c->in) - (c->header - 1);

		c->lost += step;
		if (mine)
			mine->bytes += step;
		c->in.pos += step;
		from = 0;
		r = input_want(&c->in, INPUT_WINDOW);
		if (r < 0)
			return r;
	}
	if (!at) {
		at = c->in.have;
		c->done = true;
	}
	c->lost += at - c->in.pos;
	if (mine)
		mine->bytes += at - c->in.pos;
	c->in.pos = at;
	return 0;
}

/* A file header stands where a record should: captures that were put after each other. */
static int joined(struct capture *c)
{
	capture_lose(c, CAPTURE_JOINED, 0);
	return capture_section(c);
}

/* The header at the window's start is none, or one of an empty record. 1: it is that; 0: look again;
 * -errno. */
static int no_record(struct capture *c, const struct record *rec)
{
	int r = input_want(&c->in, INPUT_WINDOW);

	if (r < 0)
		return r;
	if (capture_is_header(capture_at(c), input_left(&c->in))) {
		r = joined(c);
		return r < 0 ? r : 0;
	}
	if (!(rec->caplen | rec->len) && (rec->sec | rec->frac)) {
		size_t end = c->in.pos + c->header;

		if ((end == c->in.have && c->in.eof) || chain(c, end, false))
			return 1;
	}
	return resync(c);
}

/* Some writers put more into a record's header than the file header says: Nokia's 4 bytes, old
 * patches' 8. Seen at the first record, when nothing fits behind it. */
static bool longer_headers(struct capture *c)
{
	static const uint8_t sizes[] = {20, 24};
	uint32_t said = c->header;

	for (size_t i = 0; !c->settled && i < sizeof(sizes); i++) {
		c->header = sizes[i];
		if (chain(c, c->in.pos, true) > 1)
			return c->settled = true;
	}
	c->header = said;
	return false;
}

/* A hole of zeros begins at 'end', or in the data before it: then the record is not whole. */
static bool holed(const struct capture *c, size_t data, size_t end)
{
	size_t tail = end - data < HOLE_TAIL ? end - data : HOLE_TAIL;

	return c->in.have - end >= c->header && all_zero(c->in.buf + end, c->header) &&
	       all_zero(c->in.buf + end - tail, tail) && find_chain(c, end);
}

/* The record at the window's start looks right, and what follows it does not (or the file ends
 * before). 1: it is right; 0: it is lost, look again; -errno. */
static int doubted(struct capture *c, const struct record *rec)
{
	size_t data, end, at;
	int r = input_want(&c->in, INPUT_WINDOW);

	if (r < 0)
		return r;
	if (longer_headers(c))
		return 0;
	data = c->in.pos + c->header;
	end = data + rec->caplen;
	if (end <= c->in.have) {
		size_t left = c->in.have - end;

		if (holed(c, data, end)) {
			c->number++;
			capture_lose(c, CAPTURE_ZEROS, end - c->in.pos);
			c->in.pos = end;
			return 0;
		}
		if (chain(c, end, false) || capture_is_header(c->in.buf + end, left) ||
		    all_zero(c->in.buf + end, left < c->header ? left : c->header))
			return 1;
	}
	at = find_chain(c, data);
	if (!at && c->in.eof && end < c->in.have && data + rec->len == c->in.have)
		at = c->in.have; /* the last record: its other length reaches to the end */
	if (!at || (at >= end && at - data != rec->len && at - end >= c->header)) {
		c->done = end > c->in.have; /* cut at the end of the file */
		return !c->done;
	}
	c->number++;
	capture_lose(c, CAPTURE_BAD_RECORD, at - c->in.pos);
	c->in.pos = at;
	return 0;
}

/* The window holds no whole record. 0: look again; 1: hand over what there is; -errno. */
static int more(struct capture *c, unsigned have)
{
	size_t left = input_left(&c->in), want = c->header;
	struct record rec = {0};
	int r;

	if (left >= want) {
		rec = record_at(c, capture_at(c));
		want += rec.caplen;
	}
	if (have)
		return 1;
	if (!c->in.eof)
		/* a pipe's next record may be long in coming */
		return input_want(&c->in, want + (c->in.size ? c->header : 0));
	if (left >= c->header) {
		r = doubted(c, &rec);
		if (r < 0 || !c->done)
			return r;
	}
	if (left && all_zero(capture_at(c), left))
		capture_lose(c, CAPTURE_ZEROS, left);
	else if (left)
		capture_lose(c, CAPTURE_TRUNCATED, left);
	c->in.pos = c->in.have;
	c->done = true;
	return 1;
}

static inline void fill(struct capture *c, const struct record *r, struct packet_frame *f)
{
	f->caplen = r->caplen;
	f->len = r->len;
	f->time_ns = r->sec * 1000000000ull + (uint64_t)r->frac * c->unit;
	f->data = capture_at(c) + c->header;
	f->link = c->link;
	f->side = PACKET_SIDE_UNKNOWN;
	f->number = ++c->number;
	c->settled = true;
	if (r->caplen > r->len) {
		c->damaged[CAPTURE_BAD_LENGTH]++;
		f->len = r->caplen;
	}
}

/* Is what follows the record an ordinary header, or can it not be seen yet? */
static inline bool goes_on(const struct capture *c, size_t end)
{
	struct record next;

	if (c->in.have - end < c->header)
		return !c->in.eof || end == c->in.have;
	next = record_at(c, c->in.buf + end);
	return ordinary(c, &next);
}

int pcap_next(struct capture *c, struct packet_frame *frames, unsigned max)
{
	unsigned n = 0;

	while (n < max && !c->done) {
		const uint8_t *p = capture_at(c);
		size_t left = input_left(&c->in);
		struct record rec = {0};
		int r;

		if (left >= c->header) {
			rec = record_at(c, p);
			if (!possible(&rec)) {
				if (n)
					break;
				r = no_record(c, &rec);
				if (r < 0)
					return r;
				if (c->next != pcap_next)
					return 0;
				if (!r)
					continue;
				p = capture_at(c);
				left = input_left(&c->in);
			}
		}
		if (left < c->header || left - c->header < rec.caplen) {
			r = more(c, n);
			if (r < 0)
				return r;
			if (r > 0)
				break;
			continue;
		}
		if (!goes_on(c, c->in.pos + c->header + rec.caplen)) {
			if (n)
				break;
			r = doubted(c, &rec);
			if (r < 0)
				return r;
			if (!r)
				continue;
		}
		__builtin_prefetch(p + INPUT_SLACK - 128); /* another core read this block */
		__builtin_prefetch(p + INPUT_SLACK - 64);
		fill(c, &rec, &frames[n]);
		c->in.pos += c->header + rec.caplen;
		n++;
	}
	return (int)n;
}

/* Raw IP begins with its version; anything else is most likely Ethernet. */
static uint16_t guess_link(const struct capture *c)
{
	const uint8_t *p = capture_at(c) + c->header;
	struct record r = record_at(c, capture_at(c));

	if (r.caplen >= 14 && p[12] == 8 && !p[13])
		return 1;
	return r.caplen >= 20 && (p[0] == 0x45 || p[0] >> 4 == 6) ? 101 : 1;
}

bool pcap_headless(struct capture *c)
{
	static const uint8_t skip[] = {0, 24};
	bool order[2] = {false, true};

	c->header = 16;
	c->next = pcap_next;
	for (unsigned i = 0; i < 4; i++) {
		c->swapped = order[i & 1];
		c->unit = 1000;
		c->in.pos += skip[i / 2];
		if (input_left(&c->in) >= c->header && c->in.pos < c->in.have) {
			if (!chain(c, c->in.pos, true))
				c->unit = 1;
			if (chain(c, c->in.pos, true)) {
				c->link = guess_link(c);
				return true;
			}
		}
		c->in.pos -= skip[i / 2];
	}
	return false;
}
