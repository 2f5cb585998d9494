/* SPDX-License-Identifier: BSD-2-Clause */
/* engine.c - loads policy, places, table and matrix together, sharing what did not change, and
 * decides with them. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/engine/engine.h"
#include "agent/engine/engine_age.h"
#include "agent/engine/engine_policy.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/distance/refuted.h"
#include "geo/facts/facts.h"
#include "geo/base/file.h"

struct engine_places {
	unsigned refs;
	struct places *places;
	char *inputs; /* what they were made from, as text: equal text, equal places */
};
struct engine_table {
	unsigned refs;
	struct table *table;
};

static void places_put(struct engine_places *p)
{
	if (!p || --p->refs)
		return;
	places_free(p->places);
	free(p->inputs);
	free(p);
}

static void table_put(struct engine_table *t)
{
	if (!t || --t->refs)
		return;
	table_free(t->table);
	free(t);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	compiled_free(e->compiled);
	policy_free(e->policy);
	free(e->quarantine);
	table_put(e->shared_table); /* may read the places until now */
	places_put(e->shared_places);
	free(e->inside);
	free(e->sets);
	free(e->classes);
	free(e->distance);
	free(e);
}

static void own_engine(struct engine **e)
{
	engine_free(*e);
}

static int by_prefix(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int c = ip_cmp(&x->addr, &y->addr);

	return c ? c : (int)x->len - (int)y->len;
}

/* What the command line calls inside is inside too: the policy's first set, in the order that sets
 * have. */
static int add_inside(struct engine *e, const struct engine_config *cfg)
{
	struct policy *p = e->policy;
	size_t n = p->ninside, kept = 0;

	if (!cfg->ninside)
		return 0;
	e->inside = reallocarray(NULL, n + cfg->ninside, sizeof(*e->inside));
	e->sets = reallocarray(NULL, p->nsets, sizeof(*e->sets));
	if (!e->inside || !e->sets)
		return -ENOMEM;
	if (n)
		memcpy(e->inside, p->inside, n * sizeof(*e->inside));
	memcpy(e->inside + n, cfg->inside, cfg->ninside * sizeof(*e->inside));
	n += cfg->ninside;
	qsort(e->inside, n, sizeof(*e->inside), by_prefix);
	for (size_t i = 0; i < n; i++)
		if (!kept || by_prefix(&e->inside[kept - 1], &e->inside[i]))
			e->inside[kept++] = e->inside[i];
	memcpy(e->sets, p->sets, p->nsets * sizeof(*e->sets));
	e->sets[POLICY_SET_INSIDE] = (struct policy_set){.cidrs = e->inside, .ncidrs = kept};
	p->sets = e->sets;
	p->inside = e->inside;
	p->ninside = kept;
	return 0;
}

static void put_file(FILE *to, const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) < 0)
		fprintf(to, "file %s missing\n", path);
	else
		fprintf(to, "file %s %ju %ju %jd %jd.%09ld\n", path, (uintmax_t)st.st_dev,
			(uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			st.st_mtim.tv_nsec);
}

/* Everything that places are made from, as one text to compare. malloc'ed; NULL: no memory. */
static char *places_inputs(const struct places_config *cfg)
{
	char *text = NULL, buf[IP_STRLEN];
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	for (size_t i = 0; i < cfg->nfiles; i++)
		put_file(to, cfg->files[i]);
	for (size_t i = 0; i < cfg->nlines; i++) {
		const struct place_line *l = &cfg->lines[i];

		fprintf(to, "place %s %u %u %s|%s|%s|%s|%u|%s\n", cidr_format(buf, &l->prefix),
			l->country, l->jurisdiction, l->provider ? l->provider : "",
			l->platform ? l->platform : "", l->region ? l->region : "",
			l->note ? l->note : "", l->line, l->file);
	}
	for (size_t i = 0; i < cfg->nnat64; i++)
		fprintf(to, "nat64 %s\n", cidr_format(buf, &cfg->nat64[i]));
	fprintf(to, "home %u\nfacts %ju\n", cfg->home, (uintmax_t)facts_serial());
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int share_places(struct engine *e, const struct places_config *cfg, const struct engine *old,
			struct diag_sink *d)
{
	_free_ char *inputs = places_inputs(cfg);
	struct engine_places *p;
	int r;

	if (!inputs)
		return -ENOMEM;
	if (old && !strcmp(old->shared_places->inputs, inputs)) {
		e->shared_places = old->shared_places;
		e->shared_places->refs++;
		e->places_reused = true;
		return 0;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->refs = 1;
	r = places_load(&p->places, cfg, d);
	if (r < 0) {
		free(p);
		return r;
	}
	p->inputs = TAKE_PTR(inputs);
	e->shared_places = p;
	return 0;
}

static struct place_line *place_lines(const struct policy *p)
{
	struct place_line *l = calloc(p->nplaces + 1, sizeof(*l));

	for (size_t i = 0; l && i < p->nplaces; i++) {
		const struct policy_place *f = &p->places[i];

		l[i] = (struct place_line){.prefix = f->prefix,
					   .country = f->country,
					   .jurisdiction = f->jurisdiction,
					   .provider = f->provider,
					   .platform = f->platform,
					   .region = f->region,
					   .note = f->note,
					   .line = f->line,
					   .file = f->file ? f->file : p->file};
	}
	return l;
}

/* Does the memory of distance say anything, from this home? 1, 0, or -errno for one that is
 * damaged. */
static int refuted_speaks(const struct policy *p, const char *path, struct diag_sink *d)
{
	const struct refuted_entry *e;
	struct refuted *list = NULL;
	size_t n;
	int r;

	if (!path || !p->has_home || isnan(p->home_lat))
		return 0;
	r = refuted_open(&list, path, p->home_lat, p->home_lon, d);
	if (r < 0)
		return r;
	n = refuted_entries(list, &e);
	refuted_free(list);
	return n > 0;
}

/* Those of the geo lines that name one; NULL: only how many. */
static size_t paths_of(const struct policy *p, const char **files)
{
	size_t n = 0;

	for (size_t i = 0; i < p->ngeo; i++) {
		if (*p->geo[i].path && files)
			files[n] = p->geo[i].path;
		n += *p->geo[i].path != '\0';
	}
	return n;
}

/* The databases: those asked for, else the policy's, else the default ones; and the memory of
 * distance. */
static int geo_files(const struct policy *p, const struct engine_config *cfg, const char ***ret,
		     size_t *n, struct diag_sink *d)
{
	size_t own = cfg->ngeo ? 0 : paths_of(p, NULL), have = cfg->ngeo ? cfg->ngeo : own;
	const char *const *from = have ? cfg->geo : places_default_files(&have, d);
	int speaks = refuted_speaks(p, cfg->refuted, d);
	const char **files;

	if (speaks < 0)
		return speaks;
	files = calloc(have + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	paths_of(p, own ? files : NULL);
	for (size_t i = 0; !own && i < have; i++)
		files[i] = from[i];
	if (speaks)
		files[have++] = cfg->refuted;
	*ret = files;
	*n = have;
	return 0;
}

static int load_places(struct engine *e, const struct engine_config *cfg, const struct engine *old,
		       struct diag_sink *d)
{
	const struct policy *p = e->policy;
	_free_ struct place_line *lines = place_lines(p);
	_free_ const char **files = NULL;
	struct places_config pc = {.lines = lines,
				   .nlines = p->nplaces,
				   .nat64 = p->nat64,
				   .nnat64 = p->nnat64,
				   .home = p->home};
	int r;

	if (!lines)
		return -ENOMEM;
	r = cfg->no_geo ? 0 : geo_files(p, cfg, &files, &pc.nfiles, d);
	if (r < 0)
		return r;
	pc.no_files = cfg->no_geo;
	pc.files = files;
	r = share_places(e, &pc, old, d);
	if (r < 0)
		return r;
	e->places = e->shared_places->places;
	return 0;
}

static int load_table(struct engine *e, const struct engine *old, struct diag_sink *d)
{
	const struct policy_set *sets;
	size_t n = policy_sets(e->policy, &sets);
	_free_ struct table_set *ts = calloc(n + 1, sizeof(*ts));
	struct engine_table *t;
	int r;

	if (!ts)
		return -ENOMEM;
	if (e->places_reused && policy_sets_equal(old->policy, e->policy)) {
		e->shared_table = old->shared_table;
		e->shared_table->refs++;
		e->table_reused = true;
		e->table = e->shared_table->table;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		ts[i] = (struct table_set){.cidrs = sets[i].cidrs,
					   .ncidrs = sets[i].ncidrs,
					   .asn = sets[i].asn};
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->refs = 1;
	r = table_build(&t->table, e->places, ts, n, d);
	if (r < 0) {
		free(t);
		return r;
	}
	e->shared_table = t;
	e->table = t->table;
	return 0;
}

static const char *string_of(void *arg, uint16_t index)
{
	return places_string(arg, index);
}

static int load_matrix(struct engine *e, const struct engine_config *cfg, struct diag_sink *d)
{
	size_t n = table_classes(e->table);
	_free_ struct place_class *classes = calloc(n + 1, sizeof(*classes));
	struct compile_env env = {.classes = classes,
				  .nclasses = n,
				  .string = string_of,
				  .arg = e->shared_places->places,
				  .now = cfg->now,
				  .live = cfg->live};
	int64_t stale_at;
	int r;

	if (!classes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		classes[i] = *table_class(e->table, (uint32_t)i);
	stale_at = engine_ages(e, cfg->now, classes, n);
	env.stale = e->stale;
	r = policy_compile(&e->compiled, e->policy, &env, d);
	if (r < 0)
		return r;
	if (stale_at < e->compiled->next_change)
		e->compiled->next_change = stale_at;
	if (e->oldest.source)
		e->classes = TAKE_PTR(classes);
	e->needs_subject = e->compiled->header.needs & (DECIDE_NEEDS_CGROUP | DECIDE_NEEDS_USER);
	return 0;
}

#define DAY 86400

/* What home sees of every country: 3 ms, so taken over from the old engine where home and day are
 * the same. */
static int load_distance(struct engine *e, const struct engine_config *cfg,
			 const struct engine *old)
{
	const struct policy *p = e->policy;
	const struct distance_home *before = old ? old->distance : NULL;

	if (cfg->elsewhere || !p->has_home || isnan(p->home_lat))
		return 0;
	e->distance = malloc(sizeof(*e->distance));
	if (!e->distance)
		return -ENOMEM;
	if (before && before->lat == p->home_lat && before->lon == p->home_lon &&
	    before->at / DAY == cfg->now / DAY)
		*e->distance = *before;
	else
		distance_home(e->distance, p->home_lat, p->home_lon, cfg->now);
	return 0;
}

/* Events name the source that speaks of countries: the first that is not the policy itself. */
static void name_places(struct engine *e)
{
	for (size_t i = 0; i < places_sources(e->places); i++) {
		const struct source *s = places_source(e->places, i);
		const char *slash;

		if (s->kind == SOURCE_PLACE_LINES || s->kind == SOURCE_ASN ||
		    s->kind == SOURCE_REFUTED || !s->path)
			continue;
		slash = strrchr(s->path, '/');
		text_put(e->places_name, sizeof(e->places_name), "%s", slash ? slash + 1 : s->path);
		text_put(e->places_sha256, sizeof(e->places_sha256), "%s", s->sha256);
		e->places_date = s->date;
		return;
	}
}

int engine_load(struct engine **ret, const struct engine_config *cfg, const struct engine *old,
		struct diag_sink *d)
{
	_cleanup_(own_engine) struct engine *e = calloc(1, sizeof(*e));
	int r = e ? engine_load_policy(e, cfg, old, d) : -ENOMEM;

	if (r == 0) {
		r = add_inside(e, cfg);
		if (r == 0)
			r = load_places(e, cfg, old, d);
		if (r == 0)
			r = load_table(e, old, d);
		if (r == -EINVAL)
			r = -EBADMSG; /* a database that is wrong, not the policy */
		if (r == 0)
			r = load_matrix(e, cfg, d);
		if (r == 0)
			r = load_distance(e, cfg, old);
		if (r == -E2BIG)
			r = -EINVAL; /* the policy is over a stated limit */
	}
	if (r == -ENOMEM)
		diag_error(d, cfg->policy, 0, "not enough memory to load policy and places");
	if (r < 0)
		return r;
	name_places(e);
	e->facts = facts_serial();
	*ret = TAKE_PTR(e);
	return 0;
}

void engine_lint_words(const struct engine *e, int64_t now, struct diag_sink *d)
{
	size_t n = table_classes(e->table);
	_free_ struct place_class *classes = calloc(n + 1, sizeof(*classes));
	struct compile_env env = {.classes = classes,
				  .nclasses = n,
				  .string = string_of,
				  .arg = e->shared_places->places,
				  .now = now};

	for (size_t i = 0; classes && i < n; i++)
		classes[i] = *table_class(e->table, (uint32_t)i);
	policy_lint_words(e->policy, classes ? &env : NULL, now, d);
}
