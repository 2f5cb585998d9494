/* SPDX-License-Identifier: BSD-2-Clause */
/* html_proof.c - the last section: the journals' signed roots, and the commands that check them. */
#include "agent/report/form_html.h"
#include "agent/report/page.h"

static const char record_commands[] = "cordon journal proof RECORD --output p\n"
				      "cordon journal key --pem &gt; key.pem\n"
				      "cordon verify --proof p --record p.record --key VERIFIER\n";
static const char openssl_commands[] =
	"sed '/^$/,$d' checkpoint > body\n"
	"tail -n 1 checkpoint | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature\n"
	"openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in body -sigfile signature\n";

static void paragraph(FILE *to, enum report_text t, enum report_lang l)
{
	fputs("<p>", to);
	page_text(to, report_text(t, l));
	fputs("</p>\n", to);
}

/* A checkpoint has several lines: each is text. */
static void lines(FILE *to, const char *s)
{
	char line[1024];

	fputs("<pre>", to);
	while (*s) {
		size_t n = 0;

		for (; *s && *s != '\n'; s++)
			if (n + 1 < sizeof(line))
				line[n++] = *s;
		line[n] = 0;
		page_name(to, line);
		fputc('\n', to);
		s += *s == '\n';
	}
	fputs("</pre>\n", to);
}

static void journal(FILE *to, const struct fact_host *h, enum report_lang l)
{
	struct report_line name = {T_PROOF_JOURNAL,
				   {KIND_NAME, KIND_COUNT, KIND_COUNT},
				   {{.s = h->name}, {.n = h->records}, {.n = h->signed_records}},
				   ' '};
	char buf[LINE_MAX_BYTES];

	fputs("<h3>", to);
	page_text(to, line_text(buf, sizeof(buf), &name, l));
	fputs("</h3>\n", to);
	if (h->checkpoint)
		lines(to, h->checkpoint);
	if (!h->verifier)
		return;
	fputs("<p class=\"s\">", to);
	page_text(to, report_text(T_PROOF_VERIFIER, l));
	fputs(" <code>", to);
	page_name(to, h->verifier);
	fputs("</code></p>\n", to);
}

void html_proof(FILE *to, const struct residency *r, enum report_lang l)
{
	const struct report_facts *f = r->facts;
	bool any = false;

	fputs("<section>", to);
	html_head(to, "proof", T_TAB_PROOF, l);
	for (size_t i = 0; i < f->hosts; i++)
		any |= f->host[i].has_journal;
	if (!any) {
		paragraph(to, T_PROOF_NONE, l);
	} else {
		paragraph(to, T_PROOF_ROWS, l);
		fprintf(to, "<pre>%s</pre>\n", record_commands);
		paragraph(to, T_PROOF_OPENSSL, l);
		fputs("<pre>", to);
		for (const char *s = openssl_commands; *s; s++)
			if (*s == '>')
				fputs("&gt;", to);
			else
				fputc(*s, to);
		fputs("</pre>\n", to);
	}
	for (size_t i = 0; i < f->hosts; i++)
		if (f->host[i].has_journal)
			journal(to, &f->host[i], l);
	fputs("</section>\n", to);
}
