# LIMIT 300
# ledger_live.sh - allowed and blocked transfers of a real dump: ledger = kernel = what arrived at the peer, over a kill of the agent too.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin
on db ethtool -K eth0 tso off gso off >/dev/null 2>&1
mkdir -p "$LIVE/state"
f=$(policy 'mode enforce' 'allow to eea' 'block to any')
agent_up "$f"
pg_up
pg_peer eu
count_start eu
check "the dump to Germany succeeds" dump_to $EU4
same "the dump to the US does not" 1 "$(dump_to $US4 >/dev/null 2>&1; [ $? != 0 ] && echo 1)"
for i in 1 2 3 4 5 6 7 8 9 10; do db timeout 1 bash -c "head -c 300 /dev/zero >/dev/udp/3.80.0.1/$((9000 + i))" 2>/dev/null; done
sleep 1
tap=$(count_stop eu bytes)
kernel=$(status_json | jq -c '[.counters.allow.bytes, .counters.block.bytes]')
agent_stop
ledger() { "$CORDON" ledger --ledger "$LIVE/state/ledger.db" --json "$@" 2>"$LIVE/ledger.err"; }
sum() { jq -s "[.[] | select($1) | .bytes] | add // 0"; }
same "allowed bytes: ledger = kernel" "$(jq '.[0]' <<<"$kernel")" "$(ledger | sum '.verdict == "allow"')"
same "blocked bytes: ledger = kernel" "$(jq '.[1]' <<<"$kernel")" "$(ledger | sum '.verdict | startswith("block")')"
# the last ACK of a connection that is closed is sent by a socket of the kernel's own, in no cgroup: 52 bytes each
same "to Germany: ledger = what arrived there, but for a closed connection's last ACK" true \
	"$(ledger | jq -s --argjson tap "$tap" '([.[] | select(.country == "DE") | .bytes] | add) as $l | $tap >= $l and $tap - $l <= 2 * 52')"
same "nothing without a record" 0 "$(ledger | sum '.country == "(unattributed)"')"
same "by program" true "$(ledger --by exe | jq -s 'any(.exe == "/usr/lib/postgresql/15/bin/psql" and .bytes > 100000)')"
same "by port" true "$(ledger --by port | jq -s 'any(.port == "6/5432")')"
same "by grade of evidence: every byte has one" true \
	"$(ledger --by grade | jq -s '([.[] | .bytes] | add) > 100000 and all(.grade != "(none)")')"

# killed in the middle: what its minute held is in the kernel's totals
agent_up "$f"
on eu env PGUSER=pg $PGBIN/psql -qX -h "$LIVE/run-eu" postgres -c 'drop table person'
check "another dump" dump_to $EU4
sleep 1
agent_stop KILL
agent_up "$f"
sleep 1
kernel=$(status_json | jq '.counters.allow.bytes')
agent_stop
same "after kill -9: ledger = kernel" "$kernel" "$(ledger | sum '.verdict == "allow"')"
same "as csv" "country,verdict,bytes,packets,flows,attempts,first,last" "$("$CORDON" ledger --ledger "$LIVE/state/ledger.db" --csv | head -n 1 | tr -d '\r')"

# a flow and refused attempts that outlive their agent, killed after a minute was written: added once
bg sink on eu $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
agent_up "$f"
before=$(ledger | sum '.verdict == "allow"')
bg pour db $PEER pour $EU4 7000 --rate 10000
for i in 1 2 3 4 5; do db $PEER pour $US4 7000 --bytes 10 >/dev/null; done
sleep 2
minutes() { status_json | jq .ledger.minutes; }
m=$(minutes)
check "a minute is written" wait_for 90 eval '[ "$(minutes)" -gt '"$m"' ]'
check "with the flow" test "$(ledger | sum '.verdict == "allow"')" -gt "$before"
agent_stop KILL
agent_up "$f"
for i in 1 2 3; do db $PEER pour $US4 7000 --bytes 10 >/dev/null; done
sleep 3
bg_stop pour
sleep 1
kernel=$(status_json | jq -c '[.counters.allow.bytes, .counters.connect_denied]')
agent_stop
same "a flow that outlives its agent: ledger = kernel" "$(jq '.[0]' <<<"$kernel")" "$(ledger | sum '.verdict == "allow"')"
same "refused attempts: ledger = kernel" "$(jq '.[1]' <<<"$kernel")" "$(ledger | jq -s '[.[].attempts] | add')"
