/* SPDX-License-Identifier: BSD-2-Clause */
/* ecs_who.c - which process of which unit, container and user, on which host, and who saw it. */
#include <openssl/evp.h>
#include "agent/base/text.h"
#include "agent/feed/ecs.h"
#include "agent/feed/ecs_private.h"
#include "agent/host/process.h"

#define TICK_NS 10000000ull /* what /proc says of a start is rounded to this */

static void put_named(struct json_writer *j, const char *key, const char *id, const char *name)
{
	if (!id && !name)
		return;
	json_writer_open(j, key, '{');
	json_writer_text_set(j, "id", id);
	json_writer_text_set(j, "name", name);
	json_writer_close(j, '}');
}

/* The same for all events of one process, and of no other on any host: host, boot, pid and start. */
static void put_entity(struct json_writer *j, const struct process *p, const struct identity *host)
{
	char text[2 * IDENTITY_TEXT + 64], id[33], *to = id;
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;
	size_t len = text_put(text, sizeof(text), "%s|%s|%d|%llu", host->id, host->boot_id, p->pid,
			      (unsigned long long)(p->start_ns / TICK_NS));

	if (EVP_Digest(text, len, md, &n, EVP_sha256(), NULL) != 1)
		return;
	for (unsigned i = 0; i < 16; i++)
		to += text_put(to, 3, "%02x", md[i]);
	json_writer_text(j, "entity_id", id);
}

static void put_start(struct json_writer *j, const struct process *p, const struct identity *host)
{
	if (!p->pid || !p->start_ns || !host || !host->boot_ns)
		return;
	json_writer_time(j, "start", (host->boot_ns + p->start_ns) / TICK_NS * TICK_NS);
	put_entity(j, p, host);
}

static void put_process(struct json_writer *j, const struct process *p, const char *uid,
			const struct identity *host)
{
	if (!p->pid && !uid && !p->comm && !p->exe)
		return;
	json_writer_open(j, "process", '{');
	if (p->pid)
		json_writer_number(j, "pid", (uint64_t)p->pid);
	json_writer_text_set(j, "name", p->comm);
	json_writer_text_set(j, "executable", p->exe);
	json_writer_text_set(j, "command_line", p->cmdline);
	put_start(j, p, host);
	if (p->parent > 0) {
		json_writer_open(j, "parent", '{');
		json_writer_number(j, "pid", (uint64_t)p->parent);
		json_writer_close(j, '}');
	}
	put_named(j, "user", uid, uid ? p->user : NULL);
	json_writer_close(j, '}');
}

void ecs_put_process(struct json_writer *j, const struct process *p, const struct identity *host)
{
	char number[16], container[PROCESS_CONTAINER_MAX];
	const char *uid = p->has_uid ? number : NULL;

	text_put(number, sizeof(number), "%u", p->uid);
	if (p->unit && *p->unit)
		put_named(j, "service", NULL, p->unit);
	if (p->cgroup && process_container(container, p->cgroup))
		put_named(j, "container", container, NULL);
	put_process(j, p, uid, host);
	put_named(j, "user", uid, uid ? p->user : NULL);
}

static void put_os(struct json_writer *j, const struct identity *h)
{
	if (!h->os.kernel[0])
		return;
	json_writer_open(j, "os", '{');
	json_writer_text(j, "type", "linux");
	json_writer_text_set(j, "name", h->os.name);
	json_writer_text_set(j, "version", h->os.version);
	json_writer_text_set(j, "full", h->os.full);
	json_writer_text_set(j, "platform", h->os.platform);
	json_writer_text_set(j, "family", h->os.family);
	json_writer_text(j, "kernel", h->os.kernel);
	json_writer_close(j, '}');
}

static void put_addresses(struct json_writer *j, const struct identity *h)
{
	char b[IP_STRLEN];

	if (!h->naddresses)
		return;
	json_writer_open(j, "ip", '[');
	for (unsigned i = 0; i < h->naddresses; i++)
		json_writer_text(j, NULL, ip_format(b, &h->address[i]));
	json_writer_close(j, ']');
}

static void put_host(struct json_writer *j, const struct identity *h)
{
	json_writer_open(j, "host", '{');
	json_writer_text_set(j, "name", h->name);
	json_writer_text_set(j, "hostname", h->name);
	json_writer_text_set(j, "id", h->id);
	json_writer_text_set(j, "architecture", h->os.architecture);
	put_addresses(j, h);
	put_os(j, h);
	if (h->boot_id[0])
		put_named(j, "boot", h->boot_id, NULL);
	json_writer_close(j, '}');
}

void ecs_put_host(struct json_writer *j, const struct identity *h)
{
	json_writer_open(j, "observer", '{');
	json_writer_text(j, "vendor", "cordon");
	json_writer_text(j, "product", "cordon");
	json_writer_text(j, "version", CORDON_VERSION);
	json_writer_text(j, "type", "egress-agent");
	if (h)
		json_writer_text_set(j, "hostname", h->name);
	json_writer_close(j, '}');
	json_writer_open(j, "agent", '{');
	json_writer_text(j, "type", "cordon");
	json_writer_text(j, "version", CORDON_VERSION);
	if (h) {
		json_writer_text_set(j, "id", h->agent_id);
		json_writer_text_set(j, "name", h->name);
	}
	json_writer_close(j, '}');
	if (h && (h->name[0] || h->id[0]))
		put_host(j, h);
}
