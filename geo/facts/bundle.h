/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bundle.h - a directory of facts in one signed file, which installs without a network.
 *
 *	cordon-bundle 1
 *	facts <bytes of FACTS>
 *	<FACTS> <the files that it names, in its order, nothing between>
 *	signature <Ed25519 of all before this line, 64 bytes in hex>
 *
 * The public key is in the program (make BUNDLE_KEY=FILE.pem; else the build makes a pair of its own
 * and the private half stays in build/bundle.key). Everything is checked before anything is written:
 * signature, sizes, digests, that the serial rises, and that this program reads every table in it.
 */
#ifndef GEO_FACTS_BUNDLE_H
#define GEO_FACTS_BUNDLE_H
#include <stddef.h>
#include <stdint.h>
#include "geo/base/diag.h"
#include "geo/facts/manifest.h"

#define BUNDLE_KEY_BYTES 32
#define BUNDLE_BYTES_MAX (64u << 20)

struct bundle {
	struct manifest manifest;
	char *bytes; /* owned: the whole file */
	size_t n;
	size_t facts, facts_size; /* where FACTS is */
	size_t offset[MANIFEST_FILES_MAX];
};
/* The key that was built in, 32 bytes; and the first 8 bytes of its SHA-256 in hex, for people. */
const uint8_t *bundle_key(void);
void bundle_key_name(char buf[17], const uint8_t key[BUNDLE_KEY_BYTES]);

/* All below: 0, or -errno after a diag. *ret untouched on failure; bundle_close() frees. */
int bundle_open(struct bundle *ret, const char *path, const uint8_t key[BUNDLE_KEY_BYTES],
		struct diag_sink *d);
void bundle_close(struct bundle *b);
/* From the tables and lists of a directory, signed with the private key in a PEM file; its FACTS is
 * made anew with this serial and day. The result is read back and every table of it tried. */
int bundle_make(const char *out, const char *directory, const char *private_key, uint64_t serial,
		const char *date, struct diag_sink *d);
/* Into directory, whole or not at all. -EEXIST when the serial does not rise above newest. */
int bundle_install(const struct bundle *b, const char *directory, uint64_t newest,
		   struct diag_sink *d);
#endif
