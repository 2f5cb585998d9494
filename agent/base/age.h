/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * age.h - seals what is written to a public key, in the age format (age-encryption.org/v1, X25519
 * recipients): 'age -d -i KEY FILE' opens it. What was sealed cannot be read back here.
 *
 *     header (recipient stanza, MAC) | nonce | chunks of 64 KB, each ChaCha20-Poly1305
 */
#ifndef AGENT_BASE_AGE_H
#define AGENT_BASE_AGE_H
#include <stdint.h>
#include <stdio.h>

#define AGE_RECIPIENT 32
/* "age1..." (Bech32). 0 or -EINVAL. */
int age_recipient(uint8_t ret[AGE_RECIPIENT], const char *text);
/* A stream whose bytes go sealed into 'to', which stays the caller's. fclose() of it writes the last
 * chunk, and must be checked: without that chunk the file does not open. NULL with errno. */
FILE *age_seal(FILE *to, const uint8_t recipient[AGE_RECIPIENT]);
#endif
