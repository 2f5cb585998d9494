/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_evidence.h - the packets of violating flows in a capture of their own (pcapng), each with a
 * comment that names event, rule and place. Headers only, unless payload is asked for.
 */
#ifndef AGENT_CMD_REPLAY_EVIDENCE_H
#define AGENT_CMD_REPLAY_EVIDENCE_H
#include <stdbool.h>
#include "agent/flow/packet.h"

struct evidence_config {
	const char *path;
	bool payload;
	bool in_clear;	       /* payload may stand in the file as it is */
	const char *recipient; /* age1...: sealed to it; NULL: not sealed */
	const char *anonymise; /* file with a Crypto-PAn key; NULL: addresses as they are */
};
struct evidence;
/* 0, or an exit code after a sentence */
int evidence_open(struct evidence **ret, const struct evidence_config *cfg);
/* Errors are kept and told by evidence_close. */
void evidence_packet(struct evidence *e, const struct packet_frame *f, const char *comment);
uint64_t evidence_packets(const struct evidence *e);
/* The file is in its place afterwards; keep false: it is not. 0, or an exit code after a sentence. */
int evidence_close(struct evidence *e, bool keep);
#endif
