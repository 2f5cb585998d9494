/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.c - says what kind of capture a file is, begins to read it, and keeps count of damage. */
#include <errno.h>
#include <stdlib.h>
#include "agent/source/capture_private.h"
#include "agent/source/packed.h"

#define PCAP_HEADER   24
#define TAR_MAGIC     257
#define PCAPNG_HEADER 12 /* of its section header: as much as says that it is one */

static const char *const damage_names[] = {
	[CAPTURE_TRUNCATED] = "truncated",
	[CAPTURE_BAD_RECORD] = "bad_record",
	[CAPTURE_BAD_LENGTH] = "bad_length",
	[CAPTURE_BAD_BLOCK] = "bad_block",
	[CAPTURE_NO_INTERFACE] = "no_interface",
	[CAPTURE_BAD_PACKED] = "bad_compressed",
	[CAPTURE_ZEROS] = "zeros",
	[CAPTURE_JOINED] = "joined",
	[CAPTURE_NO_HEADER] = "no_header",
	[CAPTURE_DROPPED] = "dropped",
};
_Static_assert(sizeof(damage_names) / sizeof(*damage_names) == CAPTURE_DAMAGES, "a name each");

const char *capture_damage_name(enum capture_damage d)
{
	return d < CAPTURE_DAMAGES ? damage_names[d] : "";
}

static void note(struct capture *c, enum capture_damage what, uint64_t offset, uint64_t bytes)
{
	if (c->nnotes < CAPTURE_NOTES_MAX)
		c->note[c->nnotes++] = (struct capture_note){
			.what = what, .offset = offset, .packet = c->number, .bytes = bytes};
}

void capture_lose(struct capture *c, enum capture_damage what, uint64_t bytes)
{
	c->damaged[what]++;
	c->lost += bytes;
	note(c, what, input_offset(&c->in), bytes);
}

struct magic {
	uint8_t bytes[4];
	bool little;
	uint8_t header;
	uint16_t unit;
};
static const struct magic magics[] = {
	{{0xd4, 0xc3, 0xb2, 0xa1}, true, 16, 1000}, {{0xa1, 0xb2, 0xc3, 0xd4}, false, 16, 1000},
	{{0x4d, 0x3c, 0xb2, 0xa1}, true, 16, 1},    {{0xa1, 0xb2, 0x3c, 0x4d}, false, 16, 1},
	{{0x34, 0xcd, 0xb2, 0xa1}, true, 24, 1000}, {{0xa1, 0xb2, 0xcd, 0x34}, false, 24, 1000},
};
static const uint8_t pcapng_magic[4] = {0x0a, 0x0d, 0x0d, 0x0a};
/* What others write, by its first bytes. */
static const struct {
	uint8_t bytes[8], n;
	const char *name;
	bool packed; /* something else is in it */
} foreign[] = {
	{"\x1f\x8b\x08", 3, "compressed twice", true},
	{"BZh", 3, "compressed with bzip2", true},
	{"\x02\x21\x4c\x18", 4, "compressed by lz4's legacy format", true},
	{"\x5d\x00\x00", 3, "compressed with lzma", true},
	{"PK\3\4", 4, "a zip archive", true},
	{"7z\xbc\xaf\x27\x1c", 6, "a 7z archive", true},
	{"Rar!", 4, "a rar archive", true},
	{"snoop\0\0", 8, "a snoop capture (Solaris)", false},
	{"GMBU", 4, "a Network Monitor capture", false},
	{"RTSS", 4, "a Network Monitor 1 capture", false},
	{"\xd3\x63\x9c\x8a", 4, "an etl trace", false},
	{"\x00\x00\x01\x00\x00\x00\x00\x00", 8, "an etl trace", false},
	{"TRSNIFF ", 8, "a Sniffer capture", false},
	{"XCP\0", 4, "a NetXRay capture", false},
	{"\x7fver", 4, "an EtherPeek capture", false},
	{"\x7f"
	 "ver",
	 4, "an OmniPeek capture", false},
	{"5View", 5, "a 5View capture", false},
	{"netmon", 6, "a Network Monitor capture", false},
};

static const struct magic *find_magic(const uint8_t *p)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (!memcmp(p, magics[i].bytes, 4))
			return &magics[i];
	return NULL;
}

static bool is_section(const uint8_t *p)
{
	static const uint8_t little[4] = {0x4d, 0x3c, 0x2b, 0x1a},
			     big[4] = {0x1a, 0x2b, 0x3c, 0x4d};

	return !memcmp(p, pcapng_magic, 4) && (!memcmp(p + 8, little, 4) || !memcmp(p + 8, big, 4));
}

bool capture_is_header(const uint8_t *p, size_t n)
{
	const struct magic *m = n >= PCAP_HEADER ? find_magic(p) : NULL;

	if (n >= PCAPNG_HEADER && is_section(p))
		return true;
	/* version 2.x; a magic alone may stand in a packet's data */
	return m && p[m->little ? 4 : 5] == 2 && !p[m->little ? 5 : 4] &&
	       p[m->little ? 6 : 7] <= 4 && !p[m->little ? 7 : 6];
}

/* Which of the two lengths comes first changed with version 2.3; some writers never noticed
 * (libpcap, sf-pcap.c). */
static enum pcap_lengths lengths_order(const struct capture *c, const uint8_t *p)
{
	uint16_t major = capture_u16(c, p + 4), minor = capture_u16(c, p + 6);

	if (major == 543 || (major == 2 && minor < 3))
		return LENGTHS_SWAPPED;
	return major == 2 && minor == 3 ? LENGTHS_SWAPPED_IF_WRONG : LENGTHS_PLAIN;
}

static int pcap_section(struct capture *c, const struct magic *m)
{
	int r = input_want(&c->in, PCAP_HEADER);
	const uint8_t *p = capture_at(c);

	if (r < 0)
		return r;
	c->swapped = m->little != capture_host_little();
	c->header = m->header;
	c->unit = m->unit;
	c->next = pcap_next;
	if (input_left(&c->in) < PCAP_HEADER) {
		capture_lose(c, CAPTURE_TRUNCATED, input_left(&c->in));
		c->done = true;
		return 1;
	}
	c->lengths = lengths_order(c, p);
	c->link = (uint16_t)capture_u32(c, p + 20); /* the upper half is about check sequences */
	c->in.pos += PCAP_HEADER;
	c->settled = false;
	return 1;
}

int capture_section(struct capture *c)
{
	const uint8_t *p = capture_at(c);
	const struct magic *m = find_magic(p);

	if (m)
		return pcap_section(c, m);
	if (memcmp(p, pcapng_magic, 4))
		return 0;
	c->next = pcapng_next;
	return 1;
}

static int not_read(const struct capture *c, const char *name, bool packed, struct diag_sink *d)
{
	diag_error(d, c->path, 0, "%s, which is not read: %s", name,
		   packed ? "unpack it first; gzip, zstd, lz4 and xz are read as they are"
			  : "convert it first, for instance with 'editcap -F pcapng'");
	return -ENOTSUP;
}

/* Neither pcap nor pcapng begins like this. Records without a file header are read all the same. */
static int unknown_format(struct capture *c, struct diag_sink *d)
{
	int r = input_want(&c->in, INPUT_WINDOW);
	const uint8_t *p = capture_at(c);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (input_left(&c->in) >= foreign[i].n &&
		    !memcmp(p, foreign[i].bytes, foreign[i].n))
			return not_read(c, foreign[i].name, foreign[i].packed, d);
	if (input_left(&c->in) >= TAR_MAGIC + 5 && !memcmp(p + TAR_MAGIC, "ustar", 5))
		return not_read(c, "a tar archive", true, d);
	if (pcap_headless(c) || pcapng_headless(c)) {
		c->damaged[CAPTURE_NO_HEADER]++;
		note(c, CAPTURE_NO_HEADER, 0, 0);
		return 0;
	}
	diag_error(d, c->path, 0,
		   "not a capture: begins with %02x %02x %02x %02x, not as pcap, pcapng or "
		   "gzip do",
		   p[0], p[1], p[2], p[3]);
	return -EINVAL;
}

/* The first four bytes of what is to be read say what it is. */
static int capture_start(struct capture *c, struct diag_sink *d)
{
	int r = input_want(&c->in, PCAPNG_HEADER);

	if (r < 0)
		return r;
	c->next = pcap_next;
	if (input_left(&c->in) < 4) {
		if (!c->in.bad)
			capture_lose(c, CAPTURE_TRUNCATED, input_left(&c->in));
		c->done = true;
		return 0;
	}
	r = capture_section(c);
	return r ? (r < 0 ? r : 0) : unknown_format(c, d);
}

static int capture_begin(struct capture *c, struct diag_sink *d)
{
	int r = input_want(&c->in, PACKED_MAGIC);

	if (r == 0)
		r = input_unpack(&c->in);
	c->packed = r > 0;
	return r < 0 ? r : capture_start(c, d);
}

int capture_open(struct capture **ret, const char *path, bool hash, struct diag_sink *d)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		c->path = strdup(strcmp(path, "-") ? path : "standard input");
		r = c->path ? input_open(&c->in, path) : -ENOMEM;
	}
	if (r == 0 && hash)
		r = input_hash(&c->in);
	if (r == 0) {
		r = capture_begin(c, d);
		if (r == -EINVAL || r == -ENOTSUP) {
			capture_close(c);
			return r;
		}
		input_ahead(&c->in);
	}
	if (r < 0) {
		diag_error(d, path, 0, "%s", r == -EISDIR ? "a directory" : strerror(-r));
		capture_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	input_close(&c->in);
	free(c->interfaces);
	free(c->path);
	free(c);
}

/* What is known only at the end: damaged compression, and what the writer says it has lost. */
static void at_end(struct capture *c)
{
	uint64_t dropped = 0;

	if (c->in.bad && !c->damaged[CAPTURE_BAD_PACKED]) {
		c->damaged[CAPTURE_BAD_PACKED] = c->in.bad;
		note(c, CAPTURE_BAD_PACKED, c->in.bad_at, 0);
	}
	for (size_t i = 0; i < c->ninterfaces; i++) {
		dropped += c->interfaces[i].dropped;
		c->interfaces[i].dropped = 0;
	}
	c->damaged[CAPTURE_DROPPED] += dropped;
	if (dropped)
		note(c, CAPTURE_DROPPED, input_offset(&c->in), dropped);
}

int capture_next(struct capture *c, struct packet_frame *frames, unsigned max)
{
	int n;

	do
		n = c->done ? 0 : c->next(c, frames, max);
	while (n == 0 && !c->done); /* another section began */
	if (n == 0)
		at_end(c);
	return n;
}

const uint64_t *capture_damaged(const struct capture *c)
{
	return c->damaged;
}
const struct capture_note *capture_notes(const struct capture *c, size_t *n)
{
	*n = c->nnotes;
	return c->note;
}
const struct ip *capture_hosts(const struct capture *c, size_t *n)
{
	*n = c->nhosts;
	return c->host;
}
uint64_t capture_lost(const struct capture *c)
{
	return c->lost;
}
uint64_t capture_bytes(const struct capture *c)
{
	return c->in.read;
}
uint64_t capture_size(const struct capture *c)
{
	return c->in.size;
}
int capture_sha256(struct capture *c, char ret[65])
{
	return input_sha256(&c->in, ret);
}
