/* SPDX-License-Identifier: BSD-2-Clause */
/* identity.h - which host this is: what an event says of it, whatever the format. */
#ifndef AGENT_HOST_IDENTITY_H
#define AGENT_HOST_IDENTITY_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/base/ip.h"

#define IDENTITY_TEXT	   128
#define IDENTITY_ADDRESSES 16 /* told; a host may have more */

struct identity { /* "" = not known */
	char name[IDENTITY_TEXT], id[IDENTITY_TEXT], boot_id[IDENTITY_TEXT];
	char agent_id[37]; /* the same as long as the host is: of the machine's id */
	struct {
		char name[IDENTITY_TEXT], version[IDENTITY_TEXT], full[IDENTITY_TEXT];
		char platform[IDENTITY_TEXT], family[IDENTITY_TEXT];
		char kernel[IDENTITY_TEXT], architecture[IDENTITY_TEXT];
	} os;
	struct ip address[IDENTITY_ADDRESSES];
	unsigned naddresses;
	uint64_t boot_ns; /* Unix, of the boot; 0 = not known */
	uint64_t
		created_ns; /* Unix, of the event at hand: when its line is written; 0 = not said */
};
void identity_read(struct identity *i); /* hostname, /etc/machine-id, /etc/os-release, uname */
/* An address came or went. Loopback and link-local ones say nothing of which host it is. */
void identity_address(struct identity *i, const struct ip *ip, bool on);
/* The line is written now. The time of the boot follows a clock that was set, not one that is slewed. */
void identity_now(struct identity *i, uint64_t unix_ns);
#endif
