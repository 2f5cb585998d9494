#!/bin/bash
# try.sh - 'make run': the agent on this host in monitor mode, live, with the shipped policy; nothing is left behind on exit.
set -u
cd "$(dirname "$0")/../.." || exit 1
cordon=${B:-build}/cordon
work=$(mktemp -d /tmp/cordon-run.XXXXXX)
mkdir "$work/bpf" "$work/state"
mount -t bpf bpf "$work/bpf" || exit 1
pid=
end() {
	trap '' INT TERM
	[ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null && wait "$pid"
	"$cordon" detach --pin "$work/bpf/cordon" >/dev/null 2>&1
	umount "$work/bpf"
	rm -rf "$work"
}
trap end EXIT
trap 'exit 0' INT TERM HUP

echo "monitor mode: nothing is blocked; 'would block' says what rules/examples/eu.conf would stop. Ctrl-C ends."
"$cordon" run --live --mode monitor --policy rules/examples/eu.conf --pin "$work/bpf/cordon" \
	--control "$work/control" --alerts "$work/alerts.json" --state "$work/state" "$@" &
pid=$!
wait "$pid"
rc=$?
pid=
exit $rc
