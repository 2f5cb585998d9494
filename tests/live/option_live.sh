# option_live.sh - socket options for sending past every hook: refused to the cgroup in enforce mode, told in both, nobody else's.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
f=$(policy 'home DE' 'allow to eea' 'block to any severity high')
cat >"$LIVE/option.py" <<'P'
import socket, struct, sys
def ask(name, family, level, option, value):
    s = socket.socket(family, socket.SOCK_RAW, 0)
    try:
        s.setsockopt(level, option, value)
        print(name, "set")
    except OSError as e:
        print(name, e.errno)
ring = struct.pack("IIII", 4096, 1, 2048, 2)
ask("qdisc_bypass", 17, 263, 20, 1)
ask("tx_ring", 17, 263, 13, ring)
ask("rx_ring", 17, 263, 5, ring)
ask("xdp_tx_ring", 44, 283, 3, 4)
ask("xdp_rx_ring", 44, 283, 2, 4)
# longer than a program is shown: the kernel's own affair (a device of that name is none)
t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
t.setsockopt(socket.SOL_SOCKET, 25, b"lo\0" + bytes(6000))
print("long", t.getsockopt(socket.SOL_SOCKET, 25, 16).split(b"\0")[0].decode())
P
all_set="qdisc_bypass set,tx_ring set,rx_ring set,xdp_tx_ring set,xdp_rx_ring set,long lo"
try() { "$@" python3 "$LIVE/option.py" | paste -sd,; }

same before "$all_set" "$(try db)"
agent_up "$f" --mode enforce
same enforce "qdisc_bypass 1,tx_ring 1,rx_ring set,xdp_tx_ring 1,xdp_rx_ring set,long lo" "$(try db)"
same counted 3 "$(status_json | jq .counters.option_denied)"
same others "$all_set" "$(try us)"
same others_not_counted 3 "$(status_json | jq .counters.option_denied)"
"$CORDON" reload --control "$CONTROL" --mode monitor >/dev/null
same monitor "$all_set" "$(try db)"
same monitor_not_counted 3 "$(status_json | jq .counters.option_denied)"
agent_stop

alert() { jq -c "select(.event.action == \"$1\")" "$ALERTS"; }
check told test "$(alert flow-blocked | wc -l)" -ge 1
check told_in_monitor test "$(alert flow-would-block | wc -l)" -ge 1
check process jq -se 'all(.[]; .process.pid > 0 and .process.name == "python3")' <(alert flow-blocked)
check reason jq -se 'all(.[]; .event.reason | test("past every hook"))' <(alert flow-blocked)
check no_address jq -se 'all(.[]; (.destination.ip // .source.ip) == null and .related.ip == [])' <(alert flow-blocked)
