// Decodes the header blocks of one direction (HPACK, RFC 7541) by nghttp2, also where a part of
// them was not seen.
//
// What was not seen may have added to the dynamic table. Its entries are counted from the newest
// on, so those that are added from then on are known all the same; a field that refers to an older
// one is unknown. Of what the table held before nothing is used again.
//
// Bounded: the table and all strings together by HeaderMemory. A table that is allowed to be larger
// than `table_bytes` is taken for one that was not seen. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "agent/protocols/http2/header_memory.h"

namespace leadline::agent::protocols::http2 {

class HeaderDecoder {
 public:
  HeaderDecoder() = default;
  HeaderDecoder(const HeaderDecoder&) = delete;
  HeaderDecoder& operator=(const HeaderDecoder&) = delete;
  ~HeaderDecoder() { Drop(); }

  struct Step {
    enum class What : uint8_t {
      kMore,     // all that could be used was
      kField,    // `name` and `value`
      kResized,  // nothing to the reader: the table has another size
      kUnknown,  // a field that is not known, or whose name is not
      kBlockEnd,
      kBroken,  // the rest of the block cannot be read, and the table is as if not seen
    };
    What what = What::kMore;
    size_t used = 0;  // bytes
    // Views; valid until the next call.
    std::string_view name = {};
    std::string_view value = {};
  };

  // A connection begins: with an empty table, or one that is not known.
  void Begin(uint32_t table_bytes, bool known);
  // Reads on in a block; `last`: it ends with these bytes.
  Step Next(std::string_view bytes, bool last);
  // A part of what was sent will not be seen. The next bytes begin a block.
  void Forget() { Restart(false); }
  // The next bytes are a connection's first.
  void Restart(bool known);
  // The connection is over.
  void End();

  size_t memory_bytes() const { return memory_.bytes(); }

 private:
  void Drop();
  bool Feed(std::string_view bytes, bool last, Step& step);
  Step NextOfUnknown(std::string_view bytes, bool last);
  Step Break();

  HeaderMemory memory_;
  uint32_t table_bytes_ = 0;
  nghttp2_hd_inflater* inflater_ = nullptr;
  bool known_ = true;        // nothing is missing in the table
  uint32_t added_ = 0;       // entries since it is not known
  uint32_t peer_bytes_ = 0;  // what the sender's table may have, as far as it was said
};

}  // namespace leadline::agent::protocols::http2
