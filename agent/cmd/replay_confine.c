/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_confine.c - before the first foreign byte of a capture is decoded, replay keeps what it still needs: the captures,
 * the policies (another time may want them again), and the folders of its outputs. */
#include <openssl/crypto.h>
#include <string.h>
#include "agent/base/confine.h"
#include "agent/base/diag_print.h"
#include "agent/cmd/replay.h"

static void outputs(struct confine *c, const struct replay *r)
{
	const char *const path[] = {r->summary && strcmp(r->summary, "-") != 0 ? r->summary : NULL,
				    r->csv,
				    r->html,
				    r->evidence,
				    r->manifest,
				    r->manifest ? r->key : NULL,
				    r->ledger_path};

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		confine_write(c, path[i]);
}

int replay_confine(struct replay *r)
{
	struct confine *c = NULL;
	int result;

	if (!r->argc) /* another verb reads them, and has more to do then */
		return 0;
	/* reads its configuration now, not at the first hash */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	result = confine_new(&c);
	if (result == 0) {
		for (size_t i = 0; i < r->ncaptures; i++)
			confine_read(c, r->captures[i].path);
		if (r->engines[0]->policy->file)
			confine_read(c, r->engines[0]->policy->file);
		if (r->other)
			confine_read(c, r->other);
		outputs(c, r);
		result = confine_done(c, &r->confined);
	}
	confine_free(c);
	if (result < 0)
		diag_say(
			"cannot give away what is not needed to read captures, so none is read: %s",
			strerror(-result));
	return result;
}
