#!/bin/bash
# names live: a name service that answers late, or not at first, stops nothing, and what it says counts once it is said.
. "$ROOT/tests/lib/live.sh"
HOSTS="net db us"
live_begin
cat >"$LIVE/slow.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>
/* the file named by SLOW_NAMES holds the seconds of an answer; -1: nobody is known */
static int seconds(void)
{
	char b[16] = {0};
	int fd = open(getenv("SLOW_NAMES"), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, b, sizeof(b) - 1) < 0)
		return 0;
	close(fd);
	return atoi(b);
}
static int late(struct passwd **found)
{
	int s = seconds();

	*found = NULL;
	if (s > 0)
		sleep((unsigned)s);
	return s < 0;
}
int getpwuid_r(uid_t u, struct passwd *p, char *b, size_t n, struct passwd **found)
{
	int (*real)(uid_t, struct passwd *, char *, size_t, struct passwd **) = dlsym(RTLD_NEXT, "getpwuid_r");

	return late(found) ? 0 : real(u, p, b, n, found);
}
int getpwnam_r(const char *u, struct passwd *p, char *b, size_t n, struct passwd **found)
{
	int (*real)(const char *, struct passwd *, char *, size_t, struct passwd **) = dlsym(RTLD_NEXT, "getpwnam_r");

	return late(found) ? 0 : real(u, p, b, n, found);
}
C
cc -shared -fPIC -o "$LIVE/slow.so" "$LIVE/slow.c" -ldl || { not_ok shim "does not compile"; exit 1; }
export SLOW_NAMES=$LIVE/seconds
bg sink on us $PEER sink 7000 --out "$LIVE/sink"
bg_ready sink
ms() { echo $(($(date +%s%N) / 1000000)); }
as_nobody() { db setpriv --reuid nobody --clear-groups $PEER pour $US4 7000 --bytes 10 | jq -r 'if .error == "" then "sent" else .error end'; }
events() { jq -r "select(.event.action == \"$1\") | ${2:-.message}" "$ALERTS"; }
agent_slow() { # SECONDS POLICY
	echo "$1" >"$SLOW_NAMES"
	export LD_PRELOAD=$LIVE/slow.so
	bg agent on db env "$CORDON" run --policy "$2" --cgroup "$CG" --pin "$PIN" --control "$CONTROL" \
		--alerts "$ALERTS" --state "$LIVE/state" --fold 0 --mode enforce
	unset LD_PRELOAD
	wait_for 20 "$CORDON" status --control "$CONTROL"
}

f=$(policy 'subject clerk { user nobody }' 'block from clerk to US' 'allow to any')
began=$(ms)
agent_slow 6 "$f"
took=$(($(ms) - began))
check start_does_not_wait test $took -lt 4000
check start_says grep -q "has not said yet who 'nobody' is" "$LIVE/agent.err"
same before/passes sent "$(as_nobody)"
events_has() { [ -n "$(events "$1")" ]; }
check resolved_late wait_for 15 events_has user-resolved
check after/blocked [ "$(as_nobody)" != sent ]
check after/named wait_for 3 test -n "$(events flow-blocked .user.name)"
same after/name nobody "$(events flow-blocked .user.name | tail -n 1)"

# a user whom nobody has asked for yet, while each answer takes 12 s
echo 12 >"$SLOW_NAMES"
f2=$(policy 'block to US')
cp "$f2" "$f"
"$CORDON" reload --control "$CONTROL" >/dev/null 2>&1
db setpriv --reuid 31337 --clear-groups $PEER pour $US4 7000 --bytes 10 >/dev/null
began=$(ms)
timeout 30 "$CORDON" status --control "$CONTROL" >/dev/null
took=$(($(ms) - began))
check status_does_not_wait test $took -lt 1000
check told_without_the_name wait_for 3 grep -q '"id":"31337"' "$ALERTS"
agent_stop
"$CORDON" detach --pin "$PIN" >/dev/null 2>&1

# a service that knows nobody at first
: >"$ALERTS"
f=$(policy 'subject clerk { user nobody }' 'block from clerk to US' 'allow to any')
agent_slow -1 "$f"
check down/says grep -q "this host has no user 'nobody'" "$LIVE/agent.err"
same down/passes sent "$(as_nobody)"
echo 0 >"$SLOW_NAMES"
check up/resolved wait_for 15 events_has user-resolved
check up/blocked [ "$(as_nobody)" != sent ]
check no_mismatch test -z "$(events verdict-mismatch)"
agent_stop
tap_end
