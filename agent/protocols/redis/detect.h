/*
 * A request is an array of bulk strings whose first is a word: "*2\r\n$3\r\nGET\r\n". So may a
 * reply be, so it counts fully only as the first that is said. Of replies only short ones say
 * something.
 */
#pragma once

#include "agent/protocols/base/detect.h"

static inline unsigned int ll_detect_redis_digits(const struct ll_detect_head* head,
                                                  unsigned int at) {
  unsigned int digits = 0;

  while (digits < 7 && at + digits < head->size && ll_detect_byte(head, at + digits) >= '0' &&
         ll_detect_byte(head, at + digits) <= '9') {
    ++digits;
  }
  return digits;
}

static inline unsigned int ll_detect_redis(const struct ll_detect_head* head) {
  const unsigned int strength = head->first ? 0 : LL_DETECT_WEAK;
  unsigned int at, digits, i;

  if (head->size == 0) return LL_DETECT_MORE;
  if (ll_detect_byte(head, 0) == '*') {
    digits = ll_detect_redis_digits(head, 1);
    at = 1 + digits;
    if (at + 3 > head->size) return LL_DETECT_MORE;
    if (digits == 0 || digits > 6 || ll_detect_byte(head, at) != '\r' ||
        ll_detect_byte(head, at + 1) != '\n' || ll_detect_byte(head, at + 2) != '$') {
      return LL_DETECT_NO;
    }
    at += 3;
    digits = ll_detect_redis_digits(head, at);
    at += digits;
    if (at + 3 > head->size) return LL_DETECT_MORE;
    if (digits == 0 || digits > 2 || ll_detect_byte(head, at) != '\r' ||
        ll_detect_byte(head, at + 1) != '\n') {
      return LL_DETECT_NO;
    }
    at += 2;
    for (i = 0; i < 2; ++i) {
      const unsigned int letter = at + i < head->size ? ll_detect_byte(head, at + i) | 0x20 : 'a';

      if (letter < 'a' || letter > 'z') return LL_DETECT_NO;
    }
    return LL_DETECT_REQUEST | strength;
  }
  if (ll_detect_text(head, 0, "PING\r\n", 6, LL_DETECT_REQUEST) != LL_DETECT_NO) {
    return ll_detect_text(head, 0, "PING\r\n", 6, LL_DETECT_REQUEST | LL_DETECT_WEAK);
  }
  if (ll_detect_text(head, 0, "+OK\r\n", 5, LL_DETECT_RESPONSE) == LL_DETECT_RESPONSE) {
    return LL_DETECT_RESPONSE | LL_DETECT_WEAK;
  }
  if (ll_detect_byte(head, 0) == ':' || ll_detect_byte(head, 0) == '$') {
    const unsigned int minus = ll_detect_byte(head, 1) == '-';

    digits = ll_detect_redis_digits(head, 1 + minus);
    at = 1 + minus + digits;
    if (digits > 0 && at + 2 <= head->size && ll_detect_byte(head, at) == '\r' &&
        ll_detect_byte(head, at + 1) == '\n') {
      return LL_DETECT_RESPONSE | LL_DETECT_WEAK;
    }
  }
  return LL_DETECT_NO;
}
