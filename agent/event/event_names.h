/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_names.h - whom a flow was meant for, as far as its own bytes and DNS answers say: each name
 * a claim, with what it rests on.
 */
#ifndef AGENT_EVENT_EVENT_NAMES_H
#define AGENT_EVENT_EVENT_NAMES_H
#include <stdbool.h>
#include "geo/facts/recipient.h"

/* The best first. */
enum name_grade {
	NAME_SAID,   /* the flow itself named it */
	NAME_ASKED,  /* whoever opened the flow had asked for it, and got this address */
	NAME_OUTER,  /* it stands outside an encrypted ClientHello: perhaps only a front */
	NAME_OTHERS, /* somebody else on this host had asked for it */
	NAME_GRADES
};
/* What a claim rests on. */
#define NAME_BY_TLS	0x01u
#define NAME_BY_QUIC	0x02u
#define NAME_BY_HTTP	0x04u
#define NAME_BY_CONNECT 0x08u /* a proxy was asked to go there */
#define NAME_BY_ANSWER	0x10u /* DNS, to whoever opened the flow */
#define NAME_BY_OTHERS	0x20u /* DNS, to somebody else */
#define NAME_BY_HINT	0x40u /* the address came as a hint of an HTTPS or SVCB record */
#define NAME_BY_OUTER	0x80u /* TLS or QUIC, with ECH */
#define NAME_SAYS	(NAME_BY_TLS | NAME_BY_QUIC | NAME_BY_HTTP | NAME_BY_CONNECT)

#define EVENT_NAMES_MAX	  6
#define EVENT_ALIASES_MAX 5
struct event_name {
	const char *name;
	const char *alias[EVENT_ALIASES_MAX]; /* what the answer led to, in order */
	unsigned naliases;
	unsigned by; /* NAME_BY_ */
};
struct event_names {
	struct event_name v[EVENT_NAMES_MAX]; /* the best grade first */
	unsigned n;
	bool more;	 /* there were others */
	bool hidden;	 /* an encrypted ClientHello: what it asks for cannot be verified */
	const char *dns; /* the flow carries DNS in "tls" or "quic"; NULL: not as far as is known */
};
enum name_grade event_name_grade(const struct event_name *n);
const char *event_name_grade_text(enum name_grade g);
/* "verified": said, and an answer says the same; "said"; "disputed": said, and whoever opened the
 * flow had asked for other names only; "asked"; "ambiguous": several of the best grade; "hidden";
 * "others"; NULL: no name. */
const char *event_names_status(const struct event_names *n);
/* The flow said one name, and whoever opened it had asked for others only. */
bool event_names_disputed(const struct event_names *n);
/* The one name that stands for the flow; NULL: none, or several could. Never what others asked. */
const char *event_names_domain(const struct event_names *n);
/* Who is known to be behind the name, or behind what its answer led to. NULL: nobody. */
const struct recipient *event_name_recipient(const struct event_name *n);
#endif
