/* SPDX-License-Identifier: BSD-2-Clause */
/* proto.h - names of IP protocols (IANA protocol numbers) and of ports (IANA service names). */
#ifndef RULES_PARSE_PROTO_H
#define RULES_PARSE_PROTO_H
#include <stddef.h>
#include <stdint.h>

#define PROTO_NAMES_MAX 32
int proto_find(const char *text);      /* by name or number; -ENOENT */
const char *proto_name(uint8_t proto); /* NULL when it has none here: the number is its name */
uint16_t proto_port(const char *name); /* of a well-known name (IANA service names); 0: none */
size_t proto_names(const char *names[PROTO_NAMES_MAX]);
#endif
