/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parity_test.c - the kernel program and compiled_decide_worst give the same decision for the same
 * packet.
 *
 * Packets are generated, so what is in them is known without parsing: the expectation never goes
 * through a parser of ours. BPF_PROG_TEST_RUN runs the very program that is attached, with a socket
 * of the kernel's own.
 */
#include <bpf/bpf.h>
#include <net/if.h>
#include "bpf/load/kernel_private.h"
#include "bpf/load/skel.h"
#include "tests/bpf/policy.h"

#define PACKETS	       200000
#define DEVICE_PACKETS 20000
#define PACKET_MAX     600

static const char policy_text[] = STAGE_PLACES "nat64 2001:db8:64::/96\n"
					       "zone near { DE FR }\n"
					       "service web { tcp 80 tcp 443 udp 443 }\n"
					       "block to 5.0.0.0/10 port 80-90\n"
					       "alert to CH\n"
					       "allow to near service web\n"
					       "allow to US proto icmp\n"
					       "allow to eea opened by peer\n"
					       "allow to eea proto tcp\n"
					       "allow to NL\n"
					       "allow to private port 53\n"
					       "alert to unknown port 123\n"
					       "allow to GB until 2001-02-03\n"
					       "allow to SE until 2199-02-03\n"
					       "block to any\n";

static struct stage stage;

static void setup(void)
{
	stage_set(&stage);
}

static void teardown(void)
{
	stage_strike(&stage);
}

TestSuite(parity, .init = setup, .fini = teardown, .timeout = 300);

/* What was put into a packet, and what it should be judged as. */
struct sample {
	uint8_t bytes[PACKET_MAX];
	size_t len;
	struct ip dst;
	struct decide_packet how;
	uint8_t why;
};

static uint64_t seed = 88172645463325252u;

static uint32_t roll(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

static void put(struct sample *s, const void *data, size_t n)
{
	cr_assert(s->len + n <= sizeof(s->bytes));
	memcpy(s->bytes + s->len, data, n);
	s->len += n;
}

static uint16_t roll_port(void)
{
	static const uint16_t ports[] = {22, 53, 67, 68, 80, 85, 123, 443, 546, 547, 5432};

	return roll(3) ? ports[roll(sizeof(ports) / sizeof(*ports))] : (uint16_t)roll(65536);
}

/* The transport header of the protocol; ports count when it is whole and not in a later fragment.
 */
static void put_transport(struct sample *s, bool fragment)
{
	uint16_t src = roll_port(), dst = roll_port();
	uint8_t h[20] = {(uint8_t)(src >> 8), (uint8_t)src, (uint8_t)(dst >> 8), (uint8_t)dst};
	size_t whole = s->how.proto == 6 ? 20 : 8;
	bool cut = roll(16) == 0;

	h[12] = 0x50;
	put(s, h, cut ? whole - 1 - roll((uint32_t)whole - 2) : whole);
	s->how.has_port = !fragment && !cut && (s->how.proto == 6 || s->how.proto == 17);
	if (s->how.has_port)
		s->how.port = dst;
}

static uint8_t roll_proto(void)
{
	static const uint8_t protos[] = {6, 6, 17, 17, 1, 58, 132, 47, 253};

	return protos[roll(sizeof(protos))];
}

/* 0 to 40 bytes of options; maybe a source route, used up or not. */
static size_t roll_options(struct sample *s, uint8_t o[40])
{
	size_t words = roll(3) ? 0 : 1 + roll(10), at = 0, bytes = words * 4;

	memset(o, 1, 40); /* no operation */
	if (words < 3)
		return bytes;
	at = roll((uint32_t)bytes - 7);
	switch (roll(5)) {
	case 0: /* LSRR or SSRR with an address to go to */
		memcpy(o + at, (uint8_t[]){roll(2) ? 131 : 137, 7, 4}, 3);
		s->why = ABI_WHY_SOURCE_ROUTE;
		break;
	case 1: /* used up */
		memcpy(o + at, (uint8_t[]){131, 7, 8}, 3);
		break;
	case 2: /* record route */
		memcpy(o + at, (uint8_t[]){7, 7, 4}, 3);
		break;
	case 3: /* longer than the header */
		memcpy(o + at, (uint8_t[]){130, 60}, 2);
		s->why = ABI_WHY_MALFORMED;
		break;
	default: /* the list ends; what follows does not count */
		o[at] = 0;
		o[at + 1] = 131;
		o[at + 2] = 7;
	}
	return bytes;
}

static void make4(struct sample *s, uint32_t to)
{
	uint8_t ip[20] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 0, 10, 1, 0, 1}, o[40];
	size_t options = roll_options(s, o);
	bool fragment = roll(8) == 0;

	s->dst = ip_from_v4(to);
	s->how.proto = roll_proto();
	ip[0] = (uint8_t)(0x45 + options / 4);
	ip[9] = s->how.proto;
	if (fragment)
		ip[7] = (uint8_t)(1 + roll(200));
	else if (roll(8) == 0)
		ip[6] = 0x20; /* the first fragment has ports */
	memcpy(ip + 16, s->dst.b, 4);
	if (roll(200) == 0) {
		ip[0] = roll(2) ? 0x65 : 0x44;
		s->why = ABI_WHY_MALFORMED;
	}
	put(s, ip, sizeof(ip));
	put(s, o, options);
	put_transport(s, fragment);
}

/* One extension header; returns false when what follows is not in this packet. */
static bool put_extension(struct sample *s, uint8_t type, uint8_t next)
{
	uint8_t h[24] = {next};
	size_t n = 8 * (1 + roll(3));

	h[1] = (uint8_t)(n / 8 - 1);
	if (type == 51) {
		n = 12 + 4 * roll(3);
		h[1] = (uint8_t)(n / 4 - 2);
	} else if (type == 44) {
		n = 8;
		h[1] = 0;
		if (roll(2))
			h[2] = (uint8_t)(1 + roll(10));
	} else if (type == 43 && roll(2)) {
		h[3] = (uint8_t)(1 + roll(3));
		s->why = ABI_WHY_SOURCE_ROUTE;
	}
	put(s, h, n);
	return type != 44 || !h[2];
}

static void make6(struct sample *s, const struct ip *to)
{
	static const uint8_t kinds[] = {0, 43, 44, 51, 60, 135, 139, 140};
	uint8_t ip[40] = {0x60, 0, 0, 0, 0, 0, 0, 64, 0xfd, 0x01}, type[12];
	size_t n = roll(2) ? 0 : roll(11);
	bool whole = true;

	s->dst = *to;
	s->how.proto = roll_proto();
	for (size_t i = 0; i < n; i++)
		type[i] = kinds[roll(sizeof(kinds))];
	type[n] = s->how.proto;
	ip[6] = type[0];
	memcpy(ip + 24, to->b, 16);
	put(s, ip, sizeof(ip));
	for (size_t i = 0; i < n && whole && !s->why; i++) {
		if (i == ABI_EXTENSIONS_MAX) {
			s->why = ABI_WHY_EXTENSIONS;
			break;
		}
		whole = put_extension(s, type[i], type[i + 1]);
		if (!whole)
			s->how.proto = type[i + 1];
	}
	put_transport(s, !whole);
}

static struct ip roll_ip6(uint32_t v4)
{
	static const char *const heads[] = {
		"::",	      "::ffff:0:0",  "::ffff:0:0:0",  "2002::",	     "2001::",
		"64:ff9b::",  "64:ff9b:1::", "2001:db8:64::", "2a00:1450::", "2600::",
		"fd01::",     "fd02::",	     "fe80::1",	      "ff02::1",     "ff0e::1",
		"2a01:4f8::", "fd99::1",     "2001:678::",    "2400::",	     "3fff::"};
	struct ip ip;

	cr_assert_eq(ip_parse(&ip, heads[roll(sizeof(heads) / sizeof(*heads))]), 0);
	for (int i = 0; i < 4; i++) {
		if (ip.b[0] == 0x20 && ip.b[1] == 2)
			ip.b[2 + i] = (uint8_t)(v4 >> (24 - 8 * i));
		else
			ip.b[12 + i] = (uint8_t)(v4 >> (24 - 8 * i));
	}
	if (ip.b[0] == 0x2a || ip.b[0] == 0x26 || ip.b[0] == 0x24)
		for (int i = 2; i < 8; i++)
			ip.b[i] = (uint8_t)(ip.b[i] ^ roll(256));
	if (ip.b[0] == 0x20 && ip.b[1] == 1 && !ip.b[2]) /* Teredo: the server too */
		ip.b[4] = (uint8_t)roll(256);
	return ip;
}

static uint32_t roll_ip4(void)
{
	static const uint32_t heads[] = {0x0a010000, 0x0a020000, 0x0a030000, 0x52800000,
					 0xc0a80000, 0x7f000000, 0xe0000000, 0xefff0000,
					 0xa9fe0000, 0x64400000};

	return roll(3) ? roll(0xffffffff) : heads[roll(10)] | roll(65536);
}

static void sample_make(struct sample *s)
{
	uint32_t v4 = roll_ip4();
	struct ip ip;

	memset(s, 0, sizeof(*s));
	put(s, (uint8_t[14]){[12] = 0x08}, 14);
	if (roll(2)) {
		make4(s, v4);
	} else {
		memcpy(s->bytes + 12, (uint8_t[]){0x86, 0xdd}, 2);
		ip = roll_ip6(v4);
		make6(s, &ip);
	}
	s->how.known = KNOWN_ALL;
	s->how.opened = OPENED_HERE;
}

/* Decision 0 for what is not to be believed; else the worst of the address's classes. */
static const struct decide_decision *expect(const struct loaded *l, const struct sample *s,
					    uint64_t now)
{
	uint32_t classes[TABLE_EMBED_MAX];
	unsigned which, n;

	if (s->why)
		return &l->compiled->decisions[DECIDE_NONE];
	n = table_classes_of(l->table, &s->dst, classes);
	return compiled_decide_worst(l->compiled, s->how, classes, n, UINT32_MAX, now, &which);
}

static int run(int prog, const struct sample *s, unsigned ifindex)
{
	struct __sk_buff ctx = {.ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = s->bytes, .data_size_in = (uint32_t)s->len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err = bpf_prog_test_run_opts(prog, &o);

	return err ? err : (int)o.retval;
}

static void describe(char *buf, size_t size, const struct sample *s)
{
	char ip[IP_STRLEN];
	size_t at = (size_t)snprintf(buf, size,
				     "%s proto %u port %u/%u why %u: ", ip_format(ip, &s->dst),
				     s->how.proto, s->how.port, s->how.has_port, s->why);

	for (size_t i = 14; i < s->len && at + 3 < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%02x", s->bytes[i]);
}

/* Bytes and packets by decision that the kernel should have counted: everything that is not local.
 */
static void count_expected(struct abi_total *t, const struct loaded *l,
			   const struct decide_decision *d, const struct sample *s)
{
	size_t i = (size_t)(d - l->compiled->decisions);

	if (d->action == DECIDE_LOCAL)
		return;
	t[i].packets++;
	t[i].bytes += s->len - 14;
}

Test(parity, kernel_decides_as_user_space)
{
	struct loaded *l = loaded_make(policy_text);
	struct kernel *k = fixture_open(&stage);
	static struct abi_total want[DECIDE_DECISIONS_MAX], have[DECIDE_DECISIONS_MAX];
	uint64_t now = (uint64_t)time(NULL) * 1000000000u;
	size_t n = DECIDE_DECISIONS_MAX, by[8] = {};
	unsigned here = if_nametoindex("here");
	struct sample s;
	int prog, wrong = 0;

	loaded_publish(k, l, MODE_ENFORCE);
	prog = generation_program(k->now, HOOK_EGRESS);
	for (int i = 0; i < PACKETS && wrong < 10; i++) {
		const struct decide_decision *d;
		bool pass;
		char text[1400];

		sample_make(&s);
		d = expect(l, &s, now);
		pass = d->action != DECIDE_BLOCK;
		by[s.why ? 4 : d->action]++;
		count_expected(want, l, d, &s);
		if (run(prog, &s, here) == pass)
			continue;
		describe(text, sizeof(text), &s);
		cr_expect_fail("want %s by rule %u: %s", pass ? "pass" : "drop", d->rule, text);
		wrong++;
	}
	cr_assert_eq(kernel_decisions(k, have, &n), 0);
	for (size_t i = 0; i < n; i++)
		cr_expect(have[i].packets == want[i].packets && have[i].bytes == want[i].bytes,
			  "decision %zu (rule %u): kernel %llu packets "
			  "%llu bytes, user space %llu %llu",
			  i, l->compiled->decisions[i].rule, (unsigned long long)have[i].packets,
			  (unsigned long long)have[i].bytes, (unsigned long long)want[i].packets,
			  (unsigned long long)want[i].bytes);
	for (int i = 0; i < 5; i++) /* the generator reaches everything */
		cr_expect(by[i] > 100, "only %zu packets of kind %d", by[i], i);
	cr_assert_eq(kernel_detach(k, &(struct diag_sink){.fn = stage_log}), 0);
	loaded_free(l);
}

static struct kernel *open_devices(void)
{
	struct diag_sink d = {.fn = stage_log};
	struct kernel_config cfg = {.cgroup = stage.cgroup,
				    .pins = stage.pins,
				    .devices = KERNEL_DEVICES_ALL};
	struct kernel *k = NULL;
	int err = kernel_open(&k, &cfg, &d);

	if (err == -ENOTSUP)
		cr_skip("the second net needs TCX");
	cr_assert_eq(err, 0);
	return k;
}

/* A program on a device says TCX_NEXT (-1) or TC_ACT_SHOT (2). 'bare': without Ethernet's header. */
static bool device_passes(int prog, const struct sample *s, bool bare, unsigned ifindex)
{
	struct sample cut = *s;
	int r;

	if (bare) {
		cut.len -= 14;
		memmove(cut.bytes, s->bytes + 14, cut.len);
	}
	r = run(prog, &cut, ifindex);
	cr_assert(r == -1 || r == 2, "the program answered %d", r);
	return r == -1;
}

/* Both programs of the second net, on the same packets: with Ethernet's header and without. */
Test(parity, devices_decide_as_user_space)
{
	struct loaded *l = loaded_make(policy_text);
	struct kernel *k = open_devices();
	uint64_t now = (uint64_t)time(NULL) * 1000000000u;
	unsigned here = if_nametoindex("here");
	size_t by[8] = {};
	int wrong = 0;

	loaded_publish(k, l, MODE_ENFORCE);
	for (int i = 0; i < DEVICE_PACKETS && wrong < 10; i++) {
		const struct decide_decision *d;
		struct sample s;
		char text[1400];
		bool pass;

		sample_make(&s);
		d = expect(l, &s, now);
		pass = d->action != DECIDE_BLOCK;
		by[s.why ? 4 : d->action]++;
		for (int bare = 0; bare < 2; bare++) {
			int prog = bpf_program__fd(bare ? k->now->skel->progs.device_ip
							: k->now->skel->progs.device);

			if (device_passes(prog, &s, bare, here) == pass)
				continue;
			describe(text, sizeof(text), &s);
			cr_expect_fail("%s: want %s by rule %u: %s", bare ? "device_ip" : "device",
				       pass ? "pass" : "drop", d->rule, text);
			wrong++;
		}
	}
	for (int i = 0; i < 5; i++)
		cr_expect(by[i] > 20, "only %zu packets of kind %d", by[i], i);
	cr_assert_eq(kernel_detach(k, &(struct diag_sink){.fn = stage_log}), 0);
	loaded_free(l);
}

/* ---- more subjects than have a column for each mask: prefixes of the source, most of them in one another ---- */
#define WIDE_SUBJECTS 40

static size_t wide_text(char *text, size_t size)
{
	static const char *const actions[] = {"allow", "alert", "block"};
	static const char *const places[] = {"DE", "FR", "CH", "US", "GB", "NL", "any"};
	size_t n = (size_t)snprintf(text, size, "%s", STAGE_PLACES);

	for (unsigned i = 0; i < WIDE_SUBJECTS; i++) {
		unsigned len = 13 + roll(6),
			 net = roll(8) & (len < 16 ? 0xffu << (16 - len) : 0xff);

		n += (size_t)snprintf(text + n, size - n, "%s from address 10.%u.0.0/%u to %s%s\n",
				      actions[roll(3)], net, len, places[roll(7)],
				      roll(3) ? "" : " port 80-443");
	}
	return n + (size_t)snprintf(text + n, size - n, "allow to eea\nblock to any\n");
}

Test(parity, kernel_decides_for_many_subjects)
{
	static char text[1 << 13];
	struct kernel *k = fixture_open(&stage);
	uint64_t now = (uint64_t)time(NULL) * 1000000000u;
	unsigned here = if_nametoindex("here"), several = 0, by[4] = {};
	struct loaded *l;
	struct sample s;
	int prog, wrong = 0;

	wide_text(text, sizeof(text));
	l = loaded_make(text);
	cr_assert(DECIDE_WIDE(l->compiled->header.subjects), "%u", l->compiled->header.subjects);
	loaded_publish(k, l, MODE_ENFORCE);
	prog = generation_program(k->now, HOOK_EGRESS);
	for (int i = 0; i < PACKETS / 4 && wrong < 10; i++) {
		const struct decide_decision *d;
		uint32_t classes[TABLE_EMBED_MAX], from = 0x0a000000 | roll(8) << 16 | roll(65536);
		struct ip src = ip_from_v4(from);
		unsigned which, n, source;

		sample_make(&s);
		if (s.why || s.bytes[12] != 0x08)
			continue;
		for (int b = 0; b < 4; b++)
			s.bytes[14 + 12 + b] = (uint8_t)(from >> (24 - 8 * b));
		source = table_lookup(l->table, &src);
		several += __builtin_popcountll(compiled_source_mask(l->compiled, source)) > 1;
		n = table_classes_of(l->table, &s.dst, classes);
		d = compiled_decide_worst(l->compiled, s.how, classes, n, source, now, &which);
		by[d->action]++;
		if (run(prog, &s, here) == (d->action != DECIDE_BLOCK))
			continue;
		cr_expect_fail("want action %u by rule %u", d->action, d->rule);
		wrong++;
	}
	cr_expect_gt(several, 1000, "%u senders are several subjects", several);
	for (int i = 0; i < 3; i++)
		cr_expect_gt(by[i], 100, "only %u packets of action %d", by[i], i);
	cr_assert_eq(kernel_detach(k, &(struct diag_sink){.fn = stage_log}), 0);
	loaded_free(l);
}
