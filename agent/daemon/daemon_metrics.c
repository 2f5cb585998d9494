/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon_metrics.c - 'feed metrics "ADDRESS"': opened with the policy that names it, kept over reloads
 * that name the same one. */
#include <stdlib.h>
#include <string.h>
#include "agent/daemon/daemon.h"

#define METRICS_DEFAULT "unix:/run/cordon/metrics.sock"

static json_t *status(void *daemon)
{
	return daemon_status(daemon);
}

static const char *address_of(const struct policy *p)
{
	for (size_t i = 0; i < p->nfeeds; i++)
		if (strcmp(p->feeds[i].transport, "metrics") == 0)
			return p->feeds[i].target ? p->feeds[i].target : METRICS_DEFAULT;
	return NULL;
}

int daemon_metrics_load(struct daemon *d, const struct engine *e, FILE *errors)
{
	const char *address = address_of(e->policy);
	struct metrics *m = NULL;
	struct diag_print p;
	int r = 0;

	if (address && d->metrics && strcmp(metrics_address(d->metrics), address) == 0)
		return 0;
	if (address) {
		diag_print_init(&p, errors);
		r = metrics_open(&m, d->loop, address, status, d, &p.sink);
		diag_print_done(&p);
	}
	if (r < 0)
		return EXIT_FAILED;
	metrics_close(d->metrics);
	d->metrics = m;
	return 0;
}

void daemon_metrics_second(struct daemon *d)
{
	if (d->metrics)
		metrics_second(d->metrics);
}
