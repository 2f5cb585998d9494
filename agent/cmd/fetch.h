/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.h - one file over HTTPS (libcurl): verified, bounded in size and time, and only when it
 * changed. */
#ifndef AGENT_CMD_FETCH_H
#define AGENT_CMD_FETCH_H
#include <stddef.h>
#include <stdint.h>

#define FETCH_ERROR_MAX 256
struct fetch_request {
	const char *url;  /* https only, after redirects too (at most 5) */
	const char *ca;	  /* authorities to trust instead of the system's; NULL */
	const char *etag; /* of what is there already, "" = none: sent as If-None-Match */
	size_t max;	  /* bytes, after decompression */
};
struct fetch_answer {
	long status; /* 200 or 304 */
	char *body;  /* owned: free(); NULL for 304 */
	size_t len;
	char etag[256];	  /* "" when none was sent, or it was too long */
	int64_t modified; /* Last-Modified, Unix seconds; 0 = none */
};
/* 0, or -errno with one sentence in error: -EFBIG too large, -ETIMEDOUT, -EPROTO status or TLS,
 * -EIO the rest. */
int fetch(struct fetch_answer *ret, const struct fetch_request *q, char error[FETCH_ERROR_MAX]);
#endif
