/* SPDX-License-Identifier: BSD-2-Clause */
/* road_syslog_test.c - the road to a real rsyslog on loopback, as datagrams, over TCP, over TLS: a receiver that is down, comes up,
 * is killed; certificates that are not the right ones; the message's own syntax. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "agent/event/event_text.h"
#include "agent/feed/feed.h"
#include "agent/feed/flight.h"
#include "agent/feed/judge.h"
#include "agent/feed/road_syslog.h"

#define RSYSLOGD "/usr/sbin/rsyslogd"

static char dir[64], out[96];
static pid_t server;
static unsigned port;

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	size_t n = text_put(command, sizeof(command), "cd %s && ", dir);

	va_start(ap, fmt);
	vsnprintf(command + n, sizeof(command) - n, fmt, ap);
	va_end(ap);
	cr_assert_eq(system(command), 0, "%s", command);
}

static unsigned free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void setup(void)
{
	text_put(dir, sizeof(dir), "/tmp/road_syslog.XXXXXX");
	cr_assert(mkdtemp(dir));
	text_put(out, sizeof(out), "%s/out", dir);
	port = free_port();
	setenv("TZ", "UTC", 1);
}
static void server_stop(int sig)
{
	if (server <= 0)
		return;
	kill(server, sig);
	waitpid(server, NULL, 0);
	server = 0;
}
static void teardown(void)
{
	char command[96];

	server_stop(SIGKILL);
	text_put(command, sizeof(command), "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}
TestSuite(road_syslog, .init = setup, .fini = teardown, .timeout = 180);

/* kind: udp, tcp, tls; tls wants a client of our authority named agent.example. */
static void server_config(const char *kind)
{
	char path[96];
	FILE *f;

	text_put(path, sizeof(path), "%s/conf", dir);
	f = fopen(path, "w");
	fprintf(f, "global(workDirectory=\"%s\" maxMessageSize=\"64k\" net.enableDNS=\"off\"", dir);
	if (!strcmp(kind, "tls"))
		fprintf(f,
			" DefaultNetstreamDriverCAFile=\"%s/ca.pem\" DefaultNetstreamDriverCertFile=\"%s/server.pem\""
			" DefaultNetstreamDriverKeyFile=\"%s/server.key\"",
			dir, dir, dir);
	fprintf(f, ")\n");
	if (!strcmp(kind, "udp"))
		fprintf(f,
			"module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"%u\")\n",
			port);
	else
		fprintf(f,
			"module(load=\"imtcp\"%s)\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"%u\")\n",
			!strcmp(kind, "tls")
				? " StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"x509/name\""
				  " PermittedPeer=[\"agent.example\"]"
				: "",
			port);
	fprintf(f,
		"template(name=\"l\" type=\"string\" string=\"%%pri%%|%%hostname%%|%%app-name%%|%%msgid%%|%%structured-data%%|%%msg%%\\n\")\n"
		"*.* action(type=\"omfile\" file=\"%s\" template=\"l\" asyncWriting=\"off\")\n",
		out);
	fclose(f);
}

static void server_start(void)
{
	char conf[96], pid[96];

	text_put(conf, sizeof(conf), "%s/conf", dir);
	text_put(pid, sizeof(pid), "%s/pid", dir);
	unlink(pid);
	server = fork();
	if (server == 0) {
		int log = open("/dev/null", O_WRONLY);

		dup2(log, 1);
		dup2(log, 2);
		execl(RSYSLOGD, "rsyslogd", "-n", "-f", conf, "-i", pid, (char *)NULL);
		_exit(127);
	}
}

static struct road *road_to(const char *kind, const struct policy_feed *more)
{
	struct policy_feed p = more ? *more : (struct policy_feed){0};
	char target[64], spool[96];
	struct queue *q;
	struct road *r;
	void *self;

	text_put(target, sizeof(target), "%s://127.0.0.1:%u", kind, port);
	text_put(spool, sizeof(spool), "%s/spool", dir);
	p.target = target;
	cr_assert_eq(queue_spool(&q, spool, 0), 0);
	cr_assert_eq(road_syslog_make(&self, &p), 0);
	cr_assert_eq(road_open(&r, road_syslog_end(&p), self, q, target), 0);
	return r;
}

static void put(struct road *r, unsigned from, unsigned to)
{
	static struct json_writer j;
	struct identity host = {.name = "db1.example"};

	for (unsigned i = from; i < to; i++) {
		struct event e = {.kind = EVENT_STATE, .action = "started", .severity = 3};
		const char *line;
		char body[64];

		e.time_ns = 1795430472345678000ull;
		e.sequence = i;
		text_put(e.id, sizeof(e.id), "%08u-x", i);
		text_put(body, sizeof(body), "{\"n\":%u}", i);
		line = road_syslog_wrap(&j, &e, &host, body);
		cr_assert_eq(road_put(r, line, strlen(line)), 0);
	}
}

/* The receiver has every number from 0 to n; each first time in order. Waits for that. */
static bool arrived(unsigned n, char *why, size_t size)
{
	FILE *f = fopen(out, "r");
	char line[1024];
	unsigned next = 0;
	bool good = f;

	why[0] = 0;
	while (f && good && fgets(line, sizeof(line), f)) {
		const char *id = strstr(line, "id=\""), *body = strstr(line, "{\"n\":");
		unsigned got;

		if (!id)
			continue; /* rsyslog's own */
		got = (unsigned)strtoul(id + 4, NULL, 10);
		if (!body || strtoul(body + 5, NULL, 10) != got ||
		    strncmp(line, "107|db1.example|cordon|started|[meta sequenceId=", 48) ||
		    got > next) {
			text_put(why, size, "after %u: %s", next, line);
			good = false;
		}
		next += got == next;
	}
	if (f)
		fclose(f);
	if (good && next < n)
		text_put(why, size, "%u of %u", next, n);
	return good && next == n;
}
static void wait_arrived(unsigned n)
{
	char why[1200];

	for (int i = 0; i < 900; i++) {
		if (arrived(n, why, sizeof(why)))
			return;
		usleep(100000);
	}
	cr_assert_fail("%s", why);
}

static struct road_state wait_error(struct road *r)
{
	struct road_state s;

	for (int i = 0; i < 600; i++) {
		road_state(r, &s);
		if (s.error)
			break;
		usleep(50000);
	}
	cr_assert_neq(s.error, 0, "it should fail");
	return s;
}

/* Down at the start; up; killed in the middle; up again; the road itself goes and comes back. */
static void receiver_comes_and_goes(const char *kind, const struct policy_feed *p)
{
	struct road_state s;
	struct road *r;

	server_config(kind);
	r = road_to(kind, p);
	put(r, 0, 300);
	s = wait_error(r);
	cr_expect_eq(s.waiting, 300u);
	cr_expect(s.why[0]);
	server_start();
	wait_arrived(300);
	server_stop(SIGKILL);
	put(r, 300, 500);
	wait_error(r);
	cr_expect_gt(road_close(r), 0u, "it waits in the directory");
	r = road_to(kind, p);
	put(r, 500, 600);
	server_start();
	wait_arrived(600);
	put(r, 600, 700);
	wait_arrived(700);
	cr_expect_eq(road_close(r), 0, "it ends well: all is confirmed");
	r = road_to(kind, p);
	road_state(r, &s);
	cr_expect_eq(s.waiting, 0, "and nothing comes again");
	put(r, 700, 701);
	wait_arrived(701);
	cr_expect_eq(road_close(r), 0);
}

static bool have_rsyslog(void)
{
	if (access(RSYSLOGD, X_OK) == 0)
		return true;
	cr_skip_test("rsyslogd is not installed");
	return false;
}

Test(road_syslog, udp)
{
	if (have_rsyslog())
		receiver_comes_and_goes("udp", NULL);
}

Test(road_syslog, tcp)
{
	if (have_rsyslog())
		receiver_comes_and_goes("tcp", NULL);
}

/* NAME of authority CA (which is made); subjectAltName san */
static void make_cert(const char *name, const char *ca, const char *san)
{
	shell("{ openssl req -newkey rsa:2048 -nodes -subj /CN=%s -keyout %s.key -out %s.csr && printf 'subjectAltName=%s\\n' >ext && "
	      "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 -extfile ext -out %s.pem; } 2>log || { cat log; false; }",
	      name, name, name, san, name, ca, ca, name);
}
static void make_ca(const char *ca)
{
	shell("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=%s -days 2 -keyout %s.key -out %s.pem 2>log || { cat log; false; }",
	      ca, ca, ca);
}

static char ca[96], cert[96], key[96], other[96], foreign[96], foreign_key[96];
static void make_all(const char *san)
{
	make_ca("ca");
	make_ca("other");
	make_cert("server", "ca", san);
	make_cert("agent.example", "ca", "DNS:agent.example");
	make_cert("foreign", "other", "DNS:agent.example");
	text_put(ca, sizeof(ca), "%s/ca.pem", dir);
	text_put(other, sizeof(other), "%s/other.pem", dir);
	text_put(cert, sizeof(cert), "%s/agent.example.pem", dir);
	text_put(key, sizeof(key), "%s/agent.example.key", dir);
	text_put(foreign, sizeof(foreign), "%s/foreign.pem", dir);
	text_put(foreign_key, sizeof(foreign_key), "%s/foreign.key", dir);
}

Test(road_syslog, tls)
{
	if (!have_rsyslog())
		return;
	make_all("IP:127.0.0.1");
	receiver_comes_and_goes("tls", &(struct policy_feed){.ca = ca, .cert = cert, .key = key});
}

Test(road_syslog, tls_trusts_nobody_else)
{
	const struct {
		const char *what;
		struct policy_feed p;
		const char *why;
	} row[] = {
		{"another authority", {.ca = other, .cert = cert, .key = key}, "certificate"},
		{"the system's authorities", {.cert = cert, .key = key}, "certificate"},
		{"another name",
		 {.ca = ca, .cert = cert, .key = key, .name = "siem.example.org"},
		 "mismatch"},
		{"a wrong address", {.ca = ca, .cert = cert, .key = key}, "mismatch"},
		{"no such file", {.ca = "/nonexistent/ca.pem"}, "/nonexistent/ca.pem"},
		{"a key that is another's", {.ca = ca, .cert = cert, .key = foreign_key}, "key"},
	};

	if (!have_rsyslog())
		return;
	make_all("DNS:siem.example");
	server_config("tls");
	server_start();
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct road *r = road_to("tls", &row[i].p);
		struct road_state s;

		if (!i)
			put(r, 0, 1);
		for (int wait = 0; wait < 400; wait++) { /* until the server is up */
			s = wait_error(r);
			if (s.error != ECONNREFUSED)
				break;
			usleep(50000);
		}
		cr_expect(strstr(s.why, row[i].why), "%s: %s", row[i].what, s.why);
		cr_expect_eq(s.waiting, 1, "%s", row[i].what);
		road_close(r);
	}
	{
		struct road *r = road_to("tls", &(struct policy_feed){.ca = ca,
								      .cert = foreign,
								      .key = foreign_key,
								      .name = "siem.example"});

		wait_error(r); /* rsyslog refuses a client of another authority */
		road_close(r);
		r = road_to("tls",
			    &(struct policy_feed){
				    .ca = ca, .cert = cert, .key = key, .name = "siem.example"});
		wait_arrived(1);
		cr_expect_eq(road_close(r), 0);
	}
}

/* A receiver that accepts and never reads holds up its own road and nobody else. */
Test(road_syslog, a_receiver_that_never_reads)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	static char line[60000];
	struct timespec began, ended;
	struct road_state s;
	struct road *r;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	a.sin_port = htons((uint16_t)port);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 5), 0);
	r = road_to("tcp", NULL);
	memset(line, 'x', sizeof(line));
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (int i = 0; i < 500; i++)
		cr_assert_eq(road_put(r, line, sizeof(line)), 0);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	cr_expect_lt(ended.tv_sec - began.tv_sec, 20);
	usleep(300000);
	road_state(r, &s);
	cr_expect_eq(s.lines, 0, "nothing is confirmed that nobody read");
	cr_expect_eq(s.waiting, 500);
	road_close(r);
	close(fd);
}

Test(road_syslog, when_a_line_counts_as_delivered)
{
	static struct flight f;

	flight_add(&f, 100, 1);
	flight_add(&f, 200, 2);
	cr_expect_eq(flight_confirmed(&f, 200, 5), 0, "not yet");
	cr_expect_eq(flight_confirmed(&f, 99, 2 + FLIGHT_SETTLE_NS), 0, "not acknowledged");
	cr_expect_eq(flight_confirmed(&f, 199, 2 + FLIGHT_SETTLE_NS), 1);
	cr_expect_eq(flight_confirmed(&f, 200, 2 + FLIGHT_SETTLE_NS), 1);
	for (uint64_t i = 0; i < FLIGHT_MAX; i++) {
		cr_expect_not(flight_full(&f));
		flight_add(&f, 300 + i, 3);
	}
	cr_expect(flight_full(&f));
	cr_expect_eq(flight_confirmed(&f, 300, 4), 1,
		     "a full one waits only for the acknowledgement");
	flight_reset(&f);
	cr_expect_eq(flight_confirmed(&f, UINT64_MAX, UINT64_MAX), 0);
}

/* Foreign bytes end neither a field nor the message. */
Test(road_syslog, message)
{
	struct json_writer j = {0};
	struct identity host = {.name = "a b\n\x01\xc3\xa4host"};
	struct event e = {.kind = EVENT_STATE, .action = "x y", .severity = 4};
	const char *m;
	char want[400];

	e.time_ns = 1795430472345678999ull;
	e.sequence = 0x180000001ull;
	text_put(e.id, sizeof(e.id), "a\"]\\\n");
	m = road_syslog_wrap(&j, &e, &host, "{}");
	text_put(want, sizeof(want),
		 "<106>1 2026-11-23T10:41:12.345678Z abhost cordon %u xy [meta sequenceId=\"1\"]"
		 "[origin software=\"cordon\" swVersion=\"" CORDON_VERSION
		 "\"][cordon@32473 id=\"a\\\"\\]\\\\ \" kind=\"%s\" level=\"critical\"] {}",
		 (unsigned)getpid(), event_kind_name(e.kind));
	cr_expect_str_eq(m, want);
	host.name[0] = 0;
	e.severity = 0;
	e.action = NULL;
	m = road_syslog_wrap(&j, &e, &host, "{}");
	cr_expect_eq(strncmp(m, "<110>1 ", 7), 0);
	cr_expect(strstr(m, "Z - cordon "), "%s", m);
	json_writer_free(&j);
}

static _Atomic int refuses;
static int judge(void *arg, const struct ip *dst, uint16_t to, uint8_t proto, char *why,
		 size_t size)
{
	char ip[IP_STRLEN];

	(void)arg;
	cr_assert_str_eq(ip_format(ip, dst), "127.0.0.1");
	cr_assert(to);
	cr_assert_eq(proto, 6);
	if (refuses)
		text_put(why, size, "the policy says no");
	return refuses ? -JUDGE_REFUSED : 0;
}
static void expect_refused(struct road *r)
{
	struct road_state s;

	for (int i = 0; i < 600; i++) {
		road_state(r, &s);
		if (s.error == JUDGE_REFUSED)
			break;
		usleep(50000);
	}
	cr_expect_eq(s.error, JUDGE_REFUSED);
	cr_expect_str_eq(s.why, "the policy says no");
}

/* Refused before it connects, and while it is connected. */
Test(road_syslog, the_policy_judges_the_receiver)
{
	struct road_state s;
	struct road *r;

	if (!have_rsyslog())
		return;
	server_config("tcp");
	server_start();
	refuses = 1;
	judge_set(judge, NULL);
	r = road_to("tcp", NULL);
	put(r, 0, 10);
	expect_refused(r);
	road_state(r, &s);
	cr_expect_eq(s.waiting, 10);
	refuses = 0;
	wait_arrived(10);
	refuses = 1;
	expect_refused(r);
	put(r, 10, 20);
	refuses = 0;
	wait_arrived(20);
	road_close(r);
}
