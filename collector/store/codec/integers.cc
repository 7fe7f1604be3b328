#include "collector/store/codec/integers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <utility>

#include "collector/store/codec/symbol_tables.h"
#include "common/wide.h"

namespace leadline::collector::store::codec {
namespace {

// On disk: never renumber. At most 3.
enum Predictor : uint8_t { kBase = 0, kDelta = 1, kDeltaOfDelta = 2 };

// The head byte: predictor, then a residual mode, then these.
constexpr int kModeShift = 2;
constexpr uint8_t kModeBits = 7;
constexpr uint8_t kZigZag = 1 << 5;
constexpr uint8_t kFactor = 1 << 6;

int64_t Difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// --- Encoding ---

uint64_t Magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

// What all differences from the first value are multiples of; 1 where that is nothing.
int64_t CommonFactor(absl::Span<const int64_t> values) {
  uint64_t factor = 0;
  for (const int64_t value : values) {
    factor = std::gcd(factor, Magnitude(Difference(value, values[0])));
    if (factor == 1) return 1;
  }
  return factor == 0 || factor > INT64_MAX ? 1 : static_cast<int64_t>(factor);
}

std::vector<int64_t> Differences(absl::Span<const int64_t> values) {
  std::vector<int64_t> differences(values.size() - 1);
  for (size_t i = 1; i < values.size(); ++i) {
    differences[i - 1] = Difference(values[i], values[i - 1]);
  }
  return differences;
}

// About the middle: of some of the values.
int64_t MiddleOf(absl::Span<const int64_t> values) {
  constexpr size_t kSome = 63;
  std::array<int64_t, kSome> some{};
  const size_t count = std::min(values.size(), kSome);
  for (size_t i = 0; i < count; ++i) some[i] = values[i * values.size() / count];
  const auto middle = some.begin() + static_cast<ptrdiff_t>(count / 2);
  std::nth_element(some.begin(), middle, some.begin() + static_cast<ptrdiff_t>(count));
  return *middle;
}

// About how many bits a column takes whose numbers are spread so around `middle`: what their
// widths take by their likelihoods, and the bits below the highest.
double SpreadBits(absl::Span<const int64_t> values, int64_t middle) {
  std::array<uint32_t, 65> widths{};
  uint64_t all = 0;
  for (const int64_t value : values) {
    const uint64_t distance = ZigZag(Difference(value, middle));
    ++widths[static_cast<size_t>(std::bit_width(distance))];
    all |= distance;
  }
  double bits = 0;
  const double total = Log2(static_cast<uint32_t>(values.size()));
  const auto widest = static_cast<size_t>(std::bit_width(all));
  for (size_t width = 0; width <= widest; ++width) {
    if (widths[width] == 0) continue;
    const double count = widths[width];
    bits += count * (total - Log2(widths[width]) + static_cast<double>(width > 1 ? width - 1 : 0));
  }
  return bits;
}

struct Candidate {
  Predictor predictor = kBase;
  absl::Span<const int64_t> values;  // what is left to be told
  int64_t middle = 0;
  double bits = 0;
};

Candidate Consider(Predictor predictor, absl::Span<const int64_t> values) {
  const int64_t middle = values.empty() ? 0 : MiddleOf(values);
  return {predictor, values, middle, values.empty() ? 0 : SpreadBits(values, middle)};
}

// Residuals of either kind, and how to write them.
struct Written {
  bool zigzag = false;
  int64_t base = 0;
  std::vector<uint64_t> residuals;
  ResidualPlan plan;
};

Written Around(const Candidate& candidate) {
  Written written{true, candidate.middle, {}, {}};
  written.residuals.reserve(candidate.values.size());
  for (const int64_t value : candidate.values) {
    written.residuals.push_back(ZigZag(Difference(value, candidate.middle)));
  }
  written.plan = PlanResiduals(written.residuals);
  return written;
}

Written Above(const Candidate& candidate) {
  Written written{
      false, *std::min_element(candidate.values.begin(), candidate.values.end()), {}, {}};
  written.residuals.reserve(candidate.values.size());
  for (const int64_t value : candidate.values) {
    written.residuals.push_back(static_cast<uint64_t>(Difference(value, written.base)));
  }
  written.plan = PlanResiduals(written.residuals);
  return written;
}

Written Residuals(const Candidate& candidate) {
  if (candidate.values.empty()) return {};
  Written around = Around(candidate);
  if (around.plan.mode == ResidualMode::kZeros) return around;
  Written above = Above(candidate);
  return above.plan.bits <= around.plan.bits ? above : around;
}

// --- Decoding ---

// From here on columns are decoded in place: what is left lies where the values come to be, so that
// a column stays in the nearest cache.

// values[i] = values[i - 1] + delta, from `value` on, where the delta is what is left and a base.
template <bool kSigned>
void AddUp(uint64_t value, uint64_t base, int64_t* values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto residual = static_cast<uint64_t>(values[i]);
    // What does not hang on the value before is added first.
    const uint64_t step = base + (kSigned ? static_cast<uint64_t>(UnZigZag(residual)) : residual);
    value += step;
    values[i] = static_cast<int64_t>(value);
  }
}

void AddUp(bool zigzag, int64_t value, int64_t base, absl::Span<int64_t> values) {
  const auto from = static_cast<uint64_t>(value);
  const auto step = static_cast<uint64_t>(base);
  zigzag ? AddUp<true>(from, step, values.data(), values.size())
         : AddUp<false>(from, step, values.data(), values.size());
}

template <bool kSigned>
void AddBase(int64_t base, int64_t* values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto of = static_cast<uint64_t>(values[i]);
    const uint64_t residual = kSigned ? static_cast<uint64_t>(UnZigZag(of)) : of;
    values[i] = static_cast<int64_t>(static_cast<uint64_t>(base) + residual);
  }
}

LEADLINE_INLINE bool AllAscend(const int64_t* values, size_t count) {
  uint64_t all = 1;
  for (size_t i = 1; i < count; ++i) all &= static_cast<uint64_t>(values[i - 1] < values[i]);
  return all != 0;
}

LEADLINE_AVX2 bool AllAscendWide(const int64_t* values, size_t count) {
  return AllAscend(values, count);
}

}  // namespace

void EncodeIntegers(absl::Span<const int64_t> values, std::string& out) {
  const int64_t factor = CommonFactor(values);
  std::vector<int64_t> divided;
  absl::Span<const int64_t> column = values;
  if (factor > 1) {
    divided.reserve(values.size());
    for (const int64_t value : values) divided.push_back(Difference(value, values[0]) / factor);
    column = divided;
  }
  const std::vector<int64_t> deltas = Differences(column);
  Candidate best = Consider(kDelta, deltas);
  std::vector<int64_t> changes;
  if (best.bits > 0) {
    if (Candidate base = Consider(kBase, column); base.bits < best.bits) best = base;
    changes = Differences(deltas);
    if (Candidate twice = Consider(kDeltaOfDelta, changes); twice.bits < best.bits) best = twice;
  }
  const Written written = Residuals(best);

  out.push_back(static_cast<char>(best.predictor |
                                  static_cast<uint8_t>(written.plan.mode) << kModeShift |
                                  (written.zigzag ? kZigZag : 0) | (factor > 1 ? kFactor : 0)));
  if (factor > 1) AppendVarint(static_cast<uint64_t>(factor), out);
  if (factor > 1 || best.predictor != kBase) AppendSigned(values[0], out);
  if (best.predictor == kDeltaOfDelta) AppendSigned(deltas[0], out);
  if (!best.values.empty()) AppendSigned(written.base, out);
  EncodeResiduals(written.residuals, written.plan, out);
}

bool Ascend(absl::Span<const int64_t> values) {
  return HasAvx2() ? AllAscendWide(values.data(), values.size())
                   : AllAscend(values.data(), values.size());
}

void DecodeIntegers(ByteReader& reader, absl::Span<int64_t> values) {
  const uint8_t head = reader.Byte();
  const uint8_t predictor = head & 3;
  const auto mode = static_cast<ResidualMode>(head >> kModeShift & kModeBits);
  const bool zigzag = (head & kZigZag) != 0;
  const uint64_t factor = (head & kFactor) != 0 ? reader.Varint() : 1;
  const int64_t origin = factor != 1 || predictor != kBase ? reader.Signed() : 0;
  const int64_t first = factor != 1 ? 0 : origin;
  const int64_t first_delta = predictor == kDeltaOfDelta ? reader.Signed() : 0;
  const size_t told = predictor == kBase ? 0 : predictor == kDelta ? 1 : 2;
  if (predictor > kDeltaOfDelta || head > (kFactor | (kFactor - 1)) || factor == 0 ||
      ((head & kFactor) != 0 && factor == 1) || values.size() < told) {
    return reader.Fail();
  }
  const absl::Span<int64_t> left = values.subspan(told);
  const int64_t base = left.empty() ? 0 : reader.Signed();
  if (!left.empty()) {
    // Numbers of the same size may be looked at either way.
    auto* const residuals = reinterpret_cast<uint64_t*>(left.data());
    DecodeResiduals(reader, mode, absl::MakeSpan(residuals, left.size()));
  }
  if (left.empty() && mode != ResidualMode::kZeros) reader.Fail();
  if (!reader.ok()) return;

  switch (predictor) {
    case kBase:
      zigzag ? AddBase<true>(base, left.data(), left.size())
             : AddBase<false>(base, left.data(), left.size());
      break;
    case kDelta:
      values[0] = first;
      AddUp(zigzag, first, base, left);
      break;
    default:
      // Deltas first, then their sums.
      values[0] = first;
      values[1] = first_delta;
      AddUp(zigzag, first_delta, base, left);
      uint64_t value = static_cast<uint64_t>(first);
      for (int64_t& delta : values.subspan(1)) {
        value += static_cast<uint64_t>(delta);
        delta = static_cast<int64_t>(value);
      }
  }
  if (factor == 1) return;
  for (int64_t& value : values) {
    value =
        static_cast<int64_t>(static_cast<uint64_t>(origin) + static_cast<uint64_t>(value) * factor);
  }
}

}  // namespace leadline::collector::store::codec
