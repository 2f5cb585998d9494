# demo_live.sh - what the README promises of 'make demo': refused, dumped, one JSON line, and it ends.
. "$ROOT/tests/lib/tap.sh"
t=$SECONDS
out=$TMPDIR/out
if B=$B bash "$ROOT/tests/live/demo.sh" >"$out" 2>&1; then ok demo_exits_0; else not_ok demo_exits_0 "$(tail -n 3 "$out")"; fi
t=$((SECONDS - t))
cat "$out" >&2
check refused grep -q 'Operation not permitted' "$out"
check nothing_arrived grep -q ': 0 TCP segments' "$out"
check dumped grep -q 'rows in Frankfurt: 5000' "$out"
check alert jq -e '.event.action == "flow-blocked" and .destination.ip == "3.80.0.1" and .rule.name != null' <(grep -m 1 '^{' "$out")
check why grep -q 'tor-geoipdb says US' "$out"
check "the EU site gets its metrics" grep -q 'metrics: sent' "$out"
check "the US site gets nothing" grep -q 'crash report: refused' "$out"
check "caught by name" jq -e '."destination.domain" == "crash.datadoghq.com" and .names[0].recipient.site == "us" and .names[0].recipient.eu_endpoint == "datadoghq.eu"' <(grep '^{"destination.domain"' "$out")
# 4 s on two idle cores; the suite does not measure time, a busy machine may take longer
if [ $t -le 90 ]; then ok "ends"; else not_ok ends "$t s"; fi
tap_end
