// Queries over a store, the whole way: looked up, decoded, evaluated. Google Benchmark.
//
// A cluster of containers and services in one store, read from the head first and then, after a
// flush, from windows: `counter` has 10,000 series over a day, `latency_seconds_bucket` 500
// histograms of 20 buckets each over a day, `container_…` 60 metrics of each container over ten
// minutes. LEADLINE_BENCH_INTERVAL_MS sets the interval of the samples (30 s).
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "collector/promql/engine.h"
#include "collector/store/engine/open.h"

namespace leadline::collector::promql {
namespace {

using store::FloatFrame;
using store::HistogramFrame;
using store::SeriesHandle;
using store::WriteBatch;

constexpr int64_t kT0 = 1'700'006'400'000;  // a window's start
constexpr int64_t kDayMs = 86'400'000;
constexpr size_t kPods = 10'000;
constexpr size_t kHistogramPods = 500;
constexpr size_t kNativePods = 1000;
constexpr size_t kManyPods = 1667;
constexpr size_t kManyMetrics = 60;
constexpr int kBuckets = 20;
constexpr char kTenant[] = "default";

int64_t IntervalMs() {
  const char* const text = std::getenv("LEADLINE_BENCH_INTERVAL_MS");
  return text != nullptr ? std::atoll(text) : 30'000;
}

model::EntityVersion Pod(std::string_view kind, size_t i) {
  model::EntityVersion version;
  version.id = HashId({kind, std::to_string(i)});
  version.labels = LabelSet({{"cluster", "production-europe-west1"},
                             {"node", fmt::format("worker-node-{:03}.internal", i / 30)},
                             {"namespace", fmt::format("team-namespace-{}", i % 40)},
                             {"pod", fmt::format("workload-{}-7d9f8b6c5d-{:05}", i % 400, i)},
                             {"container", "main"},
                             {"workload", fmt::format("workload-{}", i % 400)},
                             {"workload_kind", "Deployment"},
                             {"service", fmt::format("service-{}", i % 50)},
                             {"image", fmt::format("registry.example/team/app-{}:1.2.3", i % 400)},
                             {"uid", fmt::format("{:08x}-1b2c-4d5e-8f90-a1b2c3d4e5f6", i)}});
  version.kubernetes_labels = LabelSet({{"label_app", fmt::format("app-{}", i % 400)},
                                        {"label_tier", "backend"},
                                        {"label_release", "stable"}});
  version.start_ms = version.valid_from_ms = kT0;
  return version;
}

class Cluster {
 public:
  Cluster()
      : dir_(std::filesystem::temp_directory_path() /
             ("leadline-promql-bench-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(dir_);
    store::engine::StoreOptions options;
    options.dir = dir_;
    options.clock = &clock_;
    // Flushed only when it is asked for.
    options.flush_log_bytes = options.max_unflushed_bytes = uint64_t{64} << 30;
    options.flush_interval_ms = 10 * kDayMs;
    store_ = *store::engine::OpenStore(options);
    Fill();
    engine_ =
        std::make_unique<Engine>(store_->queryable(), EngineOptions{.max_samples = 500'000'000});
  }
  ~Cluster() {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  void Flush() {
    if (!std::exchange(flushed_, true)) Check(store_->Flush());
  }
  bool flushed() const { return flushed_; }
  const Engine& engine() const { return *engine_; }

  static void Check(const absl::Status& status) {
    if (status.ok()) return;
    fmt::print(stderr, "{}\n", status.ToString());
    std::abort();
  }

 private:
  struct Group {
    std::vector<SeriesHandle> handles;
    std::vector<double> values;
  };

  Group Define(std::vector<model::SeriesDefinition> definitions,
               std::vector<model::EntityVersion> entities) {
    Group group;
    group.handles = *store_->Resolve(kTenant, definitions);
    group.values.resize(group.handles.size());
    WriteBatch batch;
    batch.entities = std::move(entities);
    Append(std::move(batch));
    return group;
  }

  void Append(WriteBatch batch) {
    std::promise<absl::Status> outcome;
    store_->Append(kTenant, std::move(batch),
                   [&](const absl::Status& status) { outcome.set_value(status); });
    Check(outcome.get_future().get());
  }

  void Round(Group& group, int64_t ts_ms) {
    WriteBatch batch;
    batch.series = group.handles;
    FloatFrame frame{ts_ms, {}, {}};
    for (size_t i = 0; i < group.values.size(); ++i) {
      frame.series.push_back(static_cast<uint32_t>(i));
      group.values[i] += static_cast<double>(random_() % 1000);
      frame.values.push_back(group.values[i]);
    }
    batch.floats.push_back(std::move(frame));
    Append(std::move(batch));
  }

  void NativeRound(std::vector<model::NativeHistogram>& state, const Group& group, int64_t ts_ms) {
    WriteBatch batch;
    batch.series = group.handles;
    HistogramFrame frame{ts_ms, {}, {}};
    for (size_t i = 0; i < state.size(); ++i) {
      model::NativeHistogram& histogram = state[i];
      for (auto& bucket : histogram.positive) {
        const uint64_t more = random_() % 4;
        bucket.count += more;
        histogram.count += more;
        histogram.sum += static_cast<double>(more) * 0.25;
      }
      frame.series.push_back(static_cast<uint32_t>(i));
      frame.values.push_back(histogram);
    }
    batch.histograms.push_back(std::move(frame));
    Append(std::move(batch));
  }

  void Fill() {
    std::vector<model::SeriesDefinition> counters, buckets, natives, many;
    std::vector<model::EntityVersion> counter_pods, bucket_pods, native_pods, many_pods;
    for (size_t i = 0; i < kPods; ++i) {
      counter_pods.push_back(Pod("counter", i));
      counters.push_back({"counter_total", counter_pods.back().id, {}});
    }
    for (size_t i = 0; i < kHistogramPods; ++i) {
      bucket_pods.push_back(Pod("bucket", i));
      for (int bucket = 0; bucket < kBuckets; ++bucket) {
        const std::string le =
            bucket + 1 == kBuckets ? "+Inf" : fmt::format("{}", 0.001 * double(1 << bucket));
        buckets.push_back({"latency_seconds_bucket", bucket_pods.back().id, {{"le", le}}});
      }
    }
    for (size_t i = 0; i < kNativePods; ++i) {
      native_pods.push_back(Pod("native", i));
      natives.push_back({"native_seconds", native_pods.back().id, {{"route", "/"}}});
    }
    for (size_t i = 0; i < kManyPods; ++i) {
      many_pods.push_back(Pod("many", i));
      for (size_t metric = 0; metric < kManyMetrics; ++metric) {
        many.push_back({fmt::format("container_metric_{}", metric), many_pods.back().id, {}});
      }
    }
    Group counter = Define(std::move(counters), std::move(counter_pods));
    Group bucket = Define(std::move(buckets), std::move(bucket_pods));
    const Group native = Define(std::move(natives), std::move(native_pods));
    Group container = Define(std::move(many), std::move(many_pods));
    std::vector<model::NativeHistogram> state(kNativePods);
    for (auto& histogram : state) {
      histogram.schema = 3;
      for (int32_t i = -20; i < 10; ++i) histogram.positive.push_back({i, 1});
      histogram.count = 30;
    }
    for (int64_t ts_ms = kT0; ts_ms < kT0 + kDayMs; ts_ms += IntervalMs()) {
      clock_.AdvanceMs(ts_ms - clock_.NowUnixMs());
      Round(counter, ts_ms);
      Round(bucket, ts_ms);
      if (ts_ms >= kT0 + kDayMs - 3 * 3'600'000) NativeRound(state, native, ts_ms);
      if (ts_ms >= kT0 + kDayMs - 600'000) Round(container, ts_ms);
    }
  }

  const std::filesystem::path dir_;
  ManualClock clock_{kT0};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Engine> engine_;
  std::mt19937 random_{1};
  bool flushed_ = false;
};

Cluster& TheCluster() {
  static Cluster cluster;
  return cluster;
}

constexpr struct {
  const char* name;
  const char* text;
} kQueries[] = {
    {"sum_by_namespace", "sum by (namespace) (rate(counter_total[5m]))"},
    {"topk_by_pod", "topk(10, sum by (pod) (rate(counter_total[5m])))"},
    {"p99_by_service",
     "histogram_quantile(0.99, sum by (service, le) (rate(latency_seconds_bucket[5m])))"},
    {"count_by_namespace", R"(count by (namespace) ({__name__=~"container_.*"}))"},
    {"native_p99", "histogram_quantile(0.99, sum by (service) (rate(native_seconds[5m])))"},
    {"raw_rate", "rate(counter_total[5m])"},
    {"long_sum_over_time", "sum(sum_over_time(counter_total{namespace=\"team-namespace-1\"}[6h]))"},
    {"long_max_over_time", "sum(max_over_time(counter_total{namespace=\"team-namespace-1\"}[6h]))"},
    {"long_rate", "sum(rate(counter_total{namespace=\"team-namespace-1\"}[6h]))"},
    {"one_pod", "rate(counter_total{pod=\"workload-7-7d9f8b6c5d-00007\"}[5m])"},
};

constexpr struct {
  const char* name;
  int64_t range_ms;
  int64_t step_ms;
} kRanges[] = {{"instant", 0, 1}, {"1h_15s", 3'600'000, 15'000}, {"24h_1m", kDayMs, 60'000}};

void Run(benchmark::State& state, const char* query, int64_t range_ms, int64_t step_ms,
         bool flushed) {
  Cluster& cluster = TheCluster();
  if (flushed) cluster.Flush();
  if (!flushed && cluster.flushed()) state.SkipWithError("the head is empty");
  const int64_t end_ms = kT0 + kDayMs - 1000;
  size_t series = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto result =
        range_ms == 0
            ? cluster.engine().Instant(kTenant, query, end_ms)
            : cluster.engine().Range(kTenant, query, end_ms - range_ms + step_ms, end_ms, step_ms);
    if (!result.ok()) {
      state.SkipWithError(result.status().ToString().c_str());
      break;
    }
    series = result->series.size();
  }
  state.counters["series"] = static_cast<double>(series);
}

}  // namespace
}  // namespace leadline::collector::promql

int main(int argc, char** argv) {
  using namespace leadline::collector::promql;
  for (const bool flushed : {false, true}) {
    for (const auto& query : kQueries) {
      for (const auto& range : kRanges) {
        const std::string name =
            fmt::format("{}/{}/{}", flushed ? "windows" : "head", query.name, range.name);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&query, &range, flushed](benchmark::State& state) {
                                       Run(state, query.text, range.range_ms, range.step_ms,
                                           flushed);
                                     })
            ->Unit(benchmark::kMillisecond)
            ->MeasureProcessCPUTime()
            ->UseRealTime();
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
