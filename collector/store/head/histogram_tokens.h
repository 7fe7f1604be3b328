// Histograms among a series' tokens (tokens.h): what changed since the one before, or the whole.
//
//     0, differences   of zero_count, of count beyond those of its parts, of sum (a float), and of
//                      each bucket's count; the buckets are the same
//     1, length, bytes a histogram as the log has it
//     2, floats        zero_count, count, sum and each bucket's count, each after that of the one
//                      before; both histograms have float counts, and the same buckets
//
// Differences are zigzag varints, modulo 2^64; a float is a float's token, or kRepeat. Lossless
// whatever a histogram holds. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "collector/model/sample.h"

namespace leadline::collector::store::head {

// Appends what makes `before` to `now`, without the token's code, and does it.
void EncodeHistogram(model::NativeHistogram& before, const model::NativeHistogram& now,
                     std::string& out);

// Makes `before` what follows it; takes the bytes behind the token's code.
void DecodeHistogram(model::NativeHistogram& before, const uint8_t*& at);

}  // namespace leadline::collector::store::head
