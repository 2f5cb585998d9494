/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h - alerts to a file or standard output: one line, one write, O_APPEND, so that readers and
 * rotation never see half a line. After a rotation a new one is opened and inherits. A full disk
 * loses lines, counts them, and says when room is back.
 */
#ifndef AGENT_FEED_FILE_H
#define AGENT_FEED_FILE_H
#include <stddef.h>
#include <stdint.h>

struct feed_file;
/* path "-": standard output. Made with 0640 when missing. A torn last line of a crashed agent is
 * ended first. */
int feed_file_open(struct feed_file **ret, const char *path);
void feed_file_close(struct feed_file *f); /* NULL is fine */
/* Goes on counting where the former descriptor of the same path stands. */
void feed_file_inherit(struct feed_file *f, const struct feed_file *former);
/* The line without its newline. 0, or -errno: the line is lost and counted. */
int feed_file_write(struct feed_file *f, const char *line, size_t len);

struct feed_file_state {
	const char *path;
	uint64_t lines, bytes, lost;
	uint64_t lost_now; /* since the last line that went out */
	int error;	   /* errno of the last loss; 0 = none since */
};
void feed_file_state(const struct feed_file *f, struct feed_file_state *ret);
#endif
