/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libloc.c - IPFire's location database (Debian: libloc-database, 'location update'), read through
 * its library: country and AS number of every network, of registry grade, with flags.
 *
 * Anycast networks, and those of satellite providers and anonymising proxies, stand where their
 * country does not say: unprovable. The library reads a file descriptor: it is given a memory file of
 * the very bytes whose sha256 the evidence shows. The signature is checked when the key of Debian's
 * package location is there; a wrong one is an error, no key a warning.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "geo/claims/claims.h"
#include "geo/facts/country.h"
#include "geo/source/source.h"

#define MAGIC "LOCDBXX"

bool libloc_probe(const struct bytes *b)
{
	return b->n > sizeof(MAGIC) && !memcmp(b->p, MAGIC, sizeof(MAGIC) - 1);
}

void libloc_key(char buf[64], const struct claim *claim)
{
	snprintf(buf, 64, "network %u", claim->where);
}

#ifdef HAVE_LIBLOC
#include <libloc/as.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>

#define KEY "/var/lib/location/signing-key.pem"
#define NOWHERE                                                                                    \
	(LOC_NETWORK_FLAG_ANYCAST | LOC_NETWORK_FLAG_SATELLITE_PROVIDER |                          \
	 LOC_NETWORK_FLAG_ANONYMOUS_PROXY)

struct reading {
	struct claims *c;
	struct loc_ctx *ctx;
	struct loc_database *db;
	struct loc_database_enumerator *networks;
	uint32_t record;
	uint32_t asn, organisation; /* of the network before: neighbours are often of one AS */
};

static void cleanup_reading(struct reading *r)
{
	if (r->networks)
		loc_database_enumerator_unref(r->networks);
	if (r->db)
		loc_database_unref(r->db);
	if (r->ctx)
		loc_unref(r->ctx);
}

/* Helpers do not log: what the library would print is lost, its results are not. */
static void silent(struct loc_ctx *ctx, int priority, const char *file, int line, const char *fn,
		   const char *format, va_list args)
{
	(void)ctx, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

static FILE *memory_file(const struct bytes *b)
{
	int fd = memfd_create("libloc", MFD_CLOEXEC);
	size_t n = 0;
	FILE *f;

	while (fd >= 0 && n < b->n) {
		ssize_t w = write(fd, b->p + n, b->n - n);

		if (w <= 0) {
			close(fd);
			return NULL;
		}
		n += (size_t)w;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (!f)
		close(fd);
	return f;
}

static int check_signature(struct reading *r)
{
	_fclose_ FILE *key = fopen(KEY, "re");

	if (!key) {
		claims_warn(r->c, 0,
			    "its signature is not checked: %s is not there (package location)",
			    KEY);
		return 0;
	}
	return loc_database_verify(r->db, key)
		       ? claims_error(r->c, 0, "its signature is wrong, by the key %s", KEY)
		       : 0;
}

static struct ip address_of(const struct in6_addr *a, int family)
{
	struct ip ip = {.v = 6};

	if (family == AF_INET)
		return ip_from_v4((uint32_t)a->s6_addr[12] << 24 | (uint32_t)a->s6_addr[13] << 16 |
				  (uint32_t)a->s6_addr[14] << 8 | a->s6_addr[15]);
	memcpy(ip.b, a->s6_addr, sizeof(ip.b));
	return ip;
}

static int organisation_of(struct reading *r, uint32_t asn, uint32_t *ret)
{
	struct loc_as *as = NULL;
	const char *name;
	int e = 0;

	if (asn && asn != r->asn) {
		r->organisation = 0;
		if (loc_database_get_as(r->db, &as, asn) == 0 && as) {
			name = loc_as_get_name(as);
			if (name)
				e = claims_operator(r->c, name, strlen(name), &r->organisation);
			loc_as_unref(as);
		}
		r->asn = asn;
	}
	*ret = asn ? r->organisation : 0;
	return e;
}

static int add_network(struct reading *r, struct loc_network *n)
{
	int family = loc_network_address_family(n);
	const char *code = loc_network_get_country_code(n);
	struct claim claim = {
		.first = address_of(loc_network_get_first_address(n), family),
		.last = address_of(loc_network_get_last_address(n), family),
		.country = code ? country_from_source(code, strlen(code)) : 0,
		.status = PLACE_KNOWN,
		.asn = loc_network_get_asn(n),
		.where = ++r->record,
	};
	int e;

	for (uint32_t flag = 1; flag <= LOC_NETWORK_FLAG_ANYCAST; flag <<= 1)
		if ((NOWHERE & flag) && loc_network_has_flag(n, flag)) {
			claim.status = PLACE_UNPROVABLE;
			claim.country = 0;
		}
	e = organisation_of(r, claim.asn, &claim.operator);
	if (!e)
		e = claims_law(r->c, &claim, NULL);
	return e ? e : claims_add(r->c, &claim);
}

static int read_networks(struct reading *r)
{
	struct loc_network *n = NULL;
	int e = 0;

	while (!e && loc_database_enumerator_next_network(r->networks, &n) == 0 && n) {
		e = add_network(r, n);
		loc_network_unref(n);
		n = NULL;
	}
	return e;
}

int libloc_parse(struct claims *c, const struct bytes *b)
{
	_cleanup_(cleanup_reading) struct reading r = {.c = c};
	_fclose_ FILE *f = memory_file(b);
	int e;

	if (!f || loc_new(&r.ctx))
		return claims_error(c, 0, "no memory for a database of %zu bytes", b->n);
	loc_set_log_fn(r.ctx, silent);
	if (loc_database_new(r.ctx, &r.db, f))
		return claims_error(c, 0, "is no location database that libloc reads");
	e = check_signature(&r);
	if (e)
		return e;
	claims_date(c, (int64_t)loc_database_created_at(r.db));
	if (loc_database_enumerator_new(&r.networks, r.db, LOC_DB_ENUMERATE_NETWORKS, 0))
		return claims_error(c, 0, "cannot be read from end to end");
	return read_networks(&r);
}
#else
int libloc_parse(struct claims *c, const struct bytes *b)
{
	(void)b;
	return claims_error(c, 0,
			    "is a location database of libloc, and cordon was built without libloc "
			    "(Debian: libloc-dev)");
}
#endif
