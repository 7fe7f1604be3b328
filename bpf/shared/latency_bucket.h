/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The bucket of a latency, for kernel and user space alike. The tables are those of
 * agent/probes/latency_layout.h.
 */
#pragma once

#include "bpf/shared/syscalls.h"

/* REQUIRES: value > 0. BPF has no instruction for it, and the compiler's expansion is longer. */
static inline __attribute__((always_inline)) __u32 latency_floor_log2(__u64 value)
{
	__u32 log = 0, rest = (__u32)value;

	if (value >> 32) {
		log = 32;
		rest = (__u32)(value >> 32);
	}
	if (rest >> 16) {
		log += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		log += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		log += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		log += 2;
		rest >>= 2;
	}
	return log + (rest >> 1);
}

/*
 * Always less than bucket_count. bounds_ns has bucket_count - 1 members that count. A cell, all
 * latencies of one floor(log2) and the same next three bits, is at most 9/8 wide and a bucket at
 * least 2^(1/4), so a cell holds one bound at most. The first bucket takes all that is shorter, the
 * last all that is longer.
 */
static inline __attribute__((always_inline)) __u32
latency_bucket(const volatile __u64 *bounds_ns, const volatile __u8 *bucket_of_cell,
	       __u32 bucket_count, __u64 latency_ns)
{
	__u32 log, cell, bucket;

	if (latency_ns <= bounds_ns[0])
		return 0;
	log = latency_floor_log2(latency_ns);
	cell = (log << 3) | ((latency_ns >> ((log - 3) & 63)) & 7);
	/* Or the compiler, which knows it to be less, drops the mask, by which the verifiers of
	 * kernels up to 6.1 at least know it. */
	asm volatile("" : "+r"(cell));
	bucket = bucket_of_cell[cell & (SYSCALL_LATENCY_CELLS - 1)];
	if (bucket >= bucket_count - 1 || bucket >= SYSCALL_LATENCY_BUCKETS_MAX - 1)
		return bucket_count - 1;
	return bucket + (latency_ns > bounds_ns[bucket]);
}
