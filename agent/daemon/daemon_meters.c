/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_meters.c - what has left under rules with 'over', asked of the kernel now. */
#include "agent/daemon/daemon.h"

static const char *file_of(const struct policy *p, const struct rule *r)
{
	return r->file ? r->file : p->file;
}

json_t *daemon_meters_status(const struct daemon *d)
{
	const struct compiled *c = d->engine->compiled;
	json_t *a = json_array();

	for (unsigned i = 0; i < c->nmeters; i++) {
		const struct rule *r = &c->policy->rules[c->meter_rule[i]];
		uint64_t used;
		bool known = !kernel_meter_now(d->kernel, &c->meter[i], &used);

		json_array_append_new(
			a, json_pack("{sissss*sisIsIso}", "rule", c->meter_rule[i] + 1, "text",
				     r->text, "file", file_of(c->policy, r), "line", (int)r->line,
				     "limit", (json_int_t)r->over, "per", (json_int_t)r->per,
				     "used", known ? json_integer((json_int_t)used) : json_null()));
	}
	return a;
}
