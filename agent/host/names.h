/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.h - users' names by number and back, asked of the name service in a thread of its own.
 *
 * The name service may be a directory server that answers in twelve seconds, or never: nobody here waits for it. Who
 * asks gets what is known now; the question goes into a bounded queue, and a later call has the answer. What was not
 * found is asked again after ten seconds (the service may not have been up), what was found after an hour.
 *
 * Invariants (tests/agent/names_test.c): 1. names_user and names_uid never wait, names_user_soon at most 2 ms
 * in ten seconds on a slow service; 2. one question at a time is
 * with the service, at most NAMES_QUEUE wait, and what finds no room is asked by the next call; 3. names_free does not
 * wait for an answer either.
 */
#ifndef AGENT_HOST_NAMES_H
#define AGENT_HOST_NAMES_H
#include <stdint.h>

#define NAMES_MAX      1024 /* answers kept, by number and by name each */
#define NAMES_QUEUE    64
#define NAMES_LEN      64 /* a longer name is cut */
#define NAMES_AGAIN_NS (10ull * 1000000000ull)
#define NAMES_KEPT_NS  (3600ull * 1000000000ull)

struct names;
/* What asks; NULL: getpwuid_r and getpwnam_r. 0, -ENOENT (nobody), or another -errno. */
struct names_service {
	int (*user)(uint32_t uid, char name[NAMES_LEN]);
	int (*uid)(const char *name, uint32_t *uid);
};
int names_new(struct names **ret, const struct names_service *service);
void names_free(struct names *n); /* NULL is fine */
/* The name in buf. 0; -ENOENT: nobody has that number; -EAGAIN: not known yet. */
int names_user(struct names *n, uint32_t uid, char buf[NAMES_LEN]);
/* The same for an event that is told now: a service that answers at once, as the local file does, gets NAMES_SOON_MS to
 * do so; one that did not is not waited for again for ten seconds. */
#define NAMES_SOON_MS 2
int names_user_soon(struct names *n, uint32_t uid, char buf[NAMES_LEN]);
/* 0, -ENOENT, -EAGAIN, or -ENAMETOOLONG. A name that was found is the answer of names_user for its number, too: who is
 * named in the policy is called so in the events. */
int names_uid(struct names *n, const char *name, uint32_t *uid);
/* From now on nobody is called so until names_release: who decides by names (the kernel, by numbers that it is given)
 * does not know him yet, and an event must not say otherwise. At most NAMES_HELD_MAX; what finds no room is not held. */
#define NAMES_HELD_MAX 64
void names_hold(struct names *n, const char *name);
void names_release(struct names *n, const char *name);
/* Waits until everything asked so far is answered, at most ms. For a start, when names of the local file are there at
 * once. 0 or -ETIMEDOUT. */
int names_settle(struct names *n, unsigned ms);
#endif
