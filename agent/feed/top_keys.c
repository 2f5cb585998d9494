/* SPDX-License-Identifier: BSD-2-Clause */
/* top_keys.c - the keys of the table: one byte at a time; Esc that comes alone is the key itself, with more it begins an arrow. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "agent/feed/top_private.h"

#define ESC 27

/* Letter by letter and unechoed. Signals stay what they are: Ctrl-C ends it. */
int top_input(struct top *l, int fd)
{
	struct termios t;

	if (!l->columns || tcgetattr(fd, &t) < 0)
		return -ENOTTY;
	if (tcgetpgrp(fd) != getpgrp()) /* it is somebody else's now */
		return -EBUSY;
	l->before = t;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSANOW, &t) < 0)
		return -errno;
	l->input = fd;
	l->keys = true;
	return 0;
}

void top_use_keys(struct top *l)
{
	l->keys = true;
}

static void step(struct top *l, int by)
{
	unsigned at = 0;

	if (!l->shown)
		return;
	while (at < l->shown && l->order[at] != l->chosen)
		at++;
	if (at == l->shown)
		at = 0;
	else if (by < 0)
		at -= at > 0;
	else
		at += at + 1 < l->shown;
	l->chosen = l->order[at];
}

static void type(struct top *l, char c)
{
	size_t n = strlen(l->filter);

	if (c == '\r' || c == '\n') {
		l->pane = PANE_TABLE;
	} else if (c == 8 || c == 127) {
		if (n)
			l->filter[n - 1] = 0;
	} else if (c >= ' ' && c < 127 && n + 1 < sizeof(l->filter)) {
		l->filter[n] = c;
		l->filter[n + 1] = 0;
	}
}

/* Esc alone: of the filter it drops what was typed. */
static void leave(struct top *l)
{
	if (l->pane == PANE_FILTER)
		l->filter[0] = 0;
	l->pane = PANE_TABLE;
}

static void open_pane(struct top *l, enum top_pane pane)
{
	l->pane = l->pane == pane || !l->chosen ? PANE_TABLE : pane;
}

/* False: it was 'q'. */
static bool press(struct top *l, char c)
{
	if (l->pane == PANE_FILTER) {
		type(l, c);
		return true;
	}
	switch (c) {
	case 'q':
		return false;
	case 's':
		l->sort = (enum top_sort)((l->sort + 1) % TOP_SORTS);
		break;
	case 'f':
		l->pane = PANE_FILTER;
		break;
	case 'e':
		open_pane(l, PANE_EXPLAIN);
		break;
	case 'a':
		open_pane(l, PANE_RULE);
		break;
	default:
		l->pane = PANE_TABLE;
	}
	return true;
}

/* ESC [ A and ESC O A; others of their kind are read to their end. */
static void sequence(struct top *l, char c)
{
	if (l->escape == ESC) {
		l->escape = c == '[' || c == 'O' ? c : 0;
		return;
	}
	if ((unsigned char)c < 0x40)
		return;
	l->escape = 0;
	if (l->pane == PANE_FILTER)
		return;
	if (c == 'A' || c == 'B')
		step(l, c == 'A' ? -1 : 1);
}

bool top_keys(struct top *l, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (l->escape == ESC && bytes[i] != '[' && bytes[i] != 'O') {
			l->escape = 0;
			leave(l); /* it was the key itself */
		}
		if (l->escape)
			sequence(l, bytes[i]);
		else if (bytes[i] == ESC)
			l->escape = ESC;
		else if (!press(l, bytes[i]))
			return false;
	}
	if (l->escape == ESC) { /* nothing came with it */
		l->escape = 0;
		leave(l);
	}
	return true;
}
