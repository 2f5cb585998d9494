# unresolved_live.sh - the agent is stopped while a new unit sends: judged as unknown, told so when it goes on, and nobody says that
# kernel and agent disagree.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
f=$LIVE/policy.conf
for subject in 'unit "pg*.service"' 'cgroup "/*"' 'user nobody'; do
	printf '%s\n' 'home DE' 'mode enforce' "allow from $subject to any" 'block to any' >"$f"
	: >"$ALERTS"
	agent_up "$f"
	kill -STOP "$(agent_pid)"
	mkdir "$CG/pgx.service"
	db_in "$CG/pgx.service" $PEER pour $US4 7000 --bytes 10 --timeout 1 >/dev/null
	kill -CONT "$(agent_pid)"
	[ "$subject" = 'user nobody' ] ||
		check "resolved: $subject" wait_for 5 db_in "$CG/pgx.service" $PEER pour $US4 7000 --bytes 10 --timeout 1
	check "told: $subject" wait_for 5 jq -es 'any(.event.action == "flow-blocked")' "$ALERTS"
	same "no mismatch: $subject" 0 "$(status_json | jq .agent.verdict_mismatches)"
	agent_stop
	"$CORDON" detach --pin "$PIN" >/dev/null
	cgroup_gone "$CG/pgx.service"
done
