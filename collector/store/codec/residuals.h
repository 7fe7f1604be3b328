// Columns of numbers that are mostly small: what is left of a column once it was predicted.
//
// All zero, a few that are not, bit-packed, or low bits packed and the rest entropy-coded, where
// many are zero apart from those that are not; whichever is the smallest, so that what decodes
// faster wins a near tie. Format: docs/format/chunk.md. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "collector/store/codec/symbols.h"
#include "common/bytes.h"

namespace leadline::collector::store::codec {

// Residuals of one column at most.
inline constexpr size_t kMaxColumn = kMaxSymbols;

// On disk: never renumber. At most 7.
enum class ResidualMode : uint8_t {
  kZeros = 0,
  kSparse = 1,
  kPacked = 2,
  kCoded = 3,
  kZerosApart = 4,
};

struct ResidualPlan {
  ResidualMode mode = ResidualMode::kZeros;
  double bits = 0;                           // about
  int shift = 0;                             // kCoded: low bits that are packed
  SymbolCode code;                           // kCoded, kZerosApart (of which are zero)
  std::vector<uint64_t> others;              // kZerosApart: those that are not, less 1
  std::vector<ResidualPlan> plan_of_others;  // one
};

ResidualPlan PlanResiduals(absl::Span<const uint64_t> residuals);
void EncodeResiduals(absl::Span<const uint64_t> residuals, const ResidualPlan& plan,
                     std::string& out);

// reader.ok() is false afterwards when the input is malformed. REQUIRES: 1 to kMaxColumn of them.
void DecodeResiduals(ByteReader& reader, ResidualMode mode, absl::Span<uint64_t> residuals);

}  // namespace leadline::collector::store::codec
