/* SPDX-License-Identifier: BSD-2-Clause */
/* control_test.c - the control socket against requests that are long, binary, torn, slow or too
 * many; and who holds it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "agent/daemon/control.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"

static char dir[64], path[96];
static pid_t server;

static json_t *answer(void *arg, const json_t *request)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	json_t *o = json_pack("{sbss}", "ok", 1, "verb", verb ? verb : "");

	if (verb && strcmp(verb, "big") == 0)
		for (int i = 0; i < 20000; i++) {
			char key[16];

			text_put(key, sizeof(key), "k%d", i);
			json_object_set_new(
				o, key, json_string("0123456789012345678901234567890123456789"));
		}
	if (verb && strcmp(verb, "stop") == 0)
		loop_stop(arg);
	return o;
}

static void serve(void)
{
	struct loop *l;
	struct control *c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (loop_new(&l) < 0 || control_open(&c, l, path, answer, l) < 0)
		_exit(1);
	loop_run(l);
	control_close(c);
	loop_free(l);
	_exit(0);
}

/* The path is there from bind() on; connections are taken from listen() on. */
static bool answers(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	text_put(a.sun_path, sizeof(a.sun_path), "%s", path);
	ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return ok;
}

static void setup(void)
{
	text_put(dir, sizeof(dir), "/tmp/control_test.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(path, sizeof(path), "%s/run/control", dir);
	server = fork();
	if (server == 0)
		serve();
	for (int i = 0; i < 1000 && !answers(); i++)
		usleep(5000);
}

static void teardown(void)
{
	char command[96];

	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(control, .init = setup, .fini = teardown, .timeout = 60);

static int ask(const char *verb)
{
	_json_ json_t *q = json_pack("{ss}", "verb", verb), *a = NULL;
	int r = control_call(&a, path, q, 10);

	if (r == 0)
		cr_expect_str_eq(json_string_value(json_object_get(a, "verb")), verb);
	return r;
}

static int connect_raw(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	text_put(a.sun_path, sizeof(a.sun_path), "%s", path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* What comes back for these bytes, "" for a hang-up without a word. */
static void raw(const void *bytes, size_t len, char *ret, size_t size)
{
	_close_ int fd = connect_raw();
	size_t have = 0;
	ssize_t n;

	for (size_t sent = 0; sent < len; sent += (size_t)n) {
		n = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
		if (n <= 0)
			break;
	}
	shutdown(fd, SHUT_WR);
	while (have < size - 1 && (n = read(fd, ret + have, size - 1 - have)) > 0)
		have += (size_t)n;
	ret[have] = 0;
}

Test(control, asks_and_answers)
{
	struct stat st;

	cr_assert_eq(ask("status"), 0);
	cr_assert_eq(ask("big"), 0, "an answer of a megabyte");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(control, hostile_requests)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		const char *says;
	} row[] = {
		{"empty line", "\n", 1, "no JSON object"},
		{"array", "[1]\n", 4, "no JSON object"},
		{"string", "\"x\"\n", 4, "no JSON object"},
		{"number", "1e999\n", 6, "no JSON object"},
		{"broken", "{\"verb\":\n", 9, "no JSON object"},
		{"twice", "{\"verb\":\"a\",\"verb\":\"b\"}\n", 24, "no JSON object"},
		{"binary", "\0\1\2\xff\n", 5, "no JSON object"},
		{"not UTF-8", "{\"verb\":\"\xff\"}\n", 13, "no JSON object"},
		{"NUL inside", "{\"verb\":\"a\\u0000b\"}\n", 20, "no JSON object"},
		{"no newline", "{\"verb\":\"status\"}", 17, ""},
		{"nothing", "", 0, ""},
	};
	char buf[512];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		raw(row[i].bytes, row[i].len, buf, sizeof(buf));
		if (*row[i].says)
			cr_expect(strstr(buf, row[i].says), "%s: '%s'", row[i].name, buf);
		else
			cr_expect_str_empty(buf, "%s: '%s'", row[i].name, buf);
	}
	cr_expect_eq(ask("after"), 0, "and it goes on");
}

Test(control, a_request_at_and_over_the_limit)
{
	char *big = malloc(CONTROL_REQUEST_MAX + 1), buf[512];

	memset(big, ' ', CONTROL_REQUEST_MAX + 1);
	memcpy(big, "{\"verb\":\"x\"}", 12);
	big[CONTROL_REQUEST_MAX - 1] = '\n';
	raw(big, CONTROL_REQUEST_MAX, buf, sizeof(buf));
	cr_expect(strstr(buf, "\"ok\":true"), "%s", buf);
	big[CONTROL_REQUEST_MAX - 1] = ' ';
	raw(big, CONTROL_REQUEST_MAX, buf, sizeof(buf));
	cr_expect(strstr(buf, "longer than"), "%s", buf);
	memset(big, '[', CONTROL_REQUEST_MAX);
	big[CONTROL_REQUEST_MAX - 1] = '\n';
	raw(big, CONTROL_REQUEST_MAX, buf, sizeof(buf));
	cr_expect(strstr(buf, "no JSON object"), "depth: %s", buf);
	free(big);
	cr_expect_eq(ask("after"), 0);
}

Test(control, a_request_in_pieces)
{
	const char text[] = "{\"verb\":\"pieces\"}\n";
	_close_ int fd = connect_raw();
	char buf[128] = "";

	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		cr_assert_eq(send(fd, text + i, 1, 0), 1);
		usleep(1000);
	}
	cr_assert_gt(read(fd, buf, sizeof(buf) - 1), 0);
	cr_expect(strstr(buf, "pieces"));
}

/* Idle clients take no place from one that asks: the longest silent makes room. */
Test(control, idle_clients_do_not_hold_it)
{
	int fd[CONTROL_CLIENTS_MAX + 8];

	for (int i = 0; i < CONTROL_CLIENTS_MAX + 8; i++)
		fd[i] = connect_raw();
	usleep(100000);
	cr_expect_eq(ask("status"), 0);
	for (int i = 0; i < CONTROL_CLIENTS_MAX + 8; i++)
		close(fd[i]);
}

Test(control, one_path_one_agent)
{
	struct loop *l;
	struct control *c = NULL;

	cr_assert_eq(loop_new(&l), 0);
	cr_expect_eq(control_open(&c, l, path, answer, NULL), -EADDRINUSE);
	cr_expect_null(c);
	cr_expect_eq(ask("status"), 0, "the first is not disturbed");
	kill(server, SIGKILL); /* and its socket file stays behind */
	waitpid(server, NULL, 0);
	server = -1;
	cr_expect_eq(ask("status"), -ECONNREFUSED);
	cr_assert_eq(control_open(&c, l, path, answer, NULL), 0,
		     "what a dead agent left is replaced");
	control_close(c);
	cr_expect_eq(ask("status"), -ENOENT);
	loop_free(l);
}

Test(control, what_is_no_socket_is_left_alone)
{
	struct loop *l;
	struct control *c = NULL;
	char other[128];
	struct stat st;

	text_put(other, sizeof(other), "%s/file", dir);
	fclose(fopen(other, "w"));
	cr_assert_eq(loop_new(&l), 0);
	cr_expect_eq(control_open(&c, l, other, answer, NULL), -EEXIST);
	cr_expect_eq(stat(other, &st), 0);
	memset(other, 'a', sizeof(other) - 1);
	other[sizeof(other) - 1] = 0;
	cr_expect_eq(control_open(&c, l, other, answer, NULL), -ENAMETOOLONG);
	loop_free(l);
}
