# keys_live.sh - the live table on a pseudo-terminal of 60 columns in a C locale: each key does what the manual says, and
# 'q' ends the agent and gives the terminal back as it was.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db eu us"
live_begin
cat >"$LIVE/keys.py" <<'P'
"""keys.py - the agent on a pseudo-terminal; what is on the screen after each key, as ok / not ok lines."""
import fcntl, os, pty, re, select, struct, subprocess, sys, termios, time
send_us, send_eu, agent = sys.argv[1], sys.argv[2], sys.argv[3:]
COLUMNS, ROWS = 60, 20
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
before = termios.tcgetattr(slave)
env = dict(os.environ, LC_ALL="C", NO_COLOR="1", TERM="vt100")


def own():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


p = subprocess.Popen(agent, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=env, preexec_fn=own)
seen, bad = b"", 0


def read(seconds):
    global seen
    if select.select([master], [], [], seconds)[0]:
        seen += os.read(master, 65536)


def frame():
    """the lines of the last whole screen"""
    whole = seen.rsplit(b"\033[J", 1)[0].rsplit(b"\033[H", 1)[-1] if b"\033[J" in seen else b""
    return [re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", line).strip(b"\r") for line in whole.split(b"\n")]


def until(name, what, key=b""):
    """presses the key; ok once a screen is as it should be"""
    global seen, bad
    seen = b""
    if key:
        os.write(master, key)
    end = time.monotonic() + 60
    while time.monotonic() < end and p.poll() is None:
        read(1)
        if what(frame()):
            print(f"ok {name}", flush=True)
            return
    bad = 1
    print(f"not ok {name} - {frame()!r} {seen[-300:]!r}", flush=True)


def has(*words):
    return lambda f: all(w.encode() in b"".join(f) for w in words)  # a pane breaks its lines


def rows(f):
    return [line for line in f if b"python3" in line]


def chosen(f):
    return [line for line in f if line.startswith(b"> ")]


until("comes up", has("flows", "q quit"))
for line in (send_us, send_eu):
    open(line, "w").write("go\n")
until("both flows", lambda f: len(rows(f)) == 2)
f = frame()
print("ok fits" if all(len(line) <= COLUMNS for line in f) else f"not ok fits - {f!r}")
print("ok ascii" if all(c < 128 for line in f for c in line) else f"not ok ascii - {f!r}")
until("verdict first", lambda f: len(chosen(f)) == 1 and b"3.80.0.1" in chosen(f)[0] and b"would block" in chosen(f)[0])
until("down", lambda f: len(chosen(f)) == 1 and b"52.28.0.1" in chosen(f)[0], b"\033[B")
until("explain", has("allow, by line", "52.28.0.1:7000", "place", "DE", "cordon explain 52.28.0.1:7000"), b"e")
until("back", lambda f: len(rows(f)) == 2, b" ")
until("rule against it", has("block", "to 52.28.0.1 proto tcp port 7000 opened by here"), b"a")
until("back again", lambda f: len(rows(f)) == 2, b"\033")
until("up", lambda f: b"3.80.0.1" in b"".join(chosen(f)), b"\033OA")
until("rule for it", has("allow", "to 3.80.0.1 proto tcp port 7000 opened by here", "above line"), b"a")
rule = b"".join(frame()[3:]).split(b"It decides")[0].decode()
open(os.path.join(os.path.dirname(sys.argv[0]), "rule"), "w").write(rule + "\n")
until("table", lambda f: len(rows(f)) == 2, b" ")
until("sort", has("by bytes"), b"s")
until("filter opens", has("type what to look for"), b"f")
until("filter", lambda f: len(rows(f)) == 1 and b"52.28" in rows(f)[0], b"52.2")
until("filter stays, q is a letter of it", lambda f: len(rows(f)) == 0 and p.poll() is None, b"q")
until("filter shorter", lambda f: len(rows(f)) == 1, b"\x7f\r")
until("filter goes", lambda f: len(rows(f)) == 2, b"f\033")
# they say nothing for longer than a flow that is over stays
end = time.monotonic() + 25
while time.monotonic() < end:
    read(1)
until("idle flows stay", lambda f: len(rows(f)) == 2)
os.write(master, b"q")
end = time.monotonic() + 60
while p.poll() is None and time.monotonic() < end:
    read(1)
print("ok q ends it" if p.poll() == 0 else f"not ok q ends it - {p.poll()} {p.stderr.read() if p.poll() is not None else ''!r}")
print("ok terminal as before" if termios.tcgetattr(slave) == before else "not ok terminal as before - it has other settings")
if p.poll() is None:
    p.kill()
sys.exit(bad)
P
f=$(policy 'home DE' 'mode monitor' 'allow to eea' 'block to any')
mkdir -p "$LIVE/state"
bg sink on us $PEER sink 7000
bg sink-eu on eu $PEER sink 7000
bg_ready sink && bg_ready sink-eu
cat >"$LIVE/talk.py" <<'P'
# a connection to ADDRESS that says 1,000 bytes once it is told so, and then nothing
import socket, sys, time
open(sys.argv[2]).readline()
s = socket.create_connection((sys.argv[1], 7000))
s.sendall(b"x" * 1000)
time.sleep(600)
P
mkfifo "$LIVE/go-us" "$LIVE/go-eu"
bg talk-us db python3 "$LIVE/talk.py" $US4 "$LIVE/go-us"
bg talk-eu db python3 "$LIVE/talk.py" $EU4 "$LIVE/go-eu"
on db python3 "$LIVE/keys.py" "$LIVE/go-us" "$LIVE/go-eu" "$CORDON" run --live --policy "$f" --cgroup "$CG" --pin "$PIN" \
	--control "$CONTROL" --state "$LIVE/state" --detach-on-exit >"$LIVE/keys.out" 2>"$LIVE/keys.err"
code=$?
cat "$LIVE/keys.out"
same "keys" "0 " "$code $(cat "$LIVE/keys.err")"
# the rule that 'a' wrote, above the others, decides
{ cat "$LIVE/rule"; cat "$f"; } >"$LIVE/with.conf"
echo "user root -> 3.80.0.1:7000 allow" >"$LIVE/cases"
check "the rule decides" "$CORDON" test "$LIVE/with.conf" "$LIVE/cases" --no-places
