/* SPDX-License-Identifier: BSD-2-Clause */
/* process.c - /proc/PID read with bounds, remembered while its start time says that it is still the
 * same process, and its memory that it still runs the same program. */
#include "agent/host/process.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"
#include "geo/base/utf8.h"

#define TEXT_MAX 4096
#define FILE_MAX (64u << 10)
#define BUCKETS	 1024
#define TICKS_NS 10000000ull /* USER_HZ is 100 on every Linux */

struct known {
	int32_t pid; /* 0: free */
	int32_t parent;
	uint32_t uid;
	uint64_t start_ns;
	uint64_t image; /* where its code and stack begin: another for each exec */
	uint64_t turn;	/* in which /proc was asked last */
	struct known *next;
	bool kernel, ended; /* ended: a zombie, which runs nothing any more */
	char comm[64];
	char *exe, *cmdline, *cgroup; /* owned; NULL = not readable */
	char unit[PROCESS_UNIT_MAX];
};
struct processes {
	int root;      /* owned */
	uint64_t turn; /* 0: none has begun */
	unsigned hand; /* the next known to make room */
	struct known *bucket[BUCKETS];
	struct known known[PROCESSES_MAX];
	struct names *names; /* the caller's */
	char user[4 * NAMES_LEN];
	char *exe, *cmdline; /* owned: of processes_program */
};

int processes_new(struct processes **ret, const char *proc, struct names *names)
{
	struct processes *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	ps->root = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ps->root < 0) {
		int e = errno;

		free(ps);
		return -e;
	}
	ps->names = names;
	*ret = ps;
	return 0;
}

static void known_clear(struct known *k)
{
	free(k->exe);
	free(k->cmdline);
	free(k->cgroup);
	memset(k, 0, sizeof(*k));
}

void processes_free(struct processes *ps)
{
	if (!ps)
		return;
	for (unsigned i = 0; i < PROCESSES_MAX; i++)
		known_clear(&ps->known[i]);
	free(ps->exe);
	free(ps->cmdline);
	close(ps->root);
	free(ps);
}

/* Foreign bytes -> valid UTF-8; NUL becomes a space (arguments), what is not UTF-8 becomes \xNN. */
static char *clean(const char *s, size_t len, size_t max)
{
	size_t size = (len < max ? len : max) * 4 + 4, o = 0;
	char *out = malloc(size);
	bool cut = len > max;

	if (!out)
		return NULL;
	len = cut ? max : len;
	for (size_t i = 0; i < len;) {
		unsigned n = utf8_length(s + i, len - i);

		if (s[i] == 0) {
			out[o++] = ' ';
			i++;
		} else if (n) {
			memcpy(out + o, s + i, n);
			o += n;
			i += n;
		} else {
			o += text_put(out + o, size - o, "\\x%02x", (unsigned char)s[i]);
			i++;
		}
	}
	while (o && out[o - 1] == ' ')
		o--;
	memcpy(out + o, "...", cut ? 4 : 1);
	out[o + (cut ? 3 : 0)] = 0;
	return out;
}

static int read_proc(struct processes *ps, int32_t pid, const char *name, char **ret, size_t *len)
{
	char path[64];

	text_put(path, sizeof(path), "%d/%s", pid, name);
	return file_read(ret, len, ps->root, path, FILE_MAX);
}

#define PF_KTHREAD   0x00200000
#define FIELD_PARENT 4
#define FIELD_FLAGS  9
#define FIELD_START  22
#define FIELD_CODE   26 /* startcode, endcode, startstack */
#define FIELD_STACK  28

/* The fields of stat are counted after the last ')': comm may hold spaces, parentheses and newlines. Those after the
 * start may be missing. */
static int parse_numbers(const char *s, struct known *k)
{
	char *end;

	for (int field = 4; field <= FIELD_STACK; field++, s = end) {
		uint64_t v;

		errno = 0;
		v = strtoull(s, &end, 10);
		if (end == s || errno || (*end && *end != ' ' && *end != '\n'))
			return field > FIELD_START ? 0 : -EPROTO;
		if (field == FIELD_PARENT && v <= INT32_MAX)
			k->parent = (int32_t)v;
		if (field == FIELD_FLAGS)
			k->kernel = v & PF_KTHREAD;
		if (field == FIELD_START && v > UINT64_MAX / TICKS_NS)
			return -EPROTO;
		if (field == FIELD_START)
			k->start_ns = v * TICKS_NS;
		if (field >= FIELD_CODE)
			k->image = k->image * 31 + v;
	}
	return 0;
}

static int parse_stat(const char *s, struct known *k)
{
	const char *open = strchr(s, '('), *close = strrchr(s, ')');

	if (!open || !close || close < open)
		return -EPROTO;
	_free_ char *name = clean(open + 1, (size_t)(close - open - 1), 48);
	if (!name)
		return -ENOMEM;
	text_put(k->comm, sizeof(k->comm), "%s", name);
	s = close + 1;
	if (s[0] != ' ' || !s[1] || s[2] != ' ')
		return -EPROTO;
	k->ended = s[1] == 'Z' || s[1] == 'X';
	return parse_numbers(s + 3, k);
}

static int parse_uid(const char *s, uint32_t *uid)
{
	const char *at = strstr(s, "\nUid:\t");
	char digits[16];
	size_t n;
	uint64_t v;

	if (!at)
		return -EPROTO;
	at += strlen("\nUid:\t");
	at = strchr(at, '\t'); /* real, then effective: that is who acts */
	if (!at)
		return -EPROTO;
	at++;
	n = strspn(at, "0123456789");
	if (n == 0 || n >= sizeof(digits))
		return -EPROTO;
	memcpy(digits, at, n);
	digits[n] = 0;
	if (text_number(&v, digits, UINT32_MAX) < 0)
		return -EPROTO;
	*uid = (uint32_t)v;
	return 0;
}

/* The line of the unified hierarchy, "0::/path"; a name may hold anything but a newline. */
static char *parse_cgroup(const char *s)
{
	for (; s && *s; s = strchr(s, '\n'), s = s ? s + 1 : NULL)
		if (strncmp(s, "0::/", 4) == 0)
			return clean(s + 3, strcspn(s + 3, "\n"), TEXT_MAX);
	return NULL;
}

static char *read_exe(struct processes *ps, int32_t pid)
{
	char path[64], link[TEXT_MAX];
	ssize_t n;

	text_put(path, sizeof(path), "%d/exe", pid);
	n = readlinkat(ps->root, path, link, sizeof(link));
	return n > 0 ? clean(link, (size_t)n, TEXT_MAX) : NULL;
}

static int known_start(struct processes *ps, int32_t pid, struct known *k)
{
	_free_ char *s = NULL;
	size_t len;

	if (read_proc(ps, pid, "stat", &s, &len) < 0)
		return -ESRCH;
	return parse_stat(s, k);
}

static int known_fill(struct processes *ps, int32_t pid, struct known *k)
{
	_free_ char *status = NULL, *cmdline = NULL, *cgroup = NULL;
	size_t len;
	int r = known_start(ps, pid, k);

	if (r < 0)
		return r;
	if (read_proc(ps, pid, "status", &status, &len) < 0 || parse_uid(status, &k->uid) < 0)
		return -ESRCH;
	k->exe = read_exe(ps, pid);
	if (read_proc(ps, pid, "cmdline", &cmdline, &len) == 0 && len)
		k->cmdline = clean(cmdline, len, PROCESS_CMDLINE_MAX);
	if (read_proc(ps, pid, "cgroup", &cgroup, &len) == 0)
		k->cgroup = parse_cgroup(cgroup);
	if (k->cgroup)
		process_unit(k->unit, k->cgroup);
	k->pid = pid;
	return 0;
}

static struct known **bucket_of(struct processes *ps, int32_t pid)
{
	return &ps->bucket[(uint32_t)pid % BUCKETS];
}

static void known_forget(struct processes *ps, struct known *k)
{
	if (!k->pid)
		return;
	for (struct known **at = bucket_of(ps, k->pid); *at; at = &(*at)->next) {
		if (*at == k) {
			*at = k->next;
			break;
		}
	}
	known_clear(k);
}

static struct known *known_find(struct processes *ps, int32_t pid)
{
	struct known *k = *bucket_of(ps, pid);

	while (k && k->pid != pid)
		k = k->next;
	return k;
}

static struct known *known_take(struct processes *ps, const struct known *from)
{
	struct known *k = &ps->known[ps->hand++ % PROCESSES_MAX];

	known_forget(ps, k);
	*k = *from;
	k->turn = ps->turn;
	k->next = *bucket_of(ps, from->pid);
	*bucket_of(ps, from->pid) = k;
	return k;
}

/* Does the process still run what is remembered of it? exec keeps pid and start, and comm where the file is named as
 * the one before. What a zombie was is what it is. */
static bool known_runs(struct processes *ps, const struct known *k, const struct known *now)
{
	_free_ char *exe = NULL;

	if (now->start_ns != k->start_ns)
		return false;
	if (now->ended)
		return true;
	if (now->image != k->image || strcmp(now->comm, k->comm) != 0)
		return false;
	exe = read_exe(ps, k->pid);
	return !exe || !k->exe || strcmp(exe, k->exe) == 0;
}

/* Was /proc asked in this turn, and is it the one that is meant? */
static bool believed(const struct processes *ps, const struct known *k, uint64_t start_ns)
{
	return ps->turn && k->turn == ps->turn &&
	       (!start_ns || start_ns / TICKS_NS == k->start_ns / TICKS_NS);
}

/* Remembered and still the same process; or read anew. start_ns: 0, or of the one that is meant.
 * NULL: gone. */
static struct known *known_get(struct processes *ps, int32_t pid, uint64_t start_ns)
{
	struct known *k = known_find(ps, pid), now = {0};

	if (k && believed(ps, k, start_ns))
		return k;
	if (k) {
		/* a dead process keeps what it was: its last flows end after it */
		if (known_start(ps, pid, &now) == -ESRCH || known_runs(ps, k, &now)) {
			k->turn = ps->turn;
			return k;
		}
		known_forget(ps, k);
	}
	memset(&now, 0, sizeof(now));
	if (known_fill(ps, pid, &now) < 0) {
		known_clear(&now);
		return NULL;
	}
	return known_take(ps, &now);
}

void processes_turn(struct processes *ps)
{
	ps->turn++;
}

static void process_fill(struct process *p, const struct known *k)
{
	p->start_ns = k->start_ns;
	p->parent = k->parent;
	p->kernel |= k->kernel;
	if (!p->has_uid) {
		p->uid = k->uid;
		p->has_uid = 1;
	}
	p->comm = k->comm; /* the name as clean text; the kernel's copy is the same bytes */
	p->exe = k->exe;
	p->cmdline = k->cmdline;
	if (!p->cgroup) {
		p->cgroup = k->cgroup;
		p->unit = k->unit[0] ? k->unit : NULL;
	}
}

int processes_lookup(struct processes *ps, struct process *p)
{
	struct known *k = p->pid > 0 ? known_get(ps, p->pid, p->start_ns) : NULL;

	/* the kernel counts in nanoseconds, /proc in ticks of 10 ms, rounded down */
	if (k && p->start_ns && p->start_ns / TICKS_NS != k->start_ns / TICKS_NS)
		k = NULL;
	if (k)
		process_fill(p, k);
	if (p->has_uid && !p->user)
		p->user = processes_user(ps, p->uid);
	return k ? 0 : -ESRCH;
}

int processes_learn(struct processes *ps, const struct process *p, const char *exe,
		    const char *arguments, size_t len)
{
	struct known *k = known_find(ps, p->pid);

	if (!k || k->start_ns / TICKS_NS != p->start_ns / TICKS_NS) {
		struct known new = {.pid = p->pid,
				    .uid = p->uid,
				    .start_ns = p->start_ns / TICKS_NS * TICKS_NS};

		if (p->comm) {
			_free_ char *comm = clean(p->comm, strlen(p->comm), 16);

			text_put(new.comm, sizeof(new.comm), "%s", comm ? comm : "");
		}
		if (k)
			known_forget(ps, k);
		k = known_take(ps, &new);
	}
	if (!k->exe && exe[0])
		k->exe = clean(exe, strlen(exe), TEXT_MAX);
	if (!k->cmdline && len)
		k->cmdline = clean(arguments, len, PROCESS_CMDLINE_MAX);
	return (exe[0] && !k->exe) || (len && !k->cmdline) ? -ENOMEM : 0;
}

/* Is 'whole' what 'noted' says, which may be cut at its beginning or end with "..."? */
static bool agrees(const char *whole, const char *noted)
{
	size_t w = whole ? strlen(whole) : 0, n = strlen(noted);

	if (n >= 3 && strncmp(noted, "...", 3) == 0)
		return w >= n - 3 && strcmp(whole + w - (n - 3), noted + 3) == 0;
	if (n >= 3 && strcmp(noted + n - 3, "...") == 0)
		return w >= n - 3 && strncmp(whole, noted, n - 3) == 0;
	return whole && strcmp(whole, noted) == 0;
}

void processes_program(struct processes *ps, struct process *p, const char *exe,
		       const char *arguments, size_t len)
{
	char *path = exe[0] ? clean(exe, strlen(exe), TEXT_MAX) : NULL;
	char *line = len ? clean(arguments, len, PROCESS_CMDLINE_MAX) : NULL;

	free(ps->exe);
	free(ps->cmdline);
	ps->exe = path;
	ps->cmdline = line;
	if (path && !agrees(p->exe, path)) {
		p->exe = path;
		p->cmdline = line;
	} else if (line && !agrees(p->cmdline, line)) {
		p->cmdline = line;
	}
}

const char *processes_user(struct processes *ps, uint32_t uid)
{
	char name[NAMES_LEN];

	if (!ps->names || names_user_soon(ps->names, uid, name) < 0)
		return NULL;
	_free_ char *text = clean(name, strlen(name), NAMES_LEN);
	text_put(ps->user, sizeof(ps->user), "%s", text ? text : "");
	return ps->user[0] ? ps->user : NULL;
}

static bool ends_with(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && memcmp(s + len - n, suffix, n) == 0;
}

const char *process_unit(char *buf, const char *cgroup)
{
	static const char *const kinds[] = {".service", ".scope", ".socket", ".mount", ".swap"};

	buf[0] = 0;
	while (cgroup && *cgroup == '/') {
		size_t len = strcspn(++cgroup, "/");

		if (!ends_with(cgroup, len, ".slice")) {
			for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
				if (len < PROCESS_UNIT_MAX && ends_with(cgroup, len, kinds[i])) {
					memcpy(buf, cgroup, len);
					buf[len] = 0;
					return buf;
				}
			/* a container's or a test's own level: units may stand below it */
		}
		cgroup += len;
	}
	return NULL;
}

/* 64 hexadecimal digits, as runtimes name their containers, with what they put around them ("docker-...scope",
 * "cri-containerd-...scope", "libpod-...scope", or bare). */
const char *process_container(char buf[PROCESS_CONTAINER_MAX], const char *cgroup)
{
	const char *found = NULL;

	for (const char *at = cgroup; at && *at;) {
		size_t skip = strcspn(at, "0123456789abcdef"), n;

		at += skip;
		n = strspn(at, "0123456789abcdef");
		if (n == PROCESS_CONTAINER_MAX - 1 && (at == cgroup || strchr("/-:", at[-1])) &&
		    (!at[n] || strchr("/.", at[n])))
			found = at; /* the innermost */
		at += n;
	}
	if (!found)
		return NULL;
	memcpy(buf, found, PROCESS_CONTAINER_MAX - 1);
	buf[PROCESS_CONTAINER_MAX - 1] = 0;
	return buf;
}
