#!/bin/bash
# rollup_live.sh - the ledger's days go out with the checkpoints: each row once by its id, over a kill while nobody takes them.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
mkdir -p "$LIVE/state"
DAYS=90 KEYS=40
# a ledger as the agent writes it, of days that are over
PYTHONPATH="$ROOT/tests/lib" python3 - "$LIVE/state" $DAYS $KEYS <<-'X'
	import shutil, sys, time
	from ledger import Ledger
	state, days, keys = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	l, today = Ledger("ledger-of-before"), int(time.time()) // 86400 * 86400
	key = [l.key(country="DE" if i % 2 else "US", unit=f"unit-{i}\t\\N \"é\".service", verdict=i % 3) for i in range(keys)]
	for d in range(days):
	    start = today - (days - d) * 86400
	    for i, k in enumerate(key):
	        l.row(k, start, 1000 + i, level=86400)
	l.state("hour_end", today)
	l.state("day_end", today)
	shutil.copy(l.done() / "ledger.db", state)
X
f=$(policy 'mode enforce' "journal \"$LIVE/journal\"" "feed file \"$LIVE/fleet.json\" ledger day" "feed syslog \"tcp://127.0.0.1:6601\" ledger day" \
	'allow to eea' 'block to any severity high')
agent_up "$f"
rows() { grep -c '"kind":"ledger"' "$LIVE/fleet.json" 2>/dev/null; }
want=$((DAYS * (KEYS + 1)))
wait_for 60 sh -c "[ \$(grep -c '\"kind\":\"ledger\"' '$LIVE/fleet.json') -ge 1000 ]"
agent_stop KILL # in the middle: what was not kept as sent comes again
agent_up "$f"
db timeout 1 bash -c "echo x >/dev/udp/3.80.0.1/9001" 2>/dev/null
all() { [ "$(jq -r 'select(.cordon.kind == "ledger").event.id' "$LIVE/fleet.json" | sort -u | wc -l)" = $want ]; }
check "every row of every day arrives" wait_for 90 all
same "the same row has the same id, and no other" "$want" "$(jq -c 'select(.cordon.kind == "ledger") | [.event.id, .cordon.ledger]' "$LIVE/fleet.json" | sort -u | wc -l)"
same "the end of each day says how many rows it had" "$((DAYS * KEYS))" \
	"$(jq -s '[.[] | select(.cordon.ledger.row == "end")] | unique_by(.event.id) | map(.cordon.ledger.rows) | add' "$LIVE/fleet.json")"
same "names come as they are" $'unit-7\t\\N "é".service' "$(jq -r 'select(.cordon.ledger.unit // "" | startswith("unit-7\t")).cordon.ledger.unit' "$LIVE/fleet.json" | head -n 1)"
check "checkpoints go there too" wait_for 10 grep -q '"journal-checkpoint"' "$LIVE/fleet.json"
check "a denial is in the alerts" wait_for 10 grep -q flow-blocked "$ALERTS"
same "and not with the ledger" 0 "$(grep -c flow-blocked "$LIVE/fleet.json")"
same "the alerts have no ledger" 0 "$(grep -c '"kind":"ledger"' "$ALERTS")"
# nothing more to say: the cursor is kept, and a restart says nothing twice
check "the cursor is kept" wait_for 20 sh -c "ls '$LIVE/state/feeds/'file-*.ledger"
sleep 1.5
agent_stop
before=$(rows)
agent_up "$f"
sleep 4
same "a restart sends nothing again" "$before" "$(rows)"
# the receiver that was down all the time: as much as waits, and then the rest
same "a road that is down holds up nobody, and waits with a bounded part" true \
	"$(status_json | jq '.feeds[] | select(.transport == "syslog") | .waiting > 1000 and .lost == 0')"
agent_stop
