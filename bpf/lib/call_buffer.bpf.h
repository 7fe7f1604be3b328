/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The bytes of the system call that the current task is in, as user space has them: the tracepoints
 * of sockets do not pass them, and the registers of the call say where they are.
 */
#pragma once

#include "bpf/lib/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/lib/arch.bpf.h"

enum {
	/* include/linux/sched.h: tasks of the kernel, which have no registers of user space's. */
	PF_IO_WORKER = 0x10,
	PF_KTHREAD = 0x200000,

	CALL_VECTORS_MAX = 8, /* buffers of a call that are looked at */
};

/* include/uapi/linux/uio.h, and what sendmsg and recvmsg begin with, of 64-bit user space. */
struct user_iovec {
	__u64 base;
	__u64 length;
};

struct user_msghdr {
	__u64 name;
	__u64 name_length;
	__u64 vectors;
	__u64 vector_count;
};

struct call_buffer {
	__u64 base;	    /* of the bytes, or of the vectors */
	__u64 vector_count; /* 0: these are the bytes */
};

/* False where the call's bytes cannot be found. */
static __always_inline bool find_call_buffer(struct call_buffer *buffer)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct user_msghdr message;
	struct pt_regs *regs;
	__u64 third;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER) ||
	    task->thread_info.THREAD_COMPAT_WORD & THREAD_COMPAT_BIT)
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	buffer->base = regs->REGS_ARGUMENT_2;
	buffer->vector_count = 0;
	third = regs->REGS_ARGUMENT_3;
	barrier_var(third); /* read here, where the verifier knows what regs is */
	switch ((__u32)regs->REGS_SYSCALL) {
	case NR_READ:
	case NR_WRITE:
	case NR_SENDTO:
	case NR_RECVFROM:
		return true;
	case NR_READV:
	case NR_WRITEV:
		buffer->vector_count = third;
		return true;
	case NR_SENDMSG:
	case NR_RECVMSG:
		if (bpf_probe_read_user(&message, sizeof(message), (void *)buffer->base))
			return false;
		buffer->base = message.vectors;
		buffer->vector_count = message.vector_count;
		return true;
	default:
		return false;
	}
}

/*
 * Copies from user space behind the `have` bytes that are there, `limit` in all. `to` has room for
 * twice `most`, a power of two and at least `limit`, so that the verifier need not know that have
 * and size together stay below it. False when a page is not there.
 */
static __always_inline bool append_bytes(__u8 *to, __u32 most, __u32 *have, __u32 limit, __u64 from,
					 __u64 size)
{
	__u32 at = *have, bytes;

	if (at >= limit)
		return true;
	bytes = size < limit - at ? size : limit - at;
	asm volatile("" : "+r"(at), "+r"(bytes));
	at &= most - 1;
	if (bytes > most)
		return true; /* cannot be, but the verifier does not know */
	if (bpf_probe_read_user(to + at, bytes, (const void *)from))
		return false;
	*have = at + bytes;
	return true;
}

/* At most `limit` of the call's bytes from `skip` on; how many there are. */
static __always_inline __u32 copy_call_bytes(const struct call_buffer *buffer, __u32 skip, __u8 *to,
					     __u32 most, __u32 limit, bool *unreadable)
{
	__u32 have = 0;

	if (!buffer->vector_count) {
		*unreadable = !append_bytes(to, most, &have, limit, buffer->base + skip, limit);
		return have;
	}
	for (__u32 i = 0; i < CALL_VECTORS_MAX && i < buffer->vector_count && have < limit; i++) {
		struct user_iovec vector;

		if (bpf_probe_read_user(&vector, sizeof(vector),
					(void *)(buffer->base + i * sizeof(vector)))) {
			*unreadable = true;
			break;
		}
		if (skip >= vector.length) {
			skip -= vector.length;
			continue;
		}
		if (!append_bytes(to, most, &have, limit, vector.base + skip,
				  vector.length - skip)) {
			*unreadable = true;
			break;
		}
		skip = 0;
	}
	return have;
}
