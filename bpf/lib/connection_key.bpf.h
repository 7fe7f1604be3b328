/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Whose a socket is, and who its peer is: read from the socket itself, since the task that runs
 * when something happens to a socket is often another's.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/cgroup.bpf.h"
#include "bpf/shared/connections.h"

enum {
	AF_INET = 2, /* include/linux/socket.h */
	AF_INET6 = 10,
	IPPROTO_TCP = 6, /* include/uapi/linux/in.h */
	IPPROTO_UDP = 17,
};

/* The agent's process in the machine's own pid namespace; 0 when not known. Set before the load. */
const volatile __u32 agent_tgid;

static __always_inline bool current_is_agent(void)
{
	return agent_tgid && bpf_get_current_pid_tgid() >> 32 == agent_tgid;
}

/*
 * A field of a kernel's struct. `btf`, a constant: the verifier knows what the pointer points to,
 * as in tp_btf programs, so that it is a load; else it takes a call, which costs some 30 ns.
 */
#define LL_FIELD(btf, pointer, field)                                                              \
	({                                                                                         \
		typeof(pointer) ll_object = (pointer);                                             \
		(btf) ? ll_object->field : BPF_CORE_READ(ll_object, field);                        \
	})

/* What is said of a socket whose opener nobody saw: its counters are the machine's. */
enum { CGROUP_UNKNOWN = 0 };

/*
 * The cgroup on the v2 hierarchy of the task that opened the socket; of an accepted one, that of
 * its listener. On v1 a socket knows none, so it is the caller's: right where that opens the socket
 * or uses it. Before 8520e224f547 (5.15) the pointer shared a word with flags, of which the
 * lowest says that there is none.
 */
static __always_inline __u64 socket_cgroup(bool btf, const struct sock *sk)
{
	const struct sock_cgroup_data___old *old = (const void *)&sk->sk_cgrp_data;
	struct cgroup *cgroup;
	__u64 word;

	if (!counts_by_v2())
		return current_cgroup();
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		if (btf)
			return sk->sk_cgrp_data.cgroup->kn->id;
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	}
	word = BPF_CORE_READ(old, val);
	if (word & 1)
		return 1; /* the root's */
	cgroup = (struct cgroup *)(word & ~3ULL);
	return BPF_CORE_READ(cgroup, kn, id);
}

/* skc_num, the same in the host's byte order, is 0 by the time a socket is closed. */
static __always_inline __u16 local_port(bool btf, const struct inet_sock *inet)
{
	return bpf_ntohs(LL_FIELD(btf, inet, inet_sport));
}

/* False for sockets that have no Internet addresses. */
static __always_inline bool read_peer(bool btf, const struct sock *sk, struct connection_key *key)
{
	__u16 family = LL_FIELD(btf, sk, __sk_common.skc_family);
	__be32 address;

	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&key->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
		return true;
	}
	if (family != AF_INET)
		return false;
	address = LL_FIELD(btf, sk, __sk_common.skc_daddr);
	if (address) {
		key->remote[10] = key->remote[11] = 0xff;
		__builtin_memcpy(&key->remote[12], &address, sizeof(address));
	}
	return true;
}

static __always_inline void make_other_key(struct connection_key *key)
{
	__builtin_memset(key->remote, 0, sizeof(key->remote));
	key->local_port = key->remote_port = 0;
	key->other = 1;
}

/*
 * `role` decides which of the two ports is the service's. `inet` is the same socket; `inet_btf` is
 * `btf` for it, since only of some kinds of socket does the verifier know that it is one.
 */
static __always_inline bool read_key(bool btf, const struct sock *sk, bool inet_btf,
				     const struct inet_sock *inet, __u8 role,
				     struct connection_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	if (!read_peer(btf, sk, key))
		return false;
	key->role = role;
	if (role == CONNECTION_SERVER)
		key->local_port = local_port(inet_btf, inet);
	else
		key->remote_port = bpf_ntohs(LL_FIELD(btf, sk, __sk_common.skc_dport));
	key->cgroup = socket_cgroup(btf, sk);
	return true;
}
