/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb_write.h - all claims and what they merge to, as one MaxMind DB that any reader of that
 * format opens.
 *
 * A record (what is empty is left out; no record where no source speaks):
 *
 *   country: { iso_code: "DE" }
 *   autonomous_system_number: 16509                    uint32
 *   autonomous_system_organization: "Amazon.com, Inc."
 *   cordon: {
 *     status: "known"                                  place_status_name()
 *     grade: "operator-list"                           place_grade_name()
 *     reason: "region-unknown"                         place_reason_name(), when not known
 *     anycast relay satellite hosting eu_differs: true what the sources note besides
 *     provider: "aws"  platform: "heroku"  region: "eu-central-1"  jurisdiction: "US"
 *     sources: [                                       best precedence first
 *       { source: "aws"  file: "ip-ranges.json"  version: "1787411825"  date: 1787411825 (uint64)
 *         sha256: "9f86d081884c7d65" (first 16 digits)
 *         key: "prefixes[12]"  country: "DE"  region: "eu-central-1"  service: "EC2"  provider
 *         platform  jurisdiction  status: "unprovable" (left out when known)  asn  operator } ... ]
 *   }
 *
 * Metadata: database_type "cordon-places", and beyond the format's own keys a map
 *   cordon: { data_epoch: uint64 of the oldest source that gives places,
 *             sources: [ { source, file, date, version, sha256 (all of it), claims } ] }
 * build_epoch is when the file was made; how old the data is says data_epoch.
 */
#ifndef GEO_MMDB_MMDB_WRITE_H
#define GEO_MMDB_MMDB_WRITE_H
#include "geo/places.h"

#define MMDB_PLACES_TYPE "cordon-places"

struct mmdb_stats {
	uint32_t nodes;
	unsigned record_bits; /* 24, 28 or 32 */
	uint64_t data_bytes, file_bytes;
	uint64_t records; /* distinct */
};
struct mmdb_options {
	int64_t build_epoch;
	unsigned record_bits; /* at least this: 24, 28 or 32; 0 = the smallest that fits */
};
/* Writes beside path, syncs, renames: path is the old file or the whole new one. 0 or -errno with a
 * diag. */
int mmdb_write(const struct places *p, const char *path, const struct mmdb_options *o,
	       struct mmdb_stats *ret, struct diag_sink *d);
#endif
