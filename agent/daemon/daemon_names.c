/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_names.c - whom flows are meant for: the programs that copy names, and what is read of them. */
#include <inttypes.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"

static void print_off(const struct daemon *d, char *to, size_t size)
{
	if (!d->cfg.names)
		text_put(to, size, "off: --names off");
	else if (!d->names)
		text_put(to, size, "off: not enough memory");
	else
		text_put(to, size, "off: the kernel refuses the programs that copy names");
}

void daemon_names_start(struct daemon *d)
{
	struct diag_print p;
	int r;

	if (!d->cfg.names)
		return;
	if (live_names_new(&d->names) < 0) {
		daemon_tell(d, "names-off", "recipients have no names: not enough memory");
		return;
	}
	diag_print_init(&p, stderr);
	r = kernel_names_open(d->kernel, live_names_bytes, d->names, &p.sink);
	diag_print_done(&p);
	d->names_on = r == 0;
	if (r < 0)
		daemon_tell(
			d, "names-off",
			"the kernel refuses the programs that copy names (%s): flows are judged "
			"as before, recipients have no names",
			strerror(-r));
}

void daemon_names_stop(struct daemon *d)
{
	live_names_free(TAKE_PTR(d->names));
}

/* What was copied and is not known, or was not copied: names that a flow lacks. */
static uint64_t lost(const struct daemon *d, const struct abi_names_state *s)
{
	struct live_names_counts c;

	live_names_counts(d->names, &c);
	return s->lost + s->limited + s->unread + c.given_up + c.naming.evicted +
	       c.naming.left_out + c.naming.no_room + c.naming.forgotten;
}

void daemon_names_check(struct daemon *d)
{
	struct abi_names_state s;
	uint64_t now;

	if (!d->names_on || kernel_names_counts(d->kernel, &s) < 0)
		return;
	now = lost(d, &s);
	if (now > d->names_lost)
		daemon_tell(d, "lost-names",
			    "%" PRIu64
			    " times a name, or the bytes that could have said one, found no "
			    "room; the packets were judged and counted all the same",
			    now - d->names_lost);
	d->names_lost = now;
}

json_t *daemon_names_status(const struct daemon *d)
{
	struct live_names_counts c;
	struct abi_names_state s;
	char why[80];

	if (!d->names_on) {
		print_off(d, why, sizeof(why));
		return json_pack("{sbss}", "on", 0, "why", why);
	}
	kernel_names_counts(d->kernel, &s);
	live_names_counts(d->names, &c);
	return json_pack("{sb sb sI sI sI sI sI sI sI sI sI}", "on", 1, "attached",
			 kernel_names_attached(d->kernel), "copied", (json_int_t)s.copied,
			 "lost_ring", (json_int_t)s.lost, "lost_rate", (json_int_t)s.limited,
			 "unread", (json_int_t)s.unread, "answers", (json_int_t)c.naming.answers,
			 "broken_answers", (json_int_t)c.naming.broken, "flows_named",
			 (json_int_t)c.naming.said, "given_up",
			 (json_int_t)(c.given_up + c.naming.evicted + c.naming.left_out),
			 "forgotten", (json_int_t)(c.naming.no_room + c.naming.forgotten));
}
