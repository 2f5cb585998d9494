-- clickhouse.sql - the fleet's tables for ClickHouse, for who has it already: cordon writes PostgreSQL, ClickHouse reads there.
-- 1. the fleet where 'cordon hub' keeps it (a role that may only read):
CREATE DATABASE fleet_pg ENGINE = PostgreSQL('db.example:5432', 'fleet', 'reader', 'PASSWORD', 'cordon');

-- 2. one wide table: a row a host, part of the ledger and key, the texts with it. ReplacingMergeTree: a row that is loaded twice counts
-- once (query with FINAL, or after OPTIMIZE).
CREATE TABLE fleet_day
(
    host       LowCardinality(String),
    agent      String,
    start      DateTime('UTC'),
    key        UInt32,
    kind       Enum8('flow' = 0, 'other' = 1, 'unattributed' = 2),
    unit       LowCardinality(String),
    container  LowCardinality(String),
    exe        LowCardinality(String),
    user_name  LowCardinality(String),
    country    LowCardinality(String),
    provider   LowCardinality(String),
    region     LowCardinality(String),
    operator   LowCardinality(String),
    law        LowCardinality(String),
    grade      LowCardinality(String),
    rule       LowCardinality(String),
    prefix     String,
    port       UInt16,
    proto      UInt8,
    verdict    Enum8('allow' = 0, 'alert' = 1, 'block' = 2),
    enforced   Bool,
    by_peer    Bool,
    packets    UInt64,
    bytes      UInt64,
    attempts   UInt64,
    flows      UInt64,
    first_ns   UInt64,
    last_ns    UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (start, agent, key);

-- 3. each night, the day that is over (sums of a day never change):
INSERT INTO fleet_day
SELECT o.name, o.agent, d.start, d.key, k.kind, k.unit, k.container, k.exe, k.user_name, k.country, k.provider, k.region, k.operator,
       k.law, k.grade, k.rule, k.prefix, k.port, k.proto, k.verdict, k.enforced, k.by_peer, d.packets, d.bytes, d.attempts, d.flows,
       d.first_ns, d.last_ns
FROM fleet_pg.day AS d
INNER JOIN fleet_pg.host AS o ON o.id = d.host
INNER JOIN fleet_pg.key AS k ON k.id = d.key
WHERE d.start >= toStartOfDay(now('UTC')) - INTERVAL 1 DAY AND d.start < toStartOfDay(now('UTC'));

-- 4. a question: what left, under whose law
SELECT law, verdict, sum(bytes) AS bytes, uniq(agent) AS hosts FROM fleet_day FINAL GROUP BY law, verdict ORDER BY bytes DESC;
