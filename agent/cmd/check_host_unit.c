/* SPDX-License-Identifier: BSD-2-Clause */
/* check_host_unit.c - 'check --host': cordon.service and the timer, as systemd knows them. */
#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include "agent/cmd/check_host.h"
#include "geo/base/cleanup.h"

#define UNIT_PATH "/org/freedesktop/systemd1/unit/"

static void bus_done(sd_bus **b)
{
	sd_bus_flush_close_unref(*b);
}

/* malloc'ed; NULL: it does not say. */
static char *property(sd_bus *b, const char *path, const char *name)
{
	char *ret = NULL;

	return sd_bus_get_property_string(b, "org.freedesktop.systemd1", path,
					  "org.freedesktop.systemd1.Unit", name, NULL, &ret) < 0
		       ? NULL
		       : ret;
}

static bool is(const char *s, const char *what)
{
	return s && strcmp(s, what) == 0;
}

static void unit(struct host *h, sd_bus *b, const char *path, const char *name, bool service)
{
	_free_ char *load = property(b, path, "LoadState");
	_free_ char *active = property(b, path, "ActiveState");
	_free_ char *file = property(b, path, "UnitFileState");

	if (!load || !active)
		host_say(h, HOST_UNSEEN, "unit", "%s: systemd does not say how it is", name);
	else if (is(load, "masked"))
		host_say(h, HOST_WARNING, "unit",
			 "%s is masked: nothing starts it (systemctl unmask %s)", name, name);
	else if (!is(load, "loaded"))
		host_say(h, HOST_NOTE, "unit", "%s is not installed (%s)", name, load);
	else if (!is(file, "enabled"))
		host_say(h, HOST_WARNING, "unit",
			 "%s is %s, and does not start at boot (systemctl enable %s)", name, active,
			 name);
	else if (!is(active, "active"))
		host_say(h, service ? HOST_WARNING : HOST_NOTE, "unit",
			 "%s is enabled, and %s now (systemctl start %s)", name, active, name);
	else
		host_say(h, HOST_OK, "unit", "%s is enabled and active", name);
}

void host_unit(struct host *h)
{
	_cleanup_(bus_done) sd_bus *b = NULL;
	int r;

	if (access("/run/systemd/system", F_OK)) {
		host_say(
			h, HOST_NOTE, "unit",
			"this host does not run systemd: who starts 'cordon run' at boot is yours to say");
		return;
	}
	r = sd_bus_open_system(&b);
	if (r < 0) {
		host_say(h, HOST_UNSEEN, "unit", "systemd cannot be asked: %s", strerror(-r));
		return;
	}
	sd_bus_set_method_call_timeout(b, 5000000);
	unit(h, b, UNIT_PATH "cordon_2eservice", "cordon.service", true);
	unit(h, b, UNIT_PATH "cordon_2dgeo_2dupdate_2etimer", "cordon-geo-update.timer", false);
}
