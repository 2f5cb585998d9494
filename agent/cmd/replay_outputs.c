/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_outputs.c - what is written must be none of what is read, nor twice the same: a capture that a typing
 * mistake replaced by its own summary is evidence that is gone. Said before the first packet, not hours after. */
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"

#define OUTPUTS 6

struct output {
	const char *option, *path;
	struct stat st; /* st_ino 0: not there yet; then of its folder, with last */
	struct stat folder;
	char last[256];
};

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool reads(const struct output *o, const char *path)
{
	struct stat st;

	return path && S_ISREG(o->st.st_mode) && stat(path, &st) == 0 && same(&o->st, &st);
}

static int refuse(const struct output *o)
{
	char name[REPLAY_NAME];

	return diag_usage("replay", "%s %s would overwrite what is read", o->option,
			  replay_name(name, o->path));
}

static int against_inputs(const struct replay *r, const struct output *o)
{
	if (reads(o, r->config.policy) || reads(o, r->other) || reads(o, r->key))
		return refuse(o);
	for (size_t i = 0; i < r->config.ngeo; i++)
		if (reads(o, r->config.geo[i]))
			return refuse(o);
	for (size_t i = 0; S_ISREG(o->st.st_mode) && i < r->ncaptures; i++)
		if (r->captures[i].inode == o->st.st_ino && r->captures[i].device == o->st.st_dev)
			return refuse(o);
	return 0;
}

/* Names that are not there yet are the same when they are so in the same folder. Devices may take everything. */
static bool clash(const struct output *a, const struct output *b)
{
	if (a->st.st_ino || b->st.st_ino)
		return S_ISREG(a->st.st_mode) && same(&a->st, &b->st);
	return same(&a->folder, &b->folder) && !strcmp(a->last, b->last);
}

/* 0, or an exit code after a sentence */
static int look(struct output *o)
{
	char name[REPLAY_NAME], copy[4096];

	if (!strcmp(o->path, "-"))
		return diag_usage("replay",
				  "%s takes a file: only --summary can go to standard output",
				  o->option);
	if (stat(o->path, &o->st) < 0)
		o->st = (struct stat){0};
	if (text_put(copy, sizeof(copy), "%s", o->path) >= sizeof(copy) - 1)
		errno = ENAMETOOLONG;
	else if (S_ISDIR(o->st.st_mode))
		errno = EISDIR;
	else if (stat(dirname(copy), &o->folder) == 0) {
		text_put(copy, sizeof(copy), "%s", o->path);
		text_put(o->last, sizeof(o->last), "%s", basename(copy));
		return 0;
	}
	diag_say("%s: cannot be written: %m", replay_name(name, o->path));
	return EXIT_FAILED;
}

int replay_outputs(const struct replay *r)
{
	struct output out[OUTPUTS] = {
		{.option = "--summary", .path = r->summary},
		{.option = "--csv", .path = r->csv},
		{.option = "--html", .path = r->html},
		{.option = "--evidence", .path = r->evidence},
		{.option = "--manifest", .path = r->manifest},
		{.option = "--ledger", .path = r->ledger_path},
	};
	char name[REPLAY_NAME];

	for (unsigned i = 0; i < OUTPUTS; i++) {
		struct output *o = &out[i];
		int result = 0;

		if (!o->path || (i == 0 && !strcmp(o->path, "-"))) {
			o->path = NULL;
			continue;
		}
		result = look(o);
		result = result ? result : against_inputs(r, o);
		if (result)
			return result;
		for (unsigned k = 0; k < i; k++)
			if (out[k].path && clash(&out[k], o))
				return diag_usage("replay", "%s and %s are the same file: %s",
						  out[k].option, o->option,
						  replay_name(name, o->path));
	}
	return 0;
}
