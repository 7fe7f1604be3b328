#include "collector/store/codec/symbol_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

namespace leadline::collector::store::codec {
namespace {

using Weights = std::array<uint64_t, kSymbols>;

constexpr uint64_t kOne = uint64_t{1} << 32;
constexpr double kNever = 1e6;  // bits of a symbol that cannot occur

uint64_t Times(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 32);
}

// --- The family: on disk, never change ---

// Scales, about half an octave apart; scale s gives the ratio s / (s + 16).
constexpr uint32_t kScales[] = {1,  2,  3,  4,   6,   8,   11,  16,  23,  32,
                                45, 64, 91, 128, 181, 256, 362, 512, 724, 1024};
constexpr size_t kScaleCount = std::size(kScales);
constexpr size_t kUniforms = 86 - 3 * kScaleCount - 2;  // of 2 to 25 symbols
static_assert(kUniforms == 24);

uint64_t Ratio(uint32_t scale) { return kOne * scale / (scale + 16); }

// Each less likely than the one before by `ratio`, which itself shrinks by `bend`.
Weights Falling(uint64_t ratio, uint64_t bend) {
  Weights weights{};
  uint64_t weight = kOne;
  for (uint64_t& w : weights) {
    w = weight;
    weight = Times(weight, ratio);
    ratio = Times(ratio, bend);
  }
  return weights;
}

// Zigzag codes of a number that is as likely as its opposite: 0, -1, 1, -2, 2, ...
Weights BothSigns(const Weights& magnitudes) {
  Weights weights{};
  for (size_t i = 0; i < kSymbols; ++i) weights[i] = magnitudes[(i + 1) / 2];
  return weights;
}

Weights FamilyWeights(uint8_t id) {
  size_t number = id - 1u;
  if (number < kScaleCount) {  // the numbers of a geometric distribution
    return Falling(Ratio(kScales[number]), kOne);
  }
  number -= kScaleCount;
  if (number < kScaleCount) {  // magnitudes of a normal one, of two that share a symbol
    const uint64_t ratio = Ratio(kScales[number]);
    return Falling(ratio, ratio);
  }
  number -= kScaleCount;
  if (number < kScaleCount) {  // zigzag codes of a normal one
    const uint64_t ratio = Ratio(kScales[number]);
    return BothSigns(Falling(ratio, Times(ratio, ratio)));
  }
  number -= kScaleCount;
  Weights weights{};  // all that occur alike
  const size_t count = number < kUniforms ? number + 2 : number == kUniforms ? 32 : 40;
  std::fill_n(weights.begin(), count, kOne);
  return weights;
}

// --- ---

Likelihoods Normalized(const Weights& weights) {
  uint64_t total = 0;
  uint64_t present = 0;
  for (const uint64_t weight : weights) {
    total += weight;
    present += weight > 0;
  }
  Likelihoods likelihoods{};
  uint64_t left = kLikelihoods;
  for (size_t i = 0; i < kSymbols; ++i) {
    if (weights[i] == 0) continue;
    likelihoods[i] = static_cast<uint16_t>(1 + weights[i] * (kLikelihoods - present) / total);
    left -= likelihoods[i];
  }
  *std::max_element(likelihoods.begin(), likelihoods.end()) += static_cast<uint16_t>(left);
  return likelihoods;
}

// Bits that each symbol takes.
using Costs = std::array<double, kSymbols>;

double CostOf(uint16_t likelihood) {
  return likelihood == 0 ? kNever : kLikelihoodBits - Log2(likelihood);
}

struct Family {
  std::array<Likelihoods, kFamily> likelihoods;
  std::array<Costs, kFamily> costs;
  std::array<double, kFamily> means;  // of the symbols
  std::array<SymbolSlots, kFamily> slots;
};

double MeanOf(const Likelihoods& likelihoods) {
  double mean = 0;
  for (size_t i = 0; i < kSymbols; ++i) mean += static_cast<double>(i) * likelihoods[i];
  return mean / kLikelihoods;
}

const Family& TheFamily() {
  static const Family* const kTables = [] {
    auto family = std::make_unique<Family>();
    for (size_t i = 0; i < kFamily; ++i) {
      family->likelihoods[i] = Normalized(FamilyWeights(static_cast<uint8_t>(i + 1)));
      std::transform(family->likelihoods[i].begin(), family->likelihoods[i].end(),
                     family->costs[i].begin(),
                     [](uint16_t likelihood) { return CostOf(likelihood); });
      family->means[i] = MeanOf(family->likelihoods[i]);
      family->slots[i] = SlotsOf(family->likelihoods[i]);
    }
    return family.release();
  }();
  return *kTables;
}

// A described table has four bits a symbol: 15 for one that does not occur, else how many steps of
// 2^-0.6 it is below the likeliest. On disk, never change.
constexpr std::array<uint32_t, 15> kSteps = {65536, 43238, 28526, 18820, 12417, 8192, 5405, 3566,
                                             2353,  1552,  1024,  676,   446,   294,  194};
constexpr uint8_t kAbsent = 15;
constexpr uint8_t kHasEscape = 0x80;

}  // namespace

const Likelihoods& FamilyLikelihoods(uint8_t id) { return TheFamily().likelihoods[id - 1u]; }
const SymbolSlots& FamilySlots(uint8_t id) { return TheFamily().slots[id - 1u]; }

SymbolSlots SlotsOf(const Likelihoods& likelihoods) {
  // Some at once, of which those that are too many are written over by the next symbol's.
  constexpr uint32_t kAtOnce = 8;
  uint32_t slots[kLikelihoods + kAtOnce];
  uint32_t* next = slots;
  for (uint32_t symbol = 0; symbol < kSymbols; ++symbol) {
    const uint32_t likelihood = likelihoods[symbol];
    const uint32_t first = symbol | likelihood << 21;
    for (uint32_t i = 0; i < likelihood; i += kAtOnce) {
      for (uint32_t k = 0; k < kAtOnce; ++k) next[i + k] = first + ((i + k) << 8);
    }
    next += likelihood;
  }
  SymbolSlots made;
  std::copy_n(slots, kLikelihoods, made.begin());
  return made;
}

std::vector<uint8_t> FamilyNear(const SymbolCounts& counts) {
  double total = 0;
  double sum = 0;
  size_t present = 0;  // symbols up to the highest that occurs
  for (size_t i = 0; i < kSymbols; ++i) {
    total += counts[i];
    sum += static_cast<double>(i) * counts[i];
    if (counts[i] > 0) present = i + 1;
  }
  const std::array<double, kFamily>& means = TheFamily().means;
  std::vector<uint8_t> near;
  // In each kind by scale, the two whose means are around the mean, which ascend.
  for (size_t first = 0; first < 3 * kScaleCount; first += kScaleCount) {
    const auto begin = means.begin() + static_cast<ptrdiff_t>(first);
    const auto above = std::lower_bound(begin, begin + kScaleCount, sum / total) - begin;
    const auto id = first + static_cast<size_t>(above) + 1;
    if (above > 0) near.push_back(static_cast<uint8_t>(id - 1));
    if (above < static_cast<ptrdiff_t>(kScaleCount)) near.push_back(static_cast<uint8_t>(id));
  }
  const size_t uniform = present <= 2               ? 0
                         : present <= kUniforms + 1 ? present - 2
                         : present <= 32            ? kUniforms
                                                    : kUniforms + 1;
  if (present <= kDirect) near.push_back(static_cast<uint8_t>(3 * kScaleCount + uniform + 1));
  return near;
}

double Log2(uint32_t value) {
  constexpr uint32_t kKnown = 8192;
  static const auto* const kLogarithms = [] {
    auto logarithms = std::make_unique<std::array<double, kKnown>>();
    for (uint32_t i = 1; i < kKnown; ++i) (*logarithms)[i] = std::log2(i);
    return logarithms.release();
  }();
  return value < kKnown ? (*kLogarithms)[value] : std::log2(value);
}

std::string DescribeTable(const SymbolCounts& counts) {
  size_t direct = kDirect;
  while (direct > 0 && counts[direct - 1] == 0) --direct;
  const double most = Log2(*std::max_element(counts.begin(), counts.end()));
  std::string out(1, static_cast<char>(direct | (counts[kEscape] > 0 ? kHasEscape : 0)));
  bool is_low = true;
  const auto append = [&](uint32_t count) {
    const uint8_t code =
        count == 0 ? kAbsent
                   : static_cast<uint8_t>(std::min(14.0, (most - Log2(count)) / 0.6 + 0.5));
    if (is_low) {
      out.push_back(static_cast<char>(code));
    } else {
      out.back() = static_cast<char>(static_cast<uint8_t>(out.back()) | code << 4);
    }
    is_low = !is_low;
  };
  for (size_t i = 0; i < direct; ++i) append(counts[i]);
  if (counts[kEscape] > 0) append(counts[kEscape]);
  return out;
}

Likelihoods ReadTable(ByteReader& reader) {
  const uint8_t head = reader.Byte();
  const size_t direct = head & (kHasEscape - 1u);
  const size_t described = direct + (head >= kHasEscape ? 1 : 0);
  const std::string_view codes = reader.Bytes((described + 1) / 2);
  if (!reader.ok() || direct > kDirect) {
    reader.Fail();
    return {};
  }
  Weights weights{};
  uint64_t total = 0;
  for (size_t i = 0; i < described; ++i) {
    const auto code = static_cast<uint8_t>(codes[i / 2]) >> (i % 2 * 4) & 15;
    if (code == kAbsent) continue;
    weights[i < direct ? i : kEscape] = kSteps[static_cast<size_t>(code)];
    total += kSteps[static_cast<size_t>(code)];
  }
  if (total == 0) {
    reader.Fail();
    return {};
  }
  return Normalized(weights);
}

double CostOf(const SymbolCounts& counts, const Likelihoods& likelihoods) {
  double bits = 0;
  for (size_t i = 0; i < kSymbols; ++i) {
    if (counts[i] == 0) continue;
    bits += counts[i] * CostOf(likelihoods[i]);
  }
  return bits;
}

double FamilyCostOf(const SymbolCounts& counts, uint8_t id) {
  const Costs& costs = TheFamily().costs[id - 1u];
  double bits = 0;
  for (size_t i = 0; i < kSymbols; ++i) bits += counts[i] * costs[i];
  return bits;
}

}  // namespace leadline::collector::store::codec
