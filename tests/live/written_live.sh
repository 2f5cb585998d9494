# LIMIT 300
# written_live.sh - 'opened by peer' is what the kernel's TCP says: headers that a raw socket wrote, with the port of somebody who listens or as the answer to a SYN, are not believed.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'mode enforce' 'allow to any opened by peer' 'block to any')
agent_up "$f"
bg served db $PEER sink 5432 --out "$LIVE/served"
bg_ready served
count_start us
check "who comes from the US is served" us $PEER pour $DB4 5432 --bytes 1000
check "and its packets arrive" wait_for 5 eval '[ "$(cat "$LIVE/served")" = 1000 ]'
check "with replies" test "$(count_stop us)" -gt 1
count_start us
i=0
forge() { # FROM TO FLAGS BYTES
	i=$((i + 1))
	same "flags $3, $4 bytes to $2" "[Errno 1] Operation not permitted" "$(db $RAW tcp "$1" "$2" 5432 $((4000 + i)) "$3" "$4")"
}
# SYN+ACK, ACK, PSH+ACK, FIN+ACK, RST; without data and with
for flags in 0x12 0x10 0x18 0x11 0x04; do
	for size in 0 1 500; do
		forge $DB4 $US4 $flags $size
		forge $DB6 $US6 $flags $size
	done
done
same "nothing arrives" 0 "$(count_stop us)"
check "and it is told" jq -es 'any(.event.action == "flow-blocked" and .source.port == 5432)' "$ALERTS"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
