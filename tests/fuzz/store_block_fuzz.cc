// Blocks: whatever opens has runs that are read or refused, and what is read is written the same.
#include <bit>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "collector/store/codec/block.h"

namespace {

using leadline::collector::model::NativeHistogram;
using leadline::collector::store::codec::BlockReader;
using leadline::collector::store::codec::BlockRun;
using leadline::collector::store::codec::BlockWriter;
using leadline::collector::store::codec::ChunkKind;

bool Same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }
bool Same(const NativeHistogram& a, const NativeHistogram& b) { return a == b; }

// Whatever stands for the samples lies among them.
template <typename Value>
void CheckPresence(BlockReader& reader, const BlockRun& run) {
  std::vector<int64_t> ts_ms;
  std::vector<Value> values;
  if (!reader.Read(run, ts_ms, values, {.presence = true, .apart_ms = 300'000}).ok()) return;
  if (ts_ms.size() != values.size() || ts_ms.empty() || ts_ms.size() > run.count) abort();
  if (ts_ms.front() != run.first_ms || ts_ms.back() != run.last_ms) abort();
  for (size_t i = 1; i < ts_ms.size(); ++i) {
    if (ts_ms[i - 1] >= ts_ms[i]) abort();
  }
}

template <typename Value>
void CheckRun(BlockReader& reader, const BlockRun& run) {
  CheckPresence<Value>(reader, run);
  std::vector<int64_t> ts_ms;
  std::vector<Value> values;
  if (!reader.Read(run, ts_ms, values).ok()) {
    if (!ts_ms.empty() || !values.empty()) abort();
    return;
  }
  if (ts_ms.size() != run.count || values.size() != run.count) abort();
  if (ts_ms.front() != run.first_ms || ts_ms.back() != run.last_ms) abort();
  if (ts_ms.back() - ts_ms.front() < 0) return;  // no distance that a writer could have
  BlockWriter writer;
  writer.Add(run.place, ts_ms, values);
  const std::string again = writer.Finish();
  auto read = BlockReader::Open(again);
  if (!read.ok()) abort();
  std::vector<int64_t> ts_ms_again;
  std::vector<Value> values_again;
  if (!read->Read(read->runs()[0], ts_ms_again, values_again).ok()) abort();
  if (ts_ms_again != ts_ms || values_again.size() != values.size()) abort();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Same(values[i], values_again[i])) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reader = BlockReader::Open({reinterpret_cast<const char*>(data), size});
  if (!reader.ok()) return 0;
  for (const BlockRun& run : reader->runs()) {
    run.kind == ChunkKind::kFloat ? CheckRun<double>(*reader, run)
                                  : CheckRun<NativeHistogram>(*reader, run);
  }
  return 0;
}
