#include "agent/protocols/http2/header_decoder.h"

#include <algorithm>

#include "agent/protocols/http2/field_shape.h"

namespace leadline::agent::protocols::http2 {
namespace {

using What = HeaderDecoder::Step::What;

constexpr uint32_t kStaticFields = 61;         // RFC 7541, appendix A
constexpr uint32_t kFieldOverhead = 32;        // RFC 7541, 4.1
constexpr uint32_t kDefaultTableBytes = 4096;  // RFC 9113, 6.5.2
// Halves of the table's bytes that nghttp2 may take with all that it adds.
constexpr size_t kMemoryOfTable = 5;
// Memory that is kept for the next connection.
constexpr size_t kKeptBytes = 32 << 10;

// Stands for a name that is not known; no longer than any.
constexpr std::string_view kUnknownName = "?";
constexpr std::string_view kAddUnknownName("\x40\x01?", 3);

}  // namespace

void HeaderDecoder::Drop() {
  if (inflater_ != nullptr) nghttp2_hd_inflate_del(inflater_);
  inflater_ = nullptr;
}

void HeaderDecoder::End() {
  Drop();
  if (memory_.bytes() > kKeptBytes) memory_.Trim();
}

void HeaderDecoder::Begin(uint32_t table_bytes, bool known) {
  table_bytes_ = table_bytes;
  memory_.SetBound(size_t{table_bytes} * kMemoryOfTable / 2);
  Restart(known);
}

void HeaderDecoder::Restart(bool known) {
  Drop();
  known_ = known;
  added_ = 0;
  peer_bytes_ = kDefaultTableBytes;
  if (nghttp2_hd_inflate_new2(&inflater_, memory_.functions()) != 0) {
    inflater_ = nullptr;
    return;
  }
  // How large a table its sender uses stands in the blocks; SETTINGS say how large it may be.
  nghttp2_hd_inflate_change_table_size(inflater_, table_bytes_);
  if (known) return;
  // At least as large as the sender's: entries that it has dropped are not asked for.
  char resize[5] = {0x3f};
  size_t size = 1;
  for (uint32_t rest = table_bytes_ - 31;; rest >>= 7) {
    resize[size++] = static_cast<char>(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  Step step;
  if (!Feed({resize, size}, false, step)) Drop();
}

// What nghttp2 makes of the bytes: a field, the end, or nothing yet. False when it is an error.
bool HeaderDecoder::Feed(std::string_view bytes, bool last, Step& step) {
  while (true) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(
        inflater_, &field, &flags, reinterpret_cast<const uint8_t*>(bytes.data()) + step.used,
        bytes.size() - step.used, last ? 1 : 0);
    if (used < 0) return false;
    step.used += static_cast<size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      step.what = What::kField;
      step.name = {reinterpret_cast<const char*>(field.name), field.namelen};
      step.value = {reinterpret_cast<const char*>(field.value), field.valuelen};
      return true;
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      step.what = What::kBlockEnd;
      nghttp2_hd_inflate_end_headers(inflater_);
      return true;
    }
    if (step.used == bytes.size()) return true;
  }
}

HeaderDecoder::Step HeaderDecoder::Break() {
  Forget();
  return {.what = What::kBroken};
}

HeaderDecoder::Step HeaderDecoder::Next(std::string_view bytes, bool last) {
  if (inflater_ == nullptr) return {.what = What::kBroken};
  if (!known_) return NextOfUnknown(bytes, last);
  Step step;
  if (bytes.empty() && !last) return step;
  return Feed(bytes, last, step) ? step : Break();
}

// A field at a time, so that those that refer to what was not seen are kept from nghttp2.
HeaderDecoder::Step HeaderDecoder::NextOfUnknown(std::string_view bytes, bool last) {
  using Kind = FieldShape::Kind;
  if (bytes.empty()) {
    if (!last) return {};
    nghttp2_hd_inflate_end_headers(inflater_);
    return {.what = What::kBlockEnd};
  }
  const FieldShape shape = MeasureField(bytes);
  if (shape.kind == Kind::kInvalid || (shape.kind == Kind::kMore && last)) return Break();
  if (shape.kind == Kind::kMore) return {};
  std::string_view field = bytes.substr(0, shape.size);
  const Step unknown{.what = What::kUnknown, .used = shape.size};
  if (shape.kind == Kind::kResize) {
    Step step;
    if (shape.index <= table_bytes_ && !Feed(field, false, step)) return Break();
    peer_bytes_ = shape.index;
    return {.what = What::kResized, .used = shape.size};
  }
  const size_t entries = nghttp2_hd_inflate_get_num_table_entries(inflater_);
  const bool has_unknown_name = shape.index > std::min(entries, size_t{kStaticFields} + added_);
  if (has_unknown_name && shape.kind != Kind::kAdded) return unknown;

  if (has_unknown_name) {
    Step name;
    if (!Feed(kAddUnknownName, false, name)) return Break();
    field.remove_prefix(shape.value_at);
  }
  Step step;
  if (!Feed(field, false, step) || step.what != What::kField) return Break();
  step.used = shape.size;
  if (step.name == kUnknownName) step.what = What::kUnknown;
  if (shape.kind == Kind::kAdded) {
    // One that is larger than the sender's table empties that, and ours not.
    const size_t size = step.name.size() + step.value.size() + kFieldOverhead;
    added_ = size > peer_bytes_ ? 0 : added_ + 1;
  }
  return step;
}

}  // namespace leadline::agent::protocols::http2
