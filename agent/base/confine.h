/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine.h - who reads foreign bytes gives away what he does not need for it: files but those named (Landlock), system
 * calls but those of reading and writing (seccomp), and root's privileges. What a flaw in a decoder could be used for is
 * then what the program was to do anyway.
 *
 *     confine_new -> confine_read(path) ... confine_write(path) ... -> confine_done: for all threads begun after it
 */
#ifndef AGENT_BASE_CONFINE_H
#define AGENT_BASE_CONFINE_H
#include <stdbool.h>

struct confine;
struct confined {
	int landlock; /* the kernel's version of it; 0: it has none, files can be opened as before */
	bool seccomp;	 /* false: the kernel has none */
	bool privileges; /* of root: all are given away but those of reading and writing files */
};
int confine_new(struct confine **ret);
void confine_free(struct confine *c); /* NULL is fine */
/* A file that will be opened for reading. One that is not there cannot be opened later either. */
void confine_read(struct confine *c, const char *path);
/* A file that will be made or replaced, with whatever its writer puts beside it. NULL is fine. */
void confine_write(struct confine *c, const char *path);
/* No way back. 0, or -errno: it could not be done though the kernel offers it. */
int confine_done(struct confine *c, struct confined *ret);
#endif
