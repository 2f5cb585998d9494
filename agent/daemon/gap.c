/* SPDX-License-Identifier: BSD-2-Clause */
/* gap.c - gaps by cause, written when they end. */
#include "agent/daemon/gap.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/loop.h"
#include "agent/base/text.h"
#include "geo/base/file.h"
#include "geo/base/cleanup.h"

#define JUDGED	 "the kernel's programs went on judging by the last policy"
#define UNJUDGED "nothing: what left was not judged"

enum effect { GAP_POINT, GAP_OPEN, GAP_CLOSE };
/* What a state event means. before_ms: a point began at most that long ago. */
static const struct {
	const char *action, *cause;
	enum effect effect;
	unsigned before_ms;
	const char *held;
} meanings[] = {
	{"hook-detached", "hook-detached", GAP_POINT, 250, "the hooks that were left"},
	{"program-replaced", "program-replaced", GAP_POINT, 250, "the hooks that were left"},
	{"program-before", "program-before", GAP_POINT, 250, "the socket's hooks"},
	{"device-unjudged", "device-unjudged", GAP_OPEN, 0, "the socket's hooks, other devices"},
	{"devices-judged", "device-unjudged", GAP_CLOSE, 0, ""},
	{"packet-sockets", "packet-sockets", GAP_OPEN, 0, "what sockets of IP send"},
	{"packet-sockets-gone", "packet-sockets", GAP_CLOSE, 0, ""},
	{"mode-tampered", "mode-tampered", GAP_POINT, 250, "alerts; nothing was blocked"},
	{"lost-events", "lost-events", GAP_POINT, 10000, "verdicts and totals"},
	{"clock-changed", "clock-changed", GAP_POINT, 1000, "verdicts; times are of two clocks"},
	{"cgroup-missing", "cgroup-missing", GAP_OPEN, 0, "nothing ran in it"},
	{"cgroup-attached", "cgroup-missing", GAP_CLOSE, 0, ""},
	{"guard-blind", "guard-blind", GAP_OPEN, 0, "verdicts; changes from outside were not seen"},
	{"guard-sees", "guard-blind", GAP_CLOSE, 0, ""},
	{"place-db-stale", "stale-places", GAP_OPEN, 0, "verdicts by places that are too old"},
	{"reloaded", "stale-places", GAP_CLOSE, 0, ""},
	{"policy-fallback", "fallback", GAP_OPEN, 0, "the last good policy"},
	{"places-fallback", "fallback", GAP_OPEN, 0, "the last good places"},
	{"boot-closed", "fallback", GAP_OPEN, 0, "everything that leaves is blocked"},
	{"reloaded", "fallback", GAP_CLOSE, 0, ""},
	{"quarantine-unread", "quarantine-unread", GAP_OPEN, 0,
	 "the policy, and what is known of the quarantine"},
	{"quarantine-read", "quarantine-unread", GAP_CLOSE, 0, ""},
	{"mode-weakened", "mode-weakened", GAP_OPEN, 0, "alerts; nothing is blocked"},
	{"mode-changed", "mode-weakened", GAP_CLOSE, 0, ""},
};

struct open_gap {
	const char *cause, *held; /* NULL: free */
	uint64_t since_ns;
	char detail[256];
};
struct gaps {
	char state[416], boot[40];
	int alive; /* owned; -1: nothing is written */
	gap_fn *told;
	void *arg;
	struct open_gap open[GAP_OPEN_MAX];
};

static void rotate(int fd, const char *path)
{
	struct stat st;
	char old[480];

	if (fstat(fd, &st) < 0 || st.st_size < (off_t)GAP_FILE_MAX)
		return;
	text_put(old, sizeof(old), "%s.1", path);
	rename(path, old);
}

bool gap_is_unjudged(const struct event_gap *g)
{
	return strcmp(g->held, UNJUDGED) == 0;
}

static void tell(const struct gaps *g, uint64_t start_ns, uint64_t end_ns, const char *cause,
		 const char *detail, const char *held)
{
	const struct event_gap e = {start_ns, end_ns > start_ns ? end_ns : start_ns, cause, held};

	if (g->told)
		g->told(g->arg, &e, detail);
}

static void put(const struct gaps *g, uint64_t start_ns, uint64_t end_ns, const char *cause,
		const char *detail, const char *held)
{
	char path[460], from[TEXT_SHORT], to[TEXT_SHORT];
	_json_ json_t *o = NULL;
	_free_ char *line = NULL;
	_close_ int fd = -1;
	size_t len;

	if (g->alive < 0)
		return;
	tell(g, start_ns, end_ns, cause, detail, held);
	text_put(path, sizeof(path), "%s/" GAP_FILE, g->state);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	o = json_pack("{s:s,s:s,s:f,s:s,s:s,s:s,s:s?}", "start",
		      text_time(from, (int64_t)(start_ns / LOOP_SECOND)), "end",
		      text_time(to, (int64_t)(end_ns / LOOP_SECOND)), "seconds",
		      end_ns > start_ns ? (double)(end_ns - start_ns) / 1e9 : 0.0, "cause", cause,
		      "held", held, "boot", g->boot, "detail", detail);
	line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	if (fd < 0 || !line)
		return;
	len = strlen(line);
	line[len] = '\n'; /* instead of the NUL */
	if (write(fd, line, len + 1) == (ssize_t)len + 1)
		rotate(fd, path);
}

static struct open_gap *open_of(struct gaps *g, const char *cause)
{
	for (unsigned i = 0; i < GAP_OPEN_MAX; i++)
		if (cause ? g->open[i].cause && !strcmp(g->open[i].cause, cause)
			  : !g->open[i].cause)
			return &g->open[i];
	return NULL;
}

/* What is open stands in a file of its own, so that a reader of today, and the next agent if this one is killed, know
 * of it. */
static void write_open(const struct gaps *g)
{
	struct diag_sink quiet = {0};
	_free_ char *text = NULL;
	char path[460], from[TEXT_SHORT];
	_fclose_ FILE *f = NULL;
	size_t len = 0;

	if (g->alive < 0)
		return;
	text_put(path, sizeof(path), "%s/" GAP_OPEN_FILE, g->state);
	f = open_memstream(&text, &len);
	for (unsigned i = 0; f && i < GAP_OPEN_MAX; i++) {
		const struct open_gap *o = &g->open[i];
		_json_ json_t *j = NULL;

		if (!o->cause)
			continue;
		j = json_pack("{s:s,s:s,s:s,s:s,s:s?}", "start",
			      text_time(from, (int64_t)(o->since_ns / LOOP_SECOND)), "cause",
			      o->cause, "held", o->held, "boot", g->boot, "detail", o->detail);
		if (j && json_dumpf(j, f, JSON_COMPACT) == 0)
			fputc('\n', f);
	}
	if (f && fflush(f) == 0)
		(void)file_replace(path, text, len, &quiet); /* the next change tries again */
}

static void begin(struct gaps *g, const char *cause, const char *held, const char *detail)
{
	struct open_gap *o = open_of(g, cause);

	if (o)
		return;
	o = open_of(g, NULL);
	if (!o)
		return;
	*o = (struct open_gap){.cause = cause, .held = held, .since_ns = loop_unix_ns()};
	text_put(o->detail, sizeof(o->detail), "%s", detail);
	write_open(g);
}

static void finish(struct gaps *g, const char *cause)
{
	struct open_gap *o = open_of(g, cause);

	if (!o)
		return;
	put(g, o->since_ns, loop_unix_ns(), o->cause, o->detail, o->held);
	*o = (struct open_gap){0};
	write_open(g);
}

void gap_event(struct gaps *g, const char *action, const char *detail)
{
	for (unsigned i = 0; g && i < sizeof(meanings) / sizeof(*meanings); i++) {
		uint64_t now = loop_unix_ns();

		if (strcmp(meanings[i].action, action) != 0)
			continue;
		if (meanings[i].effect == GAP_OPEN)
			begin(g, meanings[i].cause, meanings[i].held, detail);
		else if (meanings[i].effect == GAP_CLOSE)
			finish(g, meanings[i].cause);
		else
			put(g, now - meanings[i].before_ms * 1000000ull, now, meanings[i].cause,
			    detail, meanings[i].held);
	}
}

/* Runs on while the host sleeps, and nobody can set it. */
static uint64_t since_boot(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec;
}

void gap_alive(struct gaps *g)
{
	char text[120];
	size_t len;

	if (!g || g->alive < 0)
		return;
	len = text_put(text, sizeof(text), "%020" PRIu64 " %s %020" PRIu64 "\n", loop_unix_ns(),
		       g->boot, since_boot());
	if (pwrite(g->alive, text, len, 0) < 0)
		return; /* the next second tries again */
}

/* Within one boot the length is that of the clock that cannot be set: with the wall clock a gap would be hidden by
 * setting it back, and a day too long after it was set forward. */
static uint64_t last_of(uint64_t last, uint64_t last_up, uint64_t now)
{
	uint64_t up = since_boot();

	if (last_up && last_up <= up && up - last_up <= now)
		return now - (up - last_up);
	return last < now ? last : now;
}

/* From the last agent's last second until now; in two parts when the host was started in between. */
static void between(struct gaps *g, const char *text, bool attached)
{
	uint64_t now = loop_unix_ns(), last, last_up = 0, started;
	char number[24], boot[40], up[24] = "";

	if (sscanf(text, "%20[0-9] %39s %20[0-9]", number, boot, up) < 2 ||
	    text_number(&last, number, UINT64_MAX) < 0 ||
	    (*up && text_number(&last_up, up, UINT64_MAX) < 0))
		return;
	if (strcmp(boot, g->boot) == 0) {
		put(g, last_of(last, last_up, now), now, "agent-down", "no agent ran",
		    attached ? JUDGED : UNJUDGED);
		return;
	}
	started = now - (since_boot() < now ? since_boot() : now);
	put(g, last < started ? last : started, started, "host-down",
	    last < started ? "the host was stopped or started again"
			   : "the host was started again, and its clock is behind what it was",
	    "nothing can be said of the time before it stopped");
	put(g, started, now, "boot", "from the start of the kernel to the start of the agent",
	    UNJUDGED);
}

/* What the last agent left open, because it was killed, ended for all that is known at its last second. */
static void close_left(struct gaps *g, const char *alive)
{
	char path[460], number[24], line[2048];
	_fclose_ FILE *f = NULL;
	uint64_t last;

	text_put(path, sizeof(path), "%s/" GAP_OPEN_FILE, g->state);
	if (!alive || sscanf(alive, "%20[0-9]", number) != 1 ||
	    text_number(&last, number, UINT64_MAX) < 0)
		return;
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		_json_ json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *start = json_string_value(json_object_get(o, "start")),
			   *cause = json_string_value(json_object_get(o, "cause")),
			   *held = json_string_value(json_object_get(o, "held"));
		struct tm tm = {0};

		if (start && cause && held && strptime(start, "%Y-%m-%dT%H:%M:%S", &tm))
			put(g, (uint64_t)timegm(&tm) * LOOP_SECOND, last, cause,
			    json_string_value(json_object_get(o, "detail")), held);
	}
	write_open(g); /* nothing is open now */
}

int gap_start(struct gaps **ret, const char *state, bool attached, gap_fn *told, void *arg)
{
	struct gaps *g = calloc(1, sizeof(*g));
	_free_ char *boot = NULL, *alive = NULL;
	char path[460];
	size_t len;

	if (!g)
		return -ENOMEM;
	g->alive = -1;
	g->told = told;
	g->arg = arg;
	*ret = g;
	if (!state || strlen(state) >= sizeof(g->state) || access(state, W_OK) < 0)
		return 0;
	text_put(g->state, sizeof(g->state), "%s", state);
	if (file_read(&boot, &len, AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64) == 0)
		text_put(g->boot, sizeof(g->boot), "%.*s", (int)strcspn(boot, "\n"), boot);
	text_put(path, sizeof(path), "%s/" GAP_ALIVE, state);
	if (file_read(&alive, &len, AT_FDCWD, path, 160) < 0)
		alive = NULL;
	g->alive = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	close_left(g, alive);
	if (alive)
		between(g, alive, attached);
	gap_alive(g);
	return 0;
}

void gap_close(struct gaps *g)
{
	for (unsigned i = 0; g && i < GAP_OPEN_MAX; i++)
		if (g->open[i].cause)
			finish(g, g->open[i].cause);
}

void gap_end(struct gaps *g)
{
	if (!g)
		return;
	g->told = NULL;
	gap_close(g);
	gap_alive(g);
	if (g->alive >= 0)
		close(g->alive);
	free(g);
}
