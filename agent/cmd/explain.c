/* SPDX-License-Identifier: BSD-2-Clause */
/* explain.c - 'cordon explain': options, addresses, and the engine that answers without an agent.
 */
#include "agent/cmd/explain.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/cmd/explain_name.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/engine/quarantine.h"
#include "geo/distance/refuted.h"
#include "rules/parse/calendar.h"
#include "rules/parse/proto.h"

#define GEO_MAX 64

struct explain_options {
	struct explain_question question;
	const char *policy, *geo[GEO_MAX];
	size_t ngeo;
	bool json;
	const char *state, *events;
};

int explain_address(struct explain_question *q, const char *s)
{
	char buf[IP_STRLEN + 8];
	char *port = NULL, *end;
	uint64_t n = 0;

	if (strlen(s) >= sizeof(buf))
		return -EINVAL;
	text_put(buf, sizeof(buf), "%s", s);
	if (buf[0] == '[') {
		end = strchr(buf, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		port = end[1] ? end + 2 : NULL;
		*end = 0;
		memmove(buf, buf + 1, strlen(buf + 1) + 1);
		if (!strchr(buf, ':'))
			return -EINVAL;
	} else {
		port = strchr(buf, ':');
		if (port && strchr(port + 1, ':'))
			port = NULL; /* an IPv6 address without brackets has no port */
		if (port)
			*port++ = 0;
	}
	if (ip_parse(&q->ip, buf) < 0 || (port && text_number(&n, port, 65535) < 0))
		return -EINVAL;
	q->has_port = port;
	q->port = (uint16_t)n;
	return 0;
}

static int set_proto(struct explain_question *q, const char *s)
{
	int proto = proto_find(s);

	if (proto < 0)
		return diag_usage("explain",
				  "'%s' is no protocol: a name (tcp, udp, "
				  "icmp, ...) or a number to 255",
				  s);
	q->proto = (uint8_t)proto;
	return 0;
}

static int set_opened(struct explain_question *q, const char *s)
{
	if (strcmp(s, "here") != 0 && strcmp(s, "peer") != 0)
		return diag_usage("explain", "'%s': a connection is opened by 'here' or by 'peer'",
				  s);
	q->opened = *s == 'p' ? OPENED_PEER : OPENED_HERE;
	return 0;
}

static int set_date(struct explain_question *q, const char *s)
{
	unsigned days;

	if (calendar_parse(&q->now, s, &days) < 0)
		return diag_usage("explain", "'%s' is no date like 2026-11-23", s);
	return 0;
}

/* Milliseconds with up to six decimals. */
static int set_rtt(struct explain_question *q, const char *s)
{
	uint64_t whole, part = 0, unit = 1000000;
	char digits[16];
	size_t n = strcspn(s, ".");

	text_put(digits, sizeof(digits), "%.*s", (int)n, s);
	if (n < 10 && text_number(&whole, digits, 100000) == 0) {
		for (s += n + (s[n] == '.'); *s >= '0' && *s <= '9' && unit > 1; s++)
			part += (uint64_t)(*s - '0') * (unit /= 10);
		q->rtt_ns = whole * 1000000 + part;
		if (!*s && q->rtt_ns)
			return 0;
	}
	return diag_usage("explain", "a round-trip time is in milliseconds, like 0.35");
}

static int set(struct explain_options *o, int code)
{
	struct explain_question *q = &o->question;

	switch (code) {
	case 'p':
		o->policy = optarg;
		return 0;
	case 'g':
		if (o->ngeo == GEO_MAX)
			return diag_usage("explain", "more than %d places databases", GEO_MAX);
		o->geo[o->ngeo++] = optarg;
		return 0;
	case 'f':
		if (q->nfrom == EXPLAIN_FROM_MAX)
			return diag_usage("explain", "more than %d times --from", EXPLAIN_FROM_MAX);
		q->from[q->nfrom++] = optarg;
		return 0;
	case 't':
		return set_proto(q, optarg);
	case 'o':
		return set_opened(q, optarg);
	case 'd':
		return set_date(q, optarg);
	case 'r':
		return set_rtt(q, optarg);
	case 's':
		o->state = optarg;
		return 0;
	case 'w':
		q->why_not = optarg;
		return 0;
	case 'e':
		o->events = optarg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

static int parse(struct explain_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'}, {"geo", required_argument, NULL, 'g'},
		{"from", required_argument, NULL, 'f'},	  {"proto", required_argument, NULL, 't'},
		{"opened", required_argument, NULL, 'o'}, {"as-of", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},	  {"rtt", required_argument, NULL, 'r'},
		{"state", required_argument, NULL, 's'},  {"why-not", required_argument, NULL, 'w'},
		{"events", required_argument, NULL, 'e'}, {NULL, 0, NULL, 0},
	};
	int code, r;

	while ((code = options_next("explain", argc, argv, "p:", options)) != -1) {
		r = set(o, code);
		if (r)
			return r;
	}
	if (optind == argc)
		return diag_usage("explain", "which address?");
	return 0;
}

static int answer(const struct engine *e, struct explain_options *o, const char *text)
{
	struct explain_question q = o->question;
	_json_ json_t *a = NULL;

	if (explain_is_name(text))
		return explain_name(text, o->events, o->json);
	if (explain_address(&q, text) < 0) {
		char safe[128];

		return diag_usage("explain", "'%s' is no address, nor an address and a port",
				  text_escape(safe, sizeof(safe), text, SIZE_MAX));
	}
	a = explain_answer(e, &q);
	if (!a) {
		diag_say("not enough memory");
		return EXIT_FAILED;
	}
	if (o->json) {
		json_dumpf(a, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		explain_print(stdout, a, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
	}
	return EXIT_DONE;
}

/* As the agent on this host has it. */
static const char *state_path(char buf[512], const char *state, const char *file, const char *what)
{
	text_put(buf, 512, "%s/%s", state, file);
	if (access(buf, R_OK) == 0 || errno != EACCES)
		return buf;
	diag_say("%s: not readable for you: %s is left out", buf, what);
	return NULL;
}

static int load(struct engine **ret, const struct explain_options *o)
{
	char refuted[512], quarantine[512];
	struct engine_config cfg = {
		.policy = o->policy,
		.refuted = state_path(refuted, o->state, REFUTED_FILE, "what distance has refuted"),
		.quarantine = state_path(quarantine, o->state, QUARANTINE_FILE, "the quarantine"),
		.geo = o->geo,
		.ngeo = o->ngeo,
		.now = o->question.now,
		.live = true};
	struct diag_print p;
	int r;

	diag_print_init(&p, stderr);
	r = engine_load(ret, &cfg, NULL, &p.sink);
	diag_print_done(&p);
	return r == -EINVAL ? EXIT_POLICY : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_explain(int argc, char **argv)
{
	struct explain_options o = {.question = {.proto = 6, .now = time(NULL)},
				    .state = ENGINE_STATE};
	struct engine *e = NULL;
	struct engine_query query;
	struct ip source;
	const char *why;
	int worst, r = parse(&o, argc, argv);

	if (r)
		return r;
	worst = load(&e, &o);
	if (worst)
		return worst;
	if (explain_from(e, &o.question, &query, &source, &why) < 0)
		worst = diag_usage(
			"explain",
			"--from '%s': unit NAME, user-unit NAME, user NAME, cgroup /PATH or an address",
			why);
	if (!worst && o.question.why_not && !explain_why_known(e, o.question.why_not))
		worst = diag_usage(
			"explain",
			"--why-not '%s': a zone (eu, eea, adequate, one of the policy's) or a country (DE)",
			o.question.why_not);
	for (int i = optind; i < argc && worst != EXIT_USAGE; i++) {
		if (!strcmp(argv[i], "-")) {
			r = explain_lines(e, &o.question, o.json, stdin);
			worst = r > worst ? r : worst;
			continue;
		}
		if (i > optind && !o.json)
			putchar('\n');
		r = answer(e, &o, argv[i]);
		worst = r > worst ? r : worst;
	}
	engine_free(e);
	return worst;
}
