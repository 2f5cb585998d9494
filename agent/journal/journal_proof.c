/* SPDX-License-Identifier: BSD-2-Clause */
/* journal_proof.c - one record's proof (C2SP tlog-proof), and the journal as a tlog-tiles tree. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/journal/journal_private.h"
#include "geo/base/cleanup.h"

int journal_proof(char **ret, struct journal_reader *r, uint64_t i,
		  const struct journal_checkpoint *c)
{
	struct merkle_source s = journal_tree(r);
	struct merkle_hash path[MERKLE_LEVELS];
	char b64[BASE64_HASH], *text = NULL;
	unsigned count;
	size_t size;
	FILE *f;
	int e;

	if (i < journal_reader_first(r))
		return -ERANGE; /* its record is past its time */
	e = merkle_inclusion(&s, i, c->size, path, &count);
	if (e < 0)
		return e;
	f = open_memstream(&text, &size);
	if (!f)
		return -errno;
	fprintf(f, "c2sp.org/tlog-proof@v1\nindex %" PRIu64 "\n", i);
	for (unsigned k = 0; k < count; k++) {
		hash_base64(b64, &path[k]);
		fprintf(f, "%s\n", b64);
	}
	fprintf(f, "\n%s", c->note);
	e = fclose(f) == 0 ? 0 : -errno;
	if (e < 0)
		free(text);
	else
		*ret = text;
	return e;
}

static int export_hashes(struct merkle_source *s, int to, unsigned level, uint64_t size)
{
	uint64_t n = level ? size >> (TILE_HEIGHT * level) : size;
	struct merkle_hash v[TILE_WIDTH];
	char path[TILE_PATH_MAX], name[4];
	int e = 0;

	snprintf(name, sizeof(name), "%u", level);
	for (uint64_t at = 0; at < n && e == 0; at += TILE_WIDTH) {
		unsigned width = n - at < TILE_WIDTH ? (unsigned)(n - at) : TILE_WIDTH;

		for (unsigned i = 0; i < width && e == 0; i++)
			e = s->full(s->arg, TILE_HEIGHT * level, at + i, &v[i]);
		tile_path(path, name, at / TILE_WIDTH, width);
		e = e ? e : tile_write(to, path, v, width * MERKLE_HASH);
	}
	return e;
}

static int export_bundle(struct journal_reader *r, int to, uint64_t at, unsigned width)
{
	_free_ uint8_t *bundle = malloc(width * (size_t)(JOURNAL_RECORD_MAX + 2));
	char path[TILE_PATH_MAX];
	const char *record;
	size_t used = 0, n;

	if (!bundle)
		return -ENOMEM;
	for (unsigned i = 0; i < width; i++) {
		int e = journal_record(r, at + i, &record, &n);

		if (e < 0 || n > JOURNAL_RECORD_MAX)
			return e < 0 ? e : -EMSGSIZE;
		bundle[used++] = (uint8_t)(n >> 8);
		bundle[used++] = (uint8_t)n;
		memcpy(bundle + used, record, n);
		used += n;
	}
	tile_path(path, "entries", at / TILE_WIDTH, width);
	return tile_write(to, path, bundle, used);
}

/* A bundle that begins before the oldest record kept is left out, as tlog-tiles has it (pruning). */
static int export_entries(struct journal_reader *r, int to, uint64_t size)
{
	uint64_t first = journal_reader_first(r), at = first - first % TILE_WIDTH;
	int e = 0;

	if (at < first)
		at += TILE_WIDTH;
	for (; at < size && e == 0; at += TILE_WIDTH)
		e = export_bundle(r, to, at,
				  size - at < TILE_WIDTH ? (unsigned)(size - at) : TILE_WIDTH);
	return e;
}

int journal_export(struct journal_reader *r, const struct journal_checkpoint *c, const char *dir,
		   struct diag_sink *d)
{
	struct merkle_source s = journal_tree(r);
	_close_ int to = -1;
	int e = mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;

	if (e == 0) {
		to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		e = to < 0 ? -errno : 0;
	}
	for (unsigned l = 0; l < TILE_LEVELS && e == 0; l++)
		e = export_hashes(&s, to, l, c->size);
	e = e ? e : export_entries(r, to, c->size);
	e = e ? e : tile_write(to, "checkpoint", c->note, c->len);
	if (e < 0)
		diag_error(d, dir, 0, "cannot export the journal: %s", strerror(-e));
	return e;
}
