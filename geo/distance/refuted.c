/* SPDX-License-Identifier: BSD-2-Clause */
/* refuted.c - reads, keeps and replaces the list of addresses whose claimed country distance has
 * refuted. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/base/file.h"
#include "geo/facts/country.h"
#include "geo/distance/refuted.h"

#define LINE_MAX_BYTES 160
#define FILE_MAX_BYTES (REFUTED_MAX * LINE_MAX_BYTES)
#define SAME_HOME      0.005 /* degrees: half of the last digit written */

struct refuted {
	char *path;
	double lat, lon;
	bool changed;
	size_t n;
	struct refuted_entry v[REFUTED_MAX];
};

static int wrong(struct refuted_text *t, unsigned line, const char *what)
{
	diag_error(t->d, t->file, line, "%s", what);
	return -EINVAL;
}

/* Digits only, up to the separator, which is passed over. */
static bool take_number(const char **p, char end, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	const char *s = *p;

	for (; *s >= '0' && *s <= '9'; s++) {
		if (n > (max - (uint64_t)(*s - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	if (s == *p || *s != end)
		return false;
	*p = s + 1;
	*ret = n;
	return true;
}

static bool take_degrees(const char **p, char end, double max, double *ret)
{
	char *stop;
	double v;

	if (!strchr("-0123456789", **p))
		return false;
	v = strtod(*p, &stop);
	if (stop == *p || *stop != end || !(fabs(v) <= max))
		return false;
	*p = stop + 1;
	*ret = v;
	return true;
}

/* "prefix,CC,rtt_ns,time"; line ends in NUL. */
static bool take_entry(char *line, struct refuted_entry *e)
{
	char *comma = strchr(line, ',');
	uint64_t time;
	const char *p;

	if (!comma || strlen(comma) < 6 || comma[3] != ',')
		return false;
	*comma = '\0';
	if (cidr_parse(&e->prefix, line) != 0)
		return false;
	e->country = country_code(comma + 1, 2);
	p = comma + 4;
	if (!e->country || !take_number(&p, ',', UINT64_MAX, &e->rtt_min_ns) ||
	    !take_number(&p, '\0', INT64_MAX, &time))
		return false;
	e->time = (int64_t)time;
	return true;
}

static bool take_home(const char *p, double home[2])
{
	return take_degrees(&p, ' ', 90.0, &home[0]) && take_degrees(&p, '\0', 180.0, &home[1]);
}

static int parse_line(struct refuted_text *t, char *line, unsigned number, refuted_fn *fn,
		      void *arg)
{
	struct refuted_entry e;

	if (!strncmp(line, "# home ", 7))
		return take_home(line + 7, t->home)
			       ? 0
			       : wrong(t, number, "the home is not two numbers in degrees");
	if (*line == '#')
		return 0;
	if (!take_entry(line, &e))
		return wrong(t, number, "not 'prefix,country,RTT in ns,Unix time'");
	return fn(arg, &e, number);
}

int refuted_parse(struct refuted_text *t, refuted_fn *fn, void *arg)
{
	const char *at = t->text, *end;
	unsigned number = 0;
	int r = 0;

	t->home[0] = t->home[1] = NAN;
	if (!at || t->len < strlen(REFUTED_MAGIC) ||
	    memcmp(t->text, REFUTED_MAGIC, strlen(REFUTED_MAGIC)) != 0)
		return wrong(t, 1,
			     "not a list of refuted places: the first "
			     "line should be '# cordon-refuted 1'");
	end = at + t->len;
	while (r == 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = stop ? (size_t)(stop - at) : 0;
		char line[LINE_MAX_BYTES];

		number++;
		if (!stop)
			return wrong(t, number, "the file ends in the middle of a line");
		if (n >= sizeof(line) || memchr(at, '\0', n))
			return wrong(t, number, "a line that is too long, or a NUL in it");
		memcpy(line, at, n);
		line[n] = '\0';
		at = stop + 1;
		r = parse_line(t, line, number, fn, arg);
	}
	return r;
}

static int keep(void *arg, const struct refuted_entry *e, unsigned line)
{
	struct refuted *r = arg;

	(void)line;
	if (r->n == REFUTED_MAX)
		return -E2BIG;
	r->v[r->n++] = *e;
	return 0;
}

static bool same_home(const struct refuted *r, const double home[2])
{
	return fabs(home[0] - r->lat) <= SAME_HOME && fabs(home[1] - r->lon) <= SAME_HOME;
}

static int fill(struct refuted *r, struct diag_sink *d)
{
	struct refuted_text t = {.file = r->path, .d = d};
	char *text = NULL;
	struct stat st;
	int err = !stat(r->path, &st) && !S_ISREG(st.st_mode)
			  ? -EFBIG
			  : file_read(&text, &t.len, AT_FDCWD, r->path, FILE_MAX_BYTES);

	if (err == -ENOENT)
		return 0;
	if (err < 0) {
		diag_error(d, r->path, 0, "cannot read the refuted places: %s", strerror(-err));
		return err;
	}
	t.text = text;
	err = refuted_parse(&t, keep, r);
	if (err == -E2BIG)
		err = wrong(&t, 0, "more entries than a list of refuted places may have");
	if (err == 0 && !same_home(r, t.home)) {
		diag_warn(d, r->path, 0, "proven from another home: its %zu entries are dropped",
			  r->n);
		r->n = 0;
		r->changed = true;
	}
	free(text);
	return err;
}

int refuted_open(struct refuted **ret, const char *path, double lat, double lon,
		 struct diag_sink *d)
{
	struct refuted *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (r && (r->path = strdup(path))) {
		r->lat = lat;
		r->lon = lon;
		err = fill(r, d);
	}
	if (err < 0) {
		refuted_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void refuted_free(struct refuted *r)
{
	if (!r)
		return;
	free(r->path);
	free(r);
}

static struct cidr scope_of(const struct ip *ip)
{
	struct cidr c = {*ip, ip->v == 4 ? 32 : 64};

	if (ip->v == 6)
		memset(c.addr.b + 8, 0, 8);
	return c;
}

static struct refuted_entry *oldest(struct refuted *r)
{
	struct refuted_entry *o = &r->v[0];

	for (size_t i = 1; i < r->n; i++)
		if (r->v[i].time < o->time)
			o = &r->v[i];
	return o;
}

bool refuted_add(struct refuted *r, const struct ip *ip, uint16_t country, uint64_t rtt_min_ns,
		 int64_t time)
{
	struct refuted_entry e = {scope_of(ip), country, rtt_min_ns, time < 0 ? 0 : time};
	bool known;

	for (size_t i = 0; i < r->n; i++) {
		struct refuted_entry *o = &r->v[i];

		if (memcmp(&o->prefix, &e.prefix, sizeof(e.prefix)) != 0)
			continue;
		if (o->country == country && rtt_min_ns >= o->rtt_min_ns)
			return false;
		known = o->country == country;
		*o = e;
		r->changed = true;
		return !known;
	}
	*(r->n < REFUTED_MAX ? &r->v[r->n++] : oldest(r)) = e;
	r->changed = true;
	return true;
}

bool refuted_drop(struct refuted *r, const struct ip *ip)
{
	struct cidr c = scope_of(ip);

	for (size_t i = 0; i < r->n; i++) {
		if (memcmp(&r->v[i].prefix, &c, sizeof(c)) != 0)
			continue;
		r->v[i] = r->v[--r->n];
		r->changed = true;
		return true;
	}
	return false;
}

size_t refuted_entries(const struct refuted *r, const struct refuted_entry **ret)
{
	*ret = r->v;
	return r->n;
}

static void write_all(const struct refuted *r, FILE *to)
{
	char prefix[IP_STRLEN], cc[3];

	fprintf(to,
		REFUTED_MAGIC
		"# home %.4f %.4f\n# prefix,not in this country,RTT in ns,Unix time\n",
		r->lat, r->lon);
	for (size_t i = 0; i < r->n; i++)
		fprintf(to, "%s,%s,%" PRIu64 ",%" PRId64 "\n", cidr_format(prefix, &r->v[i].prefix),
			country_text(r->v[i].country, cc), r->v[i].rtt_min_ns, r->v[i].time);
}

int refuted_save(struct refuted *r)
{
	struct file_write w;
	int err;

	if (!r->changed)
		return 0;
	err = file_open(&w, r->path, NULL);
	if (err < 0)
		return err;
	write_all(r, w.f);
	err = file_commit(&w, NULL);
	if (err == 0)
		r->changed = false;
	return err;
}
