/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - foreign bytes become the text of a name, or none. */
#include <errno.h>
#include <string.h>
#include "agent/names/text.h"
#include "geo/base/ip.h"

#define LABEL_MAX    63
#define POINTERS_MAX 32 /* a name has 127 labels at most; more jumps than this are a trap */

struct out {
	char *to;
	size_t n, label;
};

static bool plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int put(struct out *o, uint8_t c)
{
	if (++o->label > LABEL_MAX)
		return -EINVAL;
	if (c >= 'A' && c <= 'Z')
		c = (uint8_t)(c | 0x20);
	if (plain(c)) {
		if (o->n + 1 >= NAMES_TEXT - 2)
			return -EINVAL;
		o->to[o->n++] = (char)c;
		return 0;
	}
	if (o->n + 4 >= NAMES_TEXT - 2)
		return -EINVAL;
	o->to[o->n++] = '\\';
	o->to[o->n++] = (char)('0' + c / 100);
	o->to[o->n++] = (char)('0' + c / 10 % 10);
	o->to[o->n++] = (char)('0' + c % 10);
	return 0;
}

static int dot(struct out *o)
{
	if (!o->label || o->n + 1 >= NAMES_TEXT - 2)
		return -EINVAL;
	o->to[o->n++] = '.';
	o->label = 0;
	return 0;
}

static int done(struct out *o, int r)
{
	if (r == 0 && !o->n)
		r = -EINVAL;
	o->to[r < 0 ? 0 : o->n] = '\0';
	return r;
}

int names_text(char ret[NAMES_TEXT], const uint8_t *s, size_t len)
{
	struct out o = {.to = ret};
	int r = 0;

	if (len && s[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len && r == 0; i++)
		r = s[i] == '.' ? dot(&o) : put(&o, s[i]);
	if (r == 0 && !o.label)
		r = -EINVAL;
	return done(&o, r);
}

/* Follows a pointer; the name itself goes on behind the first one. */
static int jump(const uint8_t *msg, size_t len, size_t *p, size_t *end)
{
	size_t to;

	if (*p + 2 > len)
		return -EINVAL;
	to = (size_t)(msg[*p] & 0x3f) << 8 | msg[*p + 1];
	if (!*end)
		*end = *p + 2;
	if (to >= *p) /* only ever back: no loops */
		return -EINVAL;
	*p = to;
	return 0;
}

static int label(struct out *o, const uint8_t *msg, size_t len, size_t *p)
{
	size_t n = msg[*p];
	int r = 0;

	if (n > LABEL_MAX || *p + 1 + n > len)
		return -EINVAL;
	if (o->n)
		r = dot(o);
	o->label = 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = put(o, msg[*p + 1 + i]);
	*p += 1 + n;
	return r;
}

int names_text_dns(char ret[NAMES_TEXT], const uint8_t *msg, size_t len, size_t *at)
{
	struct out o = {.to = ret};
	size_t p = *at, end = 0;
	unsigned jumps = 0;
	int r = 0;

	while (r == 0) {
		if (p >= len) {
			r = -EINVAL;
		} else if (msg[p] >= 0xc0) {
			r = ++jumps > POINTERS_MAX ? -EINVAL : jump(msg, len, &p, &end);
		} else if (!msg[p]) {
			break;
		} else {
			r = label(&o, msg, len, &p);
		}
	}
	if (r < 0)
		return done(&o, r);
	*at = end ? end : p + 1;
	ret[o.n] = '\0'; /* the root: an empty text */
	return 0;
}

bool names_is_address(const char *s)
{
	char bare[IP_STRLEN];
	size_t n = strlen(s);
	struct ip ip;

	if (*s == '[') {
		s++;
		n -= n > 1;
		n -= n && s[n - 1] == ']';
	}
	if (n >= sizeof(bare))
		return false;
	memcpy(bare, s, n);
	bare[n] = '\0';
	return ip_parse(&ip, bare) == 0;
}
