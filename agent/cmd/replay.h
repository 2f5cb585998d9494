/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.h - the state of one 'cordon replay', shared by the verb, its summary and its progress
 * line. */
#ifndef AGENT_CMD_REPLAY_H
#define AGENT_CMD_REPLAY_H
#include <stdbool.h>
#include <stdio.h>
#include "agent/flow/pipeline.h"
#include "agent/base/json_writer.h"
#include "agent/source/capture.h"

struct replay_capture {
	char *path; /* owned */
	char sha256[65];
	uint64_t size;
	bool listed; /* named on the command line, not found in a directory */
};
struct replay {
	struct engine_config config;
	struct cidr *inside; /* owned */
	const char **geo;    /* owned array of argv's strings */
	const char *summary; /* path, "-", or NULL */
	bool all;	     /* destinations inside too */
	bool failed;	     /* some file could not be read at all */
	bool interrupted;    /* a signal came before everything was read */
	size_t read;	     /* captures read to their end */
	size_t flows_max;
	struct replay_capture *captures; /* owned */
	size_t ncaptures;
	struct engine **engines; /* owned; the last one decides */
	size_t nengines;
	int64_t next_change; /* Unix seconds: the policy must be compiled again */
	struct pipeline *pipeline;
	struct json_writer json;
	uint64_t damaged[CAPTURE_DAMAGES];
	uint64_t skipped; /* files of a directory that are no captures */
	int error;	  /* of writing events */
	/* progress */
	bool terminal;
	uint64_t done_bytes, all_bytes, began_ns, said_ns;
	unsigned rounds;
};
/* The summary's text in r->json. NULL: no memory. */
const char *replay_summary(struct replay *r, int exit_code);
bool replay_damaged(const struct replay *r);
void replay_say_damage(const struct replay *r); /* on stderr, a line a kind */
void replay_progress(struct replay *r, uint64_t bytes);
void replay_progress_end(struct replay *r);
#endif
