/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * geo_conf.h - geo.conf: where places come from.
 *
 *     directory "/var/lib/cordon/sources"          # the last good copy of each source
 *     output    "/var/lib/cordon/places.mmdb"
 *     ca        "/etc/ssl/own-ca.pem"              # trust this instead of the system's authorities
 *     source    aws https://ip-ranges.amazonaws.com/ip-ranges.json
 *     source    tor4 /usr/share/tor/geoip
 *     days      14                                 # how many former days of the output are kept
 *     shipped   no                                 # without the lists that came with cordon
 *     hds       ovh "certified" as-of 2026-11-01 source "esante.gouv.fr"
 */
#ifndef AGENT_CMD_GEO_CONF_H
#define AGENT_CMD_GEO_CONF_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "geo/base/diag.h"

#define GEO_CONF_SOURCES 64
#define GEO_CONF_HDS	 64
#define GEO_NAME_MAX	 32 /* bytes of a source's name: a-z 0-9 - _ . */

struct geo_conf_source {
	char *name, *from;
	bool url; /* https:// */
	unsigned line;
};
struct geo_conf_hds {
	char *key, *status, *date, *source;
};
struct geo_conf {
	char *directory, *output, *ca; /* ca: NULL */
	struct geo_conf_source sources[GEO_CONF_SOURCES];
	size_t nsources;
	struct geo_conf_hds hds[GEO_CONF_HDS];
	size_t nhds;
	unsigned days;	 /* of which the output is kept (geo_days.h) */
	bool no_shipped; /* the lists that came with cordon are left out */
};
/* Every error of the file in one run. 0 or -errno. geo_conf_free in any case. */
int geo_conf_read(struct geo_conf *ret, const char *path, struct diag_sink *d);
void geo_conf_free(struct geo_conf *c);
/* What is known of the operator's HDS status: the configuration's word, else the built-in one; NULL
 * when neither. JSON object of status, date and source. c: NULL reads the file at GEO_CONF, if it
 * is there. */
json_t *geo_conf_hds_of(const struct geo_conf *c, const char *key);
#endif
