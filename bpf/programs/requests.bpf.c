// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The beginnings of what goes over TCP connections, for requests: each call that sends or receives
 * becomes a record in a ring, with those of its bytes that user space wants.
 *
 * Runs where a socket has sent or received, so that other system calls pay nothing. A connection is
 * told of until its first calls have shown no protocol that is known, or user space wants no more
 * of it; then what is left is one look-up a call.
 *
 * Threads that send over one connection at once may be told in another order than they sent in.
 */
#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/call_buffer.bpf.h"
#include "bpf/lib/connection_key.bpf.h"
#include "bpf/lib/request_states.bpf.h"
#include "bpf/lib/tcp_connections.bpf.h"
#include "bpf/shared/requests.h"
#include "protocol_rules.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	/* include/linux/socket.h */
	MSG_PEEK = 0x2,
	MSG_TRUNC = 0x20,
	MSG_ERRQUEUE = 0x2000,

	REQUEST_CALLS_MAX = 8, /* looked at for a protocol; base/limits.h has the same */
};

/* Set before the load; see agent/probes/request_ring.cc. */
const volatile __u64 wake_at_bytes; /* in the ring: whoever reads it is woken */

/* Set when all programs are attached: connections that are older are joined late. */
__u64 capture_since_us = ~0ULL;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct request_want);
} request_wants SEC(".maps");

struct request_scratch {
	struct request_record record;
	__u8 bytes[2 * REQUEST_BYTES_MAX]; /* see append_bytes */
	struct ll_detect_head head;
};

/* By direction: a call that receives may interrupt one that sends, not another one of its kind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REQUEST_DIRECTIONS);
	__type(key, __u32);
	__type(value, struct request_scratch);
} request_scratches SEC(".maps");

/*
 * Each rule is verified by itself. What it answers of a write's beginning: LL_DETECT_NO, or that it
 * may be the protocol's.
 */
#define LL_PROTOCOL(id, folder, name, transports, ...)                                             \
	__noinline int detect_##folder(struct ll_detect_head *head)                                \
	{                                                                                          \
		return head ? ll_detect_##folder(head) : LL_DETECT_NO;                             \
	}
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL

enum {
	PROTOCOL_UNKNOWN,
#define LL_PROTOCOL(id, folder, name, transports, ...) PROTOCOL_##folder,
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
	PROTOCOL_END,
	/* TLS, which user space counts. */
	PROTOCOL_ENCRYPTED = REQUEST_PROTOCOLS_MAX - 1,
};
LL_STATIC_ASSERT(PROTOCOL_END <= PROTOCOL_ENCRYPTED);

/* The first row whose rule does not say no; PROTOCOL_UNKNOWN when all do. */
static __always_inline __u8 detect(struct request_scratch *scratch, __u32 bytes, __u32 total,
				   bool first)
{
	struct ll_detect_head *head = &scratch->head;

	if (bytes > LL_DETECT_WINDOW)
		bytes = LL_DETECT_WINDOW;
	for (__u32 i = 0; i < LL_DETECT_WINDOW; i++)
		head->bytes[i] = i < bytes ? scratch->bytes[i] : 0;
	head->size = bytes;
	head->total = total;
	head->first = first;
	if (bytes >= 2 && head->bytes[0] == 0x16 && head->bytes[1] == 0x03)
		return PROTOCOL_ENCRYPTED;
#define LL_PROTOCOL(id, folder, name, transports, ...)                                             \
	if ((transports)&LL_TCP && detect_##folder(head) != LL_DETECT_NO)                          \
		return PROTOCOL_##folder;
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
	return PROTOCOL_UNKNOWN;
}

static __always_inline void begin_requests(struct tcp_connection *connection,
					   struct request_state *state)
{
	__builtin_memset(state, 0, sizeof(*state));
	state->late = connection->start_us < capture_since_us;
	connection->requests = REQUEST_MODE_ON;
}

/* How many of the call's bytes nobody wants; `off`: nor anything of the connection. */
static __always_inline __u32 unwanted(__u32 serial, __u32 place, __u32 direction, __u64 offset,
				      __u32 total, bool *off)
{
	struct request_want *want = bpf_map_lookup_elem(&request_wants, &place);
	__u64 from;

	if (!want || *(volatile __u32 *)&want->serial != serial)
		return 0;
	*off = want->off;
	from = want->offset[direction];
	if (from <= offset)
		return 0;
	return from - offset < total ? from - offset : total;
}

static __always_inline void send_record(struct request_scratch *scratch, __u32 captured,
					__u8 protocol)
{
	__u64 flags = BPF_RB_NO_WAKEUP;
	__u64 size = sizeof(scratch->record) + captured;

	if (size > sizeof(scratch->record) + REQUEST_BYTES_MAX)
		return; /* cannot be, but the verifier does not know */
	if (bpf_ringbuf_query(&request_ring, BPF_RB_AVAIL_DATA) > wake_at_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&request_ring, scratch, size, flags))
		count_request_loss(REQUEST_LOSS_RING_FULL +
				   (protocol & (REQUEST_PROTOCOLS_MAX - 1)));
}

static __always_inline int tell_call(struct tcp_connection *connection, struct request_state *state,
				     __u32 place, __u32 direction, __u32 total, bool has_bytes)
{
	__u32 key = direction, skipped, left, captured = 0;
	struct request_scratch *scratch = bpf_map_lookup_elem(&request_scratches, &key);
	bool off = false, unreadable = false;
	struct call_buffer buffer;

	if (!scratch)
		return 0; /* cannot be: the index is within the map */
	describe(&scratch->record, connection, state, place);
	scratch->record.offset[direction] = __sync_fetch_and_add(&state->offset[direction], total);
	skipped = unwanted(connection->serial, place, direction, scratch->record.offset[direction],
			   total, &off);
	if (off) {
		connection->requests = REQUEST_MODE_OFF;
		return 0;
	}
	left = total - skipped;
	if (left) {
		if (has_bytes && find_call_buffer(&buffer)) {
			captured = copy_call_bytes(
				&buffer, skipped, scratch->bytes, REQUEST_BYTES_MAX,
				left < REQUEST_BYTES_MAX ? left : REQUEST_BYTES_MAX, &unreadable);
			if (unreadable)
				count_request_loss(REQUEST_LOSS_UNREADABLE);
		} else {
			count_request_loss(REQUEST_LOSS_NO_BUFFER);
		}
	}
	if (!state->protocol) {
		if (captured)
			state->protocol =
				detect(scratch, captured, total,
				       !state->late && !scratch->record.offset[REQUEST_EGRESS] &&
					       !scratch->record.offset[REQUEST_INGRESS]);
		if (!state->protocol && ++state->calls > REQUEST_CALLS_MAX) {
			connection->requests = REQUEST_MODE_OFF;
			return 0;
		}
	}
	scratch->record.skipped = skipped;
	scratch->record.captured = captured;
	scratch->record.uncaptured = left - captured;
	scratch->record.kind = REQUEST_CHUNK;
	scratch->record.direction = direction;
	send_record(scratch, captured, state->protocol);
	return 0;
}

static __always_inline bool is_of_user_space(bool btf, const struct sock *sk)
{
	return btf ? sk->sk_socket->file != 0 : BPF_CORE_READ(sk, sk_socket, file) != 0;
}

/* `btf` as in LL_FIELD. */
static __always_inline int on_call(bool btf, struct sock *sk, __u32 direction, int total,
				   bool has_bytes)
{
	struct tcp_connection *connection;
	struct request_state *state;
	__u32 place;

	connection = find_connection_at(sk, &place);
	if (!connection || connection->requests == REQUEST_MODE_OFF)
		return 0;
	/* Sockets of the kernel's own have no file: the call's bytes are not theirs. */
	if (connection->is_agents || !is_of_user_space(btf, sk)) {
		connection->requests = REQUEST_MODE_OFF;
		return 0;
	}
	state = bpf_map_lookup_elem(&request_states, &place);
	if (!state)
		return 0;
	if (connection->requests == REQUEST_MODE_NEW)
		begin_requests(connection, state);
	return tell_call(connection, state, place, direction, total, has_bytes);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(requests_send_btf, struct sock *sk, int bytes, int flags)
{
	if (bytes <= 0 || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	return on_call(true, sk, REQUEST_EGRESS, bytes, true);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(requests_receive_btf, struct sock *sk, int bytes, int flags)
{
	if (bytes <= 0 || sk->sk_protocol != IPPROTO_TCP || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	return on_call(true, sk, REQUEST_INGRESS, bytes, !(flags & MSG_TRUNC));
}

SEC("raw_tp/sock_send_length")
int requests_send_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	int bytes = ctx->args[1];

	if (bytes <= 0 || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	return on_call(false, sk, REQUEST_EGRESS, bytes, true);
}

SEC("raw_tp/sock_recv_length")
int requests_receive_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	int bytes = ctx->args[1], flags = ctx->args[2];

	if (bytes <= 0 || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP ||
	    flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	return on_call(false, sk, REQUEST_INGRESS, bytes, !(flags & MSG_TRUNC));
}
