/* A header that asks one question, or answers it; over TCP a length stands before it (RFC 1035, 4).
 */
#pragma once

#include "agent/protocols/base/detect.h"

/* The header at `at`. */
static inline unsigned int ll_detect_dns_header(const struct ll_detect_head* head,
                                                unsigned int at) {
  const unsigned int flags = ll_detect_be16(head, at + 2);
  const unsigned int is_response = flags >> 15;
  const unsigned int label = ll_detect_byte(head, at + 12);

  if (at + 17 > head->size) return LL_DETECT_NO;
  /* A query, one question, no bit that must be zero; few records, none of them in a question but
   * EDNS'. */
  if ((flags & 0x7840) != 0 || ll_detect_be16(head, at + 4) != 1 || label > 63) return LL_DETECT_NO;
  if (ll_detect_be16(head, at + 6) > 255 || ll_detect_be16(head, at + 8) > 64 ||
      ll_detect_be16(head, at + 10) > 64) {
    return LL_DETECT_NO;
  }
  if (is_response) return LL_DETECT_RESPONSE | LL_DETECT_WEAK;
  if ((flags & 0x000f) != 0 || ll_detect_be16(head, at + 6) != 0) return LL_DETECT_NO;
  return LL_DETECT_REQUEST | LL_DETECT_WEAK;
}

static inline unsigned int ll_detect_dns(const struct ll_detect_head* head) {
  const unsigned int length = ll_detect_be16(head, 0);
  unsigned int found = ll_detect_dns_header(head, 0);

  if (found != LL_DETECT_NO) return found;
  if (length < 17 || length > 4096) return LL_DETECT_NO;
  if (head->size < 19) return head->first ? LL_DETECT_MORE : LL_DETECT_NO;
  return ll_detect_dns_header(head, 2);
}
