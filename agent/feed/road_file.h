/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * road_file.h - the road to a file, a pipe or standard output: one line, one write, O_APPEND, so that readers and
 * rotation never see half a line.
 *
 * Once a second the name is looked at: a file that was removed, renamed or replaced is left, and the name opened anew. The
 * record of what left the host is worth leading astray: the name may be no symbolic link, the file must belong to root or
 * to us, and so must every directory above it, which nobody else may write in (but for a sticky one, as /tmp).
 */
#ifndef AGENT_FEED_ROAD_FILE_H
#define AGENT_FEED_ROAD_FILE_H
#include "agent/feed/road.h"

/* path "-": standard output. Made with 0640 when missing. A torn last line of a crashed agent is ended first. */
int road_file_open(struct road **ret, const char *path);
/* May the file be written there? 0 or -errno as above; the file need not exist, and is not made. */
int road_file_check(const char *path);
/* What to say of an error of a road to a file. */
const char *road_file_error(int error);
#endif
