/* SPDX-License-Identifier: BSD-2-Clause */
/* read.c - a ledger opened by who only reads it, and why it cannot be. */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/ledger/ledger_private.h"

/* Opening a FIFO would wait for who writes into it, and a missing file is no fault of the database's. */
int ledger_read_open(sqlite3 **ret, const char *path, int busy_ms)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -EIO;
	if (sqlite3_open_v2(path, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return -EIO;
	sqlite3_busy_timeout(*ret, busy_ms);
	sqlite3_exec(*ret, "BEGIN", NULL, NULL, NULL); /* one state of it all */
	return 0;
}

void ledger_read_failed(sqlite3 *db, const char *path, struct diag_sink *d)
{
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT)
		diag_error(
			d, path, 0,
			"there is no ledger: 'cordon run' keeps one, and 'cordon replay --ledger "
			"FILE' makes one of captures");
	else if (!db)
		diag_error(d, path, 0, "cannot read the ledger: %s",
			   stat(path, &st) < 0 ? strerror(errno) : "it is no regular file");
	else if (strncmp(sqlite3_errmsg(db), "no such table", 13) == 0)
		diag_error(d, path, 0, "a database, but no ledger of cordon: %s",
			   sqlite3_errmsg(db));
	else
		diag_error(d, path, 0, "cannot read the ledger: %s", sqlite3_errmsg(db));
}
