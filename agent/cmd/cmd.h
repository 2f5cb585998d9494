/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd.h - the verbs. Each gets argv with its own name at [0] and returns an enum exit_code; --help
 * is main's. */
#ifndef AGENT_CMD_CMD_H
#define AGENT_CMD_CMD_H
#include <stdbool.h>
int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_suggest(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_enforce(int argc, char **argv);
int cmd_confirm(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_geo(int argc, char **argv);
int cmd_quarantine(int argc, char **argv);
int cmd_gaps(int argc, char **argv);
int cmd_prove(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_ledger(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_hub(int argc, char **argv);
int cmd_journal(int argc, char **argv);
int cmd_verify(int argc, char **argv);
/* Are the shipped facts whole, if this verb needs them (sub: the verb below it, or NULL)? Says why not. */
bool cmd_facts(const char *verb, const char *sub);
#endif
