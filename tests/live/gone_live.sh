# gone_live.sh - a client that was refused and is gone before the agent looks: the alert names its program and arguments all the same.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any')
agent_up "$f" --mode enforce
gone() { # NAME CMD...: the agent sleeps while the client lives and dies; its alert
	local name=$1
	shift
	: >"$ALERTS"
	bg_signal agent STOP
	db "$@" >"$LIVE/$name.out" 2>&1
	bg_signal agent CONT
	wait_for 10 grep -q flow-blocked "$ALERTS"
	grep -m1 flow-blocked "$ALERTS" >"$LIVE/$name.json"
}
field() { jq -r "$2 // empty" "$LIVE/$1.json"; }
exe=$(readlink -f "$(command -v python3)")
gone connect $PEER pour $US4 7001 --bytes 10
same connect_executable "$exe" "$(field connect .process.executable)"
same connect_arguments yes "$(field connect .process.command_line | grep -q "peer.py pour $US4 7001 --bytes 10" && echo yes)"
same connect_user root "$(field connect .process.user.name)"
# a raw socket never connects: the packet hook refuses, and what is known is the note of socket()
gone raw python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 253).sendto(b"x", ("3.80.0.1", 0))'
same raw_executable "$exe" "$(field raw .process.executable)"
# a mount of its own below another, and more arguments than are kept
mkdir "$LIVE/opt"
mount -t tmpfs tmpfs "$LIVE/opt"
mkdir "$LIVE/opt/bin"
cp "$exe" "$LIVE/opt/bin/tool"
gone mount "$LIVE/opt/bin/tool" "$LIVE/peer.py" pour $US4 7001 --bytes 10 --out "/dev/null$(printf '/%.0s' $(seq 1 600))"
same mount_executable "$LIVE/opt/bin/tool" "$(field mount .process.executable)"
same long_arguments_cut yes "$(field mount .process.command_line | grep -q '//\.\.\.$' && echo yes)"
umount "$LIVE/opt"
agent_stop
