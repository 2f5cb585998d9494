/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hub_schema.h - the tables of a fleet, and how a batch goes into them.
 *
 * day and hour hold the same: a host's rows of a part of its ledger; 'cordon.sum' has each moment once, the day where
 * there is one. part is the end of a day or hour as the host said it: how many rows there were, what its kernel counted.
 * Every batch is copied into stage_* and merged from there.
 */
#ifndef AGENT_HUB_HUB_SCHEMA_H
#define AGENT_HUB_HUB_SCHEMA_H

#define KEY_COLUMNS                                                                                \
	"kind, unit, container, exe, user_name, country, provider, region, operator, law, grade, " \
	"rule, prefix, port, proto, verdict, enforced, by_peer"
#define KEY_TYPES                                                                                   \
	"kind smallint, unit text, container text, exe text, user_name text, country text, "        \
	"provider text, region text, operator text, law text, grade text, rule text, prefix text, " \
	"port int, proto smallint, verdict smallint, enforced boolean, by_peer boolean"
#define SUM_COLUMNS "packets, bytes, attempts, flows, first_ns, last_ns"
#define SUM_TYPES                                                                                  \
	"packets bigint NOT NULL, bytes bigint NOT NULL, attempts bigint NOT NULL, flows bigint "  \
	"NOT NULL, first_ns bigint NOT NULL, last_ns bigint NOT NULL"
#define ROW_TABLE(name)                                                                            \
	"CREATE TABLE IF NOT EXISTS cordon." name                                                  \
	" (host int NOT NULL, start timestamptz NOT NULL, "                                        \
	"key int NOT NULL, " SUM_TYPES ", PRIMARY KEY (host, start, key));"

#define SCHEMA_MAKE                                                                                                 \
	"CREATE SCHEMA IF NOT EXISTS cordon;"                                                                       \
	"CREATE TABLE IF NOT EXISTS cordon.host (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "                 \
	"agent text UNIQUE NOT NULL, name text NOT NULL, first_seen timestamptz NOT NULL, "                         \
	"last_seen timestamptz NOT NULL, verifier text);"                                                           \
	"CREATE TABLE IF NOT EXISTS cordon.expected (name text PRIMARY KEY);"                                       \
	"CREATE TABLE IF NOT EXISTS cordon.key (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "                  \
	"hash uuid UNIQUE NOT NULL, " KEY_TYPES ");" ROW_TABLE("day") ROW_TABLE(                                    \
		"hour") "CREATE TABLE IF NOT EXISTS cordon.part (host int NOT NULL, seconds int NOT NULL, "         \
			"start timestamptz NOT NULL, rows bigint NOT NULL, packets bigint[] NOT NULL, bytes "       \
			"bigint[] NOT NULL, PRIMARY KEY (host, seconds, start));"                                   \
			"CREATE TABLE IF NOT EXISTS cordon.checkpoint (id uuid PRIMARY KEY, host int NOT NULL, at " \
			"timestamptz NOT NULL, verifier text NOT NULL, size bigint NOT NULL, root text NOT NULL, "  \
			"note text NOT NULL);"                                                                      \
			"CREATE INDEX IF NOT EXISTS checkpoint_host ON cordon.checkpoint (host, verifier, at);"     \
			"CREATE INDEX IF NOT EXISTS checkpoint_size ON cordon.checkpoint (host, verifier, size);"   \
			"CREATE TABLE IF NOT EXISTS cordon.state (id uuid PRIMARY KEY, host int NOT NULL, at "      \
			"timestamptz NOT NULL, action text NOT NULL, mode text, policy text, places text, detail "  \
			"text);"                                                                                    \
			"CREATE INDEX IF NOT EXISTS state_host ON cordon.state (host, at);"                         \
			"CREATE TABLE IF NOT EXISTS cordon.finding (host int NOT NULL, kind text NOT NULL, text "   \
			"text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (host, kind, text));"                  \
			"CREATE TABLE IF NOT EXISTS cordon.position (name text PRIMARY KEY, at bigint NOT NULL);"   \
			"CREATE TABLE IF NOT EXISTS cordon.refused (why text PRIMARY KEY, lines bigint NOT NULL, "  \
			"last timestamptz NOT NULL);"                                                               \
			"CREATE OR REPLACE VIEW cordon.sum AS SELECT * FROM cordon.day UNION ALL SELECT h.* FROM "  \
			"cordon.hour h WHERE NOT EXISTS (SELECT 1 FROM cordon.part p WHERE p.host = h.host AND "    \
			"p.seconds = 86400 AND p.start = date_trunc('day', h.start, 'UTC'));"

#define SCHEMA_STAGE                                                                               \
	"CREATE TEMP TABLE stage_host (agent text, name text, at timestamptz) ON COMMIT DELETE "   \
	"ROWS;"                                                                                    \
	"CREATE TEMP TABLE stage_row (agent text, seconds int, start timestamptz, hash "           \
	"uuid, " KEY_TYPES ", " SUM_TYPES ") ON COMMIT DELETE ROWS;"                               \
	"CREATE TEMP TABLE stage_part (agent text, seconds int, start timestamptz, rows bigint, "  \
	"packets bigint[], bytes bigint[]) ON COMMIT DELETE ROWS;"                                 \
	"CREATE TEMP TABLE stage_checkpoint (agent text, id uuid, at timestamptz, verifier text, " \
	"good boolean, size bigint, root text, note text) ON COMMIT DELETE ROWS;"                  \
	"CREATE TEMP TABLE stage_state (agent text, id uuid, at timestamptz, action text, mode "   \
	"text, policy text, places text, detail text) ON COMMIT DELETE ROWS;"                      \
	"CREATE TEMP TABLE stage_position (name text, at bigint) ON COMMIT DELETE ROWS;"           \
	"CREATE TEMP TABLE stage_refused (why text) ON COMMIT DELETE ROWS;"

/* What is copied, in the order of enum hub_stage. */
#define SCHEMA_STAGES                                                                              \
	{                                                                                          \
		"stage_host", "stage_row", "stage_part", "stage_checkpoint", "stage_state",        \
			"stage_position", "stage_refused"                                          \
	}

#define FINDING "INSERT INTO cordon.finding (host, kind, text, at) SELECT "
#define ONCE	" ON CONFLICT DO NOTHING;"
#define UTC(t)	"to_char(" t " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

/* What is there is updated, not inserted again: each try of an insert takes a number of the sequence, and those end. */
#define MERGE_HOSTS                                                                                \
	"CREATE TEMP TABLE heard ON COMMIT DROP AS SELECT agent, (array_agg(name ORDER BY at "     \
	"DESC))[1] AS name, least(min(at), now()) AS first, least(max(at), now()) AS last FROM "   \
	"stage_host GROUP BY agent;"                                                               \
	"UPDATE cordon.host o SET name = CASE WHEN s.last >= o.last_seen THEN s.name ELSE o.name " \
	"END, first_seen = least(o.first_seen, s.first), last_seen = greatest(o.last_seen, "       \
	"s.last) FROM heard s WHERE s.agent = o.agent;"                                            \
	"INSERT INTO cordon.host (agent, name, first_seen, last_seen) SELECT agent, name, first, " \
	"last FROM heard s WHERE NOT EXISTS (SELECT FROM cordon.host o WHERE o.agent = s.agent) "  \
	"ORDER BY agent ON CONFLICT (agent) DO NOTHING; DROP TABLE heard;"
#define MERGE_KEYS                                                                                 \
	"INSERT INTO cordon.key (hash, " KEY_COLUMNS ") SELECT DISTINCT ON (hash) "                \
	"hash, " KEY_COLUMNS " FROM stage_row s WHERE NOT EXISTS (SELECT 1 FROM cordon.key k "     \
	"WHERE k.hash = s.hash) ORDER BY hash" ONCE
/* Of one level. What is there already and says otherwise stays, and is a finding. */
#define MERGE_ROWS(table, seconds)                                                                                     \
	"CREATE TEMP TABLE fresh ON COMMIT DROP AS SELECT DISTINCT o.id AS host, start, k.id AS "                      \
	"key, " SUM_COLUMNS                                                                                            \
	" FROM stage_row s JOIN cordon.host o USING (agent) JOIN cordon.key k "                                        \
	"USING (hash) WHERE seconds = " seconds ";"                                                                    \
	"INSERT INTO cordon." table " (host, start, key, " SUM_COLUMNS                                                 \
	") SELECT host, start, key, " SUM_COLUMNS                                                                      \
	" FROM fresh ORDER BY host, start, key" ONCE FINDING                                                           \
	"DISTINCT ON (f.host, f.start) f.host, 'changed', 'sums of ' || " UTC(                                         \
		"f.start") " || ' came again with other numbers: ' || f.bytes || ' bytes, not ' || r.bytes, now() "    \
			   "FROM fresh f JOIN cordon." table                                                           \
			   " r USING (host, start, key) WHERE (f.packets, "                                            \
			   "f.bytes, f.attempts, f.flows) IS DISTINCT FROM (r.packets, r.bytes, r.attempts, r.flows) " \
			   "ORDER BY f.host, f.start, f.key" ONCE "DROP TABLE fresh;"
#define MERGE_PARTS                                                                                                 \
	"INSERT INTO cordon.part SELECT o.id, seconds, start, rows, packets, bytes FROM "                           \
	"stage_part JOIN cordon.host o USING (agent) ORDER BY 1, 2, 3" ONCE FINDING                                 \
	"o.id, 'changed', 'the end of ' || " UTC(                                                                   \
		"s.start") " || ' came again with other totals', now() FROM stage_part s JOIN cordon.host o USING " \
			   "(agent) JOIN cordon.part p ON p.host = o.id AND p.seconds = s.seconds AND p.start = "   \
			   "s.start WHERE (p.rows, p.packets, p.bytes) IS DISTINCT FROM (s.rows, s.packets, s.bytes)" ONCE
#define MERGE_STATES                                                                               \
	"INSERT INTO cordon.state SELECT s.id, o.id, at, action, mode, policy, places, detail "    \
	"FROM stage_state s JOIN cordon.host o USING (agent) ORDER BY s.id" ONCE
/* The first key that signs for a host is its key. Only what it signed counts from then on. */
#define MERGE_CHECKPOINTS                                                                                        \
	"UPDATE cordon.host o SET verifier = s.verifier FROM (SELECT DISTINCT ON (agent) agent, "                \
	"verifier FROM stage_checkpoint WHERE good ORDER BY agent, at) s WHERE s.agent = o.agent "               \
	"AND o.verifier IS NULL;" FINDING                                                                        \
	"o.id, 'bad-signature', 'the checkpoint of ' || size || ' records at ' || " UTC(                         \
		"at") " || ' is not signed by the key it names', at FROM stage_checkpoint s JOIN cordon.host o " \
		      "USING (agent) WHERE NOT good" ONCE FINDING                                                \
		      "DISTINCT ON (o.id, s.verifier) o.id, 'other-key', 'checkpoints are signed by ' || "       \
		      "s.verifier || ', the first ones were by ' || o.verifier || ': another journal', at FROM " \
		      "stage_checkpoint s JOIN cordon.host o USING (agent) WHERE good AND s.verifier <> "        \
		      "o.verifier ORDER BY o.id, s.verifier, at" ONCE                                            \
		      "INSERT INTO cordon.checkpoint SELECT s.id, o.id, at, s.verifier, size, root, note FROM "  \
		      "stage_checkpoint s JOIN cordon.host o USING (agent) WHERE good ORDER BY s.id" ONCE
#define MERGE_FORKS                                                                                        \
	FINDING "DISTINCT ON (o.id, c.size) o.id, 'fork', 'two histories: a journal of ' || "              \
		"c.size || ' records has the root ' || least(c.root, s.root) || ' and the root ' || "      \
		"greatest(c.root, s.root), greatest(c.at, s.at) FROM stage_checkpoint s JOIN cordon.host " \
		"o USING (agent) JOIN cordon.checkpoint c ON c.host = o.id AND c.verifier = s.verifier "   \
		"AND c.size = s.size WHERE good AND c.root <> s.root ORDER BY o.id, c.size" ONCE
/* Each against the largest before it and the smallest after it. */
#define ROLLBACK(size, at, other_size, other_at)                                                                          \
	FINDING "DISTINCT ON (o.id, s.id) o.id, 'rollback', 'the journal had ' || " size                                  \
		" || ' records at ' || " UTC(at) " || ' and ' || " other_size " || ' at ' || " UTC(                       \
			other_at) " || ': set back to an older copy, unless its clock was', " other_at                    \
				  " FROM stage_checkpoint s JOIN cordon.host o USING (agent) CROSS JOIN LATERAL (SELECT " \
				  "size, at FROM cordon.checkpoint c WHERE c.host = o.id AND c.verifier = s.verifier AND "
#define MERGE_ROLLBACKS                                                                            \
	ROLLBACK("c.size", "c.at", "s.size", "s.at")                                               \
	"c.at < s.at AND c.size > s.size ORDER BY c.at DESC LIMIT 1) c WHERE good" ONCE ROLLBACK(  \
		"s.size", "s.at", "c.size",                                                        \
		"c.at") "c.at > s.at AND c.size < s.size ORDER BY c.at LIMIT 1) c WHERE good" ONCE
/* One a second is more than a fleet's tables want: an hour keeps its first and its last. */
#define MERGE_THIN                                                                                 \
	"DELETE FROM cordon.checkpoint c USING (SELECT DISTINCT o.id AS host, "                    \
	"date_trunc('hour', at) AS h FROM stage_checkpoint s JOIN cordon.host o USING (agent)) s " \
	"WHERE c.host = s.host AND c.at >= h AND c.at < h + interval '1 hour' AND EXISTS "         \
	"(SELECT 1 FROM cordon.checkpoint b WHERE b.host = c.host AND b.verifier = c.verifier "    \
	"AND b.at >= h AND b.at < c.at) AND EXISTS (SELECT 1 FROM cordon.checkpoint b WHERE "      \
	"b.host = c.host AND b.verifier = c.verifier AND b.at > c.at AND b.at < h + interval "     \
	"'1 hour');"
#define MERGE_REST                                                                                 \
	"INSERT INTO cordon.position SELECT name, max(at) FROM stage_position GROUP BY name ON "   \
	"CONFLICT (name) DO UPDATE SET at = excluded.at; INSERT INTO cordon.refused AS r SELECT "  \
	"why, count(*), now() FROM stage_refused GROUP BY why ON CONFLICT (why) DO UPDATE SET "    \
	"lines = r.lines + excluded.lines, last = now();"
#endif
