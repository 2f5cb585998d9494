/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture.h - capture files: pcap (microseconds, nanoseconds, modified, Nokia's, version 2.2; both
 * byte orders) and pcapng (any number of sections and interfaces, mixed link types), compressed or
 * not.
 *
 * Damage never ends a file: the reader looks for the next place where records follow each other and
 * goes on there. What was lost is counted, and told with its offset, packet and bytes.
 */
#ifndef AGENT_SOURCE_CAPTURE_H
#define AGENT_SOURCE_CAPTURE_H
#include "agent/flow/packet.h"
#include "geo/base/diag.h"
#include "geo/base/ip.h"

#define CAPTURE_PACKET_MAX     (256u << 10) /* a longer record is damage: libpcap's own limit */
#define CAPTURE_INTERFACES_MAX 65536	    /* in one pcapng section */
#define CAPTURE_BATCH	       32
#define CAPTURE_NOTES_MAX      16 /* places of damage remembered of a file; all are counted */
#define CAPTURE_HOSTS_MAX      64 /* addresses of the capturing host remembered of a file */

enum capture_damage {
	CAPTURE_TRUNCATED,    /* the file ends inside a record */
	CAPTURE_BAD_RECORD,   /* a record that cannot be one */
	CAPTURE_BAD_LENGTH,   /* captured length over the packet's own length; the packet is used */
	CAPTURE_BAD_BLOCK,    /* pcapng: block length wrong, or its two copies differ */
	CAPTURE_NO_INTERFACE, /* pcapng: a packet of an interface that was not described */
	CAPTURE_BAD_PACKED,   /* compressed data damaged */
	CAPTURE_ZEROS,	      /* a hole or a tail of zeros where records should be */
	CAPTURE_JOINED,	      /* a file header where a record should be: another capture follows */
	CAPTURE_NO_HEADER,    /* the file header is missing or damaged; records were found all the
				  same, their link type was guessed */
	CAPTURE_DROPPED,      /* packets that the capturing system says it lost */
	CAPTURE_DAMAGES
};
const char *capture_damage_name(enum capture_damage d);

struct capture_note {
	enum capture_damage what;
	uint64_t offset; /* in the (decompressed) stream; CAPTURE_BAD_PACKED: in the file */
	uint64_t packet; /* records before it */
	uint64_t bytes;	 /* lost; CAPTURE_DROPPED: packets */
};

struct capture;
/* path "-" is standard input. 0; -EINVAL: no capture; -ENOTSUP: a capture or an archive of a kind
 * that is not read (named); -errno: cannot be opened or read. An empty file and a file cut in its
 * header are damage, not failure. hash: keep a running SHA-256 of the file's bytes: reading ahead,
 * that costs the packets nothing. */
int capture_open(struct capture **ret, const char *path, bool hash, struct diag_sink *d);
void capture_close(struct capture *c);
/* Up to max frames; 0 at the end; -errno when reading failed. Frames live until the next call. */
int capture_next(struct capture *c, struct packet_frame *frames, unsigned max);
const uint64_t *capture_damaged(const struct capture *c); /* by enum capture_damage */
const struct capture_note *capture_notes(const struct capture *c, size_t *n);
uint64_t capture_lost(const struct capture *c);	 /* bytes that were passed over */
uint64_t capture_bytes(const struct capture *c); /* of the file, read so far */
uint64_t capture_size(const struct capture *c);	 /* of the file; 0 = not known */
/* Addresses that pcapng's interface descriptions give to the capturing host, so far. */
const struct ip *capture_hosts(const struct capture *c, size_t *n);
/* The running SHA-256 of the whole file (reads what is left of it): 64 digits and NUL. -EINVAL: was
 * not asked for. */
int capture_sha256(struct capture *c, char ret[65]);
#endif
