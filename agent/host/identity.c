/* SPDX-License-Identifier: BSD-2-Clause */
/* identity.c - read once at the start; addresses as they come and go. */
#include "geo/base/file.h"
#include "agent/host/identity.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "geo/base/cleanup.h"

#define STEP_NS 500000000ull /* more than this is a clock that was set */

static void read_name(char *buf, const char *path)
{
	_free_ char *text = NULL;
	size_t len;

	if (file_read(&text, &len, AT_FDCWD, path, 256) == 0)
		text_put(buf, IDENTITY_TEXT, "%.*s", (int)strcspn(text, "\n"), text);
}

/* os-release: KEY=value or KEY="value", a line each. */
static void read_key(char *buf, const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
		size_t len = strcspn(at, "\n");

		if (strncmp(at, key, n) != 0 || at[n] != '=')
			continue;
		at += n + 1;
		len -= n + 1;
		if (len >= 2 && (*at == '"' || *at == '\'') && at[len - 1] == *at) {
			at++;
			len -= 2;
		}
		text_put(buf, IDENTITY_TEXT, "%.*s", (int)len, at);
		return;
	}
}

static void read_os(struct identity *i)
{
	_free_ char *text = NULL;
	struct utsname u;
	size_t len;

	if (file_read(&text, &len, AT_FDCWD, "/etc/os-release", 65536) == 0 ||
	    file_read(&text, &len, AT_FDCWD, "/usr/lib/os-release", 65536) == 0) {
		read_key(i->os.name, text, "NAME");
		read_key(i->os.version, text, "VERSION_ID");
		read_key(i->os.full, text, "PRETTY_NAME");
		read_key(i->os.platform, text, "ID");
		read_key(i->os.family, text, "ID_LIKE");
		i->os.family[strcspn(i->os.family, " ")] = 0;
		if (!i->os.family[0])
			text_put(i->os.family, IDENTITY_TEXT, "%s", i->os.platform);
	}
	if (uname(&u) == 0) {
		text_put(i->os.kernel, IDENTITY_TEXT, "%s", u.release);
		text_put(i->os.architecture, IDENTITY_TEXT, "%s", u.machine);
	}
}

/* The machine's id itself is not to be given away as another's id (machine-id(5)): a hash with our name. */
static void make_agent_id(struct identity *i)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t md[EVP_MAX_MD_SIZE];
	char text[IDENTITY_TEXT + 16], *to = i->agent_id;
	unsigned n;
	size_t len = text_put(text, sizeof(text), "cordon agent|%s", i->id);

	if (!i->id[0] || EVP_Digest(text, len, md, &n, EVP_sha256(), NULL) != 1)
		return;
	md[6] = (uint8_t)((md[6] & 0x0f) | 0x80); /* RFC 9562: version 8 */
	md[8] = (uint8_t)((md[8] & 0x3f) | 0x80);
	for (int b = 0; b < 16; b++) {
		if (b == 4 || b == 6 || b == 8 || b == 10)
			*to++ = '-';
		*to++ = hex[md[b] >> 4];
		*to++ = hex[md[b] & 15];
	}
	*to = 0;
}

void identity_read(struct identity *i)
{
	if (gethostname(i->name, sizeof(i->name) - 1) < 0)
		i->name[0] = 0;
	read_name(i->id, "/etc/machine-id");
	read_name(i->boot_id, "/proc/sys/kernel/random/boot_id");
	read_os(i);
	make_agent_id(i);
}

static bool says_nothing(const struct ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	if (ip->v == 4)
		return ip->b[0] == 127 || (ip->b[0] == 169 && ip->b[1] == 254);
	return !memcmp(ip->b, one, sizeof(one)) || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

void identity_address(struct identity *i, const struct ip *ip, bool on)
{
	unsigned at = 0;

	if (says_nothing(ip))
		return;
	while (at < i->naddresses && ip_cmp(&i->address[at], ip) != 0)
		at++;
	if (on && at == i->naddresses && at < IDENTITY_ADDRESSES)
		i->address[i->naddresses++] = *ip;
	if (!on && at < i->naddresses)
		i->address[at] = i->address[--i->naddresses];
}

void identity_now(struct identity *i, uint64_t unix_ns)
{
	struct timespec t = {0};
	uint64_t boot;

	clock_gettime(CLOCK_BOOTTIME, &t);
	boot = unix_ns - ((uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec);
	if ((boot > i->boot_ns ? boot - i->boot_ns : i->boot_ns - boot) > STEP_NS)
		i->boot_ns = boot;
	i->created_ns = unix_ns;
}
