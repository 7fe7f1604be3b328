/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The connections that are open, by the address of their socket: a hash table with open addressing
 * over an array, since changes of the kernel's own hash are most of what a short connection costs.
 *
 * A connection is looked for in TCP_CONNECTION_PROBES places. Who takes or frees a place holds the
 * socket's lock, so that two CPUs meet only where they take a free place for different sockets. The
 * walk, which holds none, frees what nobody else can: places of sockets that closed long ago.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/lib/arch.bpf.h"
#include "bpf/shared/connections.h"

enum { TCP_CONNECTION_PROBES = 16 };

/* Set before the load; see agent/probes/tcp_table.cc. */
const volatile __u32 connection_mask = 0; /* a power of two, less one */

struct tcp_figures {
	__u64 values[TCP_FIGURE_END];
};

/* What the kernel counts in 32 bits, in 64. */
struct tcp_segments {
	__u64 sent;
	__u64 received;
	__u64 retransmitted;
};

struct tcp_history {
	struct tcp_figures before; /* what it had counted when it was first seen */
	struct tcp_segments seen;  /* at the last walk: the kernel's counters go on from there */
};

/* Two cache lines, of which one that nobody has walked over needs the first only. */
struct tcp_connection {
	__u64 sk;		   /* 0: of none */
	struct connection_key key; /* of its row */
	__u64 start_us;		   /* 0 while connecting */
	__u32 takers;		   /* 1: taken; more: some try in vain */
	__u8 is_agents;		   /* counts nowhere */
	__u8 has_history;	   /* else its history is all 0, whatever stands there */
	__u8 seen_closed;	   /* by the last walk */
	__u8 requests;		   /* enum request_mode; see bpf/lib/request_states.bpf.h */
	__u32 serial;		   /* of those that have had the place */
	__u8 pad[4];
	struct tcp_history history;
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tcp_connection);
} tcp_connections SEC(".maps");

const volatile __u64 no_history[sizeof(struct tcp_history) / sizeof(__u64)];

/* Of none, too: all 0. */
static __always_inline const struct tcp_history *history_of(const struct tcp_connection *connection)
{
	return connection && connection->has_history ? &connection->history
						     : (const struct tcp_history *)no_history;
}

/* Of the address's lower half: there is no arithmetic with whole pointers, for the verifier. */
static __always_inline __u32 connection_hash(const struct sock *sk)
{
	__u32 low;

	asm volatile("%0 = %1" : "=w"(low) : "w"((__u32)(__u64)sk));
	return (low * 0x9E3779B97F4A7C15ULL) >> 32;
}

static __always_inline __u32 connection_step(__u32 hash)
{
	return (hash >> 16) | 1;
}

static __always_inline struct tcp_connection *connection_at(__u32 hash)
{
	__u32 index = hash & connection_mask;

	return bpf_map_lookup_elem(&tcp_connections, &index);
}

/* `place` is where it is. */
static __always_inline struct tcp_connection *find_connection_at(const struct sock *sk,
								 __u32 *place)
{
	__u32 hash = connection_hash(sk), step = connection_step(hash);

	for (int i = 0; i < TCP_CONNECTION_PROBES; i++, hash += step) {
		struct tcp_connection *connection = connection_at(hash);

		if (connection && connection->sk == (__u64)sk) {
			*place = hash & connection_mask;
			return connection;
		}
	}
	return 0;
}

static __always_inline struct tcp_connection *find_connection(const struct sock *sk)
{
	__u32 place;

	return find_connection_at(sk, &place);
}

/*
 * Of all who add themselves to a free place at once at most one reads 1: who came first did so
 * before the second came. Needs no exchange, which kernels before 5.12 do not have.
 */
static __always_inline bool take_place(struct tcp_connection *connection)
{
	if (connection->takers)
		return false;
	__sync_fetch_and_add(&connection->takers, 1);
	if (*(volatile __u32 *)&connection->takers == 1)
		return true;
	__sync_fetch_and_add(&connection->takers, -1);
	return false;
}

/*
 * A place for a connection, which is nobody's until it is published; 0 when there is none. One of a
 * former socket at that address, whose end was missed, is used again.
 */
static __always_inline struct tcp_connection *take_connection(const struct sock *sk)
{
	__u32 hash = connection_hash(sk), step = connection_step(hash);

	for (int i = 0; i < TCP_CONNECTION_PROBES; i++, hash += step) {
		struct tcp_connection *connection = connection_at(hash);

		if (connection && (connection->sk == (__u64)sk || take_place(connection))) {
			connection->start_us = 0;
			connection->is_agents = false;
			connection->has_history = false;
			connection->seen_closed = false;
			connection->requests = 0;
			connection->serial++;
			return connection;
		}
	}
	return 0;
}

static __always_inline void publish_connection(struct tcp_connection *connection,
					       const struct sock *sk)
{
	PUBLISH(&connection->sk, (__u64)sk);
}

static __always_inline void forget_connection(struct tcp_connection *connection)
{
	PUBLISH(&connection->sk, 0);
	__sync_fetch_and_add(&connection->takers, -1);
}
