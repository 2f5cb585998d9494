/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap_live.c - libpcap in non-blocking mode: batches of frames for the pipeline; its events with
 * the process that has the socket. */
#include "agent/source/pcap_live.h"
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include "agent/base/loop.h"
#include "agent/base/text.h"
#include "agent/host/netlink.h"
#include "agent/host/socket.h"

#define TIMEOUT_MS 100 /* the kernel hands over a block of packets at least this often */
#define BUFFER	   (8 << 20)

#define LOOKS  50 /* sockets looked up a second */
#define OWNERS 4096

struct owner { /* who had the socket at a flow's first packet, while it still stood */
	uint64_t hash;
	uint64_t cgroup_id;
	uint32_t uid;
	int32_t pid;
};
struct pcap_live {
	struct pcap_live_config cfg;
	pcap_t *pcap;		   /* owned */
	char *interface;	   /* owned */
	struct pipeline *pipeline; /* owned */
	uint16_t link;
	uint64_t number;
	int error;
	uint64_t second;
	unsigned looks;				   /* in that second */
	char cgroup[4096], unit[PROCESS_UNIT_MAX]; /* of the event at hand */
	struct owner owner[OWNERS];		   /* by hash of the flow; the last one wins */
};

static int refuse(struct diag_sink *d, const char *interface, int status, pcap_t *p)
{
	const char *more = p ? pcap_geterr(p) : "";

	diag_error(d, NULL, 0, "cannot listen on %s: %s%s%s", interface, pcap_statustostr(status),
		   *more ? ": " : "", more);
	if (status == PCAP_ERROR_PERM_DENIED)
		return -EPERM;
	return status == PCAP_ERROR_NO_SUCH_DEVICE ? -ENODEV : -EIO;
}

static int activate(pcap_t *p)
{
	char text[PCAP_ERRBUF_SIZE];
	int r;

	pcap_set_snaplen(p, PCAP_LIVE_SNAPLEN);
	pcap_set_promisc(p, 0);
	pcap_set_timeout(p, TIMEOUT_MS);
	pcap_set_buffer_size(p, BUFFER);
	pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	r = pcap_activate(p);
	if (r >= 0 && pcap_setnonblock(p, 1, text) < 0)
		return PCAP_ERROR;
	return r;
}

static void name_cgroup(struct pcap_live *w, struct process *p)
{
	const char *path =
		w->cfg.cgroups && p->cgroup_id ? cgroups_path(w->cfg.cgroups, p->cgroup_id) : NULL;

	if (!path)
		return;
	text_put(w->cgroup, sizeof(w->cgroup), "%s", path);
	p->cgroup = w->cgroup;
	p->unit = process_unit(w->unit, w->cgroup);
}

/* A packet names no process: the socket that has its addresses now does, if there still is one. At
 * most so many a second: with many new flows the looking would cost more than it tells. */
static void look(struct pcap_live *w, struct event *e, struct owner *o)
{
	const struct flow_key *k = &e->flow;
	uint64_t second = loop_monotonic_ns() / LOOP_SECOND;
	struct netlink_socket s;
	char procs[4200] = "";

	w->looks = second == w->second ? w->looks + 1 : 0;
	w->second = second;
	if (w->looks >= LOOKS ||
	    netlink_socket(&s, k->proto, &k->src, k->sport, &k->dst, k->dport) < 0)
		return;
	e->process.uid = s.uid;
	e->process.has_uid = 1;
	e->process.cgroup_id = s.cgroup_id;
	name_cgroup(w, &e->process);
	if (e->process.cgroup)
		text_put(procs, sizeof(procs), "%s%s/cgroup.procs", w->cfg.cgroup2,
			 e->process.cgroup);
	socket_process(&e->process.pid, "/proc", procs[0] ? procs : NULL, s.inode);
	processes_lookup(w->cfg.processes, &e->process);
	*o = (struct owner){.hash = flow_key_hash(k, 0),
			    .cgroup_id = s.cgroup_id,
			    .uid = s.uid,
			    .pid = e->process.pid};
}

static void remember(struct pcap_live *w, struct event *e, const struct owner *o)
{
	if (o->hash != flow_key_hash(&e->flow, 0))
		return;
	e->process.pid = o->pid;
	e->process.uid = o->uid;
	e->process.has_uid = 1;
	e->process.cgroup_id = o->cgroup_id;
	name_cgroup(w, &e->process);
	processes_lookup(w->cfg.processes, &e->process);
}

static void on_event(void *arg, struct event *e)
{
	struct pcap_live *w = arg;
	struct owner *o = &w->owner[flow_key_hash(&e->flow, 0) % OWNERS];

	if (e->kind == EVENT_PLACE_REFUTED) {
		w->cfg.refuted(w->cfg.arg, e);
		return;
	}
	if (e->kind == EVENT_FLOW)
		look(w, e, o);
	else
		remember(w, e, o);
	aggregate_event(w->cfg.aggregate, e, loop_monotonic_ns());
	if (!w->cfg.top)
		return;
	if (e->kind == EVENT_FLOW)
		top_put(w->cfg.top, e);
	else
		top_end(w->cfg.top, e);
}

static int open_device(struct pcap_live *w, struct diag_sink *d)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	int r;

	w->pcap = pcap_create(w->interface, text);
	if (!w->pcap) {
		diag_error(d, NULL, 0, "cannot listen on %s: %s", w->interface, text);
		return -EIO;
	}
	r = activate(w->pcap);
	if (r < 0 || pcap_get_selectable_fd(w->pcap) < 0)
		return refuse(d, w->interface, r < 0 ? r : PCAP_ERROR, w->pcap);
	w->link = (uint16_t)pcap_datalink(w->pcap);
	if (w->link == DLT_RAW) /* libpcap's number is not the file format's LINKTYPE_RAW */
		w->link = 101;
	return 0;
}

int pcap_live_open(struct pcap_live **ret, const struct pcap_live_config *cfg, struct diag_sink *d)
{
	struct pcap_live *w = calloc(1, sizeof(*w));
	struct pipeline_config pipeline = {.engine = cfg->engine, .event = on_event, .arg = w};
	int r = -ENOMEM;

	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	w->interface = strdup(cfg->interface);
	if (w->interface)
		r = pipeline_new(&w->pipeline, &pipeline);
	if (r == 0)
		r = open_device(w, d);
	if (r < 0) {
		pcap_live_close(w);
		return r;
	}
	*ret = w;
	return 0;
}

int pcap_live_engine(struct pcap_live *w, const struct engine *e)
{
	return pipeline_engine(w->pipeline, e);
}

void pcap_live_expire(struct pcap_live *w, uint64_t now_ns)
{
	pipeline_expire(w->pipeline, now_ns - PCAP_LIVE_IDLE_NS);
}

void pcap_live_finish(struct pcap_live *w)
{
	pipeline_finish(w->pipeline);
}

void pcap_live_close(struct pcap_live *w)
{
	if (!w)
		return;
	if (w->pcap)
		pcap_close(w->pcap);
	pipeline_free(w->pipeline);
	free(w->interface);
	free(w);
}

int pcap_live_fd(const struct pcap_live *w)
{
	return pcap_get_selectable_fd(w->pcap);
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *data)
{
	struct pcap_live *w = (struct pcap_live *)(void *)arg;
	struct packet_frame f = {.data = data,
				 .caplen = h->caplen,
				 .len = h->len < h->caplen ? h->caplen : h->len,
				 .time_ns = (uint64_t)h->ts.tv_sec * 1000000000ull +
					    (uint64_t)h->ts.tv_usec,
				 .link = w->link,
				 .number = ++w->number};
	int r = pipeline_packets(w->pipeline, &f, 1);

	w->error = r < 0 ? r : w->error;
}

int pcap_live_poll(struct pcap_live *w, const char **why)
{
	int n;

	w->error = 0;
	n = pcap_dispatch(w->pcap, PCAP_LIVE_BATCH, on_packet, (u_char *)(void *)w);
	if (n < 0) {
		*why = pcap_geterr(w->pcap);
		return -EIO;
	}
	if (w->error < 0)
		*why = "not enough memory for another flow";
	return w->error;
}

void pcap_live_state(struct pcap_live *w, struct pcap_live_state *ret)
{
	struct pcap_stat s = {0};

	pcap_stats(w->pcap, &s);
	*ret = (struct pcap_live_state){.interface = w->interface,
					.packets = w->number,
					.dropped = s.ps_drop,
					.dropped_by_interface = s.ps_ifdrop};
}
