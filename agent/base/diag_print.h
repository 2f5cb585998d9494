/* SPDX-License-Identifier: BSD-2-Clause */
/* diag_print.h - exit codes, and the only place where an error or a policy diagnostic becomes text. */
#ifndef AGENT_BASE_DIAG_PRINT_H
#define AGENT_BASE_DIAG_PRINT_H
#include <stdio.h>
#include "geo/base/diag.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_POLICY = 3,   /* the policy is wrong */
	EXIT_TRANSFER = 4, /* replay: a transfer that the policy blocks or alerts on */
	EXIT_DAMAGED = 5,  /* the input was damaged; wins over EXIT_TRANSFER */
};

/* One line on standard error: "cordon: " and the sentence. */
void diag_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, followed by where help is; returns EXIT_USAGE. */
int diag_usage(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A sink that prints "file:line:column: error: text" and, where it can read the file, the line with
 * a caret. */
struct diag_print {
	struct diag_sink sink; /* pass this on */
	FILE *to;
	char *path, *text; /* the file whose lines were shown last; owned */
	size_t len;
};
void diag_print_init(struct diag_print *p, FILE *to);
/* Use this text as the contents of path (standard input, a text in memory). Copied. */
int diag_print_source(struct diag_print *p, const char *path, const char *text, size_t len);
void diag_print_done(struct diag_print *p);
#endif
