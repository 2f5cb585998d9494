/*
 * outputs.h - a signed note over files that were written: one JSON line that names each with its SHA-256, in "outputs",
 * then the signature (C2SP signed-note). OpenSSL or 'cordon verify --note' checks it.
 */
#ifndef AGENT_REPORT_OUTPUTS_H
#define AGENT_REPORT_OUTPUTS_H
#include <stdbool.h>
#include <stdio.h>
#include "agent/base/json_writer.h"
#include "geo/base/diag.h"

/* {"file": path, "sha256": ...}; nothing for NULL and "-", which is no file. 0 or -errno. */
int outputs_put(struct json_writer *j, const char *path);
/* json without its newline, to path; signed when key (a PEM file, made when it is not there) is not NULL, by the key's
 * name. *verifier, malloc'ed: who signed, or NULL. 0 or -errno after a diag. */
int outputs_write(char **verifier, const char *path, const char *json, const char *key,
		  const char *name, struct diag_sink *d);

struct outputs_found {
	unsigned files, changed, missing;
	bool bad_note, bad_signature;
};
typedef void outputs_fn(void *arg, const char *file,
			const char *what); /* "ok", "changed", "missing" */
/* Each file of the note: beside it by its last name, else as the note says. 0 or -errno after a diag. */
int outputs_check(struct outputs_found *ret, const char *path, const char *verifier, outputs_fn *fn,
		  void *arg, struct diag_sink *d);
#endif
