/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.c - gets one file over HTTPS; nothing is trusted that the certificate does not vouch for.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "agent/cmd/fetch.h"

#define CONNECT_SECONDS 20L
#define TOTAL_SECONDS	600L
#define SLOW_BYTES	200L /* a second, over SLOW_SECONDS: the server is gone */
#define SLOW_SECONDS	60L

struct body {
	const struct fetch_request *q;
	struct fetch_answer *a;
	size_t capacity;
	bool too_large;
};

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct body *b = arg;
	size_t more = size * n;

	if (more > b->q->max - b->a->len) {
		b->too_large = true;
		return 0;
	}
	if (b->a->len + more > b->capacity) {
		size_t capacity = b->capacity ? b->capacity : 1 << 16;
		char *v;

		while (capacity < b->a->len + more)
			capacity *= 2;
		v = realloc(b->a->body, capacity);
		if (!v)
			return 0;
		b->a->body = v;
		b->capacity = capacity;
	}
	memcpy(b->a->body + b->a->len, p, more);
	b->a->len += more;
	return more;
}

/* Each answer on the way (a redirect) has headers of its own: the tag of the last one counts. */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	static const char name[] = "etag:";
	struct fetch_answer *a = ((struct body *)arg)->a;
	size_t len = size * n, start = sizeof(name) - 1;

	if (len > 5 && !strncasecmp(p, "HTTP/", 5))
		a->etag[0] = '\0';
	if (len <= start || strncasecmp(p, name, start))
		return len;
	while (start < len && p[start] == ' ')
		start++;
	for (n = len; n > start && strchr(" \r\n", p[n - 1]);)
		n--;
	if (n - start >= sizeof(a->etag))
		return len;
	memcpy(a->etag, p + start, n - start);
	a->etag[n - start] = '\0';
	return len;
}

static CURLcode set_options(CURL *c, const struct fetch_request *q, struct body *b,
			    struct curl_slist *headers)
{
	CURLcode r = CURLE_OK;

#define SET(option, value) r = r ? r : curl_easy_setopt(c, option, value)
	SET(CURLOPT_URL, q->url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, 5L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_FILETIME, 1L);
	SET(CURLOPT_ACCEPT_ENCODING, "");
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)q->max);
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	SET(CURLOPT_TIMEOUT, TOTAL_SECONDS);
	SET(CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	SET(CURLOPT_USERAGENT, "cordon/" CORDON_VERSION);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, b);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, b);
	if (q->ca) {
		SET(CURLOPT_CAINFO, q->ca);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET
	return r;
}

static int error_of(CURLcode r, const struct body *b)
{
	if (b->too_large || r == CURLE_FILESIZE_EXCEEDED)
		return -EFBIG;
	if (r == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	if (r == CURLE_HTTP_RETURNED_ERROR || r == CURLE_PEER_FAILED_VERIFICATION ||
	    r == CURLE_UNSUPPORTED_PROTOCOL)
		return -EPROTO;
	return -EIO;
}

static int perform(CURL *c, const struct fetch_request *q, struct fetch_answer *a,
		   struct curl_slist *headers, char error[FETCH_ERROR_MAX])
{
	char detail[CURL_ERROR_SIZE] = "";
	struct body b = {.q = q, .a = a};
	curl_off_t modified = -1;
	CURLcode r = set_options(c, q, &b, headers);

	if (!r)
		r = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
	if (!r)
		r = curl_easy_perform(c);
	if (r) {
		int e = error_of(r, &b);

		if (e == -EFBIG)
			snprintf(error, FETCH_ERROR_MAX, "over %zu bytes: refused", q->max);
		else
			snprintf(error, FETCH_ERROR_MAX, "%s",
				 *detail ? detail : curl_easy_strerror(r));
		return e;
	}
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(c, CURLINFO_FILETIME_T, &modified);
	a->modified = modified > 0 ? (int64_t)modified : 0;
	if (a->status == 200 || (a->status == 304 && *q->etag))
		return 0;
	snprintf(error, FETCH_ERROR_MAX, "answered with status %ld", a->status);
	return -EPROTO;
}

int fetch(struct fetch_answer *ret, const struct fetch_request *q, char error[FETCH_ERROR_MAX])
{
	struct fetch_answer a = {0};
	struct curl_slist *headers = NULL;
	char match[300];
	CURL *c;
	int r = -ENOMEM;

	snprintf(error, FETCH_ERROR_MAX, "out of memory");
	c = curl_easy_init();
	if (!c)
		return -ENOMEM;
	if (*q->etag) {
		snprintf(match, sizeof(match), "If-None-Match: %s", q->etag);
		headers = curl_slist_append(NULL, match);
	}
	if (!*q->etag || headers)
		r = perform(c, q, &a, headers, error);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	if (r) {
		free(a.body);
		return r;
	}
	*ret = a;
	return 0;
}
