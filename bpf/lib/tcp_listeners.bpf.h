/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Who listens: whose connections are accepted there, where the socket does not say, and whether it
 * is the agent itself.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/cgroup.bpf.h"
#include "bpf/lib/connection_key.bpf.h"
#include "bpf/shared/connections.h"

/* Where the agent itself listens: network namespace and port, which is 0 for a free place. */
__u32 own_netns[TCP_OWN_LISTENERS], own_port[TCP_OWN_LISTENERS];

static __always_inline __u32 netns_of(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* On v1, where sockets do not know it: whose cgroup listens. One row elsewhere. */
struct tcp_listener {
	__u32 netns;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct tcp_listener);
	__type(value, __u64);
} tcp_listeners SEC(".maps");

/* It stays when the listener closes: what it has accepted may be established after that. */
static __always_inline void note_listener(const struct sock *sk, __u64 cgroup)
{
	struct tcp_listener key = {};

	if (counts_by_v2())
		return;
	key.netns = netns_of(sk);
	key.port = local_port(false, (const struct inet_sock *)sk);
	bpf_map_update_elem(&tcp_listeners, &key, &cgroup, BPF_ANY);
}

static __always_inline __u64 listener_cgroup(const struct sock *sk, __u32 port)
{
	struct tcp_listener key = {.netns = netns_of(sk), .port = port};
	__u64 *cgroup = bpf_map_lookup_elem(&tcp_listeners, &key);

	return cgroup ? *cgroup : CGROUP_UNKNOWN;
}

static __always_inline bool is_own_listener(const struct sock *sk, int place, __u32 port)
{
	return own_port[place] == port && own_netns[place] == netns_of(sk);
}

static __always_inline void set_own_listener(const struct sock *sk, bool listens)
{
	__u32 port = local_port(false, (const struct inet_sock *)sk);

	for (int i = 0; i < TCP_OWN_LISTENERS; i++) {
		if (listens && !own_port[i]) {
			own_netns[i] = netns_of(sk);
			own_port[i] = port;
			return;
		}
		if (!listens && is_own_listener(sk, i, port))
			own_port[i] = 0;
	}
}

static __always_inline bool accepted_by_agent(const struct sock *sk, __u32 port)
{
	for (int i = 0; i < TCP_OWN_LISTENERS; i++) {
		if (is_own_listener(sk, i, port))
			return true;
	}
	return false;
}
