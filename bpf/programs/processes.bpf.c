// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Processes that execute a program, end, or are killed for want of memory, counted by cgroup and
 * command. No event leaves the kernel, so a storm of processes loses nothing. Of the processes that
 * user space tracks, also what each has done in all when it ends.
 */
#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/cgroup.bpf.h"
#include "bpf/lib/cgroup_rows.bpf.h"
#include "bpf/lib/thread_slots.bpf.h"
#include "bpf/shared/processes.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Rows that a cgroup may take for one kind of event. Set before the load. */
const volatile __u32 rows_per_cgroup = 1;

enum {
	PF_KTHREAD = 0x00200000,	/* include/linux/sched.h */
	SIGNAL_GROUP_EXIT = 0x00000004, /* include/linux/sched/signal.h */
	SIGKILL = 9,
	STATUS_SIGNAL_MASK = 0x7f,
	STATUS_CORE_DUMPED = 0x80,
	THREADS_READ_MAX = 128,
	CLAIMS_MAX = 4096,
};

static __always_inline void make_other(struct process_key *key)
{
	__builtin_memset(key->command, 0, sizeof(key->command));
	__builtin_memcpy(key->command, PROCESS_COMMAND_OTHER, sizeof(PROCESS_COMMAND_OTHER));
	key->status = 0;
}

LL_LOSSES(process_losses, PROCESS_LOSS_COUNT)
LL_ROWS(process_rows, struct process_key, struct process_counters, make_other, rows_per_cgroup,
	PROCESS_LOSS)

/*
 * Thread groups whose end is counted, for kernels that do not say which thread is the last. Needed
 * for the moment between the ends of two threads only, so the oldest may go.
 */
struct process_end {
	__u64 start_ns;
	__u32 tgid;
	__u32 pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLAIMS_MAX);
	__type(key, struct process_end);
	__type(value, __u8);
} process_ends SEC(".maps");

/*
 * Victims of the OOM killer and when they were marked, by thread group; where the kernel names a
 * thread only, by thread, until it ends. Those that never end as victims are the oldest some time.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLAIMS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} process_victims SEC(".maps");

/* Counts for the process that `task` is the main thread of. */
static __always_inline void count_event(struct task_struct *task, __u32 event, __u32 status,
					__u64 cpu_ns)
{
	struct process_counters *counters;
	struct process_key key = {.event = event, .status = status};

	key.cgroup = task_cgroup(task);
	BPF_CORE_READ_STR_INTO(&key.command, task, comm);
	counters = row_of(&key);
	if (!counters)
		return;
	__sync_fetch_and_add(&counters->count, 1);
	__sync_fetch_and_add(&counters->cpu_ns, cpu_ns);
}

/*
 * The kernel has given the calling thread the identity of the main one by now, and its new name.
 * What it did under its old id is its process's.
 */
static __always_inline int on_exec(struct task_struct *task, __u32 old_tid)
{
	struct syscall_slot *slot = slot_of(old_tid);

	count_event(task, PROCESS_EXEC, 0, 0);
	if (slot && slot->tid == old_tid && old_tid != (__u32)BPF_CORE_READ(task, pid))
		give_up_slot(slot, totals_of(&slot->process));
	return 0;
}

struct cpu_time {
	__u64 scheduled_ns;
	__u64 user_ns;
	__u64 system_ns;
};

static __always_inline void add_cpu_time(struct cpu_time *sum, struct task_struct *thread)
{
	sum->scheduled_ns += BPF_CORE_READ(thread, se.sum_exec_runtime);
	sum->user_ns += BPF_CORE_READ(thread, utime);
	sum->system_ns += BPF_CORE_READ(thread, stime);
}

/*
 * As the scheduler counts it, which the user and system time of wait4 add up to, and as the timer's
 * ticks divide it. Threads that the kernel has already released are in the signal_struct, those
 * that have ended just now are still in its list. The last thread's is as of the timer's last tick
 * or its last wait: the rest of its life, less than a tick, is missing.
 */
static __always_inline struct cpu_time group_cpu_time(struct task_struct *task,
						      struct signal_struct *signal)
{
	__u64 head = (__u64)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	__u64 offset = bpf_core_field_offset(struct task_struct, thread_node);
	struct cpu_time sum = {
		.scheduled_ns = BPF_CORE_READ(signal, sum_sched_runtime),
		.user_ns = BPF_CORE_READ(signal, utime),
		.system_ns = BPF_CORE_READ(signal, stime),
	};
	struct list_head *node;

	if (BPF_CORE_READ(signal, nr_threads) <= 1) {
		add_cpu_time(&sum, task);
		return sum;
	}
	node = BPF_CORE_READ(signal, thread_head.next);
	for (int i = 0; i < THREADS_READ_MAX; i++) {
		if (!node || (__u64)node == head)
			return sum;
		add_cpu_time(&sum, (struct task_struct *)((__u64)node - offset));
		node = BPF_CORE_READ(node, next);
	}
	count_loss(PROCESS_LOSS_CPU_THREADS);
	return sum;
}

/* What wait4 will give, see wait_task_zombie() in kernel/exit.c. */
static __always_inline __u32 group_status(struct task_struct *leader, struct signal_struct *signal)
{
	__u32 status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT
			       ? BPF_CORE_READ(signal, group_exit_code)
			       : BPF_CORE_READ(leader, exit_code);

	return status & ~STATUS_CORE_DUMPED;
}

/* When the process was marked as a victim; 0 for never. A mark from before its start is another's.
 */
static __always_inline __u64 marked_at(__u32 id, __u64 start_ns)
{
	__u64 *marked = bpf_map_lookup_elem(&process_victims, &id);

	return marked && *marked >= start_ns ? *marked : 0;
}

/* For kernels that name the victim by a thread's id: finds its process when it ends. */
static __always_inline void follow_victim(struct task_struct *task, struct task_struct *leader,
					  bool group_dead)
{
	__u32 tid = BPF_CORE_READ(task, pid), tgid = BPF_CORE_READ(task, tgid);
	__u64 start_ns = BPF_CORE_READ(leader, start_time), marked = marked_at(tid, start_ns);

	if (marked && tid != tgid) {
		bpf_map_update_elem(&process_victims, &tgid, &marked, BPF_ANY);
		bpf_map_delete_elem(&process_victims, &tid);
	}
	if (group_dead && marked_at(tgid, start_ns)) {
		bpf_map_delete_elem(&process_victims, &tgid);
		count_event(leader, PROCESS_OOM_KILL, 0, 0);
	}
}

/* What the thread did is added to its process, unless that ends with it and nobody will ask. */
static __always_inline void end_thread(struct task_struct *task, bool group_dead,
				       const struct cpu_time *cpu)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	struct syscall_slot *slot = slot_of(tid);
	struct process_totals *totals = 0;
	struct process_id process;

	identify_process(task, &process);
	if (!group_dead || bpf_map_lookup_elem(&tracked_processes, &process))
		totals = totals_of(&process);
	else if (bpf_map_lookup_elem(&process_totals, &process))
		bpf_map_delete_elem(&process_totals, &process);
	if (slot && slot->tid == tid)
		give_up_slot(slot, totals);
	if (!totals)
		return;
	if (bpf_core_field_exists(task->sched_info.run_delay))
		__sync_fetch_and_add(&totals->run_delay_ns,
				     BPF_CORE_READ(task, sched_info.run_delay));
	if (!group_dead)
		return;
	totals->cpu_ns = cpu->scheduled_ns;
	totals->user_ns = cpu->user_ns;
	totals->system_ns = cpu->system_ns;
	totals->end_ns = bpf_ktime_get_ns();
}

/* Set by the program that learns of victims by their thread's id. */
__u32 victims_by_id;

/* `group_dead`: this is the last thread of the group, to be told once a group. */
static __always_inline int on_exit(struct task_struct *task, bool group_dead)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct cpu_time cpu = {};

	if (victims_by_id && (BPF_CORE_READ(task, exit_code) & STATUS_SIGNAL_MASK) == SIGKILL)
		follow_victim(task, leader, group_dead);
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	if (group_dead) {
		cpu = group_cpu_time(task, signal);
		count_event(leader, PROCESS_EXIT, group_status(leader, signal), cpu.scheduled_ns);
	}
	end_thread(task, group_dead, &cpu);
	return 0;
}

/*
 * The thread that takes signal->live to 0 is the last, but one that ended just before may get here
 * later and see the same; by then the other may be gone. Where no other has claimed the end and
 * none is there to do so, no claim is needed.
 */
static __always_inline bool is_group_dead(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct process_end end = {};
	__u8 counted = 1;

	if (BPF_CORE_READ(signal, live.counter) != 0)
		return false;
	end.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	end.tgid = BPF_CORE_READ(task, tgid);
	if (BPF_CORE_READ(signal, nr_threads) <= 1)
		return !bpf_map_lookup_elem(&process_ends, &end);
	return !bpf_map_update_elem(&process_ends, &end, &counted, BPF_NOEXIST);
}

/*
 * Threads of one process may be marked one after the other while it dies. One that was dying
 * already of something else is marked too, but not killed.
 */
static __always_inline int on_victim(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u64 now_ns = bpf_ktime_get_ns();

	if ((BPF_CORE_READ(task, signal, group_exit_code) & STATUS_SIGNAL_MASK) != SIGKILL)
		return 0;
	if (marked_at(tgid, BPF_CORE_READ(leader, start_time)))
		return 0;
	bpf_map_update_elem(&process_victims, &tgid, &now_ns, BPF_ANY);
	count_event(leader, PROCESS_OOM_KILL, 0, 0);
	return 0;
}

static __always_inline int on_victim_id(__u32 tid)
{
	__u64 now_ns = bpf_ktime_get_ns();

	victims_by_id = 1;
	bpf_map_update_elem(&process_victims, &tid, &now_ns, BPF_ANY);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_btf, struct task_struct *task, int old_tid)
{
	return on_exec(task, old_tid);
}

SEC("raw_tp/sched_process_exec")
int process_exec_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return on_exec((struct task_struct *)ctx->args[0], ctx->args[1]);
}

/* From 6.16 on the tracepoint says whether the thread is the last of its group. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_group_btf, struct task_struct *task, bool group_dead)
{
	return on_exit(task, group_dead);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_btf, struct task_struct *task)
{
	return on_exit(task, is_group_dead(task));
}

SEC("raw_tp/sched_process_exit")
int process_exit_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];

	return on_exit(task, is_group_dead(task));
}

/* Kernels whose tracepoint has the victim's id in place of its task refuse this program. */
SEC("tp_btf/mark_victim")
int BPF_PROG(process_oom_btf, struct task_struct *task)
{
	if (task->tgid <= 0)
		return 0;
	return on_victim(task);
}

/* The argument is a task or a thread's id, and an address is never as small as an id. */
SEC("raw_tp/mark_victim")
int process_oom_raw(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 victim = ctx->args[0];

	return victim >> 32 ? on_victim((struct task_struct *)victim) : on_victim_id(victim);
}
