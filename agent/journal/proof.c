/* SPDX-License-Identifier: BSD-2-Clause */
/* proof.c - reads a tlog-proof line by line, and follows its path from the record to the root. */
#include "agent/journal/proof.h"
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include "agent/journal/journal_private.h"

#define MAGIC "c2sp.org/tlog-proof@v1\n"
#define EXTRA "extra "
#define INDEX "index "

struct parser {
	const char *p, *end;
};

static bool starts(struct parser *s, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* One line without its end; false when there is none. */
static bool line(struct parser *s, const char **ret, size_t *n)
{
	const char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));

	if (!nl)
		return false;
	*ret = s->p;
	*n = (size_t)(nl - s->p);
	s->p = nl + 1;
	return true;
}

static int number(const char *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (!n || n > 20 || (p[0] == '0' && n > 1))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)(unsigned char)p[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	*ret = v;
	return 0;
}

static int hash_of(const char *p, size_t n, struct merkle_hash *ret)
{
	uint8_t buf[MERKLE_HASH + 1];

	if (n != BASE64_HASH - 1 ||
	    EVP_DecodeBlock(buf, (const unsigned char *)p, (int)n) != sizeof(buf))
		return -EINVAL;
	memcpy(ret->b, buf, MERKLE_HASH);
	return 0;
}

static int parse_head(struct parser *s, uint64_t *index, struct merkle_hash *path, unsigned *count)
{
	const char *p;
	size_t n;

	if (!starts(s, MAGIC))
		return -EINVAL;
	if (starts(s, EXTRA) && !line(s, &p, &n)) /* not authenticated: passed over */
		return -EINVAL;
	if (!starts(s, INDEX) || !line(s, &p, &n) || number(p, n, index) < 0)
		return -EINVAL;
	for (*count = 0; line(s, &p, &n) && n; ++*count)
		if (*count == MERKLE_LEVELS || hash_of(p, n, &path[*count]) < 0)
			return -EINVAL;
	return 0;
}

static int compare(const struct journal_checkpoint *c, uint64_t index,
		   const struct merkle_hash *path, unsigned count, const void *record, size_t n)
{
	struct merkle_hasher *h;
	struct merkle_hash leaf, root;
	int r = merkle_hasher_new(&h);

	if (r < 0)
		return r;
	merkle_leaf(h, &leaf, record, n);
	r = merkle_root_from(h, &root, &leaf, index, c->size, path, count);
	merkle_hasher_free(h);
	return r < 0 || memcmp(&root, &c->root, sizeof(root)) != 0 ? -EILSEQ : 0;
}

int proof_verify(struct proof_facts *ret, const char *proof, size_t n, const void *record,
		 size_t nrecord, const struct note_key *key)
{
	struct parser s = {proof, proof + n};
	struct journal_checkpoint c = {0};
	struct merkle_hash path[MERKLE_LEVELS];
	struct proof_facts f = {0};
	unsigned count;
	size_t text;
	int r = parse_head(&s, &f.index, path, &count);

	r = r ? r : journal_checkpoint_parse(&c, s.p, (size_t)(s.end - s.p));
	r = r ? r : note_verify(key, c.note, c.len, &text);
	r = r ? r : compare(&c, f.index, path, count, record, nrecord);
	if (r == 0) {
		f.size = c.size;
		memcpy(f.origin, c.origin, sizeof(f.origin));
		*ret = f;
	}
	journal_checkpoint_drop(&c);
	return r;
}

const char *proof_error(int e)
{
	switch (e) {
	case -EINVAL:
		return "this is no proof of the form c2sp.org/tlog-proof@v1";
	case -ENOKEY:
		return "its checkpoint is not signed by this key";
	case -EBADMSG:
		return "its checkpoint is signed wrongly: it was changed";
	case -EILSEQ:
		return "the record is not the one that was logged, or the proof was changed";
	default:
		return strerror(-e);
	}
}
