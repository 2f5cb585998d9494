/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * note.h - signed notes and Ed25519 keys as C2SP writes them (signed-note, tlog-checkpoint), so
 * that public tools and OpenSSL alone can check what cordon signs.
 *
 *     text, ends in a newline
 *
 *     — NAME base64(key id, 4 bytes || signature, 64 bytes)
 *
 * key id = the first four bytes of SHA-256(NAME || newline || 0x01 || public key). The verifier
 * line of a key is NAME+hex(key id)+base64(0x01 || public key).
 */
#ifndef AGENT_JOURNAL_NOTE_H
#define AGENT_JOURNAL_NOTE_H
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"

#define NOTE_NAME_MAX	  256
#define NOTE_VERIFIER_MAX 352
#define NOTE_TEXT_MAX	  (1u << 20)

struct note_key; /* owned by the caller */
/* The private key in a PEM file (PKCS #8), made with mode 0600 when there is none and make is set;
 * name is the key's name (no spaces, no '+'). 0 or -errno after a diag. */
int note_key_open(struct note_key **ret, const char *path, const char *name, int make,
		  struct diag_sink *d);
/* From a verifier line: checks only. -EINVAL. */
int note_key_parse(struct note_key **ret, const char *verifier);
void note_key_free(struct note_key *k); /* NULL is fine */
const char *note_key_name(const struct note_key *k);
const char *note_key_verifier(const struct note_key *k);
/* The SubjectPublicKeyInfo in PEM, for 'openssl pkeyutl -verify -pubin'. malloc'ed; NULL. */
char *note_key_pem(const struct note_key *k);

/* The whole note, malloc'ed with a NUL. text is UTF-8 and ends in a newline. 0, -EINVAL, -ENOMEM,
 * -EIO. */
int note_sign(char **ret, const struct note_key *k, const char *text, size_t n);
/* 0: signed by this key; *text_len is how much of note is its text. -ENOKEY: no signature of this
 * key; -EBADMSG: one that is wrong; -EINVAL: not a note. */
int note_verify(const struct note_key *k, const char *note, size_t n, size_t *text_len);
#endif
