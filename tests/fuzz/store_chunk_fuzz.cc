// Chunks: whatever decodes must encode to something that decodes to the same.
#include <bit>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "collector/store/codec/chunk.h"

namespace {

using leadline::collector::model::NativeHistogram;
using leadline::collector::store::codec::DecodeChunk;
using leadline::collector::store::codec::EncodeChunk;

bool Same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

bool Same(const NativeHistogram& a, const NativeHistogram& b) { return a == b; }

template <typename Value>
void CheckRoundTrip(std::string_view chunk) {
  std::vector<int64_t> ts_ms;
  std::vector<Value> values;
  if (!DecodeChunk(chunk, ts_ms, values).ok()) return;
  std::vector<int64_t> again_ts_ms;
  std::vector<Value> again;
  if (!DecodeChunk(EncodeChunk(ts_ms, values), again_ts_ms, again).ok()) abort();
  if (again_ts_ms != ts_ms || again.size() != values.size()) abort();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Same(values[i], again[i])) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view chunk(reinterpret_cast<const char*>(data), size);
  CheckRoundTrip<double>(chunk);
  CheckRoundTrip<NativeHistogram>(chunk);
  return 0;
}
