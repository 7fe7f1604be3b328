/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The tables of syscalls.bpf.c.
 *
 * A row counts one (cgroup, syscall number, ABI) on one CPU, which alone writes it.
 * syscall_keys[row] says which; its counters are syscall_counters[row]. Row row_count + c is the
 * machine's ~other of CPU c. User space reads the counters in place, sums those of one key, and
 * clears rows that have ended.
 *
 * Append only: fields keep their offsets.
 */
#pragma once

#include "bpf/shared/layout.h"
#include "bpf/shared/process_totals.h"

enum {
	SYSCALL_NR_LIMIT = 512, /* greater numbers are invented by callers: one row for all */
	SYSCALL_NR_UNKNOWN = 0xfffe,
	SYSCALL_NR_OTHER = 0xffff,

	SYSCALL_ABI_NATIVE = 0,
	SYSCALL_ABI_COMPAT = 1, /* 32-bit calls: i386 numbers */

	SYSCALL_ROW_PROBES = 16, /* places where a key may be */

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

/* syscall_key.tag: what the row counts, its state, its CPU. 0 is a free row. */
#define SYSCALL_TAG_READY (1ULL << 32)
#define SYSCALL_TAG_ENDED (2ULL << 32) /* cgroup is gone; user space will free the row */
#define SYSCALL_TAG_STATE_MASK (0xffULL << 32)
#define SYSCALL_TAG_CPU_SHIFT 40
#define SYSCALL_TAG_CPU_MASK (~0ULL << SYSCALL_TAG_CPU_SHIFT)
#define SYSCALL_TAG(nr, abi) (SYSCALL_TAG_READY | ((__u64)(abi) << 16) | (__u64)(nr))
#define SYSCALL_TAG_ON(cpu, tag) (((__u64)(cpu) << SYSCALL_TAG_CPU_SHIFT) | (tag))

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

/* A thread: its system call in flight, and what it has done. Found by its id; written by it alone.
 */
struct syscall_slot {
	__u64 call;	/* thread id and, above it, the number; 0 when none */
	__u64 start_ns; /* the entry's time; of its tick's first call when the call is not timed */
	__u64 cgroup;
	__u32 row;
	__u32 timing; /* bit 0: timed; above it the entry's tick */
	__u32 tid;    /* whose totals these are; 0 while they are nobody's */
	__u32 call_class;
	struct process_id process;
	__u64 pad; /* so that a slot is whole cache lines */
	struct syscall_class_totals classes[SYSCALL_CLASS_COUNT];
};
LL_ASSERT_SIZE(syscall_slot, 256);
LL_ASSERT_OFFSET(syscall_slot, cgroup, 16);
LL_ASSERT_OFFSET(syscall_slot, row, 24);
LL_ASSERT_OFFSET(syscall_slot, tid, 32);
LL_ASSERT_OFFSET(syscall_slot, process, 40);
LL_ASSERT_OFFSET(syscall_slot, classes, 64);

/* What a CPU's programs remember from one call to the next. */
struct syscall_cpu {
	/* Whose entry was seen last: most calls return before another enters. */
	__u64 regs; /* of the thread's kernel stack */
	__u32 tid;
	__u32 pad;
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
