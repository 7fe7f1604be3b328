// Native histograms as a container's latencies are: with whole counts, as rates of those and as
// sums of many rates; what one takes and how fast it is coded. Google Benchmark.
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "collector/store/codec/block.h"
#include "collector/store/codec/chunk.h"
#include "collector/store/codec/histograms.h"

namespace leadline::collector::store {
namespace {

using Histograms = std::vector<model::NativeHistogram>;

constexpr size_t kCount = 360;
constexpr size_t kBuckets = 20;

std::vector<int64_t> Times() {
  std::vector<int64_t> ts_ms;
  for (size_t i = 0; i < kCount; ++i) {
    ts_ms.push_back(1'700'006'400'000 + static_cast<int64_t>(i) * 10'000);
  }
  return ts_ms;
}

Histograms WholeCounts(uint64_t seed) {
  std::mt19937_64 random(seed);
  model::NativeHistogram histogram;
  histogram.schema = 2;
  for (size_t i = 0; i < kBuckets; ++i) histogram.positive.push_back({static_cast<int32_t>(i), 1});
  Histograms histograms;
  for (size_t i = 0; i < kCount; ++i) {
    for (auto& bucket : histogram.positive) {
      const uint64_t more = random() % 4;
      bucket.count += more;
      histogram.count += more;
      histogram.sum += static_cast<double>(more) * 0.25;
    }
    histograms.push_back(histogram);
  }
  return histograms;
}

// Adds to each what histograms of whole counts grew by in the five minutes before, times a factor
// as extrapolation has it.
void AddRates(uint64_t seed, Histograms& rates) {
  constexpr size_t kRange = 30;
  const Histograms counted = WholeCounts(seed);
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < kCount; ++i) {
    const double jitter_s = static_cast<double>(random() % 1000) / 1e3;
    const double factor = 300 / (290 + jitter_s) / 300;
    const auto add = [factor](uint64_t from, uint64_t to, uint64_t& sum) {
      const double before = std::bit_cast<double>(sum);
      sum = model::FloatCount(before + static_cast<double>(to - from) * factor);
    };
    const model::NativeHistogram& to = counted[i];
    const model::NativeHistogram& from = counted[i < kRange ? 0 : i - kRange];
    model::NativeHistogram& rate = rates[i];
    add(from.count, to.count, rate.count);
    rate.sum += (to.sum - from.sum) * factor;
    for (size_t k = 0; k < kBuckets; ++k) {
      add(from.positive[k].count, to.positive[k].count, rate.positive[k].count);
    }
  }
}

Histograms RatesOf(size_t series) {
  model::NativeHistogram none;
  none.schema = 2;
  none.reset_hint = model::ResetHint::kGauge;
  none.float_counts = true;
  for (size_t k = 0; k < kBuckets; ++k) none.positive.push_back({static_cast<int32_t>(k), 0});
  Histograms rates(kCount, none);
  for (size_t i = 0; i < series; ++i) AddRates(i + 1, rates);
  for (model::NativeHistogram& rate : rates) {
    std::erase_if(rate.positive, [](const auto& bucket) { return bucket.count == 0; });
  }
  return rates;
}

Histograms Sums() {
  Histograms sums = WholeCounts(1);
  for (model::NativeHistogram& sum : sums) {
    sum.float_counts = true;
    sum.count = model::FloatCount(static_cast<double>(sum.count));
    for (auto& bucket : sum.positive) {
      bucket.count = model::FloatCount(static_cast<double>(bucket.count));
    }
  }
  return sums;
}

struct Shape {
  const char* name;
  Histograms histograms;
};

const std::vector<Shape>& Shapes() {
  static const auto* const shapes = new std::vector<Shape>{
      {"whole counts", WholeCounts(1)},
      {"sums of whole counts", Sums()},
      {"rates", RatesOf(1)},
      {"sums of 20 rates", RatesOf(20)},
  };
  return *shapes;
}

void BM_EncodeHistograms(benchmark::State& state) {
  const Shape& shape = Shapes()[static_cast<size_t>(state.range(0))];
  std::string bytes;
  for ([[maybe_unused]] auto _ : state) {
    bytes.clear();
    codec::EncodeHistograms(shape.histograms, bytes);
  }
  state.SetLabel(shape.name);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kCount));
  state.counters["bytes_a_histogram"] =
      static_cast<double>(bytes.size()) / static_cast<double>(kCount);
}

void BM_DecodeHistograms(benchmark::State& state) {
  const Shape& shape = Shapes()[static_cast<size_t>(state.range(0))];
  const std::string chunk = codec::EncodeChunk(Times(), shape.histograms);
  std::vector<int64_t> ts_ms;
  Histograms values;
  for ([[maybe_unused]] auto _ : state) {
    ts_ms.clear();
    values.clear();
    if (!codec::DecodeChunk(chunk, ts_ms, values).ok()) state.SkipWithError("decode");
  }
  state.SetLabel(shape.name);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kCount));
}

// Gauges are not read as columns.
void BM_DecodeHistogramColumns(benchmark::State& state) {
  const Shape& shape = Shapes()[static_cast<size_t>(state.range(0))];
  codec::BlockWriter writer;
  writer.Add(0, Times(), shape.histograms);
  const std::string block = writer.Finish();
  auto reader = codec::BlockReader::Open(block);
  for ([[maybe_unused]] auto _ : state) {
    codec::JoinedColumns joined{.size = kCount};
    if (!reader->ReadColumns(reader->runs()[0], {}, joined)) state.SkipWithError("decode");
  }
  state.SetLabel(shape.name);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kCount));
}

BENCHMARK(BM_EncodeHistograms)->DenseRange(0, 3);
BENCHMARK(BM_DecodeHistograms)->DenseRange(0, 3);
BENCHMARK(BM_DecodeHistogramColumns)->DenseRange(0, 1);

}  // namespace
}  // namespace leadline::collector::store
