/* SPDX-License-Identifier: BSD-2-Clause */
/* road_otlp.c - records to batches, batches to a server, and what its answer means. */
#include "agent/feed/road_otlp.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <curl/curl.h>
#include <jansson.h>
#include <zlib.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/feed/judge.h"

#define BATCH	    512u
#define BATCH_BYTES (1u << 20)
#define RECORD_MAX  (1u << 20)
#define ANSWER_MAX  4096u /* of a body; more is not read */
#define TIMEOUT_MS  10000
#define PAUSE_MAX_S 600

struct otlp {
	char *url, *headers, *ca, *cert, *key; /* owned; NULL: none */
	long timeout_ms;
	bool gzip;
	struct identity host;
	CURL *curl;		   /* owned */
	struct curl_slist *header; /* owned */
	struct json_writer batch;
	unsigned n, limit; /* records in it; at most so many, while the server refuses more */
	uint64_t done, refused;
	uint64_t pause_ms;
	char answer[ANSWER_MAX];
	size_t answered;
	bool judged; /* no: the policy refuses the server */
	char why[ROAD_WHY];
};

static int say(struct otlp *o, int error, const char *what)
{
	text_put(o->why, sizeof(o->why), "%s", what);
	return -error;
}

/* ---- settings: the policy, then the environment's for logs, then for all ---- */

static const char *setting(const char *name)
{
	char b[64];
	const char *s;

	text_put(b, sizeof(b), "OTEL_EXPORTER_OTLP_LOGS_%s", name);
	s = getenv(b);
	if (s && *s)
		return s;
	text_put(b, sizeof(b), "OTEL_EXPORTER_OTLP_%s", name);
	s = getenv(b);
	return s && *s ? s : NULL;
}

static bool copy(char **ret, const char *s, const char *name)
{
	s = s ? s : setting(name);
	*ret = s ? strdup(s) : NULL;
	return !s || *ret;
}

/* A base gets the path of logs; the endpoint for logs is taken as it is. */
static int make_url(struct otlp *o, const char *target)
{
	const char *logs = getenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"), *path;
	size_t n;

	if (!target && logs && *logs) {
		o->url = strdup(logs);
		return o->url ? 0 : -ENOMEM;
	}
	target = target ? target : setting("ENDPOINT");
	if (!target)
		return -EINVAL;
	path = strstr(target, "://");
	path = path ? strchr(path + 3, '/') : NULL;
	n = strlen(target);
	if (path && path[1])
		o->url = strdup(target);
	else if (asprintf(&o->url, "%.*s/v1/logs", (int)(path ? n - 1 : n), target) < 0)
		o->url = NULL;
	return o->url ? 0 : -ENOMEM;
}

static void otlp_free(void *self)
{
	struct otlp *o = self;

	free(o->url);
	free(o->headers);
	free(o->ca);
	free(o->cert);
	free(o->key);
	json_writer_free(&o->batch);
	free(o);
}

int road_otlp_make(void **self, const struct policy_feed *p)
{
	struct otlp *o = calloc(1, sizeof(*o));
	const char *timeout = setting("TIMEOUT"), *compression = setting("COMPRESSION");
	int r;

	if (!o)
		return -ENOMEM;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	r = make_url(o, p->target);
	if (r == 0 && (!copy(&o->headers, NULL, "HEADERS") || !copy(&o->ca, p->ca, "CERTIFICATE") ||
		       !copy(&o->cert, p->cert, "CLIENT_CERTIFICATE") ||
		       !copy(&o->key, p->key, "CLIENT_KEY")))
		r = -ENOMEM;
	if (r < 0) {
		otlp_free(o);
		return r;
	}
	o->timeout_ms = timeout ? strtol(timeout, NULL, 10) : 0;
	o->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS;
	o->gzip = compression && !strcmp(compression, "gzip");
	o->limit = BATCH;
	identity_read(&o->host);
	*self = o;
	return 0;
}

/* ---- the handle ---- */

static size_t on_answer(char *bytes, size_t size, size_t n, void *self)
{
	struct otlp *o = self;
	size_t room = sizeof(o->answer) - 1 - o->answered, take = size * n < room ? size * n : room;

	memcpy(o->answer + o->answered, bytes, take);
	o->answered += take;
	return size * n;
}

static curl_socket_t on_socket(void *self, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct otlp *o = self;

	(void)purpose;
	if (judge_address(&a->addr, IPPROTO_TCP, o->why, sizeof(o->why)) < 0) {
		o->judged = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* A connection that is kept is judged before each request. */
static int on_request(void *self, char *peer, char *local, int port, int local_port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct otlp *o = self;
	int r = 0;

	(void)local, (void)local_port;
	if (inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
		r = judge_address((struct sockaddr *)&v4, IPPROTO_TCP, o->why, sizeof(o->why));
	else if (inet_pton(AF_INET6, peer, &v6.sin6_addr) == 1)
		r = judge_address((struct sockaddr *)&v6, IPPROTO_TCP, o->why, sizeof(o->why));
	o->judged = r < 0;
	return r < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int add_header(struct otlp *o, const char *text)
{
	struct curl_slist *more = curl_slist_append(o->header, text);

	o->header = more ? more : o->header;
	return more ? 0 : -ENOMEM;
}

/* "name=value,name=value"; values are percent-encoded (W3C baggage). */
static int add_headers(struct otlp *o)
{
	_free_ char *copied = strdup(o->headers ? o->headers : "");
	char *rest = copied, *one;
	int r = copied ? 0 : -ENOMEM;

	while (r == 0 && (one = strsep(&rest, ","))) {
		char *value = strchr(one, '='), *plain;
		_free_ char *line = NULL;

		if (!value)
			continue;
		*value++ = 0;
		one += strspn(one, " ");
		plain = curl_easy_unescape(o->curl, value, 0, NULL);
		if (!plain || asprintf(&line, "%s: %s", one, plain) < 0)
			line = NULL;
		r = line && !strpbrk(line, "\r\n") ? add_header(o, line) : -EINVAL;
		curl_free(plain);
	}
	return r;
}

static void otlp_close(void *self)
{
	struct otlp *o = self;

	curl_slist_free_all(o->header);
	curl_easy_cleanup(o->curl);
	o->header = NULL;
	o->curl = NULL;
}

static int otlp_open(void *self)
{
	struct otlp *o = self;
	int r;

	o->n = 0;
	o->done = o->refused = 0;
	o->why[0] = 0;
	o->curl = curl_easy_init();
	if (!o->curl)
		return -ENOMEM;
	r = add_header(o, "Content-Type: application/json");
	r = r ? r : add_header(o, "Expect:");
	r = r == 0 && o->gzip ? add_header(o, "Content-Encoding: gzip") : r;
	r = r ? r : add_headers(o);
	if (r < 0)
		return say(o, -r, "OTEL_EXPORTER_OTLP_HEADERS: not name=value,name=value");
	curl_easy_setopt(o->curl, CURLOPT_URL, o->url);
	curl_easy_setopt(o->curl, CURLOPT_HTTPHEADER, o->header);
	curl_easy_setopt(o->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(o->curl, CURLOPT_NOPROXY,
			 "*"); /* where a proxy sends it, nobody can judge */
	curl_easy_setopt(o->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(o->curl, CURLOPT_OPENSOCKETDATA, o);
	curl_easy_setopt(o->curl, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(o->curl, CURLOPT_PREREQDATA, o);
	curl_easy_setopt(o->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(o->curl, CURLOPT_TIMEOUT_MS, o->timeout_ms);
	curl_easy_setopt(o->curl, CURLOPT_USERAGENT, "cordon/" CORDON_VERSION);
	curl_easy_setopt(o->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(o->curl, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(o->curl, CURLOPT_WRITEDATA, o);
	if (o->ca)
		curl_easy_setopt(o->curl, CURLOPT_CAINFO, o->ca);
	if (o->cert)
		curl_easy_setopt(o->curl, CURLOPT_SSLCERT, o->cert);
	if (o->key)
		curl_easy_setopt(o->curl, CURLOPT_SSLKEY, o->key);
	return 0;
}

/* ---- batches ---- */

static void put_attribute(struct json_writer *j, const char *key, const char *value)
{
	if (!*value)
		return;
	json_writer_open(j, NULL, '{');
	json_writer_text(j, "key", key);
	json_writer_open(j, "value", '{');
	json_writer_text(j, "stringValue", value);
	json_writer_close(j, '}');
	json_writer_close(j, '}');
}

static void begin_batch(struct otlp *o)
{
	struct json_writer *j = &o->batch;

	json_writer_reset(j);
	json_writer_open(j, NULL, '{');
	json_writer_open(j, "resourceLogs", '[');
	json_writer_open(j, NULL, '{');
	json_writer_open(j, "resource", '{');
	json_writer_open(j, "attributes", '[');
	put_attribute(j, "service.name", "cordon");
	put_attribute(j, "service.version", CORDON_VERSION);
	put_attribute(j, "service.instance.id", o->host.agent_id);
	put_attribute(j, "host.name", o->host.name);
	put_attribute(j, "host.id", o->host.id);
	json_writer_close(j, ']');
	json_writer_close(j, '}');
	json_writer_open(j, "scopeLogs", '[');
	json_writer_open(j, NULL, '{');
	json_writer_open(j, "scope", '{');
	json_writer_text(j, "name", "cordon");
	json_writer_text(j, "version", CORDON_VERSION);
	json_writer_close(j, '}');
	json_writer_open(j, "logRecords", '[');
}

static const char *end_batch(struct otlp *o)
{
	static const char closing[] = "]}]}]}";

	for (size_t i = 0; closing[i]; i++)
		json_writer_close(&o->batch, closing[i]);
	return json_writer_done(&o->batch);
}

/* malloc'ed; NULL: no memory. */
static char *compress_batch(const char *text, size_t n, size_t *ret)
{
	z_stream z = {0};
	char *out;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return NULL;
	*ret = deflateBound(&z, n);
	out = malloc(*ret);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)*ret;
	if (out && deflate(&z, Z_FINISH) != Z_STREAM_END) {
		free(out);
		out = NULL;
	}
	*ret = z.total_out;
	deflateEnd(&z);
	return out;
}

/* A server that took the batch may still say that it dropped some. */
static void read_partial(struct otlp *o)
{
	json_t *a = json_loadb(o->answer, o->answered, 0, NULL);
	json_t *p = json_object_get(a, "partialSuccess");
	json_t *n = json_object_get(p, "rejectedLogRecords");
	uint64_t rejected = json_is_string(n) ? strtoull(json_string_value(n), NULL, 10)
			    : json_is_integer(n) && json_integer_value(n) > 0
				    ? (uint64_t)json_integer_value(n)
				    : 0;

	if (rejected)
		text_put(o->why, sizeof(o->why), "the server dropped records: %s",
			 json_string_value(json_object_get(p, "errorMessage"))
				 ? json_string_value(json_object_get(p, "errorMessage"))
				 : "it does not say why");
	o->refused += rejected < o->n ? rejected : o->n;
	json_decref(a);
}

static void taken(struct otlp *o)
{
	o->done += o->n;
	o->n = 0;
	o->limit = o->limit * 2 < BATCH ? o->limit * 2 : BATCH;
}

/* It will never take this batch: by halves, the record that is at fault is found, and given up. */
static int refused(struct otlp *o)
{
	if (o->n == 1) {
		o->refused++;
		taken(o);
		o->limit = 1;
		return 0;
	}
	o->limit = o->n / 2;
	o->pause_ms = 1;
	return -EMSGSIZE;
}

static int answer(struct otlp *o)
{
	curl_off_t after = 0;
	long code = 0;

	curl_easy_getinfo(o->curl, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_getinfo(o->curl, CURLINFO_RETRY_AFTER, &after);
	if (code >= 200 && code < 300) {
		read_partial(o);
		taken(o);
		return 0;
	}
	text_put(o->why, sizeof(o->why), "%s answers %ld", o->url, code);
	if (code == 400 || code == 413)
		return refused(o);
	o->pause_ms = (uint64_t)(after < PAUSE_MAX_S ? after : PAUSE_MAX_S) * 1000;
	return code == 401 || code == 403 ? -EACCES : -EIO;
}

static int post(struct otlp *o)
{
	_free_ char *packed = NULL;
	const char *text = end_batch(o);
	size_t n = o->batch.len;
	CURLcode c;

	if (!text)
		return say(o, ENOMEM, "not enough memory");
	if (o->gzip) {
		packed = compress_batch(text, n, &n);
		if (!packed)
			return say(o, ENOMEM, "not enough memory");
		text = packed;
	}
	o->answered = 0;
	o->pause_ms = 0;
	o->judged = false;
	curl_easy_setopt(o->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	curl_easy_setopt(o->curl, CURLOPT_POSTFIELDS, text);
	c = curl_easy_perform(o->curl);
	if (o->judged)
		return -JUDGE_REFUSED;
	if (c != CURLE_OK)
		return say(o, c == CURLE_OPERATION_TIMEDOUT ? ETIMEDOUT : ECONNREFUSED,
			   curl_easy_strerror(c));
	return answer(o);
}

static int otlp_send(void *self, const char *line, size_t len)
{
	struct otlp *o = self;

	if (!o->n)
		begin_batch(o);
	json_writer_raw(&o->batch, NULL, line, len);
	o->n++;
	return o->n >= o->limit || o->batch.len >= BATCH_BYTES ? post(o) : 0;
}

static int otlp_flush(void *self)
{
	struct otlp *o = self;

	return o->n ? post(o) : 0;
}

static uint64_t take_count(uint64_t *n)
{
	uint64_t was = *n;

	*n = 0;
	return was;
}

static uint64_t otlp_confirmed(void *self)
{
	return take_count(&((struct otlp *)self)->done);
}

static uint64_t otlp_refused(void *self)
{
	return take_count(&((struct otlp *)self)->refused);
}

static uint64_t otlp_pause(void *self)
{
	return ((struct otlp *)self)->pause_ms;
}

static const char *otlp_why(void *self)
{
	return ((struct otlp *)self)->why;
}

const struct road_end *road_otlp_end(const struct policy_feed *p)
{
	static const struct road_end end = {.open = otlp_open,
					    .send = otlp_send,
					    .close = otlp_close,
					    .free = otlp_free,
					    .flush = otlp_flush,
					    .confirmed = otlp_confirmed,
					    .refused = otlp_refused,
					    .why = otlp_why,
					    .pause_ms = otlp_pause,
					    .line_max = RECORD_MAX,
					    .retry_max_ms = 30000};

	(void)p;
	return &end;
}
