/*
 * The server speaks first: a packet numbered 0 with version 10 and a version's text. Later a
 * command is a packet numbered 0 as long as the write, which says less.
 */
#pragma once

#include "agent/protocols/base/detect.h"

static inline unsigned int ll_detect_mysql(const struct ll_detect_head* head) {
  const unsigned int length =
      ll_detect_byte(head, 0) | ll_detect_byte(head, 1) << 8 | ll_detect_byte(head, 2) << 16;

  if (head->size < 6) {
    /* A greeting is short: its third byte is 0, and so is its number. */
    const int possible = (head->size < 3 || ll_detect_byte(head, 2) == 0) &&
                         (head->size < 4 || ll_detect_byte(head, 3) == 0) &&
                         (head->size < 5 || ll_detect_byte(head, 4) == 10);
    return head->first && possible ? LL_DETECT_MORE : LL_DETECT_NO;
  }
  if (ll_detect_byte(head, 3) == 0 && ll_detect_byte(head, 4) == 10 && length >= 40 &&
      length < 512 && ll_detect_byte(head, 5) >= '3' && ll_detect_byte(head, 5) <= '9') {
    return LL_DETECT_RESPONSE;
  }
  if (head->first) return LL_DETECT_NO;
  if (ll_detect_byte(head, 3) == 0 && length + 4 == head->total && length >= 5 &&
      (ll_detect_byte(head, 4) == 3 || ll_detect_byte(head, 4) == 0x16 ||
       ll_detect_byte(head, 4) == 0x17)) {
    return LL_DETECT_REQUEST | LL_DETECT_WEAK;
  }
  /* OK, an error, or a number of columns. */
  if (ll_detect_byte(head, 3) == 1 &&
      ((length == 1 && ll_detect_byte(head, 4) > 0 && ll_detect_byte(head, 4) < 251) ||
       (ll_detect_byte(head, 4) == 0 && length >= 7 && length + 4 == head->total) ||
       (ll_detect_byte(head, 4) == 0xff && length + 4 == head->total))) {
    return LL_DETECT_RESPONSE | LL_DETECT_WEAK;
  }
  return LL_DETECT_NO;
}
