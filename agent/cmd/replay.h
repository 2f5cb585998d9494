/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.h - the state of one 'cordon replay', shared by its files: which captures (replay_input.c),
 * in what order (replay_read.c), which of their packets (replay_filter.c), what was damaged or not
 * judged (replay_damage.c), and what was found (replay_summary.c).
 */
#ifndef AGENT_CMD_REPLAY_H
#define AGENT_CMD_REPLAY_H
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include "agent/flow/pipeline.h"
#include "geo/distance/suspect.h"
#include "agent/base/confine.h"
#include "agent/base/json_writer.h"
#include "agent/source/capture.h"

#define REPLAY_NAME 512

enum replay_state {
	REPLAY_WAITING, /* not read to its end */
	REPLAY_READ,
	REPLAY_COPY,   /* of another one, which counts */
	REPLAY_PASSED, /* no capture, and not asked for by name */
	REPLAY_UNREAD  /* told, and in the exit code */
};
struct replay_capture {
	char *path; /* owned */
	char sha256[65];
	uint64_t size;
	ino_t inode;
	dev_t device;
	bool regular;
	bool listed;	   /* named on the command line, not found in a directory */
	uint64_t first_ns; /* where it stands in the order */
	enum replay_state state;
	uint64_t packets, first_seen, last_seen;
	uint64_t damaged[CAPTURE_DAMAGES], lost;
	struct capture_note *note; /* owned */
	size_t nnotes;
};
struct replay {
	struct engine_config config;
	struct cidr *inside; /* owned */
	const char **geo;    /* owned array of argv's strings */
	char **places;	     /* owned: the databases of --places-as-of */
	size_t nplaces;
	uint64_t places_ns;		       /* 0: those of today */
	const char *summary;		       /* path, "-", or NULL */
	const char *evidence, *manifest, *key; /* paths, or NULL */
	const char *ledger_path;	       /* or NULL */
	struct ledger_import *ledger;	       /* owned */
	FILE *names;			       /* beside that ledger; NULL: not wanted */
	bool only_ledger;		       /* nothing goes to standard output */
	struct evidence *evidence_file;
	uint64_t evidence_packets;
	int argc;
	char **argv;
	const char *other;	  /* policy that this one is compared with, or NULL */
	struct replay_diff *diff; /* owned */
	bool as_json;
	bool all;		/* destinations inside too */
	size_t top;		/* rows of each list of the summary; 0: all */
	const char *csv, *html; /* paths, or NULL */
	bool sums;		/* of the captures are wanted */
	bool failed;		/* some file that was named could not be read at all */
	bool interrupted;	/* a signal came before everything was read */
	bool dedup;
	uint64_t now_ns; /* what a packet without a time is judged as of */
	void (*event)(void *arg, struct event *e);
	const char *filter;
	struct replay_programs *programs; /* owned */
	uint64_t from_ns, to_ns;
	uint64_t filtered; /* packets that were not asked for */
	size_t read;	   /* captures read to their end */
	size_t flows_max;
	uint64_t memory;		 /* bound in bytes; 0: none */
	struct replay_capture *captures; /* owned */
	size_t ncaptures;
	struct engine **engines; /* owned; one for each stretch of time; [0]: of now */
	size_t nengines;
	struct pipeline *pipeline;
	struct json_writer json;
	struct suspect suspect; /* a proxy that answers for all countries */
	uint64_t damaged[CAPTURE_DAMAGES];
	uint64_t skipped; /* files of a directory that are no captures */
	uint64_t unread;  /* files, folders and links that could not be read */
	uint64_t twice;	  /* files that are others */
	int error;	  /* of writing events */
	struct confined confined;
	/* progress */
	bool terminal;
	uint64_t done_bytes, all_bytes, began_ns, said_ns;
	unsigned rounds;
};

/* input: a file, a directory, a pattern, "-"; or a file with such, a line each. 0 or -errno, told. */
int replay_add(struct replay *r, const char *path);
int replay_add_list(struct replay *r, const char *list);
void replay_find_copies(struct replay *r);
struct capture *replay_open(struct replay *r, struct replay_capture *c); /* NULL: told */
const char *replay_name(char buf[REPLAY_NAME], const char *path);	 /* for a terminal */

/* memory: sets r->memory; 0, or an exit code after a sentence */
int replay_memory(struct replay *r, const char *text);
void replay_share_memory(const struct replay *r, struct pipeline_config *cfg);
void replay_say_memory(const struct pipeline_counts *c); /* which tables were full */

/* places: those of --places-as-of into r->config. 0, or an exit code after sentences */
int replay_places(struct replay *r);
void replay_places_free(struct replay *r);

/* confine: from now on only what is still needed can be opened. 0, or -errno after a sentence */
int replay_confine(struct replay *r);

/* read */
int replay_start(struct replay *r); /* policy, places, pipeline */
int replay_read(struct replay *r);  /* every packet. 0 or -errno */
bool replay_goes_on(const struct replay *r);

/* filter */
int replay_filter_check(struct replay *r); /* 0, or an exit code after a sentence */
void replay_filter_free(struct replay *r);
unsigned replay_filter(struct replay *r, struct packet_frame *f, unsigned n); /* how many stay */
int replay_time(uint64_t *ret, const char *text); /* a date, date and time, or Unix seconds */

/* outputs: none of what is read, nor twice the same. 0, or an exit code after a sentence */
int replay_outputs(const struct replay *r);

/* damage */
bool replay_damaged(const struct replay *r);
void replay_say_damage(const struct replay *r); /* on stderr */
void replay_put_damage(struct json_writer *j, const struct replay *r);
void replay_put_inputs(struct json_writer *j, const struct replay *r);

/* "Ethernet (1), type 0x88e5: encrypted below IP" */
const char *replay_kind_text(char *buf, size_t size, const struct pipeline_kind *k);

struct report;
/* The summary's text in r->json. NULL: no memory. */
const char *replay_summary(struct replay *r, const struct report *p, int exit_code);
void replay_progress(struct replay *r, uint64_t bytes);
void replay_progress_end(struct replay *r);
#endif
