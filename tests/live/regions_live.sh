# regions_live.sh - regions that no table places are said at the first start with a list, and not again until the list is another one.
. "$ROOT/tests/lib/live.sh"
live_begin
mkdir "$LIVE/state"
f=$(policy 'allow to any')
list=$LIVE/aws.json
says() { # PREFIXES: a list with a region that nobody knows
	local p all=
	for p in "$@"; do
		all="$all${all:+,}{\"ip_prefix\":\"$p\",\"region\":\"xx-nowhere-1\",\"service\":\"EC2\",\"network_border_group\":\"xx-nowhere-1\"}"
	done
	echo "{\"syncToken\":\"1\",\"createDate\":\"2026-11-20-00-00-00\",\"prefixes\":[$all],\"ipv6_prefixes\":[]}" >"$list"
}
told() { grep -c 'region xx-nowhere-1' "$LIVE/agent.err"; }
start() {
	agent_up "$f" --geo "$list"
	agent_stop
}
says 3.80.0.0/16
start
same first_start_says_it 1 "$(told)"
start
same second_start_does_not 0 "$(told)"
says 3.80.0.0/16 3.81.0.0/16
start
same another_list_is_said 1 "$(told)"
echo damaged >"$LIVE/state/regions.told"
start
same a_damaged_memory_says_it_again 1 "$(told)"
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
