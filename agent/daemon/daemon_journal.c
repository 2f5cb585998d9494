/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_journal.c - every event goes into the journal that the policy names; its checkpoints go out
 * with the feeds, so that what is deleted here shows there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/daemon/daemon.h"
#include "agent/base/text.h"

#define RETRY_EVERY 60 /* seconds, while it cannot be opened */

/* A name for the signatures: the host's, with nothing in it that a note's key name may not have. */
static const char *origin(const struct daemon *d, char *buf, size_t size)
{
	text_put(buf, size, "%s/cordon", d->identity.name[0] ? d->identity.name : "host");
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '+' || (unsigned char)*p >= 0x7f)
			*p = '-';
	return buf;
}

static int open_at(struct daemon *d, const struct policy *p, struct journal_found *found,
		   struct journal **ret, FILE *errors)
{
	char name[160];
	struct journal_config cfg = {
		.dir = p->journal,
		.origin = origin(d, name, sizeof(name)),
		.keep = p->journal_keep,
		.sync = p->journal_unsynced ? JOURNAL_SYNC_NONE : JOURNAL_SYNC_SECOND,
	};
	struct diag_print print;
	int r;

	diag_print_init(&print, errors);
	r = journal_open(ret, &cfg, found, &print.sink);
	diag_print_done(&print);
	return r;
}

static void tell_found(struct daemon *d, const char *dir, const struct journal_found *f)
{
	if (f->tampered[0])
		daemon_tell(d, "journal-tampered",
			    "%s: %s; it was put aside as %s, a new one begins", dir, f->tampered,
			    f->moved);
	if (f->torn_bytes)
		daemon_tell(d, "journal-repaired",
			    "%s: a record was half written when the agent ended; its %" PRIu64
			    " bytes were cut off",
			    dir, f->torn_bytes);
	if (f->unsigned_tail)
		daemon_tell(d, "journal-repaired",
			    "%s: %" PRIu64
			    " records after the last checkpoint were taken over unsigned",
			    dir, f->unsigned_tail);
}

static void take(struct daemon *d, struct journal *j, const char *dir,
		 const struct journal_found *f)
{
	journal_close(d->journal);
	free(d->journal_dir);
	d->journal = j;
	d->journal_dir = strdup(dir);
	if (f)
		tell_found(d, dir, f);
}

int daemon_journal_load(struct daemon *d, const struct engine *e, FILE *errors)
{
	const struct policy *p = e->policy;
	struct journal_found found;
	struct journal *j;
	int r;

	if (!p->journal || (d->journal_dir && strcmp(p->journal, d->journal_dir) == 0))
		return 0;
	r = open_at(d, p, &found, &j, errors);
	if (r == 0)
		take(d, j, p->journal, &found);
	return r < 0 ? EXIT_FAILED : 0;
}

/* After the swap: the policy in force names no journal any more, or another way to keep it. */
void daemon_journal_settle(struct daemon *d)
{
	const struct policy *p = d->engine->policy;

	if (!d->journal)
		return;
	if (!p->journal) {
		journal_close(d->journal);
		free(d->journal_dir);
		d->journal = NULL;
		d->journal_dir = NULL;
		return;
	}
	journal_configure(d->journal, p->journal_keep,
			  p->journal_unsynced ? JOURNAL_SYNC_NONE : JOURNAL_SYNC_SECOND);
}

/* At the start a journal that cannot be opened stops nothing: the host stays protected, loudly. */
void daemon_journal_start(struct daemon *d)
{
	if (daemon_journal_load(d, d->engine, stderr))
		daemon_tell(
			d, "journal-failed",
			"%s cannot be opened: events are not journaled; tried again each minute",
			d->engine->policy->journal);
}

void daemon_journal_add(struct daemon *d, const char *line, size_t len)
{
	int r = d->journal ? journal_append(d->journal, line, len) : 0;

	if (r == -EMSGSIZE && !d->journal_long++)
		diag_say("an event of %zu bytes is too long for the journal: it is not journaled",
			 len);
}

void daemon_journal_flush(struct daemon *d)
{
	int r;

	if (!d->journal)
		return;
	r = journal_flush(d->journal);
	if (r < 0 && !d->journal_error)
		diag_say("%s: the journal cannot be written: %s; counting what is lost, "
			 "enforcement goes on",
			 d->journal_dir, strerror(-r));
	d->journal_error = r;
}

static void tell_lost(struct daemon *d)
{
	uint64_t lost = journal_take_lost(d->journal);

	if (lost)
		daemon_tell(d, "lost-events",
			    "%" PRIu64
			    " records could not be written to the journal %s; there is room again",
			    lost, d->journal_dir);
}

static void tell_pruned(struct daemon *d)
{
	uint64_t first = journal_take_pruned(d->journal);

	if (first)
		daemon_tell(d, "journal-pruned",
			    "%s: records before %" PRIu64
			    " are past the time that the policy keeps them",
			    d->journal_dir, first);
}

static void send_checkpoint(struct daemon *d, const char *note)
{
	struct event e = {.kind = EVENT_STATE,
			  .action = "journal-checkpoint",
			  .time_ns = loop_unix_ns(),
			  .detail = "the signed root of the journal's records so far",
			  .checkpoint = note,
			  .verifier = journal_verifier(d->journal),
			  .policy = d->engine->policy,
			  .enforced = d->mode == MODE_ENFORCE};

	daemon_feed(d, &e);
}

void daemon_journal_second(struct daemon *d)
{
	const char *note;

	if (!d->journal) {
		if (d->engine->policy->journal && d->ticks % RETRY_EVERY == 0)
			daemon_journal_load(d, d->engine, stderr);
		return;
	}
	daemon_journal_flush(d);
	tell_lost(d);
	tell_pruned(d);
	note = journal_tick(d->journal, (int64_t)(loop_unix_ns() / LOOP_SECOND));
	if (note)
		send_checkpoint(d, note);
}

/* The last checkpoint goes out before the feeds are closed. */
void daemon_journal_stop(struct daemon *d)
{
	const char *note = d->journal ? journal_finish(d->journal) : NULL;

	if (note)
		send_checkpoint(d, note);
	journal_close(d->journal);
	free(d->journal_dir);
	d->journal = NULL;
	d->journal_dir = NULL;
}

json_t *daemon_journal_status(const struct daemon *d)
{
	struct journal_state s;

	if (!d->journal)
		return json_null();
	journal_state(d->journal, &s);
	return json_pack("{sssIsIsIsIsIsssosb}", "directory", d->journal_dir, "records",
			 (json_int_t)s.records, "signed", (json_int_t)s.signed_records, "waiting",
			 (json_int_t)s.waiting, "lost", (json_int_t)s.lost, "tiles_missing",
			 (json_int_t)s.tiles_missing, "verifier", journal_verifier(d->journal),
			 "error", s.error ? json_string(strerror(-s.error)) : json_null(),
			 "signing", s.sign_error == 0);
}
