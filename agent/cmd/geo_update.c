/* SPDX-License-Identifier: BSD-2-Clause */
/* geo_update.c - 'cordon geo update': fetch or copy each configured source, keep the last good,
 * then build. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include "agent/cmd/geo.h"
#include "agent/cmd/geo_days.h"
#include "agent/cmd/geo_kept.h"
#include "agent/base/diag_print.h"
#include "agent/base/options.h"
#include "agent/cmd/fetch.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"
#include "geo/facts/facts.h"
#include "geo/facts/manifest.h"

#define ACCEPT_MAX 64
#define FETCH_MAX  (256u << 20)
#define FILES_MAX  (GEO_CONF_SOURCES + MANIFEST_FILES_MAX)

const char geo_update_help[] =
	"usage: cordon geo update [options]\n"
	"  --config FILE         (default " GEO_CONF ")\n"
	"  --accept NAME         take this source though it lost over 20% of its prefixes or addresses, is older, of another\n"
	"                        format, or moves over 1% of an operator's addresses over the border of the EEA; may be\n"
	"                        repeated (--accept-shrink is the same)\n"
	"  --json                print what was made as one JSON object\n"
	"Gets every source of the configuration: https:// addresses (verified, and only when changed) or files,\n"
	"checks that each can be read, keeps a copy, and replaces the places database, with the lists that came with\n"
	"cordon behind them ('shipped no' leaves those out; of two editions the newer speaks). A source that fails\n"
	"is left as it was; the exit code is then 1, but the others are updated. A running agent takes the\n"
	"new database with 'cordon reload'. Fetching is traffic: the policy has to let it through.\n"
	"\n"
	"    # geo.conf\n"
	"    directory \"/var/lib/cordon/sources\"       # the copies\n"
	"    output    \"" GEO_OUTPUT "\"\n"
	"    days      14                              # former days that stay, as places.mmdb.2026-11-26\n"
	"    source    aws  https://ip-ranges.amazonaws.com/ip-ranges.json\n"
	"    source    tor4 /usr/share/tor/geoip\n";

struct update {
	struct geo_conf conf;
	const char *accept[ACCEPT_MAX];
	size_t naccept;
	bool json;
	struct diag_print print;
	const char *files[FILES_MAX]; /* to build from: copies, of kept; then the shipped lists */
	int64_t dates[FILES_MAX];
	size_t nfiles;
	struct geo_kept kept[GEO_CONF_SOURCES];
	unsigned failed, missing;
};

static bool accepted(const struct update *u, const char *name)
{
	for (size_t i = 0; i < u->naccept; i++)
		if (!strcmp(u->accept[i], name))
			return true;
	return false;
}

static int take_url(struct update *u, const struct geo_conf_source *s, struct geo_kept *k)
{
	struct fetch_request q = {
		.url = s->from,
		.ca = u->conf.ca,
		.etag = k->there ? k->etag : "",
		.max = FETCH_MAX,
	};
	char error[FETCH_ERROR_MAX];
	struct fetch_answer a;
	int r = fetch(&a, &q, error);

	if (r) {
		diag_say("%s: %s: %s", s->name, s->from, error);
		return r;
	}
	if (a.status == 200)
		r = geo_kept_replace(k, s, a.body ? a.body : "", a.len, a.etag, a.modified,
				     accepted(u, s->name), &u->print.sink);
	free(a.body);
	return r;
}

static int take_file(struct update *u, const struct geo_conf_source *s, struct geo_kept *k)
{
	_free_ char *text = NULL;
	struct stat st;
	size_t n = 0;
	int r = file_read(&text, &n, AT_FDCWD, s->from, FETCH_MAX);

	if (!r && stat(s->from, &st))
		r = -errno;
	if (r) {
		diag_say("%s: %s: cannot be read: %s", s->name, s->from, strerror(-r));
		return r;
	}
	return geo_kept_replace(k, s, text, n, "", st.st_mtime, accepted(u, s->name),
				&u->print.sink);
}

static void one_source(struct update *u, size_t i)
{
	const struct geo_conf_source *s = &u->conf.sources[i];
	struct geo_kept *k = &u->kept[i];
	char count[TEXT_SHORT];
	int r = geo_kept_open(k, u->conf.directory, s);

	if (!r)
		r = s->url ? take_url(u, s, k) : take_file(u, s, k);
	if (r)
		u->failed++;
	if (r && k->there)
		diag_say("%s: the last good copy stays", s->name);
	if (k->there) {
		u->files[u->nfiles] = k->path;
		u->dates[u->nfiles++] = k->dated;
	} else
		u->missing++;
	if (!u->json && k->there)
		printf("%-16s %10s prefixes  %s\n", s->name, text_count(count, k->claims),
		       r ? "kept" : k->format);
}

static bool have_copy(const struct update *u, const char *sha256)
{
	for (size_t i = 0; i < u->conf.nsources; i++)
		if (!strcmp(u->kept[i].sha256, sha256))
			return true;
	return false;
}

/* What came with cordon stands behind: of two editions of one list the newer speaks, and a database of
 * the configured sources alone would know less than none at all does. */
static int add_shipped(struct update *u)
{
	const char *const *lists;
	size_t n;
	int r = facts_open(&u->print.sink);

	if (r || u->conf.no_shipped)
		return r;
	lists = facts_lists(&n);
	for (size_t i = 0; i < n && u->nfiles < FILES_MAX; i++) {
		char sum[65];

		r = geo_digest_file(sum, lists[i]);
		if (r)
			return r;
		if (!have_copy(u, sum))
			u->files[u->nfiles++] = lists[i];
	}
	return 0;
}

/* Two updates at once would each judge by what the other is replacing. The lock goes with the
 * descriptor. */
static int lock_directory(const char *directory)
{
	int fd;

	if (mkdir(directory, 0755) && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int r = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int update_all(struct update *u)
{
	_close_ int lock = lock_directory(u->conf.directory);
	int code;

	if (lock < 0) {
		diag_say("%s: %s", u->conf.directory,
			 lock == -EBUSY ? "another update is running" : strerror(-lock));
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < u->conf.nsources; i++)
		one_source(u, i);
	if (u->missing) {
		diag_say("%s stays as it is: of %u sources there is no copy yet", u->conf.output,
			 u->missing);
		return EXIT_FAILED;
	}
	if (add_shipped(u))
		return EXIT_FAILED;
	code = geo_make(u->files, u->dates, u->nfiles, u->conf.output, true, u->json);
	if (code == EXIT_DONE &&
	    geo_days_keep(u->conf.output, time(NULL), u->conf.days, &u->print.sink) < 0)
		return EXIT_FAILED;
	return code ? code : u->failed ? EXIT_FAILED : EXIT_DONE;
}

static int known_names(const struct update *u)
{
	for (size_t i = 0; i < u->naccept; i++) {
		bool found = false;

		for (size_t j = 0; j < u->conf.nsources; j++)
			found |= !strcmp(u->accept[i], u->conf.sources[j].name);
		if (!found)
			return diag_usage("geo update", "--accept %s: no source of that name",
					  u->accept[i]);
	}
	return EXIT_DONE;
}

static int read_and_update(struct update *u, const char *config)
{
	int code;

	diag_print_init(&u->print, stderr);
	code = geo_conf_read(&u->conf, config, &u->print.sink) ? EXIT_FAILED : known_names(u);
	if (code == EXIT_DONE)
		code = update_all(u);
	for (size_t i = 0; i < u->conf.nsources; i++)
		geo_kept_close(&u->kept[i]);
	geo_conf_free(&u->conf);
	diag_print_done(&u->print);
	return code;
}

int geo_update(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"accept", required_argument, NULL, 'a'},
		{"accept-shrink", required_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	static struct update u; /* large; once a process */
	const char *config = GEO_CONF;
	int c;

	optind = 0;
	while ((c = options_next("geo update", argc, argv, "", options)) >= 0) {
		if (c == 'c')
			config = optarg;
		else if (c == 'j')
			u.json = true;
		else if (c == 'a' && u.naccept < ACCEPT_MAX)
			u.accept[u.naccept++] = optarg;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return diag_usage("geo update",
				  "'%s': takes no files; they stand in the configuration",
				  argv[optind]);
	return read_and_update(&u, config);
}
