/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What kernel-side and user-side code need to share structs: fixed-width types and layout checks.
 */
#pragma once

#ifdef __bpf__
#include "bpf/lib/vmlinux.h"
#else
#include <linux/types.h>
#endif

#ifdef __cplusplus
#define LL_STATIC_ASSERT(condition) static_assert(condition, #condition)
#else
#define LL_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define LL_ASSERT_SIZE(type, bytes) LL_STATIC_ASSERT(sizeof(struct type) == (bytes))
#define LL_ASSERT_OFFSET(type, field, bytes)                                                       \
	LL_STATIC_ASSERT(__builtin_offsetof(struct type, field) == (bytes))
