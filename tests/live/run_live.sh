# run_live.sh - what 'make run' starts: flows appear with process, destination, country and verdict; its end leaves nothing.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
bg sink on us $PEER sink 7000
bg sink-eu on eu $PEER sink 7000
bg_ready sink && bg_ready sink-eu
# not the whole host in a test: only the cgroup of the test
bg try env B="$B" TMPDIR="$LIVE" bash "$ROOT/agent/install/try.sh" --cgroup "$CG"
check starts wait_for 20 grep -q 'monitor mode' "$LIVE/try.out"
attached() { bpftool cgroup show "$CG" 2>/dev/null | grep -q egress; }
check attaches wait_for 20 attached
same passes "" "$(db $PEER pour $US4 7000 --bytes 1000 | jq -r .error)"
same passes_eu "" "$(db $PEER pour $EU6 7000 --bytes 1000 | jq -r .error)"
shown() { grep -aqE "$1.*$2|$2.*$1" "$LIVE/try.out" "$LIVE/try.err"; }
check shows_us wait_for 10 shown "$US4" 'US'
check shows_would_block grep -aqE 'would.block.*3\.80\.0\.1|3\.80\.0\.1.*would.block' "$LIVE/try.out"
check shows_eu wait_for 10 shown "$EU6" 'DE'
check shows_process grep -aq python3 "$LIVE/try.out"
pid=$(cat "$LIVE/pid/try")
bg_stop try TERM
check ended ended "$pid"
if attached; then not_ok detached "programs are still attached"; else ok detached; fi
