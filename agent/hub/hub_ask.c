/* SPDX-License-Identifier: BSD-2-Clause */
/* hub_ask.c - sums of a fleet, its hosts, and what contradicts. */
#include <errno.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/hub/hub_private.h"

#define COLUMNS_MAX 16

/* Sums by the keys first, which are few: the rows are read once, and the texts joined to little. A row's day counts whole. */
#define SELECT_SUMS                                                                                \
	"SELECT coalesce(nullif(CASE k.kind WHEN 1 THEN '(other)' WHEN 2 THEN '(unattributed)' "   \
	"ELSE %s END, ''), '(none)') AS %s, CASE k.verdict WHEN 0 THEN 'allow' WHEN 1 THEN "       \
	"'alert' ELSE CASE WHEN k.enforced THEN 'block' ELSE 'block (monitored)' END END AS "      \
	"verdict, sum(s.bytes) AS bytes, sum(s.packets) AS packets, sum(s.flows) AS flows, "       \
	"sum(s.attempts) AS attempts, min(s.first) AS first, max(s.last) AS last FROM (SELECT "    \
	"%s key, sum(bytes) AS bytes, sum(packets) AS packets, sum(flows) AS flows, "              \
	"sum(attempts) AS attempts, min(first_ns) / 1000000000 AS first, max(last_ns) / "          \
	"1000000000 AS last FROM cordon.sum WHERE start >= to_timestamp($1::float8) AND start "    \
	"< to_timestamp($2::float8) GROUP BY %s key) s JOIN cordon.key k ON k.id = s.key %s "      \
	"GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
#define SELECT_HOSTS                                                                                \
	"SELECT coalesce(o.name, e.name) AS host, o.agent, CASE WHEN o.id IS NULL THEN 'missing' "  \
	"WHEN o.last_seen < now() - make_interval(secs => $1::float8) THEN 'silent' WHEN e.name "   \
	"IS NULL AND EXISTS (SELECT 1 FROM cordon.expected) THEN 'unexpected' ELSE 'heard' END AS " \
	"state, to_char(o.last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS "      \
	"last_seen, (SELECT count(*) FROM cordon.part p WHERE p.host = o.id AND p.seconds = "       \
	"86400) AS days, (SELECT count(*) FROM cordon.part p WHERE p.host = o.id AND p.rows <> "    \
	"CASE p.seconds WHEN 86400 THEN (SELECT count(*) FROM cordon.day r WHERE r.host = p.host "  \
	"AND r.start = p.start) ELSE (SELECT count(*) FROM cordon.hour r WHERE r.host = p.host "    \
	"AND r.start = p.start) END) AS incomplete, (SELECT c.size FROM cordon.checkpoint c "       \
	"WHERE c.host = o.id AND c.verifier = o.verifier ORDER BY c.at DESC LIMIT 1) AS records, "  \
	"(SELECT s.mode FROM cordon.state s WHERE s.host = o.id AND s.mode IS NOT NULL ORDER BY "   \
	"s.at DESC LIMIT 1) AS mode, (SELECT count(*) FROM cordon.finding f WHERE f.host = o.id) "  \
	"AS findings FROM cordon.host o FULL JOIN cordon.expected e ON e.name = o.name ORDER BY "   \
	"state DESC, host, agent"
#define SELECT_FINDINGS                                                                            \
	"SELECT o.name AS host, o.agent, f.kind AS finding, to_char(f.at AT TIME ZONE 'UTC', "     \
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS at, f.text AS what FROM cordon.finding f JOIN "      \
	"cordon.host o ON o.id = f.host ORDER BY f.at, o.name, f.kind, f.text"

static int give(const PGresult *r, hub_row_fn *fn, void *arg)
{
	const char *name[COLUMNS_MAX], *value[COLUMNS_MAX];
	int n = PQnfields(r) < COLUMNS_MAX ? PQnfields(r) : COLUMNS_MAX, e = 0;

	for (int c = 0; c < n; c++)
		name[c] = PQfname(r, c);
	for (int i = 0; i < PQntuples(r) && e == 0; i++) {
		for (int c = 0; c < n; c++)
			value[c] = PQgetisnull(r, i, c) ? NULL : PQgetvalue(r, i, c);
		e = fn(arg, (unsigned)n, name, value);
	}
	return e;
}

static int ask(struct hub *h, const char *sql, int n, const char *const *parameter, hub_row_fn *fn,
	       void *arg, struct diag_sink *d)
{
	PGresult *r = PQexecParams(h->pg, sql, n, NULL, parameter, NULL, NULL, 0);
	const char *s = PQerrorMessage(h->pg);
	int e;

	if (PQresultStatus(r) == PGRES_TUPLES_OK) {
		e = give(r, fn, arg);
	} else {
		diag_error(d, NULL, 0, "PostgreSQL: %.*s", (int)strcspn(s, "\n"), s);
		e = -EIO;
	}
	PQclear(r);
	return e;
}

int hub_sums(struct hub *h, const char *by, int64_t from, int64_t to, hub_row_fn *fn, void *arg,
	     struct diag_sink *d)
{
	static const struct {
		const char *by, *column;
	} all[] = {{"country", "k.country"},
		   {"provider", "k.provider"},
		   {"region", "k.region"},
		   {"operator", "k.operator"},
		   {"law", "k.law"},
		   {"grade", "k.grade"},
		   {"unit", "k.unit"},
		   {"container", "k.container"},
		   {"exe", "k.exe"},
		   {"user", "k.user_name"},
		   {"prefix", "k.prefix"},
		   {"port", "k.proto || '/' || k.port"},
		   {"rule", "k.rule"},
		   {"verdict",
		    "CASE k.verdict WHEN 0 THEN 'allow' WHEN 1 THEN 'alert' ELSE 'block' END"},
		   {"host", "o.name"}};
	char sql[2048], a[32], b[32];
	const char *parameter[] = {a, b};
	bool host = strcmp(by, "host") == 0;

	text_put(a, sizeof(a), "%lld", (long long)from);
	text_put(b, sizeof(b), "%lld", (long long)to);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(by, all[i].by) != 0)
			continue;
		text_put(sql, sizeof(sql), SELECT_SUMS, all[i].column,
			 strcmp(by, "verdict") == 0 ? "what"
			 : strcmp(by, "user") == 0  ? "\"user\""
						    : by,
			 host ? "host," : "", host ? "host," : "",
			 host ? "JOIN cordon.host o ON o.id = s.host" : "");
		return ask(h, sql, 2, parameter, fn, arg, d);
	}
	return -EINVAL;
}

int hub_hosts(struct hub *h, int64_t silent_seconds, hub_row_fn *fn, void *arg, struct diag_sink *d)
{
	char a[32];
	const char *parameter[] = {a};

	text_put(a, sizeof(a), "%lld", (long long)silent_seconds);
	return ask(h, SELECT_HOSTS, 1, parameter, fn, arg, d);
}

int hub_findings(struct hub *h, hub_row_fn *fn, void *arg, struct diag_sink *d)
{
	return ask(h, SELECT_FINDINGS, 0, NULL, fn, arg, d);
}
