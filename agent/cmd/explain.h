/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.h - the parts of the verb 'explain': the question, its answer as JSON, and the JSON as
 * one screen of text. */
#ifndef AGENT_CMD_EXPLAIN_H
#define AGENT_CMD_EXPLAIN_H
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include "agent/engine/engine.h"

#define EXPLAIN_FROM_MAX   8
#define EXPLAIN_CLAIMS_MAX 64

struct explain_question {
	struct ip ip;
	uint16_t port;
	bool has_port;
	uint8_t proto;
	enum decide_opened opened;
	/* "unit x.service", "user postgres", "cgroup /x", "10.0.0.5" */
	const char *from[EXPLAIN_FROM_MAX];
	size_t nfrom;
	int64_t now;	     /* Unix seconds */
	const char *why_not; /* a zone or country; NULL: not asked */
	uint64_t rtt_ns;     /* a minimum round-trip time to judge the place by; 0 = none */
};
/* "1.2.3.4", "1.2.3.4:443", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443" into ip and port. 0 or -EINVAL. */
int explain_address(struct explain_question *q, const char *s);
/* Everything that is known of the address under the engine's policy; NULL: no memory. */
json_t *explain_answer(const struct engine *e, const struct explain_question *q);
/* What each port would get, for a question without one: {ports, more, action, line} by verdict, ports null in
 * the last: all others. Empty: all the same, or it was asked for one. */
json_t *explain_by_port(const struct engine *e, const struct engine_query *q);
/* 0, or -EINVAL: *why is which from and what is wrong with it. */
int explain_from(const struct engine *e, const struct explain_question *q,
		 struct engine_query *query, struct ip *source, const char **why);
/* Answers a list of addresses, a line each, tabs between or JSON; an exit code. */
int explain_lines(const struct engine *e, const struct explain_question *q, bool json, FILE *from);
/* Is there a zone or country of that name? And what keeps the place out of it: {zone, in, reasons}. */
bool explain_why_known(const struct engine *e, const char *name);
json_t *explain_why_not(const struct engine *e, const struct ip *ip, const struct place *p,
			const char *name, int64_t now);
/* One screen for a person. colour: a terminal that wants it. */
void explain_print(FILE *to, const json_t *answer, bool colour);
#endif
