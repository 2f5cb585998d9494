/* SPDX-License-Identifier: BSD-2-Clause */
/* names_fuzz.c - any bytes as a DNS answer, the beginning of a stream in pieces, a QUIC datagram and its
 * frames: a name that comes out is bounded and plain. */
#include <stdlib.h>
#include <string.h>
#include "agent/names/dns.h"
#include "agent/names/hello.h"
#include "agent/names/quic.h"
#include "agent/names/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void plain(const char *s)
{
	if (memchr(s, '\0', NAMES_TEXT) == NULL || strlen(s) > 253)
		abort();
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.\\", *s))
			abort();
}

static void dns(const uint8_t *p, size_t n)
{
	struct dns_answer a;

	if (dns_parse(&a, p, n) < 0)
		return;
	if (a.nchain > DNS_CHAIN_MAX || a.naddresses > DNS_ADDRESSES_MAX)
		abort();
	for (unsigned i = 0; i < a.nchain; i++)
		plain(a.chain[i]);
	for (unsigned i = 0; i < a.naddresses; i++)
		if (!a.address[i].length || a.address[i].length > a.nchain)
			abort();
}

/* What is known of a whole stream does not depend on how it was cut. */
static void hello(const uint8_t *p, size_t n, size_t each)
{
	struct hello whole, cut = {.kind = HELLO_NONE};
	int r = hello_stream(&whole, p, n);
	struct streams *s;

	plain(whole.name);
	if (streams_new(&s, 1) < 0)
		return;
	for (size_t i = 0; i < n && n <= HELLO_MAX; i += each) {
		size_t len;
		const uint8_t *q = streams_add(s, 1, i, p + i, n - i < each ? n - i : each, &len);

		if (hello_stream(&cut, q, len) == 0)
			break;
	}
	if (r == 0 && n <= HELLO_MAX && n &&
	    (cut.kind != whole.kind || strcmp(cut.name, whole.name) != 0))
		abort();
	streams_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h;
	struct quic q = {.npieces = 0};
	uint8_t *p;
	size_t n;

	if (size < 2)
		return 0;
	n = size - 2;
	p = malloc(n + 1); /* of its own, so that a byte too far is seen */
	memcpy(p, data + 2, n);
	p = realloc(p, n ? n : 1);
	switch (data[0] & 3) {
	case 0:
		dns(p, n);
		break;
	case 1:
		hello(p, n, 1 + data[1] % 200);
		break;
	case 2:
		(void)quic_initial(&q, p, n);
		break;
	default:
		quic_frames(&q, p, n);
		for (unsigned i = 0; i < q.npieces; i++)
			if (q.piece[i].p < p || q.piece[i].len > n)
				abort();
		(void)hello_handshake(&h, p, n);
		plain(h.name);
	}
	free(p);
	return 0;
}
