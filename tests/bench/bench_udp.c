/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_udp.c - what a verdict costs a sender: small UDP packets over veth, without an agent, with
 * a program that does nothing, with cordon (enforce, accounting), and with nftables doing the same
 * for IPv4.
 *
 * A socket keeps the namespace and the cgroup that it was made in. So every variant has its own (a
 * veth, a cgroup, its program or rules), all stand at the same time, and one process sends through
 * their sockets in turn, a few milliseconds each: what else the machine does meets all of them
 * alike.
 */
#define FIXTURE_PLAIN
#include "tests/bpf/policy.h"
#include <bpf/bpf.h>
#include "geo/facts/zone.h"

#define ROUNDS	 301
#define SLICE_MS 3
#define WIDE	 65536u
#define ONE	 0x341c0001u /* 52.28.0.1: AWS Frankfurt */

enum variant {
	NONE,
	EMPTY,
	CORDON,
	CORDON_NO_SENDMSG,
	CORDON_DEVICES,
	NFT_EU,
	NFT_COUNTRIES,
	VARIANTS
};
static const char *const variant_names[VARIANTS] = {"no agent",
						    "empty cgroup_skb program",
						    "**cordon**, enforce + accounting",
						    "cordon, no sendmsg hooks",
						    "cordon, and the hook on devices (own)",
						    "nft: one set of EEA ranges",
						    "nft: a set a country"};
enum load { CONNECTED, UNCONNECTED, SPREAD, LOADS };

struct place_of {
	struct stage stage;
	struct kernel *k;
	int link, fd[LOADS];
};
struct bench {
	struct place_of at[VARIANTS];
	struct loaded *l;
	char dir[64], nft[80], hook[2][80];
	uint32_t *wide, next;
	int empty;
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	/* the sender's own CPU time: others on the machine then cost it caches, not its share */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the same ranges for nftables ---- */
static void country_set(FILE *out, const struct bench *b, const char *name, uint16_t only,
			time_t now)
{
	size_t n, k = 0;
	const struct range4 *r = places_ranges4(b->l->places, &n);

	fprintf(out, "add set inet bench %s { type ipv4_addr; flags interval; auto-merge; }\n",
		name);
	for (size_t i = 0; i + 1 < n; i++) {
		uint16_t c = places_get(b->l->places, r[i].place)->country;
		struct ip first = ip_from_v4(r[i].first), last = ip_from_v4(r[i + 1].first - 1);
		char x[IP_STRLEN], y[IP_STRLEN];

		if (only ? c != only : !zone_has(ZONE_EEA, c, now))
			continue;
		ip_format(x, &first);
		ip_format(y, &last);
		if (k++ % 1000 == 0)
			fprintf(out, "%sadd element inet bench %s { ", k > 1 ? " }\n" : "", name);
		else
			fprintf(out, ", ");
		fprintf(out, ip_cmp(&first, &last) ? "%s-%s" : "%s", x, y);
	}
	if (k)
		fprintf(out, " }\n");
}

static void nft_make(struct bench *b)
{
	time_t now = time(NULL);
	FILE *sets, *hook[2];
	struct zone_row row;
	char cc[3], name[8];

	snprintf(b->nft, sizeof(b->nft), "%s/sets", b->dir);
	sets = fopen(b->nft, "w");
	fprintf(sets, "add table inet bench\n");
	country_set(sets, b, "eea", 0, now);
	for (int i = 0; i < 2; i++) {
		snprintf(b->hook[i], sizeof(b->hook[i]), "%s/hook%d", b->dir, i);
		hook[i] = fopen(b->hook[i], "w");
		fprintf(hook[i],
			"add chain inet bench out { type filter hook output priority 0; policy drop; }\n");
	}
	fprintf(hook[0], "add rule inet bench out ip daddr @eea accept\n");
	for (size_t i = 0; zone_row(ZONE_EEA, i, &row); i++) {
		if (!zone_has(ZONE_EEA, row.country, now))
			continue;
		snprintf(name, sizeof(name), "c_%s", country_text(row.country, cc));
		country_set(sets, b, name, row.country, now);
		fprintf(hook[1], "add rule inet bench out ip daddr @%s accept\n", name);
	}
	fclose(sets);
	fclose(hook[0]);
	fclose(hook[1]);
}

/* ---- one slice ---- */
static double slice(struct bench *b, enum variant v, enum load load, uint64_t ms)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(9),
				.sin_addr.s_addr = htonl(ONE)};
	uint64_t start, end, n = 0;
	char payload[22] = {}; /* 64 bytes on the Ethernet */
	int fd = b->at[v].fd[load];

	start = cpu_ns();
	do {
		for (int i = 0; i < 64; i++, n++) {
			ssize_t r;

			if (load == SPREAD)
				a.sin_addr.s_addr = htonl(b->wide[b->next++ % WIDE]);
			r = load == CONNECTED ? send(fd, payload, sizeof(payload), 0)
					      : sendto(fd, payload, sizeof(payload), 0, (void *)&a,
						       sizeof(a));
			cr_assert(r == sizeof(payload) || errno == ENOBUFS);
		}
		end = cpu_ns();
	} while (end - start < ms * 1000000);
	return (double)n * 1e9 / (double)(end - start);
}

static void drain(void *arg, const struct kernel_record *r)
{
	(void)arg;
	(void)r;
}

static void sockets_make(struct place_of *at)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(9),
				.sin_addr.s_addr = htonl(ONE)};
	int room = 4 << 20;

	for (int i = 0; i < LOADS; i++) {
		at->fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		cr_assert(at->fd[i] >= 0);
		setsockopt(at->fd[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	}
	cr_assert_eq(connect(at->fd[CONNECTED], (void *)&a, sizeof(a)), 0);
}

/* Everything of a variant, in the namespace and the cgroup that the process is in now. */
static void variant_make(struct bench *b, enum variant v)
{
	struct place_of *at = &b->at[v];
	struct diag_sink d = {.fn = stage_log};
	struct kernel_config cfg = {.no_sendmsg = v == CORDON_NO_SENDMSG,
				    .devices = v == CORDON_DEVICES ? KERNEL_DEVICES_OWN
								   : KERNEL_DEVICES_NONE};
	int cgroup;

	stage_set(&at->stage);
	cfg.cgroup = at->stage.cgroup;
	cfg.pins = at->stage.pins;
	stage_run("ip route add default via 10.1.0.2 dev here");
	stage_run("nsenter -t %d -n sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward'",
		  at->stage.peer);
	stage_run("nsenter -t %d -n ip route add blackhole default", at->stage.peer);
	if (v == EMPTY) {
		cgroup = open(at->stage.cgroup, O_RDONLY | O_DIRECTORY);
		at->link = bpf_link_create(b->empty, cgroup, BPF_CGROUP_INET_EGRESS, NULL);
		cr_assert(at->link >= 0);
		close(cgroup);
	}
	if (v == CORDON || v == CORDON_NO_SENDMSG || v == CORDON_DEVICES) {
		cr_assert_eq(kernel_open(&at->k, &cfg, &d), 0);
		loaded_publish(at->k, b->l, MODE_ENFORCE);
	}
	if (v == NFT_EU || v == NFT_COUNTRIES) {
		stage_run("nft -f %s", b->nft);
		stage_run("nft -f %s", b->hook[v == NFT_COUNTRIES]);
	}
	sockets_make(at);
}

static void round_run(struct bench *b, int r, double rate[VARIANTS][LOADS])
{
	for (int l = 0; l < LOADS; l++)
		for (int i = 0; i < VARIANTS; i++) {
			int v = (i * 5 + r) % VARIANTS; /* 5 has no factor in common with 7 */

			slice(b, (enum variant)v, (enum load)l, 1); /* warm */
			rate[v][l] = slice(b, (enum variant)v, (enum load)l, SLICE_MS);
			if (b->at[v].k)
				kernel_poll(b->at[v].k, drain, NULL);
		}
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(double rate[ROUNDS][VARIANTS][LOADS])
{
	for (int v = 0; v < VARIANTS; v++) {
		printf("| %s |", variant_names[v]);
		for (int l = 0; l < LOADS; l++) {
			double ratio[ROUNDS], ns[ROUNDS];

			for (int r = 0; r < ROUNDS; r++) {
				ratio[r] = rate[r][v][l] / rate[r][NONE][l];
				ns[r] = 1e9 / rate[r][v][l] - 1e9 / rate[r][NONE][l];
			}
			qsort(ratio, ROUNDS, sizeof(*ratio), cmp);
			qsort(ns, ROUNDS, sizeof(*ns), cmp);
			printf(" %.3f ±%.3f | %+.0f |", ratio[ROUNDS / 2],
			       (ratio[ROUNDS * 3 / 4] - ratio[ROUNDS / 4]) / 2, ns[ROUNDS / 2]);
		}
		printf("\n");
	}
}

/* Random addresses of EEA ranges, every range alike. */
static void wide_make(struct bench *b)
{
	size_t n;
	const struct range4 *r = places_ranges4(b->l->places, &n);
	time_t now = time(NULL);

	b->wide = calloc(WIDE, sizeof(*b->wide));
	srandom(1);
	for (uint32_t i = 0; i < WIDE;) {
		size_t at = (size_t)random() % (n - 1);

		if (zone_has(ZONE_EEA, places_get(b->l->places, r[at].place)->country, now))
			b->wide[i++] =
				r[at].first + (uint32_t)random() % (r[at + 1].first - r[at].first);
	}
}

int main(void)
{
	static double rate[ROUNDS][VARIANTS][LOADS];
	static const struct bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
						{.code = BPF_JMP | BPF_EXIT}};
	struct diag_sink d = {.fn = stage_log};
	struct bench b = {};

	snprintf(b.dir, sizeof(b.dir), "%s", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	b.l = loaded_make("allow to eea\nblock to any\n");
	b.empty = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "empty", "GPL", insns, 2, NULL);
	cr_assert(b.empty >= 0);
	wide_make(&b);
	nft_make(&b);
	for (int v = 0; v < VARIANTS; v++)
		variant_make(&b, (enum variant)v);
	for (int r = 0; r < ROUNDS; r++)
		round_run(&b, r, rate[r]);
	printf("## Small UDP packets\n\n"
	       "22 bytes of payload, one sender in the cgroup, over veth to a namespace that drops them; %d rounds of %d ms "
	       "a cell, each variant in\nits own namespace and cgroup, in changing order. Packets a second of CPU time as a ratio to no agent in the same round (median ± half the interquartile range), "
	       "and extra ns a packet. cordon: 'allow to eea,\nblock to any' with Debian's country database, enforce, "
	       "accounting, process and flow records; it judges IPv6 and says the country too, the\nnft rules are IPv4 only. "
	       "Connected: send() to one address. Unconnected: sendto() to one address (the sendmsg hook runs as well).\nSpread: "
	       "sendto() to 65,536 addresses all over the EEA in turn (every packet another flow: each one hands a record to the "
	       "flow ring).\nGoal: connected at least 0.94.\n\n"
	       "| | connected | ns | unconnected | ns | spread | ns |\n|---|---|---|---|---|---|---|\n",
	       ROUNDS, SLICE_MS);
	print(rate);
	for (int v = VARIANTS - 1; v >= 0;
	     v--) { /* a stage's peer is in the cgroup of the stage before */
		if (b.at[v].k)
			kernel_detach(b.at[v].k, &d);
		stage_strike(&b.at[v].stage);
	}
	return 0;
}
