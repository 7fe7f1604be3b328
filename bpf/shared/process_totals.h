/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What processes have done, by class of system call, and how they ended. Threads that live count in
 * their slot (struct syscall_slot); what ended ones have counted is in process_totals. Append only.
 */
#pragma once

#include "bpf/shared/layout.h"

/* The kernel has none: which call is of which class is in agent/probes/syscall_classes.def. */
enum syscall_class {
	SYSCALL_CLASS_OTHER,
	SYSCALL_CLASS_FILE,
	SYSCALL_CLASS_NETWORK,
	SYSCALL_CLASS_MEMORY,
	SYSCALL_CLASS_PROCESS,
	SYSCALL_CLASS_WAIT,
	SYSCALL_CLASS_SIGNAL,
	SYSCALL_CLASS_IPC,
	SYSCALL_CLASS_COUNT, /* a power of two */
};

struct syscall_class_totals {
	__u64 calls;   /* entered */
	__u64 errors;  /* as in struct syscall_counters */
	__u64 time_ns; /* as in struct syscall_counters */
};
LL_ASSERT_SIZE(syscall_class_totals, 24);

/* As /proc/PID/stat has it: no two processes of a boot have the same. */
struct process_id {
	__u32 pid; /* in the machine's own namespace */
	__u32 pad;
	__u64 start_ticks; /* since boot, of 10 ms (USER_HZ) */
};
LL_ASSERT_SIZE(process_id, 16);
LL_ASSERT_OFFSET(process_id, start_ticks, 8);

struct process_totals {
	struct syscall_class_totals classes[SYSCALL_CLASS_COUNT]; /* of threads that have ended */
	__u64 run_delay_ns; /* of threads that have ended: ready to run, and waiting for a CPU */
	__u64 end_ns;	    /* CLOCK_MONOTONIC; 0 until the last thread has ended */
	/* Of an ended process. As the scheduler has it, and how the timer's ticks divide it. */
	__u64 cpu_ns;
	__u64 user_ns;
	__u64 system_ns;
};
LL_ASSERT_SIZE(process_totals, 24 * SYSCALL_CLASS_COUNT + 40);
LL_ASSERT_OFFSET(process_totals, run_delay_ns, 24 * SYSCALL_CLASS_COUNT);

enum process_totals_loss {
	PROCESS_TOTALS_LOSS_NO_ROW, /* of a thread that ended: the table was full */
	PROCESS_TOTALS_LOSS_COUNT,
};
