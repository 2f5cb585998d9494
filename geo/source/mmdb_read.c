/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_read.c - MaxMind DB files (MMDB): country, city and ASN databases of whatever maker, and
 * our own places.mmdb.
 *
 * libmaxminddb opens the file and checks its metadata; the search tree is then walked once, left
 * before right, so that ranges come out sorted, and each data record is decoded once however many
 * prefixes lead to it. The IPv4 addresses stand at ::/96 of an IPv6 tree; the aliases that some
 * makers add for them (mapped, 6to4, Teredo) are left out, for the embedded address is decoded
 * before the look-up.
 */
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "geo/claims/store.h"
#include "geo/source/mmdb_fields.h"
#include "geo/facts/zone.h"

#define SEPARATOR  16 /* zero bytes between tree and data */
#define MARKER	   "\xab\xcd\xefMaxMind.com"
#define MARKER_LEN (sizeof(MARKER) - 1)
#define MARKER_MAX (128 * 1024) /* it stands in this much of the end */
#define STEPS_MAX  (1ULL << 26) /* tree nodes: an honest tree has each once */
#define CODES	   (26 * 26)
#define YEAR_10000 253402300800ULL

struct walk {
	struct claims *c;
	const struct bytes *b;
	uint32_t nodes;
	unsigned record_bits, depth_max;
	uint32_t v4_root; /* record that stands for ::/96 */
	bool v6_tree;
	struct mmdb_section section;
	struct intern offsets; /* data offsets met */
	uint32_t *says;	       /* their claim_values */
	size_t says_room;
	uint64_t steps;
	bool countries, asns;
	bool flagged[CODES], unflagged[CODES]; /* is_in_european_union, by country */
};

static size_t find_marker(const struct bytes *b)
{
	size_t from = b->n > MARKER_MAX ? b->n - MARKER_MAX : 0, found = 0;
	const uint8_t *p = b->p + from;

	while ((p = memmem(p, b->n - (size_t)(p - b->p), MARKER, MARKER_LEN))) {
		found = (size_t)(p - b->p) + 1;
		p++;
	}
	return found; /* + 1; 0: none */
}

bool mmdb_probe(const struct bytes *b)
{
	return find_marker(b) != 0;
}

/* Records have no numbers: the prefix is the key. */
void mmdb_key(char buf[64], const struct claim *claim)
{
	struct cidr c = {.addr = claim->first};
	u128 size = ip_number(&claim->last) - ip_number(&claim->first);
	unsigned bits = claim->first.v == 4 ? 32 : 128;

	while (size) {
		size >>= 1;
		bits--;
	}
	c.len = (uint8_t)bits;
	cidr_format(buf, &c);
}

static void read_node(const struct walk *w, uint32_t node, uint32_t ret[2])
{
	const uint8_t *p = w->b->p + (size_t)node * (w->record_bits / 4);

	if (w->record_bits == 24) {
		ret[0] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		ret[1] = (uint32_t)p[3] << 16 | (uint32_t)p[4] << 8 | p[5];
	} else if (w->record_bits == 28) {
		ret[0] = (uint32_t)(p[3] & 0xf0) << 20 | (uint32_t)p[0] << 16 |
			 (uint32_t)p[1] << 8 | p[2];
		ret[1] = (uint32_t)(p[3] & 0x0f) << 24 | (uint32_t)p[4] << 16 |
			 (uint32_t)p[5] << 8 | p[6];
	} else {
		ret[0] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		ret[1] = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
	}
}

static void note_union(struct walk *w, uint16_t country, bool in_eu)
{
	unsigned a = (unsigned)(country >> 8) - 'A', b = (unsigned)(country & 0xff) - 'A';

	if (!country)
		return;
	(in_eu ? w->flagged : w->unflagged)[a * 26 + b] = true;
}

static uint32_t asn_of(const struct mmdb_fields *f)
{
	uint64_t n = 0;

	if (f->asn && f->asn <= UINT32_MAX)
		return (uint32_t)f->asn;
	if (f->asn_text.n < 3 || f->asn_text.n > 12 || memcmp(f->asn_text.p, "AS", 2))
		return 0;
	for (size_t i = 2; i < f->asn_text.n; i++) {
		unsigned d = (unsigned)f->asn_text.p[i] - '0';

		if (d > 9)
			return 0;
		n = n * 10 + d;
	}
	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

/* Which of n names the text is; 0 when it is none. */
static uint8_t word_of(const struct mmdb_text *t, const char *(*name)(int), int n)
{
	for (int i = 0; t->n && i < n; i++)
		if (strlen(name(i)) == t->n && !memcmp(name(i), t->p, t->n))
			return (uint8_t)i;
	return 0;
}

static const char *status_name(int i)
{
	return place_status_name((enum place_status)i);
}

static const char *grade_name(int i)
{
	return place_grade_name((enum place_grade)i);
}

static const char *reason_name(int i)
{
	return place_reason_name((enum place_reason)i);
}

/* Our own files say how good each place is; of others what traits they note. */
static void set_status(struct claim *c, const struct mmdb_fields *f)
{
	bool relay = false;

	for (size_t i = 0; i < sizeof(f->relay) / sizeof(f->relay[0]); i++)
		relay |= f->relay[i];
	c->flags =
		(uint8_t)((f->anycast ? PLACE_ANYCAST : 0) | (relay ? PLACE_RELAY : 0) |
			  (f->satellite ? PLACE_SATELLITE : 0) | (f->hosting ? PLACE_HOSTING : 0) |
			  (f->eu_differs ? PLACE_EU_DIFFERS : 0));
	c->grade = word_of(&f->grade, grade_name, GRADES);
	c->reason = word_of(&f->reason, reason_name, REASONS);
	if (f->status.n) {
		c->status = word_of(&f->status, status_name, PLACE_UNPROVABLE + 1);
		return;
	}
	c->status = f->anycast ? PLACE_UNPROVABLE : PLACE_KNOWN;
	c->reason = f->anycast ? REASON_ANYCAST : REASON_NONE;
}

static int name(struct claims *c, const struct mmdb_text *t, uint16_t *ret)
{
	return t->n ? claims_name(c, t->p, t->n, ret) : 0;
}

static int make_claim(struct claims *c, const struct mmdb_fields *f, struct claim *ret)
{
	char organisation[256];
	int r;

	*ret = (struct claim){.asn = asn_of(f)};
	set_status(ret, f);
	ret->country = country_from_source(f->country_code.p, f->country_code.n);
	if (!ret->country)
		ret->country = country_from_source(f->country.p, f->country.n);
	ret->jurisdiction = country_from_source(f->jurisdiction.p, f->jurisdiction.n);
	r = name(c, &f->provider, &ret->provider);
	if (!r)
		r = name(c, &f->platform, &ret->platform);
	if (!r)
		r = name(c, &f->region, &ret->region);
	if (!r && f->organisation.n)
		r = claims_operator(c, f->organisation.p, f->organisation.n, &ret->operator);
	if (r)
		return r;
	snprintf(organisation, sizeof(organisation), "%s", places_string(c->p, ret->operator));
	return claims_law(c, ret, organisation);
}

/* What the record says, interned; 0 when it says nothing that we use. */
static int decode(struct walk *w, uint32_t offset, uint32_t *ret)
{
	struct mmdb_fields f;
	struct claim claim;
	const char *why;
	int r;

	if (mmdb_fields_read(&w->section, offset, &f, &why))
		return claims_error(w->c, 0, "%s (record at data offset %u)", why, offset);
	r = make_claim(w->c, &f, &claim);
	if (r)
		return r;
	note_union(w, claim.country, f.in_eu);
	w->countries |= claim.country || claim.status == PLACE_UNPROVABLE;
	w->asns |= claim.asn != 0;
	*ret = 0;
	if (!claim.country && claim.status <= PLACE_KNOWN && !claim.asn && !claim.provider &&
	    !claim.platform && !claim.jurisdiction && !claim.flags)
		return 0;
	if (f.nevidence)
		r = mmdb_evidence_add(w->c, &w->section, &f, offset + 1, &claim.inner);
	return r ? r : claims_value(w->c, &claim, ret);
}

/* The claim_value of a record value, decoded when it is met first. */
static int saying_of(struct walk *w, uint32_t value, uint32_t *ret)
{
	uint32_t i, offset;
	size_t known = w->offsets.n;
	int r;

	if (value - w->nodes < SEPARATOR || value - w->nodes - SEPARATOR >= w->section.n)
		return claims_error(w->c, 0, "has a search tree that points outside of the data");
	offset = value - w->nodes - SEPARATOR;
	r = intern_add(&w->offsets, &offset, &i);
	if (r)
		return r;
	if (i >= known) {
		if (i >= w->says_room) {
			size_t room = w->says_room ? 2 * w->says_room : 1024;
			uint32_t *v = realloc(w->says, room * sizeof(*v));

			if (!v)
				return -ENOMEM;
			w->says = v;
			w->says_room = room;
		}
		r = decode(w, offset, &w->says[i]);
	}
	*ret = w->says[i];
	return r;
}

/* A leaf: everything below prefix/depth. IPv4 stands at ::/96; a leaf above that is all of IPv4 as
 * well. */
static int leaf(struct walk *w, uint32_t value, u128 prefix, unsigned depth)
{
	uint32_t says = 0, where = value - w->nodes - SEPARATOR + 1;
	unsigned bits = w->depth_max - depth;
	u128 last = bits == 128 ? U128_MAX : prefix + (((u128)1 << bits) - 1);
	bool v4 = !w->v6_tree || (depth >= 96 && !(prefix >> 32));
	int r = saying_of(w, value, &says);

	if (r || !says)
		return r;
	if (v4)
		return claims_add4(w->c, (uint32_t)prefix, (uint32_t)last, says, where);
	if (!prefix)
		r = claims_add4(w->c, 0, UINT32_MAX, says, where);
	return r ? r
		 : claims_add6(w->c, (uint64_t[]){(uint64_t)(prefix >> 64), (uint64_t)prefix},
			       (uint64_t[]){(uint64_t)(last >> 64), (uint64_t)last}, says, where);
}

struct pending {
	u128 prefix;
	uint32_t value;
	uint8_t depth;
};

static bool is_alias(const struct walk *w, const struct pending *at)
{
	return w->v6_tree && at->value == w->v4_root && !(at->depth == 96 && !at->prefix);
}

static int walk_tree(struct walk *w)
{
	struct pending stack[130] = {{.value = 0}};
	unsigned n = 1;
	int r = 0;

	while (n && !r) {
		struct pending at = stack[--n];
		uint32_t child[2];

		if (at.value == w->nodes || is_alias(w, &at))
			continue;
		if (at.value > w->nodes) {
			r = leaf(w, at.value, at.prefix, at.depth);
			continue;
		}
		if (at.depth == w->depth_max)
			return claims_error(w->c, 0, "has a search tree deeper than an address");
		if (!w->steps--)
			return claims_error(w->c, 0,
					    "has a search tree that leads to the "
					    "same nodes over and over");
		read_node(w, at.value, child);
		at.depth++;
		stack[n++] = (struct pending){at.prefix | (u128)1 << (w->depth_max - at.depth),
					      child[1], at.depth};
		stack[n++] = (struct pending){at.prefix, child[0], at.depth};
	}
	return r;
}

/* The node of ::/96, or UINT32_MAX when the tree ends before. */
static uint32_t find_v4_root(const struct walk *w)
{
	uint32_t node = 0, child[2];

	for (unsigned depth = 0; depth < 96; depth++) {
		if (node >= w->nodes)
			return UINT32_MAX;
		read_node(w, node, child);
		node = child[0];
	}
	return node < w->nodes ? node : UINT32_MAX;
}

/* Our own table of the EU decides; a database that thinks otherwise is told of. */
static void compare_unions(struct walk *w)
{
	char wrong_in[128] = "", wrong_out[128] = "", cc[3];
	bool any = false;

	for (unsigned i = 0; i < CODES; i++)
		any |= w->flagged[i];
	for (unsigned i = 0; i < CODES; i++) {
		uint16_t country = CC('A' + i / 26, 'A' + i % 26);
		bool in = zone_has(ZONE_EU, country, INT64_MAX);
		char *list = w->flagged[i] && !in	    ? wrong_in
			     : any && w->unflagged[i] && in ? wrong_out
							    : NULL;

		if (list)
			snprintf(list + strlen(list), sizeof(wrong_in) - strlen(list), " %s",
				 country_text(country, cc));
	}
	if (*wrong_in)
		claims_warn(w->c, 0,
			    "says is_in_european_union of%s; the table of zones decides: not",
			    wrong_in);
	if (*wrong_out)
		claims_warn(w->c, 0,
			    "does not say is_in_european_union of%s; the "
			    "table of zones decides: they are",
			    wrong_out);
}

static int set_kind(struct walk *w)
{
	if (!w->countries && !w->asns)
		return claims_error(w->c, 0,
				    "has neither countries nor AS numbers where a "
				    "country, city or ASN database has them");
	claims_kind(w->c, w->countries ? SOURCE_MMDB : SOURCE_ASN);
	return 0;
}

/* Our own file says in its metadata how old its data is, which is more than when it was made. */
static uint64_t epoch_of(const struct bytes *b, size_t marker, uint64_t build_epoch)
{
	struct mmdb_section s = {b->p + marker + MARKER_LEN, b->n - marker - MARKER_LEN, 100000};
	struct mmdb_fields f;
	const char *why;

	if (mmdb_fields_read(&s, 0, &f, &why) || !f.data_epoch || f.data_epoch > build_epoch)
		return build_epoch;
	return f.data_epoch;
}

static int set_version(struct claims *c, const MMDB_metadata_s *m, uint64_t epoch)
{
	char version[160];

	if (epoch < YEAR_10000)
		claims_date(c, (int64_t)epoch);
	else
		claims_warn(c, 0,
			    "has a build epoch beyond the year 9999; the file's own date is taken");
	snprintf(version, sizeof(version), "%.100s %llu", m->database_type ? m->database_type : "",
		 (unsigned long long)m->build_epoch);
	return claims_version(c, version, strlen(version));
}

static int check_metadata(struct walk *w, const MMDB_metadata_s *m, size_t marker)
{
	uint64_t tree = (uint64_t)m->node_count * (m->record_size / 4U);

	if (m->record_size != 24 && m->record_size != 28 && m->record_size != 32)
		return claims_error(w->c, 0, "has records of %u bits", m->record_size);
	if (m->ip_version != 4 && m->ip_version != 6)
		return claims_error(w->c, 0, "is for IP version %u", m->ip_version);
	if (!m->node_count || tree + SEPARATOR > marker)
		return claims_error(w->c, 0, "is truncated or broken: %u nodes do not fit into it",
				    m->node_count);
	w->nodes = m->node_count;
	w->record_bits = m->record_size;
	w->v6_tree = m->ip_version == 6;
	w->depth_max = w->v6_tree ? 128 : 32;
	w->section = (struct mmdb_section){w->b->p + tree + SEPARATOR,
					   marker - (size_t)tree - SEPARATOR, 0};
	w->section.steps = 64 * (uint64_t)w->section.n + 1000000;
	w->steps = STEPS_MAX;
	w->v4_root = w->v6_tree ? find_v4_root(w) : UINT32_MAX;
	return 0;
}

static int read_all(struct walk *w)
{
	int r = intern_init(&w->offsets, sizeof(uint32_t), SOURCE_CLAIMS_MAX);

	if (!r)
		r = walk_tree(w);
	if (!r)
		r = set_kind(w);
	if (!r)
		compare_unions(w);
	evidence_sort(w->c->s);
	intern_drop(&w->offsets);
	free(w->says);
	return r;
}

/* libmaxminddb opens paths only, and maps them: it gets a copy that nobody can cut short. */
static int open_copy(MMDB_s *ret, struct claims *c, const struct bytes *b)
{
	char path[40];
	size_t n = 0;
	int r, fd = memfd_create("cordon-mmdb", MFD_CLOEXEC);

	if (fd < 0)
		return claims_error(c, 0, "cannot be copied: %s", strerror(errno));
	while (n < b->n) {
		ssize_t w = write(fd, b->p + n, b->n - n);

		if (w < 0 && errno != EINTR) {
			r = claims_error(c, 0, "cannot be copied: %s", strerror(errno));
			close(fd);
			return r;
		}
		n += w > 0 ? (size_t)w : 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = MMDB_open(path, MMDB_MODE_MMAP, ret);
	close(fd);
	return r == MMDB_SUCCESS ? 0 : claims_error(c, 0, "is a broken MMDB: %s", MMDB_strerror(r));
}

int mmdb_parse(struct claims *c, const struct bytes *b)
{
	struct walk *w;
	MMDB_s mmdb;
	int r = open_copy(&mmdb, c, b);

	if (r)
		return r;
	w = calloc(1, sizeof(*w));
	if (w) {
		w->c = c;
		w->b = b;
		r = check_metadata(w, &mmdb.metadata, find_marker(b) - 1);
		if (!r)
			r = set_version(c, &mmdb.metadata,
					epoch_of(b, find_marker(b) - 1, mmdb.metadata.build_epoch));
		if (!r)
			r = read_all(w);
		free(w);
	} else {
		r = -ENOMEM;
	}
	MMDB_close(&mmdb);
	return r;
}
