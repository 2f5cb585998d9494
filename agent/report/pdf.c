/* SPDX-License-Identifier: BSD-2-Clause */
/* pdf.c - the page in a directory of its own, a program that prints it, and the file that came of it. */
#include "agent/report/pdf.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "agent/base/text.h"
#include "geo/base/cleanup.h"
#include "geo/base/file.h"

#define PDF_SECONDS 180
#define PDF_MAX	    (256u << 20)
#define ARGS_MAX    16

extern char **environ;

struct printing {
	char dir[256], page[300], out[300], url[320], output[340], profile[300];
};

static const char *const browsers[] = {"chromium", "chromium-browser", "google-chrome",
				       "google-chrome-stable"};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)f;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static int make_dir(struct printing *p)
{
	const char *tmp = getenv("TMPDIR");

	text_put(p->dir, sizeof(p->dir), "%s/cordon-report-XXXXXX",
		 tmp && *tmp == '/' ? tmp : "/tmp");
	if (!mkdtemp(p->dir))
		return -errno;
	text_put(p->page, sizeof(p->page), "%s/page.html", p->dir);
	text_put(p->out, sizeof(p->out), "%s/page.pdf", p->dir);
	text_put(p->url, sizeof(p->url), "file://%s", p->page);
	text_put(p->output, sizeof(p->output), "--print-to-pdf=%s", p->out);
	text_put(p->profile, sizeof(p->profile), "--user-data-dir=%s/profile", p->dir);
	return 0;
}

static int write_page(const struct printing *p, const struct residency *r, enum report_lang l)
{
	_fclose_ FILE *f = fopen(p->page, "wxe");

	if (!f)
		return -errno;
	return report_put_html(r, l, f) < 0 || fflush(f) != 0 ? -EIO : 0;
}

/* Until it ends, or its time is over. */
static int wait_for(pid_t pid)
{
	struct timespec step = {.tv_nsec = 20000000};
	int status;

	for (unsigned i = 0; i < PDF_SECONDS * 50; i++) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
		if (got < 0)
			return -errno;
		nanosleep(&step, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ETIMEDOUT;
}

/* 0; -ENOENT: it is not installed. What it says goes nowhere: it says much that is no error. */
static int run(char *const *argv)
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	int e;

	if (posix_spawn_file_actions_init(&quiet) != 0)
		return -ENOMEM;
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	e = posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
	return e ? -e : wait_for(pid);
}

static int weasyprint(struct printing *p)
{
	char name[] = "weasyprint";
	char *argv[] = {name, p->page, p->out, NULL};

	return run(argv);
}

/* Chromium's own sandbox does not start as root; the page is ours, has no script and loads nothing. */
static int chromium(struct printing *p, const char *name)
{
	char program[64], headless[] = "--headless", gpu[] = "--disable-gpu",
			  plain[] = "--no-pdf-header-footer", sandbox[] = "--no-sandbox",
			  first[] = "--no-first-run", net[] = "--disable-background-networking";
	char *argv[ARGS_MAX] = {program, headless, gpu, plain, first, net, p->profile, p->output};
	unsigned n = 8;

	text_put(program, sizeof(program), "%s", name);
	if (geteuid() == 0)
		argv[n++] = sandbox;
	argv[n] = p->url;
	return run(argv);
}

static int print_it(struct printing *p)
{
	int e = weasyprint(p);

	for (size_t i = 0; e == -ENOENT && i < sizeof(browsers) / sizeof(*browsers); i++)
		e = chromium(p, browsers[i]);
	return e;
}

static int take(const struct printing *p, const char *path, struct diag_sink *d)
{
	_free_ char *pdf = NULL;
	size_t n;
	int e = file_read(&pdf, &n, AT_FDCWD, p->out, PDF_MAX);

	if (e < 0 || n < 5 || memcmp(pdf, "%PDF-", 5) != 0) {
		diag_error(d, path, 0, "the program that prints made no PDF");
		return e < 0 ? e : -EIO;
	}
	return file_replace(path, pdf, n, d);
}

int report_put_pdf(const struct residency *r, enum report_lang l, const char *path,
		   struct diag_sink *d)
{
	struct printing p;
	int e = make_dir(&p);

	if (e < 0) {
		diag_error(d, path, 0, "no directory to print from: %s", strerror(-e));
		return e;
	}
	e = write_page(&p, r, l);
	e = e ? e : print_it(&p);
	if (e == -ENOENT)
		diag_error(d, path, 0,
			   "needs weasyprint or chromium, and neither is installed: "
			   "'apt install weasyprint', or print the --html page");
	else if (e < 0)
		diag_error(d, path, 0, "cannot be printed: %s", strerror(-e));
	else
		e = take(&p, path, d);
	nftw(p.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return e;
}
