/* SPDX-License-Identifier: BSD-2-Clause */
/* mmdb_meta.c - reads the metadata of a MaxMind DB, the part that cordon adds included. */
#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "geo/source/mmdb_meta.h"

typedef MMDB_entry_data_list_s list;

/* Past the value at l, however deep it is. The list is flat: a map is followed by key, value, key,
 * value. */
static const list *skip(const list *l)
{
	uint64_t left = 1;

	while (l && left) {
		left--;
		if (l->entry_data.type == MMDB_DATA_TYPE_MAP)
			left += 2ull * l->entry_data.data_size;
		if (l->entry_data.type == MMDB_DATA_TYPE_ARRAY)
			left += l->entry_data.data_size;
		l = l->next;
	}
	return l;
}

/* The value of a key in the map at l, NULL when there is none. */
static const list *member(const list *l, const char *key)
{
	uint32_t n;

	if (!l || l->entry_data.type != MMDB_DATA_TYPE_MAP)
		return NULL;
	n = l->entry_data.data_size;
	for (l = l->next; l && n--; l = skip(l->next)) {
		const MMDB_entry_data_s *e = &l->entry_data;

		if (e->type == MMDB_DATA_TYPE_UTF8_STRING && e->data_size == strlen(key) &&
		    !memcmp(e->utf8_string, key, e->data_size))
			return l->next;
	}
	return NULL;
}

static void text(char *out, size_t size, const list *l)
{
	size_t n;

	out[0] = '\0';
	if (!l || l->entry_data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return;
	n = l->entry_data.data_size < size - 1 ? l->entry_data.data_size : size - 1;
	memcpy(out, l->entry_data.utf8_string, n);
	out[n] = '\0';
}

static uint64_t number(const list *l)
{
	return l && l->entry_data.type == MMDB_DATA_TYPE_UINT64 ? l->entry_data.uint64 : 0;
}

static void read_source(struct mmdb_meta_source *s, const list *l)
{
	text(s->source, sizeof(s->source), member(l, "source"));
	text(s->file, sizeof(s->file), member(l, "file"));
	text(s->version, sizeof(s->version), member(l, "version"));
	text(s->sha256, sizeof(s->sha256), member(l, "sha256"));
	s->date = number(member(l, "date"));
	s->claims = number(member(l, "claims"));
}

static void read_list(struct mmdb_meta *m, const list *root)
{
	const list *cordon = member(root, "cordon"), *sources = member(cordon, "sources"), *l;
	uint32_t n = sources && sources->entry_data.type == MMDB_DATA_TYPE_ARRAY
			     ? sources->entry_data.data_size
			     : 0;

	m->data_epoch = number(member(cordon, "data_epoch"));
	for (l = sources ? sources->next : NULL; l && n-- && m->n < MMDB_META_SOURCES; l = skip(l))
		read_source(&m->sources[m->n++], l);
}

int mmdb_meta_read(struct mmdb_meta *ret, const char *path, struct diag_sink *d)
{
	struct mmdb_meta m = {.n = 0};
	list *l = NULL;
	MMDB_s db;
	int r;

	if (access(path, R_OK)) {
		r = -errno;
		diag_error(d, path, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	r = MMDB_open(path, MMDB_MODE_MMAP, &db);
	if (r != MMDB_SUCCESS) {
		diag_error(d, path, 0, "is no MaxMind DB: %s", MMDB_strerror(r));
		return -EINVAL;
	}
	r = MMDB_get_metadata_as_entry_data_list(&db, &l);
	if (r == MMDB_SUCCESS) {
		m.build_epoch = db.metadata.build_epoch;
		snprintf(m.type, sizeof(m.type), "%s", db.metadata.database_type);
		read_list(&m, l);
	} else {
		diag_error(d, path, 0, "metadata: %s", MMDB_strerror(r));
	}
	MMDB_free_entry_data_list(l);
	MMDB_close(&db);
	if (r != MMDB_SUCCESS)
		return -EINVAL;
	*ret = m;
	return 0;
}
