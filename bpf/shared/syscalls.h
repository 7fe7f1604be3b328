/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The tables of syscalls.bpf.c.
 *
 * A row counts one (cgroup, syscall number, ABI). syscall_keys[row] says which; the counters of
 * CPU c are syscall_counters[c * (row_count + 1) + row]. The last row, number row_count, is the
 * machine's ~other. Only the CPU itself writes its counters; user space reads them in place, sums
 * them, and clears rows that have ended.
 *
 * Append only: fields keep their offsets.
 */
#pragma once

#include "bpf/shared/layout.h"

enum {
	SYSCALL_NR_LIMIT = 512, /* greater numbers are invented by callers: one row for all */
	SYSCALL_NR_UNKNOWN = 0xfffe,
	SYSCALL_NR_OTHER = 0xffff,

	SYSCALL_ABI_NATIVE = 0,
	SYSCALL_ABI_COMPAT = 1, /* 32-bit calls: i386 numbers */

	SYSCALL_ROW_PROBES = 16, /* places where a key may be */

	SYSCALL_SLOT_SPREAD_BITS = 5,

	/* Latency buckets: base-2 octaves from 2^-24 s to 2^6 s, each in 2^schema buckets. */
	SYSCALL_LATENCY_MIN_EXP = -24,
	SYSCALL_LATENCY_MAX_EXP = 6,
	SYSCALL_LATENCY_SCHEMA_MAX = 2,
	/* Before the range, the range, after it; rounded up so that a row is whole cache lines. */
	SYSCALL_LATENCY_BUCKETS_MAX = 1 +
				      ((SYSCALL_LATENCY_MAX_EXP - SYSCALL_LATENCY_MIN_EXP)
				       << SYSCALL_LATENCY_SCHEMA_MAX) +
				      1,
	SYSCALL_LATENCY_CELLS = 64 << 3,

	SYSCALL_LONG_TICKS = 2, /* calls that saw the timer's tick change so often are long */
};

/* syscall_key.tag: what the row counts and its state. 0 is a free row. */
#define SYSCALL_TAG_READY (1ULL << 32)
#define SYSCALL_TAG_ENDED (2ULL << 32) /* cgroup is gone; user space will free the row */
#define SYSCALL_TAG_STATE_MASK (~0ULL << 32)
#define SYSCALL_TAG(nr, abi) (SYSCALL_TAG_READY | ((__u64)(abi) << 16) | (__u64)(nr))

struct syscall_key {
	__u64 cgroup;
	__u64 tag;
};
LL_ASSERT_SIZE(syscall_key, 16);
LL_ASSERT_OFFSET(syscall_key, tag, 8);

struct syscall_counters {
	__u64 calls;	   /* entered */
	__u64 errors;	   /* returned -1 to -4095, without those that were interrupted */
	__u64 interrupted; /* returned -512 to -516: a signal came, the kernel may restart it */
	__u64 unmatched;   /* returned with no entry seen; in no other counter */
	__u64 time_ns;	   /* entry to return, of all that are in buckets */
	/* Of the last call that was timed and not long; 0 when none was. For the kernel only. */
	__u32 last_latency_ns;
	__u32 last_bucket;
	__u64 buckets[SYSCALL_LATENCY_BUCKETS_MAX]; /* the first bucket_count of them exist */
};
LL_ASSERT_SIZE(syscall_counters, 48 + 8 * SYSCALL_LATENCY_BUCKETS_MAX);
LL_ASSERT_OFFSET(syscall_counters, time_ns, 32);
LL_ASSERT_OFFSET(syscall_counters, last_latency_ns, 40);
LL_ASSERT_OFFSET(syscall_counters, buckets, 48);

/* A system call in flight, found by its thread id. */
struct syscall_slot {
	__u64 call;	/* thread id and, above it, the number; 0 when none */
	__u64 start_ns; /* the entry's time; of its tick's first call when the call is not timed */
	__u64 cgroup;
	__u32 row;
	__u32 timing; /* bit 0: timed; above it the entry's tick */
};
LL_ASSERT_SIZE(syscall_slot, 32);
LL_ASSERT_OFFSET(syscall_slot, cgroup, 16);
LL_ASSERT_OFFSET(syscall_slot, row, 24);

/* What a CPU's programs remember from one call to the next. */
struct syscall_cpu {
	/* Whose entry was seen last: most calls return before another enters. */
	__u64 regs; /* of the thread's kernel stack */
	__u32 tid;
	__u32 slot;
	__u64 tick;	     /* of the last entry, in jiffies */
	__u64 tick_start_ns; /* time of the tick's first entry */
	__u32 timed_in_tick;
	__u32 random;
	__u64 untimed; /* calls that were not timed, since the load */
};
LL_ASSERT_SIZE(syscall_cpu, 48);
LL_ASSERT_OFFSET(syscall_cpu, tick, 16);
LL_ASSERT_OFFSET(syscall_cpu, untimed, 40);

/* Calls that are counted less precisely than they should be, and why. */
enum syscall_loss {
	SYSCALL_LOSS_CGROUP_OTHER, /* no free row: counted in the cgroup's ~other */
	SYSCALL_LOSS_GLOBAL_OTHER, /* nor an ~other of the cgroup: counted in the machine's */
	SYSCALL_LOSS_ROW_ENDED, /* returned after its cgroup had ended: only the call is counted */
	SYSCALL_LOSS_COUNT,
};
