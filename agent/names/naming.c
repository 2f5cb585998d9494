/* SPDX-License-Identifier: BSD-2-Clause */
/* naming.c - addresses in buckets of four, each with the answers that led to it; names, chains of
 * them and sets of those are kept once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/names/naming.h"
#include "geo/base/intern.h"

#define WAYS	   4u
#define BUCKETS	   (NAMES_ADDRESSES_MAX / WAYS)
#define CLAIMS	   8u	  /* of one address */
#define SETS_MAX   65535u /* a set's number is 16 bits, and 16 of the epoch */
#define CHAINS_MAX 131072u
#define NS	   1000000000ull

struct claim {
	struct naming_owner who;
	uint64_t since_ns, until_ns;
	uint32_t chain; /* + 1 */
	bool hint;
};
struct entry {
	uint8_t n;
	struct claim claim[CLAIMS];
};
struct chain {
	uint32_t name[DNS_CHAIN_MAX]; /* 0: it ends */
};
struct member {
	uint32_t chain, by;
};
struct set {
	struct member v[EVENT_NAMES_MAX]; /* by 0: it ends */
	uint32_t more, hidden;
};
struct naming {
	struct ip *address;  /* v 0: free; owned. Apart from the entries: most flows find nothing */
	struct entry *entry; /* owned */
	struct texts texts;
	struct intern chains, sets;
	uint32_t epoch;
	bool full; /* something had no room: all begins anew before the next answer or flow */
	struct naming_counts counts;
};

static int begin(struct naming *n)
{
	struct set none;
	uint32_t zero;
	int r = texts_init(&n->texts, NAMES_TEXTS_MAX);

	memset(&none, 0, sizeof(none));
	if (r == 0)
		r = intern_init(&n->chains, sizeof(struct chain), CHAINS_MAX);
	if (r == 0)
		r = intern_init(&n->sets, sizeof(struct set), SETS_MAX);
	return r < 0 ? r : intern_add(&n->sets, &none, &zero); /* set 0 */
}

static void end(struct naming *n)
{
	texts_drop(&n->texts);
	intern_drop(&n->chains);
	intern_drop(&n->sets);
}

int naming_new(struct naming **ret)
{
	struct naming *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->address = calloc(NAMES_ADDRESSES_MAX, sizeof(*n->address));
	n->entry = calloc(NAMES_ADDRESSES_MAX, sizeof(*n->entry));
	if (!n->address || !n->entry || begin(n) < 0) {
		naming_free(n);
		return -ENOMEM;
	}
	*ret = n;
	return 0;
}

void naming_free(struct naming *n)
{
	if (!n)
		return;
	end(n);
	free(n->address);
	free(n->entry);
	free(n);
}

struct naming_counts *naming_counts(struct naming *n)
{
	return &n->counts;
}

static void no_room(struct naming *n)
{
	n->counts.no_room++;
	n->full = true;
}

/* The old stays when there is no memory for the new. */
static int renew(struct naming *n)
{
	struct naming fresh = {.full = false};

	if (!n->full)
		return 0;
	if (begin(&fresh) < 0) {
		end(&fresh);
		return -ENOMEM;
	}
	end(n);
	n->texts = fresh.texts;
	n->chains = fresh.chains;
	n->sets = fresh.sets;
	n->full = false;
	n->epoch = (n->epoch + 1) & 0xffff;
	n->counts.renewed++;
	memset(n->address, 0, NAMES_ADDRESSES_MAX * sizeof(*n->address));
	return 0;
}

static size_t bucket(const struct ip *address)
{
	uint64_t h = 0xcbf29ce484222325ull ^ address->v;

	for (unsigned i = 0; i < 16; i++)
		h = (h ^ address->b[i]) * 0x100000001b3ull;
	return (h ^ h >> 29) % BUCKETS * WAYS;
}

static uint64_t alive(const struct entry *e, uint64_t now_ns)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < e->n; i++)
		found += e->claim[i].until_ns >= now_ns;
	return found;
}

/* 0: the place is free. */
static uint64_t expires(const struct naming *n, size_t place)
{
	const struct entry *e = &n->entry[place];
	uint64_t last = 0;

	for (unsigned i = 0; n->address[place].v && i < e->n; i++)
		last = e->claim[i].until_ns > last ? e->claim[i].until_ns : last;
	return last;
}

static struct entry *find(const struct naming *n, const struct ip *address)
{
	size_t b = bucket(address);

	for (unsigned i = 0; i < WAYS; i++)
		if (n->address[b + i].v && !ip_cmp(&n->address[b + i], address))
			return &n->entry[b + i];
	return NULL;
}

/* The address's entry, or that of the one whose names expire first. */
static struct entry *entry(struct naming *n, const struct ip *address, uint64_t now_ns)
{
	size_t b = bucket(address), at = b;
	struct entry *e = find(n, address);

	if (e)
		return e;
	for (unsigned i = 1; i < WAYS; i++)
		if (expires(n, b + i) < expires(n, at))
			at = b + i;
	e = &n->entry[at];
	if (n->address[at].v)
		n->counts.evicted += alive(e, now_ns);
	n->address[at] = *address;
	e->n = 0;
	return e;
}

static struct claim *oldest(struct naming *n, struct entry *e, uint64_t now_ns)
{
	struct claim *c = &e->claim[0];

	if (e->n < CLAIMS)
		return &e->claim[e->n++];
	for (unsigned i = 1; i < CLAIMS; i++)
		if (e->claim[i].until_ns < c->until_ns)
			c = &e->claim[i];
	n->counts.evicted += c->until_ns >= now_ns;
	return c;
}

/* The same answer again is one that lasts longer. */
static void claim(struct naming *n, struct entry *e, const struct claim *new, uint64_t now_ns)
{
	for (unsigned i = 0; i < e->n; i++) {
		struct claim *c = &e->claim[i];

		if (c->chain != new->chain || c->who.a != new->who.a || c->who.b != new->who.b)
			continue;
		if (c->until_ns < new->since_ns)
			c->since_ns = new->since_ns;
		c->until_ns = c->until_ns > new->until_ns ? c->until_ns : new->until_ns;
		c->hint = c->hint && new->hint;
		return;
	}
	*oldest(n, e, now_ns) = *new;
}

static int chain_of(struct naming *n, const char (*name)[NAMES_TEXT], unsigned length,
		    uint32_t *ret)
{
	struct chain c = {{0}};
	int r = 0;

	for (unsigned i = 0; i < length && r == 0; i++)
		r = texts_add(&n->texts, name[i], strlen(name[i]), &c.name[i]);
	if (r == 0)
		r = intern_add(&n->chains, &c, ret);
	if (r == -E2BIG)
		no_room(n);
	return r;
}

int naming_learn(struct naming *n, const struct naming_owner *who, uint64_t now_ns,
		 const struct dns_answer *a)
{
	int r = renew(n);

	n->counts.answers++;
	n->counts.strange += a->strange;
	n->counts.left_out += a->left_out;
	for (unsigned i = 0; i < a->naddresses && r == 0; i++) {
		const struct dns_address *d = &a->address[i];
		uint64_t life = d->ttl * NS;
		struct claim c = {.who = *who,
				  .since_ns = now_ns,
				  .until_ns = now_ns +
					      (life > NAMES_LIFE_MIN_NS ? life : NAMES_LIFE_MIN_NS),
				  .hint = d->hint};

		r = chain_of(n, a->chain, d->length, &c.chain);
		if (r == 0)
			claim(n, entry(n, &d->ip, now_ns), &c, now_ns);
	}
	return r == -E2BIG ? 0 : r;
}

static const struct chain *chain_at(const struct naming *n, uint32_t i)
{
	return intern_get(&n->chains, i);
}

static enum name_grade grade(uint32_t by)
{
	return event_name_grade(&(struct event_name){.by = by});
}

/* One name is one member, whatever it rests on; the better grade stands before the others. */
static void add(const struct naming *n, struct set *s, uint32_t chain, uint32_t by)
{
	const struct chain *c = chain_at(n, chain);
	struct member m = {chain, by};
	unsigned i, last = 0;

	while (last < EVENT_NAMES_MAX && s->v[last].by)
		last++;
	for (i = 0; i < last; i++)
		if (chain_at(n, s->v[i].chain)->name[0] == c->name[0])
			break;
	if (i < last) {
		m.by |= s->v[i].by;
		m.chain = c->name[1] ? chain : s->v[i].chain;
		memmove(&s->v[i], &s->v[i + 1], (--last - i) * sizeof(m));
	}
	for (i = 0; i < last && grade(s->v[i].by) <= grade(m.by); i++)
		;
	if (i == EVENT_NAMES_MAX) {
		s->more = 1;
		return;
	}
	if (last == EVENT_NAMES_MAX) {
		s->more = 1;
		last--;
	}
	memmove(&s->v[i + 1], &s->v[i], (last - i) * sizeof(m));
	s->v[i] = m;
	if (last + 1 < EVENT_NAMES_MAX)
		s->v[last + 1] = (struct member){0, 0};
}

static uint32_t number_of(struct naming *n, const struct set *s)
{
	uint32_t i;

	if (intern_add(&n->sets, s, &i) < 0) {
		no_room(n);
		return 0;
	}
	return i ? n->epoch << 16 | i : 0;
}

/* NULL: it is of an epoch that has gone. */
static const struct set *set_at(struct naming *n, uint32_t set)
{
	if (set >> 16 == n->epoch)
		return intern_get(&n->sets, set & 0xffff);
	n->counts.forgotten++;
	return NULL;
}

int naming_of(struct naming *n, const struct naming_owner *who, const struct ip *dst,
	      uint64_t now_ns, uint32_t *ret)
{
	int r = renew(n);
	const struct entry *e = r < 0 ? NULL : find(n, dst);
	struct set s;

	*ret = 0;
	if (!e)
		return r;
	memset(&s, 0, sizeof(s));
	for (unsigned i = 0; i < e->n; i++) {
		const struct claim *c = &e->claim[i];
		bool own = c->who.a == who->a && c->who.b == who->b;

		if (c->since_ns <= now_ns && c->until_ns >= now_ns)
			add(n, &s, c->chain,
			    (own ? NAME_BY_ANSWER : NAME_BY_OTHERS) | (c->hint ? NAME_BY_HINT : 0));
	}
	*ret = number_of(n, &s);
	return 0;
}

static uint32_t by_of(const struct hello *h)
{
	if (h->ech)
		return NAME_BY_OUTER;
	switch (h->kind) {
	case HELLO_TLS:
		return NAME_BY_TLS;
	case HELLO_QUIC:
		return NAME_BY_QUIC;
	case HELLO_HTTP:
		return NAME_BY_HTTP;
	default:
		return NAME_BY_CONNECT;
	}
}

uint32_t naming_say(struct naming *n, uint32_t set, const struct hello *h)
{
	const struct set *old = set ? set_at(n, set) : NULL;
	struct set s;
	uint32_t chain;

	if (h->kind == HELLO_NONE || (!h->name[0] && !h->ech))
		return set;
	memset(&s, 0, sizeof(s));
	if (old)
		s = *old;
	s.hidden |= h->ech;
	n->counts.said += h->name[0] && !h->ech;
	if (h->name[0]) {
		if (chain_of(n, &h->name, 1, &chain) < 0)
			return set;
		add(n, &s, chain, by_of(h));
	}
	return number_of(n, &s);
}

bool naming_show(struct naming *n, uint32_t set, struct event_names *ret)
{
	const struct set *s = set ? set_at(n, set) : NULL;

	*ret = (struct event_names){.n = 0};
	if (!s)
		return false;
	ret->more = s->more;
	ret->hidden = s->hidden;
	for (unsigned i = 0; i < EVENT_NAMES_MAX && s->v[i].by; i++) {
		const struct chain *c = chain_at(n, s->v[i].chain);
		struct event_name *e = &ret->v[ret->n++];

		e->name = n->texts.v[c->name[0]];
		e->by = s->v[i].by;
		for (unsigned k = 1; k < DNS_CHAIN_MAX && c->name[k]; k++)
			e->alias[e->naliases++] = n->texts.v[c->name[k]];
	}
	return true;
}
