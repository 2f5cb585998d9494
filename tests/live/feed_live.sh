#!/bin/bash
# feed live: what happens to the alert file is seen and told; a reader that sleeps, a full disk or a full stderr stops nothing.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'block to any severity high')
ms() { echo $(($(date +%s%N) / 1000000)); }
denials() { # N: as many flows that are refused, each to a port of its own
	db python3 - "$1" <<'P'
import socket, sys
for i in range(int(sys.argv[1])):
    s = socket.socket()
    try:
        s.connect(("3.80.0.1", 1000 + i))
    except OSError:
        pass
    s.close()
P
}
feed() { status_json | jq -r ".feeds[0].$1"; }
feed_is() { [ "$(feed "$1")" = "$2" ]; }
no_events_wait() { feed_is waiting 0; }
told() { grep -q "\"action\":\"$1\"" "$ALERTS"; }
down() {
	agent_stop
	"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
}
quick() { # NAME: the agent answers at once
	local began took
	began=$(ms)
	timeout 20 "$CORDON" status --control "$CONTROL" >/dev/null || { not_ok "$1" "no answer"; return; }
	took=$(($(ms) - began))
	if [ $took -lt 1000 ]; then ok "$1"; else not_ok "$1" "took $took ms"; fi
}

# removed, renamed, replaced: seen within seconds, told in the new file, nothing lost
mkdir "$LIVE/log"
ALERTS=$LIVE/log/alerts.json
agent_up "$f" --mode enforce
denials 2
wait_for 5 no_events_wait
rm "$ALERTS"
check removed/told wait_for 5 told alert-file-replaced
denials 2
check removed/goes_on wait_for 5 told flow-blocked
mv "$ALERTS" "$LIVE/first.json"
check renamed/told wait_for 5 told alert-file-replaced
rm -r "$LIVE/log"
wait_for 5 feed_is error 'No such file or directory'
denials 2
mkdir "$LIVE/log"
check folder_gone/kept_until_it_is_back wait_for 5 told flow-blocked
same folder_gone/lost 0 "$(feed lost)"
# what it wrote is ECS, with what only a live agent knows
check ecs/fields python3 "$ROOT/tests/agent/ecs_check.py" "$ALERTS" "$LIVE/first.json"
last() { jq -rs "map(select(.event.action == \"flow-blocked\")) | last | $1" "$ALERTS"; }
same ecs/source $DB4 "$(last .source.ip)"
same ecs/no_port null "$(last .source.port)"
check ecs/community_id [ "$(last .network.community_id)" != null ]
same ecs/server $US4 "$(last .server.ip)"
same ecs/host_ip "$DB4" "$(last '.host.ip[]' | grep -x "$DB4")"
check ecs/process [ "$(last '.process.start, .process.entity_id, .process.parent.pid' | grep -vc null)" = 3 ]
down

# folded: the first at once, then a summary, in ECS too
ALERTS=$LIVE/folded.json agent_up "$f" --mode enforce --fold 1
denials 40
check folded/summary wait_for 10 grep -q '"kind":"summary"' "$LIVE/folded.json"
check folded/ecs python3 "$ROOT/tests/agent/ecs_check.py" "$LIVE/folded.json"
down

# a pipe whose reader sleeps: 3,000 denials, the agent answers and reloads; what is sent, waits and is lost is all there was
mkfifo "$LIVE/fifo"
bg reader bash -c "exec 9<'$LIVE/fifo'; echo ready >&2; sleep 100"
ALERTS=$LIVE/fifo agent_up "$f" --mode enforce
denials 3000
quick sleeping_reader/status
began=$(ms)
"$CORDON" reload --control "$CONTROL" >/dev/null
check sleeping_reader/reload test $(($(ms) - began)) -lt 3000
sums() { status_json | jq -e '.feeds[0].lines + .feeds[0].waiting + .feeds[0].lost == .agent.events' >/dev/null; }
check sleeping_reader/sums wait_for 5 sums
check sleeping_reader/some_wait test "$(feed waiting)" -gt 100
began=$(ms)
agent_stop
check sleeping_reader/stop test $(($(ms) - began)) -lt 6000
check sleeping_reader/says grep -q 'alerts could not be written before the end' "$LIVE/agent.err"
bg_stop reader
down

# no room on the disk, and then there is
mkdir "$LIVE/small"
mount -t tmpfs -o size=16k tmpfs "$LIVE/small"
dd if=/dev/zero of="$LIVE/small/fill" bs=1k count=8 status=none
ALERTS=$LIVE/small/alerts.json agent_up "$f" --mode enforce
denials 30
check full_disk/says wait_for 5 feed_is error 'No space left on device'
rm "$LIVE/small/fill"
mount -o remount,size=4m "$LIVE/small"
check full_disk/written_later wait_for 5 no_events_wait
same full_disk/all 30 "$(grep -c flow-blocked "$LIVE/small/alerts.json")"
check full_disk/whole_lines jq -e . "$LIVE/small/alerts.json"
down
umount "$LIVE/small"

# a name that leads elsewhere is refused, and nothing is written there
refused() { # NAME PATH PATTERN
	timeout 10 nsenter --net="/run/netns/$ID-db" -- "$CORDON" run --policy "$f" --cgroup "$CG" --pin "$PIN" \
		--control "$CONTROL" --alerts "$2" >/dev/null 2>"$LIVE/refused"
	same "$1/exit" 1 $?
	check "$1/says" grep -q "$3" "$LIVE/refused"
}
mkdir "$LIVE/his"
chown nobody "$LIVE/his"
echo original >"$LIVE/victim"
ln -s "$LIVE/victim" "$LIVE/link.json"
refused link "$LIVE/link.json" 'symbolic link'
refused foreign_folder "$LIVE/his/alerts.json" 'belongs to somebody else'
same victim original "$(cat "$LIVE/victim")"
tap_end
