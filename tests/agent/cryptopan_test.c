/* SPDX-License-Identifier: BSD-2-Clause */
/* cryptopan_test.c - the sample of the authors' own program, and the prefixes that must stay. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/age.h"
#include "agent/base/cryptopan.h"

static const uint8_t key[CRYPTOPAN_KEY] = {21,	34, 23,	 141, 51, 164, 207, 128, 19,  10,  91,
					   22,	73, 144, 125, 16, 216, 152, 143, 131, 121, 121,
					   101, 39, 98,	 87,  76, 45,  42,  132, 34,  2};

Test(cryptopan, sample)
{
	static const uint8_t rows[][2][4] = {
		{{128, 11, 68, 132}, {135, 242, 180, 132}},
		{{129, 118, 74, 4}, {134, 136, 186, 123}},
		{{130, 132, 252, 244}, {133, 68, 164, 234}},
		{{192, 102, 249, 13}, {252, 138, 62, 131}},
	};
	struct cryptopan *c;

	cr_assert_eq(cryptopan_new(&c, key), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t a[4];

		memcpy(a, rows[i][0], 4);
		cryptopan_address(c, a, 4);
		cr_expect_eq(memcmp(a, rows[i][1], 4), 0, "row %zu: %u.%u.%u.%u", i, a[0], a[1],
			     a[2], a[3]);
	}
	cryptopan_free(c);
}

static unsigned shared(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned n = 0;

	while (n < bits && !((a[n / 8] ^ b[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n;
}

Test(cryptopan, prefixes_of_both_families)
{
	struct cryptopan *c;

	cr_assert_eq(cryptopan_new(&c, key), 0);
	srandom(3);
	for (int i = 0; i < 400; i++) {
		unsigned bits = i % 2 ? 128 : 32, same = (unsigned)random() % bits;
		uint8_t a[16], b[16], x[16], y[16];

		for (unsigned k = 0; k < 16; k++)
			a[k] = b[k] = (uint8_t)random();
		b[same / 8] ^= (uint8_t)(0x80 >> same % 8);
		memcpy(x, a, 16);
		memcpy(y, b, 16);
		cryptopan_address(c, x, bits / 8);
		cryptopan_address(c, y, bits / 8);
		cr_expect_eq(shared(x, y, bits), same, "%u bits: %u shared, then %u", bits, same,
			     shared(x, y, bits));
		cr_expect_eq(shared(a, b, bits), same);
	}
	cryptopan_free(c);
}

Test(age, recipients)
{
	uint8_t key32[AGE_RECIPIENT];

	cr_expect_eq(
		age_recipient(key32,
			      "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"),
		0);
	cr_expect_lt(
		age_recipient(key32,
			      "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q"),
		0);
	cr_expect_lt(age_recipient(key32,
				   "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8"),
		     0);
	cr_expect_lt(age_recipient(key32, "AGE-SECRET-KEY-1"), 0);
	cr_expect_lt(age_recipient(key32, ""), 0);
}
