/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap_live.c - libpcap in non-blocking mode: batches of frames for the pipeline. */
#include "agent/source/pcap_live.h"
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include "geo/base/cleanup.h"
#include "agent/base/text.h"

#define TIMEOUT_MS 100 /* the kernel hands over a block of packets at least this often */
#define BUFFER	   (8 << 20)

struct pcap_live {
	pcap_t *pcap;	 /* owned */
	char *interface; /* owned */
	uint16_t link;
	uint64_t number;
	struct pipeline *pipeline; /* during pcap_live_poll */
	int error;
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

int pcap_live_open(struct pcap_live **ret, const char *interface, struct diag_sink *d)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct pcap_live *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->interface = strdup(interface);
	w->pcap = w->interface ? pcap_create(interface, text) : NULL;
	if (!w->pcap) {
		diag_error(d, NULL, 0, "cannot listen on %s: %s", interface, text);
		pcap_live_close(w);
		return -EIO;
	}
	r = activate(w->pcap);
	if (r < 0 || pcap_get_selectable_fd(w->pcap) < 0) {
		r = refuse(d, interface, r < 0 ? r : PCAP_ERROR, w->pcap);
		pcap_live_close(w);
		return r;
	}
	w->link = (uint16_t)pcap_datalink(w->pcap);
	if (w->link == DLT_RAW) /* libpcap's number is not the file format's LINKTYPE_RAW */
		w->link = 101;
	*ret = w;
	return 0;
}

void pcap_live_close(struct pcap_live *w)
{
	if (!w)
		return;
	if (w->pcap)
		pcap_close(w->pcap);
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

int pcap_live_poll(struct pcap_live *w, struct pipeline *p, const char **why)
{
	int n;

	w->pipeline = p;
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
