/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_setting.c - the grammar's other statements become the policy: home, inside, place, mode, geo,
 * journal, feed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "rules/parse/parse.h"

enum once { ONCE_HOME, ONCE_MODE, ONCE_BOOT, ONCE_JOURNAL, ONCE_COUNT };

/* True the first time; the second time an error that names the first line. */
static bool once(struct parse *ps, enum once which, const char *word, const struct spot *at)
{
	struct spot *first = &ps->once[which];

	_Static_assert(ONCE_COUNT <= sizeof(ps->once) / sizeof(*ps->once), "room for each");
	if (first->line) {
		parse_error(ps, at, "'%s' stands in %s already", word, parse_where(ps, first, at));
		return false;
	}
	*first = *at;
	return true;
}

void parse_home(struct parse *ps, const struct word *cc, const struct word *lat,
		const struct word *lon, const struct word *name)
{
	struct policy *p = ps->p;

	if (!once(ps, ONCE_HOME, "home", &cc->at))
		return;
	if (!value_parse_country(ps, &p->home, cc))
		return;
	if (lat && (!value_parse_degrees(ps, &p->home_lat, lat, 90) ||
		    !value_parse_degrees(ps, &p->home_lon, lon, 180)))
		return;
	p->has_home = true;
	p->home_name = name->s;
}

void parse_mode(struct parse *ps, const struct word *key, const struct word *w)
{
	static const char *const names[] = {"monitor", "enforce"};
	unsigned which;

	if (once(ps, ONCE_MODE, "mode", &key->at) &&
	    value_parse_choice(ps, &which, w, "mode", names, 2)) {
		ps->p->mode = which ? MODE_ENFORCE : MODE_MONITOR;
		ps->p->has_mode = true;
	}
}

static const char *const boots[] = {"unsaid", "open", "closed"};

void parse_boot(struct parse *ps, const struct word *key, const struct word *w)
{
	unsigned which;

	if (once(ps, ONCE_BOOT, "boot", &key->at) &&
	    value_parse_choice(ps, &which, w, "boot", boots + 1, 2))
		ps->p->boot = (enum policy_boot)(which + 1);
}

/* Line by line, so that a text that is wrong elsewhere still says it. */
enum policy_boot policy_boot(const char *text, size_t len)
{
	for (const char *end = text + len; text < end;) {
		const char *nl = memchr(text, '\n', (size_t)(end - text)), *stop = nl ? nl : end;
		char line[64], key[8], word[8], rest[2];
		size_t n = (size_t)(stop - text) < sizeof(line) ? (size_t)(stop - text) : 0;

		memcpy(line, text, n);
		line[n] = 0;
		line[strcspn(line, "#")] = 0;
		for (unsigned b = BOOT_OPEN; b <= BOOT_CLOSED; b++)
			if (sscanf(line, " %7[a-z] %7[a-z] %1s", key, word, rest) == 2 &&
			    !strcmp(key, "boot") && !strcmp(word, boots[b]))
				return (enum policy_boot)b;
		text = stop + 1;
	}
	return BOOT_UNSAID;
}

void parse_inside(struct parse *ps, const struct word *w)
{
	struct cidr c;

	if (value_parse_cidr(ps, &c, w))
		PARSE_PUSH(ps, &ps->inside, c);
}

/* RFC 6052 section 2.2: the only lengths an address can be embedded at. */
void parse_nat64(struct parse *ps, const struct word *w)
{
	struct cidr c;

	if (!value_parse_cidr(ps, &c, w))
		return;
	if (c.addr.v != 6 || !(c.len == 32 || c.len == 40 || c.len == 48 || c.len == 56 ||
			       c.len == 64 || c.len == 96))
		parse_error(ps, &w->at,
			    "a NAT64 prefix is IPv6 of length 32, 40, 48, 56, 64 or 96 (RFC 6052)");
	else
		PARSE_PUSH(ps, &ps->nat64, c);
}

void parse_place_start(struct parse *ps, const struct word *w)
{
	ps->place = (struct policy_place){.file = parse_file(ps, w->at.source), .line = w->at.line};
	ps->parts = 0;
	value_parse_cidr(ps, &ps->place.prefix, w);
}

/* True the first time that a part of a statement comes. */
static bool part_once(struct parse *ps, unsigned part, const struct word *w)
{
	bool first = !(ps->parts & 1u << part);

	if (!first)
		parse_error(ps, &w->at, "this stands twice on one line");
	ps->parts |= 1u << part;
	return first;
}

void parse_place_part(struct parse *ps, enum place_part part, const struct word *w)
{
	struct policy_place *l = &ps->place;

	if (!part_once(ps, part, w))
		return;
	if (!*w->s)
		parse_error(ps, &w->at, "an empty name");
	switch (part) {
	case PLACE_PROVIDER:
		l->provider = w->s;
		break;
	case PLACE_PLATFORM:
		l->platform = w->s;
		break;
	case PLACE_REGION:
		l->region = w->s;
		break;
	case PLACE_NOTE:
		l->note = w->s;
		break;
	case PLACE_UNDER:
		value_parse_country(ps, &l->jurisdiction, w);
		break;
	}
}

void parse_place_end(struct parse *ps, const struct word *cc)
{
	const struct policy_place *before = ps->places.items;

	if (!value_parse_country(ps, &ps->place.country, cc))
		return;
	for (size_t i = 0; i < ps->places.n && i < PLACES_COMPARED; i++)
		if (before[i].prefix.len == ps->place.prefix.len && ps->place.prefix.addr.v &&
		    !ip_cmp(&before[i].prefix.addr, &ps->place.prefix.addr)) {
			parse_error(ps, &(struct spot){ps->place.line, 1, 1, cc->at.source},
				    "%s places this prefix already",
				    parse_line(ps, before[i].file, before[i].line, &cc->at));
			return;
		}
	PARSE_PUSH(ps, &ps->places, ps->place);
}

void parse_geo_start(struct parse *ps, const struct word *path)
{
	ps->geo = (struct policy_geo){.path = path->s,
				      .stale = DECIDE_ALERT,
				      .file = parse_file(ps, path->at.source),
				      .line = path->at.line};
	ps->parts = 0;
	if (!*path->s)
		parse_error(ps, &path->at, "an empty path");
}

void parse_geo_any(struct parse *ps, const struct word *w)
{
	ps->geo = (struct policy_geo){.path = "",
				      .stale = DECIDE_ALERT,
				      .file = parse_file(ps, w->at.source),
				      .line = w->at.line};
	ps->parts = 0;
}

void parse_geo_age(struct parse *ps, const struct word *w)
{
	if (part_once(ps, 0, w))
		value_parse_duration(ps, &ps->geo.max_age, w);
}

void parse_geo_stale(struct parse *ps, const struct word *w)
{
	static const char *const names[] = {"alert", "block"};
	unsigned which;

	if (part_once(ps, 1, w) &&
	    value_parse_choice(ps, &which, w, "action for a stale database", names, 2))
		ps->geo.stale = which ? DECIDE_BLOCK : DECIDE_ALERT;
	ps->geo_stale = w->at;
}

void parse_geo_end(struct parse *ps)
{
	if ((ps->parts & 2) && !(ps->parts & 1))
		parse_error(ps, &ps->geo_stale,
			    "'stale' needs 'max-age': when is the database stale?");
	PARSE_PUSH(ps, &ps->geos, ps->geo);
}

enum journal_part { JOURNAL_KEEP, JOURNAL_SYNC };

void parse_journal_start(struct parse *ps)
{
	ps->parts = 0;
}

void parse_journal_end(struct parse *ps, const struct word *key, const struct word *path)
{
	if (!once(ps, ONCE_JOURNAL, "journal", &key->at))
		return;
	if (!*path->s)
		parse_error(ps, &path->at, "an empty path");
	ps->p->journal = path->s;
}

void parse_journal_keep(struct parse *ps, const struct word *number, const struct word *unit)
{
	if (!part_once(ps, JOURNAL_KEEP, number))
		return;
	if (unit)
		value_parse_span(ps, &ps->p->journal_keep, number, unit);
	else
		value_parse_duration(ps, &ps->p->journal_keep, number);
}

void parse_journal_sync(struct parse *ps, const struct word *w)
{
	static const char *const names[] = {"second", "none"};
	unsigned which = 0;

	if (!part_once(ps, JOURNAL_SYNC, w))
		return;
	value_parse_choice(ps, &which, w, "way to sync", names, sizeof(names) / sizeof(*names));
	ps->p->journal_unsynced = which == 1;
}

void parse_feed_start(struct parse *ps, const struct word *transport)
{
	static const char *const names[] = {"file",  "stdout", "syslog", "journald",
					    "kafka", "otlp",   "metrics"};
	unsigned which;

	ps->feed = (struct policy_feed){.transport = transport->s,
					.file = parse_file(ps, transport->at.source),
					.line = transport->at.line};
	ps->parts = 0;
	value_parse_choice(ps, &which, transport, "way to feed", names,
			   sizeof(names) / sizeof(*names));
}

static void feed_ledger(struct parse *ps, const struct word *w)
{
	static const char *const levels[] = {"hour", "day"};
	unsigned which = 0;

	value_parse_choice(ps, &which, w, "part of the ledger", levels,
			   sizeof(levels) / sizeof(*levels));
	ps->feed.ledger = which ? 86400 : 3600;
}

void parse_feed_part(struct parse *ps, enum feed_part part, const struct word *w)
{
	static const char *const formats[] = {"ecs", "ocsf", "eve", "cef", "text"};
	unsigned which;

	if (!w->s || !part_once(ps, part, w))
		return;
	if (!*w->s)
		parse_error(ps, &w->at, "an empty name");
	switch (part) {
	case FEED_TARGET:
		ps->feed.target = w->s;
		break;
	case FEED_TOPIC:
		ps->feed.topic = w->s;
		break;
	case FEED_CA:
		ps->feed.ca = w->s;
		break;
	case FEED_CERT:
		ps->feed.cert = w->s;
		break;
	case FEED_KEY:
		ps->feed.key = w->s;
		break;
	case FEED_NAME:
		ps->feed.name = w->s;
		break;
	case FEED_CONFIG:
		ps->feed.config = w->s;
		break;
	case FEED_LEDGER:
		feed_ledger(ps, w);
		break;
	case FEED_FORMAT:
		ps->feed.format = w->s;
		value_parse_choice(ps, &which, w, "format", formats,
				   sizeof(formats) / sizeof(*formats));
		break;
	}
}

/* Where 'feed syslog' goes, and that what is only for TLS stands with TLS. */
static void check_syslog(struct parse *ps, const struct spot *at)
{
	const struct policy_feed *f = &ps->feed;
	struct policy_target t;
	bool fits = policy_target_parse(&t, f->target) == 0 && strncmp(t.scheme, "http", 4);

	if (!fits)
		parse_error(
			ps, at,
			"'%s' is no address for syslog; it is udp://HOST:514, tcp://HOST:601 or "
			"tls://HOST:6514, an IPv6 address in [brackets]",
			f->target);
	else if (strcmp(t.scheme, "tls") && (f->ca || f->cert || f->key || f->name))
		parse_error(ps, at, "'ca', 'cert', 'key' and 'name' are for tls://, this is %s://",
			    t.scheme);
	else if (!f->cert != !f->key)
		parse_error(ps, at, "'cert' and 'key' go together");
}

/* The target may be left to OTEL_EXPORTER_OTLP_ENDPOINT, and may have a path. */
static void check_otlp(struct parse *ps, const struct spot *at)
{
	const struct policy_feed *f = &ps->feed;
	char base[300];
	const char *host = f->target ? strstr(f->target, "://") : NULL;
	size_t n = host ? (size_t)(host - f->target) + 3 + strcspn(host + 3, "/") : 0;
	struct policy_target t;

	if (n && n < sizeof(base)) {
		memcpy(base, f->target, n);
		base[n] = 0;
	}
	if (f->target && (!n || n >= sizeof(base) || policy_target_parse(&t, base) < 0 ||
			  strncmp(t.scheme, "http", 4)))
		parse_error(
			ps, at,
			"'%s' is no address for OTLP; it is https://HOST:4318 or http://HOST:4318",
			f->target);
	else if (!f->cert != !f->key)
		parse_error(ps, at, "'cert' and 'key' go together");
}

/* Sums have no fields in the other formats, and nothing to send to who only asks for numbers. */
static void check_ledger(struct parse *ps, const struct spot *at)
{
	const struct policy_feed *f = &ps->feed;

	if (!f->ledger)
		return;
	if (!strcmp(f->transport, "metrics"))
		parse_error(ps, at, "'ledger' is for feeds that are sent, 'feed metrics' is asked");
	else if (f->format && strcmp(f->format, "ecs"))
		parse_error(ps, at, "'ledger' goes out as 'format ecs', not as '%s'", f->format);
}

void parse_feed_end(struct parse *ps)
{
	const struct spot at = {ps->feed.line, 1, 1, ps->source};
	bool needs = !strcmp(ps->feed.transport, "file") || !strcmp(ps->feed.transport, "syslog") ||
		     !strcmp(ps->feed.transport, "kafka");

	if (needs && !ps->feed.target)
		parse_error(ps, &at, "'feed %s' needs where to: a path or an address",
			    ps->feed.transport);
	else if (!strcmp(ps->feed.transport, "syslog"))
		check_syslog(ps, &at);
	else if (!strcmp(ps->feed.transport, "otlp"))
		check_otlp(ps, &at);
	else if (!strcmp(ps->feed.transport, "kafka") && !ps->feed.topic)
		parse_error(ps, &at,
			    "'feed kafka' needs a topic: feed kafka \"%s\" topic \"cordon.alerts\"",
			    ps->feed.target);
	check_ledger(ps, &at);
	PARSE_PUSH(ps, &ps->feeds, ps->feed);
}
