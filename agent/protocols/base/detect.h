/*
 * How a protocol is told by the first bytes of a write or a datagram. C and C++: each protocol's
 * rule is a function in <folder>/detect.h that reads one fixed window, calls nothing and loops at
 * most as often as the window is long, so that it can run in the kernel as well as here.
 */
#pragma once

#define LL_DETECT_WINDOW 32

enum { LL_TCP = 1, LL_UDP = 2 };

struct ll_detect_head {
  unsigned char bytes[LL_DETECT_WINDOW]; /* zeros from size on */
  unsigned int size;                     /* bytes that are there, at most LL_DETECT_WINDOW */
  unsigned int total;                    /* of the write or datagram, seen or not */
  unsigned int first; /* 1: nothing came before on this connection, in either direction */
};

/* What a rule answers: 0 for no, or one of these; WEAK beside REQUEST or RESPONSE, or beside both
 * where the bytes are the protocol's and do not say whose. */
enum {
  LL_DETECT_NO = 0,
  LL_DETECT_MORE = 1,     /* begins like it, and is too short to tell */
  LL_DETECT_REQUEST = 2,  /* a client's bytes */
  LL_DETECT_RESPONSE = 4, /* a server's bytes */
  LL_DETECT_WEAK =
      8, /* may be by chance: wants the usual port, or the other side's bytes to agree */
};

/* A byte of the window. REQUIRES: at < LL_DETECT_WINDOW. The kernel's verifier does not follow how
 * the rules know that, so there the index is cut; the compiler, which may know it, must not drop
 * that. */
static inline unsigned int ll_detect_byte(const struct ll_detect_head* head, unsigned int at) {
#ifdef __bpf__
  asm volatile("" : "+r"(at));
  at &= LL_DETECT_WINDOW - 1;
#endif
  return head->bytes[at];
}

/* Big-endian numbers of the window. REQUIRES: at + 4 (or 2) <= LL_DETECT_WINDOW */
static inline unsigned int ll_detect_be32(const struct ll_detect_head* head, unsigned int at) {
  return ll_detect_byte(head, at) << 24 | ll_detect_byte(head, at + 1) << 16 |
         ll_detect_byte(head, at + 2) << 8 | ll_detect_byte(head, at + 3);
}

static inline unsigned int ll_detect_be16(const struct ll_detect_head* head, unsigned int at) {
  return ll_detect_byte(head, at) << 8 | ll_detect_byte(head, at + 1);
}

/* Whether the bytes from `at` on are `text`: LL_DETECT_MORE while all that is there is equal. */
static inline unsigned int ll_detect_text(const struct ll_detect_head* head, unsigned int at,
                                          const char* text, unsigned int length,
                                          unsigned int found) {
  for (unsigned int i = 0; i < length && at + i < LL_DETECT_WINDOW; ++i) {
    if (at + i >= head->size) return LL_DETECT_MORE;
    if (ll_detect_byte(head, at + i) != (unsigned char)text[i]) return LL_DETECT_NO;
  }
  return found;
}
