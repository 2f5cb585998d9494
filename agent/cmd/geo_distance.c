/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_distance.c - 'cordon geo show --distance': from home, which round-trip time proves or refutes
 * which country. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "agent/cmd/geo_distance.h"
#include "agent/base/diag_print.h"
#include "agent/engine/engine.h"
#include "agent/policy/policy_files.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/distance/distance.h"
#include "geo/facts/zone.h"
#include "geo/base/file.h"

#define NS_PER_MS 1e6

static int nearer(const void *a, const void *b)
{
	const struct distance_country *x = a, *y = b;

	if (x->nearest != y->nearest)
		return x->nearest < y->nearest ? -1 : 1;
	return (int)x->country - (int)y->country;
}

static double ms(uint64_t ns)
{
	return (double)ns / NS_PER_MS;
}

static void print_text(FILE *to, const struct distance_home *h, const char *name, int64_t at)
{
	char cc[3];

	fprintf(to, "from %.4f %.4f%s%s\n\n", h->lat, h->lon, *name ? " " : "", name);
	fprintf(to,
		"A minimum RTT of 1 ms puts the far end within %.0f km (light in vacuum: a proof), and likely within %.0f km\n"
		"(light in fibre: an estimate). It speaks of whoever terminates TCP, a proxy or an anycast edge too.\n\n",
		DISTANCE_VACUUM_KM_PER_MS, DISTANCE_FIBRE_KM_PER_MS);
	fprintf(to,
		"inside the EEA is proven below %.2f ms: the nearest soil outside (%s) is %.0f km away, at least %.0f\n\n",
		ms(distance_rtt_ns(h->outside_proof)),
		h->outside_country ? country_text(h->outside_country, cc) : "no code", h->outside,
		h->outside_proof);
	fprintf(to, "%-4s%-3s  %10s %10s %13s %16s  %s\n", "", "EEA", "nearest", "farthest",
		"refuted below", "implausible from", "country");
	for (unsigned i = 0; i < h->n; i++) {
		const struct distance_country *c = &h->countries[i];

		fprintf(to, "%-4s%-3s  %7.0f km %7.0f km %10.2f ms %13.0f ms  %s\n",
			country_text(c->country, cc),
			zone_has(ZONE_EEA, c->country, at) ? "yes" : "no", (double)c->nearest,
			(double)c->farthest, ms(distance_rtt_ns((double)c->proof)),
			ms(distance_implausible_ns(c)), country_name(c->country));
	}
}

static json_t *country_json(const struct distance_country *c, int64_t at)
{
	char cc[3];

	return json_pack("{s:s, s:s, s:b, s:f, s:f, s:f, s:f}", "country",
			 country_text(c->country, cc), "name", country_name(c->country), "eea",
			 (int)zone_has(ZONE_EEA, c->country, at), "nearest_km", (double)c->nearest,
			 "farthest_km", (double)c->farthest, "refuted_below_ms",
			 ms(distance_rtt_ns((double)c->proof)), "implausible_from_ms",
			 ms(distance_implausible_ns(c)));
}

static int print_json(FILE *to, const struct distance_home *h, const char *name, int64_t at)
{
	_json_ json_t *countries = json_array(), *o = NULL;
	char cc[3];

	for (unsigned i = 0; i < h->n; i++)
		if (json_array_append_new(countries, country_json(&h->countries[i], at)) < 0)
			return -ENOMEM;
	o = json_pack("{s:{s:f, s:f, s:s}, s:{s:s, s:f, s:f}, s:O}", "home", "latitude", h->lat,
		      "longitude", h->lon, "name", name, "outside_eea", "country",
		      country_text(h->outside_country, cc), "nearest_km", h->outside,
		      "proven_inside_below_ms", ms(distance_rtt_ns(h->outside_proof)), "countries",
		      countries);
	if (!o || json_dumpf(o, to, JSON_COMPACT | JSON_REAL_PRECISION(7)) < 0)
		return -ENOMEM;
	fputc('\n', to);
	return 0;
}

int geo_distance_print(FILE *to, double lat, double lon, const char *name, int64_t at, bool json)
{
	_free_ struct distance_home *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	distance_home(h, lat, lon, at);
	if (!h->known)
		return -EDOM;
	qsort(h->countries, h->n, sizeof(h->countries[0]),
	      nearer); /* distance_find no longer works on this one */
	if (json)
		return print_json(to, h, name, at);
	print_text(to, h, name, at);
	return 0;
}

static int read_policy(const char *path, struct policy **ret)
{
	struct diag_print print;
	_free_ char *text = NULL;
	size_t len;
	int r;

	diag_print_init(&print, stderr);
	r = policy_files_read(&text, &len, path, &print.sink);
	if (r < 0 && r != -EINVAL)
		diag_say("%s: cannot read the policy: %s", path, strerror(-r));
	if (r == 0)
		r = policy_parse(ret, path, text, len, &print.sink);
	diag_print_done(&print);
	return r == 0 ? EXIT_DONE : r == -EINVAL ? EXIT_POLICY : EXIT_FAILED;
}

int geo_distance(const char *path, bool json)
{
	struct policy *p = NULL;
	int code, r;

	if (!path)
		path = ENGINE_POLICY_DEFAULT;
	code = read_policy(path, &p);
	if (code != EXIT_DONE)
		return code;
	if (!p->has_home || isnan(p->home_lat)) {
		diag_say("%s: no distances without a 'home' that has "
			 "coordinates, as in: home DE 50.11 8.68 \"Frankfurt\"",
			 path);
		policy_free(p);
		return EXIT_FAILED;
	}
	r = geo_distance_print(stdout, p->home_lat, p->home_lon, p->home_name ? p->home_name : "",
			       time(NULL), json);
	policy_free(p);
	if (r < 0)
		diag_say("%s: no distances from home: %s", path, strerror(-r));
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
