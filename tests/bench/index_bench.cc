// The label index: memory a series, CPU of a new series and of one that is known, look-ups. Google
// Benchmark.
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "collector/store/index/series_index.h"
#include "tests/bench/index_shapes.h"

namespace leadline::collector::store::index {
namespace {

void Fill(Shape shape, int targets, SeriesIndex& index) {
  for (int target = 0; target < targets; ++target) {
    for (const model::SeriesDefinition& one : SeriesOf(shape, target)) {
      index.AddSeries(Intern(one));
    }
    if (shape == kAgent) {
      const TimelinePtr timeline = TimelineOf(target);
      index.SetTimeline(*index.FindEntity(timeline->versions()[0].id), timeline);
    }
  }
}

size_t HeapBytes() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

// Series come in for the first time; what there is of text is there as in a request.
void BM_NewSeries(benchmark::State& state) {
  const auto shape = static_cast<Shape>(state.range(0));
  const int targets = static_cast<int>(state.range(1)) / kSeriesATarget;
  double bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    malloc_trim(0);
    const size_t before = HeapBytes();
    auto index = std::make_unique<SeriesIndex>();
    for (int target = 0; target < targets; ++target) {
      const std::vector<model::SeriesDefinition> series = SeriesOf(shape, target);
      const TimelinePtr timeline = shape == kAgent ? TimelineOf(target) : nullptr;
      state.ResumeTiming();
      for (const model::SeriesDefinition& one : series) index->AddSeries(Intern(one));
      if (timeline) index->SetTimeline(*index->FindEntity(timeline->versions()[0].id), timeline);
      state.PauseTiming();
    }
    bytes = static_cast<double>(HeapBytes() - before);
    index.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * targets * kSeriesATarget);
  state.counters["bytes_a_series"] = bytes / (targets * kSeriesATarget);
}
BENCHMARK(BM_NewSeries)
    ->ArgsProduct({{kAgent, kRemoteWrite}, {100'000, 1'000'000}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

void BM_KnownSeries(benchmark::State& state) {
  const auto shape = static_cast<Shape>(state.range(0));
  SeriesIndex index;
  Fill(shape, 1700, index);
  int target = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    target = (target + 1) % 1700;
    const std::vector<model::SeriesDefinition> series = SeriesOf(shape, target);
    state.ResumeTiming();
    for (const model::SeriesDefinition& one : series) {
      benchmark::DoNotOptimize(index.FindSeries(one));
    }
  }
  state.SetItemsProcessed(state.iterations() * kSeriesATarget);
}
BENCHMARK(BM_KnownSeries)->Arg(kAgent)->Arg(kRemoteWrite);

const std::vector<std::vector<Matcher>> kSelectors = {
    {{Matcher::Op::kEqual, "__name__", "container_metric_number_1_total"}},
    {{Matcher::Op::kRegex, "__name__", "container_metric_number_1.*"}},
    {{Matcher::Op::kEqual, "__name__", "container_metric_number_1_total"},
     {Matcher::Op::kRegex, "namespace", "ns-1|ns-2|ns-3"}},
    {{Matcher::Op::kEqual, "__name__", "container_metric_number_1_total"},
     {Matcher::Op::kNotRegex, "pod", "workload-0.+"}},
    {{Matcher::Op::kEqual, "pod", HexName("workload-", 400)}},
};

void BM_Candidates(benchmark::State& state) {
  SeriesIndex index;
  Fill(static_cast<Shape>(state.range(0)), 1700, index);
  const Matchers matchers = *Matchers::Compile(kSelectors[static_cast<size_t>(state.range(1))]);
  uint64_t found = 0;
  for ([[maybe_unused]] auto _ : state) found = index.SeriesCandidates(matchers).cardinality();
  state.counters["found"] = static_cast<double>(found);
}
BENCHMARK(BM_Candidates)
    ->ArgsProduct({{kAgent, kRemoteWrite}, {0, 1, 2, 3, 4}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace leadline::collector::store::index

BENCHMARK_MAIN();
