// Entropy coding of small numbers: 0 to kDirect - 1, and kEscape for all above, by a table of how
// likely each is.
//
// The coder is range ANS with 32-bit states and 16-bit words (Duda, "Asymmetric numeral systems:
// entropy coding combining speed of Huffman coding with compression rate of arithmetic coding",
// 2013; Giesen, "Interleaved entropy coders", 2014). Tables are one of a fixed family, which takes
// one byte to name, or described by the stream. They are computed with integers only, so that
// every build has the same. Format: docs/format/chunk.md. Threading: pure functions over tables
// that are made once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

#include "common/bytes.h"

namespace leadline::collector::store::codec {

inline constexpr int kLikelihoodBits = 10;
inline constexpr uint32_t kLikelihoods = 1 << kLikelihoodBits;  // what a table's add up to
inline constexpr size_t kDirect = 40;
inline constexpr uint8_t kEscape = kDirect;
inline constexpr size_t kSymbols = kDirect + 1;
inline constexpr size_t kMaxSymbols = 4096;  // in a row

using SymbolCounts = std::array<uint32_t, kSymbols>;
// Of kLikelihoods; 0 for a symbol that does not occur.
using Likelihoods = std::array<uint16_t, kSymbols>;

// What a decoder looks up: the symbol, from bit 8 on the place within its range, from bit 21 on its
// likelihood, for which everything waits.
using SymbolSlots = std::array<uint32_t, kLikelihoods>;

// A table of the family, or one of the stream's own.
struct SymbolCode {
  uint8_t id = 0;   // kOwnTable, or of the family
  std::string own;  // the description, when it is the stream's own
  Likelihoods likelihoods{};
  double bits = 0;  // that the symbols take with it, the description included
};
inline constexpr uint8_t kOwnTable = 0;

// The cheapest for so many of each. REQUIRES: at least one.
SymbolCode ChooseCode(const SymbolCounts& counts);

// REQUIRES: each symbol has a likelihood above 0.
void EncodeSymbols(absl::Span<const uint8_t> symbols, const SymbolCode& code, std::string& out);
// reader.ok() is false afterwards when the input is malformed. REQUIRES: at most kMaxSymbols.
void DecodeSymbols(ByteReader& reader, absl::Span<uint8_t> symbols);

}  // namespace leadline::collector::store::codec
