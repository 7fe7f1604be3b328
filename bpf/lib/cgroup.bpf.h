/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Which cgroup a task belongs to: the one answer for every program.
 *
 * The agent counts by the ids of one hierarchy: v2's wherever containers are members of it, else
 * that of a v1 controller; agent/source/cgroup_mounts.h says how it is chosen. The choice is
 * constant when a program is loaded, so the verifier drops the way that is not taken.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Set before the load; see agent/probes/bpf_object.cc. */
const volatile __u32 cgroup_hierarchy = 0;  /* its number in /proc/PID/cgroup; 0: v2 */
const volatile __u32 cgroup_controller = 0; /* of v1: index in css_set.subsys */

static __always_inline bool counts_by_v2(void)
{
	return cgroup_hierarchy == 0;
}

/* By reads that cannot fault: for any program and any task. */
static __always_inline __u64 task_cgroup(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = 0;

	if (counts_by_v2())
		return BPF_CORE_READ(set, dfl_cgrp, kn, id);
	bpf_core_read(&css, sizeof(css), &set->subsys[cgroup_controller & (CGROUP_SUBSYS_MAX - 1)]);
	return BPF_CORE_READ(css, cgroup, kn, id);
}

/* By direct loads: for programs whose `task` the verifier knows (tp_btf). */
static __always_inline __u64 btf_task_cgroup(struct task_struct *task)
{
	if (counts_by_v2())
		return task->cgroups->dfl_cgrp->kn->id;
	return task->cgroups->subsys[cgroup_controller & (CGROUP_SUBSYS_MAX - 1)]->cgroup->kn->id;
}

/* The calling task's, for programs that have no task to hand. */
static __always_inline __u64 current_cgroup(void)
{
	if (counts_by_v2())
		return bpf_get_current_cgroup_id();
	return task_cgroup((struct task_struct *)bpf_get_current_task());
}
