/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What is kept of connections whose requests are captured, beside the table of connections and by
 * the same places; and the ring that tells of their ends. Shared by requests.bpf.c, which captures,
 * and tcp.bpf.c, which knows when a connection ends.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/lib/tcp_connections.bpf.h"
#include "bpf/shared/requests.h"

/* Of a connection. */
enum request_mode {
	REQUEST_MODE_NEW, /* nothing was sent or received since it was noted */
	REQUEST_MODE_ON,
	REQUEST_MODE_OFF,      /* nobody wants anything of it */
	REQUEST_MODE_LEFT_OUT, /* for now: see is_told_of */
};

struct request_state {
	__u64 offset[REQUEST_DIRECTIONS];
	__u8 calls;    /* looked at for a protocol */
	__u8 protocol; /* by its first bytes: 0 while it is not known, else its row's number */
	__u8 late;
	__u8 pad;
	__u32 capture; /* see capture_number */
	__u8 more_pad[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct request_state);
} request_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} request_ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REQUEST_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} request_losses SEC(".maps");

static __always_inline void count_request_loss(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&request_losses, &reason);

	if (count)
		++*count;
}

/*
 * All but what is the kind's own. The clock comes last, since it waits for whatever is being read:
 * what is kept of a connection, in several maps, comes from memory at once then, not one after the
 * other.
 */
static __always_inline void describe(struct request_record *record,
				     const struct tcp_connection *connection,
				     const struct request_state *state, __u32 place)
{
	record->offset[REQUEST_EGRESS] = state->offset[REQUEST_EGRESS];
	record->offset[REQUEST_INGRESS] = state->offset[REQUEST_INGRESS];
	record->cgroup = connection->key.cgroup;
	record->place = place;
	record->serial = connection->serial;
	record->local_port = connection->key.local_port;
	record->remote_port = connection->key.remote_port;
	record->flags = state->late ? REQUEST_JOINED_LATE : 0;
	record->ts_mono_ns = bpf_ktime_get_ns();
}

static __always_inline bool was_told_of(const struct tcp_connection *connection)
{
	return connection->requests == REQUEST_MODE_ON ||
	       connection->requests == REQUEST_MODE_LEFT_OUT;
}

/* A connection that was told of is over. */
static __always_inline void tell_end(const struct tcp_connection *connection, __u32 place)
{
	struct request_state *state = bpf_map_lookup_elem(&request_states, &place);
	struct request_record record = {.kind = REQUEST_END};
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!state)
		return;
	describe(&record, connection, state, place);
	if (bpf_ringbuf_query(&request_ends, BPF_RB_AVAIL_DATA) > REQUEST_ENDS_MUCH)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&request_ends, &record, sizeof(record), flags))
		count_request_loss(REQUEST_LOSS_END);
}
