/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_axes.c - the small axes of the matrix: services by port and protocol, columns by what is
 * known of the sender. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rules/compile/compile_private.h"

bool compile_same_subject(const struct subject_def *a, const struct subject_def *b)
{
	if (a == b)
		return true;
	if (a->natoms != b->natoms)
		return false;
	for (size_t i = 0; i < a->natoms; i++) {
		const struct subject_atom *x = &a->atoms[i], *y = &b->atoms[i];

		if (x->type != y->type || x->list != y->list)
			return false;
		if (x->type == SUBJECT_ADDRESS
			    ? !x->list && (ip_cmp(&x->cidr.addr, &y->cidr.addr) ||
					   x->cidr.len != y->cidr.len)
			    : strcmp(x->text, y->text) != 0)
			return false;
	}
	return true;
}

static int subject_bit(struct build *b, const struct subject_def *s, const struct rule *r)
{
	const uint32_t max = b->c->nmeters ? DECIDE_SUBJECTS_NARROW : DECIDE_SUBJECTS_MAX;
	uint32_t i = 0;

	while (i < b->c->header.subjects && !compile_same_subject(b->c->subjects[i], s))
		i++;
	if (i == max) {
		diag_error(
			b->d, FILE_OF(b->p, r), r->line,
			"the %uth distinct sender that a rule names; %u are told apart%s. One 'subject' "
			"line may hold several senders",
			max + 1, max, max < DECIDE_SUBJECTS_MAX ? " in a policy with 'over'" : "");
		return -E2BIG;
	}
	if (i == b->c->header.subjects) {
		b->c->subjects[b->c->header.subjects++] = s;
		b->c->header.needs |= eval_needs(s); /* the bits are the same */
	}
	return (int)i;
}
_Static_assert(EVAL_CGROUP == DECIDE_NEEDS_CGROUP && EVAL_USER == DECIDE_NEEDS_USER &&
		       EVAL_SOURCE == DECIDE_NEEDS_SOURCE,
	       "eval_needs gives the header's bits");

static uint64_t source_mask(const struct build *b, const struct place_class *c)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < b->c->header.subjects; i++)
		if (b->c->subjects[i]->set >= 0 &&
		    place_class_in(c, (unsigned)b->c->subjects[i]->set))
			mask |= 1ull << i;
	return mask;
}

static int source_masks(struct build *b)
{
	size_t width = b->wide ? sizeof(uint64_t) : sizeof(uint16_t);
	void *masks = arena_alloc(b->keep, b->env->nclasses, width);

	if (!masks)
		return -ENOMEM;
	for (size_t c = 0; c < b->env->nclasses; c++) {
		uint64_t mask = source_mask(b, &b->env->classes[c]);

		if (b->wide)
			((uint64_t *)masks)[c] = mask;
		else
			((uint16_t *)masks)[c] = (uint16_t)mask;
	}
	b->c->array[DECIDE_SUBJ_OF] = masks;
	b->c->bytes[DECIDE_SUBJ_OF] = b->env->nclasses * width;
	return 0;
}

int compile_subjects(struct build *b)
{
	int bit;

	for (size_t i = 0; i < b->p->nrules; i++) {
		if (!(b->alive[i / 64] >> (i % 64) & 1))
			continue;
		for (size_t j = 0; j < b->p->rules[i].nfrom; j++) {
			bit = subject_bit(b, b->p->rules[i].from[j], &b->p->rules[i]);
			if (bit < 0)
				return bit;
			b->from[i] |= 1ull << bit;
		}
	}
	b->wide = DECIDE_WIDE(b->c->header.subjects);
	return source_masks(b);
}

static enum tri sender_of(const struct build *b, uint64_t subjects, uint64_t mask, uint8_t known)
{
	enum tri ret = subjects ? TRI_NO : TRI_YES, t;

	for (uint32_t i = 0; i < b->c->header.subjects; i++) {
		if (!(subjects >> i & 1))
			continue;
		t = eval_subject(b->c->subjects[i], mask >> i & 1, known);
		if (t == TRI_YES || (t == TRI_DEPENDS && ret == TRI_NO))
			ret = t;
	}
	return ret;
}

int compile_columns(struct build *b)
{
	/* of every set of subjects; wide: of nobody, then of each subject alone */
	uint32_t masks = b->wide ? b->c->header.subjects + 1 : 1u << b->c->header.subjects;
	uint16_t *column_of = arena_alloc(b->keep, (size_t)masks * KNOWN_COUNT, sizeof(*column_of));
	uint64_t *bits = compile_maybe(b);
	int64_t column;

	if (!column_of || !bits)
		return -ENOMEM;
	for (uint32_t i = 0; i < masks * KNOWN_COUNT; i++) {
		uint64_t mask = i % masks;

		if (b->wide && mask)
			mask = 1ull << (mask - 1);
		memset(bits, 0, 2 * b->words * sizeof(*bits));
		for (size_t r = 0; r < b->p->nrules; r++)
			compile_maybe_add(b, bits, r,
					  sender_of(b, b->from[r], mask, (uint8_t)(i / masks)));
		column = keys_add(&b->columns, bits);
		if (column < 0)
			return (int)column;
		column_of[i] = (uint16_t)column;
	}
	b->c->array[DECIDE_COLUMN_OF] = column_of;
	b->c->bytes[DECIDE_COLUMN_OF] = (size_t)masks * KNOWN_COUNT * sizeof(*column_of);
	return 0;
}

static int64_t service_class(struct build *b, uint64_t *bits, uint8_t proto, bool has_port,
			     uint16_t port)
{
	int64_t i;

	memset(bits, 0, 2 * b->words * sizeof(*bits));
	for (size_t r = 0; r < b->p->nrules; r++)
		compile_maybe_add(b, bits, r, eval_service(&b->p->rules[r], proto, has_port, port));
	i = keys_add(&b->services, bits);
	return i == -E2BIG ? compile_too_big(b, "classes of ports", DECIDE_SERVICES_MAX) : i;
}

/* Marks the ports where a rule begins to match, or stops. */
static void port_edges(const struct policy *p, uint8_t proto, uint8_t edge[65536])
{
	edge[0] = 1;
	for (size_t r = 0; r < p->nrules; r++) {
		const struct service_def *s = p->rules[r].service;

		for (size_t i = 0; s && i < s->natoms; i++) {
			if (s->atoms[i].proto != proto || s->atoms[i].any_port)
				continue;
			edge[s->atoms[i].first] = 1;
			if (s->atoms[i].last < 65535)
				edge[s->atoms[i].last + 1] = 1;
		}
	}
}

static int ports(struct build *b, enum decide_array array, uint8_t proto)
{
	uint8_t *class = arena_alloc(b->keep, 65536, 1), *edge = arena_alloc(b->scratch, 65536, 1);
	uint64_t *bits = compile_maybe(b);
	int64_t now = 0;

	if (!class || !edge || !bits)
		return -ENOMEM;
	port_edges(b->p, proto, edge);
	for (unsigned port = 0; port < 65536; port++) {
		if (edge[port])
			now = service_class(b, bits, proto, true, (uint16_t)port);
		if (now < 0)
			return (int)now;
		class[port] = (uint8_t)now;
	}
	b->c->array[array] = class;
	b->c->bytes[array] = 65536;
	return 0;
}

int compile_services(struct build *b)
{
	uint8_t *class = arena_alloc(b->keep, 256, 1);
	uint64_t *bits = compile_maybe(b);
	int64_t i;
	int err;

	if (!class || !bits)
		return -ENOMEM;
	for (unsigned proto = 0; proto < 256; proto++) {
		i = service_class(b, bits, (uint8_t)proto, false, 0);
		if (i < 0)
			return (int)i;
		class[proto] = (uint8_t)i;
	}
	b->c->array[DECIDE_PROTO] = class;
	b->c->bytes[DECIDE_PROTO] = 256;
	err = ports(b, DECIDE_TCP, 6);
	return err ? err : ports(b, DECIDE_UDP, 17);
}
