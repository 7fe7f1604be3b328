// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The beginnings of what goes over TCP connections, for requests: each call that sends or receives
 * becomes a record, with those of its bytes that user space wants.
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
#include "bpf/lib/request_buffers.bpf.h"
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

/*
 * Set whenever the programs have been attached: connections that are older are joined late, and
 * something is missing of those that were told of under another number.
 */
__u64 capture_since_us = ~0ULL;
__u32 capture_number = 0;

/* One connection in 2^requests_shift is told of; up to REQUEST_SHIFT_MAX, or REQUEST_SHIFT_NONE. */
__u32 requests_shift = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct request_want);
} request_wants SEC(".maps");

struct request_beginning {
	__u8 bytes[2 * LL_DETECT_WINDOW]; /* see append_bytes */
	struct ll_detect_head head;
};

/* By direction: a call that receives may interrupt one that sends, not another one of its kind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REQUEST_DIRECTIONS);
	__type(key, __u32);
	__type(value, struct request_beginning);
} request_beginnings SEC(".maps");

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

/*
 * What the first of `left` bytes of a call behind `skip` look like: the first row whose rule does
 * not say no; PROTOCOL_UNKNOWN when all do, or there are no bytes. By itself for the verifier too.
 */
__noinline int detect_protocol(struct request_beginning *beginning, struct call_buffer *source,
			       __u32 skip, __u32 left, __u32 first)
{
	struct ll_detect_head *head;
	bool unreadable = false;
	__u32 bytes;

	if (!beginning || !source)
		return PROTOCOL_UNKNOWN;
	head = &beginning->head;
	bytes = copy_call_bytes(source, skip, beginning->bytes, LL_DETECT_WINDOW,
				left < LL_DETECT_WINDOW ? left : LL_DETECT_WINDOW, &unreadable);
	if (!bytes)
		return PROTOCOL_UNKNOWN;
	for (__u32 i = 0; i < LL_DETECT_WINDOW; i++)
		head->bytes[i] = i < bytes ? beginning->bytes[i] : 0;
	head->size = bytes;
	head->total = left;
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
	state->capture = capture_number;
	connection->requests = REQUEST_MODE_ON;
}

/* Those of a sample are in every larger one, so that most are never interrupted. */
static __always_inline bool is_told_of(const struct tcp_connection *connection, __u32 place)
{
	__u32 shift = requests_shift, mixed;

	if (!shift)
		return true;
	if (shift > REQUEST_SHIFT_MAX)
		return false;
	mixed = (place ^ connection->serial * 0x85EBCA6BU) * 0x9E3779B1U;
	return !(mixed >> (32 - shift));
}

/*
 * Again, after calls that nobody was told of: as if so much had gone over it that no message can
 * reach across.
 */
static __always_inline void resume_requests(struct tcp_connection *connection,
					    struct request_state *state)
{
	__sync_fetch_and_add(&state->offset[REQUEST_EGRESS], 1ULL << 40);
	__sync_fetch_and_add(&state->offset[REQUEST_INGRESS], 1ULL << 40);
	state->late = true;
	state->capture = capture_number;
	connection->requests = REQUEST_MODE_ON;
}

/* What user space wants of a connection's direction. */
struct wanted {
	__u64 from; /* bytes from there on */
	bool off;   /* nothing any more */
};

static __always_inline struct wanted read_want(__u32 serial, __u32 place, __u32 direction)
{
	struct request_want *want = bpf_map_lookup_elem(&request_wants, &place);
	struct wanted wanted = {};

	if (want && *(volatile __u32 *)&want->serial == serial) {
		wanted.off = want->off;
		wanted.from = want->offset[direction];
	}
	return wanted;
}

/* How many of the call's bytes come before those that are wanted. */
static __always_inline __u32 unwanted(__u64 from, __u64 offset, __u32 total)
{
	if (from <= offset)
		return 0;
	return from - offset < total ? from - offset : total;
}

/* A call that sent or received. */
struct call {
	__u32 direction;
	__u32 skipped; /* bytes that nobody wants, before */
	__u32 left;    /* the others */
	__u64 offset;
	bool has_source; /* its bytes can be found */
	struct call_buffer source;
};

/*
 * Looks for the beginning of a protocol. False when there has been none in so many calls: the
 * connection is of no use.
 */
static __always_inline bool may_be_known(struct request_state *state, struct call *call)
{
	__u32 key = call->direction;
	struct request_beginning *beginning = bpf_map_lookup_elem(&request_beginnings, &key);
	bool first = !state->late && !call->offset && !state->offset[!call->direction];

	if (beginning && call->has_source)
		state->protocol =
			detect_protocol(beginning, &call->source, call->skipped, call->left, first);
	return state->protocol || ++state->calls <= REQUEST_CALLS_MAX;
}

static __always_inline void write_record(const struct tcp_connection *connection,
					 const struct request_state *state, __u32 place,
					 const struct call *call)
{
	__u32 most = call->left < REQUEST_BYTES_MAX ? call->left : REQUEST_BYTES_MAX;
	struct request_buffer *buffer = own_buffer();
	struct request_record *record;
	bool unreadable = false;
	__u32 captured = 0;

	if (!call->has_source)
		most = 0;
	if (!buffer || buffer->busy) {
		count_request_loss(REQUEST_LOSS_NESTED);
		return;
	}
	record = begin_record(buffer, sizeof(*record) + most);
	if (!record) {
		count_request_loss(REQUEST_LOSS_RING_FULL +
				   (state->protocol & (REQUEST_PROTOCOLS_MAX - 1)));
		return;
	}
	describe(record, connection, state, place);
	if (most)
		captured = copy_call_bytes(&call->source, call->skipped, (__u8 *)(record + 1),
					   REQUEST_BYTES_MAX, most, &unreadable);
	if (unreadable)
		count_request_loss(REQUEST_LOSS_UNREADABLE);
	record->offset[call->direction & 1] = call->offset;
	record->skipped = call->skipped;
	record->captured = captured;
	record->uncaptured = call->left - captured;
	record->kind = REQUEST_CHUNK;
	record->direction = call->direction;
	record->shift = requests_shift;
	end_record(buffer, sizeof(*record) + captured);
}

static __always_inline int tell_call(struct tcp_connection *connection, struct request_state *state,
				     __u32 place, __u32 direction, __u32 total, bool has_bytes)
{
	struct wanted wanted = read_want(connection->serial, place, direction);
	struct call call = {.direction = direction};

	if (wanted.off) {
		connection->requests = REQUEST_MODE_OFF;
		return 0;
	}
	call.offset = __sync_fetch_and_add(&state->offset[direction], total);
	call.skipped = unwanted(wanted.from, call.offset, total);
	call.left = total - call.skipped;
	if (call.left) {
		call.has_source = has_bytes && find_call_buffer(&call.source);
		if (!call.has_source)
			count_request_loss(REQUEST_LOSS_NO_BUFFER);
	}
	if (!state->protocol && !may_be_known(state, &call)) {
		connection->requests = REQUEST_MODE_OFF;
		return 0;
	}
	write_record(connection, state, place, &call);
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
	if (!is_told_of(connection, place)) {
		connection->requests = REQUEST_MODE_LEFT_OUT;
		return 0;
	}
	if (connection->requests == REQUEST_MODE_LEFT_OUT || state->capture != capture_number)
		resume_requests(connection, state);
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
