/* SPDX-License-Identifier: BSD-2-Clause */
/* proto.c - names of IP protocols (IANA protocol numbers) and of ports (IANA service names). */
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

/* The IANA registry's names, and what people call a few. Of several ports of a name there is none here: smtp is 25,
 * and who means 587 writes submission. */
static const struct {
	const char *name;
	uint16_t port;
} ports[] = {
	{"ftp", 21},	      {"ssh", 22},	    {"smtp", 25},	 {"domain", 53},
	{"dns", 53},	      {"http", 80},	    {"kerberos", 88},	 {"ntp", 123},
	{"imap", 143},	      {"snmp", 161},	    {"ldap", 389},	 {"https", 443},
	{"syslog", 514},      {"submission", 587},  {"ldaps", 636},	 {"domain-s", 853},
	{"imaps", 993},	      {"ms-sql-s", 1433},   {"oracle", 1521},	 {"mysql", 3306},
	{"postgresql", 5432}, {"postgres", 5432},   {"amqps", 5671},	 {"amqp", 5672},
	{"redis", 6379},      {"syslog-tls", 6514}, {"cassandra", 9042}, {"kafka", 9092},
	{"mongodb", 27017},
};

uint16_t proto_port(const char *name)
{
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		if (!strcmp(name, ports[i].name))
			return ports[i].port;
	return 0;
}
