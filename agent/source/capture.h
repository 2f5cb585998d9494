/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.h - capture files: pcap (microseconds, nanoseconds, modified; both byte orders) and
 * pcapng (any number of sections and interfaces, mixed link types), gzip by its magic. Damage is
 * counted, what is readable is handed over.
 */
#ifndef AGENT_SOURCE_CAPTURE_H
#define AGENT_SOURCE_CAPTURE_H
#include "agent/flow/packet.h"
#include "geo/base/diag.h"

#define CAPTURE_PACKET_MAX     (256u << 10) /* a longer record is damage: libpcap's own limit */
#define CAPTURE_INTERFACES_MAX 65536	    /* in one pcapng section */
#define CAPTURE_BATCH	       32

enum capture_damage {
	CAPTURE_TRUNCATED,    /* the file ends inside a record */
	CAPTURE_BAD_RECORD,   /* a record that cannot be one: captured length over the limit */
	CAPTURE_BAD_LENGTH,   /* captured length over the packet's own length; the packet is used */
	CAPTURE_BAD_BLOCK,    /* pcapng: block length wrong, or its two copies differ */
	CAPTURE_NO_INTERFACE, /* pcapng: a packet of an interface that was not described */
	CAPTURE_BAD_GZIP,     /* compressed data damaged */
	CAPTURE_DAMAGES
};
const char *capture_damage_name(enum capture_damage d);

struct capture;
/* path "-" is standard input. 0; -EINVAL: no capture; -ENOTSUP: compressed in a way that is not
 * read (named); -errno: cannot be opened or read. An empty file and a file cut in its header are
 * damage, not failure. hash: keep a running SHA-256 of the file's bytes: reading ahead, that costs
 * the packets nothing. */
int capture_open(struct capture **ret, const char *path, bool hash, struct diag_sink *d);
void capture_close(struct capture *c);
/* Up to max frames; 0 at the end; -errno when reading failed. Frames live until the next call. */
int capture_next(struct capture *c, struct packet_frame *frames, unsigned max);
const uint64_t *capture_damaged(const struct capture *c); /* by enum capture_damage */
uint64_t capture_bytes(const struct capture *c);	  /* of the file, read so far */
uint64_t capture_size(const struct capture *c);		  /* of the file; 0 = not known */
/* The running SHA-256 of the whole file (reads what is left of it): 64 digits and NUL. -EINVAL: was
 * not asked for. */
int capture_sha256(struct capture *c, char ret[65]);
#endif
