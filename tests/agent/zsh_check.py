#!/usr/bin/env python3
"""zsh_check.py - the completion for zsh, in a real zsh on a pseudo-terminal: what the tab key makes of a line."""
import os, pty, re, select, shutil, sys, time
from pathlib import Path

ROOT, CORDON, TMP = Path(os.environ["ROOT"]), Path(os.environ["CORDON"]), Path(os.environ["TMPDIR"])
if not shutil.which("zsh"):
    print("skip zsh - needs zsh")
    sys.exit(0)
CASES = (  # what is typed, and the line that the tab key makes of it
    ("cordon sugg", "cordon suggest "),
    ("cordon geo bui", "cordon geo build "),
    ("cordon geo build --out", "cordon geo build --output "),
    ("cordon geo build --j", "cordon geo build --json "),
    ("cordon geo bundle ma", "cordon geo bundle make "),
    ("cordon suggest --si", "cordon suggest --since "),
    ("cordon suggest --from cap", "cordon suggest --from capture "),
    ("cordon run --mode enf", "cordon run --mode enforce "),
    ("cordon reload --mode pol", "cordon reload --mode policy "),
    ("cordon quarantine li", "cordon quarantine list "),
    ("cordon check some-pol", "cordon check some-policy.conf "),
)
(TMP / "some-policy.conf").write_text("")
shutil.copy(ROOT / "agent/install/cordon.zsh", TMP / "_cordon")
pid, fd = pty.fork()
if not pid:
    os.chdir(TMP)
    os.environ.update(TERM="dumb", PATH=f"{CORDON.parent}:{os.environ['PATH']}", ZDOTDIR=str(TMP), HOME=str(TMP))
    os.execlp("zsh", "zsh", "-f", "-i")
seen = ""


def until(text, seconds=60):
    """reads until the text is there; everything that was read"""
    global seen
    end = time.monotonic() + seconds
    while text not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 1)[0]:
            try:
                seen += os.read(fd, 65536).decode(errors="replace")
            except OSError:
                break
    return text in seen


def send(text):
    global seen
    seen = ""
    os.write(fd, text.encode())


# the line as zsh has it goes into a file, by a key that does nothing else
send(f"PS1=''; fpath=({TMP} $fpath); autoload -U compinit; compinit -u -D; setopt no_beep no_list_ambiguous; "
     f"put() {{ print -r -- \"$BUFFER\" >> {TMP}/lines; BUFFER=; print -r -- DO''NE; }}; zle -N put; bindkey '^T' put; print REA''DY\n")
bad = 0
if not until("READY"):
    print("not ok zsh - does not come up")
    sys.exit(1)
lines = TMP / "lines"
for typed, want in CASES:
    lines.unlink(missing_ok=True)
    send(typed + "\t\x14")
    got = lines.read_text()[:-1] if until("DONE") else "nothing"
    name = re.sub(r"\W+", "_", typed)
    if got == want:
        print(f"ok {name}")
    else:
        bad = 1
        print(f"not ok {name} - '{typed}' becomes '{got}', not '{want}'")
os.write(fd, b"\x15exit\n")
os.waitpid(pid, 0)
sys.exit(bad)
