# agent_live.sh - what goes wrong around the agent: a second one, no rights, a full disk, a broken policy, wrong options.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
blocked() { [ "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)" = EPERM ]; }
# fails NAME EXIT_CODE WORD CMD...: that exit code and one sentence that holds the word
fails() {
	local name=$1 code=$2 word=$3 out rc
	shift 3
	out=$(timeout 20 "$@" 2>&1 >/dev/null </dev/null)
	rc=$?
	if [ $rc != "$code" ]; then
		not_ok "$name" "exit $rc, want $code: $(tail -n 1 <<<"$out")"
	elif ! grep -qiE "$word" <<<"$out"; then
		not_ok "$name" "does not say '$word': $(tail -n 2 <<<"$out" | tr '\n' ' ')"
	else
		ok "$name"
	fi
}
net=(nsenter --net="/run/netns/$ID-db" --)
run=("${net[@]}" "$CORDON" run --cgroup "$CG" --pin "$PIN" --control "$CONTROL" --alerts "$ALERTS" --state "$LIVE/state" --policy)

# before anything runs
fails policy_missing 1 'nowhere.conf' "${run[@]}" "$LIVE/nowhere.conf"
bad=$(policy 'home DE' 'allow to UK' 'blok to any')
fails policy_broken 3 "$(basename "$bad"):2:10: error: 'UK'" "${run[@]}" "$bad"
fails policy_broken_second 3 "$(basename "$bad"):3:1: error" "${run[@]}" "$bad"
head -c 2000 /usr/share/tor/geoip >"$LIVE/cut" && printf '\x00\xff1,2' >>"$LIVE/cut"
fails geo_damaged 1 "$LIVE/cut" "${run[@]}" "$f" --geo "$LIVE/cut"
fails geo_missing 1 nowhere.mmdb "${run[@]}" "$f" --geo "$LIVE/nowhere.mmdb"
fails mode_unknown 2 mode "${run[@]}" "$f" --mode both
fails pcap_cannot_enforce 2 'cannot block|enforce' "${run[@]}" "$f" --source pcap --interface eth0 --mode enforce
fails pcap_interface_missing 1 'none0' "${run[@]}" "$f" --source pcap --interface none0
cp "$CORDON" "$LIVE/cordon" && chmod 755 "$LIVE/cordon"
for how in "--bounding-set=-all --inh-caps=-all" "--reuid=nobody --clear-groups"; do
	# shellcheck disable=SC2086
	fails "no_privileges_${how%% *}" 1 'root|CAP_|privilege|permi' "${net[@]}" setpriv $how "$LIVE/cordon" run \
		--policy "$f" --cgroup "$CG" --pin "$PIN" --control "$LIVE/run/c2"
done
fails status_without_agent 1 "$CONTROL|no agent|not running" "$CORDON" status --control "$CONTROL"
fails reload_without_agent 1 "$CONTROL|no agent|not running" "$CORDON" reload --control "$CONTROL"

agent_up "$f" --mode enforce
check blocks blocked
fails second_agent 1 'another|already|running' "${run[@]}" "$f"
fails second_agent_other_socket 1 'another|already|running' "${net[@]}" "$CORDON" run --policy "$f" --cgroup "$CG" \
	--pin "$PIN" --control "$LIVE/run/c2"
check first_agent_goes_on "$CORDON" status --control "$CONTROL"
check still_blocks blocked

cp "$f" "$LIVE/good"
printf 'home DE\nallow to any\nblok to any\n' >"$f"
fails reload_broken 3 'error' "$CORDON" reload --control "$CONTROL"
check broken_keeps_old blocked
: >"$f"
"$CORDON" reload --control "$CONTROL" >/dev/null 2>&1
check empty_policy_blocks blocked
rm "$f"
fails reload_missing 1 "$(basename "$f")" "$CORDON" reload --control "$CONTROL"
check missing_keeps_old blocked
cp "$LIVE/good" "$f"
check reload_good "$CORDON" reload --control "$CONTROL"

# modes at run time
check mode_monitor "$CORDON" reload --control "$CONTROL" --mode monitor
same monitor_lets_pass "" "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)"
check mode_enforce "$CORDON" reload --control "$CONTROL" --mode enforce
check enforce_blocks_again blocked
check status_json jq -e 'type == "object"' <(status_json)
same status_mode enforce "$(status_json | jq -r '.mode')"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1

# a full disk: the agent goes on, blocks, and writes again when there is room
mkdir "$LIVE/small"
mount -t tmpfs -o size=16k tmpfs "$LIVE/small"
dd if=/dev/zero of="$LIVE/small/fill" bs=1k count=16 2>/dev/null
: >"$LIVE/small/alerts"
agent_up "$f" --mode enforce --alerts "$LIVE/small/alerts"
check full_disk_blocks blocked
check full_disk_status "$CORDON" status --control "$CONTROL"
check full_disk_is_told wait_for 10 grep -qiE 'alerts|space' "$LIVE/agent.err"
rm "$LIVE/small/fill"
db $PEER pour $US6 7000 --bytes 10 >/dev/null
check writes_again wait_for 10 grep -q "$US6" "$LIVE/small/alerts"
check no_cut_line jq -e . "$LIVE/small/alerts"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
umount "$LIVE/small"

# the wire: alerts only
: >"$ALERTS"
agent_up "$f" --source pcap --interface eth0
same wire_lets_pass "" "$(db $PEER pour $US4 7000 --bytes 10 | jq -r .error)"
check wire_alerts wait_for 10 grep -q "$US4" "$ALERTS"
check wire_says_would jq -e 'select(.destination.ip == "'$US4'") | .event.action != "flow-blocked"' "$ALERTS"
agent_stop
