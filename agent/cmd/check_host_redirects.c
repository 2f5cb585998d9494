/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host_redirects.c - 'check --host': rules of nft that send packets elsewhere, as 'nft --json list ruleset' tells. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/cmd/check_host.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define RULES_SHOWN 12

/* What a rule can do to where a packet goes, and what that means for who judges it. */
static const struct {
	const char *word, *means;
	enum host_state state;
} does[] = {
	{"dnat", "packets are judged by where they go then", HOST_NOTE},
	{"redirect", "packets go to this host then, and what listens there sends on", HOST_NOTE},
	{"tproxy", "packets go to a proxy on this host, and what that sends is judged as its own",
	 HOST_NOTE},
	{"dup",
	 "a copy leaves to another next hop under the same address: nobody judges the copy's way",
	 HOST_WARNING},
	{"fwd", "packets leave by another device, past the hooks of this one", HOST_WARNING},
};

static int start_nft(pid_t *pid, FILE **from)
{
	char nft[] = "nft", json[] = "--json", list[] = "list", ruleset[] = "ruleset";
	char *argv[] = {nft, json, list, ruleset, NULL}, *env[] = {NULL};
	posix_spawn_file_actions_t a;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	r = posix_spawn_file_actions_init(&a);
	if (!r) {
		posix_spawn_file_actions_addopen(&a, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&a, fds[1], 1);
		posix_spawn_file_actions_addopen(&a, 2, "/dev/null", O_WRONLY, 0);
		r = posix_spawn(pid, "/usr/sbin/nft", &a, NULL, argv, env);
		posix_spawn_file_actions_destroy(&a);
	}
	close(fds[1]);
	*from = r ? NULL : fdopen(fds[0], "r");
	if (!*from)
		close(fds[0]);
	return -r;
}

static int ruleset(json_t **ret)
{
	_fclose_ FILE *from = NULL;
	int status, r;
	pid_t pid;

	r = start_nft(&pid, &from);
	if (r < 0)
		return r;
	*ret = from ? json_loadf(from, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return !*ret || !WIFEXITED(status) || WEXITSTATUS(status) ? -EIO : 0;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "?";
}

static unsigned look(struct host *h, const json_t *rule, unsigned before)
{
	unsigned n = 0;
	const json_t *e;
	size_t i;

	json_array_foreach (json_object_get(rule, "expr"), i, e) {
		for (size_t w = 0; w < sizeof(does) / sizeof(*does); w++) {
			if (!json_object_get(e, does[w].word) || before + n++ >= RULES_SHOWN)
				continue;
			host_say(h, does[w].state, "redirects",
				 "nft: a '%s' in %s %s, chain %s: %s", does[w].word,
				 text_of(rule, "family"), text_of(rule, "table"),
				 text_of(rule, "chain"), does[w].means);
		}
	}
	return n;
}

/* The old tables are listed by the kernel; their rules have no reader here. */
static unsigned legacy(struct host *h)
{
	static const char *const lists[] = {"/proc/net/ip_tables_names",
					    "/proc/net/ip6_tables_names"};
	unsigned found = 0;

	for (unsigned i = 0; i < 2; i++) {
		_free_ char *text = NULL;
		size_t len;

		if (file_read(&text, &len, AT_FDCWD, lists[i], 4096) || !strstr(text, "nat"))
			continue;
		found++;
		host_say(
			h, HOST_UNSEEN, "redirects",
			"%s: there is a 'nat' table of the old kind, whose rules are not read here (%s-legacy-save)",
			lists[i], i ? "ip6tables" : "iptables");
	}
	return found;
}

void host_redirects(struct host *h)
{
	_json_ json_t *all = NULL;
	unsigned n = 0, old = legacy(h);
	const json_t *o;
	size_t i;
	int r = ruleset(&all);

	if (r == -ENOENT) {
		host_say(h, HOST_UNSEEN, "redirects",
			 "nft is not installed: whether a rule redirects is not known");
		return;
	}
	if (r < 0) {
		host_say(h, HOST_UNSEEN, "redirects",
			 "nft does not list the rules: only root may ask");
		return;
	}
	json_array_foreach (json_object_get(all, "nftables"), i, o)
		n += look(h, json_object_get(o, "rule"), n);
	if (n > RULES_SHOWN)
		host_say(h, HOST_NOTE, "redirects", "nft: %u more", n - RULES_SHOWN);
	if (!n && !old)
		host_say(h, HOST_OK, "redirects", "nft: no rule sends packets elsewhere");
}
