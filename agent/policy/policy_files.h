/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_files.h - a policy of several files as one text that stands alone.
 *
 * 'include "FILE"' gives way to what the file holds (a pattern: to all that it finds, by name), 'list NAME file "FILE"' to
 * a list with the file's prefixes. The text then begins with "#@ whole", and lines '#@ "FILE" N' say where what follows
 * stands: rules/parse reads them, so that errors and rules name the file's own line. Names are relative to the policy's
 * folder, so that the sum of the text does not depend on how the policy was called. A policy that includes nothing is
 * its own text, to the byte; a text that begins so is whole already.
 */
#ifndef AGENT_POLICY_POLICY_FILES_H
#define AGENT_POLICY_POLICY_FILES_H
#include <stddef.h>
#include "geo/base/diag.h"

#define POLICY_FILES_MAX   256	      /* files that one policy is made of */
#define POLICY_FILES_DEPTH 8	      /* files within files */
#define POLICY_FILES_BYTES (4u << 20) /* of all of them */

/* malloc'ed, with a NUL that *len does not count. 0; -EINVAL after errors of what is included went to d; else -errno of
 * the policy's own file, of which nothing is said; of a text larger than POLICY_FILES_BYTES -EFBIG. */
int policy_files_read(char **ret, size_t *len, const char *path, struct diag_sink *d);
/* The same of a text that has been read from path. */
int policy_files_whole(char **ret, size_t *len, const char *path, const char *text, size_t n,
		       struct diag_sink *d);
/* The lines of the policy's own file that a whole text has: the number of its last. */
unsigned policy_files_lines(const char *text, size_t len);
#endif
