/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Where calls are told: a buffer for each CPU, which that CPU alone writes, in place and without a
 * lock. Order between CPUs is by time: whoever reads them sorts it out.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/lib/arch.bpf.h"
#include "bpf/lib/request_states.bpf.h"
#include "bpf/shared/requests.h"

/* Set before the load; see agent/probes/request_ring.cc. */
const volatile __u64 buffer_bytes = 4096; /* of a ring: a power of two */
const volatile __u64 much_bytes = 1024;	  /* in a ring: whoever reads it is woken */

/* By CPU. The size of a value is set before the load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct request_buffer) + 4096 + REQUEST_SPILL_BYTES);
} request_buffers SEC(".maps");

static __always_inline struct request_buffer *own_buffer(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&request_buffers, &cpu);
}

static __always_inline void set_busy(struct request_buffer *buffer, bool busy)
{
	*(volatile __u8 *)&buffer->busy = busy;
}

/*
 * Where a record of `size` bytes may be written, to be ended by end_record; 0 when there is no
 * room. REQUIRES: the buffer is not busy
 */
static __always_inline struct request_record *begin_record(struct request_buffer *buffer,
							   __u64 size)
{
	__u64 at = buffer->head;

	if (at + size - *(volatile __u64 *)&buffer->tail > buffer_bytes)
		return 0;
	set_busy(buffer, true);
	at &= buffer_bytes - sizeof(__u64);
	return (void *)(buffer + 1) + at;
}

static __always_inline void end_record(struct request_buffer *buffer, __u64 size)
{
	__u64 before = buffer->head - *(volatile __u64 *)&buffer->tail;
	struct request_record much = {.kind = REQUEST_MUCH};

	size = (size + sizeof(__u64) - 1) & ~(sizeof(__u64) - 1);
	PUBLISH(&buffer->head, buffer->head + size);
	set_busy(buffer, false);
	/* Once: to wake somebody takes longer than to tell. */
	if (before <= much_bytes && before + size > much_bytes)
		bpf_ringbuf_output(&request_ends, &much, sizeof(much), BPF_RB_FORCE_WAKEUP);
}
