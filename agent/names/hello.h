/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hello.h - whom the first bytes of a connection are meant for: the server name of a TLS ClientHello
 * (RFC 6066), also behind PostgreSQL's and MySQL's requests for TLS, and the Host of an HTTP
 * request. No state, no allocation: the bytes from the connection's beginning, as far as they are
 * known.
 */
#ifndef AGENT_NAMES_HELLO_H
#define AGENT_NAMES_HELLO_H
#include "agent/names/text.h"

#define HELLO_MAX 16384 /* bytes after which nothing is waited for any more */

enum hello_kind { HELLO_NONE, HELLO_TLS, HELLO_QUIC, HELLO_HTTP, HELLO_CONNECT };
struct hello {
	enum hello_kind kind;
	char name[NAMES_TEXT]; /* "": it names nobody */
	char alpn[16]; /* the first protocol that the client offers; "" = none, or hostile */
	/* An encrypted ClientHello (RFC 9849), or what pretends to be one: the name that stands
	 * outside need not be the one that is meant. */
	bool ech;
};
/* 0: *ret says all that there is, kind HELLO_NONE: nothing of this kind; -EAGAIN: more bytes could
 * say more. */
int hello_stream(struct hello *ret, const uint8_t *p, size_t len);
/* A TLS handshake message from its type on, as QUIC carries it too. As above. */
int hello_handshake(struct hello *ret, const uint8_t *p, size_t len);
#endif
