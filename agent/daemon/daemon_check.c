/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_check.c - what the agent looks after: the age of the places, lost records, the ports
 * listened on. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"

#define LISTEN_PROTOS 2

/* Once a load; the engine is loaded again when the next source comes over its max-age. */
void daemon_check_stale(struct daemon *d)
{
	const struct engine_age *o = &d->engine->oldest;
	char age[TEXT_SHORT], max[TEXT_SHORT], others[64] = "";
	const char *slash;

	if (!o->source || d->stale_told)
		return;
	d->stale_told = true;
	slash = strrchr(o->source->path, '/');
	if (o->others)
		text_put(others, sizeof(others), ", and %u more sources are over theirs",
			 o->others);
	daemon_tell(d, "place-db-stale", "%s is %s old, the policy allows %s%s; %s",
		    slash ? slash + 1 : o->source->path,
		    o->age < 0 ? "nobody knows how" : text_duration(age, o->age),
		    text_duration(max, o->max), others,
		    d->engine->stale ? "no rule allows by them until there are newer ones"
				     : "verdicts go on with them");
}

/* Every counter that means that evidence was lost. */
static const struct {
	enum abi_counter counter;
	const char *what;
} losses[DAEMON_LOSSES] = {
	{ABI_LOST_DENIALS, "records of violating flows found the ring full"},
	{ABI_LOST_FOLDS, "violating flows could not be folded"},
	{ABI_LOST_FLOWS,
	 "ends of flows found the ring full: their last counts are in the totals only"},
	{ABI_LOST_STORAGE, "packets were of sockets that the kernel gave no storage"},
};

void daemon_check_lost(struct daemon *d)
{
	char text[640] = "";
	struct kernel_totals t;
	size_t at = 0;

	if (kernel_counters(d->kernel, &t) < 0)
		return;
	for (unsigned i = 0; i < DAEMON_LOSSES; i++) {
		uint64_t lost = t.sum.count[losses[i].counter];

		if (lost > d->lost_seen[i])
			at += text_put(text + at, sizeof(text) - at, "%s%" PRIu64 " %s",
				       at ? "; " : "", lost - d->lost_seen[i], losses[i].what);
		d->lost_seen[i] = lost;
	}
	if (at)
		daemon_tell(d, "lost-events",
			    "%s; the packets were judged and counted all the same", text);
}

void daemon_check_ports(struct daemon *d)
{
	static const uint8_t proto[LISTEN_PROTOS] = {6, 17};
	uint64_t bitmap[HOST_PORT_WORDS];

	for (unsigned i = 0; i < LISTEN_PROTOS; i++)
		if (netlink_listening(proto[i], bitmap) == 0)
			kernel_listen_ports(d->kernel, proto[i], bitmap);
}

/* Far enough that it fires only when the clock is set (TFD_TIMER_CANCEL_ON_SET). */
static int clock_arm(int fd)
{
	struct itimerspec never = {.it_value.tv_sec = UINT32_MAX};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
		       ? -errno
		       : 0;
}

static void on_clock(void *arg, uint32_t events)
{
	struct daemon *d = arg;
	char now[TEXT_SHORT];
	uint64_t ticks;

	(void)events;
	if (read(d->clock, &ticks, sizeof(ticks)) >= 0 || errno != ECANCELED)
		return;
	if (d->kernel)
		kernel_clock(d->kernel);
	daemon_tell(d, "clock-changed",
		    "the clock was set, it is %s now; rules with a date follow it",
		    text_time(now, (int64_t)(loop_unix_ns() / LOOP_SECOND)));
	daemon_recompile(d);
	clock_arm(d->clock);
}

int daemon_watch_clock(struct daemon *d)
{
	int r;

	d->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->clock < 0)
		return -errno;
	r = clock_arm(d->clock);
	return r < 0 ? r : loop_add(d->loop, d->clock, EPOLLIN, on_clock, d);
}
