/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_policy.c - the policy's text: the file, or the one that is shipped, behind what is in quarantine. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/engine/engine_policy.h"
#include "agent/policy/policy_files.h"
#include "agent/engine/quarantine.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

/* The policy that a host without one gets is part of the program, so that a built binary works from
 * anywhere. */
__asm__(".section .rodata\n"
	"engine_eu_conf:\n"
	".incbin \"rules/examples/eu.conf\"\n"
	"engine_eu_conf_end:\n"
	".byte 0\n"
	".previous\n");
extern const char engine_eu_conf[] __attribute__((visibility("hidden")));
extern const char engine_eu_conf_end[] __attribute__((visibility("hidden")));

const char *engine_shipped_policy(size_t *len)
{
	*len = (size_t)(engine_eu_conf_end - engine_eu_conf);
	return engine_eu_conf;
}

static int load_quarantine(struct engine *e, const struct engine_config *cfg,
			   const struct engine *old, struct diag_sink *d)
{
	e->quarantine = calloc(1, sizeof(*e->quarantine));
	if (!e->quarantine)
		return -ENOMEM;
	e->quarantine_unread =
		cfg->quarantine && quarantine_read(e->quarantine, cfg->quarantine, cfg->now, d) < 0;
	if (e->quarantine_unread && old)
		quarantine_keep(e->quarantine, old->quarantine, cfg->now);
	return 0;
}

/* The text, behind what is in quarantine. */
static int parse(struct engine *e, const char *file, const char *text, size_t len,
		 struct diag_sink *d)
{
	const struct quarantine *q = e->quarantine;
	_free_ struct policy_first *first = calloc(QUARANTINE_MAX, sizeof(*first));
	struct policy_source s = {
		.file = file, .text = text, .len = len, .first = first, .nfirst = q->n};

	if (!first)
		return -ENOMEM;
	for (size_t i = 0; i < q->n; i++)
		first[i] = (struct policy_first){.to = q->entry[i].to,
						 .until = q->entry[i].until,
						 .because = q->entry[i].because};
	return policy_parse_first(&e->policy, &s, d);
}

/* The file asked for; without one the default, and where there is none either, the shipped text. */
int engine_load_policy(struct engine *e, const struct engine_config *cfg, const struct engine *old,
		       struct diag_sink *d)
{
	const char *path = cfg->policy ? cfg->policy : ENGINE_POLICY_DEFAULT;
	_free_ char *text = NULL;
	struct stat st;
	size_t len;
	int r;

	r = load_quarantine(e, cfg, old, d);
	if (r < 0)
		return r;
	if (cfg->text)
		return parse(e, path, cfg->text, strlen(cfg->text), d);
	r = policy_files_read(&text, &len, path, d);
	e->policy_date = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_mtim.tv_sec : 0;
	if (r == -ENOENT && !cfg->policy) {
		e->policy_shipped = true;
		return parse(e, ENGINE_POLICY_SHIPPED, engine_eu_conf,
			     (size_t)(engine_eu_conf_end - engine_eu_conf), d);
	}
	if (r == -EFBIG)
		diag_error(d, path, 0, "larger than %u bytes, which no policy is",
			   ENGINE_POLICY_MAX);
	else if (r < 0 && r != -EINVAL)
		diag_error(d, path, 0, "cannot read the policy: %s", strerror(-r));
	if (r < 0)
		return r;
	return parse(e, path, text, len, d);
}
