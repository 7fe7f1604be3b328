// The tables of likelihoods that symbols are coded by. See symbols.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/store/codec/symbols.h"
#include "common/bytes.h"

namespace leadline::collector::store::codec {

// Ids of the family are 1 to kFamily.
inline constexpr size_t kFamily = 86;

const Likelihoods& FamilyLikelihoods(uint8_t id);
// Those of the family that may be the best for so many of each.
std::vector<uint8_t> FamilyNear(const SymbolCounts& counts);
const SymbolSlots& FamilySlots(uint8_t id);

SymbolSlots SlotsOf(const Likelihoods& likelihoods);

// A description of a table for so many of each, and the table that it gives.
std::string DescribeTable(const SymbolCounts& counts);
// reader.ok() is false afterwards when there is none.
Likelihoods ReadTable(ByteReader& reader);

// The binary logarithm of a number. Exact enough to compare costs, and fast.
double Log2(uint32_t value);

// Bits that so many of each take; very many when one cannot occur.
double CostOf(const SymbolCounts& counts, const Likelihoods& likelihoods);
// The same of a table of the family, faster.
double FamilyCostOf(const SymbolCounts& counts, uint8_t id);

}  // namespace leadline::collector::store::codec
