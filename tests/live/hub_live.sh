#!/bin/bash
# hub_live.sh - a fleet in a real PostgreSQL: a real agent's feed, copies of it as other hosts; twice, killed, without the database, and told
# what contradicts.
# LIMIT 400
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
mkdir -p "$LIVE/state" "$LIVE/in/db1"
DAYS=30 KEYS=20
PYTHONPATH="$ROOT/tests/lib" python3 - "$LIVE/state" $DAYS $KEYS <<-'X'
	import shutil, sys, time
	from ledger import Ledger
	state, days, keys = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	l, today = Ledger("ledger-of-before"), int(time.time()) // 86400 * 86400
	key = [l.key(country="DE" if i % 2 else "US", law="US" if i % 3 else "DE", provider="aws" if i % 4 else "", unit=f"u{i}\t\\N\\.\n\"é.service",
	             verdict=i % 3, enforced=1) for i in range(keys)]
	for d in range(days):
	    for i, k in enumerate(key):
	        l.row(k, today - (days - d) * 86400, 1000 + i, level=86400)
	l.state("hour_end", today)
	l.state("day_end", today)
	shutil.copy(l.done() / "ledger.db", state)
X
J=$LIVE/journal FEED=$LIVE/in/db1/fleet.json
f=$(policy 'mode enforce' "journal \"$J\"" "feed file \"$FEED\" ledger day" 'allow to eea' 'block to any severity high')
run_agent() { # until its checkpoint is there
	local n
	n=$(grep -c '"journal-checkpoint"' "$FEED" 2>/dev/null)
	agent_up "$f"
	for i in 1 2 3 4; do db timeout 1 bash -c "echo x >/dev/udp/3.80.0.1/900$i" 2>/dev/null; done
	wait_for 20 sh -c "[ \$(grep -c '\"journal-checkpoint\"' '$FEED') -gt $((n + 1)) ]"
	agent_stop
}
agent_up "$f"
want=$((DAYS * (KEYS + 1)))
check "the ledger goes out" wait_for 60 sh -c "[ \$(grep -c '\"kind\":\"ledger\"' '$FEED') -ge $want ]"
agent_stop
run_agent
cp -a "$J" "$LIVE/journal.old"

pg_up
URL="host=$LIVE/run user=pg dbname=postgres"
hub() { "$CORDON" hub --database "$URL" "$@" 2>"$LIVE/hub.err"; }
sql() { psql_local -c "$1"; }
check "a directory is taken" hub --from "$LIVE/in" --once --expect "$(hostname)" --expect db-that-is-not
country() { hub --by country --json | jq -cs 'map({country, verdict, bytes, packets, flows})'; }
from_feed() {
	jq -cs '[.[] | select(.cordon.kind == "ledger" and .cordon.ledger.row == "flow")] | unique_by(.event.id) | map(.cordon.ledger) |
		group_by([.country, .verdict]) | map({country: .[0].country, verdict: .[0].verdict, bytes: (map(.bytes) | add),
		packets: (map(.packets) | add), flows: (map(.flows) | add)}) | sort_by(-.bytes, .country, .verdict)' "$FEED"
}
same "sums by country are the feed's" "$(from_feed)" "$(country)"
same "each end says as many rows as there are" 0 "$(hub --hosts --json | jq -s 'map(.incomplete) | add')"
same "hosts: heard, and missing" "heard missing" "$(hub --hosts --json | jq -r .state | sort | tr '\n' ' ' | sed 's/ $//')"
same "its days, its mode" "$DAYS enforce" "$(hub --hosts --json | jq -r 'select(.state == "heard") | "\(.days) \(.mode)"')"
same "names come as they are" "$(printf 'u7\t\\N\\.\n"\303\251.service')" "$(hub --by unit --json | jq -r 'select(.unit | startswith("u7\t")).unit')"
same "nothing contradicts" "0 0" "$(hub --findings | wc -l) $(hub --findings >/dev/null; echo $?)"
same "its key is the journal's" "$(cat "$J/verifier")" "$(sql "select verifier from cordon.host")"
check "checkpoints are there" test "$(sql 'select count(*) from cordon.checkpoint')" -ge 1

# the same again, as another file; lines that are none
tail -n +2 "$FEED" >"$LIVE/in/again.log"
printf '%s\n' '{"event": 1}' 'not json' '{"a":"\u0000"}' '{}' >"$LIVE/in/broken.json"
head -n 1 "$FEED" | jq -c '.cordon.ledger.bytes = -1 | .cordon.kind = "ledger"' >>"$LIVE/in/broken.json"
same "what cannot be read is counted, and the exit says so" "5 5" "$(hub --from "$LIVE/in" --once; echo $?) $(sql 'select sum(lines) from cordon.refused')"
same "at least once is once" "$(from_feed)" "$(country)"

# twenty hosts more, taken in by a hub that is killed again and again
for i in $(seq 20); do
	jq -c --arg n "$i" 'select(.cordon.kind == "ledger") | .agent.id += "-" + $n | .agent.name = "copy" + $n' "$FEED" >"$LIVE/in/copy$i.json"
done
for t in 0.2 0.5 0.9; do
	timeout -s KILL $t "$CORDON" hub --database "$URL" --from "$LIVE/in" --once 2>/dev/null
done
hub --from "$LIVE/in" --once
same "21 hosts, each row once" "$((21 * $(from_feed | jq 'map(.bytes) | add')))" "$(country | jq 'map(.bytes) | add')"
same "by host" 21 "$(hub --by host --json | jq -s 'map(.host) | unique | length')"
same "a day of it" "$((21 * $(from_feed | jq 'map(.bytes) | add') / DAYS))" \
	"$(hub --by law --since "$(date -u -d '-2 days' +%F)" --until "$(date -u -d '-1 day' +%F)" --json | jq -s 'map(.bytes) | add')"

# the database goes away under a hub that runs on
bg hub "$CORDON" hub --database "$URL" --from "$LIVE/in"
sleep 0.5
bg_stop pg INT
jq -c '.agent.id = "late" | .agent.name = "late"' "$FEED" | grep '"kind":"ledger"' >"$LIVE/in/late.json"
check "it says that the database is away" wait_for 20 grep -q 'PostgreSQL is away' "$LIVE/hub.err"
bg pg db $AS_PG $PGBIN/postgres -D "$LIVE/pg"
wait_for 20 psql_local -c 'select 1'
late() { [ "$(sql "select count(*) from cordon.day join cordon.host o on o.id = host where o.agent = 'late'")" = $((DAYS * KEYS)) ]; }
check "and takes everything when it is there again" wait_for 90 late
bg_stop hub

# an older journal put back in its place; another history, signed by its key; a sum that says otherwise; another key
rm -rf "$J"
run_agent # begins anew, with a key of its own
mv "$J" "$LIVE/journal.other"
hub --from "$LIVE/in" --once
same "another journal is another key" other-key "$(hub --findings --json | jq -r .finding | sort -u)"
cp -a "$LIVE/journal.old" "$J"
agent_up "$f"; sleep 2; agent_stop
cp -a "$J" "$LIVE/journal.new"
rm -rf "$J"; cp -a "$LIVE/journal.old" "$J"
mv "$FEED" "$LIVE/in/db1/rotated.json"
python3 - "$J/key" "$LIVE/in/db1/rotated.json" "$LIVE/in/forged.json" <<-'X'
	import base64, json, subprocess, sys, tempfile, uuid
	key, feed, to = sys.argv[1:]
	verifier = open(key.replace("/key", "/verifier")).read().strip()
	lines = [json.loads(l) for l in open(feed)]
	def sign(text):
	    with tempfile.NamedTemporaryFile() as f, tempfile.NamedTemporaryFile() as s:
	        f.write(text.encode()); f.flush()
	        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", f.name, "-out", s.name], check=True)
	        sig = open(s.name, "rb").read()
	    name, hexid, _ = verifier.split("+", 2)
	    return text + "\n\u2014 " + name + " " + base64.b64encode(bytes.fromhex(hexid) + sig).decode() + "\n"
	mine = [l for l in lines if l["cordon"].get("verifier") == verifier]
	last = max(mine, key=lambda l: int(l["cordon"]["checkpoint"].split("\n")[1]))
	head = last["cordon"]["checkpoint"].split("\n")
	out = []
	def more(size, root, date, note=None):
	    c = json.loads(json.dumps(last))
	    c["event"]["id"] = str(uuid.uuid4())
	    c["@timestamp"] = c["event"]["created"] = date
	    c["cordon"]["checkpoint"] = note or sign(f"{head[0]}\n{size}\n{root}\n")
	    out.append(c)
	more(int(head[1]), base64.b64encode(b"x" * 32).decode(), last["@timestamp"])
	more(1, head[2], "2037-01-01T00:00:00.000000000Z")
	more(0, "", "2026-01-01T00:00:00Z", last["cordon"]["checkpoint"].replace(head[2], base64.b64encode(b"y" * 32).decode()))
	row = next(l for l in lines if l["cordon"]["kind"] == "ledger" and l["cordon"]["ledger"]["row"] == "flow")
	row["cordon"]["ledger"]["bytes"] += 1
	out.append(row)
	open(to, "w").write("".join(json.dumps(l) + "\n" for l in out))
X
before=$(country)
hub --from "$LIVE/in" --once
same "each contradiction is named" "bad-signature changed fork other-key rollback" "$(hub --findings --json | jq -r .finding | sort -u | tr '\n' ' ' | sed 's/ $//')"
same "findings are exit 5" 5 "$(hub --findings >/dev/null; echo $?)"
same "and change no sum" "$before" "$(country)"
n=$(hub --findings --json | wc -l)
tail -n +2 "$LIVE/in/forged.json" >"$LIVE/in/forged2.json"
# a number that a killed run took is gone (PostgreSQL's sequences do not roll back), so what counts is what a whole run takes
numbers() { sql "select last_value from cordon.host_id_seq"; }
taken=$(numbers)
hub --from "$LIVE/in" --once
same "told once" "$n" "$(hub --findings --json | wc -l)"
same "a host that is heard again takes no number" "$taken" "$(numbers)"
same "a silent host" silent "$(sql "update cordon.host set last_seen = now() - interval '2 days' where name = 'copy3'"; hub --hosts --json | jq -r 'select(.host == "copy3").state')"
