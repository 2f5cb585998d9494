/* SPDX-License-Identifier: BSD-2-Clause */
/* facts.c - finds the directory of facts, reads it, and keeps it for as long as the program. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "geo/base/cleanup.h"
#include "geo/facts/facts_private.h"

static struct facts none; /* all tables empty, and why */
static struct facts *kept[FACTS_KEPT];
static unsigned nkept;
static _Atomic(const struct facts *) in_use; /* one of these; NULL: nobody has asked yet */
static int result;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int bad(struct facts *f, const char *path, const char *what)
{
	struct facts_reader r = {.f = f, .path = path};

	return facts_bad(&r, "%s", what);
}

int facts_file(struct facts *f, const struct manifest *m, size_t i, char **ret)
{
	char path[512], what[128];
	_free_ char *text = NULL;
	size_t n = 0;
	int r;

	snprintf(path, sizeof(path), "%s/%s", m->directory, m->files[i].name);
	r = manifest_slurp(&text, &n, path, MANIFEST_BYTES_MAX);
	if (r) {
		snprintf(what, sizeof(what), "cannot be read: %s", strerror(-r));
		return bad(f, path, what);
	}
	if (!manifest_matches(&m->files[i], text, n))
		return bad(
			f, path,
			"is not the file that FACTS beside it names: damaged, or changed by hand");
	if (strlen(text) != n)
		return bad(f, path, "has a NUL in it");
	*ret = TAKE_PTR(text);
	return 0;
}

/* Lists are checked here and read again by their reader: places are loaded more often than facts. */
static int check_list(struct facts *f, const struct manifest *m, size_t i)
{
	_free_ char *text = NULL;
	int r = facts_file(f, m, i, &text);

	if (!r)
		snprintf(f->lists[f->nlists++], FACTS_PATH_MAX, "%s/%s", m->directory,
			 m->files[i].name);
	return r;
}

static bool is_list(const char *name)
{
	size_t n = strlen(name);

	return n > 7 && !strcmp(name + n - 7, ".ranges");
}

static int load_directory(struct facts *f, const struct manifest *m)
{
	int r = facts_tables_read(f, m);

	for (size_t i = 0; i < m->n && !r; i++)
		if (is_list(m->files[i].name))
			r = check_list(f, m, i);
	for (size_t i = 0; i < f->nlists; i++)
		f->list[i] = f->lists[i];
	snprintf(f->directory, sizeof(f->directory), "%s", m->directory);
	f->serial = m->serial;
	snprintf(f->date, sizeof(f->date), "%s", m->date);
	return r;
}

static bool has_facts(const char *directory)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, directory);
	return access(path, F_OK) == 0;
}

/* share/cordon/facts beside the program, or one or two directories above it. */
static bool beside_program(char *buf, size_t size)
{
	char exe[200];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(exe, '/');

		if (!slash)
			return false;
		*slash = '\0';
		snprintf(buf, size, "%s/share/cordon/facts", exe);
		if (has_facts(buf))
			return true;
	}
	return false;
}

static int read_manifest(struct facts *f, struct manifest *m, const char *directory)
{
	char why[128] = "", path[512];
	int r = manifest_read(m, directory, why);

	snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, directory);
	return r ? bad(f, path, why) : 0;
}

static int choose(struct facts *f, struct manifest *m)
{
	const char *set = secure_getenv(FACTS_VARIABLE);
	_free_ struct manifest *installed = NULL;
	char directory[256];
	int r;

	if (set && *set) {
		snprintf(directory, sizeof(directory), "%s/facts", set);
		return read_manifest(f, m, directory);
	}
	if (!beside_program(directory, sizeof(directory))) {
		if (!has_facts(FACTS_INSTALLED))
			return bad(
				f, "share/cordon/facts",
				"is not there, neither beside the program nor one or two "
				"directories above it: install cordon whole, or set " FACTS_VARIABLE
				" to the directory that holds facts/");
		return read_manifest(f, m, FACTS_INSTALLED);
	}
	r = read_manifest(f, m, directory);
	if (r || !has_facts(FACTS_INSTALLED))
		return r;
	installed = malloc(sizeof(*installed));
	if (!installed)
		return -ENOMEM;
	r = read_manifest(f, installed, FACTS_INSTALLED);
	if (!r && installed->serial > m->serial)
		*m = *installed;
	return r;
}

static void drop(struct facts *f)
{
	struct facts_vector *const all[] = {&f->operators, &f->asns,	    &f->names,
					    &f->regions,   &f->aliases,	    &f->zones,
					    &f->hds,	   &f->secnumcloud, &f->provider_facts};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]->v);
	for (size_t i = 0; i < f->ntexts; i++)
		free(f->text[i]);
	free(f->zone_order);
}

/* Half a table is no table: what fails leaves nothing but the reason, in bad. */
static int load(struct facts **ret, const struct manifest *m, struct facts *bad)
{
	struct facts *f = calloc(1, sizeof(*f));
	int r = f ? load_directory(f, m) : -ENOMEM;

	if (!r) {
		*ret = f;
		return 0;
	}
	if (f) {
		drop(f);
		snprintf(bad->bad_file, sizeof(bad->bad_file), "%s", f->bad_file);
		snprintf(bad->bad, sizeof(bad->bad), "%s", f->bad);
		bad->bad_line = f->bad_line;
	}
	free(f);
	return r;
}

int facts_try(const char *directory, struct diag_sink *d)
{
	_free_ struct facts *f = calloc(1, sizeof(*f));
	_free_ struct manifest *m = calloc(1, sizeof(*m));
	int r;

	if (!f || !m)
		return -ENOMEM;
	r = read_manifest(f, m, directory);
	if (!r)
		r = load_directory(f, m);
	if (r)
		diag_error(d, *f->bad_file ? f->bad_file : directory, f->bad_line, "%s",
			   *f->bad_file ? f->bad : strerror(-r));
	drop(f);
	return r;
}

static int full(struct facts *f, const char *directory)
{
	return bad(f, directory, "is one too many for one run: restart to read it");
}

static int say(const struct facts *bad, int r, struct diag_sink *d)
{
	diag_error(d, *bad->bad_file ? bad->bad_file : "facts", bad->bad_line, "%s",
		   *bad->bad_file ? bad->bad : strerror(-r));
	return r;
}

static struct facts *find_kept(uint64_t serial)
{
	for (unsigned i = 0; i < nkept; i++)
		if (kept[i]->serial == serial)
			return kept[i];
	return NULL;
}

/* The directory of m, from memory when it was read before. bad: room for the reason. */
static int take(const struct manifest *m, struct facts *bad)
{
	struct facts *f = find_kept(m->serial);
	int r = 0;

	if (!f && nkept == FACTS_KEPT)
		return full(bad, m->directory);
	if (!f) {
		r = load(&f, m, bad);
		if (!r)
			kept[nkept++] = f;
	}
	if (!r)
		atomic_store(&in_use, f);
	return r;
}

static void load_once(void)
{
	_free_ struct manifest *m = calloc(1, sizeof(*m));

	pthread_mutex_lock(&lock);
	if (!atomic_load(&in_use)) {
		result = m ? choose(&none, m) : -ENOMEM;
		result = result ? result : take(m, &none);
		if (result)
			atomic_store(&in_use, &none);
	}
	pthread_mutex_unlock(&lock);
}

const struct facts *facts(void)
{
	const struct facts *f = atomic_load_explicit(&in_use, memory_order_acquire);

	if (f)
		return f;
	load_once();
	return atomic_load_explicit(&in_use, memory_order_acquire);
}

int facts_open(struct diag_sink *d)
{
	const struct facts *f = facts();

	return f == &none ? say(f, result, d) : 0;
}

int facts_renew(struct diag_sink *d)
{
	_free_ struct facts *bad = calloc(1, sizeof(*bad));
	_free_ struct manifest *m = calloc(1, sizeof(*m));
	uint64_t serial = facts()->serial;
	int r;

	if (!bad || !m)
		return -ENOMEM;
	r = choose(bad, m);
	if (!r && m->serial <= serial)
		return 0;
	r = r ? r : take(m, bad);
	return r ? say(bad, r, d) : 1;
}

void facts_use(uint64_t serial)
{
	const struct facts *f = find_kept(serial);

	if (f)
		atomic_store(&in_use, f);
}

const char *facts_directory(void)
{
	return facts()->directory;
}

uint64_t facts_serial(void)
{
	return facts()->serial;
}

const char *facts_date(void)
{
	return facts()->date;
}

const char *const *facts_lists(size_t *n)
{
	const struct facts *f = facts();

	*n = f->nlists;
	return f->list;
}
