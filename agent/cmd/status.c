/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c - 'cordon status': asks the agent, and where none answers, the kernel itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bpf/load/cgroup2.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/status_more.h"
#include "agent/base/options.h"
#include "agent/daemon/daemon.h"
#include "geo/base/cleanup.h"
#include "agent/base/text.h"

struct status_options {
	bool json;
	const char *control, *pins;
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int64_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* What the answer says came from files and programs: nothing of it reaches the terminal as it is.
 */
static void put(const char *s)
{
	text_escape_to(stdout, s, strlen(s));
}

static void label(const char *name)
{
	printf("%-12s", name);
}

static void show_hooks(const json_t *k)
{
	const json_t *h;
	size_t i;
	unsigned missing = 0;

	label("hooks");
	json_array_foreach (json_object_get(k, "hooks"), i, h) {
		printf("%s%s%s", i ? ", " : "", text_of(h, "hook"),
		       is(h, "attached") ? "" : " NOT ATTACHED");
		missing += !is(h, "attached");
	}
	printf("%s\n", missing ? "  <- what passes these is not judged" : i ? "" : "none attached");
}

static void show_devices(const json_t *k)
{
	const json_t *o = json_object_get(k, "devices"), *d;
	unsigned missing = 0;
	size_t i;

	label("devices");
	if (strcmp(text_of(o, "scope"), "none") == 0) {
		puts("none: only what sockets send is judged (--devices)");
		return;
	}
	json_array_foreach (json_object_get(o, "list"), i, d) {
		printf("%s", i ? ", " : "");
		put(text_of(d, "device"));
		printf("%s", is(d, "attached") ? "" : " NOT ATTACHED");
		missing += !is(d, "attached");
	}
	printf("%s by %s, %s packets%s\n", i ? "" : "none", text_of(o, "by"),
	       strcmp(text_of(o, "scope"), "all") == 0 ? "all" : "the cgroup's",
	       missing ? "  <- what passes these is not judged" : "");
	if (number_of(o, "left_out"))
		printf("            %" PRId64
		       " more are too many, or of a kind that cannot be read: not judged there\n",
		       number_of(o, "left_out"));
}

/* Does every hook that must be there hold our program? */
static bool judges(const json_t *k)
{
	const json_t *h;
	size_t i;

	json_array_foreach (json_object_get(k, "hooks"), i, h)
		if (is(h, "wanted") && !is(h, "attached"))
			return false;
	json_array_foreach (json_object_get(json_object_get(k, "devices"), "list"), i, h)
		if (!is(h, "attached"))
			return false;
	return !is(k, "cgroup_missing");
}

static void show_neighbours(const json_t *k)
{
	const json_t *n;
	size_t i;

	label("neighbours");
	json_array_foreach (json_object_get(k, "neighbours"), i, n) {
		printf("%s", i ? ", " : "");
		put(text_of(n, "name"));
		printf(" (program %" PRId64 ") on %s", number_of(n, "program"), text_of(n, "hook"));
	}
	puts(i ? "" : "none: no other programs on these hooks");
}

static void show_kernel(const json_t *k)
{
	char b[TEXT_SHORT];

	if (!k)
		return;
	if (json_object_get(k, "error")) {
		label("kernel");
		printf("cannot be asked: %s\n", text_of(k, "error"));
		return;
	}
	label("attached to");
	put(text_of(k, "cgroup"));
	printf("%s, mode %s", is(k, "whole_host") ? " (the whole host)" : "", text_of(k, "mode"));
	if (number_of(k, "generation"))
		printf(", generation %" PRId64, number_of(k, "generation"));
	putchar('\n');
	if (is(k, "cgroup_missing"))
		puts("            this cgroup does not exist now: nothing is judged until it is made");
	show_hooks(k);
	show_devices(k);
	label("pinned in");
	put(text_of(k, "pins"));
	if (number_of(k, "table_bytes"))
		printf(", place table %s", text_bytes(b, (uint64_t)number_of(k, "table_bytes")));
	putchar('\n');
	show_neighbours(k);
}

static void show_policy(const json_t *p)
{
	char age[TEXT_SHORT];

	if (!p)
		return;
	label("policy");
	put(text_of(p, "file"));
	printf(", %" PRId64 " rules, sha256 %.12s, loaded %s ago\n", number_of(p, "rules"),
	       text_of(p, "sha256"), text_duration(age, number_of(p, "age_seconds")));
	if (!strcmp(text_of(p, "on_disk"), "differs") ||
	    !strcmp(text_of(p, "on_disk"), "missing")) {
		label("DIFFERS");
		puts(!strcmp(text_of(p, "on_disk"), "missing")
			     ? "the policy's file is gone; what is in force is what was loaded"
			     : "the file on disk is another one now: 'cordon reload' loads it, 'cordon check' reads it");
	}
	if (json_object_get(p, "next_change")) {
		label("");
		printf("changes by itself on %s (a date in a rule or a zone)\n",
		       text_of(p, "next_change"));
	}
}

static void show_places(const json_t *p)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];
	const json_t *s;
	size_t i;

	if (!p)
		return;
	json_array_foreach (json_object_get(p, "sources"), i, s) {
		label(i ? "" : "places");
		put(text_of(s, "file"));
		printf(" (%s), %s claims, of %.10s, %s old\n", text_of(s, "format"),
		       text_count(a, (uint64_t)number_of(s, "claims")), text_of(s, "date"),
		       text_duration(b, number_of(s, "age_seconds")));
	}
	label("classes");
	printf("%s of %s places; facts %lld\n", text_count(a, (uint64_t)number_of(p, "classes")),
	       text_count(b, (uint64_t)number_of(p, "places")), (long long)number_of(p, "facts"));
	if (is(p, "stale")) {
		label("STALE");
		put(text_of(p, "stale_file"));
		printf(" is %s old, the policy allows %s%s\n",
		       json_is_integer(json_object_get(p, "stale_age_seconds"))
			       ? text_duration(a, number_of(p, "stale_age_seconds"))
			       : "nobody knows how",
		       text_duration(b, number_of(p, "max_age_seconds")),
		       is(p, "stale_blocks") ? ": no rule allows by what it says" : "");
	}
}

static void show_count(const char *name, const json_t *t)
{
	char p[TEXT_SHORT], b[TEXT_SHORT];

	label(name);
	printf("%s packets, %s\n", text_count(p, (uint64_t)number_of(t, "packets")),
	       text_bytes(b, (uint64_t)number_of(t, "bytes")));
}

static void show_counters(const json_t *c)
{
	static const char *const shown[] = {"allow", "alert", "block", "would_block", "local"};
	const char *name;
	const json_t *v;
	bool any = false;

	if (!c)
		return;
	for (unsigned i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		show_count(shown[i], json_object_get(c, shown[i]));
	json_object_foreach ((json_t *)(uintptr_t)c, name, v) {
		if (!json_is_integer(v) || !json_integer_value(v))
			continue;
		if (!any)
			label("counted");
		printf("%s%s %" PRId64, any ? ", " : "", name, (int64_t)json_integer_value(v));
		any = true;
	}
	if (any)
		putchar('\n');
}

static void show_flows(const json_t *s)
{
	const json_t *f = json_object_get(s, "flows"), *a = json_object_get(s, "agent");

	if (json_is_object(f)) {
		label("flows now");
		printf("%" PRId64 " allowed, %" PRId64 " alerted, %" PRId64
		       " blocked or to be blocked\n",
		       number_of(f, "allow"), number_of(f, "alert"), number_of(f, "block"));
	}
	label("alerts");
	printf("%" PRId64 " events, %" PRId64 " repeats folded, %" PRId64
	       " verdicts that kernel and agent saw differently\n",
	       number_of(a, "events"), number_of(a, "folded"), number_of(a, "verdict_mismatches"));
}

static void show_feeds(const json_t *feeds)
{
	const json_t *f;
	size_t i;

	json_array_foreach (feeds, i, f) {
		label(i ? "" : "feeds");
		printf("%s ", text_of(f, "transport"));
		put(text_of(f, "target"));
		if (json_object_get(f, "lines"))
			printf(", %" PRId64 " lines", number_of(f, "lines"));
		if (number_of(f, "lost"))
			printf(", %" PRId64 " LOST", number_of(f, "lost"));
		if (number_of(f, "waiting"))
			printf(", %" PRId64 " wait%s", number_of(f, "waiting"),
			       number_of(f, "sent") == number_of(f, "waiting") ? " for confirmation"
									       : "");
		if (json_is_string(json_object_get(f, "error")))
			printf(" (%s)", text_of(f, "error"));
		putchar('\n');
	}
}

static void show_list(const char *name, const json_t *list)
{
	const json_t *s;
	size_t i;

	json_array_foreach (list, i, s) {
		label(i ? "" : name);
		puts(json_string_value(s));
	}
}

static void show_messages(const json_t *list)
{
	const json_t *m;
	size_t i;

	json_array_foreach (list, i, m) {
		label(i ? "" : "messages");
		printf("%s %s: ", text_of(m, "time"), text_of(m, "action"));
		put(text_of(m, "text"));
		putchar('\n');
	}
}

static void show(const json_t *s)
{
	const json_t *w = json_object_get(s, "wire");

	label("cordon");
	if (is(s, "running"))
		printf("%s, process %" PRId64 ", since %s, mode %s (by the %s)\n",
		       text_of(s, "version"), number_of(s, "pid"), text_of(s, "since"),
		       text_of(s, "mode"), text_of(s, "mode_from"));
	else
		printf("no agent runs; %s\n", text_of(s, "message"));
	if (json_is_integer(json_object_get(s, "trial_seconds_left"))) {
		label("TRIAL");
		printf("mode monitor again in %" PRId64
		       " s, unless 'cordon confirm' is called before\n",
		       number_of(s, "trial_seconds_left"));
	}
	if (json_is_string(json_object_get(s, "fallback"))) {
		label("FALLBACK");
		put(text_of(s, "fallback"));
		putchar('\n');
	}
	show_policy(json_object_get(s, "policy"));
	show_places(json_object_get(s, "places"));
	show_kernel(json_object_get(s, "kernel"));
	status_frames(json_object_get(s, "frames"));
	if (w) {
		label("listens on");
		put(text_of(w, "interface"));
		printf(", %" PRId64 " packets, %" PRId64
		       " dropped; alert only, nothing is blocked\n",
		       number_of(w, "packets"), number_of(w, "dropped"));
	}
	show_counters(json_object_get(s, "counters"));
	if (is(s, "running"))
		show_flows(s);
	status_meters(json_object_get(s, "meters"));
	status_names(json_object_get(s, "names"));
	show_feeds(json_object_get(s, "feeds"));
	if (json_is_string(json_object_get(s, "last_reload"))) {
		label("last reload");
		put(text_of(s, "last_reload"));
		putchar('\n');
	}
	show_messages(json_object_get(s, "messages"));
	show_list("not covered", json_object_get(s, "not_covered"));
	show_list("", json_object_get(w, "not_covered"));
}

/* Where the pinned programs are attached, as a path; "" when it cannot be told. */
static void pinned_cgroup(char *buf, size_t size, const char *pins)
{
	struct cgroups *cs = NULL;
	char mount[256];
	const char *path;
	uint64_t id;

	buf[0] = 0;
	if (kernel_pinned_cgroup(&id, pins) < 0 || !id || cgroup2_mount(mount, sizeof(mount)) < 0 ||
	    cgroups_new(&cs, mount, NULL) < 0)
		return;
	path = cgroups_path(cs, id);
	if (path)
		text_put(buf, size, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
	cgroups_free(cs);
}

static int open_pins(struct kernel **ret, const char *pins)
{
	struct kernel_config cfg = {.pins = pins, .look = true};
	struct diag_print p;
	char cgroup[512];
	int r;

	pinned_cgroup(cgroup, sizeof(cgroup), pins);
	cfg.cgroup = cgroup[0] ? cgroup : NULL;
	diag_print_init(&p, stderr);
	r = kernel_open(ret, &cfg, &p.sink);
	diag_print_done(&p);
	return r;
}

static bool attached(struct kernel *k)
{
	struct kernel_status s;

	return kernel_status(k, &s) == 0 && s.nhooks &&
	       s.hook[0].attached; /* the packet hook is the first */
}

/* Without an agent the pins tell what goes on being enforced. Looking must not make anything. */
static json_t *ask_kernel(const char *pins, int *code)
{
	json_t *o = json_pack("{sbsb}", "ok", 1, "running", 0);
	const char *text = "and nothing of cordon is in the kernel: nothing is watched";
	struct kernel *k = NULL;
	int r;

	*code = EXIT_FAILED;
	if (access(pins, F_OK) == 0) {
		r = open_pins(&k, pins);
		text = r == 0 ? "what is in the kernel goes on judging by its last policy"
		       : r == -EBUSY
			       ? "at that socket, but one holds the pins: it has another --control"
			       : "and the kernel cannot be asked";
	} else if (errno != ENOENT) {
		text = strerror(errno);
	}
	if (k && !attached(k))
		text = "its pins are there, but no program is attached: nothing is judged";
	json_object_set_new(o, "message", json_string(text));
	if (k) {
		json_object_set_new(o, "kernel", daemon_kernel_status(k));
		json_object_set_new(o, "not_covered", daemon_sentences(kernel_not_covered()));
		*code = attached(k) ? EXIT_DONE : EXIT_FAILED;
		kernel_close(k);
	}
	return o;
}

static int parse(struct status_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"control", required_argument, NULL, 'c'},
		{"pin", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	int code;

	while ((code = options_next("status", argc, argv, "", options)) != -1) {
		if (code == 'j')
			o->json = true;
		else if (code == 'c')
			o->control = optarg;
		else if (code == 'p')
			o->pins = optarg;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return diag_usage("status", "'%s' is one argument too many", argv[optind]);
	return 0;
}

int cmd_status(int argc, char **argv)
{
	struct status_options o = {.control = CONTROL_PATH, .pins = KERNEL_PINS};
	_json_ json_t *request = json_pack("{ss}", "verb", "status"), *answer = NULL;
	int code = EXIT_DONE, r = parse(&o, argc, argv);

	if (r)
		return r;
	r = control_call(&answer, o.control, request, 10);
	if (r == -EACCES || r == -EPERM) {
		diag_say("%s: only root may ask the agent", o.control);
		return EXIT_FAILED;
	}
	if (r == -ENOENT || r == -ECONNREFUSED) {
		diag_say("no agent answers at %s", o.control);
		answer = ask_kernel(o.pins, &code);
	} else if (r < 0)
		diag_say("%s: the agent does not answer: %s", o.control, strerror(-r));
	if (!answer)
		return EXIT_FAILED;
	if (is(answer, "running") && json_object_get(answer, "kernel") &&
	    !judges(json_object_get(answer, "kernel")))
		code = EXIT_FAILED;
	if (o.json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		show(answer);
	}
	return code;
}
