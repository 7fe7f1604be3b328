// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * TCP connections: who connected to whom and how it ended, by cgroup, role and peer.
 *
 * Nothing runs for a segment or a call. A connection is noted when it is made, and adds what its
 * socket counted to its row when it ends. What those that are open have counted so far is read by
 * a walk (tcp_walk), which user space starts; so no count is ever made twice, and a connection that
 * ends between the reading of the rows and the walk is merely seen one read later.
 */
#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/cgroup_rows.bpf.h"
#include "bpf/lib/connection_key.bpf.h"
#include "bpf/lib/request_states.bpf.h"
#include "bpf/lib/tcp_connections.bpf.h"
#include "bpf/lib/tcp_listeners.bpf.h"
#include "bpf/shared/connections.h"
#include "bpf/shared/latency_bucket.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before the load; see agent/probes/tcp_table.cc. */
const volatile __u32 rows_per_cgroup = 1;
const volatile __u64 rtt_bound_ns[SYSCALL_LATENCY_BUCKETS_MAX];
const volatile __u8 rtt_bucket_of_cell[SYSCALL_LATENCY_CELLS];

enum {
	/* include/net/tcp_states.h */
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,

	SOCK_DONE = 1, /* include/net/sock.h: the peer's FIN has come */

	EPIPE = 32, /* include/uapi/asm-generic/errno-base.h, errno.h */
	ENETUNREACH = 101,
	ECONNRESET = 104,
	ETIMEDOUT = 110,
	ECONNREFUSED = 111,
	EHOSTUNREACH = 113,
};

LL_LOSSES(tcp_losses, TCP_LOSS_COUNT)
LL_ROWS(tcp_rows, struct connection_key, struct tcp_counters, make_other_key, rows_per_cgroup,
	TCP_LOSS)

/* Some connection had no room: one that is not in tcp_connections need not be older than us. */
__u32 connections_were_full;

/* A socket: as what it is, and as a TCP one. `btf` as in LL_FIELD, for both. */
struct tcp_view {
	bool btf;
	struct sock *sk;
	const struct tcp_sock *tp;
};

static __always_inline bool view_key(struct tcp_view view, __u8 role, struct connection_key *key)
{
	return read_key(view.btf, view.sk, view.btf, (const struct inet_sock *)view.tp, role, key);
}

static __always_inline __u64 go_on(__u64 seen, __u32 now)
{
	return seen + (__u32)(now - (__u32)seen);
}

/*
 * Since the socket was made. The kernel counts the SYN of who connects and both FINs as a byte each
 * when they are acknowledged or received; here only payload counts.
 */
static __always_inline void read_figures(struct tcp_view view, int state, __u8 role,
					 const struct tcp_segments *seen, struct tcp_figures *now)
{
	__u64 sent = LL_FIELD(view.btf, view.tp, bytes_acked);
	__u64 received = LL_FIELD(view.btf, view.tp, bytes_received);
	bool fin_sent = state == TCP_FIN_WAIT1 || state == TCP_CLOSING || state == TCP_LAST_ACK;

	if (role == CONNECTION_CLIENT && sent)
		sent--;
	if (state == TCP_FIN_WAIT2 || (fin_sent && LL_FIELD(view.btf, view.tp, snd_una) ==
							   LL_FIELD(view.btf, view.tp, write_seq)))
		sent--;
	if (LL_FIELD(view.btf, view.sk, __sk_common.skc_flags) & (1 << SOCK_DONE))
		received--;
	now->values[TCP_SENT_BYTES] = sent;
	now->values[TCP_RECEIVED_BYTES] = received;
	now->values[TCP_SENT_SEGMENTS] = go_on(seen->sent, LL_FIELD(view.btf, view.tp, segs_out));
	now->values[TCP_RECEIVED_SEGMENTS] =
		go_on(seen->received, LL_FIELD(view.btf, view.tp, segs_in));
	now->values[TCP_RETRANSMITS] =
		go_on(seen->retransmitted, LL_FIELD(view.btf, view.tp, total_retrans));
}

static __always_inline void add(struct tcp_counters *row, __u32 count, __u64 value)
{
	if (value)
		__sync_fetch_and_add(&row->counts[count], value);
}

static __always_inline void count_rtt(struct tcp_view view, struct tcp_counters *row)
{
	/* In eighths of a microsecond. */
	__u32 rtt_us = LL_FIELD(view.btf, view.tp, srtt_us) >> 3;
	__u32 bucket;

	if (!rtt_us)
		return;
	bucket = latency_bucket(rtt_bound_ns, rtt_bucket_of_cell, TCP_RTT_BUCKETS,
				(__u64)rtt_us * 1000);
	if (bucket >= TCP_RTT_BUCKETS)
		return; /* cannot be, but the verifier does not know */
	__sync_fetch_and_add(&row->rtt_buckets[bucket], 1);
	__sync_fetch_and_add(&row->rtt_sum_us, rtt_us);
}

/*
 * When it sent or received last, in microseconds of CLOCK_MONOTONIC: when it is established or
 * closed, now, but for a call to the clock less.
 */
static __always_inline __u64 segment_us(struct tcp_view view)
{
	return LL_FIELD(view.btf, view.tp, tcp_mstamp);
}

static __always_inline void count_untracked(void)
{
	connections_were_full = 1;
	count_loss(TCP_LOSS_UNTRACKED);
}

/* `current` is who connects. */
static __always_inline int on_connecting(struct tcp_view view)
{
	struct tcp_connection *connection = take_connection(view.sk);

	if (!connection) {
		count_untracked();
		return 0;
	}
	if (!view_key(view, CONNECTION_CLIENT, &connection->key)) {
		forget_connection(connection);
		return 0;
	}
	connection->is_agents = current_is_agent();
	publish_connection(connection, view.sk);
	return 0;
}

static __always_inline int on_connected(struct tcp_view view, struct tcp_connection *connection)
{
	struct connection_key untracked;
	struct tcp_counters *row;

	if (!connection) {
		if (!view_key(view, CONNECTION_CLIENT, &untracked))
			return 0;
		row = row_of(&untracked);
	} else if (connection->is_agents) {
		return 0;
	} else {
		connection->start_us = segment_us(view);
		row = row_of(&connection->key);
	}
	if (row)
		add(row, TCP_CONNECTS, 1);
	return 0;
}

/* The key of a connection that was accepted, and whether the agent did. */
static __always_inline bool accepted_key(struct tcp_view view, struct connection_key *key,
					 bool *is_agents)
{
	if (!view_key(view, CONNECTION_SERVER, key))
		return false;
	if (!counts_by_v2())
		key->cgroup = listener_cgroup(view.sk, key->local_port);
	*is_agents = accepted_by_agent(view.sk, key->local_port);
	return true;
}

static __always_inline void count_accept(struct connection_key *key)
{
	struct tcp_counters *row = row_of(key);

	if (row)
		add(row, TCP_ACCEPTS, 1);
}

static __always_inline int on_accepted(struct tcp_view view)
{
	struct tcp_connection *connection = take_connection(view.sk);
	struct connection_key untracked;
	bool is_agents;

	if (!connection) {
		count_untracked();
		if (accepted_key(view, &untracked, &is_agents) && !is_agents)
			count_accept(&untracked);
		return 0;
	}
	if (!accepted_key(view, &connection->key, &is_agents)) {
		forget_connection(connection);
		return 0;
	}
	connection->start_us = segment_us(view);
	connection->is_agents = is_agents;
	if (!is_agents)
		count_accept(&connection->key);
	publish_connection(connection, view.sk);
	return 0;
}

static __always_inline __u32 connect_failure(int error)
{
	switch (error) {
	case 0:
		return TCP_CONNECT_ABORTED;
	case ECONNREFUSED:
		return TCP_CONNECT_REFUSED;
	case ETIMEDOUT:
		return TCP_CONNECT_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return TCP_CONNECT_UNREACHABLE;
	default:
		return TCP_CONNECT_FAILED;
	}
}

/* TCP_COUNT_END for an orderly end. EPIPE: reset after the peer's FIN. */
static __always_inline __u32 failure(int error)
{
	switch (error) {
	case 0:
		return TCP_COUNT_END;
	case ECONNRESET:
	case EPIPE:
		return TCP_RESET;
	case ETIMEDOUT:
		return TCP_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return TCP_UNREACHABLE;
	default:
		return TCP_FAILED;
	}
}

static __always_inline void count_end(struct tcp_view view, int state, __u8 role, __u64 start_us,
				      const struct tcp_history *history, struct tcp_counters *row)
{
	__u32 failed = failure(LL_FIELD(view.btf, view.sk, sk_err));
	__u64 end_us = segment_us(view);
	struct tcp_figures now;

	read_figures(view, state, role, &history->seen, &now);
	for (int i = 0; i < TCP_FIGURE_END; i++)
		add(row, i, now.values[i] - history->before.values[i]);
	count_rtt(view, row);
	add(row, TCP_CLOSED, 1);
	if (start_us && end_us > start_us)
		add(row, TCP_LIFETIME_US, end_us - start_us);
	if (failed < TCP_COUNT_END)
		add(row, failed, 1);
}

/* The role of a socket whose beginning was not seen: an accepted one keeps its listener's backlog.
 */
static __always_inline __u8 guess_role(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_max_ack_backlog) ? CONNECTION_SERVER : CONNECTION_CLIENT;
}

static __noinline int on_untracked_closed(struct sock *sk, int state)
{
	struct tcp_view view = {.sk = sk, .tp = (const struct tcp_sock *)sk};
	struct connection_key key;
	struct tcp_counters *row;

	if (state == TCP_SYN_RECV)
		return 0; /* never established */
	if (state != TCP_SYN_SENT && !connections_were_full) {
		count_loss(TCP_LOSS_UNKNOWN);
		return 0;
	}
	if (!view_key(view, guess_role(sk), &key))
		return 0;
	if (!counts_by_v2())
		key.cgroup = CGROUP_UNKNOWN;
	row = row_of(&key);
	if (!row)
		return 0;
	if (state == TCP_SYN_SENT)
		add(row, connect_failure(BPF_CORE_READ(sk, sk_err)), 1);
	else
		count_end(view, state, key.role, 0, history_of(0), row);
	return 0;
}

static __always_inline void count_tracked(struct tcp_view view, int state,
					  struct tcp_connection *connection)
{
	struct tcp_counters *row;

	if (state == TCP_SYN_SENT) {
		row = row_of(&connection->key);
		if (row)
			add(row, connect_failure(LL_FIELD(view.btf, view.sk, sk_err)), 1);
		return;
	}
	row = bpf_map_lookup_elem(&tcp_rows, &connection->key);
	if (row)
		count_end(view, state, connection->key.role, connection->start_us,
			  history_of(connection), row);
	else
		count_loss(TCP_LOSS_ROW_ENDED);
}

/* The tracepoint fires before the state changes, with the socket locked. */
static __always_inline int on_closed(struct tcp_view view, int state)
{
	__u32 place;
	struct tcp_connection *connection = find_connection_at(view.sk, &place);

	if (!connection)
		return on_untracked_closed(view.sk, state);
	if (!connection->is_agents)
		count_tracked(view, state, connection);
	if (was_told_of(connection))
		tell_end(connection, place);
	forget_connection(connection);
	return 0;
}

/* States in between, and listening sockets, are left at once: most changes are of those. */
static __always_inline bool begins_or_ends(int from, int to)
{
	return (to == TCP_ESTABLISHED || to == TCP_SYN_SENT || to == TCP_CLOSE) &&
	       from != TCP_LISTEN;
}

static __always_inline int on_listening(struct sock *sk, int from, int to)
{
	if (to == TCP_LISTEN)
		note_listener(sk, current_cgroup());
	if ((to == TCP_LISTEN || from == TCP_LISTEN) && to != TCP_SYN_RECV && current_is_agent())
		set_own_listener(sk, to == TCP_LISTEN);
	return 0;
}

static __always_inline int on_state(struct tcp_view view, int from, int to)
{
	struct tcp_connection *connection;

	if (to == TCP_CLOSE)
		return on_closed(view, from);
	/* Nobody has it yet that was not accepted. */
	if (from != TCP_SYN_SENT && !LL_FIELD(view.btf, view.sk, sk_socket))
		return on_accepted(view);
	connection = find_connection(view.sk);
	/* Two that connect to each other at once go through SYN_RECV. */
	return from == TCP_SYN_SENT || connection ? on_connected(view, connection)
						  : on_accepted(view);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state_btf, struct sock *sk, int from, int to)
{
	struct tcp_view view = {.btf = true, .sk = sk};

	if (!begins_or_ends(from, to))
		return on_listening(sk, from, to);
	if (to == TCP_SYN_SENT)
		return sk->sk_protocol == IPPROTO_TCP ? on_connecting(view) : 0;
	view.tp = bpf_skc_to_tcp_sock(sk);
	return view.tp ? on_state(view, from, to) : 0;
}

SEC("raw_tp/inet_sock_set_state")
int tcp_state_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	struct tcp_view view = {.sk = sk, .tp = (const struct tcp_sock *)sk};
	int from = ctx->args[1], to = ctx->args[2];

	if (!begins_or_ends(from, to))
		return on_listening(sk, from, to);
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	return to == TCP_SYN_SENT ? on_connecting(view) : on_state(view, from, to);
}

/* The next reading goes on from this one. */
static __always_inline void go_on_from(struct tcp_connection *connection,
				       const struct tcp_figures *now)
{
	connection->history.seen.sent = now->values[TCP_SENT_SEGMENTS];
	connection->history.seen.received = now->values[TCP_RECEIVED_SEGMENTS];
	connection->history.seen.retransmitted = now->values[TCP_RETRANSMITS];
	connection->has_history = true;
}

/*
 * Notes a connection that was there before the other programs: what it has counted until now is
 * not ours. One that closed meanwhile, unseen, is found by the walk.
 */
static __always_inline int on_file(struct socket *socket, struct task_struct *task)
{
	struct tcp_connection *connection;
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct tcp_view view = {.sk = sk, .tp = (const struct tcp_sock *)sk};
	__u8 role;
	int state;

	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == TCP_LISTEN)
		note_listener(sk, task_cgroup(task));
	if (state == TCP_CLOSE || state == TCP_LISTEN || find_connection(sk))
		return 0;
	connection = take_connection(sk);
	if (!connection) {
		count_untracked();
		return 0;
	}
	role = state == TCP_SYN_SENT ? CONNECTION_CLIENT : guess_role(sk);
	if (!view_key(view, role, &connection->key)) {
		forget_connection(connection);
		return 0;
	}
	if (!counts_by_v2())
		connection->key.cgroup = task_cgroup(task);
	connection->start_us = bpf_ktime_get_ns() / 1000;
	connection->is_agents = (__u32)BPF_CORE_READ(task, tgid) == agent_tgid;
	if (state != TCP_SYN_SENT) {
		read_figures(view, state, role, &history_of(0)->seen, &connection->history.before);
		go_on_from(connection, &connection->history.before);
		if (!connection->is_agents)
			row_of(&connection->key);
	}
	publish_connection(connection, sk);
	return 0;
}

SEC("iter/task_file")
int tcp_adopt(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct task_struct *task = ctx->task;
	struct socket *socket;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	return socket ? on_file(socket, task) : 0;
}

/*
 * Whatever a connection's state becomes is told before it does: at one walk the socket may be about
 * to connect, or its end has been told just now. At the next, its end was missed.
 */
static __always_inline int on_seen_closed(struct tcp_connection *connection)
{
	if (!connection->seen_closed) {
		connection->seen_closed = true;
		return 0;
	}
	count_loss(TCP_LOSS_STALE);
	forget_connection(connection);
	return 0;
}

/*
 * What the connection in a place has counted so far, if one is open there; takes its round trip
 * time.
 */
static __always_inline bool walk_over(__u32 place, struct tcp_live *live)
{
	struct tcp_connection *connection = bpf_map_lookup_elem(&tcp_connections, &place);
	const struct tcp_segments *seen;
	struct tcp_counters *row;
	struct tcp_figures now;
	struct tcp_view view = {};
	int state;

	if (!connection || !connection->sk)
		return false;
	view.sk = (struct sock *)connection->sk;
	view.tp = (const struct tcp_sock *)view.sk;
	state = LL_FIELD(view.btf, view.sk, __sk_common.skc_state);
	if (state == TCP_CLOSE || state == TCP_LISTEN) {
		on_seen_closed(connection);
		return false;
	}
	connection->seen_closed = false;
	if (connection->is_agents || state == TCP_SYN_SENT)
		return false;
	seen = &history_of(connection)->seen;
	read_figures(view, state, connection->key.role, seen, &now);
	if (now.values[TCP_RECEIVED_SEGMENTS] != seen->received) {
		row = bpf_map_lookup_elem(&tcp_rows, &connection->key);
		if (row)
			count_rtt(view, row);
	}
	if (connection->sk != (__u64)view.sk)
		return false; /* closed just now */
	if (!connection->has_history)
		__builtin_memset(&connection->history.before, 0, sizeof(struct tcp_figures));
	go_on_from(connection, &now);
	live->key = connection->key;
	for (int i = 0; i < TCP_FIGURE_END; i++)
		live->figures[i] = now.values[i] - connection->history.before.values[i];
	return true;
}

SEC("iter/bpf_map_elem")
int tcp_walk_iterator(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *place = ctx->key;
	struct tcp_live live = {};

	if (place && walk_over(*place, &live))
		bpf_seq_write(ctx->meta->seq, &live, sizeof(live));
	return 0;
}

/* What the last run of tcp_walk_run has found, so many as it returned. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TCP_WALK_PLACES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct tcp_live);
} tcp_walked SEC(".maps");

/*
 * The same by runs that user space asks for, each over TCP_WALK_PLACES places from that of its
 * argument on: some kernels allow no iterators over maps.
 */
SEC("raw_tp")
int tcp_walk_run(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 first = ctx->args[0], found = 0;

	for (__u32 i = 0; i < TCP_WALK_PLACES; i++) {
		struct tcp_live *live = bpf_map_lookup_elem(&tcp_walked, &found);

		if (live && walk_over(first + i, live))
			found++;
	}
	return found;
}
