/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The records of lifecycle.bpf.c's ring buffer. Append only. */
#pragma once

#include "bpf/shared/layout.h"

enum {
	/* The kernel makes the path in a buffer of 1024 bytes (TRACE_CGROUP_PATH_LEN). */
	LIFECYCLE_PATH_MAX = 1023,
};

enum lifecycle_kind {
	LIFECYCLE_CGROUP_MKDIR = 1,
	LIFECYCLE_CGROUP_RMDIR = 2,
};

/* As long as its path needs: offsetof(path) + path_bytes + 1. */
struct lifecycle_record {
	__u64 ts_mono_ns;
	__u64 cgroup; /* its id on the hierarchy that is counted by */
	__u16 kind;
	__u16 truncated; /* 1: the path may be longer than what is here */
	__u32 path_bytes;
	char path[LIFECYCLE_PATH_MAX + 1]; /* from the hierarchy's root, ends in a NUL */
};
LL_ASSERT_SIZE(lifecycle_record, 24 + LIFECYCLE_PATH_MAX + 1);
LL_ASSERT_OFFSET(lifecycle_record, kind, 16);
LL_ASSERT_OFFSET(lifecycle_record, path, 24);

enum lifecycle_loss {
	LIFECYCLE_LOSS_RING_FULL,
	LIFECYCLE_LOSS_PATH_UNREADABLE,
	LIFECYCLE_LOSS_COUNT,
};
