/*
 * A connection begins with a length and a code: a version, or a request for encryption or to
 * cancel. Later messages are a letter and a length, which says little.
 */
#pragma once

#include "agent/protocols/base/detect.h"

enum {
  LL_POSTGRES_VERSION_3 = 3, /* the upper half of the code */
  LL_POSTGRES_CANCEL = 80877102,
  LL_POSTGRES_SSL = 80877103,
  LL_POSTGRES_GSS = 80877104,
};

static inline unsigned int ll_detect_postgres(const struct ll_detect_head* head) {
  unsigned int length, code;

  if (head->size == 0) return LL_DETECT_MORE;
  if (ll_detect_byte(head, 0) == 0) {
    if (head->size < 8) return LL_DETECT_MORE;
    length = ll_detect_be32(head, 0);
    code = ll_detect_be32(head, 4);
    if (length == 8 && (code == LL_POSTGRES_SSL || code == LL_POSTGRES_GSS)) {
      return LL_DETECT_REQUEST;
    }
    if (length == 16 && code == LL_POSTGRES_CANCEL) return LL_DETECT_REQUEST;
    if (length > 8 && length <= 10000 && code >> 16 == LL_POSTGRES_VERSION_3 &&
        (code & 0xffff) <= 2) {
      return LL_DETECT_REQUEST;
    }
    return LL_DETECT_NO;
  }
  /* At least the type and the length, which must not be longer than the write unless that is large.
   */
  if (head->first || head->size < 5) return LL_DETECT_NO;
  length = ll_detect_be32(head, 1);
  if (length < 4 || length > 1u << 20 || (length + 1 > head->total && head->total < 4096)) {
    return LL_DETECT_NO;
  }
  switch (ll_detect_byte(head, 0)) {
    case 'Q': /* a simple query */
      return length + 1 == head->total ? LL_DETECT_REQUEST | LL_DETECT_WEAK : LL_DETECT_NO;
    case 'P': /* parse, bind */
    case 'B':
      return LL_DETECT_REQUEST | LL_DETECT_WEAK;
    case 'T': /* row description, command complete, parse complete, bind complete */
    case 'C':
      return LL_DETECT_RESPONSE | LL_DETECT_WEAK;
    case '1':
    case '2':
      return length == 4 ? LL_DETECT_RESPONSE | LL_DETECT_WEAK : LL_DETECT_NO;
    default:
      return LL_DETECT_NO;
  }
}
