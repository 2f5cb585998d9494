/* SPDX-License-Identifier: BSD-2-Clause */
/* ip_test.c - addresses and prefixes as text, their order and their neighbours. */
#include <errno.h>
#include "tests/geo/fixture.h"

TestSuite(ip, .fini = no_leaks);

Test(ip, parse_and_print)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},	  /* the first of equal runs */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},	  /* the longest run */
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one zero group stays */
		{"::ffff:192.0.2.33", "::ffff:192.0.2.33"},
		{"::ffff:c000:221", "::ffff:192.0.2.33"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"0:0:0:0:0:0:0:2", "::2"},
		{"fe80:0:0:0:0:0:0:0", "fe80::"},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		{"1:0:0:4:5:0:0:0", "1:0:0:4:5::"},
	};
	char buf[IP_STRLEN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip;

		cr_expect_eq(ip_parse(&ip, rows[i].in), 0, "%s", rows[i].in);
		cr_expect_str_eq(ip_format(buf, &ip), rows[i].out, "%s", rows[i].in);
	}
}

Test(ip, refused)
{
	static const char *const rows[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"256.0.0.1",
		"01.2.3.4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.4/24",
		"1:2",
		":::",
		"1::2::3",
		"12345::",
		"fe80::1%eth0",
		"g::",
		"1:2:3:4:5:6:7:8:9",
		"0x1.2.3.4",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
	};
	struct ip ip;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(ip_parse(&ip, rows[i]), -EINVAL, "%s", rows[i]);
}

Test(ip, prefixes)
{
	static const struct {
		const char *in;
		int result;
		const char *out, *last;
	} rows[] = {
		{"10.0.0.0/8", 0, "10.0.0.0/8", "10.255.255.255"},
		{"0.0.0.0/0", 0, "0.0.0.0/0", "255.255.255.255"},
		{"192.0.2.7", 0, "192.0.2.7/32", "192.0.2.7"},
		{"192.0.2.8/29", 0, "192.0.2.8/29", "192.0.2.15"},
		{"2001:db8::/32", 0, "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"::/0", 0, "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"2001:db8::1", 0, "2001:db8::1/128", "2001:db8::1"},
		{"fc00::/7", 0, "fc00::/7", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"10.1.2.3/8", -EDOM, "10.0.0.0/8", "10.255.255.255"},
		{"2001:db8::1/127", -EDOM, "2001:db8::/127", "2001:db8::1"},
	};
	char buf[IP_STRLEN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cidr c;
		struct ip last;

		cr_expect_eq(cidr_parse(&c, rows[i].in), rows[i].result, "%s", rows[i].in);
		cr_expect_str_eq(cidr_format(buf, &c), rows[i].out, "%s", rows[i].in);
		last = cidr_last(&c);
		cr_expect_str_eq(ip_format(buf, &last), rows[i].last, "%s", rows[i].in);
		cr_expect(cidr_has(&c, &last) && cidr_has(&c, &c.addr), "%s", rows[i].in);
		if (ip_next(&last))
			cr_expect_not(cidr_has(&c, &last), "%s", rows[i].in);
	}
}

Test(ip, mapped)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"::ffff:192.0.2.33", "192.0.2.33/32"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"::fffe:0:0/95", NULL},
		{"::/0", NULL},
		{"::ffff:0:192.0.2.33", NULL},
		{"::192.0.2.33", NULL},
		{"64:ff9b::192.0.2.33", NULL},
		{"1::ffff:192.0.2.33", NULL},
		{"192.0.2.33", NULL},
	};
	char buf[IP_STRLEN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cidr c, was;

		cr_assert_eq(cidr_parse(&c, rows[i].in), 0, "%s", rows[i].in);
		was = c;
		cr_expect_eq(cidr_mapped(&c, &c), rows[i].out != NULL, "%s", rows[i].in);
		if (rows[i].out)
			cr_expect_str_eq(cidr_format(buf, &c), rows[i].out, "%s", rows[i].in);
		else
			cr_expect_eq(memcmp(&c, &was, sizeof(c)), 0, "%s", rows[i].in);
	}
}

Test(ip, prefixes_refused)
{
	static const char *const rows[] = {"10.0.0.0/33",  "::/129",
					   "10.0.0.0/",	   "10.0.0.0/-1",
					   "10.0.0.0/+8",  "10.0.0.0/08",
					   "10.0.0.0/8/8", "/8",
					   "10.0.0.0/8 ",  "10.0.0.0/99999999999999"};
	struct cidr c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(cidr_parse(&c, rows[i]), -EINVAL, "%s", rows[i]);
}

Test(ip, neighbours)
{
	static const char *const rows[][2] = {
		{"9.255.255.255", "10.0.0.0"},
		{"0.0.0.0", "0.0.0.1"},
		{"2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8:1::"},
		{"::ffff:ffff", "::1:0:0"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip a = address(rows[i][0]), b = address(rows[i][1]), t = a;

		cr_expect(ip_next(&t) && !ip_cmp(&t, &b), "%s", rows[i][0]);
		t = b;
		cr_expect(ip_prev(&t) && !ip_cmp(&t, &a), "%s", rows[i][1]);
		cr_expect_lt(ip_cmp(&a, &b), 0);
	}
}

Test(ip, ends)
{
	static const char *const firsts[] = {"0.0.0.0", "::"},
				 *const lasts[] = {"255.255.255.255",
						   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

	for (int i = 0; i < 2; i++) {
		struct ip first = address(firsts[i]), last = address(lasts[i]), t = first;

		cr_expect_not(ip_prev(&t));
		cr_expect_eq(ip_cmp(&t, &first), 0);
		t = last;
		cr_expect_not(ip_next(&t));
		cr_expect_eq(ip_cmp(&t, &last), 0);
	}
	struct ip v4 = address("255.255.255.255"), v6 = address("::");

	cr_expect_lt(ip_cmp(&v4, &v6), 0, "IPv4 sorts before IPv6");
	cr_expect_not(cidr_has(&(struct cidr){.addr = address("0.0.0.0")}, &v6),
		      "families do not mix");
}
