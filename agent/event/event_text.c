/* SPDX-License-Identifier: BSD-2-Clause */
/* event_text.c - what an event is called, its ids, and its sentence. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "geo/distance/distance.h"

static const char *const kinds[] = {"flow", "flow-end", "summary", "state", "place-refuted"};
static const char *const sums[] = {"allowed", "alerted", "would_block", "blocked"};
_Static_assert(sizeof(sums) / sizeof(*sums) == EVENT_SUMS, "a name each");
_Static_assert(sizeof(kinds) / sizeof(*kinds) == EVENT_KINDS, "a name each");
static const char *const verdicts[] = {"allow", "alert", "block", "local"};
static const char *const severities[] = {"none", "low", "medium", "high", "critical"};

const char *event_action(enum decide_action verdict, bool enforced)
{
	switch (verdict) {
	case DECIDE_BLOCK:
		return enforced ? "flow-blocked" : "flow-would-block";
	case DECIDE_ALERT:
		return "flow-alerted";
	case DECIDE_ALLOW:
		return "flow-allowed";
	default:
		return "";
	}
}

const char *event_kind_name(enum event_kind k)
{
	return k < EVENT_KINDS ? kinds[k] : "";
}
const char *event_sum_name(enum event_sum s)
{
	return s < EVENT_SUMS ? sums[s] : "";
}
const char *event_verdict_name(enum decide_action a)
{
	return a <= DECIDE_LOCAL ? verdicts[a] : "";
}
const char *event_severity_name(uint8_t s)
{
	return s < sizeof(severities) / sizeof(*severities) ? severities[s] : "";
}

const char *event_proto_name(uint8_t proto)
{
	switch (proto) {
	case 1:
		return "icmp";
	case 2:
		return "igmp";
	case 4:
		return "ipip";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 33:
		return "dccp";
	case 41:
		return "ipv6";
	case 47:
		return "gre";
	case 50:
		return "esp";
	case 51:
		return "ah";
	case 58:
		return "ipv6-icmp";
	case 89:
		return "ospf";
	case 132:
		return "sctp";
	case 136:
		return "udplite";
	}
	return "";
}

static void put_uuid(char ret[37], uint8_t b[16], unsigned version)
{
	static const char hex[] = "0123456789abcdef";
	char *to = ret;

	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = hex[b[i] >> 4];
		*to++ = hex[b[i] & 15];
	}
	*to = 0;
}

void event_id_v7(char ret[37], uint64_t unix_ns)
{
	uint64_t ms = unix_ns / 1000000;
	uint8_t b[16] = {0};

	if (getrandom(b, sizeof(b), 0) !=
	    sizeof(b)) /* then at least the fraction tells them apart */
		memcpy(b + 8, &unix_ns, sizeof(unix_ns));
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(ms >> (40 - 8 * i));
	put_uuid(ret, b, 7);
}

static const char *const because[OPENED_BECAUSES] = {
	[BECAUSE_UNSAID] = "",	   [BECAUSE_HANDSHAKE] = "handshake", [BECAUSE_POLICY] = "policy",
	[BECAUSE_PORTS] = "ports", [BECAUSE_FIRST] = "first seen",
};

const char *event_because_name(enum opened_because b)
{
	return b < OPENED_BECAUSES ? because[b] : "";
}

int event_id_of(char ret[37], const void *bytes, size_t n)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len;

	if (EVP_Digest(bytes, n, md, &len, EVP_sha256(), NULL) != 1)
		return -EIO;
	put_uuid(ret, md, 8);
	return 0;
}

int event_id_v8(char ret[37], const struct event *e)
{
	char text[512], src[IP_STRLEN], dst[IP_STRLEN], final[IP_STRLEN] = "";
	size_t len;

	if (e->embedded.v)
		(void)ip_format(final, &e->embedded);
	len = text_put(text, sizeof(text),
		       "cordon event|%s|%llu|%s|%u|%s|%u|%u|%u.%u|%s|%u|%s|%u|%u",
		       e->policy ? e->policy->sha256 : "", (unsigned long long)e->time_ns,
		       ip_format(src, &e->flow.src), e->flow.sport, ip_format(dst, &e->flow.dst),
		       e->flow.dport, e->flow.proto, e->flow.icmp_type, e->flow.icmp_code, final,
		       e->rule ? e->rule->line : 0, event_kind_name(e->kind), e->part, e->depth);

	return event_id_of(ret, text, len);
}

const char *event_rule_id(char buf[EVENT_RULE_ID], const struct rule *rule)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;

	text_put(buf, EVENT_RULE_ID, "default");
	if (rule && rule->label) {
		text_put(buf, EVENT_RULE_ID, "%s", rule->label);
		return buf;
	}
	if (!rule || EVP_Digest(rule->text, strlen(rule->text), md, &n, EVP_sha256(), NULL) != 1)
		return buf;
	for (unsigned i = 0; i < 8; i++)
		text_put(buf + 2 * i, 3, "%02x", md[i]);
	return buf;
}

/* Type -> the type that answers it; those without one keep type and code as they are (community id
 * specification). */
static int icmp_pair(uint8_t proto, uint16_t type)
{
	static const uint8_t v4[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
	static const uint8_t v6[][2] = {{128, 129}, {133, 134}, {135, 136},
					{130, 131}, {139, 140}, {144, 145}};
	const uint8_t(*t)[2] = proto == 1 ? v4 : v6;
	size_t n = proto == 1 ? sizeof(v4) / 2 : sizeof(v6) / 2;

	for (size_t i = 0; i < n; i++) {
		if (t[i][0] == type)
			return t[i][1];
		if (t[i][1] == type)
			return t[i][0];
	}
	return -1;
}

int event_community_id(char ret[EVENT_COMMUNITY_LEN], const struct flow_key *k)
{
	size_t alen = k->src.v == 4 ? 4 : 16, at = 2;
	uint16_t sport = k->sport, dport = k->dport;
	bool ports = k->proto == 6 || k->proto == 17 || k->proto == 132, swap;
	uint8_t in[2 + 32 + 2 + 4] = {0}, md[EVP_MAX_MD_SIZE];
	unsigned n;
	int c;

	if (k->proto == 1 || k->proto == 58) {
		int pair = icmp_pair(k->proto, sport);

		ports = true;
		if (pair >= 0)
			dport = (uint16_t)pair;
		c = memcmp(k->src.b, k->dst.b, alen);
		swap = pair >= 0 && (c > 0 || (c == 0 && sport > dport));
	} else {
		c = memcmp(k->src.b, k->dst.b, alen);
		swap = c > 0 || (c == 0 && ports && sport > dport);
	}
	memcpy(in + at, swap ? k->dst.b : k->src.b, alen);
	memcpy(in + at + alen, swap ? k->src.b : k->dst.b, alen);
	at += 2 * alen;
	in[at++] = k->proto;
	in[at++] = 0;
	if (ports) {
		uint16_t a = swap ? dport : sport, b = swap ? sport : dport;

		in[at++] = (uint8_t)(a >> 8);
		in[at++] = (uint8_t)a;
		in[at++] = (uint8_t)(b >> 8);
		in[at++] = (uint8_t)b;
	}
	if (EVP_Digest(in, at, md, &n, EVP_sha1(), NULL) != 1 || n != 20)
		return -EIO;
	ret[0] = '1';
	ret[1] = ':';
	EVP_EncodeBlock((unsigned char *)ret + 2, md, (int)n);
	return 0;
}

bool event_has_destination(const struct event *e)
{
	static const uint8_t none[sizeof(e->flow.dst.b)];

	if (!e->flow.dst.v) /* there was no packet */
		return false;
	return e->kind != EVENT_SUMMARY || memcmp(e->flow.dst.b, none, sizeof(none)) != 0;
}

bool event_has_source(const struct event *e)
{
	static const uint8_t none[sizeof(e->flow.src.b)];

	return (e->capture && e->flow.src.v) || memcmp(e->flow.src.b, none, sizeof(none)) != 0;
}

const char *event_reason(char *buf, size_t size, const struct event *e)
{
	char cc[3];

	if (e->kind == EVENT_PLACE_REFUTED && e->place) {
		text_put(
			buf, size,
			"minimum RTT %.3f ms: at most %.0f km from home, and no soil of %s is nearer than %.0f km",
			(double)e->rtt_min_ns / 1e6, distance_bound_km(e->rtt_min_ns),
			country_text(e->place->country, cc), (double)e->soil_km);
		return buf;
	}
	if (e->detail)
		return e->detail;
	return e->rule ? e->rule->because : NULL;
}

/* What decided: the end of the sentence. */
static void put_why(char *buf, size_t size, const struct event *e)
{
	char reason[256];

	if (e->kind == EVENT_PLACE_REFUTED)
		text_put(buf, size, ": %s", event_reason(reason, sizeof(reason), e));
	else if (e->rule && !e->rule->line)
		text_put(buf, size, " by %s", e->rule->text);
	else if (e->rule)
		text_put(buf, size, " by %s: %s",
			 policy_where(reason, e->rule->file, e->rule->line), e->rule->text);
	else if (e->policy || !e->detail)
		text_put(buf, size, " by default: no rule matches");
	else
		text_put(buf, size, ", %s", e->detail);
}

/* "summary: 984 flows like it, 120 refused attempts, 984 packets, 126 kB to 33 or more ..." */
static char *summary_message(char *buf, size_t size, const struct event *e, const char *country)
{
	const struct event_summary *s = e->summary;
	char bytes[TEXT_SHORT], dst[IP_STRLEN];
	size_t n = text_put(buf, size, "%s, summary: ", e->action ? e->action : "");

	if (e->process.comm)
		n += text_put(buf + n, size - n, "%s: ", e->process.comm);
	if (e->suppressed)
		n += text_put(buf + n, size - n, "%llu more flows, ",
			      (unsigned long long)e->suppressed);
	if (e->attempts)
		n += text_put(buf + n, size - n, "%llu refused attempts, ",
			      (unsigned long long)e->attempts);
	n += text_put(buf + n, size - n, "%llu packets, %s", (unsigned long long)e->packets,
		      text_bytes(bytes, e->bytes));
	if (s && s->ndestinations == 1 && !event_count_any(&s->rest))
		n += text_put(buf + n, size - n, " to %s port %u",
			      ip_format(dst, &s->destination[0].address), s->destination[0].port);
	else if (s && s->ndestinations)
		n += text_put(buf + n, size - n, " to %u destinations%s", s->ndestinations,
			      event_count_any(&s->rest) ? " and more" : "");
	n += text_put(buf + n, size - n, " (%s)", country);
	put_why(buf + n, size - n, e);
	return buf;
}

char *event_message(char *buf, size_t size, const struct event *e)
{
	char src[IP_STRLEN], dst[IP_STRLEN], cc[3];
	const char *country = e->place ? country_text(e->place->country, cc) : "";
	const char *proto = event_proto_name(e->flow.proto), *action = e->action ? e->action : "";
	const char *name;
	size_t n;

	if (e->kind == EVENT_STATE) {
		text_put(buf, size, "%s%s%s", action, e->detail ? ": " : "",
			 e->detail ? e->detail : "");
		return buf;
	}
	if (!*country)
		country = e->place ? place_status_name(e->place->status) : "unknown";
	if (e->kind == EVENT_SUMMARY)
		return summary_message(buf, size, e, country);
	if (!event_has_destination(e)) {
		text_put(buf, size, "%s: %s: %s", action,
			 e->process.comm ? e->process.comm : "this host",
			 e->detail ? e->detail : "no address");
		return buf;
	}
	n = text_put(buf, size, "%s: %s -> %s %s", action,
		     e->process.comm	   ? e->process.comm
		     : event_has_source(e) ? ip_format(src, &e->flow.src)
					   : "this host",
		     ip_format(dst, &e->flow.dst), *proto ? proto : "ip");
	if (e->flow.dport && e->flow.proto != 1 &&
	    e->flow.proto != 58) /* ICMP: type and code stand there */
		n += text_put(buf + n, size - n, " port %u", e->flow.dport);
	name = event_names_domain(e->names);
	n += text_put(buf + n, size - n, " (%s%s%s)", country, name ? ", " : "", name ? name : "");
	put_why(buf + n, size - n, e);
	return buf;
}
