// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Control groups that come and go, as records in a ring buffer.
 *
 * The tracepoints fire for every hierarchy; only those of the one that is counted by are passed on.
 */
#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/cgroup.bpf.h"
#include "bpf/shared/lifecycle.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} lifecycle_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lifecycle_record);
} lifecycle_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LIFECYCLE_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} lifecycle_losses SEC(".maps");

static __always_inline void count_loss(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&lifecycle_losses, &reason);

	if (count)
		++*count;
}

static __always_inline int on_cgroup(struct cgroup *cgroup, const char *path, __u16 kind)
{
	__u32 zero = 0, record_bytes;
	struct lifecycle_record *record;
	long bytes;

	if ((__u32)BPF_CORE_READ(cgroup, root, hierarchy_id) != cgroup_hierarchy)
		return 0;
	record = bpf_map_lookup_elem(&lifecycle_scratch, &zero);
	if (!record)
		return 0; /* cannot be: the map has one element */
	record->ts_mono_ns = bpf_ktime_get_ns();
	record->cgroup = BPF_CORE_READ(cgroup, kn, id);
	record->kind = kind;
	bytes = bpf_probe_read_kernel_str(record->path, sizeof(record->path), path);
	if (bytes < 1 || bytes > (long)sizeof(record->path)) {
		count_loss(LIFECYCLE_LOSS_PATH_UNREADABLE);
		record->path[0] = 0;
		bytes = 1;
	}
	record->path_bytes = bytes - 1;
	record->truncated = bytes == sizeof(record->path);
	record_bytes = __builtin_offsetof(struct lifecycle_record, path) + bytes;
	if (record_bytes > sizeof(*record))
		return 0; /* cannot be, but the verifier does not know */
	if (bpf_ringbuf_output(&lifecycle_ring, record, record_bytes, 0))
		count_loss(LIFECYCLE_LOSS_RING_FULL);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir_btf, struct cgroup *cgroup, const char *path)
{
	return on_cgroup(cgroup, path, LIFECYCLE_CGROUP_MKDIR);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir_btf, struct cgroup *cgroup, const char *path)
{
	return on_cgroup(cgroup, path, LIFECYCLE_CGROUP_RMDIR);
}

SEC("raw_tp/cgroup_mkdir")
int cgroup_mkdir_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return on_cgroup((struct cgroup *)ctx->args[0], (const char *)ctx->args[1],
			 LIFECYCLE_CGROUP_MKDIR);
}

SEC("raw_tp/cgroup_rmdir")
int cgroup_rmdir_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return on_cgroup((struct cgroup *)ctx->args[0], (const char *)ctx->args[1],
			 LIFECYCLE_CGROUP_RMDIR);
}
