/* SPDX-License-Identifier: BSD-2-Clause */
/* region.c - looks regions up in the sorted table of geo/data/regions.def. */
#include <string.h>
#include "geo/facts/country.h"
#include "geo/facts/region.h"

#define AWS_REGIONS "AWS Global Infrastructure: Regions (docs.aws.amazon.com/global-infrastructure)"
#define AWS_ZONES                                                                                  \
	"AWS Local Zones locations (aws.amazon.com/about-aws/global-infrastructure/localzones)"
#define AWS_WAVELENGTH "AWS Wavelength locations (aws.amazon.com/wavelength/locations)"
#define AWS_DEDICATED                                                                              \
	"AWS Dedicated Local Zones, Government of Singapore (aws.amazon.com/dedicatedlocalzones)"
#define GOOGLE_REGIONS                                                                             \
	"Google Cloud: Regions and zones (cloud.google.com/compute/docs/regions-zones)"
#define AZURE_REGIONS	 "Azure regions list (learn.microsoft.com/azure/reliability/regions-list)"
#define AZURE_GOVERNMENT "Azure Government regions (learn.microsoft.com/azure/azure-government)"
#define AZURE_CHINA	 "Azure in China regions (learn.microsoft.com/azure/china)"
#define ORACLE_REGIONS	 "OCI Regions (docs.oracle.com/iaas/Content/General/Concepts/regions.htm)"
#define CLEVER_ZONES                                                                               \
	"Clever Cloud zones (clever-cloud.com/developers/api/howto: GET /v4/products/zones)"

static const struct region rows[] = {
#define REGION(provider, name, a, b, confirmed, where, source)                                     \
	{provider, name, CC(a, b), confirmed, where, source},
#include "geo/data/regions.def"
#undef REGION
};
#define NROWS (sizeof(rows) / sizeof(rows[0]))

static int compare(const struct region *r, const char *provider, const char *name)
{
	int c = strcmp(r->provider, provider);

	return c ? c : strcmp(r->name, name);
}

const struct region *region_find(const char *provider, const char *name)
{
	size_t low = 0, high = NROWS;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare(&rows[mid], provider, name);

		if (!c)
			return &rows[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

uint16_t region_country(const char *provider, const char *name)
{
	const struct region *r = region_find(provider, name);

	return r && r->confirmed ? r->country : 0;
}

const struct region *region_row(size_t i)
{
	return i < NROWS ? &rows[i] : NULL;
}
