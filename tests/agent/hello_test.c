/* SPDX-License-Identifier: BSD-2-Clause */
/* hello_test.c - the names in first bytes, by hand: TLS whole, in records, in pieces and cut; databases,
 * HTTP, QUIC with the keys that RFC 9001 and 9369 print. */
#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "agent/names/hello.h"
#include "agent/names/quic.h"
#include "agent/names/stream.h"

struct bytes {
	uint8_t b[4096];
	size_t n;
};

static void raw(struct bytes *x, const void *p, size_t n)
{
	cr_assert_leq(x->n + n, sizeof(x->b));
	memcpy(x->b + x->n, p, n);
	x->n += n;
}
static void u16(struct bytes *x, size_t v)
{
	uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};

	raw(x, b, 2);
}
static void hex(struct bytes *x, const char *s)
{
	for (; *s; s += 2) {
		char two[3] = {s[0], s[1], 0};
		uint8_t v = (uint8_t)strtoul(two, NULL, 16);

		raw(x, &v, 1);
	}
}

/* A ClientHello: session id, two suites, padding to make it long, a name, a protocol, ECH. */
static void handshake(struct bytes *x, const char *sni, bool ech, size_t padding)
{
	static const uint8_t random[34] = {3, 3}, session[] = {2, 1, 2},
			     suites[] = {0, 2, 0x13, 1, 1, 0};
	static const uint8_t alpn[] = {0, 16,  0,   14,	 0,   12,  2,	'h', '2',
				       8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
	struct bytes e = {.n = 0};
	size_t n = strlen(sni);
	uint8_t head[] = {1, 0, 0, 0};

	u16(&e, 21);
	u16(&e, padding);
	e.n += padding;
	if (n) {
		u16(&e, 0);
		u16(&e, n + 5);
		u16(&e, n + 3);
		raw(&e, "", 1);
		u16(&e, n);
		raw(&e, sni, n);
	}
	raw(&e, alpn, sizeof(alpn));
	if (ech)
		hex(&e, "fe0d000100");
	n = sizeof(random) + sizeof(session) + sizeof(suites) + 2 + e.n;
	head[2] = (uint8_t)(n >> 8);
	head[3] = (uint8_t)n;
	raw(x, head, 4);
	raw(x, random, sizeof(random));
	raw(x, session, sizeof(session));
	raw(x, suites, sizeof(suites));
	u16(x, e.n);
	raw(x, e.b, e.n);
}
/* in records of at most 'each' bytes */
static void records(struct bytes *x, const struct bytes *h, size_t each)
{
	for (size_t i = 0; i < h->n; i += each) {
		size_t n = h->n - i < each ? h->n - i : each;

		hex(x, "160301");
		u16(x, n);
		raw(x, h->b + i, n);
	}
}
static int stream(struct hello *ret, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	int r;

	memcpy(copy, p, n);
	r = hello_stream(ret, copy, n);
	free(copy);
	return r;
}

static struct bytes x, h;
static struct hello got;

Test(hello, tls)
{
	handshake(&h, "API.Datadoghq.com", false, 400);
	for (size_t each = 1; each < 600; each += each < 8 ? 1 : 97) {
		x.n = 0;
		records(&x, &h, each);
		cr_assert_eq(stream(&got, x.b, x.n), 0, "records of %zu", each);
		cr_expect_eq(got.kind, HELLO_TLS);
		cr_expect_str_eq(got.name, "api.datadoghq.com");
		cr_expect_str_eq(got.alpn, "h2");
		cr_expect_not(got.ech);
		for (size_t i = 0; i < x.n; i++)
			cr_expect_eq(stream(&got, x.b, i), -EAGAIN, "records of %zu cut at %zu",
				     each, i);
	}
}

Test(hello, what_tls_does_not_say)
{
	handshake(&h, "public.example", true, 4);
	records(&x, &h, 4000);
	cr_assert_eq(stream(&got, x.b, x.n), 0);
	cr_expect(got.ech);
	cr_expect_str_eq(got.name, "public.example");
	x.n = h.n = 0;
	handshake(&h, "", false, 4);
	records(&x, &h, 4000);
	cr_assert_eq(stream(&got, x.b, x.n), 0);
	cr_expect_eq(got.kind, HELLO_TLS);
	cr_expect_str_empty(got.name);
	x.n = h.n = 0;
	handshake(&h, "192.0.2.1", false, 4);
	records(&x, &h, 4000);
	cr_assert_eq(stream(&got, x.b, x.n), 0);
	cr_expect_str_empty(got.name, "an address is no name");
}

Test(hello, databases)
{
	static const char *const before[] = {
		"0000000804d2162f",		    /* PostgreSQL SSLRequest */
		"0000000804d216300000000804d2162f", /* GSSENCRequest, then SSLRequest */
		"20000001058aff00000000014000000000000000000000000000000000000000000000000000"
		"0000"
		"0000", /* MySQL, capabilities with CLIENT_SSL */
	};

	handshake(&h, "db.example", false, 4);
	for (unsigned i = 0; i < 3; i++) {
		struct bytes start = {.n = 0};

		x.n = 0;
		hex(&start, before[i]);
		if (i == 2)
			start.n = 36;
		raw(&x, start.b, start.n);
		records(&x, &h, 4000);
		cr_assert_eq(stream(&got, x.b, x.n), 0);
		cr_expect_str_eq(got.name, "db.example", "row %u", i);
		for (size_t k = 0; k < x.n; k++)
			cr_expect_eq(stream(&got, x.b, k), -EAGAIN, "row %u cut at %zu", i, k);
	}
}

Test(hello, http)
{
	static const struct {
		const char *text, *name;
		enum hello_kind kind;
	} rows[] = {
		{"GET / HTTP/1.1\r\nUser-Agent: x\r\nHost:  API.example.com:8080 \r\n\r\n",
		 "api.example.com", HELLO_HTTP},
		{"POST /v1 HTTP/1.1\nhost: a.example\n\n", "a.example", HELLO_HTTP},
		{"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "a.example",
		 HELLO_CONNECT},
		{"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "", HELLO_HTTP},
		{"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "", HELLO_HTTP},
		{"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "", HELLO_HTTP},
		{"GET / HTTP/1.0\r\n\r\n", "", HELLO_HTTP},
		{"SSH-2.0-OpenSSH_9.2\r\n", "", HELLO_NONE},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_expect_eq(stream(&got, (const uint8_t *)rows[i].text, strlen(rows[i].text)), 0,
			     "%s", rows[i].text);
		cr_expect_str_eq(got.name, rows[i].name, "%s", rows[i].text);
		cr_expect_eq(got.kind, rows[i].kind, "%s", rows[i].text);
	}
	cr_expect_eq(stream(&got, (const uint8_t *)"GET / HTTP/1.1\r\nHo", 18), -EAGAIN);
}

Test(hello, pieces_in_any_order)
{
	static const size_t sizes[] = {1, 7, 100, 333};
	struct streams *s;
	size_t len = 0;
	const uint8_t *p = NULL;

	handshake(&h, "split.example", false, 300);
	records(&x, &h, 64);
	cr_assert_eq(streams_new(&s, 4), 0);
	for (unsigned i = 0; i < 4; i++) {
		size_t each = sizes[i], n = (x.n + each - 1) / each;

		for (size_t k = 0; k < n; k++) { /* the last first, except for single bytes */
			size_t at = (each == 1 ? k : n - 1 - k) * each;

			p = streams_add(s, i, at, x.b + at, x.n - at < each ? x.n - at : each,
					&len);
		}
		cr_expect_eq(len, x.n, "pieces of %zu: %zu of %zu", each, len, x.n);
		cr_assert_eq(hello_stream(&got, p, len), 0);
		cr_expect_str_eq(got.name, "split.example");
		streams_drop(s, i);
	}
	cr_expect_eq(streams_given_up(s), 0);
	streams_free(s);
}

/* As after the first of two DNS messages over TCP: the rest moves to the beginning of its own buffer. */
Test(hello, the_rest_begins_anew)
{
	struct streams *s;
	const uint8_t *p;
	uint8_t b[1000];
	size_t len;

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 7);
	cr_assert_eq(streams_new(&s, 1), 0);
	p = streams_add(s, 1, 0, b, sizeof(b), &len);
	cr_assert_eq(len, sizeof(b));
	streams_drop(s, 1);
	p = streams_add(s, 1, 0, p + 10, sizeof(b) - 10, &len);
	cr_assert_eq(len, sizeof(b) - 10);
	cr_expect_eq(memcmp(p, b + 10, len), 0);
	streams_free(s);
}

Test(hello, what_came_first_stays_and_the_table_is_bounded)
{
	struct streams *s;
	const uint8_t *p;
	size_t len;

	cr_assert_eq(streams_new(&s, 2), 0);
	(void)streams_add(s, 1, 2, (const uint8_t *)"cd", 2, &len);
	cr_expect_eq(len, 0);
	p = streams_add(s, 1, 0, (const uint8_t *)"abXYe", 5, &len);
	cr_assert_eq(len, 5);
	cr_expect_eq(memcmp(p, "abcde", 5), 0);
	(void)streams_add(s, 2, 0, (const uint8_t *)"x", 1, &len);
	(void)streams_add(s, 3, 0, (const uint8_t *)"y", 1, &len);
	cr_expect_eq(streams_given_up(s), 1);
	(void)streams_add(s, 3, HELLO_MAX - 1, (const uint8_t *)"yyyy", 4, &len);
	(void)streams_add(s, 3, UINT64_MAX, (const uint8_t *)"yyyy", 4, &len);
	cr_expect_eq(len, 1);
	streams_free(s);
}

/* A client's Initial, sealed with keys that stand in the RFC: not with those that quic.c derives. */
struct sealing {
	const char *key, *iv, *hp, *header;
};
static void seal(struct bytes *to, const struct sealing *k, const struct bytes *plain)
{
	struct bytes key = {.n = 0}, iv = {.n = 0}, hp = {.n = 0}, head = {.n = 0};
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t mask[16], *body;
	size_t at = to->n;
	int n;

	hex(&key, k->key);
	hex(&iv, k->iv);
	hex(&hp, k->hp);
	hex(&head, k->header); /* with the number, 2, in four bytes */
	iv.b[11] ^= 2;
	raw(to, head.b, head.n);
	body = to->b + to->n;
	EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key.b, iv.b);
	EVP_EncryptUpdate(c, NULL, &n, head.b, (int)head.n);
	EVP_EncryptUpdate(c, body, &n, plain->b, (int)plain->n);
	EVP_EncryptFinal_ex(c, body + plain->n, &n);
	EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, body + plain->n);
	to->n += plain->n + 16;
	EVP_CIPHER_CTX_reset(c);
	EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, hp.b, NULL);
	EVP_EncryptUpdate(c, mask, &n, body, 16);
	EVP_CIPHER_CTX_free(c);
	to->b[at] ^= mask[0] & 15;
	for (unsigned i = 0; i < 4; i++)
		to->b[at + head.n - 4 + i] ^= mask[1 + i];
}

/* RFC 9001, A.1 and A.2; RFC 9369, A.1 and A.2 */
static const struct sealing v1 = {"1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
				  "9f50449e04a0e810283a1e9933adedd2",
				  "c300000001088394c8f03e5157080000449e00000002"};
static const struct sealing v2 = {"8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
				  "45b95e15235d6f45a6b19cbcb0294ba9",
				  "d36b3343cf088394c8f03e5157080000449e00000002"};

static void frame(struct bytes *p, size_t offset, size_t n)
{
	hex(p, "06");
	u16(p, 0x4000 | offset);
	u16(p, 0x4000 | n);
	raw(p, h.b + offset, n);
}

Test(hello, quic)
{
	const struct sealing *k[] = {&v1, &v2};
	struct bytes plain;
	struct quic q;

	handshake(&h, "quic.example", false, 200);
	for (unsigned i = 0; i < 2; i++) {
		struct streams *s;
		const uint8_t *p = NULL;
		size_t len = 0;

		memset(&plain, 0, sizeof(plain)); /* pieces out of order, a PING, an ACK, padding */
		frame(&plain, 100, h.n - 100);
		hex(&plain, "010240004000004000");
		frame(&plain, 0, 100);
		plain.n = 1162;
		x.n = 0;
		seal(&x, k[i], &plain);
		cr_assert_eq(quic_initial(&q, x.b, x.n), 0, "version %u", i);
		cr_assert_eq(q.npieces, 2);
		cr_assert_eq(streams_new(&s, 1), 0);
		for (unsigned n = 0; n < q.npieces; n++)
			p = streams_add(s, 1, q.piece[n].offset, q.piece[n].p, q.piece[n].len,
					&len);
		cr_assert_eq(hello_handshake(&got, p, len), 0);
		cr_expect_str_eq(got.name, "quic.example");
		streams_free(s);
		for (size_t n = 0; n < x.n; n++)
			cr_expect_lt(quic_initial(&q, x.b, n), 0, "cut at %zu", n);
		x.b[40] ^= 1;
		cr_expect_eq(quic_initial(&q, x.b, x.n), -EBADMSG, "a bit was changed");
	}
}

/* The bytes that RFC 9001 prints in A.2: the same plain text gives them, so the keys above are its. */
Test(hello, quic_of_the_rfc)
{
	struct bytes plain = {.n = 0}, want = {.n = 0};

	hex(&plain, "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b"
		    "69484c00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100"
		    "000a00080006001d001700180010000700050461");
	plain.n = 1162;
	seal(&x, &v1, &plain);
	hex(&want, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11");
	cr_expect_arr_eq(x.b, want.b, want.n);
}
