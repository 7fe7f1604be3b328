/*
 * A client begins with a preface (RFC 9113, 3.4). Later, and of a server, there are only frames: a
 * write that begins with plausible frame headers and ends where the last frame does, or has
 * several. Whose they are is said by a header block's first field: a request's is a pseudo-header
 * of a request, a response's is its status (RFC 9113, 8.3), and common ones of both are in HPACK's
 * static table (RFC 7541, appendix A).
 */
#pragma once

#include "agent/protocols/base/detect.h"

/* RFC 9113, 6 */
enum {
  LL_HTTP2_DATA = 0,
  LL_HTTP2_HEADERS = 1,
  LL_HTTP2_PRIORITY = 2,
  LL_HTTP2_RST_STREAM = 3,
  LL_HTTP2_SETTINGS = 4,
  LL_HTTP2_PUSH_PROMISE = 5,
  LL_HTTP2_PING = 6,
  LL_HTTP2_GOAWAY = 7,
  LL_HTTP2_WINDOW_UPDATE = 8,
  LL_HTTP2_CONTINUATION = 9,

  LL_HTTP2_END_STREAM = 0x1, /* on SETTINGS and PING: ACK */
  LL_HTTP2_END_HEADERS = 0x4,
  LL_HTTP2_PADDED = 0x8,
  LL_HTTP2_HAS_PRIORITY = 0x20,

  LL_HTTP2_FRAME_HEADER = 9,
  LL_HTTP2_MOST_PLAUSIBLE = 1 << 20, /* bytes of a payload: 16 KiB unless a peer asked for more */
  LL_HTTP2_PREFACE_BYTES = 24,
};

#define LL_HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* Whether a frame would have such a header. Of streams only a client's, which are odd: servers push
 * no more. */
static inline int ll_http2_is_plausible(unsigned int length, unsigned int type, unsigned int flags,
                                        unsigned int stream) {
  const int of_stream = (stream & 1) != 0;

  if (length > LL_HTTP2_MOST_PLAUSIBLE || stream > 0x7fffffffu) return 0;
  switch (type) {
    case LL_HTTP2_DATA:
      return of_stream && (flags & ~0x9u) == 0;
    case LL_HTTP2_HEADERS:
      return of_stream && (flags & ~0x2du) == 0 && length > 0;
    case LL_HTTP2_PRIORITY:
      return of_stream && flags == 0 && length == 5;
    case LL_HTTP2_RST_STREAM:
      return of_stream && flags == 0 && length == 4;
    case LL_HTTP2_SETTINGS:
      return stream == 0 && (flags == 0 ? length % 6 == 0 && length <= 240
                                        : flags == LL_HTTP2_END_STREAM && length == 0);
    case LL_HTTP2_PUSH_PROMISE:
      return of_stream && (flags & ~0xcu) == 0 && length > 4;
    case LL_HTTP2_PING:
      return stream == 0 && flags <= LL_HTTP2_END_STREAM && length == 8;
    case LL_HTTP2_GOAWAY:
      return stream == 0 && flags == 0 && length >= 8;
    case LL_HTTP2_WINDOW_UPDATE:
      return (of_stream || stream == 0) && flags == 0 && length == 4;
    case LL_HTTP2_CONTINUATION:
      return of_stream && (flags & ~LL_HTTP2_END_HEADERS) == 0;
    default:
      return 0;
  }
}

/* Whose a header block is that begins with this byte; both where it does not say so. */
static inline unsigned int ll_http2_side(unsigned int first) {
  /* The name's index: of a whole field, a literal to be indexed, or one that is not. */
  const unsigned int index = first & 0x80   ? first & 0x7f
                             : first & 0x40 ? first & 0x3f
                             : first & 0x20 ? 0
                                            : first & 0x0f;

  if (index >= 1 && index <= 7) return LL_DETECT_REQUEST;
  if (index >= 8 && index <= 14) return LL_DETECT_RESPONSE;
  return LL_DETECT_REQUEST | LL_DETECT_RESPONSE;
}

static inline unsigned int ll_detect_http2(const struct ll_detect_head* head) {
  unsigned int found =
      ll_detect_text(head, 0, LL_HTTP2_PREFACE, LL_HTTP2_PREFACE_BYTES, LL_DETECT_REQUEST);
  unsigned int at = 0;
  unsigned int frames = 0;
  unsigned int has_head = 0; /* the first frame is a header block, and ends within the write */

  if (found != LL_DETECT_NO) return found;
  found = LL_DETECT_REQUEST | LL_DETECT_RESPONSE;
  while (frames < 3 && at + LL_HTTP2_FRAME_HEADER <= head->size) {
    const unsigned int length = ll_detect_be32(head, at) >> 8;
    const unsigned int type = ll_detect_byte(head, at + 3);
    const unsigned int flags = ll_detect_byte(head, at + 4);
    unsigned int block = at + LL_HTTP2_FRAME_HEADER;

    if (!ll_http2_is_plausible(length, type, flags, ll_detect_be32(head, at + 5))) {
      return LL_DETECT_NO;
    }
    if (type == LL_HTTP2_HEADERS && found == (LL_DETECT_REQUEST | LL_DETECT_RESPONSE)) {
      if (flags & LL_HTTP2_PADDED) block += 1;
      if (flags & LL_HTTP2_HAS_PRIORITY) block += 5;
      if (block < head->size) found = ll_http2_side(ll_detect_byte(head, block));
    }
    at += LL_HTTP2_FRAME_HEADER + length;
    if (++frames == 1) has_head = type == LL_HTTP2_HEADERS && at <= head->total;
    if (at >= head->total) break;
  }
  /* A server's first frame, before the client said anything. */
  if (frames == 0)
    return head->first && ll_detect_byte(head, 0) == 0 ? LL_DETECT_MORE : LL_DETECT_NO;
  if (frames == 1 && at != head->total && !has_head) return LL_DETECT_NO;
  return found | LL_DETECT_WEAK;
}
