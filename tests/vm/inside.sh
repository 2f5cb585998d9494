#!/bin/bash
# inside.sh - runs in the virtual machine, as root, after boot; ok / not ok lines go to the second serial port.
exec >/dev/ttyS1 2>/root/inside.err
set -u
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then echo "ok $name"; else echo "not ok $name - $(echo "$out" | tail -n 2 | tr '\n' ' ')"; fi
}
fails() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then echo "not ok $name - it went through: ${out:0:80}"; else echo "ok $name"; fi
}
prop() { systemctl show -P "$1" "$2"; }
wait_active() {
	local i
	for ((i = 0; i < 60; i++)); do
		[ "$(systemctl is-active cordon)" = active ] && return 0
		[ "$(prop NRestarts cordon)" -gt 3 ] && break
		sleep 1
	done
	systemctl status cordon --no-pager | tail -n 5
	return 1
}

host() { # NAME ADDRESS ROUTER
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip addr add "$3/32" dev "$1"
	ip link set "$1" up
	ip route add "$2/32" dev "$1" src 10.20.0.5
	ip -n "$1" addr add "$2/32" dev eth0
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	ip -n "$1" route add "$3" dev eth0
	ip -n "$1" route add default via "$3"
}
ip link add dummy0 type dummy
ip addr add 10.20.0.5/32 dev dummy0
ip link set dummy0 up
host eu 52.28.0.1 169.254.1.1
host us 3.80.0.1 169.254.1.2
query() { ip netns exec "$1" env PGCONNECT_TIMEOUT=${2:-3} psql -qXAt -U postgres -h 10.20.0.5 -c 'select 1' postgres; }
received() { ip netns exec "$1" cat /proc/net/snmp | awk '/^Tcp:/ { if (n++) print $11 }'; }

said() { # for the log: what the service and the tools said
	journalctl -u cordon --no-pager -o cat 2>/dev/null | tail -n 15 | sed 's/^/# /'
	sed 's/^/# err: /' /root/inside.err | tail -n 5
	systemctl list-units --failed --no-legend --no-pager | sed 's/^/# failed: /'
	awk '{ print "# up " $1 " s" }' /proc/uptime
}
check active wait_active
if [ "$(systemctl is-active cordon)" != active ]; then
	said
	"$(systemctl show -P ExecStart cordon | sed 's/.*path=\([^ ;]*\).*/\1/')" run --alerts - 2>&1 </dev/null & sleep 4; kill $!
	exit 1
fi
check no_restart test "$(prop NRestarts cordon)" = 0
check before_network grep -qw network-pre.target <<<"$(prop Before cordon)"
check before_postgresql test "$(prop ActiveEnterTimestampMonotonic cordon)" -lt \
	"$(prop ExecMainStartTimestampMonotonic postgresql@15-main)"
check status cordon status
check eu_served query eu 10
n=$(received us)
fails us_gets_nothing query us
check us_no_segment test "$(received us)" = "$n"

check restart_postgresql systemctl restart postgresql@15-main
check eu_served_after_restart query eu 10
fails us_gets_nothing_after_restart query us
check us_no_segment_after_restart test "$(received us)" = "$n"

sed -i 's/^block.*/# open/' /etc/cordon/cordon.conf
check reload systemctl reload cordon
check us_served_when_open query us 10
back='block from unit "postgresql@*.service" to any severity critical'
sed -i "s/^# open/$back/" /etc/cordon/cordon.conf
check reload_back systemctl reload cordon
fails us_gets_nothing_again query us
echo 'blok' >>/etc/cordon/cordon.conf
fails reload_broken systemctl reload cordon
check active_after_broken_reload test "$(systemctl is-active cordon)" = active
sed -i '/^blok/d' /etc/cordon/cordon.conf

n=$(received us)
kill -9 "$(prop MainPID cordon)"
fails us_gets_nothing_while_dead query us 2
check restarted wait_active
fails us_gets_nothing_after_kill query us
check us_no_segment_after_kill test "$(received us)" = "$n"
check restarted_once test "$(prop NRestarts cordon)" = 1
check eu_served_after_kill query eu 10
check alert_names_the_unit grep -q 'postgresql@15-main.service' /var/log/cordon/alerts.json

check stop systemctl stop cordon
fails us_gets_nothing_after_stop query us 2
check start systemctl start cordon
check active_again wait_active
said
echo "ok end"
