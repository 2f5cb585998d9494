/* SPDX-License-Identifier: BSD-2-Clause */
/* flow_test.c - the flow table and the memory of fragments: right, at their limits, and after
 * sweeps. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include "agent/flow/fragment.h"
#include "agent/flow/table.h"

static struct flow_id id_of(uint32_t i)
{
	struct flow_id id;
	uint8_t src[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
		dst[4] = {192, 0, 2, 1};

	flow_id_make(&id, 4, src, dst, (uint16_t)i, 5432, 6, 0);
	return id;
}

static struct flow *find(const struct flow_table *t, uint32_t i)
{
	struct flow_id id = id_of(i);

	return flow_find(t, &id, flow_hash(t, &id));
}

static int add(struct flow_table *t, uint32_t i)
{
	struct flow_id id = id_of(i);
	struct flow *f;
	int r = flow_table_add(t, &id, flow_hash(t, &id), &f);

	if (r == 0)
		t->more[f->more].number = i;
	return r;
}

static bool drop_odd(void *arg, struct flow *f, struct flow_more *m)
{
	(void)arg;
	(void)f;
	return m->number & 1;
}

Test(table, grows_to_its_limit_and_no_further)
{
	struct flow_table t;

	cr_assert_eq(flow_table_new(&t, 50000), 0);
	for (uint32_t i = 0; i < 50000; i++)
		cr_assert_eq(add(&t, i), 0);
	cr_expect_eq(add(&t, 50000), -ENOSPC);
	cr_expect_geq(t.mask + 1, 2 * t.used, "more than half of the slots are used");
	for (uint32_t i = 0; i < 50000; i++) {
		struct flow *f = find(&t, i);

		cr_assert_not_null(f);
		cr_assert_eq(t.more[f->more].number, i);
	}
	cr_expect_null(find(&t, 50000));
	flow_table_free(&t);
}

Test(table, sweep_leaves_the_others_findable)
{
	struct flow_table t;

	cr_assert_eq(flow_table_new(&t, 5000), 0);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 5000; i++)
			if (!find(&t, i))
				cr_assert_eq(add(&t, i), 0);
		flow_table_sweep(&t, drop_odd, NULL);
		cr_expect_eq(t.used, 2500);
		for (uint32_t i = 0; i < 5000; i++) {
			struct flow *f = find(&t, i);

			cr_assert_eq(f != NULL, !(i & 1), "flow %u", i);
			if (f)
				cr_assert_eq(t.more[f->more].number, i);
		}
	}
	cr_expect_leq(t.nmore, 5001, "what was dropped is used again");
	flow_table_free(&t);
}

Test(table, ids_keep_every_part)
{
	uint8_t a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1}, b[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
	struct flow_id id, back, other;

	flow_id_make(&id, 6, a, b, 40000, 443, 17, 4095);
	cr_expect_eq(flow_version(&id), 6);
	cr_expect_eq(flow_proto(&id), 17);
	cr_expect_eq(flow_sport(&id), 40000);
	cr_expect_eq(flow_dport(&id), 443);
	cr_expect_eq(flow_route(&id), 4095);
	cr_expect_arr_eq(flow_src(&id).b, a, 16);
	cr_expect_arr_eq(flow_dst(&id).b, b, 16);
	back = flow_reverse(&id);
	flow_id_make(&other, 6, b, a, 443, 40000, 17, 0);
	cr_expect(flow_same(&back, &other));
	cr_expect(!flow_same(&id, &other));
	other = id;
	other.rest |= FLOW_FLAG(0) | FLOW_FLAG(2);
	cr_expect(flow_same(&id, &other), "flags are no part of the name");
	flow_id_make(&other, 6, a, b, 40000, 443, 17, 1);
	cr_expect(!flow_same(&id, &other), "the route is");
	flow_id_make(&id, 4, a, b, 1, 2, 6, 0);
	cr_expect_eq(flow_src(&id).b[4], 0, "only four bytes of an IPv4 address");
}

static struct packet fragment(const uint8_t *src, const uint8_t *dst, uint32_t id, uint8_t proto,
			      uint16_t port, bool later)
{
	struct packet k = {.v = 4,
			   .proto = proto,
			   .raw_proto = proto,
			   .src = src,
			   .dst = dst,
			   .fragment_id = id,
			   .flags = PACKET_FRAGMENT};

	if (later) {
		k.flags |= PACKET_LATER;
	} else {
		k.sport = port;
		k.dport = 5432;
		k.flags |= PACKET_HAS_PORTS;
	}
	return k;
}

Test(fragment, later_ones_take_the_ports_of_the_first)
{
	static const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {192, 0, 2, 7}, c[4] = {192, 0, 2, 8};
	struct fragments *f;
	struct packet k;

	cr_assert_eq(fragments_new(&f), 0);
	k = fragment(a, b, 7, 17, 0, true);
	cr_expect_eq(fragments_see(f, &k, 0), 1, "before its first");
	k = fragment(a, b, 7, 17, 40000, false);
	cr_expect_eq(fragments_see(f, &k, 0), 0);
	k = fragment(a, b, 7, 17, 40001, false);
	cr_expect_eq(fragments_see(f, &k, 0), 0, "a second first does not count");
	k = fragment(a, b, 7, 17, 0, true);
	cr_expect_eq(fragments_see(f, &k, 0), 0);
	cr_expect_eq(k.sport, 40000);
	cr_expect_eq(k.dport, 5432);
	cr_expect(k.flags & PACKET_HAS_PORTS);
	k = fragment(a, c, 7, 17, 0, true);
	cr_expect_eq(fragments_see(f, &k, 0), 1, "another destination");
	k = fragment(a, b, 8, 17, 0, true);
	cr_expect_eq(fragments_see(f, &k, 0), 1, "another id");
	k = fragment(a, b, 7, 6, 0, true);
	cr_expect_eq(fragments_see(f, &k, 0), 1, "another protocol");
	k = fragment(a, b, 7, 17, 0, true);
	k.v = 6;
	k.src = (const uint8_t[16]){10, 0, 0, 1};
	k.dst = (const uint8_t[16]){192, 0, 2, 7};
	cr_expect_eq(fragments_see(f, &k, 0), 1, "another family with the same bytes");
	fragments_free(f);
}

Test(fragment, the_oldest_make_room)
{
	static const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {192, 0, 2, 7};
	struct fragments *f;
	struct packet k;
	unsigned found = 0;

	cr_assert_eq(fragments_new(&f), 0);
	for (uint32_t id = 0; id < 4 * FRAGMENT_MAX; id++) {
		k = fragment(a, b, id, 17, 40000, false);
		cr_assert_eq(fragments_see(f, &k, 0), 0);
	}
	for (uint32_t id = 0; id < 4 * FRAGMENT_MAX; id++) {
		k = fragment(a, b, id, 17, 0, true);
		found += fragments_see(f, &k, 0) == 0;
	}
	cr_expect_leq(found, FRAGMENT_MAX);
	cr_expect_gt(found, FRAGMENT_MAX * 9 / 10);
	k = fragment(a, b, 4 * FRAGMENT_MAX - 1, 17, 0, true);
	cr_expect_eq(fragments_see(f, &k, 0), 0, "the youngest is there");
	fragments_free(f);
}
