// One field of a header block as HPACK writes it (RFC 7541, 6), without decoding its strings. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::http2 {

struct FieldShape {
  enum class Kind : uint8_t {
    kMore,  // there is not enough of it
    kInvalid,
    kIndexed,  // a whole field of a table
    kAdded,    // a literal that goes to the dynamic table
    kPlain,    // a literal that does not
    kResize,   // of the dynamic table, to `index` bytes
  };
  Kind kind = Kind::kMore;
  uint32_t index = 0;   // of the field, or of its name; 0 for a name that is written out
  size_t value_at = 0;  // where a literal's value begins
  size_t size = 0;      // of all of it
};

// Of the field at bytes[0].
FieldShape MeasureField(std::string_view bytes);

}  // namespace leadline::agent::protocols::http2
