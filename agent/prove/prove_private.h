/* SPDX-License-Identifier: BSD-2-Clause */
/* prove_private.h - what the files of 'cordon prove' share. */
#ifndef AGENT_PROVE_PROVE_PRIVATE_H
#define AGENT_PROVE_PROVE_PRIVATE_H
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "agent/prove/prove.h"

#define PROVE_SHOTS_MAX 4096
#define PROVE_FIRST	256 /* index of the first shot in the addresses */
#define PROVE_PORT	443
#define PROVE_TOKEN	"cordon-prove-%08x" /* what a shot sends: its index */
#define PROVE_TOKEN_LEN 21

enum prove_who { PROVE_ROOT, PROVE_RAW, PROVE_NOBODY, PROVE_WHOS };
#define BY_ROOT	  (1u << PROVE_ROOT)
#define BY_RAW	  (1u << PROVE_RAW)
#define BY_NOBODY (1u << PROVE_NOBODY)
#define BY_ANY	  (BY_ROOT | BY_RAW | BY_NOBODY)
#define ON_4	  1u
#define ON_6	  2u
#define ON_BOTH	  (ON_4 | ON_6)

union prove_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};
/* Where a shot goes. */
struct aim {
	int v; /* 4 or 6 */
	union prove_address to, eu, from;
	socklen_t len;
	char token[PROVE_TOKEN_LEN + 1];
	char text[INET6_ADDRSTRLEN];
	unsigned device;     /* of the way out */
	uint32_t *turn;	     /* between it and its peer */
	const char *outside; /* cgroup.procs of a cgroup that is not judged */
};
/* Runs in a process of its own, in the judged cgroup: 0, or -errno when the host refused before anything was sent
 * (-EPERM is cordon's own refusal as well). */
typedef int technique_fn(const struct aim *a);
struct technique {
	unsigned number;
	const char *name, *line;
	technique_fn *fire;
	technique_fn
		*peer; /* in the sink's namespace, outside the cgroup, at the same time; or NULL */
	unsigned on, by;
	bool elsewhere; /* the header does not name the address: the process must do */
	enum prove_result expected,
		devices;  /* devices: what is expected when the agent judges there too */
	const char *note; /* why it is not PROVE_STOPPED */
};
const struct technique *prove_technique(size_t i);
size_t prove_techniques_count(void);

/* Shared with the children. */
struct shot {
	unsigned technique;
	uint8_t cell;	 /* family * PROVE_WHOS + who */
	uint8_t control; /* to the EU */
	int32_t pid, error;
	uint32_t turn;
	uint32_t frames, tokens; /* that arrived */
	uint8_t alert;		 /* PROVE_ALERT_* */
};
#define PROVE_ALERT_BLOCKED 1 /* says blocked */
#define PROVE_ALERT_PROCESS 2 /* names the process */
#define PROVE_ALERT_ADDRESS 4 /* and the address */
#define PROVE_ALERT_OTHER   8 /* tells of it, without 'blocked' */
struct prove_shared {
	uint32_t ready, end, lost, count;
	struct shot shot[PROVE_SHOTS_MAX];
};

/* aim.c */
void aim_at(struct aim *a, int v, bool control, unsigned index);

/* stage.c: the cgroup, the namespaces and their cable, the janitor */
struct stage {
	char directory[64], cgroup[320], outside[320];
	int db_ns, sink_ns, own_ns, alive; /* alive: the janitor waits for its end */
	pid_t janitor, sink, agent;
	struct prove_shared *shared;
};
int stage_set(struct stage *s);
void stage_strike(struct stage *s);
void stage_put(const char *path, const char *text); /* a setting, where there is one */
int stage_ip(const char *batch); /* in the current namespace; 0 or -errno after a sentence */
int stage_command(const char *const *argv); /* exit code, or -errno */
pid_t stage_fork(void);			    /* the child dies with its parent */

/* agent.c */
int agent_start(struct stage *s, bool devices);
int agent_end(struct stage *s, json_t **status); /* what was to be told has been */

/* sink.c */
int sink_start(struct stage *s);
int sink_end(struct stage *s); /* everything that was sent has been counted */

/* shoot.c */
void shoot(struct stage *s, unsigned index);
/* alerts.c */
int alerts_read(struct stage *s);

/* technique_*.c */
technique_fn udp_sendto, udp_connect, udp_second, udp_sendmmsg, udp_reconnect, udp_mapped, udp_long,
	udp_gso, udp_zerocopy, udp_mark, udp_name, udp_lite, udp_moved, udp_more, udp_sendfile,
	udp_bound;
technique_fn tcp_connect, tcp_mapped, tcp_fastopen, tcp_mptcp, tcp_nonblock, sctp_send,
	dccp_connect;
technique_fn icmp_ping, uring_sendmsg, uring_connect;
technique_fn raw_header, raw_icmp, raw_connect, raw_fragment, raw_route, raw_extensions,
	raw_unknown, raw_inner_ipip, udp_options;
technique_fn udp_nat64, udp_6to4;
technique_fn packet_raw, packet_dgram, packet_bypass, packet_ring, packet_xdp, packet_vlan,
	packet_vlan3, packet_mpls, packet_pppoe;
technique_fn path_dnat, path_dup, path_loop, path_macvlan, path_vxlan, path_vlan;
technique_fn in_tcp, in_tcp_peer, in_udp, in_udp_peer;
#endif
