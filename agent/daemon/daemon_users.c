/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_users.c - the users that the policy names, as the kernel wants them: by number.
 *
 * The name service is asked in a thread (agent/host/names.h). A name of the local file is there at once; one that a
 * directory server knows comes when it comes, and the kernel is told then. Until it comes the subject matches nobody
 * by that name, which is said.
 */
#include <errno.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"

#define SETTLE_MS 300 /* at a start and a reload only */

/* The next 'user' of the compiled policy after (*subject, *atom); NULL: no more. */
static const struct subject_atom *next_user(const struct compiled *c, uint32_t *subject,
					    size_t *atom)
{
	for (; *subject < c->header.subjects && *subject < DECIDE_SUBJECTS_MAX;
	     ++*subject, *atom = 0) {
		const struct subject_def *s = c->subjects[*subject];

		while (s && *atom < s->natoms) {
			const struct subject_atom *a = &s->atoms[(*atom)++];

			if (a->type == SUBJECT_USER)
				return a;
		}
	}
	return NULL;
}

/* A number may be written instead of a name; a user who is called like a number goes first. */
static int user_number(struct daemon *d, const char *text, uint32_t *uid)
{
	int r = names_uid(d->name_service, text, uid);
	uint64_t number;

	if (r == 0 || text_number(&number, text, UINT32_MAX) < 0)
		return r;
	*uid = (uint32_t)number;
	return 0;
}

static bool listed(const struct kernel_mask *m, size_t n, uint32_t uid)
{
	for (size_t i = 0; i < n; i++)
		if (m[i].id == uid)
			return true;
	return false;
}

static void say_unknown(const struct compiled *c, const struct subject_atom *a, int r, FILE *to)
{
	if (r == -EAGAIN)
		fprintf(to,
			"%s:%u: warning: the name service has not said yet who '%s' is: until it does, the "
			"subject matches nobody\n",
			a->file ? a->file : c->policy->file, a->line, a->text);
	else
		fprintf(to,
			"%s:%u: warning: this host has no user '%s': the subject matches nobody; asked "
			"again every ten seconds\n",
			a->file ? a->file : c->policy->file, a->line, a->text);
}

static void ask_all(struct daemon *d, const struct compiled *c)
{
	const struct subject_atom *a;
	uint32_t subject = 0, uid;
	size_t atom = 0;
	bool wait = false;

	while ((a = next_user(c, &subject, &atom)))
		wait |= names_uid(d->name_service, a->text, &uid) == -EAGAIN;
	if (wait)
		names_settle(d->name_service, SETTLE_MS);
}

size_t daemon_users(struct daemon *d, const struct compiled *c, struct kernel_mask *ret,
		    size_t room, FILE *to)
{
	const struct subject_atom *a;
	uint32_t subject = 0, uid;
	size_t atom = 0, n = 0;

	ask_all(d, c);
	d->nusers = 0;
	d->users_of = c;
	while ((a = next_user(c, &subject, &atom))) {
		int r = user_number(d, a->text, &uid);

		if (r < 0) {
			names_hold(d->name_service, a->text);
			say_unknown(c, a, r, to);
		} else {
			names_release(d->name_service, a->text);
		}
		if (r == 0 && !listed(ret, n, uid) && n < room)
			ret[n++] = (struct kernel_mask){uid, compiled_user_mask(c, a->text, uid)};
		if (d->nusers < DAEMON_USERS_MAX)
			d->users[d->nusers++] = (struct daemon_user){.known = r == 0, .uid = uid};
	}
	return n;
}

/* Somebody who was not known is, or has another number now: the one who had it is nobody special. */
static void user_is(struct daemon *d, const struct subject_atom *a, struct daemon_user *u,
		    uint32_t uid)
{
	const struct compiled *c = d->engine->compiled;
	char where[POLICY_WHERE];

	if (u->known)
		kernel_user_set(d->kernel, u->uid, compiled_user_mask(c, NULL, u->uid));
	*u = (struct daemon_user){.known = true, .uid = uid};
	names_release(d->name_service, a->text);
	if (kernel_user_set(d->kernel, uid, compiled_user_mask(c, a->text, uid)) < 0)
		return;
	if (d->kernel_source)
		kernel_source_users(d->kernel_source, loop_unix_ns());
	daemon_tell(d, "user-resolved", "%s: '%s' is user %u",
		    policy_where(where, a->file, a->line), a->text, uid);
}

void daemon_check_users(struct daemon *d)
{
	const struct compiled *c = d->engine->compiled;
	const struct subject_atom *a;
	uint32_t subject = 0, uid;
	size_t atom = 0, i = 0;

	if (d->users_of != c) { /* of a policy that did not come into force */
		memset(d->users, 0, sizeof(d->users));
		d->users_of = c;
	}
	while (i < DAEMON_USERS_MAX && (a = next_user(c, &subject, &atom))) {
		struct daemon_user *u = &d->users[i++];

		if (user_number(d, a->text, &uid) == 0 && (!u->known || u->uid != uid))
			user_is(d, a, u, uid);
	}
}
