/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.h - from policy text and the fixture's places to what kernel_publish takes. */
#ifndef TESTS_BPF_POLICY_H
#define TESTS_BPF_POLICY_H
#include "tests/bpf/fixture.h"
#include "rules/policy.h"

struct loaded {
	struct policy *policy;
	struct places *places;
	struct table *table;
	struct compiled *compiled;
	struct place_class *classes;
};

static inline const char *loaded_string(void *arg, uint16_t i)
{
	return places_string(arg, i);
}

static inline void loaded_table(struct loaded *l, struct diag_sink *d)
{
	const struct policy_set *sets;
	size_t n = policy_sets(l->policy, &sets);
	struct table_set *ts = calloc(n ? n : 1, sizeof(*ts));

	for (size_t i = 0; i < n; i++)
		ts[i] = (struct table_set){.cidrs = sets[i].cidrs,
					   .ncidrs = sets[i].ncidrs,
					   .asn = sets[i].asn};
	cr_assert_eq(table_build(&l->table, l->places, ts, n, d), 0);
	free(ts);
}

/* Places: the policy's own place lines, and Debian's country database where it is installed. */
static inline struct loaded *loaded_make(const char *text)
{
	struct diag_sink d = {.fn = stage_log};
	struct loaded *l = calloc(1, sizeof(*l));
	struct places_config pc = {};
	struct place_line *lines;
	struct compile_env env;

	cr_assert_eq(policy_parse(&l->policy, "test.conf", text, strlen(text), &d), 0);
	lines = calloc(l->policy->nplaces + 1, sizeof(*lines));
	for (size_t i = 0; i < l->policy->nplaces; i++)
		lines[i] = (struct place_line){.prefix = l->policy->places[i].prefix,
					       .country = l->policy->places[i].country,
					       .file = "test.conf",
					       .line = l->policy->places[i].line};
	pc.lines = lines;
	pc.nlines = l->policy->nplaces;
	pc.nat64 = l->policy->nat64;
	pc.nnat64 = l->policy->nnat64;
	cr_assert_eq(places_load(&l->places, &pc, &d), 0);
	loaded_table(l, &d);
	l->classes = calloc(table_classes(l->table), sizeof(*l->classes));
	for (uint32_t i = 0; i < table_classes(l->table); i++)
		l->classes[i] = *table_class(l->table, i);
	env = (struct compile_env){.classes = l->classes,
				   .nclasses = table_classes(l->table),
				   .string = loaded_string,
				   .arg = l->places,
				   .now = time(NULL),
				   .live = 1};
	cr_assert_eq(policy_compile(&l->compiled, l->policy, &env, &d), 0);
	free(lines);
	return l;
}

static inline void loaded_free(struct loaded *l)
{
	compiled_free(l->compiled);
	table_free(l->table);
	places_free(l->places);
	policy_free(l->policy);
	free(l->classes);
	free(l);
}

static inline struct kernel_published loaded_publish(struct kernel *k, const struct loaded *l,
						     enum policy_mode mode)
{
	struct kernel_generation g = {.table = l->table, .compiled = l->compiled, .mode = mode};
	struct diag_sink d = {.fn = stage_log};
	struct kernel_published p = {};

	cr_assert_eq(kernel_publish(k, &g, &p, &d), 0);
	return p;
}

#define STAGE_PLACES                                                                                       \
	"place 10.1.0.0/16 is DE\nplace fd01::/32 is DE\nplace 10.2.0.0/16 is US\nplace fd02::/32 is US\n" \
	"place 10.3.0.0/16 is CH\nplace fd03::/32 is CH\n"

static inline struct sockaddr_in stage_address(const char *ip, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

/* One datagram: 0 or -errno. */
static inline int stage_udp(const char *to)
{
	struct sockaddr_in a = stage_address(to, 9001);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err;

	err = sendto(fd, "x", 1, 0, (void *)&a, sizeof(a)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

#endif
