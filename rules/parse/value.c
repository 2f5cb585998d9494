/* SPDX-License-Identifier: BSD-2-Clause */
/* value.c - one word to one value, or an error that says what to write instead: countries,
 * prefixes, ports, dates. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "rules/parse/calendar.h"
#include "rules/parse/hint.h"
#include "rules/parse/parse.h"
#include "rules/parse/proto.h"
#include "rules/parse/size.h"

bool value_parse_number(uint64_t *ret, const char *s, size_t len, uint64_t max)
{
	uint64_t v = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v) || v > max)
			return false;
	}
	*ret = v;
	return true;
}

bool value_parse_choice(struct parse *ps, unsigned *ret, const struct word *w, const char *what,
			const char *const *names, size_t n)
{
	const char *near = match_nearest(w->s, names, n);
	const char *all = "";

	for (size_t i = 0; i < n; i++)
		if (!strcmp(w->s, names[i])) {
			*ret = (unsigned)i;
			return true;
		}
	for (size_t i = 0; i < n && all; i++)
		all = arena_format(ps->arena, "%s%s'%s'", all,
				   !i		? ""
				   : i == n - 1 ? " or "
						: ", ",
				   names[i]);
	if (near)
		parse_error(ps, &w->at, "'%s' is no %s; did you mean '%s'?", w->s, what, near);
	else
		parse_error(ps, &w->at, "'%s' is no %s; write %s", w->s, what,
			    all ? all : "another");
	return false;
}

bool value_parse_country(struct parse *ps, uint16_t *ret, const struct word *w)
{
	size_t len = strlen(w->s);
	uint16_t cc = w->quoted ? 0 : country_code(w->s, len);
	char up[3] = "";

	if (cc) {
		*ret = cc;
		return true;
	}
	if (len == 2) {
		up[0] = (char)toupper((unsigned char)w->s[0]);
		up[1] = (char)toupper((unsigned char)w->s[1]);
	}
	if (!strcmp(up, "UK"))
		parse_error(ps, &w->at, "'%s' is no ISO 3166-1 code; the United Kingdom is 'GB'",
			    w->s);
	else if (!strcmp(up, "EL"))
		parse_error(ps, &w->at, "'%s' is no ISO 3166-1 code; Greece is 'GR'", w->s);
	else if (!strcmp(up, "EU"))
		parse_error(ps, &w->at, "'%s' is no country; the 27 states are the zone 'eu'",
			    w->s);
	else if (country_code(up, 2))
		parse_error(ps, &w->at, "country codes are written in capitals: '%s'", up);
	else
		parse_error(ps, &w->at, "'%s' is no ISO 3166-1 code", w->s);
	return false;
}

bool value_parse_cidr(struct parse *ps, struct cidr *ret, const struct word *w)
{
	struct cidr c = {0};
	const char *hint;
	char buf[IP_STRLEN];
	int err = cidr_parse(&c, w->s);

	if (cidr_mapped(&c, &c) && !err) {
		parse_error(ps, &w->at, "'%s' is IPv4 on the wire: write '%s'", w->s,
			    cidr_format(buf, &c));
		return false;
	}
	if (!err) {
		*ret = c;
		return true;
	}
	if (err == -EDOM)
		parse_error(ps, &w->at, "'%s' has host bits set; the prefix is '%s'", w->s,
			    cidr_format(buf, &c));
	else if ((hint = hint_find(ps->arena, HINT_PLACE, w->s)))
		parse_error(ps, &w->at, "'%s' is no address or prefix; %s", w->s, hint);
	else
		parse_error(ps, &w->at,
			    "'%s' is no address or prefix (203.0.113.0/24, 2001:db8::/32)", w->s);
	return false;
}

static bool one_port(struct parse *ps, uint16_t *ret, const struct word *w, const char *s,
		     size_t len)
{
	const char *hint = hint_find(ps->arena, HINT_PORT, w->s);
	uint64_t v = len == strlen(w->s) ? proto_port(w->s) : 0;

	if (v || value_parse_number(&v, s, len, 65535)) {
		*ret = (uint16_t)v;
		return true;
	}
	if (len && strspn(s, "0123456789") >= len)
		parse_error(ps, &w->at, "port '%.*s' is over 65535", (int)len, s);
	else if (hint)
		parse_error(ps, &w->at, "'%s' is no port; %s", w->s, hint);
	else
		parse_error(ps, &w->at,
			    "'%s' is no port, range or name of one (443, 6000-6063, https)", w->s);
	return false;
}

bool value_parse_ports(struct parse *ps, uint16_t *first, uint16_t *last, const struct word *w)
{
	const char *dash = proto_port(w->s) ? NULL : strchr(w->s, '-');
	size_t len = dash ? (size_t)(dash - w->s) : strlen(w->s);
	uint16_t a, b;

	if (!one_port(ps, &a, w, w->s, len))
		return false;
	b = a;
	if (dash && !one_port(ps, &b, w, dash + 1, strlen(dash + 1)))
		return false;
	if (a > b) {
		parse_error(ps, &w->at, "the range is out of order; write '%u-%u'", b, a);
		return false;
	}
	if (!b) {
		parse_error(ps, &w->at,
			    "no flow has port 0; a rule without 'port' is of every port");
		return false;
	}
	*first = a;
	*last = b;
	return true;
}

bool value_parse_proto(struct parse *ps, uint8_t *ret, const struct word *w)
{
	const char *names[PROTO_NAMES_MAX], *near, *hint;
	size_t n = proto_names(names);
	int p = proto_find(w->s);

	if (p >= 0) {
		*ret = (uint8_t)p;
		return true;
	}
	near = match_nearest(w->s, names, n);
	hint = hint_find(ps->arena, HINT_PROTO, w->s);
	if (hint)
		parse_error(ps, &w->at, "unknown protocol '%s'; %s", w->s, hint);
	else if (near)
		parse_error(ps, &w->at, "unknown protocol '%s'; did you mean '%s'?", w->s, near);
	else
		parse_error(ps, &w->at,
			    "unknown protocol '%s'; a number from 0 to 255 is taken too", w->s);
	return false;
}

bool value_parse_duration(struct parse *ps, int64_t *ret, const struct word *w)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {
		{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400},
	};
	size_t len = strlen(w->s);
	uint64_t v;

	for (size_t i = 0; len > 1 && i < sizeof(units) / sizeof(*units); i++)
		if (w->s[len - 1] == units[i].unit &&
		    value_parse_number(&v, w->s, len - 1, 100 * 366 * 86400ull) && v &&
		    v <= 100 * 366 * 86400ull / (uint64_t)units[i].seconds) {
			*ret = (int64_t)v * units[i].seconds;
			return true;
		}
	parse_error(ps, &w->at, "'%s' is no duration up to 100 years (45d, 12h, 30m)", w->s);
	return false;
}

bool value_parse_size(struct parse *ps, uint64_t *ret, const struct word *w)
{
	if (size_parse(ret, w->s))
		return true;
	parse_error(ps, &w->at, "'%s' is no size up to 1000000TB; write 100MB, 1GB or 512KiB",
		    w->s);
	return false;
}

bool value_parse_span(struct parse *ps, int64_t *ret, const struct word *number,
		      const struct word *unit)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {
		{"day", 86400},
		{"week", 7 * 86400},
		{"month", 31 * 86400},
		{"year", 366 * 86400},
	};
	uint64_t v;

	if (!value_parse_number(&v, number->s, strlen(number->s), 36600) || !v) {
		parse_error(ps, &number->at, "'%s' is no number of %s", number->s, unit->s);
		return false;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(unit->s, units[i].name, n) != 0 ||
		    (unit->s[n] && strcmp(unit->s + n, "s") != 0))
			continue;
		*ret = (int64_t)v * units[i].seconds;
		if (*ret <= 100 * 366 * 86400ll)
			return true;
		parse_error(ps, &number->at, "more than 100 years");
		return false;
	}
	parse_error(ps, &unit->at, "'%s' is no unit: days, weeks, months or years", unit->s);
	return false;
}

bool value_parse_date(struct parse *ps, int64_t *ret, const struct word *w)
{
	unsigned days;
	int err = calendar_parse(ret, w->s, &days);

	if (err == -EINVAL)
		parse_error(ps, &w->at,
			    "'%s' is no date from 1971 on; write year-month-day (2027-03-31)",
			    w->s);
	else if (err && !days)
		parse_error(ps, &w->at, "the date '%s' does not exist: a year has 12 months", w->s);
	else if (err)
		parse_error(ps, &w->at, "the date '%s' does not exist: that month has %u days",
			    w->s, days);
	return !err;
}

bool value_parse_degrees(struct parse *ps, double *ret, const struct word *w, double max)
{
	char *end;
	double v = NAN;

	if (strspn(w->s, "+-0123456789.") == strlen(w->s))
		v = strtod(w->s, &end);
	if (isnan(v) || *end || !*w->s || v < -max || v > max) {
		parse_error(ps, &w->at, "'%s' is no %s: degrees from -%.0f to %.0f", w->s,
			    max > 90 ? "longitude" : "latitude", max, max);
		return false;
	}
	*ret = v;
	return true;
}
