// Float samples in Prometheus' XOR chunk, as streamed remote read sends them.
//
// A chunk: the number of samples as 16 bits, then a stream of bits: the first time as a varint and
// the first value in 64 bits; the difference of the second time as an unsigned varint; then
// differences of differences, and values XORed with the one before. Pure functions.
// Source: Prometheus' tsdb/docs/format/chunks.md; Facebook's "Gorilla" paper for the values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace leadline::collector::remote::read {

inline constexpr size_t kMaxChunkSamples = 120;  // as Prometheus cuts them

// REQUIRES: as many values as times, 1 to 65535, times ascending.
std::string EncodeXorChunk(absl::Span<const int64_t> ts_ms, absl::Span<const double> values);

}  // namespace leadline::collector::remote::read
