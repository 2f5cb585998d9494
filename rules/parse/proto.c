/* SPDX-License-Identifier: BSD-2-Clause */
/* proto.c - names of IP protocols (IANA protocol numbers). */
#include <errno.h>
#include <string.h>
#include "rules/parse/proto.h"

/* The first name of a number is the one that is printed. */
static const struct {
	const char *name;
	uint8_t proto;
} protos[] = {
	{"tcp", 6},	   {"udp", 17},	  {"icmp", 1},	{"icmpv6", 58},	  {"icmp6", 58},
	{"ipv6-icmp", 58}, {"sctp", 132}, {"gre", 47},	{"esp", 50},	  {"ah", 51},
	{"ipip", 4},	   {"ipv6", 41},  {"igmp", 2},	{"ospf", 89},	  {"pim", 103},
	{"vrrp", 112},	   {"l2tp", 115}, {"dccp", 33}, {"udplite", 136},
};
#define PROTOS (sizeof(protos) / sizeof(*protos))
_Static_assert(PROTOS <= PROTO_NAMES_MAX, "proto.h's limit");

static int number(const char *s)
{
	size_t len = strlen(s);
	int v = 0;

	if (!len || len > 3 || strspn(s, "0123456789") != len || (len > 1 && *s == '0'))
		return -ENOENT;
	for (; *s; s++)
		v = v * 10 + (*s - '0');
	return v <= 255 ? v : -ENOENT;
}

int proto_find(const char *text)
{
	for (size_t i = 0; i < PROTOS; i++)
		if (!strcmp(text, protos[i].name))
			return protos[i].proto;
	return number(text);
}

const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < PROTOS; i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return NULL;
}

size_t proto_names(const char *names[PROTO_NAMES_MAX])
{
	for (size_t i = 0; i < PROTOS; i++)
		names[i] = protos[i].name;
	return PROTOS;
}
