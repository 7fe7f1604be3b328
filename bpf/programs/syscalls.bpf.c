// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * System calls by cgroup, number and ABI: calls, errors, time and a latency histogram; and by
 * thread and class: calls, errors, time.
 *
 * Every system call of the machine passes here twice, so what is done is as little as can be: no
 * helper beyond the clock and the current task, and array look-ups that the JIT inlines. See
 * docs/adr/0002-syscall-accounting.md for the alternatives and what each costs.
 *
 * Tracepoint programs run with preemption off, and no system call starts in an interrupt, so a
 * CPU's counters have one writer and need no atomic instructions.
 */
#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/arch.bpf.h"
#include "bpf/lib/cgroup.bpf.h"
#include "bpf/lib/syscall_rows.bpf.h"
#include "bpf/lib/syscall_timing.bpf.h"
#include "bpf/lib/thread_slots.bpf.h"
#include "bpf/shared/syscalls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before the load: enum syscall_class by number, of native calls and then of 32-bit ones. */
const volatile __u8 class_of_call[2 * SYSCALL_NR_LIMIT];

/*
 * Set while the program on sys_enter is not attached, which costs more than the other: calls count
 * when they return then, without a latency.
 */
__u32 counts_returns = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct syscall_cpu);
} syscall_cpus SEC(".maps");

static __always_inline __u64 tag_of(__u32 nr, bool compat)
{
	return SYSCALL_TAG(nr < SYSCALL_NR_LIMIT ? nr : SYSCALL_NR_UNKNOWN,
			   compat ? SYSCALL_ABI_COMPAT : SYSCALL_ABI_NATIVE);
}

/* Makes the slot the current thread's. */
static __noinline int take_slot(struct syscall_slot *slot, __u32 tid)
{
	if (!slot)
		return 0;
	if (slot->tid)
		give_up_slot(slot, totals_of(&slot->process));
	__builtin_memset(slot->classes, 0, sizeof(slot->classes));
	identify_process((struct task_struct *)bpf_get_current_task(), &slot->process);
	PUBLISH(&slot->tid, tid);
	return 0;
}

static __always_inline __u32 class_of(__u32 nr, bool compat)
{
	if (nr >= SYSCALL_NR_LIMIT)
		return SYSCALL_CLASS_OTHER;
	if (compat)
		nr += SYSCALL_NR_LIMIT;
	barrier_var(nr); /* so that the mask stays, for the verifier */
	return class_of_call[nr & (2 * SYSCALL_NR_LIMIT - 1)];
}

static __always_inline void count_call(struct syscall_slot *slot, __u32 tid, bool compat, __u32 nr)
{
	__u32 class = class_of(nr, compat);

	if (slot->tid != tid)
		take_slot(slot, tid);
	slot->call_class = class;
	slot->classes[class & (SYSCALL_CLASS_COUNT - 1)].calls++;
}

static __always_inline int on_enter(__u64 cgroup, __u32 tid, bool compat, __u64 regs, __u32 nr)
{
	__u32 zero = 0;
	__u32 row = row_of(cgroup, tag_of(nr, compat));
	struct syscall_counters *counters = counters_of(row);
	struct syscall_cpu *cpu = bpf_map_lookup_elem(&syscall_cpus, &zero);
	struct syscall_slot *slot = slot_of(tid);

	if (!counters || !cpu || !slot)
		return 0; /* cannot be: the indices are within their maps */
	counters->calls++;
	cpu->regs = regs;
	cpu->tid = tid;
	count_call(slot, tid, compat, nr);
	slot->call = ((__u64)nr << 32) | tid;
	slot->cgroup = cgroup;
	slot->row = row;
	start_timing(cpu, counters, slot);
	return 0;
}

static __always_inline void count_result(struct syscall_counters *counters,
					 struct syscall_class_totals *totals, long ret)
{
	if (ret >= 0 || ret < -4095)
		return;
	if (ret <= -512 && ret >= -516) {
		counters->interrupted++;
	} else {
		counters->errors++;
		totals->errors++;
	}
}

static __always_inline struct syscall_class_totals *totals_of_call(struct syscall_slot *slot)
{
	return &slot->classes[slot->call_class & (SYSCALL_CLASS_COUNT - 1)];
}

/* False when the entry was not seen, or not of this number. */
static __always_inline bool on_matched_exit(struct syscall_slot *slot, __u32 tid, __u32 nr,
					    long ret)
{
	struct syscall_class_totals *totals;
	struct syscall_counters *counters;

	if (slot->call != (((__u64)nr << 32) | tid))
		return false;
	slot->call = 0;
	counters = counters_at_return(slot->row, slot->cgroup);
	if (!counters)
		return true;
	totals = totals_of_call(slot);
	totals->time_ns += count_latency(counters, slot);
	count_result(counters, totals, ret);
	return true;
}

/* What returns without having been called: a fork's child, an interrupted context. */
static __always_inline bool was_not_called(__u32 nr, bool compat, long ret)
{
	if (nr == (__u32)-1)
		return true;
	return !compat && !ret &&
	       (nr == NR_CLONE || nr == NR_CLONE3 || nr == NR_FORK || nr == NR_VFORK);
}

static __always_inline void count_return(struct syscall_slot *slot,
					 struct syscall_counters *counters, __u32 tid, bool compat,
					 __u32 nr, long ret)
{
	counters->calls++;
	count_call(slot, tid, compat, nr);
	count_result(counters, totals_of_call(slot), ret);
}

/*
 * The number of an interrupted or restored context is -1 (rt_sigreturn): then the entry says what
 * was called. Otherwise the number is right and the entry is another thread's or none.
 */
static __always_inline void on_unmatched_exit(struct syscall_slot *slot, __u64 cgroup, __u32 tid,
					      bool compat, __u32 nr, long ret)
{
	struct syscall_counters *counters;

	if (nr == (__u32)-1 && (__u32)slot->call == tid) {
		slot->call = 0;
		counters = counters_at_return(slot->row, slot->cgroup);
	} else {
		counters = counters_of(row_of(cgroup, tag_of(nr, compat)));
	}
	if (!counters)
		return;
	if (counts_returns && !was_not_called(nr, compat, ret))
		count_return(slot, counters, tid, compat, nr, ret);
	else
		counters->unmatched++;
}

static __always_inline struct syscall_slot *last_slot(__u64 regs, __u32 *tid)
{
	__u32 zero = 0;
	struct syscall_cpu *cpu = bpf_map_lookup_elem(&syscall_cpus, &zero);

	if (!cpu || cpu->regs != regs)
		return 0;
	*tid = cpu->tid;
	return slot_of(cpu->tid);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter_btf, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return on_enter(btf_task_cgroup(task), task->pid,
			task->thread_info.THREAD_COMPAT_WORD & THREAD_COMPAT_BIT, (__u64)regs, id);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit_btf, struct pt_regs *regs, long ret)
{
	struct task_struct *task;
	struct syscall_slot *slot;
	__u32 nr = regs->REGS_SYSCALL, tid;

	slot = last_slot((__u64)regs, &tid);
	if (slot && on_matched_exit(slot, tid, nr, ret))
		return 0;
	task = bpf_get_current_task_btf();
	tid = task->pid;
	slot = slot_of(tid);
	if (slot && !on_matched_exit(slot, tid, nr, ret))
		on_unmatched_exit(slot, btf_task_cgroup(task), tid,
				  task->thread_info.THREAD_COMPAT_WORD & THREAD_COMPAT_BIT, nr,
				  ret);
	return 0;
}

/* For kernels before 5.11, which have no bpf_get_current_task_btf(). */

static __always_inline bool current_is_compat(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.THREAD_COMPAT_WORD) & THREAD_COMPAT_BIT;
}

SEC("raw_tp/sys_enter")
int sys_enter_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return on_enter(current_cgroup(), bpf_get_current_pid_tgid(), current_is_compat(),
			ctx->args[0], ctx->args[1]);
}

SEC("raw_tp/sys_exit")
int sys_exit_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	__u32 nr = BPF_CORE_READ(regs, REGS_SYSCALL);
	__u32 tid = bpf_get_current_pid_tgid();
	struct syscall_slot *slot = slot_of(tid);

	if (slot && !on_matched_exit(slot, tid, nr, ctx->args[1]))
		on_unmatched_exit(slot, current_cgroup(), tid, current_is_compat(), nr,
				  ctx->args[1]);
	return 0;
}
