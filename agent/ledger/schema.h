/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * schema.h - the ledger's tables, for who writes them and who reads them.
 *
 * roll holds all levels (60, 3600, 86400 seconds); a level is the sum of the one below. total is
 * what the kernel's counters grew by, rolled up in the same way. Over all minutes, by verdict:
 * total = roll + lag (state), where lag is what was under way when both were read; 0 after an end.
 */
#ifndef AGENT_LEDGER_SCHEMA_H
#define AGENT_LEDGER_SCHEMA_H

#define SCHEMA_VERSION 2
enum schema_kind { KIND_FLOW, KIND_OTHER, KIND_UNATTRIBUTED };

#define KEEP_MINUTES (7 * 86400ll)
#define KEEP_HOURS   (92 * 86400ll)
#define KEEP_DAYS    (11 * 366 * 86400ll)

#define SCHEMA_KEYS                                                                                 \
	"kind, hash, unit, container, exe, user, country, provider, region, operator, law, grade, " \
	"rule, name, prefix, port, proto, verdict, enforced, by_peer"
#define SCHEMA_PRAGMAS "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
#define SCHEMA_TABLES                                                                              \
	"BEGIN IMMEDIATE;"                                                                         \
	"CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"           \
	"CREATE TABLE IF NOT EXISTS key (id INTEGER PRIMARY KEY, kind INTEGER, hash INTEGER, "     \
	"unit TEXT, container TEXT, exe TEXT, user TEXT, country TEXT, provider TEXT, "            \
	"region TEXT, operator TEXT, law TEXT, grade TEXT, rule TEXT, prefix TEXT, "               \
	"port INTEGER, proto INTEGER, verdict INTEGER, enforced INTEGER, by_peer INTEGER, "        \
	"name TEXT DEFAULT '');"                                                                   \
	"CREATE INDEX IF NOT EXISTS key_hash ON key (hash);"                                       \
	"CREATE TABLE IF NOT EXISTS roll (level INTEGER, start INTEGER, key INTEGER, "             \
	"packets INTEGER, bytes INTEGER, attempts INTEGER, flows INTEGER, first INTEGER, "         \
	"last INTEGER, sample TEXT, PRIMARY KEY (level, start, key)) WITHOUT ROWID;"               \
	"CREATE TABLE IF NOT EXISTS total (level INTEGER, start INTEGER, verdict INTEGER, "        \
	"packets INTEGER, bytes INTEGER, PRIMARY KEY (level, start, verdict)) WITHOUT ROWID;"      \
	"PRAGMA user_version = 2;"                                                                 \
	"COMMIT;"
#define SCHEMA_FIND_KEY                                                                                      \
	"SELECT id FROM key WHERE kind = ? AND hash = ? AND unit = ? AND container = ? AND "                 \
	"exe = ? AND user = ? AND country = ? AND provider = ? AND region = ? AND operator = ? "             \
	"AND law = ? AND grade = ? AND rule = ? AND name = ? AND prefix = ? AND port = ? AND proto = ? AND " \
	"verdict = ? AND enforced = ? AND by_peer = ?"
#define SCHEMA_ADD_KEY                                                                             \
	"INSERT INTO key (" SCHEMA_KEYS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "  \
	"?, ?, ?, ?, ?)"
#define SCHEMA_ON_CONFLICT "packets = packets + excluded.packets, bytes = bytes + excluded.bytes"
#define SCHEMA_ADD_ROW                                                                                          \
	"INSERT INTO roll VALUES (60, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET " SCHEMA_ON_CONFLICT \
	", attempts = attempts + excluded.attempts, "                                                           \
	"flows = flows + excluded.flows, first = min(first, excluded.first), "                                  \
	"last = max(last, excluded.last)"
#define SCHEMA_ADD_TOTAL                                                                           \
	"INSERT INTO total VALUES (60, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET " SCHEMA_ON_CONFLICT
#define SCHEMA_GET "SELECT value FROM state WHERE name = ?"
#define SCHEMA_SET "INSERT OR REPLACE INTO state VALUES (?, ?)"

#define SCHEMA_ROLL(to, from)                                                                      \
	"INSERT INTO roll SELECT " #to ", start - start % " #to ", key, sum(packets), "            \
	"sum(bytes), sum(attempts), sum(flows), min(first), max(last), max(sample) FROM roll "     \
	"WHERE level = " #from " AND start >= ?1 AND start < ?2 GROUP BY start - start % " #to     \
	", key;"
#define SCHEMA_ROLL_TOTAL(to, from)                                                                \
	"INSERT INTO total SELECT " #to ", start - start % " #to ", verdict, sum(packets), "       \
	"sum(bytes) FROM total WHERE level = " #from " AND start >= ?1 AND start < ?2 "            \
	"GROUP BY start - start % " #to ", verdict;"
#define SCHEMA_ROLL_HOURS	SCHEMA_ROLL(3600, 60)
#define SCHEMA_ROLL_HOUR_TOTALS SCHEMA_ROLL_TOTAL(3600, 60)
#define SCHEMA_ROLL_DAYS	SCHEMA_ROLL(86400, 3600)
#define SCHEMA_ROLL_DAY_TOTALS	SCHEMA_ROLL_TOTAL(86400, 3600)
#define SCHEMA_DROP_OLD		"DELETE FROM roll WHERE level = ?1 AND start < ?2"
#define SCHEMA_DROP_OLD_TOTALS	"DELETE FROM total WHERE level = ?1 AND start < ?2"
/* Version 1 had no names. */
#define SCHEMA_FROM_1                                                                              \
	"BEGIN IMMEDIATE; ALTER TABLE key ADD COLUMN name TEXT DEFAULT ''; "                       \
	"PRAGMA user_version = 2; COMMIT;"
#endif
