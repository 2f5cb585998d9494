/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon_boot.c - a start whose policy or places are wrong: from the last good ones, or as 'boot' says.
 *
 *     what is given                                      told
 *     the given places with the last good policy         policy-fallback
 *     the given policy with the last good places         places-fallback
 *     the last good of both                              both
 *     'boot closed': everything that leaves is blocked   boot-closed
 *     'boot open', or unsaid                             no start: exit 1 or 3
 *
 * The last good policy is used for the same file only: nobody gets another file's policy. What was
 * given is tried again every minute; until then nothing new is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/file.h"
#include "geo/base/sha256.h"
#include "agent/daemon/daemon.h"
#include "agent/policy/policy_files.h"
#include "agent/daemon/last_good.h"
#include "agent/base/text.h"
#include "geo/base/cleanup.h"

static const char closed_policy[] =
	"mode enforce\nboot closed\n"
	"block to any severity critical because \"no good policy and places: boot closed\"\n";

const char *daemon_policy_given(const struct daemon *d)
{
	return d->policy_path  ? d->policy_path
	       : d->cfg.policy ? d->cfg.policy
			       : ENGINE_POLICY_DEFAULT;
}

const char *daemon_policy_on_disk(const struct daemon *d)
{
	const struct policy *p = d->engine->policy;
	_free_ char *text = NULL;
	char sum[65];
	size_t len;
	int err = policy_files_read(&text, &len, daemon_policy_given(d), NULL);

	if (d->engine->policy_shipped)
		return err == -ENOENT ? "shipped" : "differs";
	if (err || sha256_hex(sum, text, len))
		return err == -ENOENT ? "missing" : "differs";
	return strcmp(sum, p->sha256) ? "differs" : "same";
}

/* Is the kept policy of the file that was given? The shipped one has no file. */
static bool is_ours(const struct daemon *d, const struct last_good *l)
{
	return l->policy.path[0] && strcmp(l->policy.from, daemon_policy_given(d)) == 0;
}

static void say_kept(struct daemon *d, const char *what, const struct last_good_file *f,
		     int64_t kept)
{
	size_t at = strlen(d->boot_text);
	char date[TEXT_SHORT];

	text_put(d->boot_text + at, sizeof(d->boot_text) - at,
		 "%s%s %s cannot be loaded: the one of %s is in force, sha256 %.12s",
		 at ? "; " : "", what, f->from, text_time(date, kept), f->sha256);
}

/* One combination; 0 when the engine stands. */
static int try(struct daemon *d, const struct last_good *l, bool policy, bool places)
{
	const char *files[LAST_GOOD_PLACES_MAX];
	struct daemon_load_from from = {.policy = policy ? l->policy.path : NULL};

	if ((policy && !last_good_whole(&l->policy)) || (places && !l->nplaces))
		return EXIT_FAILED;
	for (size_t i = 0; places && i < l->nplaces; i++) {
		if (!last_good_whole(&l->places[i]))
			return EXIT_FAILED;
		files[i] = l->places[i].path;
	}
	from.geo = places ? files : NULL;
	from.ngeo = places ? l->nplaces : 0;
	return daemon_load_other(d, &from);
}

static int fall_back(struct daemon *d, const struct last_good *l)
{
	bool ours = is_ours(d, l);

	for (int way = 1; way <= 3; way++) {
		bool policy = way & 1, places = way & 2;

		if ((policy && !ours) || try(d, l, policy, places))
			continue;
		d->boot_action = policy ? "policy-fallback" : "places-fallback";
		if (policy)
			say_kept(d, "the policy", &l->policy, l->kept);
		if (places)
			say_kept(d, "the places", &l->places[0], l->kept);
		return 0;
	}
	return EXIT_FAILED;
}

/* What the given text says, be it wrong elsewhere; else what the last good one said. */
static enum policy_boot boot_of(const struct daemon *d, const struct last_good *l)
{
	enum policy_boot b = BOOT_UNSAID;
	_free_ char *text = NULL;
	size_t n;

	if (policy_files_read(&text, &n, daemon_policy_given(d), NULL) == 0 ||
	    file_read(&text, &n, AT_FDCWD, daemon_policy_given(d), ENGINE_POLICY_MAX) == 0)
		b = policy_boot(text, n);
	return b ? b : l->boot;
}

int daemon_boot(struct daemon *d)
{
	struct daemon_load_from closed = {.policy = "boot closed",
					  .text = closed_policy,
					  .no_geo = true};
	struct last_good l = {0};
	int r = daemon_load(d, stderr);

	if (r == 0 || r == EXIT_USAGE)
		return r;
	last_good_read(&l, d->cfg.state);
	if (fall_back(d, &l) == 0)
		return 0;
	if (boot_of(d, &l) != BOOT_CLOSED || d->cfg.pcap || d->cfg.mode == MODE_MONITOR)
		return r;
	r = daemon_load_other(d, &closed) ? r : 0;
	if (r)
		return r;
	d->boot_action = "boot-closed";
	text_put(d->boot_text, sizeof(d->boot_text),
		 "%s or its places cannot be loaded, and no good ones from before are kept: "
		 "everything that leaves is blocked",
		 daemon_policy_given(d));
	return 0;
}

void daemon_boot_tell(struct daemon *d)
{
	if (d->boot_action)
		daemon_tell(d, d->boot_action, "%s", d->boot_text);
}

void daemon_boot_retry(struct daemon *d)
{
	if (d->boot_action && daemon_load_given(d) == 0)
		daemon_tell(d, "reloaded", "what was given can be loaded again: %s, sha256 %.12s",
			    d->engine->policy->file, d->engine->policy->sha256);
}

void daemon_keep(struct daemon *d)
{
	int r = d->boot_action ? 0 : last_good_keep(d->cfg.state, d->engine);

	if (r == -ESTALE)
		diag_say(
			"policy or places changed since they were loaded: not kept as the last good ones");
	else if (r < 0)
		diag_say("%s: policy and places are not kept for the next start: %s", d->cfg.state,
			 strerror(-r));
}
