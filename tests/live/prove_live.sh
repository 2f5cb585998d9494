# prove_live.sh - 'cordon prove': as expected, one that finds a hole, signed and checked by OpenSSL, nothing left after kill -9.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
CGROOT=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
left() { find /run "$CGROOT" -maxdepth 1 -name 'cordon-prove.*' 2>/dev/null; }
left >before # of others
mine() { left | grep -vxFf before; }
nothing_left() { ! mine >left || [ ! -s left ]; }

no_child() { # of those in the file; a zombie waits for its parent only
	local p
	while read -r p; do
		grep -qs "^State:[[:space:]]*[^ZX[:space:]]" "/proc/$p/status" && return 1
	done <children
	return 0
}
wait_gone() { # CMD: within 20 s
	for _ in $(seq 400); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

# the whole of it, signed with a journal's key
mkdir journal && openssl genpkey -algorithm ed25519 -out journal/key 2>/dev/null
chmod 600 journal/key
"$CORDON" prove --json --sign note --journal journal >out.json 2>err
same as_expected 0 $?
[ -s err ] && cat err >&2
jq -r '.techniques[] | "\(.name)\t\(.result)\t\(.expected)\t\(.why)"' out.json >&2
check says_so jq -e '.as_expected and .fault == ""' out.json
# what every kernel that cordon runs on can do
check enough_tried jq -e '[.techniques[] | select(.result != "not tried")] | length >= 40' out.json
check no_false_alert jq -e 'all(.techniques[]; .result != "FALSE ALERT")' out.json
for t in udp-sendto udp-connect tcp-connect tcp-fastopen uring-sendmsg raw-header in-tcp in-udp path-dnat; do
	same "stopped_$t" stopped "$(jq -r ".techniques[] | select(.name == \"$t\").result" out.json)"
done
check programs_are_named jq -e '.programs.egress | test("^[0-9a-f]{16}$")' out.json

# the same with the hook on devices: what has no socket of IP is stopped too
"$CORDON" prove --devices --json >devices.json 2>err
same devices_as_expected 0 $?
same devices_is_said "false true" "$(jq -rs 'map(.devices) | join(" ")' out.json devices.json)"
[ -s err ] && cat err >&2
for t in packet-raw packet-dgram packet-vlan packet-vlan3 packet-mpls packet-pppoe path-vxlan path-loop; do
	same "devices_stopped_$t" stopped "$(jq -r ".techniques[] | select(.name == \"$t\").result" devices.json)"
done

# the note is the JSON, and its signature is good without cordon
same note_is_the_report "$(jq -c 'del(.seconds)' out.json)" "$(head -n 1 note | jq -c 'del(.seconds)')"
cat >sig.py <<'P'
import base64, sys
text, _, sig = open("note", encoding="utf-8").read().rpartition("\n\n")
open("text", "w").write(text + "\n")
open("sig", "wb").write(base64.b64decode(sig.split(" ")[2])[4:])
P
python3 sig.py && openssl pkey -in journal/key -pubout -out public.pem
check signature openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in text -sigfile sig
echo >>text
if openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in text -sigfile sig >/dev/null 2>&1; then not_ok signature_of_other "it is good too"; else ok signature_of_other; fi
"$CORDON" prove --only udp-name --sign note2 --journal nowhere >/dev/null 2>err
same no_key 1 $?
check no_key_is_named grep -q nowhere/key err

# the text; the same order again
"$CORDON" prove --only udp-s --seed 7 >text.out 2>err
same only 0 $?
check only_these grep -q '^4 techniques, 48 shots .* seed 7: 4 stopped$' text.out
"$CORDON" prove --only nosuch >/dev/null 2>err
same only_none 1 $?
setpriv --reuid 65534 --clear-groups "$CORDON" prove >/dev/null 2>err
same needs_root 1 $?
check nothing_left nothing_left

# killed at any time: processes, cgroup, directory go with it
for after in 0.05 0.3 0.8 1.5; do
	"$CORDON" prove >/dev/null 2>&1 &
	pid=$!
	sleep $after
	pgrep -P $pid >children
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	check "killed_after_$after" wait_gone nothing_left
	check "killed_after_${after}_processes" wait_gone no_child
done
tap_end
