/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* What differs between processors: x86-64 and arm64 (__TARGET_ARCH_x86, __TARGET_ARCH_arm64). */
#pragma once

#include "bpf/lib/vmlinux.h"

#if defined(__TARGET_ARCH_x86)

/* The number of the system call that the registers are of. */
#define REGS_SYSCALL orig_ax
/* Its arguments, which last as long as it. */
#define REGS_ARGUMENT_2 si
#define REGS_ARGUMENT_3 dx
/* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_CLONE = 56,
	NR_FORK = 57,
	NR_VFORK = 58,
	NR_CLONE3 = 435,
};
/* Whether the task is in a 32-bit system call (arch/x86/include/asm/thread_info.h: TS_COMPAT). */
#define THREAD_COMPAT_WORD status
#define THREAD_COMPAT_BIT 0x0002

/*
 * Stores a value of 4 or 8 bytes. Whoever sees it sees what was stored before it, and whoever sees
 * what is stored after it sees it: x86 keeps the order of stores.
 */
#define PUBLISH(where, value)                                                                      \
	({                                                                                         \
		asm volatile("" : : : "memory");                                                   \
		*(volatile typeof(*(where)) *)(where) = (value);                                   \
		asm volatile("" : : : "memory");                                                   \
	})

#elif defined(__TARGET_ARCH_arm64)

#define REGS_SYSCALL syscallno
#define REGS_ARGUMENT_2 regs[1]
#define REGS_ARGUMENT_3 regs[2]
/* include/uapi/asm-generic/unistd.h */
enum {
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_CLONE = 220,
	NR_FORK = NR_CLONE, /* there are no others */
	NR_VFORK = NR_CLONE,
	NR_CLONE3 = 435,
};
/* arch/arm64/include/asm/thread_info.h: TIF_32BIT */
#define THREAD_COMPAT_WORD flags
#define THREAD_COMPAT_BIT (1UL << 22)

/* An exchange is a full barrier (Documentation/bpf/instruction-set.rst); from Linux 5.18 on. */
#define PUBLISH(where, value) ((void)__sync_lock_test_and_set(where, value))

#else
#error "no such processor: __TARGET_ARCH_x86 or __TARGET_ARCH_arm64"
#endif
