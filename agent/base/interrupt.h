/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interrupt.h - SIGINT and SIGTERM for a verb that works for long: it ends its work early and says what it has, instead
 * of leaving nothing. A second signal ends the program at once.
 *
 * The signals belong to the process, so this is the process's; before interrupt_catch() nothing is caught.
 */
#ifndef AGENT_BASE_INTERRUPT_H
#define AGENT_BASE_INTERRUPT_H
#include <stdbool.h>

int interrupt_catch(void); /* 0 or -errno */
bool interrupt_came(void);
/* Waits until fd is readable. 0, or -EINTR once the signal has come; at once where nothing is caught. For readers of
 * pipes: a regular file never waits. */
int interrupt_wait(int fd);
#endif
