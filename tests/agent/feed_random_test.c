/* SPDX-License-Identifier: BSD-2-Clause */
/* feed_random_test.c - names of random bytes through every format and every message around it, and back through readers that know
 * nothing of the writers: jansson, and a reader of CEF and of RFC 5424 made from their texts. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/feed/format.h"
#include "agent/feed/road_journald.h"
#include "agent/feed/road_kafka.h"
#include "agent/feed/road_otlp.h"
#include "agent/feed/road_syslog.h"

#define ROUNDS	  4000
#define NAME_MAX_ 60

static uint64_t seed = 88172645463325252ull;
static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* What ends a field somewhere, what ends a line, controls, letters, two to four bytes of UTF-8. Never empty. */
static void name(char *s, bool valid)
{
	static const char *const special[] = {"\"",
					      "\\",
					      "=",
					      "|",
					      "]",
					      "[",
					      "\n",
					      "\r",
					      " ",
					      "\t",
					      ",",
					      "{",
					      "}",
					      " act=",
					      "]] ",
					      "\\n",
					      "\x7f",
					      "\x01",
					      "\x1b[31m",
					      "\xc3\xa9",
					      "\xe2\x82\xac",
					      "\xf0\x9f\x94\x92",
					      "<1>"};
	size_t n = 0, want = 1 + rnd(NAME_MAX_ - 8);

	while (n < want) {
		unsigned kind = rnd(valid ? 2 : 3);

		if (kind == 0)
			n += text_put(s + n, NAME_MAX_ - n, "%s",
				      special[rnd(sizeof(special) / sizeof(*special))]);
		else
			s[n++] = (char)(kind == 1 ? 'a' + (char)rnd(26) : (char)(1 + rnd(255)));
	}
	s[n] = 0;
}

/* The text at "a.b.c"; NULL. */
static const char *text_at(const json_t *o, const char *path)
{
	char key[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		text_put(key, sizeof(key), "%.*s", (int)n, path);
		o = json_object_get(o, key);
		path += n + (path[n] == '.');
	}
	return json_string_value(o);
}

static json_t *load(const char *line)
{
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	cr_assert_not_null(o, "%s", line);
	return o;
}

/* CEF: after seven '|' that no '\' stands before, key=value pairs; a value ends where " key=" begins, '=' in it has a '\'. */
static bool cef_read(char *ret, size_t size, const char *line, const char *want)
{
	const char *s = line;

	for (unsigned bars = 0; bars < 7; s++) {
		cr_assert(*s, "%s", line);
		if (*s == '\\')
			s++;
		else
			bars += *s == '|';
	}
	while (*s) {
		size_t n = strcspn(s, "="), k, out = 0;
		bool it = n == strlen(want) && !strncmp(s, want, n);

		cr_assert(
			s[n] == '=' && n &&
				strspn(s,
				       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
					n,
			"no key at '%s' of %s", s, line);
		for (s += n + 1; *s; s++) {
			if (*s == ' ') { /* is the next thing a key? */
				k = strspn(
					s + 1,
					"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
				if (!s[1] || (k && s[1 + k] == '='))
					break;
			}
			bool escaped = *s == '\\';

			s += escaped;
			cr_assert(!escaped || strchr("\\=nr", *s), "%s", s);
			if (it && out + 1 < size)
				ret[out++] = escaped && *s == 'n'   ? '\n'
					     : escaped && *s == 'r' ? '\r'
								    : *s;
		}
		s += *s == ' ';
		if (it) {
			ret[out] = 0;
			return true;
		}
	}
	return false;
}

/* RFC 5424 section 6: header words, elements of structured data, then the message. Returns it; id gets the parameter "id". */
static const char *syslog_read(const char *s, char *id, size_t size)
{
	cr_assert(*s == '<' && s[1] >= '1' && s[1] <= '9', "%s", s);
	s = strchr(s, '>') + 1;
	cr_assert_eq(strncmp(s, "1 ", 2), 0, "%s", s);
	s += 2;
	for (int i = 0; i < 5; i++) { /* time, host, app, process, message id */
		size_t n = strcspn(s, " ");

		cr_assert(n > 0 && n <= 255, "%s", s);
		for (size_t k = 0; k < n; k++)
			cr_assert(s[k] > ' ' && s[k] < 0x7f, "%s", s);
		s += n + 1;
	}
	cr_assert_eq(*s, '[', "%s", s);
	while (*s == '[') {
		s += strcspn(s, " ]");
		while (*s == ' ') {
			bool it = !strncmp(s + 1, "id=\"", 4);
			size_t out = 0;

			s = strchr(s, '"') + 1;
			for (; *s != '"'; s++) {
				cr_assert(*s && *s != ']', "%s", s);
				s += *s == '\\' && strchr("\"\\]", s[1]);
				if (it && out + 1 < size)
					id[out++] = *s;
			}
			if (it)
				id[out] = 0;
			s++;
		}
		cr_assert_eq(*s, ']', "%s", s);
		s++;
	}
	cr_assert_eq(*s, ' ', "%s", s);
	return s + 1;
}

static struct place us = {.country = CC('U', 'S'), .jurisdiction = CC('U', 'S')};
static struct identity host;
static struct rule rule = {.text = "block to any", .line = 17};
static struct policy policy = {
	.file = "cordon.conf", .sha256 = "0123456789abcdef", .rules = &rule, .nrules = 1};

struct names {
	char exe[NAME_MAX_], comm[NAME_MAX_], user[NAME_MAX_], unit[NAME_MAX_], provider[NAME_MAX_];
};
static struct event event_of(struct names *n, bool valid)
{
	struct event e = {.kind = EVENT_FLOW,
			  .action = "flow-blocked",
			  .id = "019ab0c2-0000-7000-8000-000000000001"};

	name(n->exe, valid);
	name(n->comm, valid);
	name(n->user, valid);
	name(n->unit, valid);
	name(n->provider, valid);
	name(host.name, valid);
	e.time_ns = 1795430472345678901ull;
	cr_assert_eq(ip_parse(&e.flow.src, "10.0.3.12"), 0);
	cr_assert_eq(ip_parse(&e.flow.dst, "203.0.113.7"), 0);
	e.flow.proto = 6;
	e.flow.dport = 443;
	e.place = &us;
	e.verdict = DECIDE_BLOCK;
	e.enforced = 1;
	e.severity = (uint8_t)(1 + rnd(4));
	e.rule = &rule;
	e.policy = &policy;
	e.provider = n->provider;
	e.process = (struct process){.pid = 7,
				     .has_uid = 1,
				     .exe = n->exe,
				     .comm = n->comm,
				     .user = n->user,
				     .unit = n->unit};
	return e;
}

static void expect_text(const char *format, const char *line, const char *path, const char *want)
{
	json_t *o = load(line);
	const char *got = text_at(o, path);

	cr_expect(got && !strcmp(got, want), "%s %s: '%s', want '%s'", format, path,
		  got ? got : "(none)", want);
	json_decref(o);
}

/* The messages around a line give it back byte by byte. */
static void expect_wrapped(struct json_writer *w, const struct event *e, const char *line)
{
	const char *m = road_syslog_wrap(w, e, &host, line), *word;
	char id[64] = "";

	cr_expect_null(strchr(m, '\n'));
	cr_expect_str_eq(syslog_read(m, id, sizeof(id)), line);
	cr_expect_str_eq(id, e->id);
	expect_text("otlp", road_otlp_wrap(w, e, &host, line), "body.stringValue", line);
	expect_text("journald", road_journald_wrap(w, e, &host, line), "MESSAGE", line);
	word = road_kafka_wrap(w, e, &host, line);
	for (int i = 0; i < 4; i++)
		word += strcspn(word, " ") + 1;
	cr_expect_str_eq(word, line);
}

Test(feed_random, names_come_back)
{
	static const struct {
		const char *format, *exe, *user;
	} row[] = {{"ecs", "process.executable", "process.user.name"},
		   {"ocsf", "actor.process.file.path", "actor.process.user.name"},
		   {"eve", "alert.context.cordon.exe", "alert.context.cordon.user"}};
	struct json_writer j = {0}, w = {0};

	for (int round = 0; round < ROUNDS; round++) {
		struct names n;
		struct event e = event_of(&n, true);
		char value[256];
		const char *line;

		for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
			line = format_find(row[i].format)->line(&j, &e, &host);
			cr_expect_null(strpbrk(line, "\n\r"));
			expect_text(row[i].format, line, row[i].exe, n.exe);
			expect_text(row[i].format, line, row[i].user, n.user);
			expect_wrapped(&w, &e, line);
		}
		line = format_find("cef")->line(&j, &e, &host);
		cr_expect_null(strpbrk(line, "\n\r"));
		cr_expect(cef_read(value, sizeof(value), line, "sproc"));
		cr_expect_str_eq(value, n.exe, "'%s' of %s", value, line);
		cr_expect(cef_read(value, sizeof(value), line, "cs6"));
		cr_expect_str_eq(value, n.unit);
		cr_expect(cef_read(value, sizeof(value), line, "act"));
		cr_expect_str_eq(value, "flow-blocked");
		expect_wrapped(&w, &e, line);
		line = format_find("text")->line(&j, &e, &host);
		cr_expect_null(strpbrk(line, "\n\r\x1b"), "%s", line);
	}
	json_writer_free(&j);
	json_writer_free(&w);
}

/* Bytes that are no UTF-8: still JSON, still one line, still a message. */
Test(feed_random, any_bytes)
{
	static const char *const formats[] = {"ecs", "ocsf", "eve", "cef", "text"};
	struct json_writer j = {0}, w = {0};

	for (int round = 0; round < ROUNDS; round++) {
		struct names n;
		struct event e = event_of(&n, false);

		for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
			const char *line = format_find(formats[i])->line(&j, &e, &host);
			char id[64] = "";

			cr_expect_null(strpbrk(line, "\n\r"), "%s", formats[i]);
			if (i < 3)
				json_decref(load(line));
			cr_expect_str_eq(syslog_read(road_syslog_wrap(&w, &e, &host, line), id,
						     sizeof(id)),
					 line);
			json_decref(load(road_otlp_wrap(&w, &e, &host, line)));
			json_decref(load(road_journald_wrap(&w, &e, &host, line)));
		}
	}
	json_writer_free(&j);
	json_writer_free(&w);
}
