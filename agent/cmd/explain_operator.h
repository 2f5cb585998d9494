/* SPDX-License-Identifier: BSD-2-Clause */
/* explain_operator.h - the part of explain's answer that the tables of operators and laws give. */
#ifndef AGENT_CMD_EXPLAIN_OPERATOR_H
#define AGENT_CMD_EXPLAIN_OPERATOR_H
#include <jansson.h>
#include <stdio.h>
#include "geo/facts/operator.h"

/* Adds name, laws, note, source, checked, hds (with holds: whether for this region, null when not
 * known; here: the same in words),
 * secnumcloud and unseen to o. k NULL: nothing. region may be "", country 0; now: Unix seconds. */
void explain_operator(json_t *o, const struct operator_entry *k, const char *region,
		      uint16_t country, int64_t now);
/* The lines after 'law': the chain, the note, certificates, what a host cannot see. */
void explain_operator_print(FILE *to, const json_t *o);
#endif
