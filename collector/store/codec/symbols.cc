#include "collector/store/codec/symbols.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "collector/store/codec/symbol_tables.h"

namespace leadline::collector::store::codec {
namespace {

constexpr uint32_t kLeastState = 1 << 16;
constexpr size_t kMaxStates = 4;
constexpr size_t kWordBytes = 2;

// More states are faster to decode, as they do not wait for each other, and take two bytes each.
size_t StatesFor(size_t count) { return count < 192 ? 1 : count < 768 ? 2 : kMaxStates; }

// `words` has room for all that the symbols may take. Gives what lies behind them, or null when
// they do not end as they began.
template <size_t kStates>
const char* DecodeWith(const char* words, const SymbolSlots& table, absl::Span<uint8_t> all) {
  const uint32_t* const slots = table.data();
  uint8_t* const symbols = all.data();
  const size_t count = all.size();
  uint32_t states[kStates];
  std::memcpy(states, words, sizeof(states));
  words += sizeof(states);
  const auto step = [&](uint32_t& state, uint8_t& symbol) {
    const uint32_t slot = slots[state % kLikelihoods];
    symbol = static_cast<uint8_t>(slot);
    state = (slot >> 21) * (state >> kLikelihoodBits) + (slot >> 8 & 0x1fff);
    uint16_t word = 0;
    std::memcpy(&word, words, sizeof(word));
    // Without a branch, which would go either way as it likes.
    const uint32_t is_low = 0 - static_cast<uint32_t>(state < kLeastState);
    state ^= (state ^ (state << 16 | word)) & is_low;
    words += is_low & kWordBytes;
  };
  size_t i = 0;
  for (; i + kStates <= count; i += kStates) {
    for (size_t j = 0; j < kStates; ++j) step(states[j], symbols[i + j]);
  }
  for (size_t j = 0; i < count; ++i, ++j) step(states[j], symbols[i]);
  const bool as_begun =
      std::all_of(states, states + kStates, [](uint32_t state) { return state == kLeastState; });
  return as_begun ? words : nullptr;
}

const char* Decode(const char* words, const SymbolSlots& slots, absl::Span<uint8_t> symbols) {
  switch (StatesFor(symbols.size())) {
    case 1:
      return DecodeWith<1>(words, slots, symbols);
    case 2:
      return DecodeWith<2>(words, slots, symbols);
    default:
      return DecodeWith<kMaxStates>(words, slots, symbols);
  }
}

}  // namespace

SymbolCode ChooseCode(const SymbolCounts& counts) {
  SymbolCode best;
  best.own = DescribeTable(counts);
  ByteReader described(best.own);
  best.likelihoods = ReadTable(described);
  best.bits = static_cast<double>(8 * best.own.size()) + CostOf(counts, best.likelihoods);
  for (const uint8_t id : FamilyNear(counts)) {
    const double bits = FamilyCostOf(counts, id);
    if (bits >= best.bits) continue;
    best.bits = bits;
    best.id = id;
  }
  constexpr double kIdAndState = 8 + 32;
  best.bits += kIdAndState;
  if (best.id == kOwnTable) return best;
  best.own.clear();
  best.likelihoods = FamilyLikelihoods(best.id);
  return best;
}

void EncodeSymbols(absl::Span<const uint8_t> symbols, const SymbolCode& code, std::string& out) {
  std::array<uint32_t, kSymbols> starts;
  uint32_t start = 0;
  for (size_t i = 0; i < kSymbols; ++i) {
    starts[i] = start;
    start += code.likelihoods[i];
  }
  const size_t state_count = StatesFor(symbols.size());
  uint32_t states[kMaxStates];
  std::fill(states, states + kMaxStates, kLeastState);
  // From the last to the first, so words come out in the reverse of the order of reading.
  std::string reversed;
  for (size_t i = symbols.size(); i-- > 0;) {
    uint32_t& state = states[i % state_count];
    const uint32_t likelihood = code.likelihoods[symbols[i]];
    if (state >= static_cast<uint64_t>(likelihood) << (32 - kLikelihoodBits)) {
      reversed.push_back(static_cast<char>(state >> 8));
      reversed.push_back(static_cast<char>(state));
      state >>= 16;
    }
    state = (state / likelihood << kLikelihoodBits) + state % likelihood + starts[symbols[i]];
  }
  out.push_back(static_cast<char>(code.id));
  out += code.own;
  for (size_t i = 0; i < state_count; ++i) AppendFixed32(states[i], out);
  out.append(reversed.rbegin(), reversed.rend());
}

void DecodeSymbols(ByteReader& reader, absl::Span<uint8_t> symbols) {
  const uint8_t id = reader.Byte();
  if (id > kFamily) return reader.Fail();
  SymbolSlots own;
  if (id == kOwnTable) {
    const Likelihoods likelihoods = ReadTable(reader);
    if (!reader.ok()) return;
    own = SlotsOf(likelihoods);
  }
  const SymbolSlots& slots = id == kOwnTable ? own : FamilySlots(id);

  // A symbol takes a word at most; where that may reach past the input, decode a copy.
  constexpr size_t kStateBytes = kMaxStates * sizeof(uint32_t);
  const size_t most_bytes = kStateBytes + (symbols.size() + 1) * kWordBytes;
  const std::string_view rest = reader.rest();
  char copy[kStateBytes + (kMaxSymbols + 1) * kWordBytes];
  const char* words = rest.data();
  if (rest.size() < most_bytes) {
    std::memcpy(copy, rest.data(), rest.size());
    std::memset(copy + rest.size(), 0, most_bytes - rest.size());
    words = copy;
  }
  const char* const end = Decode(words, slots, symbols);
  if (end == nullptr) return reader.Fail();
  reader.Bytes(static_cast<size_t>(end - words));  // fails where that is past the input
}

}  // namespace leadline::collector::store::codec
