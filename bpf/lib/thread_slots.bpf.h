/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * A slot for each thread: its system call in flight, and what it has done by class of call. The
 * path of a system call looks the slot up anyway, so per process totals cost no further look-up.
 *
 * A slot belongs to one thread until that ends or, when there are more threads than slots, another
 * takes it over; what the thread had counted is then added to the row of its process.
 * syscalls.bpf.c counts, processes.bpf.c sees the threads end; both have the same maps, see
 * agent/probes/process_totals.cc.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/arch.bpf.h"
#include "bpf/shared/process_totals.h"
#include "bpf/shared/syscalls.h"

/* Set before the load. */
const volatile __u32 slot_mask = 0; /* a power of two, less one */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct syscall_slot);
} syscall_slots SEC(".maps");

/* Kept by user space: processes whose end it wants to read. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct process_id);
	__type(value, __u8);
} tracked_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct process_id);
	__type(value, struct process_totals);
} process_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROCESS_TOTALS_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} process_totals_losses SEC(".maps");

static __always_inline struct syscall_slot *slot_of(__u32 tid)
{
	__u32 index = tid & slot_mask;

	return bpf_map_lookup_elem(&syscall_slots, &index);
}

#define NS_A_USER_TICK 10000000 /* USER_HZ is 100 on x86 and arm64 */

static __always_inline void identify_process(struct task_struct *task, struct process_id *id)
{
	id->pid = BPF_CORE_READ(task, tgid);
	id->pad = 0;
	id->start_ticks = BPF_CORE_READ(task, group_leader, start_boottime) / NS_A_USER_TICK;
}

static __always_inline struct process_totals *totals_of(const struct process_id *id)
{
	struct process_totals *totals = bpf_map_lookup_elem(&process_totals, id);
	struct process_totals none = {};
	__u32 reason = PROCESS_TOTALS_LOSS_NO_ROW;
	__u64 *lost;

	if (totals)
		return totals;
	bpf_map_update_elem(&process_totals, id, &none, BPF_NOEXIST);
	totals = bpf_map_lookup_elem(&process_totals, id);
	if (!totals) {
		lost = bpf_map_lookup_elem(&process_totals_losses, &reason);
		if (lost)
			++*lost;
	}
	return totals;
}

/*
 * Adds what the slot's thread has counted to its process, and frees the slot. It is free before
 * anything is added: user space reads the rows first, then the slots, and must see nothing twice.
 */
static __always_inline void give_up_slot(struct syscall_slot *slot, struct process_totals *totals)
{
	PUBLISH(&slot->tid, 0);
	if (!totals)
		return;
	for (int i = 0; i < SYSCALL_CLASS_COUNT; i++) {
		struct syscall_class_totals *from = &slot->classes[i], *to = &totals->classes[i];

		if (!from->calls)
			continue;
		__sync_fetch_and_add(&to->calls, from->calls);
		__sync_fetch_and_add(&to->errors, from->errors);
		__sync_fetch_and_add(&to->time_ns, from->time_ns);
	}
}
