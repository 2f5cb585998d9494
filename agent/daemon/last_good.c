/* SPDX-License-Identifier: BSD-2-Clause */
/* last_good.c - the kept policy and places: written beside, exchanged whole, read with suspicion. */
#include "agent/daemon/last_good.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/policy/policy_files.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define MANIFEST_MAX (256u << 10)
#define COPY_MAX     (1u << 30)
#define CLAIMS_FEW   100 /* a list that short may change as it likes */
#define LOST_PERCENT 20

static int digest(char hex[65], const void *bytes, size_t n)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(bytes, n, sum, &len, EVP_sha256(), NULL) != 1 || len != 32)
		return -EIO;
	for (unsigned i = 0; i < len; i++)
		text_put(hex + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

bool last_good_whole(const struct last_good_file *f)
{
	_free_ char *text = NULL;
	char sum[65];
	size_t n;

	return f->path[0] && file_read(&text, &n, AT_FDCWD, f->path, COPY_MAX) == 0 &&
	       digest(sum, text, n) == 0 && strcmp(sum, f->sha256) == 0;
}

static bool take(char *to, size_t size, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && text_put(to, size, "%s", s) == strlen(s);
}

static bool take_file(struct last_good_file *f, const json_t *o, const char *dir, const char *name)
{
	if (!take(f->from, sizeof(f->from), o, "from") ||
	    !take(f->sha256, sizeof(f->sha256), o, "sha256"))
		return false;
	f->claims = (uint64_t)json_integer_value(json_object_get(o, "claims"));
	return text_put(f->path, sizeof(f->path), "%s/%s", dir, name) < sizeof(f->path) - 1;
}

static bool parse(struct last_good *l, const json_t *o, const char *dir)
{
	const json_t *policy = json_object_get(o, "policy"), *places = json_object_get(o, "places"),
		     *p;
	const char *boot = json_string_value(json_object_get(o, "boot"));
	char name[32];
	size_t i;

	l->kept = json_integer_value(json_object_get(o, "kept"));
	if (boot)
		l->boot = strcmp(boot, "closed") == 0 ? BOOT_CLOSED : BOOT_OPEN;
	if (policy && !take_file(&l->policy, policy, dir, "policy"))
		return false;
	json_array_foreach (places, i, p) {
		text_put(name, sizeof(name), "places-%zu", i);
		if (i == LAST_GOOD_PLACES_MAX || !take_file(&l->places[i], p, dir, name))
			return false;
		l->nplaces++;
	}
	return true;
}

static int read_manifest(struct last_good *ret, const char *dir)
{
	_free_ char *text = NULL;
	_json_ json_t *o = NULL;
	struct last_good l = {0};
	char path[512];
	size_t n;
	int r;

	text_put(path, sizeof(path), "%s/manifest.json", dir);
	r = file_read(&text, &n, AT_FDCWD, path, MANIFEST_MAX);
	if (r)
		return r;
	o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o) || !parse(&l, o, dir))
		return -EBADMSG;
	*ret = l;
	return 0;
}

int last_good_read(struct last_good *ret, const char *state)
{
	char dir[440];
	int r;

	if (!state || strlen(state) > 400)
		return -ENOENT;
	text_put(dir, sizeof(dir), "%s/last", state);
	r = read_manifest(ret, dir);
	if (r != -ENOENT)
		return r;
	text_put(dir, sizeof(dir), "%s/last.old", state); /* killed between two renames */
	return read_manifest(ret, dir);
}

/* A source that is a database of its own: not the policy's lines, not our own memory of distance. */
static bool is_kept(const struct source *s)
{
	return s->path && s->kind != SOURCE_PLACE_LINES && s->kind != SOURCE_REFUTED;
}

static bool same(const struct last_good *l, const struct engine *e)
{
	size_t n = 0;

	if (e->policy_shipped ? l->policy.path[0] != 0
			      : strcmp(l->policy.sha256, e->policy->sha256) != 0 ||
					strcmp(l->policy.from, e->policy->file) != 0)
		return false;
	for (size_t i = 0; i < places_sources(e->places); i++) {
		const struct source *s = places_source(e->places, i);

		if (!is_kept(s))
			continue;
		if (n == l->nplaces || strcmp(l->places[n].sha256, s->sha256) != 0 ||
		    strcmp(l->places[n].from, s->path) != 0)
			return false;
		n++;
	}
	return n == l->nplaces;
}

/* A copy with the sum that was loaded, and the date of the original; of a policy with all that it includes. */
static int copy(const char *dir, const char *name, const char *from, const char *sha256)
{
	_free_ char *text = NULL;
	bool policy = !strcmp(name, "policy");
	struct diag_sink quiet = {0};
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat st;
	char path[512], sum[65];
	size_t n;
	int r = policy ? policy_files_read(&text, &n, from, NULL)
		       : file_read(&text, &n, AT_FDCWD, from, COPY_MAX);

	if (r == -EINVAL && policy)
		return -ESTALE;
	if (r || stat(from, &st) < 0)
		return r ? r : -errno;
	if (digest(sum, text, n) || strcmp(sum, sha256) != 0)
		return -ESTALE;
	text_put(path, sizeof(path), "%s/%s", dir, name);
	r = file_replace(path, text, n, &quiet);
	t[1] = st.st_mtim;
	if (r == 0)
		utimensat(AT_FDCWD, path, t, 0);
	return r;
}

static int copy_places(const char *dir, const struct engine *e, json_t *list)
{
	char name[32];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < places_sources(e->places) && r == 0; i++) {
		const struct source *s = places_source(e->places, i);

		if (!is_kept(s))
			continue;
		if (n == LAST_GOOD_PLACES_MAX)
			return -E2BIG;
		text_put(name, sizeof(name), "places-%zu", n++);
		r = copy(dir, name, s->path, s->sha256);
		json_array_append_new(list, json_pack("{sssssI}", "from", s->path, "sha256",
						      s->sha256, "claims", (json_int_t)s->claims));
	}
	return r;
}

static int write_all(const char *dir, const struct engine *e)
{
	_json_ json_t *o = json_object();
	json_t *list = json_array();
	_free_ char *text = NULL;
	struct diag_sink quiet = {0};
	char path[512];
	int r = 0;

	if (!o || !list)
		return -ENOMEM;
	json_object_set_new(o, "kept", json_integer((json_int_t)time(NULL)));
	json_object_set_new(o, "places", list);
	if (e->policy->boot)
		json_object_set_new(
			o, "boot", json_string(e->policy->boot == BOOT_CLOSED ? "closed" : "open"));
	if (!e->policy_shipped) {
		r = copy(dir, "policy", e->policy->file, e->policy->sha256);
		json_object_set_new(o, "policy",
				    json_pack("{ssss}", "from", e->policy->file, "sha256",
					      e->policy->sha256));
	}
	r = r ? r : copy_places(dir, e, list);
	text = r ? NULL : json_dumps(o, JSON_INDENT(2));
	text_put(path, sizeof(path), "%s/manifest.json", dir);
	return r ? r : text ? file_replace(path, text, strlen(text), &quiet) : -ENOMEM;
}

static void drop(const char *dir)
{
	char path[512];

	for (int i = 0; i < LAST_GOOD_PLACES_MAX; i++) {
		text_put(path, sizeof(path), "%s/places-%d", dir, i);
		unlink(path);
	}
	text_put(path, sizeof(path), "%s/policy", dir);
	unlink(path);
	text_put(path, sizeof(path), "%s/manifest.json", dir);
	unlink(path);
	rmdir(dir);
}

int last_good_keep(const char *state, const struct engine *e)
{
	char now[440], fresh[440], old[440];
	struct last_good l;
	int r;

	if (!state || strlen(state) > 400 || access(state, W_OK) < 0)
		return 0;
	if (last_good_read(&l, state) == 0 && same(&l, e))
		return 0;
	text_put(now, sizeof(now), "%s/last", state);
	text_put(fresh, sizeof(fresh), "%s/last.new", state);
	text_put(old, sizeof(old), "%s/last.old", state);
	drop(fresh);
	if (mkdir(fresh, 0700) < 0)
		return -errno;
	r = write_all(fresh, e);
	if (r) {
		drop(fresh);
		return r;
	}
	if (access(now, F_OK) == 0) {
		drop(old);
		if (rename(now, old) < 0)
			return -errno;
	}
	if (rename(fresh, now) < 0)
		return -errno;
	drop(old);
	return 0;
}

static const struct last_good_file *kept_of(const struct last_good *l, const char *from)
{
	for (size_t i = 0; i < l->nplaces; i++)
		if (strcmp(l->places[i].from, from) == 0)
			return &l->places[i];
	return NULL;
}

unsigned last_good_shrank(const struct last_good *l, const struct engine *e, struct diag_sink *d)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];
	unsigned n = 0;

	for (size_t i = 0; i < places_sources(e->places); i++) {
		const struct source *s = places_source(e->places, i);
		const struct last_good_file *f = is_kept(s) ? kept_of(l, s->path) : NULL;

		if (!f || f->claims < CLAIMS_FEW || s->claims >= f->claims ||
		    (f->claims - s->claims) * 100 <= f->claims * LOST_PERCENT)
			continue;
		diag_error(
			d, s->path, 0,
			"%s claims, had %s when it was loaded last: cut, or over %d%% lost; refused "
			"('cordon reload --accept-shrink' takes it)",
			text_count(a, s->claims), text_count(b, f->claims), LOST_PERCENT);
		n++;
	}
	return n;
}
