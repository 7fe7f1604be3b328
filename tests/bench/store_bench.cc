// The store's hot paths: appending, flushing, selecting; starts. Google Benchmark.
//
// Appends go the whole way: durable in the log (one writer waits for each batch), then in the head.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "collector/store/engine/open.h"
#include "collector/store/head/generation.h"

namespace leadline::collector::store {
namespace {

constexpr int64_t kT0 = 1'700'006'400'000;
constexpr int64_t kIntervalMs = 10'000;
constexpr size_t kSeriesAContainer = 60;
constexpr char kTenant[] = "default";

enum Shape : int64_t { kConstant, kCounter, kGauge, kFraction };

double ValueOf(Shape shape, size_t i, std::mt19937& random) {
  switch (shape) {
    case kConstant:
      return 268435456;
    case kCounter:
      return static_cast<double>(1000 * i + random() % 100);
    case kGauge:
      return static_cast<double>(random() % 64);
    case kFraction:
      return static_cast<double>(random() % 100'000) / 1000;
  }
  return 0;
}

// An hour of so many series in one generation of the head: time to append, and memory.
void BM_HeadAppend(benchmark::State& state) {
  const auto series = static_cast<uint32_t>(state.range(0));
  constexpr int64_t kRounds = 360;
  size_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    std::mt19937 random(1);
    head::Generation generation;
    for (int64_t round = 0; round < kRounds; ++round) {
      head::Generation::Frame frame;
      for (uint32_t slot = 0; slot < series; ++slot) {
        if (slot % kSeriesAContainer == 0) {
          frame = {.ts_ms = kT0 + round * kIntervalMs + static_cast<int64_t>(random() % 1000)};
        }
        generation.Append(
            frame, slot, ValueOf(static_cast<Shape>(slot % 4), static_cast<size_t>(round), random));
      }
    }
    bytes = generation.bytes();
  }
  state.SetItemsProcessed(state.iterations() * kRounds * series);
  state.counters["bytes_a_series"] = static_cast<double>(bytes) / series;
}
BENCHMARK(BM_HeadAppend)->Arg(12'000)->Unit(benchmark::kMillisecond);

// A cluster of containers, each with the same metrics of mixed shapes.
class Cluster {
 public:
  static constexpr uint64_t kOnlyWhenAsked = uint64_t{4} << 30;  // to flush

  explicit Cluster(size_t containers, uint64_t flush_log_bytes = kOnlyWhenAsked)
      : flush_log_bytes_(flush_log_bytes),
        dir_(std::filesystem::temp_directory_path() /
             ("leadline-bench-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(dir_);
    Open();
    for (size_t i = 0; i < containers; ++i) Define(i);
  }
  ~Cluster() {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  // One sample of every series; a batch a node of 100 containers, handed in together.
  void AppendRound() {
    std::vector<std::future<absl::Status>> outcomes;
    for (WriteBatch& batch : batches_) {
      batch.floats.clear();
      for (size_t first = 0; first < batch.series.size(); first += kSeriesAContainer) {
        FloatFrame frame{kT0 + round_ * kIntervalMs + static_cast<int64_t>(first), {}, {}};
        for (size_t i = first; i < first + kSeriesAContainer; ++i) {
          frame.series.push_back(static_cast<uint32_t>(i));
          frame.values.push_back(
              ValueOf(static_cast<Shape>(i % 4), static_cast<size_t>(round_), random_));
        }
        batch.floats.push_back(std::move(frame));
      }
      auto outcome = std::make_shared<std::promise<absl::Status>>();
      outcomes.push_back(outcome->get_future());
      store_->Append(kTenant, batch,
                     [outcome](const absl::Status& status) { outcome->set_value(status); });
      batch.entities.clear();
    }
    for (auto& outcome : outcomes) outcome.get().IgnoreError();
    ++round_;
  }

  // A new container's, as an agent does that comes back.
  void AppendOneBatch() {
    WriteBatch batch;
    const std::string name = "new-" + std::to_string(round_);
    batch.series = *store_->Resolve(kTenant, {{"container_metric_1", HashId({name}), {}}});
    batch.floats.push_back({kT0 + round_ * kIntervalMs, {0}, {1}});
    std::promise<absl::Status> outcome;
    store_->Append(kTenant, std::move(batch),
                   [&](const absl::Status& status) { outcome.set_value(status); });
    if (!outcome.get_future().get().ok()) std::abort();
  }
  bool AnswersQuery() {
    const auto blocks =
        store_->queryable().Select(kTenant,
                                   {{Matcher::Op::kEqual, "__name__", "container_metric_1"},
                                    {Matcher::Op::kEqual, "pod", "pod-1"}},
                                   {.start_ms = kT0, .end_ms = kT0 + round_ * kIntervalMs});
    return blocks.ok() && blocks->size() == 1;
  }

  // Ends without a flush: what follows recovers from the log.
  void Close() { store_.reset(); }
  void Open(bool in_background = false) {
    engine::StoreOptions options;
    options.recover_in_background = in_background;
    options.max_unflushed_bytes = uint64_t{4} << 30;
    options.dir = dir_;
    options.clock = &clock_;
    options.flush_log_bytes = flush_log_bytes_;
    store_ = *engine::OpenStore(options);
  }

  // Every container ends, `ago_ms` before now.
  void EndAll(int64_t ago_ms) {
    WriteBatch ends;
    ends.entities = versions_;
    for (model::EntityVersion& version : ends.entities) {
      version.end_ms = clock_.NowUnixMs();
      version.revision = 1;
    }
    std::promise<absl::Status> outcome;
    store_->Append(kTenant, std::move(ends),
                   [&](const absl::Status& status) { outcome.set_value(status); });
    outcome.get_future().get().IgnoreError();
    clock_.AdvanceMs(ago_ms);
  }

  Store& store() { return *store_; }
  int64_t round() const { return round_; }
  uintmax_t DiskBytes() const { return BytesBelow("windows"); }
  uintmax_t LogBytes() const { return BytesBelow("log"); }

 private:
  uintmax_t BytesBelow(const char* name) const {
    uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / name)) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  }

  void Define(size_t container) {
    if (container % 100 == 0) batches_.emplace_back();
    WriteBatch& batch = batches_.back();
    model::EntityVersion version;
    version.id = HashId({"container", std::to_string(container)});
    version.labels = LabelSet({{"namespace", "ns" + std::to_string(container % 20)},
                               {"pod", "pod-" + std::to_string(container)},
                               {"container", "main"}});
    version.start_ms = version.valid_from_ms = kT0;
    batch.entities.push_back(version);
    versions_.push_back(version);
    std::vector<model::SeriesDefinition> series;
    for (size_t i = 0; i < kSeriesAContainer; ++i) {
      series.push_back({"container_metric_" + std::to_string(i), version.id, {}});
    }
    const std::vector<SeriesHandle> handles = *store_->Resolve(kTenant, series);
    batch.series.insert(batch.series.end(), handles.begin(), handles.end());
  }

  const uint64_t flush_log_bytes_;
  const std::filesystem::path dir_;
  ManualClock clock_{kT0};
  std::unique_ptr<Store> store_;
  std::vector<WriteBatch> batches_;
  std::vector<model::EntityVersion> versions_;
  std::mt19937 random_{1};
  int64_t round_ = 0;
};

void BM_Append(benchmark::State& state) {
  Cluster cluster(static_cast<size_t>(state.range(0)));
  cluster.AppendRound();
  const uintmax_t before = cluster.LogBytes();
  for ([[maybe_unused]] auto _ : state) cluster.AppendRound();
  const int64_t samples =
      state.iterations() * state.range(0) * static_cast<int64_t>(kSeriesAContainer);
  state.SetItemsProcessed(samples);
  state.counters["log_bytes_a_sample"] =
      static_cast<double>(cluster.LogBytes() - before) / static_cast<double>(samples);
}
BENCHMARK(BM_Append)->Arg(1700)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();

// An hour of samples, flushed.
void BM_Flush(benchmark::State& state) {
  double bytes_a_sample = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    Cluster cluster(static_cast<size_t>(state.range(0)));
    for (int round = 0; round < 360; ++round) cluster.AppendRound();
    state.ResumeTiming();
    if (!cluster.store().Flush().ok()) state.SkipWithError("flush");
    state.PauseTiming();
    bytes_a_sample = static_cast<double>(cluster.DiskBytes()) /
                     static_cast<double>(360 * state.range(0) * kSeriesAContainer);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * 360 * state.range(0) *
                          static_cast<int64_t>(kSeriesAContainer));
  state.counters["bytes_a_sample"] = bytes_a_sample;
}
BENCHMARK(BM_Flush)
    ->Arg(400)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->MeasureProcessCPUTime();

// A start after a kill, with so many containers and rounds of samples in the log.
void BM_Restart(benchmark::State& state) {
  Cluster cluster(static_cast<size_t>(state.range(0)));
  for (int64_t round = 0; round < state.range(1); ++round) cluster.AppendRound();
  while (state.KeepRunning()) {
    state.PauseTiming();
    cluster.Close();
    state.ResumeTiming();
    cluster.Open();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(1) *
                          static_cast<int64_t>(kSeriesAContainer));
}
BENCHMARK(BM_Restart)->Args({1700, 60})->Unit(benchmark::kMillisecond)->Iterations(3);

// A start after a kill with so many containers, whose log has been flushed by turns to stay below
// so many MiB: when writes are taken, and when queries are answered.
void BM_RestartUnderLoad(benchmark::State& state) {
  const uint64_t flush_log_bytes = static_cast<uint64_t>(state.range(1)) << 20;
  Cluster cluster(static_cast<size_t>(state.range(0)), flush_log_bytes);
  uintmax_t written = 0;
  for (uintmax_t before = 0; written < flush_log_bytes * 3 / 2; before = cluster.LogBytes()) {
    cluster.AppendRound();
    written += std::max(cluster.LogBytes(), before) - before;  // what was removed is not counted
  }
  state.counters["log_mib"] = static_cast<double>(cluster.LogBytes() >> 20);
  while (state.KeepRunning()) {
    state.PauseTiming();
    cluster.Close();
    state.ResumeTiming();
    const auto now_s = [](clockid_t clock) {
      timespec now{};
      clock_gettime(clock, &now);
      return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    };
    const double begin_s = now_s(CLOCK_MONOTONIC);
    const double begin_cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID);
    const auto say = [&](const std::string& what) {
      state.counters["to_" + what + "_s"] = now_s(CLOCK_MONOTONIC) - begin_s;
      state.counters["to_" + what + "_cpu_s"] = now_s(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_s;
    };
    cluster.Open(/*in_background=*/true);
    cluster.AppendOneBatch();
    say("write");
    while (!cluster.AnswersQuery()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    say("answer");
  }
}
BENCHMARK(BM_RestartUnderLoad)
    ->Args({1700, 256})
    ->Args({17'000, 256})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->MeasureProcessCPUTime();

// A flush that has nothing to write and forgets all series.
void BM_Release(benchmark::State& state) {
  while (state.KeepRunning()) {
    state.PauseTiming();
    Cluster cluster(static_cast<size_t>(state.range(0)));
    cluster.AppendRound();
    cluster.EndAll(2 * 60 * 60 * 1000);
    if (!cluster.store().Flush().ok()) state.SkipWithError("flush");
    state.ResumeTiming();
    if (!cluster.store().Flush().ok()) state.SkipWithError("flush");
    state.PauseTiming();
    cluster.Close();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_Release)->Arg(1700)->Unit(benchmark::kMillisecond)->Iterations(1);

// One metric of every container over the last five minutes: from the head, and from windows.
void BM_Select(benchmark::State& state) {
  Cluster cluster(1700);
  for (int round = 0; round < 60; ++round) cluster.AppendRound();
  if (state.range(0) == 1 && !cluster.store().Flush().ok()) state.SkipWithError("flush");
  const int64_t end_ms = kT0 + cluster.round() * kIntervalMs;
  size_t samples = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto blocks = cluster.store().queryable().Select(
        kTenant, {{Matcher::Op::kEqual, "__name__", "container_metric_1"}},
        {.start_ms = end_ms - 300'000, .end_ms = end_ms});
    if (!blocks.ok()) state.SkipWithError("select");
    for (const SeriesBlock& block : *blocks) samples += block.ts_ms.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
}
BENCHMARK(BM_Select)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace leadline::collector::store

BENCHMARK_MAIN();
