/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs_summary.c - what a summary holds beside an alert's fields, and what no event tells; below
 * "cordon", for ECS has no names for it. */
#include "agent/event/event_text.h"
#include "agent/feed/ecs_private.h"

static void put_count(struct json_writer *j, const struct event_count *c)
{
	json_writer_number(j, "flows", c->flows);
	json_writer_number(j, "attempts", c->attempts);
	json_writer_number(j, "packets", c->packets);
	json_writer_number(j, "bytes", c->bytes);
}

static void put_rest(struct json_writer *j, const char *key, const struct event_count *c)
{
	if (!event_count_any(c))
		return;
	json_writer_open(j, key, '{');
	put_count(j, c);
	json_writer_close(j, '}');
}

static void put_destination(struct json_writer *j, const struct event_destination *d)
{
	char text[IP_STRLEN];

	json_writer_open(j, NULL, '{');
	json_writer_text(j, "ip", ip_format(text, &d->address));
	if (d->port)
		json_writer_number(j, "port", d->port);
	json_writer_text_set(j, "transport", event_proto_name(d->proto));
	json_writer_text_set(j, "domain", *d->domain ? d->domain : NULL);
	put_count(j, &d->count);
	json_writer_close(j, '}');
}

static void put_process(struct json_writer *j, const struct event_process *p)
{
	char text[IP_STRLEN];

	json_writer_open(j, NULL, '{');
	if (p->pid)
		json_writer_number(j, "pid", (uint64_t)p->pid);
	if (*p->comm)
		json_writer_text(j, "name", p->comm);
	if (p->address.v)
		json_writer_text(j, "first_ip", ip_format(text, &p->address));
	if (p->port)
		json_writer_number(j, "first_port", p->port);
	put_count(j, &p->count);
	json_writer_close(j, '}');
}

void ecs_put_summary(struct json_writer *j, const struct event *e)
{
	const struct event_summary *s = e->summary;

	json_writer_open(j, "summary", '{');
	json_writer_number(j, "flows", e->suppressed);
	json_writer_number(j, "attempts", e->attempts);
	if (s) {
		json_writer_text(j, "first_id", s->first_id);
		json_writer_number(j, "destinations_max", EVENT_DESTINATIONS_MAX);
		json_writer_open(j, "destinations", '[');
		for (unsigned i = 0; i < s->ndestinations; i++)
			put_destination(j, &s->destination[i]);
		json_writer_close(j, ']');
		put_rest(j, "more_destinations", &s->rest);
		json_writer_number(j, "processes_max", EVENT_PROCESSES_MAX);
		json_writer_open(j, "processes", '[');
		for (unsigned i = 0; i < s->nprocesses; i++)
			put_process(j, &s->process[i]);
		json_writer_close(j, ']');
		put_rest(j, "more_processes", &s->rest_processes);
	}
	json_writer_close(j, '}');
}

void ecs_put_gap(struct json_writer *j, const struct event_gap *g)
{
	json_writer_open(j, "gap", '{');
	json_writer_time(j, "start", g->start_ns);
	json_writer_time(j, "end", g->end_ns);
	json_writer_text(j, "cause", g->cause);
	json_writer_text(j, "held", g->held);
	json_writer_close(j, '}');
}

void ecs_put_lost(struct json_writer *j, const struct event_count lost[EVENT_SUMS])
{
	json_writer_open(j, "lost", '{');
	for (int i = SUM_ALERTED; i < EVENT_SUMS; i++)
		put_rest(j, event_sum_name((enum event_sum)i), &lost[i]);
	json_writer_close(j, '}');
}
