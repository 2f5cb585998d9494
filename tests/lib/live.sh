# live.sh - hosts in network namespaces, a cgroup, PostgreSQL and the agent, for live tests; source it, call live_begin.
#
# Topology (no route out; every address exists only in here):
#
#     db 10.20.0.5 fd20::5 --- net (routes) --+-- eu 52.28.0.1      2a05:d014::1   AWS Frankfurt
#       (the only host in the cgroup $CG)     +-- us 3.80.0.1       2600:1f18::1   AWS Virginia
#                                             +-- fr 51.68.0.1      2001:41d0::1   OVH, France
#                                             +-- gb 51.6.0.1       2a00:23c0::1   United Kingdom
#
# db CMD..., eu CMD..., us, fr, gb: run there (db: in the cgroup). bg NAME CMD...: in the background, killed at the end.
# agent_up POLICY_FILE [OPTION...]: the agent in db's namespace, judging $CG only, pins in a bpffs of the test, alerts in $ALERTS.
# pg_up: PostgreSQL in db with a table of $PG_ROWS (20,000) rows; pg_peer HOST: an empty one there; dump_to ADDRESS. count_start HOST / count_stop HOST: packets that arrived from db.
. "$ROOT/tests/lib/tap.sh"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DB4=10.20.0.5 DB6=fd20::5
EU4=52.28.0.1 EU6=2a05:d014::1 US4=3.80.0.1 US6=2600:1f18::1
FR4=51.68.0.1 FR6=2001:41d0::1 GB4=51.6.0.1  GB6=2a00:23c0::1
PGBIN=/usr/lib/postgresql/15/bin
HOSTS="net db eu us fr gb"
x=

live_begin() {
	[ "$(id -u)" = 0 ] || { not_ok live "needs root"; exit 1; }
	LIVE=$TMPDIR/live
	ID=${CORDON_TEST_RUN:-ct$$x}-$$
	mkdir -p "$LIVE/run" "$LIVE/bpf" "$LIVE/pid"
	chmod 755 "$LIVE"
	chmod 777 "$LIVE/run"
	trap live_end EXIT
	trap 'exit 1' INT TERM HUP
	CGROOT=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$CGROOT" ] || { not_ok live "no cgroup2 is mounted"; exit 1; }
	CG=$CGROOT/$ID
	mkdir "$CG"
	mount -t bpf bpf "$LIVE/bpf"
	cp "$ROOT/tests/lib/peer.py" "$ROOT/tests/lib/raw.py" "$LIVE/" # where any user can read them
	PEER="python3 $LIVE/peer.py" RAW="python3 $LIVE/raw.py"
	PIN=$LIVE/bpf/cordon CONTROL=$LIVE/run/control ALERTS=$LIVE/alerts.json
	: >"$LIVE/agent.log"
	net_up
}

net_up() {
	local h
	for h in $HOSTS; do
		ip netns add "$ID-$h"
		ip -n "$ID-$h" link set lo up
	done
	ip netns exec "$ID-net" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	net_host db 10.20.0.1 $DB4 fd20::1 $DB6
	for h in $HOSTS; do
		case $h in
		eu) net_host eu 169.254.1.1 $EU4 fe80::1 $EU6 ;;
		us) net_host us 169.254.1.2 $US4 fe80::1 $US6 ;;
		fr) net_host fr 169.254.1.3 $FR4 fe80::1 $FR6 ;;
		gb) net_host gb 169.254.1.4 $GB4 fe80::1 $GB6 ;;
		esac
	done
}
net_host() { # HOST ROUTER4 ADDR4 ROUTER6 ADDR6
	local n=$ID-$1
	ip -n "$ID-net" link add "$1" type veth peer name eth0 netns "$n"
	ip -n "$ID-net" addr add "$2/32" dev "$1"
	ip -n "$ID-net" addr add "$4/128" dev "$1" nodad
	ip -n "$ID-net" link set "$1" up
	ip -n "$n" addr add "$3/32" dev eth0
	ip -n "$n" addr add "$5/128" dev eth0 nodad
	ip -n "$n" link set eth0 up
	ip -n "$n" route add "$2" dev eth0
	ip -n "$n" route add default via "$2"
	[ "$4" = fe80::1 ] || ip -n "$n" -6 route add "$4" dev eth0
	ip -n "$n" -6 route add default via "$4" dev eth0
	ip -n "$ID-net" route add "$3/32" dev "$1"
	ip -n "$ID-net" -6 route add "$5/128" dev "$1"
}

# join the cgroup first, then the namespace: 'ip netns exec' hides the cgroup mount
on() { # HOST CMD...
	local h=$1
	shift
	${x:-} nsenter --net="/run/netns/$ID-$h" -- "$@"
}
db() { db_in "$CG" "$@"; }
db_in() { # CGROUP CMD...
	local cg=$1
	shift
	${x:-} bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' db "$cg" nsenter --net="/run/netns/$ID-db" -- "$@"
}
eu() { on eu "$@"; }
us() { on us "$@"; }
fr() { on fr "$@"; }
gb() { on gb "$@"; }

bg() { # NAME CMD...: stdout and stderr in $LIVE/NAME.{out,err}; its process id in $LIVE/pid/NAME
	local name=$1
	shift
	# on and db end in $x nsenter: with x=exec the process id is that of the command itself
	(
		x=exec
		if declare -F "$1" >/dev/null; then "$@"; else exec "$@"; fi
	) >"$LIVE/$name.out" 2>"$LIVE/$name.err" </dev/null &
	echo $! >"$LIVE/pid/$name"
}
bg_signal() { # NAME SIGNAL
	kill "-$2" "$(cat "$LIVE/pid/$1")" 2>/dev/null
}
ended() { # PID
	local state
	state=$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}
bg_stop() { # NAME [SIGNAL]: ended when it returns, by KILL after 10 s
	local pid
	pid=$(cat "$LIVE/pid/$1" 2>/dev/null) || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	wait_for 10 ended "$pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$LIVE/pid/$1"
}
bg_alive() { ! ended "$(cat "$LIVE/pid/$1" 2>/dev/null || echo 0)"; }
wait_for() { # SECONDS CMD...: until it succeeds
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt $end ] || return 1
		sleep 0.05
	done
}
bg_ready() { wait_for 10 grep -q ready "$LIVE/$1.err"; }

agent_pid() { cat "$LIVE/pid/agent" 2>/dev/null; }
agent_up() { # POLICY [OPTION...]: 0 once it answers on its control socket
	local policy=$1
	shift
	bg agent on db "$CORDON" run --policy "$policy" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" \
		--alerts "$ALERTS" --state "$LIVE/state" --fold 0 "$@"
	if ! wait_for 20 "$CORDON" status --control "$CONTROL"; then
		not_ok agent_up "the agent did not come up: $(tail -n 3 "$LIVE/agent.err" | tr '\n' ' ')"
		exit 1
	fi
}
agent_stop() { bg_stop agent "${1:-TERM}"; }
status_json() { "$CORDON" status --control "$CONTROL" --json; }

policy() { # TEXT...: a policy file from lines; prints its path
	local f
	f=$(mktemp "$LIVE/policy.XXXXXX")
	printf '%s\n' "$@" >"$f"
	echo "$f"
}

count_start() { # HOST [FROM...]
	bg "count-$1" on "$1" $PEER count --from $DB4 --from $DB6 --out "$LIVE/count-$1.json"
	bg_ready "count-$1"
}
count_stop() { # HOST [KEY]: prints the number
	bg_stop "count-$1"
	jq -r ".${2:-packets}" "$LIVE/count-$1.json"
}
count_all() { jq -c . "$LIVE/count-$1.json"; }

PGUSER_OS=postgres
id -u $PGUSER_OS >/dev/null 2>&1 || PGUSER_OS=nobody
as_pg() { setpriv --reuid $PGUSER_OS --regid "$(id -g $PGUSER_OS)" --clear-groups env HOME=/ PGUSER=pg "$@"; }
AS_PG="setpriv --reuid $PGUSER_OS --regid $(id -g $PGUSER_OS) --clear-groups env HOME=/ PGUSER=pg PGCONNECT_TIMEOUT=5"
pg_init() { # DIR
	if [ ! -d "$LIVE/pg.template" ]; then # initdb once a test
		install -d -o $PGUSER_OS -m 700 "$LIVE/pg.template"
		as_pg $PGBIN/initdb -N -U pg -A trust -D "$LIVE/pg.template" >"$LIVE/initdb.log" 2>&1 || return 1
	fi
	cp -a "$LIVE/pg.template" "$1"
	cat >>"$1/postgresql.conf" <<-X
		listen_addresses = '*'
		unix_socket_directories = '$LIVE/run'
		fsync = off
		max_wal_senders = 8
		wal_sender_timeout = 60s
		shared_buffers = 16MB
	X
	printf 'local all all trust\nhost all all all trust\nhost replication all all trust\n' >"$1/pg_hba.conf"
}
pg_up() { # [CGROUP]
	pg_init "$LIVE/pg" || { not_ok pg_up "initdb failed: $(tail -n 2 "$LIVE/initdb.log")"; exit 1; }
	bg pg db_in "${1:-$CG}" $AS_PG $PGBIN/postgres -D "$LIVE/pg"
	wait_for 20 psql_local -c 'select 1' || { not_ok pg_up "$(tail -n 3 "$LIVE/pg.err")"; exit 1; }
	psql_local -c "create table person as select i, md5(i::text) as name from generate_series(1, ${PG_ROWS:-20000}) i" >/dev/null
}
psql_local() { PGCONNECT_TIMEOUT=5 PGUSER=pg $PGBIN/psql -qXAt -h "$LIVE/run" postgres "$@"; }
PSQL="env PGUSER=pg PGCONNECT_TIMEOUT=3 $PGBIN/psql -qXAt"
# The dump of the database host, written to a server elsewhere: dump_to ADDRESS
dump_to() {
	db $AS_PG bash -c "set -o pipefail; $PGBIN/pg_dump -h $LIVE/run -t person postgres |
		$PGBIN/psql -qX -o /dev/null -v ON_ERROR_STOP=1 -h $1 postgres"
}
# A server in a peer: pg_peer HOST
pg_peer() {
	pg_init "$LIVE/pg-$1" || return 1
	mkdir -p "$LIVE/run-$1"
	chmod 777 "$LIVE/run-$1"
	echo "unix_socket_directories = '$LIVE/run-$1'" >>"$LIVE/pg-$1/postgresql.conf"
	bg "pg-$1" on "$1" $AS_PG $PGBIN/postgres -D "$LIVE/pg-$1"
	wait_for 20 env PGUSER=pg $PGBIN/psql -qXAt -h "$LIVE/run-$1" postgres -c 'select 1'
}

cgroup_gone() { # PATH: its processes ended, then the directory and those below it
	local p i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		p=$(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null)
		[ -z "$p" ] && break
		# shellcheck disable=SC2086
		kill $([ "$i" -gt 3 ] && echo -KILL) $p 2>/dev/null
		sleep 0.1
	done
	find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
}
live_end() {
	local rc=$? n p h
	trap - EXIT
	for n in "$LIVE"/pid/*; do
		[ -e "$n" ] || continue
		n=${n##*/}
		case $n in agent*) continue ;; esac
		bg_stop "$n" $([[ $n == pg* ]] && echo INT)
	done
	[ -d "$CG" ] && cgroup_gone "$CG"
	for n in "$LIVE"/pid/agent*; do [ -e "$n" ] && bg_stop "${n##*/}"; done
	for h in $HOSTS; do
		[ -e "/run/netns/$ID-$h" ] || continue
		p=$(ip netns pids "$ID-$h" 2>/dev/null)
		# shellcheck disable=SC2086
		[ -n "$p" ] && kill -KILL $p 2>/dev/null
		ip netns del "$ID-$h"
	done
	[ -d "$PIN" ] && { "$CORDON" detach --pin "$PIN" >/dev/null 2>&1; rm -rf "$PIN"; }
	umount "$LIVE/bpf" 2>/dev/null
	[ $rc = 0 ] && rc=$tap_bad
	for n in "$LIVE"/*.err; do
		[ $rc != 0 ] && grep -vE '^ready$|LOG:  |packets (captured|received)|listening on' "$n" >"$LIVE/said" &&
			{ echo "--- ${n##*/}"; tail -n 8 "$LIVE/said"; } >&2
	done
	[ -n "${KEEP:-}" ] || rm -rf "$LIVE"
	rmdir "$TMPDIR" 2>/dev/null
	exit "$rc"
}
