/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * How long system calls take.
 *
 * Reading the clock is the dearest part of the accounting, so a CPU that is busy with system calls
 * times only a part of them: the first timed_a_tick of every tick of the timer, and of the others
 * one in 2^untimed_log2, picked at random. A call that is not timed counts as the last of its row
 * that was; unless it took long, which shows in ticks, without the clock. See
 * docs/adr/0003-timing-a-part-of-the-calls.md.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/shared/latency_bucket.h"
#include "bpf/shared/syscalls.h"

/* Set before the load; see agent/probes/syscall_table.cc. */
const volatile __u32 timed_a_tick = ~0U;
const volatile __u32 untimed_log2 = 1; /* 1 to 31 */
const volatile __u32 bucket_count = 2;
const volatile __u64 bucket_bound_ns[SYSCALL_LATENCY_BUCKETS_MAX];
/* For each (floor(log2), next three bits) of a latency the bucket of its smallest member. */
const volatile __u8 bucket_of_cell[SYSCALL_LATENCY_CELLS];

static __always_inline __u32 timing_of(__u64 tick, bool timed)
{
	return ((__u32)tick << 1) | timed;
}

static __always_inline bool picked_at_random(struct syscall_cpu *cpu)
{
	/* Numerical Recipes' generator: its upper bits are good enough to break a rhythm. */
	cpu->random = cpu->random * 1664525 + 1013904223;
	return cpu->random >> (32 - untimed_log2) == 0;
}

/* A row that has no latency yet gets one, so that those that follow can count as it. */
static __always_inline bool is_to_be_timed(struct syscall_cpu *cpu,
					   struct syscall_counters *counters)
{
	if (cpu->timed_in_tick >= timed_a_tick && counters->last_latency_ns)
		return picked_at_random(cpu);
	cpu->timed_in_tick++;
	return true;
}

static __always_inline void start_timing(struct syscall_cpu *cpu, struct syscall_counters *counters,
					 struct syscall_slot *slot)
{
	__u64 tick = bpf_jiffies64();

	if (cpu->tick != tick) {
		cpu->tick = tick;
		cpu->timed_in_tick = 1;
		cpu->tick_start_ns = bpf_ktime_get_ns();
		slot->start_ns = cpu->tick_start_ns;
		slot->timing = timing_of(tick, true);
	} else if (is_to_be_timed(cpu, counters)) {
		slot->start_ns = bpf_ktime_get_ns();
		slot->timing = timing_of(tick, true);
	} else {
		cpu->untimed++;
		slot->start_ns = cpu->tick_start_ns;
		slot->timing = timing_of(tick, false);
	}
}

/*
 * Long ones are all timed, those that were not meant to be from the beginning of their tick: at
 * most a tick too long. They stand for no other call. Returns the time that was counted.
 */
static __always_inline __u64 count_latency(struct syscall_counters *counters,
					   const struct syscall_slot *slot)
{
	__u32 ticks = (timing_of(bpf_jiffies64(), true) - slot->timing) >> 1;
	bool is_long = ticks >= SYSCALL_LONG_TICKS, timed = slot->timing & 1;
	__u64 latency_ns = counters->last_latency_ns;
	__u32 bucket = counters->last_bucket;

	if (timed || is_long || !latency_ns) {
		latency_ns = bpf_ktime_get_ns() - slot->start_ns;
		bucket = latency_bucket(bucket_bound_ns, bucket_of_cell, bucket_count, latency_ns);
		if (timed && !is_long) {
			counters->last_latency_ns = latency_ns;
			counters->last_bucket = bucket;
		}
	}
	if (bucket < bucket_count)
		counters->buckets[bucket]++;
	counters->time_ns += latency_ns;
	return latency_ns;
}
