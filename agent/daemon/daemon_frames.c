/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_frames.c - sockets whose frames no socket hook judges: named when they appear, in status while they are there, and a
 * gap as long as nothing on the devices judges them.
 */
#include <stdlib.h>
#include <string.h>
#include "agent/daemon/daemon.h"
#include "agent/host/frames.h"
#include "geo/base/cleanup.h"

#define OWNERS_MAX 8 /* looked for at a time: each is a walk through /proc */

static void name(struct daemon *d, const struct frames_socket *s, bool judged)
{
	daemon_tell(d, "packet-socket", "%s (process %d, user %u) has a packet socket on %s: %s",
		    s->comm[0] ? s->comm : "somebody", s->pid, s->uid,
		    s->device[0] ? s->device : "any device",
		    judged ? "the hook on devices judges its frames"
			   : "frames that it sends are not judged (run --devices)");
}

/* AF_XDP goes past the devices' hook as well. */
static void gap(struct daemon *d, const struct frames *f, bool judged)
{
	bool is = f->xdp || (!judged && f->n);

	if (is && !d->frames_gap)
		daemon_tell(
			d, "packet-sockets",
			"%zu packet sockets and %llu AF_XDP sockets are open: their frames are not judged",
			f->n, (unsigned long long)f->xdp);
	if (!is && d->frames_gap)
		daemon_tell(d, "packet-sockets-gone", "none is open any more");
	d->frames_gap = is;
}

void daemon_frames_check(struct daemon *d)
{
	_free_ struct frames *now = calloc(1, sizeof(*now));
	bool judged = d->cfg.devices != KERNEL_DEVICES_NONE;
	unsigned owners = 0;

	if (!now || frames_read(now, "/proc/net") < 0)
		return;
	for (size_t i = 0; i < now->n; i++) {
		struct frames_socket *s = &now->socket[i];
		const struct frames_socket *old =
			d->frames ? frames_find(d->frames, s->inode) : NULL;

		if (old) {
			*s = *old;
		} else if (owners++ < OWNERS_MAX) {
			frames_owner(s);
			name(d, s, judged);
		}
	}
	gap(d, now, judged);
	free(d->frames);
	d->frames = TAKE_PTR(now);
}

json_t *daemon_frames_status(const struct daemon *d)
{
	const struct frames *f = d->frames;
	json_t *o = json_object(), *a = json_array();

	for (size_t i = 0; f && i < f->n; i++) {
		const struct frames_socket *s = &f->socket[i];

		json_array_append_new(a, json_pack("{sisIss*ss*}", "pid", s->pid, "user",
						   (json_int_t)s->uid, "process",
						   s->comm[0] ? s->comm : NULL, "device",
						   s->device[0] ? s->device : NULL));
	}
	json_object_set_new(o, "packet", a);
	json_object_set_new(o, "more", json_integer(f ? (json_int_t)f->more : 0));
	json_object_set_new(o, "xdp", json_integer(f ? (json_int_t)f->xdp : 0));
	return o;
}
