/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Rows of counters in a hash map whose key begins with the cgroup. User space deletes rows, after
 * their cgroup has ended; nothing else does.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#define LL_LOSSES(map, reasons)                                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, reasons);                                                      \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} map SEC(".maps");                                                                        \
	static __always_inline void count_loss(__u32 reason)                                       \
	{                                                                                          \
		__u64 *count = bpf_map_lookup_elem(&map, &reason);                                 \
                                                                                                   \
		if (count)                                                                         \
			++*count;                                                                  \
	}

/*
 * LL_ROWS(map, key_type, value_type, make_other, per_cgroup, loss)
 *
 * The map, and row_of(key): the row of a key, made if need be; 0 when there is none. A cgroup gets
 * its ~other row with its first, so that its totals stay right when the table is full or it has
 * taken `per_cgroup` rows; `key` then becomes that of the ~other row.
 *
 *   make_other(key)   turns a key into that of its cgroup's ~other row
 *   loss              prefix of the reasons <loss>_CGROUP_OTHER, _GLOBAL_OTHER and _UNCOUNTED
 *
 * The value has a field `rows`.
 */
#define LL_ROWS(map, key_type, value_type, make_other, per_cgroup, loss)                           \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} map SEC(".maps");                                                                        \
                                                                                                   \
	/* What a row begins with: too large for the stack. */                                     \
	const volatile __u64 map##_zero[sizeof(value_type) / sizeof(__u64)];                       \
                                                                                                   \
	static __always_inline value_type *insert_row(const key_type *key, bool *inserted)         \
	{                                                                                          \
		*inserted =                                                                        \
			!bpf_map_update_elem(&map, key, (const void *)&map##_zero, BPF_NOEXIST);   \
		return bpf_map_lookup_elem(&map, key);                                             \
	}                                                                                          \
                                                                                                   \
	static __noinline value_type *make_row(key_type *key)                                      \
	{                                                                                          \
		value_type *other, *row;                                                           \
		key_type other_key;                                                                \
		bool inserted;                                                                     \
                                                                                                   \
		if (!key)                                                                          \
			return 0;                                                                  \
		other_key = *key;                                                                  \
		make_other(&other_key);                                                            \
		other = bpf_map_lookup_elem(&map, &other_key);                                     \
		if (!other)                                                                        \
			other = insert_row(&other_key, &inserted);                                 \
		if (other && other->rows < per_cgroup) {                                           \
			row = insert_row(key, &inserted);                                          \
			if (row && inserted)                                                       \
				__sync_fetch_and_add(&other->rows, 1);                             \
			if (row)                                                                   \
				return row;                                                        \
		}                                                                                  \
		*key = other_key;                                                                  \
		if (other) {                                                                       \
			count_loss(loss##_CGROUP_OTHER);                                           \
			return other;                                                              \
		}                                                                                  \
		count_loss(loss##_GLOBAL_OTHER);                                                   \
		key->cgroup = 0;                                                                   \
		other = bpf_map_lookup_elem(&map, key);                                            \
		if (!other)                                                                        \
			count_loss(loss##_UNCOUNTED);                                              \
		return other;                                                                      \
	}                                                                                          \
                                                                                                   \
	static __always_inline value_type *row_of(key_type *key)                                   \
	{                                                                                          \
		value_type *row = bpf_map_lookup_elem(&map, key);                                  \
                                                                                                   \
		return row ? row : make_row(key);                                                  \
	}
