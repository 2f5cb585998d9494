/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_filter.c - only some of the packets: by their time, and by an expression of libpcap's language. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/replay.h"
#include "agent/base/diag_print.h"
#include "agent/base/text.h"

#define LINKS 32u

/* The expression compiled for one link type: what is where depends on that. */
struct replay_program {
	uint16_t link;
	bool usable;
	struct bpf_program code;
};
struct replay_programs {
	struct replay_program link[LINKS];
	unsigned n;
};

static bool compile(struct replay_program *p, const char *text)
{
	pcap_t *dead = pcap_open_dead(p->link, 262144);
	char name[REPLAY_NAME];

	p->usable = dead && pcap_compile(dead, &p->code, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!p->usable)
		diag_say("--filter '%s': %s", text_escape(name, sizeof(name), text, SIZE_MAX),
			 dead ? pcap_geterr(dead) : "not enough memory");
	if (dead)
		pcap_close(dead);
	return p->usable;
}

int replay_filter_check(struct replay *r)
{
	struct replay_program p = {.link = 1};

	if (!r->filter)
		return 0;
	if (!compile(&p, r->filter))
		return EXIT_USAGE;
	pcap_freecode(&p.code);
	r->programs = calloc(1, sizeof(*r->programs));
	return r->programs ? 0 : EXIT_FAILED;
}

/* For a link type on which the expression means nothing, no packet matches; that was told. */
static bool matches(struct replay *r, const struct packet_frame *f)
{
	struct replay_programs *all = r->programs;
	struct replay_program *p = NULL;

	for (unsigned i = 0; i < all->n && !p; i++)
		if (all->link[i].link == f->link)
			p = &all->link[i];
	if (!p) {
		if (all->n == LINKS)
			return false;
		p = &all->link[all->n++];
		p->link = f->link;
		(void)compile(p, r->filter);
	}
	return p->usable && bpf_filter(p->code.bf_insns, f->data, f->len, f->caplen);
}

unsigned replay_filter(struct replay *r, struct packet_frame *f, unsigned n)
{
	unsigned kept = 0;

	if (!r->filter && !r->from_ns && !r->to_ns)
		return n;
	for (unsigned i = 0; i < n; i++) {
		if ((r->from_ns && f[i].time_ns < r->from_ns) ||
		    (r->to_ns && f[i].time_ns >= r->to_ns) || (r->filter && !matches(r, &f[i]))) {
			r->filtered++;
			continue;
		}
		f[kept++] = f[i];
	}
	return kept;
}

void replay_filter_free(struct replay *r)
{
	for (unsigned i = 0; r->programs && i < r->programs->n; i++)
		if (r->programs->link[i].usable)
			pcap_freecode(&r->programs->link[i].code);
	free(r->programs);
}

int replay_time(uint64_t *ret, const char *text)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
					    "%Y-%m-%d %H:%M:%S",  "%Y-%m-%dT%H:%M",
					    "%Y-%m-%d %H:%M",	  "%Y-%m-%d"};
	uint64_t seconds;

	if (text_number(&seconds, text, 253402300799u) == 0) {
		*ret = seconds * 1000000000ull;
		return 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		int day = tm.tm_mday;
		time_t t = end && !*end ? timegm(&tm) : -1;

		if (t >= 0 && tm.tm_mday == day) { /* timegm makes 2 March of 30 February */
			*ret = (uint64_t)t * 1000000000ull;
			return 0;
		}
	}
	return -EINVAL;
}
