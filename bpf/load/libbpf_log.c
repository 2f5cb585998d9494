/* SPDX-License-Identifier: BSD-2-Clause */
/* libbpf_log.c - keeps libbpf from printing, and its first warning for the one sentence that the
 * caller prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/load/kernel_private.h"

#define LOG_BEGIN "-- BEGIN PROG LOAD LOG --"

static _Thread_local char libbpf_log_first[256];

static bool is_statistics(const char *line)
{
	return !strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth", 11) || !strncmp(line, "-- END", 6);
}

/* Of the verifier's log, the last line that is no statistics says why. */
static const char *log_reason(char *log)
{
	char *line, *why = NULL;

	while ((line = strsep(&log, "\n")))
		if (*line && !is_statistics(line))
			why = line;
	return why ? why : "";
}

static int libbpf_log_keep(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text = NULL, *log;

	if (level != LIBBPF_WARN || vasprintf(&text, fmt, ap) < 0)
		return 0;
	log = strstr(text, LOG_BEGIN);
	if (log) {				       /* says more than the warning before it */
		const char *name = strchr(text, '\''); /* libbpf: prog 'NAME': */

		snprintf(libbpf_log_first, sizeof(libbpf_log_first), "%.*s%s%s",
			 name && name < log ? (int)strcspn(name + 1, "'") : 0, name ? name + 1 : "",
			 name && name < log ? ": " : "", log_reason(log));
	} else if (!libbpf_log_first[0])
		snprintf(libbpf_log_first, sizeof(libbpf_log_first), "%.*s",
			 (int)strcspn(text, "\n"), text);
	free(text);
	return 0;
}

void libbpf_log_begin(void)
{
	libbpf_set_print(libbpf_log_keep);
	libbpf_log_first[0] = 0;
}

const char *libbpf_log_text(void)
{
	return libbpf_log_first[0] ? libbpf_log_first : "no reason given";
}
