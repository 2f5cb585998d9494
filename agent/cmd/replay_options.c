/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_options.c - options of 'cordon replay', and their help. */
#include "agent/cmd/replay_options.h"
#include <stddef.h>

static const char usage[] =
	"usage: cordon replay [options] PATH...\n"
	"Captures (pcap, pcapng; plain or gzip, zstd, lz4, xz) through the same policy as live traffic. PATH is a file, a\n"
	"directory, a pattern, or - for standard input. Packets are taken in the order of their time, and each is judged\n"
	"by the zones and rules of its time. Events go to standard output, one JSON line each.\n\n"
	"  -p, --policy FILE    policy (default /etc/cordon/cordon.conf, else the shipped eu.conf)\n"
	"  --geo FILE           places database; may be repeated (default: the policy's geo lines)\n"
	"  --inside CIDR        a network that is inside, besides the policy's; may be repeated\n"
	"  --here               the captures were made at the policy's 'home': round-trip times may refute a place\n"
	"  --summary FILE       one JSON object with all destinations; - is standard output, instead of events\n"
	"  --top N              the summary lists the N largest only, the rest in one\n"
	"  --csv FILE           a table of destinations\n"
	"  --html FILE          a page that holds everything, to read and to give away\n"
	"  --all                the summary lists destinations that are inside or local too\n"
	"  --json               events as JSON lines (they always are)\n"
	"  --list FILE          paths in a file, a line each (or each ended by a NUL)\n"
	"  --filter EXPRESSION  only packets that match it, in the language of tcpdump\n"
	"  --from TIME          only packets from then on\n"
	"  --to TIME            only packets before then\n"
	"  --dedup              packets that were seen twice (mirrored ports, 'any') count once\n"
	"  --diff POLICY        instead of events, what changes under this policy: by source, with both deciding lines\n"
	"  --evidence FILE      the packets of violating flows as pcapng, with comments; their headers only\n"
	"  --payload            all of their bytes; wants --seal or --in-clear\n"
	"  --seal RECIPIENT     seal the evidence to a public key of age (age1...); 'age -d' opens it\n"
	"  --in-clear           the payload may stand in the file as it is\n"
	"  --anonymise FILE     addresses in the evidence by Crypto-PAn, with the key of 32 bytes in FILE\n"
	"  --manifest FILE      hashes of inputs, outputs, policy and places, and the counts\n"
	"  --key FILE           sign the manifest with this Ed25519 key (made when it is not there)\n"
	"  --ledger FILE        what left as a ledger, which must not exist yet: for 'cordon report' and 'cordon ledger'\n"
	"  --sums               SHA-256 of captures in a summary on standard output too, when they are over 256 MB\n"
	"  --today DATE         what a packet without a time of its own is judged as of (default: the day it is)\n"
	"  --places-as-of DATE  by the places that were kept on that day or last before it ('geo update' keeps them)\n"
	"  --flows-max N        one-way flows kept at a time (default 16777216)\n"
	"  --memory SIZE        bounds all tables (as 512M, 2G): what has no room is counted together, and said\n\n"
	"Exit codes: 0 nothing found, 1 failed, 2 usage, 3 the policy is wrong, 4 a transfer that the policy blocks or\n"
	"alerts on, 5 the input was damaged (wins over 4; what was readable is reported). SIGINT and SIGTERM end the\n"
	"reading: what is known is written, marked incomplete, with exit code 1.\n";
static const struct option options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"geo", required_argument, NULL, OPT_GEO},
	{"inside", required_argument, NULL, OPT_INSIDE},
	{"here", no_argument, NULL, OPT_HERE},
	{"summary", required_argument, NULL, OPT_SUMMARY},
	{"all", no_argument, NULL, OPT_ALL},
	{"json", no_argument, NULL, OPT_JSON},
	{"flows-max", required_argument, NULL, OPT_FLOWS},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"list", required_argument, NULL, OPT_LIST},
	{"filter", required_argument, NULL, OPT_FILTER},
	{"from", required_argument, NULL, OPT_FROM},
	{"to", required_argument, NULL, OPT_TO},
	{"dedup", no_argument, NULL, OPT_DEDUP},
	{"top", required_argument, NULL, OPT_TOP},
	{"csv", required_argument, NULL, OPT_CSV},
	{"html", required_argument, NULL, OPT_HTML},
	{"evidence", required_argument, NULL, OPT_EVIDENCE},
	{"payload", no_argument, NULL, OPT_PAYLOAD},
	{"seal", required_argument, NULL, OPT_SEAL},
	{"in-clear", no_argument, NULL, OPT_IN_CLEAR},
	{"anonymise", required_argument, NULL, OPT_ANONYMISE},
	{"manifest", required_argument, NULL, OPT_MANIFEST},
	{"key", required_argument, NULL, OPT_KEY},
	{"diff", required_argument, NULL, OPT_DIFF},
	{"ledger", required_argument, NULL, OPT_LEDGER},
	{"sums", no_argument, NULL, OPT_SUMS},
	{"today", required_argument, NULL, OPT_TODAY},
	{"places-as-of", required_argument, NULL, OPT_PLACES},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

const char *replay_usage(void)
{
	return usage;
}

const struct option *replay_options(void)
{
	return options;
}
