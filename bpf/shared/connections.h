/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The tables of tcp.bpf.c and udp.bpf.c: what the sockets of a cgroup did, by role and peer. Append
 * only.
 */
#pragma once

#include "bpf/shared/layout.h"
#include "bpf/shared/syscalls.h"

enum connection_role {
	CONNECTION_CLIENT = 1,
	CONNECTION_SERVER = 2,
};

/* Ephemeral ports are not part of it, so that there is a row for a peer, not for a connection. */
struct connection_key {
	__u64 cgroup;	   /* id on the v2 hierarchy; 0 in the machine's ~other rows */
	__u8 remote[16];   /* IPv6; IPv4 as ::ffff:a.b.c.d; 0 where the socket has no peer */
	__u16 local_port;  /* of servers, else 0; in the host's byte order */
	__u16 remote_port; /* of a client's peer, else 0 */
	__u8 role;
	__u8 other; /* 1: for all that have no row; address and ports are 0 */
	__u8 pad[2];
};
LL_ASSERT_SIZE(connection_key, 32);
LL_ASSERT_OFFSET(connection_key, remote, 8);
LL_ASSERT_OFFSET(connection_key, local_port, 24);
LL_ASSERT_OFFSET(connection_key, role, 28);

/* What a row of TCP counts. */
enum tcp_count {
	/* From the socket, at its end; see tcp_live for those that are open. */
	TCP_SENT_BYTES,	    /* payload that the peer has acknowledged */
	TCP_RECEIVED_BYTES, /* payload received in order, read or not */
	TCP_SENT_SEGMENTS,  /* with retransmitted ones, and those without payload */
	TCP_RECEIVED_SEGMENTS,
	TCP_RETRANSMITS, /* segments */
	TCP_FIGURE_END,

	TCP_CONNECTS = TCP_FIGURE_END, /* established by connecting */
	TCP_ACCEPTS,	 /* established by a peer that connected to a listening socket */
	TCP_CLOSED,	 /* of those two, and those that were there before */
	TCP_LIFETIME_US, /* of the closed ones */
	/* Ends of those that were still connecting. */
	TCP_CONNECT_REFUSED,
	TCP_CONNECT_TIMED_OUT,
	TCP_CONNECT_UNREACHABLE,
	TCP_CONNECT_ABORTED, /* by the caller, or no local port was free */
	TCP_CONNECT_FAILED,  /* by any other error */
	/* Ends of established ones; in TCP_CLOSED as well. */
	TCP_RESET,
	TCP_TIMED_OUT,
	TCP_UNREACHABLE,
	TCP_FAILED,
	TCP_COUNT_END,
};

enum {
	/* Octaves of syscalls.h's latency range in two buckets each. */
	TCP_RTT_SCHEMA = 1,
	TCP_RTT_BUCKETS =
		1 + ((SYSCALL_LATENCY_MAX_EXP - SYSCALL_LATENCY_MIN_EXP) << TCP_RTT_SCHEMA) + 1,
	TCP_OWN_LISTENERS = 4,
	/* Of tcp_connections, in a run of tcp_walk_run. */
	TCP_WALK_PLACES = 64,
};

struct tcp_counters {
	__u64 counts[TCP_COUNT_END];
	/* Smoothed round trip times: of each connection once a walk in which it received something,
	 * and at its end. */
	__u64 rtt_sum_us;
	__u64 rtt_buckets[TCP_RTT_BUCKETS];
	/* In an ~other row: rows that its cgroup and role have taken. For the kernel only. */
	__u64 rows;
};
LL_ASSERT_SIZE(tcp_counters, 8 * (TCP_COUNT_END + 1 + TCP_RTT_BUCKETS + 1));
LL_ASSERT_OFFSET(tcp_counters, rtt_sum_us, 8 * TCP_COUNT_END);

/* The walk writes one for each connection that is open: what it will add to its row in the end. */
struct tcp_live {
	struct connection_key key;
	__u64 figures[TCP_FIGURE_END];
};
LL_ASSERT_SIZE(tcp_live, 32 + 8 * TCP_FIGURE_END);

enum tcp_loss {
	TCP_LOSS_CGROUP_OTHER, /* no row to be had: counted in the cgroup's ~other */
	TCP_LOSS_GLOBAL_OTHER, /* nor an ~other of the cgroup: counted in the machine's */
	TCP_LOSS_UNCOUNTED,    /* not even there */
	TCP_LOSS_UNTRACKED, /* no room for the connection: counted at its end, without lifetime */
	TCP_LOSS_UNKNOWN,   /* ended, older than the agent and never seen: not counted */
	TCP_LOSS_ROW_ENDED, /* ended after its cgroup: what it did since is not counted */
	TCP_LOSS_STALE,	    /* its end was missed: what it did since the last walk is not counted */
	TCP_LOSS_COUNT,
};

enum udp_count {
	UDP_SENT_BYTES,
	UDP_RECEIVED_BYTES,
	UDP_SENT_DATAGRAMS,
	UDP_RECEIVED_DATAGRAMS,
	UDP_COUNT_END,
};

struct udp_counters {
	__u64 counts[UDP_COUNT_END];
	__u64 rows; /* as in tcp_counters */
};
LL_ASSERT_SIZE(udp_counters, 8 * (UDP_COUNT_END + 1));

enum udp_loss {
	UDP_LOSS_CGROUP_OTHER, /* as tcp_loss */
	UDP_LOSS_GLOBAL_OTHER,
	UDP_LOSS_UNCOUNTED,
	UDP_LOSS_COUNT,
};
