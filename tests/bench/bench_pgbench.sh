# bench_pgbench.sh - a real PostgreSQL under load from an EU host: pgbench -S, COPY out, connections; with and without cordon.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu"
load=$(cut -d' ' -f1 /proc/loadavg)
live_begin >&2
PG_ROWS=500000 pg_up >&2
PGUSER=pg $PGBIN/pgbench -qi -s 5 -h "$LIVE/run" postgres >/dev/null 2>&1
f=$(policy 'home DE' 'allow to eea' 'block to any')
bench="env PGUSER=pg $PGBIN/pgbench -h $DB4 -n -T ${SECS:=3}"
tps() { sed -n 's/^tps = \([0-9.]*\).*/\1/p'; }
one() { # KIND
	case $1 in
	select) eu $bench -S -c 4 -j 1 postgres 2>/dev/null | tps ;;
	connect) eu $bench -S -c 2 -j 1 -C postgres 2>/dev/null | tps ;;
	copy)
		local t n=8 i
		t=$(date +%s%N)
		for ((i = 0; i < n; i++)); do eu $PSQL -h $DB4 postgres -c 'copy person to stdout' >/dev/null || return 1; done
		awk -v ns=$(($(date +%s%N) - t)) -v n=$n -v b="$bytes" 'BEGIN { printf "%.1f\n", n * b / ns * 1e3 }' ;;
	esac
}
bytes=$(eu $PSQL -h $DB4 postgres -c 'copy person to stdout' | wc -c)
agent_down() { agent_stop; "$CORDON" detach --pin "$PIN" >/dev/null 2>&1; }
for ((i = 0; i < ${ROUNDS:=7}; i++)); do
	for with in $([ $((i % 2)) = 0 ] && echo none cordon || echo cordon none); do
		[ $with = none ] || agent_up "$f" --mode enforce >&2
		for kind in select copy connect; do one $kind >>"$LIVE/$kind.$with"; done
		[ $with = none ] || agent_down
	done
	echo "round $i: $(tail -qn 1 "$LIVE"/{select,copy,connect}.{none,cordon} | tr '\n' ' ')" >&2
done
echo "## PostgreSQL"
echo
echo "$ROUNDS rounds of $SECS s, without and with cordon (enforce, accounting) in changing order; server in the cgroup, client in an EU"
echo "namespace over veth. Ratio: median of the rounds' own ratios, ± half their interquartile range."
echo "The machine had a load of $load on $(nproc) cores when it began."
echo
echo "| | no agent | cordon | ratio |"
echo "|---|---|---|---|"
for kind in select copy connect; do
	paste "$LIVE/$kind.none" "$LIVE/$kind.cordon" | python3 -c "
import statistics as s, sys
rows = [tuple(map(float, l.split())) for l in sys.stdin]
r = sorted(b / a for a, b in rows)
q = s.quantiles(r, n=4) if len(r) > 1 else [r[0]] * 3
name = {'select': 'pgbench -S -c4, tps', 'copy': 'COPY out, MB/s', 'connect': 'pgbench -S -C -c2 (a connection each), tps'}['$kind']
print(f'| {name} | {s.median(a for a, _ in rows):.0f} | {s.median(b for _, b in rows):.0f} | {s.median(r):.3f} ±{(q[2] - q[0]) / 2:.3f} |')"
done
tap_bad=0
