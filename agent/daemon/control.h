/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - the control socket: one JSON object and a newline in, one out, then the connection
 * ends. Only root (or the agent's own user) is heard. Limits: CONTROL_CLIENTS_MAX at a time (the one
 * that has been silent longest makes room),
 * CONTROL_REQUEST_MAX bytes, CONTROL_SECONDS for the request to arrive and for the answer to be
 * taken.
 */
#ifndef AGENT_DAEMON_CONTROL_H
#define AGENT_DAEMON_CONTROL_H
#include <jansson.h>
#include "agent/base/loop.h"

#define CONTROL_PATH	    "/run/cordon/control.sock"
#define CONTROL_CLIENTS_MAX 32
#define CONTROL_REQUEST_MAX 65536
#define CONTROL_ANSWER_MAX  (8u << 20)
#define CONTROL_SECONDS	    5

struct control;
/* The answer is a new reference; NULL means out of memory. The request stays the server's. */
typedef json_t *(*control_fn)(void *arg, const json_t *request);

/* -EADDRINUSE: a live agent answers there. -EEXIST: something that is no socket stands there. A
 * socket file that a dead agent left is replaced. The directory is made when it is missing. */
int control_open(struct control **ret, struct loop *l, const char *path, control_fn fn, void *arg);
void control_close(struct control *c); /* removes the socket file; NULL is fine */

/* The client. -ECONNREFUSED, -ENOENT: no agent there. -EACCES, -ETIMEDOUT, -EPROTO as they are. */
int control_call(json_t **ret, const char *path, const json_t *request, unsigned seconds);
#endif
