/* SPDX-License-Identifier: BSD-2-Clause */
/* aggregate.c - a hash of keys, each with the copy of its first event and what came after it. */
#include "agent/feed/aggregate.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/cleanup.h"

#define BUCKETS	     1024
#define KEEP_WINDOWS 10 /* a quiet key is remembered this long: a slow drip is no alert each time */

struct group {
	bool used;
	struct group *next;
	uint64_t hash;
	struct event e;	    /* the first; its strings are in 'own' */
	char *own;	    /* owned */
	uint64_t window_ns; /* when this window began */
	uint64_t touched_ns;
	uint64_t first_ns, last_ns;    /* of the packets since the last event that went out */
	struct event_count sum;	       /* since then */
	struct event_summary *summary; /* owned; from the first fold on */
};
struct aggregate {
	uint64_t window_ns, suppressed;
	aggregate_emit_fn *emit;
	void *arg;
	struct group *bucket[BUCKETS];
	struct group group[AGGREGATE_KEYS_MAX];
};

int aggregate_new(struct aggregate **ret, uint64_t window_ns, aggregate_emit_fn *emit, void *arg)
{
	struct aggregate *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->window_ns = window_ns;
	f->emit = emit;
	f->arg = arg;
	*ret = f;
	return 0;
}

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 0x100000001b3ull;
	return h;
}

static uint64_t mix_text(uint64_t h, const char *s)
{
	return s ? mix(h, s, strlen(s) + 1) : mix(h, "", 1);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static uint16_t country_of(const struct event *e)
{
	return e->place ? e->place->country : 0;
}

static uint64_t key_hash(const struct event *e)
{
	uint16_t cc = country_of(e);
	uint64_t h = mix(0xcbf29ce484222325ull, &e->rule, sizeof(e->rule));

	h = mix(h, &e->verdict, sizeof(e->verdict));
	h = mix(h, &e->severity, sizeof(e->severity));
	h = mix(h, &e->opened, sizeof(e->opened));
	h = mix(h, &e->asn, sizeof(e->asn));
	h = mix(h, &cc, sizeof(cc));
	h = mix(h, &e->flow.dst.v, sizeof(e->flow.dst.v));
	h = mix(h, &e->process.uid, sizeof(e->process.uid));
	return mix_text(mix_text(h, e->process.exe), e->process.unit);
}

static bool key_same(const struct event *a, const struct event *b)
{
	return a->rule == b->rule && a->policy == b->policy && a->verdict == b->verdict &&
	       a->severity == b->severity && a->opened == b->opened && a->asn == b->asn &&
	       country_of(a) == country_of(b) && a->enforced == b->enforced &&
	       a->flow.dst.v == b->flow.dst.v && a->process.has_uid == b->process.has_uid &&
	       a->process.uid == b->process.uid && same_text(a->process.exe, b->process.exe) &&
	       same_text(a->process.unit, b->process.unit);
}

static struct group *find(struct aggregate *f, const struct event *e, uint64_t hash)
{
	struct group *g = f->bucket[hash % BUCKETS];

	while (g && (g->hash != hash || !key_same(&g->e, e)))
		g = g->next;
	return g;
}

static void drop(struct aggregate *f, struct group *g)
{
	struct group **at = &f->bucket[g->hash % BUCKETS];

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g->own);
	free(g->summary);
	*g = (struct group){0};
}

void aggregate_free(struct aggregate *f)
{
	for (unsigned i = 0; f && i < AGGREGATE_KEYS_MAX; i++)
		if (f->group[i].used)
			drop(f, &f->group[i]);
	free(f);
}

/* A summary is of no single flow: no source port, and an address only where there was but one. */
static void no_flow(struct event *e)
{
	e->names = NULL; /* of the first flow, and only for the call that brought it */
	const struct event_summary *s = e->summary;
	struct flow_key k = {.proto = e->flow.proto, .src = e->flow.src, .dst = e->flow.dst};
	bool one = s && s->ndestinations == 1 && !event_count_any(&s->rest);

	if (!s || s->many_protocols)
		k.proto = 0;
	if (!s || s->many_sources)
		memset(k.src.b, 0, sizeof(k.src.b));
	if (one) {
		k.dst = s->destination[0].address;
		k.dport = s->destination[0].port;
	} else {
		memset(k.dst.b, 0, sizeof(k.dst.b));
		e->embedded = (struct ip){.v = 0};
	}
	e->flow = k;
}

/* What nobody took stays: the next window tells it. */
static bool summarise(struct aggregate *f, struct group *g)
{
	struct event e = g->e;

	if (!event_count_any(&g->sum))
		return true;
	e.kind = EVENT_SUMMARY;
	e.time_ns = g->first_ns;
	e.last_ns = g->last_ns;
	e.packets = g->sum.packets;
	e.bytes = g->sum.bytes;
	e.attempts = g->sum.attempts;
	e.suppressed = g->sum.flows;
	e.summary = g->summary;
	e.rtt_min_ns = 0;
	e.distance = NULL;
	no_flow(&e);
	if (f->emit(f->arg, &e) < 0)
		return false;
	g->sum = (struct event_count){0};
	g->first_ns = g->last_ns = 0;
	free(g->summary);
	g->summary = NULL;
	return true;
}

static struct group *room(struct aggregate *f)
{
	struct group *oldest = &f->group[0];

	for (unsigned i = 0; i < AGGREGATE_KEYS_MAX; i++) {
		if (!f->group[i].used)
			return &f->group[i];
		if (f->group[i].touched_ns < oldest->touched_ns)
			oldest = &f->group[i];
	}
	summarise(f, oldest);
	drop(f, oldest);
	return oldest;
}

/* Points the copy's text at memory of its own, one block; without memory the summary goes without
 * it. */
static void own_strings(struct group *g)
{
	const char **text[] = {&g->e.process.user,    &g->e.process.comm,   &g->e.process.exe,
			       &g->e.process.cmdline, &g->e.process.cgroup, &g->e.process.unit};
	size_t size = 0, at = 0, n;

	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		size += *text[i] ? strlen(*text[i]) + 1 : 0;
	g->own = malloc(size + 1);
	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (!*text[i])
			continue;
		n = strlen(*text[i]) + 1;
		*text[i] = g->own ? memcpy(g->own + at, *text[i], n) : NULL;
		at += n;
	}
}

static void first(struct aggregate *f, struct event *e, uint64_t hash, uint64_t now_ns)
{
	struct group *g = room(f);

	*g = (struct group){.used = true,
			    .hash = hash,
			    .e = *e,
			    .window_ns = now_ns,
			    .touched_ns = now_ns,
			    .next = f->bucket[hash % BUCKETS]};
	own_strings(g);
	f->bucket[hash % BUCKETS] = g;
	if (f->emit(f->arg, e) < 0) /* told to nobody: the next one is the first */
		drop(f, g);
	else
		memcpy(g->e.id, e->id, sizeof(g->e.id));
}

static void add_destination(struct event_summary *s, const struct event *e,
			    const struct event_count *c)
{
	const struct flow_key *k = &e->flow;
	struct event_destination *least = &s->destination[0];
	const char *domain = event_names_domain(e->names);

	domain = domain ? domain : "";
	for (unsigned i = 0; i < s->ndestinations; i++) {
		struct event_destination *d = &s->destination[i];

		if (d->port == k->dport && d->proto == k->proto &&
		    ip_cmp(&d->address, &k->dst) == 0 && strcmp(d->domain, domain) == 0) {
			event_count_add(&d->count, c);
			return;
		}
		if (event_count_less(&d->count, &least->count))
			least = d;
	}
	if (s->ndestinations < EVENT_DESTINATIONS_MAX) {
		least = &s->destination[s->ndestinations++];
	} else if (event_count_less(&least->count, c)) { /* the largest stay */
		event_count_add(&s->rest, &least->count);
	} else {
		event_count_add(&s->rest, c);
		return;
	}
	*least = (struct event_destination){
		.address = k->dst, .port = k->dport, .proto = k->proto, .count = *c};
	memcpy(least->domain, domain, strnlen(domain, sizeof(least->domain) - 1));
}

static void add_process(struct event_summary *s, const struct event *e, const struct event_count *c)
{
	const struct process *p = &e->process;
	struct event_process *least = &s->process[0];

	for (unsigned i = 0; i < s->nprocesses; i++) {
		struct event_process *q = &s->process[i];

		if (q->pid == p->pid && q->start_ns == p->start_ns) {
			event_count_add(&q->count, c);
			return;
		}
		if (event_count_less(&q->count, &least->count))
			least = q;
	}
	if (s->nprocesses < EVENT_PROCESSES_MAX) {
		least = &s->process[s->nprocesses++];
	} else if (event_count_less(&least->count, c)) {
		event_count_add(&s->rest_processes, &least->count);
	} else {
		event_count_add(&s->rest_processes, c);
		return;
	}
	*least = (struct event_process){.pid = p->pid,
					.start_ns = p->start_ns,
					.address = e->flow.dst,
					.port = e->flow.dport,
					.count = *c};
	if (p->comm)
		memcpy(least->comm, p->comm, strnlen(p->comm, sizeof(least->comm) - 1));
}

static void add(struct aggregate *f, struct group *g, const struct event *e)
{
	uint64_t last = e->last_ns ? e->last_ns : e->time_ns;
	struct event_count c = {.flows = e->kind == EVENT_FLOW,
				.attempts = e->attempts,
				.packets = e->packets,
				.bytes = e->bytes};

	f->suppressed += c.flows;
	if (!g->first_ns || e->time_ns < g->first_ns)
		g->first_ns = e->time_ns;
	if (last > g->last_ns)
		g->last_ns = last;
	event_count_add(&g->sum, &c);
	if (!g->summary)
		g->summary = calloc(1, sizeof(*g->summary));
	if (!g->summary) /* without memory: the sums alone */
		return;
	memcpy(g->summary->first_id, g->e.id, sizeof(g->summary->first_id));
	g->summary->many_sources |= ip_cmp(&e->flow.src, &g->e.flow.src) != 0;
	g->summary->many_protocols |= e->flow.proto != g->e.flow.proto;
	add_destination(g->summary, e, &c);
	add_process(g->summary, e, &c);
}

void aggregate_event(struct aggregate *f, struct event *e, uint64_t now_ns)
{
	uint64_t hash = key_hash(e);
	struct group *g = f->window_ns ? find(f, e, hash) : NULL;

	if (!f->window_ns || event_quiet(e)) {
		f->emit(f->arg, e);
	} else if (!g) {
		first(f, e, hash, now_ns);
	} else {
		add(f, g, e);
		g->touched_ns = now_ns;
	}
}

void aggregate_tick(struct aggregate *f, uint64_t now_ns)
{
	for (unsigned i = 0; i < AGGREGATE_KEYS_MAX; i++) {
		struct group *g = &f->group[i];

		if (!g->used || now_ns < g->window_ns + f->window_ns)
			continue;
		g->window_ns = now_ns;
		if (summarise(f, g) && now_ns > g->touched_ns + KEEP_WINDOWS * f->window_ns)
			drop(f, g);
	}
}

void aggregate_flush(struct aggregate *f)
{
	for (unsigned i = 0; i < AGGREGATE_KEYS_MAX; i++) {
		if (!f->group[i].used)
			continue;
		summarise(f, &f->group[i]);
		drop(f, &f->group[i]);
	}
}

uint64_t aggregate_suppressed(const struct aggregate *f)
{
	return f->suppressed;
}

void aggregate_waiting(const struct aggregate *f, struct event_count sum[EVENT_SUMS])
{
	for (unsigned i = 0; i < AGGREGATE_KEYS_MAX; i++)
		if (f->group[i].used)
			event_count_add(&sum[event_sum_of(&f->group[i].e)], &f->group[i].sum);
}
