# unknown_live.sh - what is not known of a packet picks the stricter rule: later fragments, senders, forged sources.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin

f=$(policy 'home DE' 'service ntp { udp 123 }' 'allow to eea' 'alert to any service ntp severity low' 'block to any severity high')
agent_up "$f" --mode enforce
count_start us
for proto in 17 6; do
	same "later_fragment_$proto" '[Errno 1] Operation not permitted' "$(db $RAW fragment $DB4 $US4 1480 900 $proto)"
	same "later_fragment_eu_$proto" 'sent 1' "$(db $RAW fragment $DB4 $EU4 1480 900 $proto)"
done
same "known_port_passes" 'sent 1' "$(db $RAW udp $DB4 $US4 5000 123)"
sleep 0.3
same "at_us" 1 "$(count_stop us)"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
out=$("$CORDON" check "$f")
check "check_says_so" grep -qE "outside \(US\), the port not known +would block" <<<"$out"
