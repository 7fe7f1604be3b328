/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The rows of syscalls.bpf.c: finds or takes the row of a (cgroup, system call) on this CPU, and
 * its counters. What runs on one CPU only, as most of a short process does, takes one row, however
 * many CPUs the machine has.
 *
 * A hash table with open addressing over arrays that user space maps. A key is looked for in
 * SYSCALL_ROW_PROBES places; a row is taken once and freed by user space only, after its cgroup
 * has ended.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/lib/arch.bpf.h"
#include "bpf/shared/syscalls.h"

/* Set before the load; see agent/probes/syscall_table.cc. */
const volatile __u32 row_count = 1; /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct syscall_key);
} syscall_keys SEC(".maps");

/* Rows that are taken: an insert is the one operation that decides between CPUs on 5.8 kernels. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
} syscall_claims SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct syscall_counters)); /* less with fewer buckets */
} syscall_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYSCALL_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} syscall_losses SEC(".maps");

static __always_inline __u32 row_hash(__u64 cgroup, __u64 tag)
{
	/* The number at bit 24, the ABI at 40, the CPU at 44. */
	__u64 call = tag << 24, cpu = (tag & SYSCALL_TAG_CPU_MASK) << 4;

	return ((cgroup ^ call ^ cpu) * 0x9E3779B97F4A7C15ULL) >> 32;
}

static __always_inline __u32 row_step(__u32 hash)
{
	return (hash >> 16) | 1;
}

static __always_inline bool row_holds(__u32 row, __u64 cgroup, __u64 tag)
{
	struct syscall_key *key = bpf_map_lookup_elem(&syscall_keys, &row);

	return key && key->tag == tag && key->cgroup == cgroup;
}

static __always_inline void count_loss(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&syscall_losses, &reason);

	if (count)
		++*count;
}

/* The row of a key; row_count when there is none. */
static __noinline __u32 find_row(__u64 cgroup, __u64 tag)
{
	__u32 hash = row_hash(cgroup, tag), step = row_step(hash);

	for (int i = 0; i < SYSCALL_ROW_PROBES; i++, hash += step) {
		__u32 row = hash & (row_count - 1);

		if (row_holds(row, cgroup, tag))
			return row;
	}
	return row_count;
}

/*
 * Takes a free row for a key; row_count when there is none. Two CPUs may both take one for the same
 * new key: user space adds them up.
 */
static __noinline __u32 claim_row(__u64 cgroup, __u64 tag)
{
	__u32 hash = row_hash(cgroup, tag), step = row_step(hash);

	for (int i = 0; i < SYSCALL_ROW_PROBES; i++, hash += step) {
		__u32 row = hash & (row_count - 1);
		struct syscall_key *key = bpf_map_lookup_elem(&syscall_keys, &row);
		__u8 taken = 1;

		if (!key || key->tag ||
		    bpf_map_update_elem(&syscall_claims, &row, &taken, BPF_NOEXIST))
			continue;
		key->cgroup = cgroup;
		PUBLISH(&key->tag, tag);
		return row;
	}
	return row_count;
}

/*
 * The row for a key that is not where it is looked for first. A cgroup gets its ~other row with its
 * first row, so that its total stays right when the table is full.
 */
static __noinline __u32 make_row(__u64 cgroup, __u64 tag)
{
	__u64 other_tag =
		(tag & SYSCALL_TAG_CPU_MASK) | SYSCALL_TAG(SYSCALL_NR_OTHER, SYSCALL_ABI_NATIVE);
	__u32 row = find_row(cgroup, tag), other;

	if (row != row_count)
		return row;
	other = find_row(cgroup, other_tag);
	if (other == row_count)
		other = claim_row(cgroup, other_tag);
	row = claim_row(cgroup, tag);
	if (row != row_count)
		return row;
	if (other != row_count) {
		count_loss(SYSCALL_LOSS_CGROUP_OTHER);
		return other;
	}
	count_loss(SYSCALL_LOSS_GLOBAL_OTHER);
	return row_count + (__u32)(tag >> SYSCALL_TAG_CPU_SHIFT);
}

/* `tag` is without a CPU: this one's is meant. */
static __always_inline __u32 row_of(__u64 cgroup, __u64 tag)
{
	__u32 row;

	tag = SYSCALL_TAG_ON(bpf_get_smp_processor_id(), tag);
	row = row_hash(cgroup, tag) & (row_count - 1);
	return row_holds(row, cgroup, tag) ? row : make_row(cgroup, tag);
}

static __always_inline struct syscall_counters *counters_of(__u32 row)
{
	return bpf_map_lookup_elem(&syscall_counters, &row);
}

/*
 * Where a call that was entered in `row` returns to: there, or the same call's row of the CPU that
 * its thread has moved to. None when the row's cgroup has ended, since rows are freed some time
 * after that and the call may have been left in flight.
 */
static __always_inline struct syscall_counters *counters_at_return(__u32 row, __u64 cgroup)
{
	struct syscall_key *key = bpf_map_lookup_elem(&syscall_keys, &row);
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 tag;

	if (row >= row_count)
		return counters_of(row_count + cpu);
	tag = key ? key->tag : 0;
	if ((tag & SYSCALL_TAG_STATE_MASK) != SYSCALL_TAG_READY || key->cgroup != cgroup) {
		count_loss(SYSCALL_LOSS_ROW_ENDED);
		return 0;
	}
	if (tag >> SYSCALL_TAG_CPU_SHIFT != cpu)
		row = row_of(cgroup, tag & ~SYSCALL_TAG_CPU_MASK);
	return counters_of(row);
}
