/* SPDX-License-Identifier: BSD-2-Clause */
/* text_test.c - foreign text never reaches a terminal as it is; numbers are whole and bounded. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"
#include "geo/base/file.h"

Test(text, escapes)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{"plain", "plain"},
		{"a\033[2Jb", "a\\x1b[2Jb"},
		{"tab\tnl\n", "tab\\x09nl\\x0a"},
		{"back\\slash", "back\\\\slash"},
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
		{"c1 \xc2\x9b", "c1 \\xc2\\x9b"},
		{"broken \xff\xc3", "broken \\xff\\xc3"},
		{"overlong \xc0\xaf", "overlong \\xc0\\xaf"},
		{"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
		{"bidi \xe2\x80\xae", "bidi \\xe2\\x80\\xae"},
		{"isolate \xe2\x81\xa6", "isolate \\xe2\\x81\\xa6"},
		{"del \x7f", "del \\x7f"},
	};
	char buf[128];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		cr_expect_str_eq(text_escape(buf, sizeof(buf), row[i].in, SIZE_MAX), row[i].out,
				 "%s", row[i].out);
}

Test(text, escape_cuts_between_characters)
{
	char buf[6];

	cr_expect_str_eq(text_escape(buf, sizeof(buf), "abc\033", SIZE_MAX), "abc");
	cr_expect_str_eq(text_escape(buf, sizeof(buf), "abcd\xc3\xa9", SIZE_MAX), "abcd");
	cr_expect_str_eq(text_escape(buf, sizeof(buf), "a\0b", 3), "a\\x00");
}

Test(text, squeeze)
{
	char buf[8];

	cr_expect_str_eq(text_squeeze(buf, sizeof(buf), "a  b\t \tc"), "a b c");
	cr_expect_str_eq(text_squeeze(buf, sizeof(buf), "  a"), "a");
	cr_expect_str_eq(text_squeeze(buf, sizeof(buf), "0123456789"), "0123456");
	cr_expect_str_eq(text_squeeze(buf, sizeof(buf), ""), "");
}

Test(text, numbers)
{
	uint64_t v = 7;

	cr_expect_eq(text_number(&v, "0", 10), 0);
	cr_expect_eq(v, 0);
	cr_expect_eq(text_number(&v, "65535", 65535), 0);
	cr_expect_eq(v, 65535);
	cr_expect_eq(text_number(&v, "65536", 65535), -ERANGE);
	cr_expect_eq(text_number(&v, "9", 8), -ERANGE);
	cr_expect_eq(text_number(&v, "18446744073709551615", UINT64_MAX), 0);
	cr_expect_eq(v, UINT64_MAX);
	cr_expect_eq(text_number(&v, "18446744073709551616", UINT64_MAX), -ERANGE);
	cr_expect_eq(text_number(&v, "", 8), -EINVAL);
	cr_expect_eq(text_number(&v, "-1", 8), -EINVAL);
	cr_expect_eq(text_number(&v, "1 ", 8), -EINVAL);
	cr_expect_eq(v, UINT64_MAX, "untouched on failure");
}

Test(text, for_people)
{
	char b[TEXT_SHORT];

	cr_expect_str_eq(text_bytes(b, 999), "999 B");
	cr_expect_str_eq(text_bytes(b, 1000), "1.0 kB");
	cr_expect_str_eq(text_bytes(b, 999949), "999.9 kB");
	cr_expect_str_eq(text_bytes(b, 999960), "1.0 MB");
	cr_expect_str_eq(text_bytes(b, UINT64_MAX), "18.4 EB");
	cr_expect_str_eq(text_count(b, 0), "0");
	cr_expect_str_eq(text_count(b, 999), "999");
	cr_expect_str_eq(text_count(b, 1234567), "1,234,567");
	cr_expect_str_eq(text_count(b, UINT64_MAX), "18,446,744,073,709,551,615");
	cr_expect_str_eq(text_duration(b, 59), "59 s");
	cr_expect_str_eq(text_duration(b, 61), "1 min 1 s");
	cr_expect_str_eq(text_duration(b, 90000), "1 d 1 h");
	cr_expect_str_eq(text_time(b, 1795430472), "2026-11-23T10:41:12Z");
	cr_expect_str_eq(text_date(b, 1795430472), "2026-11-23");
}

Test(text, files_are_bounded)
{
	_free_ char *s = NULL;
	size_t len;

	cr_expect_eq(file_read(&s, &len, AT_FDCWD, "/dev/zero", 4096), -EFBIG);
	cr_expect_eq(file_read(&s, &len, AT_FDCWD, "/nonexistent/x", 4096), -ENOENT);
	cr_expect_null(s);
	cr_assert_eq(file_read(&s, &len, AT_FDCWD, "/proc/self/comm", 4096), 0);
	cr_expect_eq(strlen(s), len);
}
