# handed_live.sh - who is told and who is judged: sockets that were made elsewhere, exec, forged facts, SYNs of blocked peers.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us eu"
live_begin
told() { jq -c "select(.event.action == \"flow-blocked\" and .destination.port == $1)" "$ALERTS" | head -n 1; }
wait_told() { wait_for 5 grep -q "\"port\":$1" "$ALERTS"; }

# the SYN of a peer whose answer would be blocked: no SYN-ACK, no SYN cookie, an empty queue
f=$(policy 'home DE' 'allow to eea' 'allow to private' 'block to any severity high')
agent_up "$f" --mode enforce
bg server db $PEER serve 5432 --bytes 100
bg_ready server
count_start us
us $RAW syn $US4 $DB4 5432 3000 >/dev/null
sleep 1
same syn_answers 0 "$(count_stop us)"
same syn_denied 3000 "$(status_json | jq .counters.syn_denied)"
same syn_queue 0 "$(db ss -tanH state syn-recv | wc -l)"
check syn_eu eu python3 -c "import socket; socket.create_connection(('$DB4', 5432), 5)"
bg_stop server

# a socket made by one program, connected by another: the one that connected
cat >"$LIVE/give.py" <<-'X'
	import os, socket, subprocess, sys
	s = socket.socket()
	os.set_inheritable(s.fileno(), True)
	subprocess.run(["/usr/bin/perl", "-e", f'use Socket; open(my $f, "+<&=", {s.fileno()}); $| = 1; print $$;'
	                f'connect($f, pack_sockaddr_in(7001, inet_aton("{sys.argv[1]}"))); sleep 1'], close_fds=False)
X
pid=$(db python3 "$LIVE/give.py" $US4)
wait_told 7001
same handed_pid "$pid" "$(told 7001 | jq -r .process.pid)"
same handed_exe perl "$(told 7001 | jq -r '.process.executable | sub(".*/"; "")')"

# the same name, another file
mkdir "$LIVE/b1" "$LIVE/b2"
cp /usr/bin/perl "$LIVE/b1/psql"
cp /usr/bin/perl "$LIVE/b2/psql"
connect='use Socket; socket(S, AF_INET, SOCK_STREAM, 0); connect(S, pack_sockaddr_in(PORT, inet_aton("'$US4'")));'
db "$LIVE/b1/psql" -e "${connect/PORT/7002} sleep 1; exec '$LIVE/b2/psql', '-e', q{${connect/PORT/7003} sleep 1}"
wait_told 7003
same exec_first "$LIVE/b1/psql" "$(told 7002 | jq -r .process.executable)"
same exec_second "$LIVE/b2/psql" "$(told 7003 | jq -r .process.executable)"

# a bound port makes nobody a server, a DHCP port no DHCP client
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
f=$(policy 'home DE' 'service quic { udp 4433 }' 'place 10.9.0.0/16 is US' 'allow to any service quic opened by peer' 'allow to eea' 'block to any severity high')
agent_up "$f" --mode enforce
cat >"$LIVE/udp.py" <<-'X'
	import socket, sys, time
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("", int(sys.argv[3])))
	time.sleep(float(sys.argv[4]))
	try:
	    s.sendto(b"SECRET" * 10, (sys.argv[1], int(sys.argv[2])))
	    print("sent")
	except OSError as e:
	    print(e.strerror)
X
ip -n "$ID-net" addr add 10.9.0.1/32 dev lo
same bound_port 'Operation not permitted' "$(db python3 "$LIVE/udp.py" $US4 9999 4433 7)"
same dhcp_port 'Operation not permitted' "$(db python3 "$LIVE/udp.py" 10.9.0.1 67 68 0)"

# two programs, one address, no ports
for by in python3 perl; do cp "$(command -v $by)" "$LIVE/b1/$by"; done
db python3 -c "import socket; socket.socket(2, 3, 253).sendto(b'a', ('$US4', 0))" 2>/dev/null
db perl -e "use Socket; socket(S, AF_INET, SOCK_RAW, 253); send(S, 'x', 0, pack_sockaddr_in(0, inet_aton('$US4')))"
sleep 1
same two_programs 2 "$(jq -c 'select(.event.action == "flow-blocked" and .network.iana_number == "253") | .process.pid' "$ALERTS" | sort -u | wc -l)"

# a block for a unit holds for a socket that was made before
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null
mkdir -p "$CG/system.slice/postgresql@15-main.service" "$CG/other"
f=$(policy 'home DE' 'subject database { unit "postgresql@*.service" }' 'block from database to any severity high' 'allow to any')
agent_up "$f" --mode enforce
cat >"$LIVE/enter.py" <<-'X'
	import socket, sys
	u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	t = socket.socket()
	open(sys.argv[2] + "/cgroup.procs", "w").write("0")
	for s, f in (u, lambda: u.sendto(b"x", (sys.argv[1], 7777))), (t, lambda: t.connect((sys.argv[1], 7777))):
	    try:
	        f()
	        print("sent", end=" ")
	    except OSError as e:
	        print(e.strerror, end=" ")
X
n='Operation not permitted'
same handed_over "$n $n" "$(db_in "$CG/other" python3 "$LIVE/enter.py" $US4 "$CG/system.slice/postgresql@15-main.service" | sed 's/ $//')"
same no_mismatch 0 "$(grep -c verdict-mismatch "$ALERTS")"
