/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host_kernel.c - 'check --host': what the kernel can do, what hangs on its hooks, and whether an agent answers. */
#include <errno.h>
#include <string.h>
#include "agent/base/text.h"
#include "agent/cmd/check_host.h"
#include "agent/daemon/control.h"
#include "bpf/load/kernel.h"
#include "geo/base/cleanup.h"

static void features(struct host *h, const struct kernel_probe *p)
{
	char there[512] = "";
	size_t at = 0;

	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		const char *name = kernel_feature_name((enum kernel_feature)i);

		if (p->feature[i].ok)
			at += text_put(there + at, sizeof(there) - at, "%s%s", at ? ", " : "",
				       name);
		else
			host_say(h, p->feature[i].required ? HOST_FAILED : HOST_WARNING, "kernel",
				 "%s: no %s: %s", p->release, name, p->feature[i].why);
	}
	if (at)
		host_say(h, HOST_OK, "kernel", "%s: %s", p->release, there);
}

/* The real programs, each tried on the verifier and let go. */
static void programs(struct host *h)
{
	char why[512];
	int r = kernel_probe_programs(KERNEL_DEVICES_NONE, why, sizeof(why));

	if (r < 0)
		host_say(h, HOST_FAILED, "programs", "this kernel refuses them: %s", why);
	else
		host_say(h, HOST_OK, "programs", "this kernel takes them, for whatever policy");
	r = kernel_probe_programs(KERNEL_DEVICES_ALL, why, sizeof(why));
	if (r < 0)
		host_say(h, HOST_NOTE, "programs", "run --devices cannot be used: %s", why);
}

static void hooks(struct host *h, const json_t *kernel)
{
	unsigned wanted = 0, missing = 0;
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(kernel, "hooks"), i, o) {
		bool on = json_is_true(json_object_get(o, "attached"));

		wanted += json_is_true(json_object_get(o, "wanted"));
		missing += json_is_true(json_object_get(o, "wanted")) && !on;
	}
	if (missing)
		host_say(h, HOST_WARNING, "hooks", "%u of %u are not attached: see cordon status",
			 missing, wanted);
	else
		host_say(h, HOST_OK, "hooks", "all %u of the agent's are attached", wanted);
}

static void agent(struct host *h)
{
	_json_ json_t *ask = json_pack("{s:s}", "verb", "status");
	_json_ json_t *a = NULL;
	const char *mode;
	uint64_t cgroup;
	int r = control_call(&a, CONTROL_PATH, ask, 5);

	mode = r < 0 ? NULL : json_string_value(json_object_get(a, "mode"));
	if (r == 0 && mode) {
		host_say(h, HOST_OK, "agent", "one answers, mode %s", mode);
		hooks(h, json_object_get(a, "kernel"));
		return;
	}
	if (r != -ENOENT && r != -ECONNREFUSED)
		host_say(h, HOST_UNSEEN, "agent", CONTROL_PATH ": %s",
			 r < 0 ? strerror(-r) : "no answer");
	else
		host_say(h, HOST_NOTE, "agent", "none answers at " CONTROL_PATH);
	r = kernel_pinned_cgroup(&cgroup, KERNEL_PINS);
	if (r == 0)
		host_say(h, cgroup ? HOST_NOTE : HOST_WARNING, "hooks", "%s",
			 cgroup ? "an agent's programs are in force without it, by its last policy"
				: "an agent's programs are pinned, and on no control group");
	else if (r == -EPERM || r == -EACCES)
		host_say(h, HOST_UNSEEN, "hooks", KERNEL_PINS ": only root may look");
}

static void others(struct host *h)
{
	struct kernel_other o[KERNEL_NEIGHBOURS_MAX];
	int n = kernel_others(o, KERNEL_NEIGHBOURS_MAX, *h->cgroup2 ? h->cgroup2 : NULL,
			      KERNEL_PINS);

	if (n < 0) {
		host_say(h, HOST_UNSEEN, "other bpf", "the kernel does not say: %s", strerror(-n));
		return;
	}
	for (int i = 0; i < n; i++)
		host_say(
			h, HOST_NOTE, "other bpf",
			"program %u '%s' on %s: what it stops or sends elsewhere is not cordon's to see",
			o[i].program, o[i].name, o[i].where);
	if (n == 0)
		host_say(
			h, HOST_OK, "other bpf",
			"no program of somebody else on the control groups' root or a device (XDP, TCX)");
}

void host_kernel(struct host *h)
{
	struct kernel_probe p;
	int r = kernel_probe(&p);

	text_put(h->cgroup2, sizeof(h->cgroup2), "%s", p.cgroup2);
	if (!p.feature[FEATURE_PRIVILEGE].ok)
		host_say(h, HOST_UNSEEN, "kernel", "%s: %s", p.release,
			 p.feature[FEATURE_PRIVILEGE].why);
	else
		features(h, &p);
	if (r == 0)
		programs(h);
	agent(h);
	others(h);
}
