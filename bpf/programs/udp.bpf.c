// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * UDP by the socket: bytes and datagrams that were sent and received by calls, by cgroup, role and
 * peer. The peer of a socket that is not connected is not known here.
 */
#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/cgroup_rows.bpf.h"
#include "bpf/lib/connection_key.bpf.h"
#include "bpf/shared/connections.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before the load; see agent/probes/udp_table.cc. */
const volatile __u32 rows_per_cgroup = 1;

enum {
	/* include/linux/socket.h */
	MSG_PEEK = 0x2,
	MSG_ERRQUEUE = 0x2000,
	SOCK_BINDPORT_LOCK = 8, /* include/net/sock.h: the port was asked for */
};

LL_LOSSES(udp_losses, UDP_LOSS_COUNT)
LL_ROWS(udp_rows, struct connection_key, struct udp_counters, make_other_key, rows_per_cgroup,
	UDP_LOSS)

/* Who has asked for its port and has no peer of its own serves; anybody else is a client. */
static __always_inline __u8 role_of(bool btf, const struct sock *sk)
{
	return !LL_FIELD(btf, sk, __sk_common.skc_dport) &&
			       BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK
		       ? CONNECTION_SERVER
		       : CONNECTION_CLIENT;
}

static __always_inline int count(bool btf, const struct sock *sk, int bytes, int flags,
				 __u32 of_bytes, __u32 of_datagrams)
{
	struct connection_key key;
	struct udp_counters *row;

	if (bytes < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE) || current_is_agent() ||
	    !read_key(btf, sk, false, (const struct inet_sock *)sk, role_of(btf, sk), &key))
		return 0;
	row = row_of(&key);
	if (!row)
		return 0;
	__sync_fetch_and_add(&row->counts[of_bytes], bytes);
	__sync_fetch_and_add(&row->counts[of_datagrams], 1);
	return 0;
}

/*
 * Called for every socket. What is not UDP's is left to the program that is in one of these, if
 * there is one: a second program on a tracepoint costs the call some 20 ns more than one that is
 * gone on to. See agent/probes/probes.cc. A map can have programs of one kind only.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} after_udp_send SEC(".maps"), after_udp_receive SEC(".maps");

SEC("tp_btf/sock_send_length")
int BPF_PROG(udp_send_btf, struct sock *sk, int bytes, int flags)
{
	if (sk->sk_protocol != IPPROTO_UDP) {
		bpf_tail_call(ctx, &after_udp_send, 0);
		return 0;
	}
	return count(true, sk, bytes, flags, UDP_SENT_BYTES, UDP_SENT_DATAGRAMS);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(udp_receive_btf, struct sock *sk, int bytes, int flags)
{
	if (sk->sk_protocol != IPPROTO_UDP) {
		bpf_tail_call(ctx, &after_udp_receive, 0);
		return 0;
	}
	return count(true, sk, bytes, flags, UDP_RECEIVED_BYTES, UDP_RECEIVED_DATAGRAMS);
}

static __always_inline int on_message(struct bpf_raw_tracepoint_args *ctx, __u32 of_bytes,
				      __u32 of_datagrams)
{
	const struct sock *sk = (const struct sock *)ctx->args[0];

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP)
		return 0;
	return count(false, sk, ctx->args[1], ctx->args[2], of_bytes, of_datagrams);
}

SEC("raw_tp/sock_send_length")
int udp_send_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return on_message(ctx, UDP_SENT_BYTES, UDP_SENT_DATAGRAMS);
}

SEC("raw_tp/sock_recv_length")
int udp_receive_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return on_message(ctx, UDP_RECEIVED_BYTES, UDP_RECEIVED_DATAGRAMS);
}
