/* A request is a method in capitals, a space and a target; a response begins with its version (RFC
 * 9112). */
#pragma once

#include "agent/protocols/base/detect.h"

static inline unsigned int ll_detect_http1(const struct ll_detect_head* head) {
  unsigned int found = ll_detect_text(head, 0, "HTTP/1.", 7, LL_DETECT_RESPONSE);
  unsigned int letters = 0;

  if (found != LL_DETECT_NO) return found;
  while (letters < 17 && letters < head->size && ll_detect_byte(head, letters) >= 'A' &&
         ll_detect_byte(head, letters) <= 'Z') {
    ++letters;
  }
  if (letters > 16 || (letters < 3 && letters < head->size)) return LL_DETECT_NO;
  if (letters + 1 >= head->size) {
    return letters == head->size || ll_detect_byte(head, letters) == ' ' ? LL_DETECT_MORE
                                                                         : LL_DETECT_NO;
  }
  if (ll_detect_byte(head, letters) != ' ') return LL_DETECT_NO;
  if (ll_detect_byte(head, letters + 1) == '/') return LL_DETECT_REQUEST;
  /* OPTIONS *, CONNECT host:port, and a proxy's GET http://host/ */
  found = ll_detect_text(head, letters + 1, "* HTTP/1.", 9, LL_DETECT_REQUEST);
  if (found != LL_DETECT_NO) return found;
  found = ll_detect_text(head, letters + 1, "http://", 7, LL_DETECT_REQUEST);
  if (found != LL_DETECT_NO) return found;
  return ll_detect_text(head, 0, "CONNECT ", 8, LL_DETECT_REQUEST);
}
