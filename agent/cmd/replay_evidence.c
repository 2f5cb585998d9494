/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_evidence.c - writes pcapng: a section, an interface for each link type, packets with comments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay_evidence.h"
#include "agent/base/age.h"
#include "agent/base/cryptopan.h"
#include "agent/base/diag_print.h"
#include "agent/base/cursor.h"
#include "geo/base/file.h"

#define LINKS	    64u
#define FRAME_MAX   (256u << 10)
#define COMMENT_MAX 1024u
#define LAYERS	    8

struct evidence {
	struct evidence_config cfg;
	struct file_write file;
	struct diag_print print;
	FILE *to;	       /* sealed or not */
	bool sealed;	       /* 'to' is a stream of its own */
	struct cryptopan *pan; /* owned */
	uint16_t link[LINKS];
	unsigned nlinks;
	uint64_t packets;
	uint8_t frame[FRAME_MAX]; /* a copy that may be changed */
	int error;
};

static void put32(struct evidence *e, uint32_t x)
{
	e->error |= fwrite(&x, 4, 1, e->to) != 1;
}

static void put16(struct evidence *e, uint16_t x)
{
	e->error |= fwrite(&x, 2, 1, e->to) != 1;
}

static void put(struct evidence *e, const void *p, size_t n)
{
	static const uint8_t zero[4];

	e->error |= n && fwrite(p, 1, n, e->to) != n;
	if (n % 4)
		e->error |= fwrite(zero, 1, 4 - n % 4, e->to) != 4 - n % 4;
}

static uint32_t padded(size_t n)
{
	return (uint32_t)((n + 3) / 4 * 4);
}

static void put_option(struct evidence *e, uint16_t code, const void *p, size_t n)
{
	put16(e, code);
	put16(e, (uint16_t)n);
	put(e, p, n);
}

static void section(struct evidence *e)
{
	static const char program[] = "cordon " CORDON_VERSION;
	static const uint64_t unknown = UINT64_MAX;
	uint32_t len = 28 + 4 + padded(sizeof(program) - 1) + 4;

	put32(e, 0x0a0d0d0a);
	put32(e, len);
	put32(e, 0x1a2b3c4d);
	put32(e, 1); /* version 1.0 */
	put(e, &unknown, 8);
	put_option(e, 4, program, sizeof(program) - 1);
	put32(e, 0);
	put32(e, len);
}

static uint32_t interface(struct evidence *e, uint16_t link)
{
	static const uint8_t nanoseconds = 9;
	unsigned i = 0;

	while (i < e->nlinks && e->link[i] != link)
		i++;
	if (i < e->nlinks || i == LINKS)
		return i < LINKS ? i : 0;
	e->link[e->nlinks++] = link;
	put32(e, 1);
	put32(e, 20 + 8 + 4);
	put32(e, link);
	put32(e, 0);
	put_option(e, 9, &nanoseconds, 1);
	put32(e, 0);
	put32(e, 20 + 8 + 4);
	return i;
}

/* What stands behind the IP header is data from here on. */
static size_t transport_length(const struct packet *k)
{
	size_t n = 0;

	if (!k->payload || k->flags & PACKET_LATER)
		return 0;
	if (k->proto == 6)
		n = k->payload_len >= 13 ? (size_t)(k->payload[12] >> 4) * 4 : k->payload_len;
	else if (k->proto == 17 || k->proto == 1 || k->proto == 58 || k->proto == 136)
		n = 8;
	else if (k->proto == 132 || k->proto == 33)
		n = 12;
	return n < k->payload_len ? n : k->payload_len;
}

static const uint8_t *headers_end(const struct packet *k, const struct packet_frame *f)
{
	size_t base = k->v == 4 ? (size_t)(k->ip[0] & 15) * 4 : 40;
	const uint8_t *end = k->ip + base, *frame_end = f->data + f->caplen;

	if (k->payload)
		end = k->payload + transport_length(k);
	return end < frame_end ? end : frame_end;
}

/* A sum that leads back to the address must not stay. */
static void anonymise(struct evidence *e, const struct packet *k)
{
	uint8_t *ip = e->frame + (k->ip - e->frame), *transport;
	size_t n = k->v == 4 ? 4 : 16, at = 0;
	uint32_t sum = 0;

	cryptopan_address(e->pan, e->frame + (k->src - e->frame), n);
	cryptopan_address(e->pan, e->frame + (k->dst - e->frame), n);
	if (k->v == 4) {
		ip[10] = ip[11] = 0;
		for (size_t i = 0; i < (size_t)(ip[0] & 15) * 4; i += 2)
			sum += be16(ip + i);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~((sum & 0xffff) + (sum >> 16));
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
	}
	if (!k->payload || k->flags & PACKET_LATER)
		return;
	transport = e->frame + (k->payload - e->frame);
	at = k->proto == 6 ? 16 : k->proto == 17 ? 6 : k->proto == 58 ? 2 : 0;
	if (at && k->payload_len >= at + 2)
		transport[at] = transport[at + 1] = 0;
}

/* How much of the frame is kept: up to the end of its innermost headers. Addresses on the way are
 * changed, those of the link taken out. */
static uint32_t headers(struct evidence *e, const struct packet_frame *f)
{
	const uint8_t *end = f->data;
	struct packet k, in;
	const char *tunnel;
	int r = (int)packet_decode(&k, f);

	if (r == PACKET_IP && e->pan && f->link == 1)
		memset(e->frame, 0, 12);
	for (int i = 0; i < LAYERS && r == PACKET_IP; i++) {
		/* a route's addresses are data too */
		end = k.flags & PACKET_ROUTED && e->pan ? k.ip + (k.v == 4 ? 20 : 40)
							: headers_end(&k, f);
		r = packet_inner(&k, &in, &tunnel);
		if (e->pan)
			anonymise(e, &k);
		if (k.flags & PACKET_ROUTED && e->pan)
			break;
		k = in;
	}
	return (uint32_t)(end - f->data);
}

void evidence_packet(struct evidence *e, const struct packet_frame *f, const char *comment)
{
	size_t n = strlen(comment) < COMMENT_MAX ? strlen(comment) : COMMENT_MAX;
	struct packet_frame copy = *f;
	uint32_t caplen = f->caplen < FRAME_MAX ? f->caplen : FRAME_MAX, len, id;

	memcpy(e->frame, f->data, caplen);
	copy.data = e->frame;
	copy.caplen = caplen;
	if (!e->cfg.payload)
		caplen = headers(e, &copy);
	id = interface(e, f->link);
	len = 32 + padded(caplen) + 4 + padded(n) + 4;
	put32(e, 6);
	put32(e, len);
	put32(e, id);
	put32(e, (uint32_t)(f->time_ns >> 32));
	put32(e, (uint32_t)f->time_ns);
	put32(e, caplen);
	put32(e, f->len);
	put(e, e->frame, caplen);
	put_option(e, 1, comment, n);
	put32(e, 0);
	put32(e, len);
	e->packets++;
}

uint64_t evidence_packets(const struct evidence *e)
{
	return e->packets;
}

static int check(const struct evidence_config *c)
{
	if (c->payload && !c->recipient && !c->in_clear)
		return diag_usage("replay", "--payload wants --seal RECIPIENT, or --in-clear");
	if (c->payload && c->anonymise)
		return diag_usage(
			"replay",
			"--payload and --anonymise exclude each other: data names addresses too");
	return 0;
}

static int prepare(struct evidence *e)
{
	uint8_t recipient[AGE_RECIPIENT], key[CRYPTOPAN_KEY];
	int r;

	if (e->cfg.recipient && age_recipient(recipient, e->cfg.recipient) < 0)
		return diag_usage("replay", "--seal takes a recipient of age (age1...), not '%s'",
				  e->cfg.recipient);
	if (e->cfg.anonymise) {
		r = cryptopan_key(key, e->cfg.anonymise);
		if (r == 0)
			r = cryptopan_new(&e->pan, key);
		if (r < 0)
			return diag_usage("replay", "--anonymise %s: no key of 32 bytes: %s",
					  e->cfg.anonymise, strerror(-r));
	}
	if (file_open(&e->file, e->cfg.path, &e->print.sink) < 0)
		return EXIT_FAILED;
	e->to = e->file.f;
	if (e->cfg.recipient) {
		e->to = age_seal(e->file.f, recipient);
		e->sealed = e->to != NULL;
		if (!e->to) {
			diag_say("%s: cannot be sealed: %s", e->cfg.path, strerror(errno));
			file_abandon(&e->file);
			return EXIT_FAILED;
		}
	}
	return 0;
}

int evidence_open(struct evidence **ret, const struct evidence_config *cfg)
{
	int r = check(cfg);
	struct evidence *e;

	if (r)
		return r;
	e = calloc(1, sizeof(*e));
	if (!e)
		return EXIT_FAILED;
	e->cfg = *cfg;
	diag_print_init(&e->print, stderr);
	r = prepare(e);
	if (r) {
		cryptopan_free(e->pan);
		diag_print_done(&e->print);
		free(e);
		return r;
	}
	section(e);
	*ret = e;
	return 0;
}

int evidence_close(struct evidence *e, bool keep)
{
	int r = 0;

	if (e->sealed && fclose(e->to) == EOF)
		e->error = 1;
	if (e->error)
		diag_say("%s: cannot be written", e->cfg.path);
	if (!keep || e->error)
		file_abandon(&e->file);
	else
		r = file_commit(&e->file, &e->print.sink);
	if (e->error || r < 0)
		r = EXIT_FAILED;
	cryptopan_free(e->pan);
	diag_print_done(&e->print);
	free(e);
	return r;
}
