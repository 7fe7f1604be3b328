/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What requests.bpf.c tells of what goes over connections, and what user space answers. Append
 * only.
 *
 * A connection is known by its place in the table of connections and the serial number of those
 * that have had it.
 */
#pragma once

#include "bpf/shared/layout.h"

enum {
	/* Of one call: more is counted, not captured. */
	REQUEST_BYTES_MAX = 4096,
	/* The protocols that can be told apart, 0 being none of them; a power of two. */
	REQUEST_PROTOCOLS_MAX = 16,
};

enum request_kind {
	REQUEST_CHUNK = 1, /* a call that sent or received */
	REQUEST_END = 2,   /* of the connection; no bytes */
	REQUEST_MUCH = 3,  /* there is much to read; no bytes, and nothing else is set */
};

enum request_direction {
	REQUEST_EGRESS,
	REQUEST_INGRESS,
	REQUEST_DIRECTIONS,
};

enum {
	REQUEST_JOINED_LATE = 1, /* bytes went over it before it was captured */

	REQUEST_SHIFT_MAX = 16,
	REQUEST_SHIFT_NONE = 255, /* no connection is told of */
};

/* `captured` bytes follow. */
struct request_record {
	__u64 ts_mono_ns;
	/* By direction: bytes that were sent or received before this call, or in all (end). */
	__u64 offset[REQUEST_DIRECTIONS];
	__u64 cgroup; /* id on the hierarchy that is counted by */
	__u32 place;
	__u32 serial;
	__u32 skipped;	  /* bytes of the call before those that were captured, */
	__u32 uncaptured; /* and behind them */
	__u16 captured;
	__u16 local_port;  /* of servers, else 0; in the host's byte order */
	__u16 remote_port; /* of a client's peer, else 0 */
	__u8 kind;
	__u8 direction;
	__u8 flags;
	__u8 shift; /* of a call: one connection in 2^shift was told of */
	__u8 pad[6];
};
LL_ASSERT_SIZE(request_record, 64);
LL_ASSERT_OFFSET(request_record, shift, 57);
LL_ASSERT_OFFSET(request_record, cgroup, 24);
LL_ASSERT_OFFSET(request_record, captured, 48);

/*
 * Where a CPU tells of calls, and user space reads it; behind this is the ring, a power of two of
 * bytes, and REQUEST_SPILL_BYTES. A record begins at a multiple of 8 and is in one piece: one that
 * begins before the ring's end may end behind it. Where the next begins counts around the ring all
 * the same.
 */
struct request_buffer {
	__u64 head; /* bytes of all records that were ever written whole */
	__u8 busy;  /* one is being written */
	__u8 pad[55];
	__u64 tail; /* bytes of those that were read; user space alone writes it */
	__u8 tail_pad[56];
};
LL_ASSERT_SIZE(request_buffer, 128);
LL_ASSERT_OFFSET(request_buffer, tail, 64);

enum {
	/* A record, and as much again as its bytes: what the verifier cannot exclude. */
	REQUEST_SPILL_BYTES = 64 + 2 * REQUEST_BYTES_MAX,
	/* Where ends of connections, and REQUEST_MUCH, are told; and when the reader is woken. */
	REQUEST_ENDS_BYTES = 256 * 1024,
	REQUEST_ENDS_MUCH = REQUEST_ENDS_BYTES / 4,
};

/* What user space wants of the connection at a place; it alone writes them. */
struct request_want {
	__u32 serial;			  /* of which connection; the rest is written before it */
	__u32 off;			  /* 1: nothing more */
	__u64 offset[REQUEST_DIRECTIONS]; /* bytes from there on; before it lengths alone */
	__u64 pad;
};
LL_ASSERT_SIZE(request_want, 32);

enum request_loss {
	/* Chunks, by the protocol that they were taken for. */
	REQUEST_LOSS_RING_FULL,
	REQUEST_LOSS_RING_FULL_END = REQUEST_PROTOCOLS_MAX,
	/* Calls whose bytes were not read: a page was not there. */
	REQUEST_LOSS_UNREADABLE = REQUEST_LOSS_RING_FULL_END,
	/* Calls whose bytes cannot be found: sendmmsg, recvmmsg, sendfile, io_uring, 32-bit ones.
	 */
	REQUEST_LOSS_NO_BUFFER,
	/* Ends of connections that found no room in the ring. */
	REQUEST_LOSS_END,
	/* Calls that interrupted the telling of another. */
	REQUEST_LOSS_NESTED,
	REQUEST_LOSS_COUNT,
};
