/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_judge.c - the policy's word on where the agent itself sends alerts. Asked by the roads' threads. */
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "agent/engine/decide.h"
#include "agent/feed/judge.h"

/* Once, before the threads: what the policy's subjects can match of this process. */
static void know_self(struct daemon *d)
{
	struct process p = {.pid = getpid()};
	struct processes *ps;

	d->self = (struct process){.pid = getpid(), .uid = geteuid(), .has_uid = 1};
	if (processes_new(&ps, "/proc", NULL) < 0)
		return;
	if (processes_lookup(ps, &p) == 0) {
		text_put(d->self_cgroup, sizeof(d->self_cgroup), "%s", p.cgroup ? p.cgroup : "");
		text_put(d->self_unit, sizeof(d->self_unit), "%s", p.unit ? p.unit : "");
		d->self.cgroup = *d->self_cgroup ? d->self_cgroup : NULL;
		d->self.unit = *d->self_unit ? d->self_unit : NULL;
		d->self.cgroup_id = p.cgroup_id;
	}
	processes_free(ps);
}

static int judge(void *daemon, const struct ip *dst, uint16_t port, uint8_t proto, char *why,
		 size_t size)
{
	const struct daemon *d = daemon;
	struct engine_verdict v;
	struct engine_query q = {.dst = dst,
				 .proto = proto,
				 .has_port = true,
				 .port = port,
				 .opened = OPENED_HERE,
				 .known = KNOWN_NO_SOURCE,
				 .now_ns = loop_unix_ns()};
	char ip[IP_STRLEN], cc[3] = "??", where[POLICY_WHERE];

	if (!engine_egress(d->engine, NULL, dst))
		return 0;
	q.mask = decide_mask(d->engine, &d->self);
	engine_decide(d->engine, &q, &v);
	if (v.action != DECIDE_BLOCK)
		return 0;
	if (v.where->place.country)
		country_text(v.where->place.country, cc);
	if (v.rule)
		text_put(why, size, "the policy blocks %s (%s), %s: no alert is sent there",
			 ip_format(ip, dst), cc, policy_where(where, v.rule->file, v.rule->line));
	else
		text_put(why, size, "no rule of the policy allows %s (%s): no alert is sent there",
			 ip_format(ip, dst), cc);
	return -JUDGE_REFUSED;
}

static int refuse(void *arg, const struct ip *dst, uint16_t port, uint8_t proto, char *why,
		  size_t size)
{
	(void)arg, (void)dst, (void)port, (void)proto;
	text_put(why, size, "the agent ends");
	return -JUDGE_REFUSED;
}

void daemon_judge_stop(void)
{
	judge_set(refuse, NULL);
}

void daemon_judge_start(struct daemon *d)
{
	know_self(d);
	judge_set(judge, d);
}
