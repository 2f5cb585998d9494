/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_fuzz.c - any bytes as a policy: no crash, no leak, and what parses prints, parses again,
 * and decides the same.
 *
 * make -s build/fuzz/policy_fuzz, then: build/fuzz/policy_fuzz -dict=tests/fuzz/policy.dict CORPUS
 * tests/golden/policy
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules/compile.h"

#define NOW	1795392000
#define CLASSES 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *string_of(void *arg, uint16_t i)
{
	static const char *const strings[] = {"", "aws", "eu-central-1", "heroku"};

	(void)arg;
	return i < 4 ? strings[i] : "";
}

static const uint64_t no_sets[PLACE_SETS_MAX / 64],
	some_sets[PLACE_SETS_MAX / 64] = {0x5555555555555554ull};

static void make_classes(struct place_class *c)
{
	static const uint16_t countries[] = {0, CC('D', 'E'), CC('U', 'S'), CC('G', 'B')};

	for (unsigned i = 0; i < CLASSES; i++) {
		c[i] = (struct place_class){.sets = i % 5 ? no_sets : some_sets};
		c[i].place.country = countries[i % 4];
		c[i].place.jurisdiction = countries[i / 3];
		c[i].place.status = (uint8_t)(i % 3 + (i % 4 ? 1 : 0));
		c[i].place.provider = i % 2;
		c[i].place.region = i % 2 ? 2 : 0;
		c[i].place.scope = i == 8 ? SCOPE_PRIVATE : i == 4 ? SCOPE_LOCAL : SCOPE_GLOBAL;
	}
}

static struct compiled *compile(const struct policy *p, const struct place_class *classes)
{
	struct compile_env env = {.classes = classes,
				  .nclasses = CLASSES,
				  .string = string_of,
				  .now = NOW,
				  .live = 1};
	struct diag_sink quiet = {0};
	struct compiled *c = NULL;

	if (policy_compile(&c, p, &env, &quiet))
		return NULL;
	return c;
}

/* The same matrix, or the print has lost something. */
static void same(const struct compiled *a, const struct compiled *b)
{
	if (!a != !b)
		abort();
	if (!a)
		return;
	if (memcmp(&a->header, &b->header, sizeof(a->header)))
		abort();
	for (int i = 0; i < DECIDE_ARRAYS; i++)
		if (a->bytes[i] != b->bytes[i] || memcmp(a->array[i], b->array[i], a->bytes[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct place_class classes[CLASSES];
	struct diag_sink quiet = {0};
	struct policy *p = NULL, *again = NULL;
	struct compiled *a, *b;
	char *text, *twice;

	if (policy_parse(&p, "fuzz", (const char *)data, size, &quiet)) {
		if (!quiet.errors)
			abort(); /* refused without a word */
		return 0;
	}
	text = policy_print(p);
	if (!text || policy_parse(&again, "fuzz", text, strlen(text), &quiet))
		abort();
	twice = policy_print(again);
	if (!twice || strcmp(text, twice) || !policy_sets_equal(p, again))
		abort();
	make_classes(classes);
	a = compile(p, classes);
	b = compile(again, classes);
	same(a, b);
	policy_lint(p, NOW, &quiet);
	compiled_free(a);
	compiled_free(b);
	policy_free(p);
	policy_free(again);
	free(text);
	free(twice);
	return 0;
}
