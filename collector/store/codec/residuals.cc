#include "collector/store/codec/residuals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "collector/store/codec/packing.h"

namespace leadline::collector::store::codec {
namespace {

constexpr size_t kBlock = 32;  // packed: residuals that share one width

// Short columns are written together with others soon: not worth the work.
constexpr size_t kLeastCoded = 48;

// What a mode that decodes slower has to save.
constexpr double kCodedGain = 0.97;

int WidthOf(uint64_t value) { return static_cast<int>(std::bit_width(value)); }

int WidthOfBlock(absl::Span<const uint64_t> block) {
  uint64_t all = 0;
  for (const uint64_t value : block) all |= value;
  return WidthOf(all);
}

double PackedBits(absl::Span<const uint64_t> residuals) {
  size_t bytes = 0;
  for (size_t i = 0; i < residuals.size(); i += kBlock) {
    const auto block = residuals.subspan(i, kBlock);
    bytes += 1 + PackedBytes(block.size(), WidthOfBlock(block));
  }
  return static_cast<double>(8 * bytes);
}

size_t VarintBytes(uint64_t value) { return (static_cast<size_t>(WidthOf(value | 1)) + 6) / 7; }

// --- Coded ---

// How many residuals are of each width.
using Widths = std::array<uint32_t, 65>;

// Low bits to pack, such that what is left of nearly all is a symbol of its own and there are
// enough of these to tell likely from unlikely.
int ShiftFor(const Widths& widths, size_t count) {
  constexpr int kSymbolWidth = 4;
  size_t above = 0;
  for (int width = 64; width > kSymbolWidth; --width) {
    above += widths[static_cast<size_t>(width)];
    if (above * 3 >= count) return width - kSymbolWidth;
  }
  return 0;
}

SymbolCounts CountSymbols(absl::Span<const uint64_t> residuals, int shift, double& escape_bits) {
  SymbolCounts counts{};
  for (const uint64_t residual : residuals) {
    const uint64_t high = residual >> shift;
    if (high < kDirect) {
      ++counts[high];
    } else {
      ++counts[kEscape];
      escape_bits += static_cast<double>(8 * VarintBytes(high - kDirect));
    }
  }
  return counts;
}

void PlanCoded(absl::Span<const uint64_t> residuals, int shift, ResidualPlan& best) {
  double bits = 8.0 + static_cast<double>(static_cast<size_t>(shift) * residuals.size());
  const SymbolCounts counts = CountSymbols(residuals, shift, bits);
  if (bits >= best.bits) return;
  SymbolCode code = ChooseCode(counts);
  bits += code.bits;
  if (bits >= (best.mode == ResidualMode::kCoded ? 1 : kCodedGain) * best.bits) return;
  best.mode = ResidualMode::kCoded;
  best.bits = bits;
  best.shift = shift;
  best.code = std::move(code);
}

void EncodeCoded(absl::Span<const uint64_t> residuals, const ResidualPlan& plan, std::string& out) {
  std::vector<uint8_t> symbols(residuals.size());
  for (size_t i = 0; i < residuals.size(); ++i) {
    symbols[i] = static_cast<uint8_t>(std::min<uint64_t>(residuals[i] >> plan.shift, kEscape));
  }
  out.push_back(static_cast<char>(plan.shift));
  PackBits(residuals, plan.shift, out);
  EncodeSymbols(symbols, plan.code, out);
  for (const uint64_t residual : residuals) {
    const uint64_t high = residual >> plan.shift;
    if (high >= kDirect) AppendVarint(high - kDirect, out);
  }
}

void DecodeCoded(ByteReader& reader, absl::Span<uint64_t> residuals) {
  const int shift = reader.Byte();
  if (shift > 63) return reader.Fail();
  const std::string_view low = reader.Bytes(PackedBytes(residuals.size(), shift));
  if (!reader.ok()) return;
  uint8_t symbols[kMaxColumn];
  const size_t count = residuals.size();
  DecodeSymbols(reader, absl::MakeSpan(symbols, count));
  if (!reader.ok()) return;
  uint8_t most = 0;
  for (size_t i = 0; i < count; ++i) most = std::max(most, symbols[i]);
  uint64_t* const out = residuals.data();
  if (shift == 0) {
    for (size_t i = 0; i < count; ++i) out[i] = symbols[i];
  } else {
    UnpackBits(low, shift, residuals);
    for (size_t i = 0; i < count; ++i) out[i] |= static_cast<uint64_t>(symbols[i]) << shift;
  }
  if (most < kEscape) return;
  for (size_t i = 0; i < count; ++i) {
    if (symbols[i] == kEscape) out[i] += reader.Varint() << shift;
  }
}

// --- Sparse ---

void PlanSparse(absl::Span<const uint64_t> residuals, size_t zeros, ResidualPlan& best) {
  const size_t others = residuals.size() - zeros;
  if (others > residuals.size() / 8 + 1) return;
  size_t bytes = VarintBytes(others);
  size_t gap = 0;
  for (const uint64_t residual : residuals) {
    ++gap;
    if (residual == 0) continue;
    bytes += VarintBytes(gap - 1) + VarintBytes(residual);
    gap = 0;
  }
  const auto bits = static_cast<double>(8 * bytes);
  if (bits >= best.bits) return;
  best.mode = ResidualMode::kSparse;
  best.bits = bits;
}

void EncodeSparse(absl::Span<const uint64_t> residuals, std::string& out) {
  AppendVarint(static_cast<uint64_t>(std::count_if(residuals.begin(), residuals.end(),
                                                   [](uint64_t value) { return value != 0; })),
               out);
  uint64_t gap = 0;
  for (const uint64_t residual : residuals) {
    if (residual == 0) {
      ++gap;
      continue;
    }
    AppendVarint(gap, out);
    AppendVarint(residual, out);
    gap = 0;
  }
}

void DecodeSparse(ByteReader& reader, absl::Span<uint64_t> residuals) {
  std::fill(residuals.begin(), residuals.end(), 0);
  const size_t others = reader.Count(2);
  size_t next = 0;
  for (size_t i = 0; i < others && reader.ok(); ++i) {
    const uint64_t gap = reader.Varint();
    if (gap >= residuals.size() - next) return reader.Fail();
    next += gap;
    residuals[next] = reader.Varint();
    if (++next == residuals.size() && i + 1 < others) return reader.Fail();
  }
}

// --- Packed ---

void EncodePacked(absl::Span<const uint64_t> residuals, std::string& out) {
  for (size_t i = 0; i < residuals.size(); i += kBlock) {
    const auto block = residuals.subspan(i, kBlock);
    const int width = WidthOfBlock(block);
    out.push_back(static_cast<char>(width));
    PackBits(block, width, out);
  }
}

void DecodePacked(ByteReader& reader, absl::Span<uint64_t> residuals) {
  for (size_t i = 0; i < residuals.size(); i += kBlock) {
    const auto block = residuals.subspan(i, kBlock);
    const int width = reader.Byte();
    if (width > 64) return reader.Fail();
    const std::string_view bytes = reader.Bytes(PackedBytes(block.size(), width));
    if (!reader.ok()) return;
    UnpackBits(bytes, width, block);
  }
}

// --- Zeros apart ---

ResidualPlan Plan(absl::Span<const uint64_t> residuals, bool zeros_apart);

void PlanZerosApart(absl::Span<const uint64_t> residuals, size_t zeros, ResidualPlan& best) {
  SymbolCounts counts{};
  counts[0] = static_cast<uint32_t>(zeros);
  counts[1] = static_cast<uint32_t>(residuals.size() - zeros);
  if (counts[1] == 0) return;
  SymbolCode code = ChooseCode(counts);
  if (code.bits >= best.bits) return;
  std::vector<uint64_t> others;
  others.reserve(counts[1]);
  for (const uint64_t residual : residuals) {
    if (residual != 0) others.push_back(residual - 1);
  }
  ResidualPlan plan = Plan(others, /*zeros_apart=*/false);
  const double bits = 8 + code.bits + plan.bits;
  if (bits >= kCodedGain * best.bits) return;
  best.mode = ResidualMode::kZerosApart;
  best.bits = bits;
  best.code = std::move(code);
  best.others = std::move(others);
  best.plan_of_others = {std::move(plan)};
}

void EncodeZerosApart(absl::Span<const uint64_t> residuals, const ResidualPlan& plan,
                      std::string& out) {
  std::vector<uint8_t> symbols(residuals.size());
  std::transform(residuals.begin(), residuals.end(), symbols.begin(),
                 [](uint64_t residual) { return residual == 0 ? 0 : 1; });
  EncodeSymbols(symbols, plan.code, out);
  out.push_back(static_cast<char>(plan.plan_of_others[0].mode));
  EncodeResiduals(plan.others, plan.plan_of_others[0], out);
}

void DecodeZerosApart(ByteReader& reader, absl::Span<uint64_t> residuals) {
  uint8_t symbols[kMaxColumn];
  DecodeSymbols(reader, absl::MakeSpan(symbols, residuals.size()));
  const auto mode = static_cast<ResidualMode>(reader.Byte());
  if (!reader.ok()) return;
  size_t count = 0;
  for (size_t i = 0; i < residuals.size(); ++i) {
    if (symbols[i] > 1) return reader.Fail();
    count += symbols[i];
  }
  // Once is enough: more would nest as deep as the input likes.
  if (count == 0 || mode == ResidualMode::kZerosApart) return reader.Fail();
  uint64_t others[kMaxColumn + 1];
  DecodeResiduals(reader, mode, absl::MakeSpan(others, count));
  if (!reader.ok()) return;
  others[count] = 0;  // loaded where the last ones are zeros, and not used
  size_t next = 0;
  for (size_t i = 0; i < residuals.size(); ++i) {
    residuals[i] = symbols[i] != 0 ? others[next] + 1 : 0;
    next += symbols[i];
  }
}

ResidualPlan Plan(absl::Span<const uint64_t> residuals, bool zeros_apart) {
  Widths widths{};
  for (const uint64_t residual : residuals) ++widths[static_cast<size_t>(WidthOf(residual))];
  ResidualPlan plan;
  if (widths[0] == residuals.size()) return plan;
  plan.mode = ResidualMode::kPacked;
  plan.bits = PackedBits(residuals);
  PlanSparse(residuals, widths[0], plan);
  if (residuals.size() < kLeastCoded) return plan;
  const int shift = ShiftFor(widths, residuals.size());
  PlanCoded(residuals, shift, plan);
  if (shift > 0) PlanCoded(residuals, shift - 1, plan);
  // Worth it where zeros would have their low bits packed too.
  if (zeros_apart && shift > 1 && widths[0] * 16 > residuals.size()) {
    PlanZerosApart(residuals, widths[0], plan);
  }
  return plan;
}

}  // namespace

ResidualPlan PlanResiduals(absl::Span<const uint64_t> residuals) {
  return Plan(residuals, /*zeros_apart=*/true);
}

void EncodeResiduals(absl::Span<const uint64_t> residuals, const ResidualPlan& plan,
                     std::string& out) {
  switch (plan.mode) {
    case ResidualMode::kZeros:
      return;
    case ResidualMode::kSparse:
      return EncodeSparse(residuals, out);
    case ResidualMode::kPacked:
      return EncodePacked(residuals, out);
    case ResidualMode::kCoded:
      return EncodeCoded(residuals, plan, out);
    case ResidualMode::kZerosApart:
      return EncodeZerosApart(residuals, plan, out);
  }
}

void DecodeResiduals(ByteReader& reader, ResidualMode mode, absl::Span<uint64_t> residuals) {
  switch (mode) {
    case ResidualMode::kZeros:
      std::fill(residuals.begin(), residuals.end(), 0);
      return;
    case ResidualMode::kSparse:
      return DecodeSparse(reader, residuals);
    case ResidualMode::kPacked:
      return DecodePacked(reader, residuals);
    case ResidualMode::kCoded:
      return DecodeCoded(reader, residuals);
    case ResidualMode::kZerosApart:
      return DecodeZerosApart(reader, residuals);
  }
  reader.Fail();
}

}  // namespace leadline::collector::store::codec
