/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.c - sockets that never block but for opening them, and what TLS puts over them. */
#include "agent/feed/wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "agent/base/text.h"
#include "agent/feed/judge.h"

#define USER_TIMEOUT_MS 30000 /* unacknowledged for so long: the peer is gone */

static int64_t now_ms(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int say(struct wire *w, int error, const char *what)
{
	text_put(w->why, sizeof(w->why), "%s: %s", what, strerror(error));
	return -error;
}

static int wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = until - now_ms();
	int r = left > 0 ? poll(&p, 1, (int)left) : 0;

	return r > 0 || (r < 0 && errno == EINTR) ? 0 : -ETIMEDOUT;
}

static void set_stream(int fd)
{
	const int on = 1, timeout = USER_TIMEOUT_MS;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

/* A socket that is connected, or -errno. */
static int connect_to(const struct addrinfo *a)
{
	int fd =
		socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	int64_t until = now_ms() + WIRE_OPEN_MS;
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -errno;
	if (a->ai_socktype == SOCK_STREAM)
		set_stream(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	error = errno;
	if (error == EINPROGRESS) {
		if (wait_for(fd, POLLOUT, until) < 0)
			error = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
	}
	if (!error)
		return fd;
	close(fd);
	return -error;
}

int wire_judge(struct wire *w)
{
	return judge_address((const struct sockaddr *)&w->peer,
			     w->datagram ? IPPROTO_UDP : IPPROTO_TCP, w->why, sizeof(w->why));
}

static int open_socket(struct wire *w, const struct policy_target *to)
{
	struct addrinfo want = {.ai_socktype = w->datagram ? SOCK_DGRAM : SOCK_STREAM,
				.ai_flags = AI_NUMERICSERV};
	struct addrinfo *found, *a;
	char port[8];
	int r, fd = -EHOSTUNREACH;

	text_put(port, sizeof(port), "%u", to->port);
	r = getaddrinfo(to->host, port, &want, &found);
	if (r) {
		text_put(w->why, sizeof(w->why), "cannot find the address of %s: %s", to->host,
			 gai_strerror(r));
		return -EHOSTUNREACH;
	}
	for (a = found; a && fd < 0; a = a->ai_next) {
		memcpy(&w->peer, a->ai_addr, a->ai_addrlen);
		fd = wire_judge(w);
		fd = fd < 0 ? fd : connect_to(a);
	}
	freeaddrinfo(found);
	if (fd == -JUDGE_REFUSED)
		return fd;
	if (fd < 0)
		return say(w, -fd, "cannot connect");
	w->fd = fd;
	return 0;
}

/* ---- TLS ---- */

static int say_tls(struct wire *w, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	long verdict = w->ssl ? SSL_get_verify_result(w->ssl) : X509_V_OK;

	if (verdict != X509_V_OK)
		reason = X509_verify_cert_error_string(verdict);
	text_put(w->why, sizeof(w->why), "%s: %s", what, reason ? reason : "the peer closed");
	ERR_clear_error();
	return -EPROTO;
}

static int load_files(struct wire *w, SSL_CTX *ctx, const struct wire_config *c)
{
	if (c->ca ? SSL_CTX_load_verify_file(ctx, c->ca) != 1
		  : SSL_CTX_set_default_verify_paths(ctx) != 1)
		return say_tls(w, c->ca ? c->ca : "the system's authorities");
	if (c->cert && SSL_CTX_use_certificate_chain_file(ctx, c->cert) != 1)
		return say_tls(w, c->cert);
	if (c->key && (SSL_CTX_use_PrivateKey_file(ctx, c->key, SSL_FILETYPE_PEM) != 1 ||
		       SSL_CTX_check_private_key(ctx) != 1))
		return say_tls(w, c->key);
	return 0;
}

/* Whose certificate it must be: an address or a name (RFC 6125, no wildcards inside a label). */
static int set_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
	unsigned char b[16];

	if (inet_pton(AF_INET, name, b) == 1 || inet_pton(AF_INET6, name, b) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1;
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(p, name, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

static int handshake(struct wire *w)
{
	int64_t until = now_ms() + WIRE_OPEN_MS;

	for (;;) {
		int r = SSL_connect(w->ssl), e;

		if (r == 1)
			return 0;
		e = SSL_get_error(w->ssl, r);
		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			return say_tls(w, "no TLS");
		if (wait_for(w->fd, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until) < 0)
			return say(w, ETIMEDOUT, "no TLS");
	}
}

static int open_tls(struct wire *w, const struct wire_config *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int r = ctx ? 0 : -ENOMEM;

	ERR_clear_error();
	if (r == 0) {
		SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		r = load_files(w, ctx, c);
	}
	if (r == 0) {
		w->ssl = SSL_new(ctx);
		if (!w->ssl || !set_name(w->ssl, c->name ? c->name : c->to.host) ||
		    SSL_set_fd(w->ssl, w->fd) != 1)
			r = -ENOMEM;
	}
	SSL_CTX_free(ctx);
	return r < 0 ? r : handshake(w);
}

int wire_open(struct wire *w, const struct wire_config *c)
{
	int r;

	w->datagram = strcmp(c->to.scheme, "udp") == 0;
	w->written = 0;
	w->why[0] = 0;
	r = open_socket(w, &c->to);
	if (r == 0 && !strcmp(c->to.scheme, "tls"))
		r = open_tls(w, c);
	if (r < 0)
		wire_close(w);
	return r;
}

void wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	w->ssl = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* ---- bytes ---- */

static int tls_error(struct wire *w, int r)
{
	switch (SSL_get_error(w->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return say(w, ECONNRESET, "the peer closed");
	default:
		return say_tls(w, "TLS");
	}
}

long wire_send(struct wire *w, const void *bytes, size_t n)
{
	ssize_t sent;

	ERR_clear_error();
	if (w->ssl) {
		int r = SSL_write(w->ssl, bytes, n < 1u << 20 ? (int)n : 1 << 20);

		return r > 0 ? r : tls_error(w, r);
	}
	sent = send(w->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS
			       ? -EAGAIN
			       : say(w, errno, "cannot send");
	w->written += (uint64_t)sent;
	return sent;
}

int wire_alive(struct wire *w)
{
	char scrap[512];
	int error = 0;
	socklen_t len = sizeof(error);
	ssize_t n;

	if (w->datagram) {
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
		return error ? say(w, error, "the host") : 0;
	}
	if (w->ssl) {
		int r;

		ERR_clear_error();
		r = SSL_read(w->ssl, scrap, sizeof(scrap));
		r = r > 0 ? 0 : tls_error(w, r);
		return r == -EAGAIN ? 0 : r;
	}
	n = recv(w->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return 0;
	return n < 0 ? say(w, errno, "the connection") : say(w, ECONNRESET, "the peer closed");
}

uint64_t wire_sent(const struct wire *w)
{
	return w->ssl ? BIO_number_written(SSL_get_wbio(w->ssl)) : w->written;
}

uint64_t wire_acked(const struct wire *w)
{
	int queued = 0;

	if (!w->datagram && ioctl(w->fd, SIOCOUTQ, &queued) < 0)
		return 0;
	return wire_sent(w) - (uint64_t)(queued > 0 ? queued : 0);
}

int wire_finish(struct wire *w)
{
	char scrap[512];
	ssize_t n;

	if (w->datagram)
		return wire_alive(w);
	if (w->ssl && !(SSL_get_shutdown(w->ssl) & SSL_SENT_SHUTDOWN))
		SSL_shutdown(w->ssl);
	shutdown(w->fd, SHUT_WR);
	do
		n = recv(w->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
	while (n > 0);
	return n == 0 ? 0 : errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
}

void wire_wait(const struct wire *w, int ms)
{
	struct pollfd p = {.fd = w->fd, .events = POLLOUT};

	poll(&p, 1, ms);
}
