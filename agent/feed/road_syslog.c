/* SPDX-License-Identifier: BSD-2-Clause */
/* road_syslog.c - frames onto a wire, and when they count as delivered. */
#include "agent/feed/road_syslog.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/base/text.h"
#include "agent/feed/flight.h"
#include "agent/feed/wire.h"

#define DATAGRAM_MAX 65507 /* RFC 5426 section 3.2, IPv4 */
#define PROBE_MS     200   /* until a refusal of the first datagram would have come back */
#define PACE_NS                                                                                    \
	500000 /* between datagrams: a receiver's buffer is small, and nothing says that it is full */

/* after opening: a server that refuses our certificate, or a relay without one behind it, has closed by then */
#define TRUST_NS 1000000000ull

struct syslog {
	struct wire_config to; /* its texts are owned */
	struct wire wire;
	struct flight flight;
	char *frame; /* owned; what is sent now */
	size_t len, done, room;
	int broken; /* -errno: seen where it could not be told */
	bool probed, finishing;
	uint64_t opened_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void syslog_close(void *self)
{
	wire_close(&((struct syslog *)self)->wire);
}

static int syslog_open(void *self)
{
	struct syslog *s = self;

	flight_reset(&s->flight);
	s->len = s->done = 0;
	s->broken = 0;
	s->probed = s->finishing = false;
	s->opened_ns = now_ns();
	return wire_open(&s->wire, &s->to);
}

static int make_frame(struct syslog *s, const char *line, size_t len)
{
	char count[24];
	size_t n = s->wire.datagram ? 0 : text_put(count, sizeof(count), "%zu ", len);

	if (n + len > s->room) {
		char *more = realloc(s->frame, n + len);

		if (!more)
			return -ENOMEM;
		s->frame = more;
		s->room = n + len;
	}
	memcpy(s->frame, count, n);
	memcpy(s->frame + n, line, len);
	s->len = n + len;
	s->done = 0;
	return 0;
}

/* A host without a receiver says so only after a datagram came there: the first one waits for that. */
static int after_datagram(struct syslog *s)
{
	if (!s->probed) {
		struct pollfd p = {.fd = s->wire.fd};

		poll(&p, 1, PROBE_MS);
		s->probed = true;
	} else {
		nanosleep(&(struct timespec){.tv_nsec = PACE_NS}, NULL);
	}
	return wire_alive(&s->wire);
}

static int syslog_send(void *self, const char *line, size_t len)
{
	struct syslog *s = self;
	int r = s->broken ? s->broken : s->len ? 0 : wire_alive(&s->wire);

	if (r == 0 && !s->len)
		r = flight_full(&s->flight) ? -EAGAIN : make_frame(s, line, len);
	while (r == 0 && s->done < s->len) {
		long n = wire_send(&s->wire, s->frame + s->done, s->len - s->done);

		if (n < 0)
			return (int)n;
		s->done += (size_t)n;
	}
	if (r < 0)
		return r;
	s->len = 0;
	flight_add(&s->flight, wire_sent(&s->wire), now_ns());
	return s->wire.datagram ? after_datagram(s) : 0;
}

static uint64_t syslog_confirmed(void *self)
{
	struct syslog *s = self;

	if (s->flight.first == s->flight.next || s->broken || s->finishing)
		return 0;
	s->broken = wire_alive(&s->wire);
	return s->broken ? 0 : flight_confirmed(&s->flight, wire_acked(&s->wire), now_ns());
}

static int syslog_tick(void *self)
{
	struct syslog *s = self;
	int r = wire_judge(&s->wire);

	if (r < 0 || s->finishing)
		return r;
	return s->broken ? s->broken : wire_alive(&s->wire);
}

static int syslog_finish(void *self)
{
	struct syslog *s = self;

	if (!s->finishing && now_ns() - s->opened_ns < TRUST_NS)
		return -EAGAIN; /* one that refuses us closes too */
	s->finishing = true;
	return s->broken ? s->broken : wire_finish(&s->wire);
}

static const char *syslog_why(void *self)
{
	return ((struct syslog *)self)->wire.why;
}

static void syslog_free(void *self)
{
	struct syslog *s = self;

	free((char *)(uintptr_t)s->to.ca);
	free((char *)(uintptr_t)s->to.cert);
	free((char *)(uintptr_t)s->to.key);
	free((char *)(uintptr_t)s->to.name);
	free(s->frame);
	free(s);
}

static int copy(const char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

int road_syslog_make(void **self, const struct policy_feed *p)
{
	struct syslog *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->wire.fd = -1;
	if (policy_target_parse(&s->to.to, p->target) < 0) {
		syslog_free(s);
		return -EINVAL;
	}
	if (copy(&s->to.ca, p->ca) < 0 || copy(&s->to.cert, p->cert) < 0 ||
	    copy(&s->to.key, p->key) < 0 || copy(&s->to.name, p->name) < 0) {
		syslog_free(s);
		return -ENOMEM;
	}
	*self = s;
	return 0;
}

#define ENDS                                                                                       \
	.open = syslog_open, .send = syslog_send, .tick = syslog_tick, .close = syslog_close,      \
	.free = syslog_free, .confirmed = syslog_confirmed, .finish = syslog_finish,               \
	.why = syslog_why, .retry_max_ms = 30000

const struct road_end *road_syslog_end(const struct policy_feed *p)
{
	static const struct road_end stream = {ENDS};
	static const struct road_end datagram = {ENDS, .line_max = DATAGRAM_MAX};

	return strncmp(p->target, "udp:", 4) ? &stream : &datagram;
}
