/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quic.h - what a QUIC client's first datagrams carry: Initial packets of version 1 (RFC 9000,
 * 9001), version 2 (RFC 9369) and draft 29, whose key anybody can derive from their connection id.
 */
#ifndef AGENT_NAMES_QUIC_H
#define AGENT_NAMES_QUIC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_PIECES_MAX 24 /* CRYPTO frames of a datagram; what is past it is not taken */
#define QUIC_PLAIN_MAX	2048

/* A piece of the client's handshake: bytes from this offset on. */
struct quic_piece {
	uint64_t offset;
	const uint8_t *p; /* into quic.plain */
	size_t len;
};
struct quic {
	uint32_t version;
	struct quic_piece piece[QUIC_PIECES_MAX];
	unsigned npieces;
	uint8_t plain[QUIC_PLAIN_MAX];
};
/* The UDP payload of a client's datagram, with all Initial packets that share it. 0: *ret has the
 * pieces (there may be none); -ENOMSG: no Initial of a version that is known; -EBADMSG: it does not
 * decrypt as a client's first. */
int quic_initial(struct quic *ret, const uint8_t *p, size_t len);
/* Appends the pieces that these frames, decrypted, hold; up to the first that an Initial may not have. */
void quic_frames(struct quic *q, const uint8_t *p, size_t n);
/* Does it look like the first packet of a QUIC connection, of any version? */
bool quic_long_header(const uint8_t *p, size_t len);
#endif
