/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_quarantine.c - 'cordon quarantine': the file is changed, the policy in force is loaded again with it, and when
 * that fails the file is as it was.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "agent/engine/quarantine.h"
#include "geo/base/cleanup.h"

#define UNREAD                                                                                     \
	"the quarantine cannot be read: what was in force of it still is, and nothing is changed " \
	"until the file is put right or removed"

const char *daemon_quarantine_path(const struct daemon *d, char buf[512])
{
	if (!d->cfg.state || strlen(d->cfg.state) > 400)
		return NULL;
	text_put(buf, 512, "%s/" QUARANTINE_FILE, d->cfg.state);
	return buf;
}

static json_t *refuse(int code, const char *why, const char *diagnostics)
{
	return json_pack("{sbsissss}", "ok", 0, "exit", code, "error", why, "diagnostics",
			 diagnostics ? diagnostics : "");
}

static json_t *list(const struct quarantine *q, const struct daemon *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < q->n; i++) {
		const struct quarantine_entry *e = &q->entry[i];
		char address[IP_STRLEN], until[TEXT_SHORT], since[TEXT_SHORT];

		json_array_append_new(
			a, json_pack("{ss ss ss ss*}", "address", cidr_format(address, &e->to),
				     "until", text_time(until, e->until), "since",
				     text_time(since, e->since), "because", e->because));
	}
	return json_pack("{sbsisosssb}", "ok", 1, "exit", 0, "quarantine", a, "mode",
			 daemon_mode_name(d->mode), "kernel", d->kernel != NULL);
}

/* Text that is a line of the file. */
static bool plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static const char *entry_of(struct quarantine_entry *e, const json_t *request, int64_t now)
{
	const char *address = json_string_value(json_object_get(request, "address"));
	const char *because = json_string_value(json_object_get(request, "because"));
	json_int_t seconds = json_integer_value(json_object_get(request, "seconds"));
	bool add = json_object_get(request, "seconds") != NULL;

	*e = (struct quarantine_entry){.since = now, .until = now + seconds};
	if (!address || cidr_parse(&e->to, address) < 0)
		return "an address or a prefix without host bits is wanted";
	(void)cidr_mapped(&e->to, &e->to); /* ::ffff:a.b.c.d is sent as IPv4 */
	if (!add)
		return NULL;
	if (seconds < 1 || seconds > QUARANTINE_SECONDS)
		return "--for takes 1 second to 366 days";
	if (!because || !*because || strlen(because) > QUARANTINE_BECAUSE || !plain(because))
		return "--because takes one line of at most 200 bytes";
	text_put(e->because, sizeof(e->because), "%s", because);
	return NULL;
}

/* What was before is in force still when it could not be loaded: then the file says so again. */
static json_t *apply(struct daemon *d, struct quarantine *q, const struct quarantine *before,
		     const char *path)
{
	_free_ char *said = NULL;
	struct diag_print p;
	size_t len;
	FILE *to = open_memstream(&said, &len);
	int r;

	if (!to)
		return refuse(EXIT_FAILED, "not enough memory", NULL);
	diag_print_init(&p, to);
	r = quarantine_write(q, path, &p.sink) < 0 ? EXIT_FAILED : daemon_load_held(d, to);
	if (r)
		quarantine_write(before, path, &p.sink);
	diag_print_done(&p);
	fclose(to);
	return r ? refuse(r, "not changed: the quarantine is as it was", said) : list(q, d);
}

static json_t *change(struct daemon *d, const json_t *request, struct quarantine *q,
		      const char *path, int64_t now)
{
	_free_ struct quarantine *before = malloc(sizeof(*before));
	bool add = json_object_get(request, "seconds") != NULL;
	char address[IP_STRLEN], until[TEXT_SHORT];
	struct quarantine_entry e;
	const char *wrong = entry_of(&e, request, now);
	json_t *answer;

	if (wrong || !before)
		return refuse(EXIT_USAGE, wrong ? wrong : "not enough memory", NULL);
	*before = *q;
	if (add ? quarantine_put(q, &e) : quarantine_drop(q, &e.to))
		return refuse(EXIT_FAILED,
			      add ? "there are 256 in quarantine, which is the most"
				  : "it is not in quarantine",
			      NULL);
	answer = apply(d, q, before, path);
	if (!json_is_true(json_object_get(answer, "ok")))
		return answer;
	cidr_format(address, &e.to);
	if (add)
		daemon_tell(d, "quarantine-added", "nothing may go to %s until %s: %s", address,
			    text_time(until, e.until), e.because);
	else
		daemon_tell(d, "quarantine-removed", "%s: the policy decides again", address);
	return answer;
}

json_t *daemon_quarantine(struct daemon *d, const json_t *request)
{
	const char *what = json_string_value(json_object_get(request, "do"));
	int64_t now = (int64_t)(loop_unix_ns() / LOOP_SECOND);
	_free_ struct quarantine *q = calloc(1, sizeof(*q));
	_free_ char *said = NULL;
	struct diag_print p;
	char path[512];
	size_t len;
	FILE *to;
	int r;

	if (!q)
		return refuse(EXIT_FAILED, "not enough memory", NULL);
	if (!daemon_quarantine_path(d, path) || access(d->cfg.state, F_OK) < 0)
		return refuse(EXIT_FAILED,
			      "the agent has no state directory (--state) to remember it in", NULL);
	to = open_memstream(&said, &len);
	if (!to)
		return refuse(EXIT_FAILED, "not enough memory", NULL);
	diag_print_init(&p, to);
	r = quarantine_read(q, path, now, &p.sink);
	diag_print_done(&p);
	fclose(to);
	if (r < 0)
		return refuse(EXIT_FAILED, UNREAD, said);
	if (what && strcmp(what, "list") == 0)
		return list(q, d);
	if (what && (strcmp(what, "add") == 0 || strcmp(what, "remove") == 0))
		return change(d, request, q, path, now);
	return refuse(EXIT_USAGE, "'do' is add, list or remove", NULL);
}

void daemon_quarantine_look(struct daemon *d)
{
	bool unread = d->engine->quarantine_unread;
	char path[512];

	if (unread == d->quarantine_unread)
		return;
	d->quarantine_unread = unread;
	if (unread)
		daemon_tell(d, "quarantine-unread",
			    "%s cannot be read: what an agent before this one had in quarantine "
			    "may pass",
			    daemon_quarantine_path(d, path));
	else
		daemon_tell(d, "quarantine-read", "the quarantine can be read again: %zu in force",
			    d->engine->quarantine->n);
}
