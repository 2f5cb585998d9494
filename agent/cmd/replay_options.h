/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_options.h - what 'cordon replay' can be asked. */
#ifndef AGENT_CMD_REPLAY_OPTIONS_H
#define AGENT_CMD_REPLAY_OPTIONS_H
#include <getopt.h>

enum replay_option {
	OPT_GEO = 256,
	OPT_INSIDE,
	OPT_HERE,
	OPT_SUMMARY,
	OPT_ALL,
	OPT_JSON,
	OPT_FLOWS,
	OPT_MEMORY,
	OPT_LIST,
	OPT_FILTER,
	OPT_FROM,
	OPT_TO,
	OPT_DEDUP,
	OPT_TODAY,
	OPT_PLACES,
	OPT_SUMS,
	OPT_TOP,
	OPT_CSV,
	OPT_HTML,
	OPT_EVIDENCE,
	OPT_PAYLOAD,
	OPT_SEAL,
	OPT_IN_CLEAR,
	OPT_ANONYMISE,
	OPT_MANIFEST,
	OPT_KEY,
	OPT_DIFF,
	OPT_LEDGER,
};
const char *replay_usage(void);
const struct option *replay_options(void);
#endif
