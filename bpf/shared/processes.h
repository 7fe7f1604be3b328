/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The table of processes.bpf.c: how often something happened to the processes of a cgroup that run
 * a command. Append only.
 */
#pragma once

#include "bpf/shared/layout.h"

enum {
	PROCESS_COMMAND_BYTES = 16, /* TASK_COMM_LEN */
};

/* What stands for the commands of a cgroup that have no row of their own. */
#define PROCESS_COMMAND_OTHER "~other"

enum process_event {
	PROCESS_EXEC = 1,
	PROCESS_EXIT = 2,     /* of the whole thread group */
	PROCESS_OOM_KILL = 3, /* the exit is counted as well */
	PROCESS_EVENT_END,
};

struct process_key {
	__u64 cgroup; /* see bpf/lib/cgroup.bpf.h; 0 in the machine's ~other rows */
	char command[PROCESS_COMMAND_BYTES]; /* the bytes from the first NUL on are 0 */
	__u32 event;
	/* Of an exit, as wait4 has it without the core dump's bit: code << 8 or the signal. 0 in
	 * ~other rows. */
	__u32 status;
};
LL_ASSERT_SIZE(process_key, 32);
LL_ASSERT_OFFSET(process_key, command, 8);
LL_ASSERT_OFFSET(process_key, event, 24);

struct process_counters {
	__u64 count;
	__u64 cpu_ns; /* of exits: what all the group's threads have used */
	/* In an ~other row: rows of this event that its cgroup has taken. For the kernel only. */
	__u64 rows;
};
LL_ASSERT_SIZE(process_counters, 24);
LL_ASSERT_OFFSET(process_counters, rows, 16);

enum process_loss {
	PROCESS_LOSS_CGROUP_OTHER, /* no row to be had: counted in the cgroup's ~other */
	PROCESS_LOSS_GLOBAL_OTHER, /* nor an ~other of the cgroup: counted in the machine's */
	PROCESS_LOSS_UNCOUNTED,	   /* not even there */
	PROCESS_LOSS_CPU_THREADS,  /* too many threads ended at once: CPU time of some is missing */
	PROCESS_LOSS_COUNT,
};
