/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c - the table of formats. */
#include "agent/feed/format.h"
#include <string.h>
#include "agent/feed/cef.h"
#include "agent/feed/ecs.h"
#include "agent/feed/eve.h"
#include "agent/feed/ocsf.h"
#include "agent/feed/plain.h"

static const struct format formats[] = {
	{"ecs", ecs_format}, {"ocsf", ocsf_format},  {"eve", eve_format},
	{"cef", cef_format}, {"text", plain_format},
};

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!name || strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
