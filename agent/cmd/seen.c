/* SPDX-License-Identifier: BSD-2-Clause */
/* seen.c - reads a ledger whole; captures become a ledger first, in a folder that is removed again. */
#include "agent/cmd/seen.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/diag_print.h"
#include "agent/base/interrupt.h"
#include "agent/base/text.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_seen.h"

#define TEXTS_MAX (4u << 20)

static int on_key(void *arg, const struct ledger_key_row *k)
{
	struct seen *s = arg;
	struct seen_flow *f;
	uint32_t number;

	if (s->n == SEEN_FLOWS_MAX)
		return -E2BIG;
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 1024;

		f = reallocarray(s->flows, room, sizeof(*f));
		if (!f)
			return -ENOMEM;
		s->flows = f;
		s->room = room;
	}
	f = &s->flows[s->n];
	*f = (struct seen_flow){.key = *k};
	for (unsigned i = 0; i < LEDGER_COLUMNS; i++) {
		int e = texts_add(&s->texts, k->text[i], strlen(k->text[i]), &number);

		if (e < 0)
			return e;
		f->key.text[i] = s->texts.v[number];
	}
	s->n++;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const int64_t *id = a;
	const struct seen_flow *f = b;

	return (*id > f->key.id) - (*id < f->key.id);
}

static struct seen_flow *find(struct seen *s, int64_t id)
{
	/* ids are given one after the other, and none is taken away */
	if (id >= 1 && (uint64_t)id <= s->n && s->flows[id - 1].key.id == id)
		return &s->flows[id - 1];
	return s->n ? bsearch(&id, s->flows, s->n, sizeof(*s->flows), by_id) : NULL;
}

static int on_row(void *arg, int64_t key, int64_t start, int64_t seconds,
		  const struct ledger_sum *sum)
{
	struct seen *s = arg;
	struct seen_flow *f = find(s, key);
	struct ledger_sum *t;

	(void)start;
	(void)seconds;
	if (!f)
		return 0;
	t = &f->sum;
	t->packets += sum->packets;
	t->bytes += sum->bytes;
	t->attempts += sum->attempts;
	t->flows += sum->flows;
	if (sum->first_ns && (!t->first_ns || sum->first_ns < t->first_ns))
		t->first_ns = sum->first_ns;
	if (sum->last_ns > t->last_ns)
		t->last_ns = sum->last_ns;
	if (sum->first_ns && (!s->first_ns || sum->first_ns < s->first_ns))
		s->first_ns = sum->first_ns;
	if (sum->last_ns > s->last_ns)
		s->last_ns = sum->last_ns;
	return 0;
}

/* The first few that are known. */
static int on_sample(void *arg, int64_t key, const char *addresses)
{
	struct seen_flow *f = find(arg, key);
	char one[IP_STRLEN];
	struct ip ip;

	for (const char *at = addresses; f && *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");
		unsigned i = 0;

		text_put(one, sizeof(one), "%.*s", (int)len, at);
		at += len;
		if (ip_parse(&ip, one) < 0)
			continue;
		while (i < LEDGER_SAMPLES && f->sample[i].v && ip_cmp(&f->sample[i], &ip) != 0)
			i++;
		if (i < LEDGER_SAMPLES)
			f->sample[i] = ip;
	}
	return 0;
}

static int read_ledger(struct seen *s, const char *path, int64_t from, int64_t to)
{
	const struct ledger_scan scan = {
		.key = on_key, .row = on_row, .sample = on_sample, .arg = s};
	struct diag_print p;
	int e = texts_init(&s->texts, TEXTS_MAX);

	diag_print_init(&p, stderr);
	e = e ? e : ledger_scan(&s->extent, path, from, to, &scan, &p.sink);
	diag_print_done(&p);
	if (e == -E2BIG)
		diag_say("%s: more than %u kinds of flow: choose a shorter period", path,
			 SEEN_FLOWS_MAX);
	else if (e < 0 && e != -EIO)
		diag_say("%s: cannot be read: %s", path, strerror(-e));
	return e < 0 ? EXIT_FAILED : 0;
}

/* In a process of its own: who decodes captures gives away all that it takes to read the ledger afterwards. */
static int decode(const struct seen_from *from, const char *ledger)
{
	pid_t child;
	int status;

	if (interrupt_catch() < 0)
		diag_say("an interruption will leave a folder behind: %m");
	fflush(NULL);
	child = fork();
	if (child < 0) {
		diag_say("no process can be made to read captures: %m");
		return EXIT_FAILED;
	}
	if (!child) {
		status = replay_seen(from->config, from->captures, from->ncaptures, ledger);
		fflush(NULL);
		_exit(status);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILED;
		if (interrupt_came())
			kill(child, SIGTERM);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	diag_say("the process that read the captures was ended by signal %d", WTERMSIG(status));
	return EXIT_FAILED;
}

static int read_captures(struct seen *s, const struct seen_from *from)
{
	static const char *const part[] = {"", "-wal", "-shm", SEEN_NAMES_END};
	const char *tmp = getenv("TMPDIR");
	char dir[512], path[600], file[620];
	int r;

	text_put(dir, sizeof(dir), "%s/cordon-seen-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		diag_say("%s: cannot be made: %s", dir, strerror(errno));
		return EXIT_FAILED;
	}
	text_put(path, sizeof(path), "%s/ledger.db", dir);
	r = decode(from, path);
	r = r ? r : read_ledger(s, path, 0, INT64_MAX / 2);
	text_put(file, sizeof(file), "%s" SEEN_NAMES_END, path);
	if (!r && seen_names(s, file) < 0) {
		diag_say("the names that were seen cannot be read");
		r = EXIT_FAILED;
	}
	for (unsigned i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		text_put(file, sizeof(file), "%s%s", path, part[i]);
		unlink(file);
	}
	rmdir(dir);
	return r;
}

int seen_read(struct seen *ret, const struct seen_from *from)
{
	*ret = (struct seen){0};
	if (from->captures)
		return read_captures(ret, from);
	return read_ledger(ret, from->ledger, from->since, from->until);
}

void seen_free(struct seen *s)
{
	texts_drop(&s->texts);
	free(s->flows);
	*s = (struct seen){0};
}
