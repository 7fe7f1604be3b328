#include "collector/store/codec/floats.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "collector/model/sample.h"
#include "collector/store/codec/decimals.h"
#include "collector/store/codec/integers.h"
#include "collector/store/codec/xor.h"

namespace leadline::collector::store::codec {
namespace {

// On disk: never renumber. 0 to kMaxDigits are decimals of so many digits.
enum FloatMode : uint8_t { kConstant = 16, kXor = 17, kRaw = 18, kOrdered = 19 };
constexpr uint8_t kHasExceptions = 0x80;
enum ExceptionKind : uint8_t { kStale = 0, kBits = 1 };

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

// The bits as an integer of the same order.
int64_t Ordered(double value) {
  const auto bits = std::bit_cast<int64_t>(value);
  return bits < 0 ? bits ^ INT64_MAX : bits;
}
double FromOrdered(int64_t ordered) {
  return std::bit_cast<double>(ordered < 0 ? ordered ^ INT64_MAX : ordered);
}

void EncodeExceptions(absl::Span<const double> values, absl::Span<const size_t> exceptions,
                      std::string& out) {
  AppendVarint(exceptions.size(), out);
  size_t next = 0;
  for (const size_t at : exceptions) {
    AppendVarint(at - next, out);
    next = at + 1;
    const bool is_stale = model::IsStaleNan(values[at]);
    out.push_back(static_cast<char>(is_stale ? kStale : kBits));
    if (!is_stale) AppendFixed64(Bits(values[at]), out);
  }
}

void DecodeExceptions(ByteReader& reader, absl::Span<double> values) {
  constexpr size_t kLeastBytes = 2;
  const size_t count = reader.Count(kLeastBytes);
  size_t next = 0;
  for (size_t i = 0; i < count && reader.ok(); ++i) {
    const uint64_t gap = reader.Varint();
    const uint8_t kind = reader.Byte();
    if (next >= values.size() || gap >= values.size() - next || kind > kBits) return reader.Fail();
    next += gap;
    values[next++] = kind == kStale ? model::StaleNan() : std::bit_cast<double>(reader.Fixed64());
  }
}

// Neither constant nor decimals.
void EncodeOthers(absl::Span<const double> values, std::string& out) {
  std::vector<int64_t> ordered(values.size());
  std::transform(values.begin(), values.end(), ordered.begin(), Ordered);
  std::string as_integers;
  EncodeIntegers(ordered, as_integers);
  std::string as_xor;
  EncodeXor(values, as_xor);
  const size_t raw_bytes = values.size() * sizeof(double);
  if (raw_bytes <= std::min(as_integers.size(), as_xor.size())) {
    out.push_back(static_cast<char>(kRaw));
    for (const double value : values) AppendFixed64(Bits(value), out);
  } else if (as_integers.size() <= as_xor.size()) {
    out.push_back(static_cast<char>(kOrdered));
    out += as_integers;
  } else {
    out.push_back(static_cast<char>(kXor));
    out += as_xor;
  }
}

}  // namespace

void EncodeFloats(absl::Span<const double> values, std::string& out) {
  if (const auto decimals = AsDecimals(values)) {
    const bool has_exceptions = !decimals->exceptions.empty();
    out.push_back(static_cast<char>(decimals->digits | (has_exceptions ? kHasExceptions : 0)));
    EncodeIntegers(decimals->mantissas, out);
    if (has_exceptions) EncodeExceptions(values, decimals->exceptions, out);
    return;
  }
  if (std::all_of(values.begin(), values.end(),
                  [&](double value) { return Bits(value) == Bits(values[0]); })) {
    out.push_back(static_cast<char>(kConstant));
    return AppendFixed64(Bits(values[0]), out);
  }
  EncodeOthers(values, out);
}

void DecodeFloats(ByteReader& reader, absl::Span<double> values) {
  const uint8_t mode = reader.Byte();
  switch (mode) {
    case kConstant:
      return std::fill(values.begin(), values.end(), std::bit_cast<double>(reader.Fixed64()));
    case kOrdered: {
      int64_t ordered[kMaxColumn];
      DecodeIntegers(reader, absl::MakeSpan(ordered, values.size()));
      if (!reader.ok()) return;
      for (size_t i = 0; i < values.size(); ++i) values[i] = FromOrdered(ordered[i]);
      return;
    }
    case kXor:
      return DecodeXor(reader, values);
    case kRaw: {
      const std::string_view raw = reader.Bytes(values.size() * sizeof(double));
      if (reader.ok()) std::memcpy(values.data(), raw.data(), raw.size());
      return;
    }
    default:
      break;
  }
  const int digits = mode & (kHasExceptions - 1);
  if (digits > kMaxDigits) return reader.Fail();
  int64_t mantissas[kMaxColumn];
  DecodeIntegers(reader, absl::MakeSpan(mantissas, values.size()));
  if (!reader.ok()) return;
  FromDecimals(absl::MakeConstSpan(mantissas, values.size()), digits, values);
  if ((mode & kHasExceptions) != 0) DecodeExceptions(reader, values);
}

void DecodeFloats(ByteReader& reader, size_t count, size_t begin, absl::Span<double> values) {
  ByteReader ahead = reader;
  const uint8_t mode = ahead.Byte();
  if (mode > kMaxDigits) {  // not decimals without exceptions, which most are
    double all[kMaxColumn];
    DecodeFloats(reader, absl::MakeSpan(all, count));
    if (reader.ok()) std::copy_n(all + begin, values.size(), values.begin());
    return;
  }
  reader = ahead;
  int64_t mantissas[kMaxColumn];
  DecodeIntegers(reader, absl::MakeSpan(mantissas, count));
  if (!reader.ok()) return;
  FromDecimals(absl::MakeConstSpan(mantissas + begin, values.size()), mode, values);
}

bool HaveNoMarkers(std::string_view encoded) {
  ByteReader reader(encoded);
  const uint8_t mode = reader.Byte();
  if (mode == kConstant) return Bits(model::StaleNan()) != reader.Fixed64() && reader.ok();
  return reader.ok() && mode <= kMaxDigits;  // decimals, without exceptions
}

}  // namespace leadline::collector::store::codec
