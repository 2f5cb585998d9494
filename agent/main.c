/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - the verbs and their dispatch; help comes from the table. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "agent/cmd/cmd.h"
#include "agent/base/diag_print.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *line;  /* what it does, for the list */
	const char *usage; /* arguments and options, for --help */
};

static const struct verb verbs[] = {
	{"run", cmd_run, "watch this host's outbound traffic, decide, block and alert",
	 "[options]\n"
	 "  --policy FILE        policy (default /etc/cordon/cordon.conf, else the shipped eu.conf)\n"
	 "  --geo FILE           places database; may be repeated (default: the policy's geo lines)\n"
	 "  --mode MODE          monitor or enforce (default: the policy's mode)\n"
	 "  --source SOURCE      ebpf (default) or pcap, which can only alert\n"
	 "  --interface IF       the device that --source pcap listens on\n"
	 "  --cgroup PATH        watch below this cgroup (default: the root of cgroup2)\n"
	 "  --devices WHOSE      packets to judge on the network devices too: none (default), own (of the\n"
	 "                       cgroup's sockets) or all that leave this network namespace\n"
	 "  --names on|off       copy DNS answers and first packets, so that recipients have names (default on)\n"
	 "  --pin DIR            where the kernel objects are pinned (default /sys/fs/bpf/cordon)\n"
	 "  --alerts FILE        append alerts as JSON lines, besides the policy's feeds; - is standard output\n"
	 "  --live               a live table of flows on the terminal; keys: q quit, arrows choose, s sort,\n"
	 "                       f filter, e explain the row, a the rule that would decide it\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --fold SECONDS       one summary a window for alerts of the same kind (default 60; 0: off)\n"
	 "  --state DIR          where refuted places are remembered (default /var/lib/cordon, if it is there)\n"
	 "  --detach-on-exit     remove everything from the kernel at the end, enforcing or not\n"
	 "  --keep-on-exit       leave everything attached at the end, in monitor mode too\n"},
	{"replay", cmd_replay, "captures through the same road: events as JSON lines", NULL},
	{"check", cmd_check,
	 "every error of a policy, with its place; warnings for what never matches", NULL},
	{"explain", cmd_explain, "where an address is, how that is known, and which rule decides",
	 "ADDRESS[:PORT] | NAME ... [options]      an IPv6 address with a port: [2001:db8::1]:443; - reads a list, a line each\n"
	 "  --policy FILE        policy (default /etc/cordon/cordon.conf, else the shipped eu.conf)\n"
	 "  --geo FILE           places database; may be repeated\n"
	 "  --from WHO           unit NAME.service, user-unit NAME.service, user NAME, cgroup /PATH or an address\n"
	 "  --proto NAME         tcp (default), udp, icmp, sctp or a protocol number\n"
	 "  --opened by SIDE     here (default) or peer\n"
	 "  --as-of DATE         decide as on that day (UTC)\n"
	 "  --why-not ZONE       what keeps it from being taken for a place in eu, eea, DE, ...\n"
	 "  --rtt MS             judge the place by this minimum round-trip time, as in --rtt 0.35\n"
	 "  --state DIR          where the agent remembers refuted places (default /var/lib/cordon)\n"
	 "  --events FILE        for a NAME: where it was seen, as replay writes it (default: this host's journal)\n"
	 "  --json               one JSON object an address, a line each\n"},
	{"suggest", cmd_suggest, "a policy from what was seen: what stays in the EEA is allowed",
	 "[FILE ...] [options]             FILE: a ledger, or captures with --from capture\n"
	 "  --from WHAT          ledger (default, /var/lib/cordon/ledger.db) or capture\n"
	 "  --since WHEN         of a ledger: 90m, 24h, 14d (default), or a date: 2026-11-25\n"
	 "  -p, --policy FILE    the policy in force: its settings and 'place' lines stay (default\n"
	 "                       /etc/cordon/cordon.conf, else the shipped eu.conf)\n"
	 "  --geo FILE           places database for captures; may be repeated\n"},
	{"diff", cmd_diff,
	 "what another policy would decide otherwise, of the flows that were seen",
	 "OLD NEW [FILE ...] [options]     FILE: a ledger, or captures with --from capture\n"
	 "  --from WHAT          ledger (default, /var/lib/cordon/ledger.db) or capture\n"
	 "  --since WHEN         of a ledger: 90m, 24h, 30d (default), or a date: 2026-11-25\n"
	 "  --geo FILE           places database; may be repeated (default: each policy's geo lines)\n"
	 "  --json               one JSON object a change, a line each\n"},
	{"test", cmd_test, "whether the policy says what a file of cases expects",
	 "POLICY CASES [options]\n"
	 "  --geo FILE           places database; may be repeated\n"
	 "  --no-places          only the 'place' lines of policy and cases say where addresses are\n"
	 "  --as-of DATE         decide as on that day (UTC), but for cases with a day of their own\n"
	 "  --junit              a JUnit report on standard output\n"
	 "  --json               one JSON object a case, a line each\n"},
	{"status", cmd_status, "what is attached, in what mode, with which tables and counters",
	 "[options]\n"
	 "  --json               one JSON object\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --pin DIR            where to look when no agent answers (default /sys/fs/bpf/cordon)\n"},
	{"reload", cmd_reload, "swap policy or places, or say why not and keep the old",
	 "[options]\n"
	 "  --policy FILE        load this file from now on\n"
	 "  --mode MODE          monitor or enforce, whatever the policy says, over restarts too;\n"
	 "                       policy: what the policy says\n"
	 "  --accept-shrink      take a places database that lost more than a fifth\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --json               the agent's answer as it is\n"},
	{"quarantine", cmd_quarantine,
	 "nothing goes to an address for a while, whatever the policy says",
	 "add ADDRESS --for TIME --because TEXT | list | remove ADDRESS\n"
	 "                                  ADDRESS: one address, or a prefix as 203.0.113.0/24\n"
	 "  --for TIME           30m, 12h, 7d: it ends by itself, also while no agent runs\n"
	 "  --because TEXT       why, for who reads the alerts\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --json               the agent's answer as it is\n"},
	{"enforce", cmd_enforce,
	 "block from now on, for good or on trial; lists first what that would cut",
	 "[options]\n"
	 "  --for DURATION       only for so long (30s, 10m, 2h), unless 'cordon confirm' is called before\n"
	 "  --list               only list what would be cut, and change nothing\n"
	 "  --yes                although something that lives now would be cut\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --json               the agent's answers as they are\n"},
	{"confirm", cmd_confirm, "what 'enforce --for' began stays in force",
	 "[options]\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --json               the agent's answer as it is\n"},
	{"monitor", cmd_monitor,
	 "block nothing from now on, whatever the policy says; alerts go on",
	 "[options]\n"
	 "  --control PATH       control socket (default /run/cordon/control.sock)\n"
	 "  --json               the agent's answer as it is\n"},
	{"detach", cmd_detach, "remove everything that cordon left in the kernel",
	 "[options]\n"
	 "  --pin DIR            the pins (default /sys/fs/bpf/cordon)\n"
	 "  --control PATH       control socket: refuses while an agent answers there\n"},
	{"geo", cmd_geo, "make, update and show the places database", NULL},
	{"gaps", cmd_gaps, "when less was enforced or known than the policy promises, and why",
	 "[options]\n"
	 "  --since WHEN         90m, 24h, 14d, or a date: 2026-11-25, 2026-11-25T10:41\n"
	 "  --state DIR          the agent's (default /var/lib/cordon)\n"
	 "  --json               the records as they are, a line each\n"},
	{"prove", cmd_prove,
	 "the known ways around it, tried against the real programs, beside the host",
	 "[options]\n"
	 "  --only WORD          only techniques whose name holds this\n"
	 "  --devices            with an agent that judges on the network devices too\n"
	 "  --seed NUMBER        the order of the shots (default: another one each time)\n"
	 "  --sign FILE          the result as a note that the journal's key signed\n"
	 "  --journal DIR        the journal whose key signs (default /var/log/cordon)\n"
	 "  --json               one JSON object\n"},
	{"events", cmd_events, "what happened: the journal's records, filtered, followed",
	 "[options]\n"
	 "  --since WHEN         90m, 24h, 14d, or a date: 2026-11-25, 2026-11-25T10:41\n"
	 "  --until WHEN         the same\n"
	 "  --filter KEY=GLOB    only records with this value, as in event.action=flow-*; may be repeated\n"
	 "  --follow             go on with what comes\n"
	 "  --journal DIR        the journal (default /var/log/cordon)\n"
	 "  --json               the records as they are, a line each\n"},
	{"ledger", cmd_ledger,
	 "what left in a period, allowed or not: sums by country, unit, law ...",
	 "[options]\n"
	 "  --by WHAT            country (default), provider, region, operator, law, grade, unit,\n"
	 "                       container, exe, user, prefix, port, rule, name, verdict or host\n"
	 "  --since WHEN         90m, 24h (default), 14d, or a date: 2026-11-25, 2026-11-25T10:41\n"
	 "  --until WHEN         the same (default: now)\n"
	 "  --ledger FILE        the ledger (default /var/lib/cordon/ledger.db)\n"
	 "  --csv                comma-separated values\n"
	 "  --json               one JSON object a row, a line each\n"},
	{"hub", cmd_hub, "many hosts' sums and checkpoints in PostgreSQL: taken in, and asked for",
	 "--database URL (--from SOURCE | --by WHAT | --hosts | --findings) [options]\n"
	 "  --database URL       postgresql://USER@HOST/NAME, or what else libpq takes\n"
	 "  --from SOURCE        a directory with files of lines, or kafka://BROKER,.../TOPIC\n"
	 "  --config FILE        librdkafka's properties for kafka://, one a line\n"
	 "  --once               end when what is there was taken\n"
	 "  --expect HOST        a host that there must be; may be repeated, and is kept\n"
	 "  --by WHAT            sums by country, provider, region, operator, law, grade, unit, container,\n"
	 "                       exe, user, prefix, port, rule, verdict or host\n"
	 "  --since WHEN         90m, 24h, 14d, or a date: 2026-11-25, 2026-11-25T10:41 (default: all)\n"
	 "  --until WHEN         the same\n"
	 "  --hosts              each host: heard, silent, missing or unexpected\n"
	 "  --silent-after TIME  silent is who said nothing for so long (default 26h)\n"
	 "  --findings           forks, rollbacks, other keys, sums that changed; exits 5 when there are any\n"
	 "  --csv                comma-separated values\n"
	 "  --json               one JSON object a row, a line each\n"},
	{"report", cmd_report,
	 "the residency report of a period: by place and by law, with its gaps",
	 "--from WHEN --to WHEN [options]\n"
	 "  --from WHEN          a date (2026-01-01), a time (2026-01-01T12:00) or a duration back from now (30d)\n"
	 "  --to WHEN            the same; a date is in the period\n"
	 "  --state DIR          a host's state: ledger, gaps (default /var/lib/cordon); once a host\n"
	 "  --journal DIR        its journal (default /var/log/cordon); in the order of --state\n"
	 "  --expect HOST        a host that must be in the report: said when it is not; may be repeated\n"
	 "  --dora PATH          a DORA register of information (plain CSV, ZIP or folder): declared against observed\n"
	 "  --hds FILE           an HDS table of transfers (CSV): the same\n"
	 "  --policy FILE        the same of its 'promise provider' lines\n"
	 "  --lang LANGUAGE      en (default) or fr\n"
	 "  --html FILE          one page with charts and a map, to read and to print; -: here\n"
	 "  --pdf FILE           the page as PDF, by weasyprint or chromium, whichever is installed\n"
	 "  --json FILE          the whole of it, with the rows of the ledger behind each figure; -: here\n"
	 "  --csv DIR            a file a table\n"
	 "  --signed FILE        a note with the SHA-256 of all that was written, signed with --key\n"
	 "  --key FILE           the Ed25519 key that signs (made when it is not there)\n"},
	{"verify", cmd_verify, "check the journal's records and signatures, or one record's proof",
	 "[DIR] [options]                  DIR: the journal (default /var/log/cordon)\n"
	 "  --key VERIFIER       whose signatures count (default: the journal's own verifier file)\n"
	 "  --checkpoint FILE    a checkpoint that was seen elsewhere; may be repeated\n"
	 "  --proof FILE         check this proof of one record instead (with --key)\n"
	 "  --record FILE        the record, as it stands in the journal or a feed\n"
	 "  --note FILE          check this signed note of a report or a replay, and the files it names, instead (with --key)\n"
	 "  --json               one JSON object\n"},
	{"journal", cmd_journal,
	 "a record of the journal, its proof, the key, the whole for public tools", NULL},
	{NULL, NULL, NULL, NULL},
};

static void help(FILE *to)
{
	fputs("usage: cordon VERB [options]\n\n"
	      "Watches what leaves a database host, knows where each byte goes, and stops or reports\n"
	      "what leaves the EU.\n\n",
	      to);
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(to, "  %-10s  %s\n", v->name, v->line);
	fputs("\n'cordon VERB --help' lists a verb's options; --version prints the version.\n"
	      "Exit codes: 0 done, 1 failed, 2 usage, 3 the policy is wrong, 4 replay found a transfer\n"
	      "that the policy blocks or alerts on, 5 the input was damaged.\n",
	      to);
}

static bool is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_help(argv[i]))
			return true;
	return false;
}

/* Help needs no facts: it is what one reads when an installation is broken. Verbs with a NULL usage print
 * their own (they have verbs of their own below them). */
static int verb_run(const struct verb *v, int argc, char **argv)
{
	bool help = asks_help(argc, argv);

	if (help && v->usage) {
		printf("usage: cordon %s %s\n%s%s\n", v->name, v->usage, v->line,
		       v->line[strlen(v->line) - 1] == '.' ? "" : ".");
		return EXIT_DONE;
	}
	if (!help && !cmd_facts(v->name, argc > 1 ? argv[1] : NULL))
		return EXIT_FAILED;
	return v->run(argc, argv);
}

static const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* A closed standard descriptor would be given to the next file that is opened, and then what is printed goes
 * into that file. Standard output is closed for writing all the same, so that what prints there fails. */
static void hold_standard_descriptors(void)
{
	static const int how[] = {O_RDONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", how[fd]) < 0)
			_exit(EXIT_FAILED);
}

/* Whatever the verb found, it is not done when nobody could read it: 4 with nothing printed would be a report
 * that says nothing. A verb that failed has said why. */
static int close_output(int code)
{
	bool lost = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) != 0)
		lost = true;
	if (!lost || code == EXIT_USAGE || code == EXIT_FAILED)
		return code;
	diag_say("standard output: cannot write: %s",
		 errno ? strerror(errno) : "what was printed is incomplete");
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct verb *v;

	hold_standard_descriptors();
	signal(SIGPIPE,
	       SIG_IGN); /* a reader that went away is an error of the write, not a death */
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 && argc > 2 && !is_help(argv[2])) {
		argv[1] = argv[2]; /* 'help VERB' is 'VERB --help' */
		argv[2] = (char *)"--help";
	}
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return close_output(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("cordon " CORDON_VERSION);
		return close_output(EXIT_DONE);
	}
	v = verb_find(argv[1]);
	if (!v) {
		diag_say("'%s' is no verb; 'cordon --help' lists them", argv[1]);
		return EXIT_USAGE;
	}
	return close_output(verb_run(v, argc - 1, argv + 1));
}
