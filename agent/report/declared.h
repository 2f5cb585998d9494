/*
 * declared.h - what others were told: promises of the policy, a DORA register of information (ITS 2024/2956, plain CSV) and
 * an HDS table of transfers (referential v2, chapter 8), by operator.
 *
 * Read leniently: all countries that any contract with a provider names are declared for it, so that what
 * contradicts it contradicts every reading.
 */
#ifndef AGENT_REPORT_DECLARED_H
#define AGENT_REPORT_DECLARED_H
#include <stdbool.h>
#include <stdint.h>
#include "geo/base/diag.h"
#include "geo/facts/operator.h"

#define DECLARED_COUNTRIES 32
#define DECLARED_MAX	   4096
#define DECLARED_POLICIES  16
struct declared {
	char code[96], name[160];	 /* as declared */
	const struct operator_entry *op; /* NULL: in no table; then the name is compared */
	/* DORA */
	uint16_t country[DECLARED_COUNTRIES]; /* of provision, storage, processing */
	unsigned countries;
	bool everywhere;   /* more countries than fit: nothing contradicts it */
	uint16_t home;	   /* of its headquarters; 0: not said */
	char parent[96];   /* code of the ultimate parent; "": not said */
	uint16_t ultimate; /* the ultimate parent's country; 0: cannot be said */
	bool contracted;   /* stands in B_02.02 */
	bool subcontracts; /* stands in B_05.02 */
	/* HDS */
	bool hds, hds_certified, hds_no_access, hds_no_law;
};
struct declarations {
	struct declared *v; /* owned */
	size_t n;
	bool chain;				  /* there is a B_05.02 */
	struct policy *policy[DECLARED_POLICIES]; /* owned: their promises */
	size_t policies;
};
/* A ZIP or a folder; 0 or -errno after a diag. May be called after one another. */
int declared_dora(struct declarations *d, const char *path, struct diag_sink *sink);
int declared_hds(struct declarations *d, const char *path, struct diag_sink *sink);
int declared_policy(struct declarations *d, const char *path, struct diag_sink *sink);
/* Is there anything? */
bool declared_any(const struct declarations *d);
void declared_drop(struct declarations *d);
/* The next that is declared of it after the one before (NULL: the first); NULL: no more. */
const struct declared *declared_next(const struct declarations *d, const struct declared *after,
				     const char *operator_name, const char *provider);
#endif
