/* SPDX-License-Identifier: BSD-2-Clause */
/* hello.c - TLS records to a ClientHello to its extensions; what databases say before it; HTTP. */
#include <errno.h>
#include <string.h>
#include "agent/base/cursor.h"
#include "agent/names/hello.h"

#define RECORD_HANDSHAKE 22
#define CLIENT_HELLO	 1
#define EXT_NAME	 0
#define EXT_ALPN	 16
#define EXT_ECH		 0xfe0d
#define PG_SSL		 80877103u /* PostgreSQL, 55.7: SSLRequest and GSSENCRequest */
#define PG_GSS		 80877104u
#define MYSQL_SSL	 0x0800u /* CLIENT_SSL of the capabilities */
#define MYSQL_REQUEST	 32u
#define HTTP_MAX	 8192u

static const uint8_t *vector(struct cursor *c, unsigned width, size_t *len)
{
	const uint8_t *p = cursor_take(c, width);

	if (!p)
		return NULL;
	*len = width == 1 ? p[0] : be16(p);
	return cursor_take(c, *len);
}

/* A name that is an address, or no name at all, names nobody. */
static void take_name(struct hello *h, const uint8_t *p, size_t len)
{
	if (names_text(h->name, p, len) < 0 || names_is_address(h->name))
		h->name[0] = '\0';
}

static void server_name(struct hello *h, struct cursor c)
{
	size_t len;
	const uint8_t *list = vector(&c, 2, &len), *type;

	if (!list)
		return;
	c = (struct cursor){list, list + len};
	while ((type = cursor_take(&c, 1))) {
		const uint8_t *name = vector(&c, 2, &len);

		if (!name)
			return;
		if (*type == 0 && !h->name[0])
			take_name(h, name, len);
	}
}

static void first_protocol(struct hello *h, struct cursor c)
{
	size_t len;
	const uint8_t *p = vector(&c, 2, &len);

	if (!p)
		return;
	c = (struct cursor){p, p + len};
	p = vector(&c, 1, &len);
	if (!p || len >= sizeof(h->alpn))
		return;
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return;
	memcpy(h->alpn, p, len);
	h->alpn[len] = '\0';
}

static void extensions(struct hello *h, struct cursor c)
{
	const uint8_t *t;

	while ((t = cursor_take(&c, 2))) {
		uint16_t type = be16(t);
		size_t len;
		const uint8_t *p = vector(&c, 2, &len);

		if (!p)
			return;
		if (type == EXT_NAME)
			server_name(h, (struct cursor){p, p + len});
		else if (type == EXT_ALPN)
			first_protocol(h, (struct cursor){p, p + len});
		else if (type == EXT_ECH)
			h->ech = true;
	}
}

int hello_handshake(struct hello *ret, const uint8_t *p, size_t len)
{
	struct cursor c = {p, p + len};
	size_t n;

	*ret = (struct hello){.kind = HELLO_NONE};
	if (!len)
		return -EAGAIN;
	if (p[0] != CLIENT_HELLO)
		return 0;
	if (len < 4)
		return -EAGAIN;
	n = (size_t)p[1] << 16 | be16(p + 2);
	if (n > HELLO_MAX)
		return 0;
	if (len - 4 < n)
		return -EAGAIN;
	c = (struct cursor){p + 4, p + 4 + n};
	if (!cursor_take(&c, 34) || !vector(&c, 1, &n) || !vector(&c, 2, &n) || !vector(&c, 1, &n))
		return 0;
	ret->kind = HELLO_TLS;
	p = vector(&c, 2, &n);
	if (p)
		extensions(ret, (struct cursor){p, p + n});
	return 0;
}

/* A message may lie in several records: their contents follow each other. */
static int tls(struct hello *ret, const uint8_t *p, size_t len)
{
	uint8_t message[HELLO_MAX];
	struct cursor c = {p, p + len};
	const uint8_t *piece;
	size_t have = 0;
	int r;

	for (;;) {
		size_t left = cursor_left(&c), n;

		if ((left && c.p[0] != RECORD_HANDSHAKE) || (left > 1 && c.p[1] != 3))
			return 0;
		if (left < 5)
			return len >= HELLO_MAX ? 0 : -EAGAIN;
		n = be16(c.p + 3);
		(void)cursor_take(&c, 5);
		left = cursor_left(&c) < n ? cursor_left(&c) : n;
		piece = cursor_take(&c, left);
		if (!n || !piece || have + left > sizeof(message))
			return 0;
		memcpy(message + have, piece, left);
		have += left;
		r = hello_handshake(ret, message, have);
		if (r == 0)
			return 0;
		if (left < n)
			return -EAGAIN;
	}
}

static bool begins(const uint8_t *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	return !memcmp(p, word, len < n ? len : n);
}

static bool is_method(const uint8_t *p, size_t len)
{
	static const char *const methods[] = {"GET ",	 "POST ",    "PUT ",	 "HEAD ",
					      "DELETE ", "OPTIONS ", "CONNECT ", "PATCH "};

	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (begins(p, len, methods[i]))
			return true;
	return false;
}

/* The name of host[:port] */
static void host(struct hello *h, const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (len && (p[0] == ' ' || p[0] == '\t')) {
		p++;
		len--;
	}
	while (len && (p[len - 1] == ' ' || p[len - 1] == '\t' || p[len - 1] == '\r'))
		len--;
	if (len && p[0] == '[') /* an address */
		return;
	while (n < len && p[n] != ':')
		n++;
	take_name(h, p, n);
}

/* Two Host lines: nobody knows which one the server takes, so it names nobody. */
static int http(struct hello *h, const uint8_t *p, size_t len)
{
	const uint8_t *line = p, *end = p + len, *nl;
	unsigned hosts = 0;

	h->kind = begins(p, len, "CONNECT ") ? HELLO_CONNECT : HELLO_HTTP;
	while ((nl = memchr(line, '\n', (size_t)(end - line)))) {
		size_t n = (size_t)(nl - line);

		if (n <= 1 && line != p)
			return 0;
		if (n > 5 && !strncasecmp((const char *)line, "host:", 5)) {
			host(h, line + 5, n - 5);
			if (++hosts > 1)
				h->name[0] = '\0';
		}
		line = nl + 1;
	}
	return len >= HTTP_MAX ? 0 : -EAGAIN;
}

/* What databases say before TLS: its length, 0 when there is none of it, -EAGAIN. */
static int before_tls(const uint8_t *p, size_t len)
{
	if (len && p[0] == 0) { /* PostgreSQL: 0 0 0 8, and which request */
		static const uint8_t eight[] = {0, 0, 0, 8};

		if (memcmp(p, eight, len < 4 ? len : 4) != 0)
			return 0;
		if (len < 8)
			return -EAGAIN;
		return be32(p + 4) == PG_SSL || be32(p + 4) == PG_GSS ? 8 : 0;
	}
	if (len && p[0] == MYSQL_REQUEST) { /* MySQL: length, number 1, capabilities */
		static const uint8_t head[] = {MYSQL_REQUEST, 0, 0, 1};

		if (memcmp(p, head, len < 4 ? len : 4) != 0)
			return 0;
		if (len < 4 + MYSQL_REQUEST)
			return -EAGAIN;
		return le32(p + 4) & MYSQL_SSL ? 4 + MYSQL_REQUEST : 0;
	}
	return 0;
}

int hello_stream(struct hello *ret, const uint8_t *p, size_t len)
{
	*ret = (struct hello){.kind = HELLO_NONE};
	for (unsigned i = 0; i < 2; i++) { /* GSS refused, then TLS: two requests */
		int n = before_tls(p, len);

		if (n < 0)
			return n;
		p += n;
		len -= (size_t)n;
	}
	if (!len)
		return -EAGAIN;
	if (p[0] == RECORD_HANDSHAKE)
		return tls(ret, p, len);
	return is_method(p, len) ? http(ret, p, len) : 0;
}
