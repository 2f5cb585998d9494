# subject_live.sh - rules for one unit, cgroup or user: the database is held, a process beside it is not; child cgroups too.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
mkdir -p "$CG/system.slice/postgresql@15-main.service/worker" "$CG/system.slice/backup.service" "$CG/other"
rel=${CG#"$CGROOT"}
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
pour_in() { # CGROUP ADDRESS [WRAP...]: "" or the error
	local cg=$1 a=$2
	shift 2
	db_in "$cg" "$@" $PEER pour "$a" 7000 --bytes 100 | jq -r .error
}
pair() { # NAME POLICY_SUBJECT
	f=$(policy 'home DE' 'allow to eea' "block from $2 to any" 'allow to any')
	agent_up "$f" --mode enforce
	same "$1_holds_v4" EPERM "$(pour_in "$db_cg" $US4)"
	same "$1_holds_v6" EPERM "$(pour_in "$db_cg" $US6)"
	same "$1_holds_child" EPERM "$(pour_in "$db_cg/worker" $US4)"
	same "$1_lets_others_v4" "" "$(pour_in "$CG/other" $US4)"
	same "$1_lets_others_v6" "" "$(pour_in "$CG/other" $US6)"
	# a cgroup that did not exist when the policy was loaded
	mkdir "$db_cg/new"
	same "$1_holds_new_cgroup" EPERM "$(pour_in "$db_cg/new" $US4)"
	mkdir "$CG/later"
	pour_in "$CG/later" $US4 >/dev/null # until the agent has met it, unknown is not allowed
	sleep 0.3
	same "$1_lets_later_cgroup" "" "$(pour_in "$CG/later" $US4)"
	rmdir "$CG/later" "$db_cg/new"
	agent_stop
	"$CORDON" detach --pin "$PIN" >/dev/null 2>&1
}
db_cg=$CG/system.slice/postgresql@15-main.service
pair unit 'unit "postgresql@*.service"'
db_cg=$CG/system.slice/postgresql@15-main.service
pair cgroup "cgroup \"$rel/system.slice/postgresql@15-main.service\""

f=$(policy 'home DE' 'allow to eea' 'block from user nobody to any' 'allow to any')
agent_up "$f" --mode enforce
same user_holds EPERM "$(pour_in "$CG/other" $US4 setpriv --reuid nobody --clear-groups)"
same user_lets_root "" "$(pour_in "$CG/other" $US4)"
agent_stop
