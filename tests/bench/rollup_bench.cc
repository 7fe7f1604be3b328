// Thirty days by namespace over 1,000 series: from rollups, and from samples. Google Benchmark.
//
// A store is made once: a counter of each of 1,000 pods, a sample every 15 s
// (LEADLINE_BENCH_INTERVAL_S), in a directory below one of its own, or below LEADLINE_BENCH_DIR,
// where it stays. Of one store the pods stay the same, of the other one in a hundred is replaced
// every ten minutes, so that some 44,000 lived in it. What rolling up takes is printed; with
// LEADLINE_BENCH_MINUTES=0 that of hours alone, as is the default of the collector.
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "collector/promql/engine.h"
#include "collector/store/engine/open.h"

namespace leadline::collector::store {
namespace {

constexpr int64_t kHourMs = int64_t{3600} * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kT0 = 1'700'006'400'000;
constexpr int64_t kDays = 30;
constexpr int64_t kReplaceEveryMs = 600'000;
constexpr size_t kSeries = 1000;
constexpr size_t kNamespaces = 20;
constexpr size_t kServices = 100;
constexpr size_t kPodsANode = 30;
constexpr char kTenant[] = "default";

int64_t IntervalMs() {
  const char* const text = std::getenv("LEADLINE_BENCH_INTERVAL_S");
  return 1000 * (text == nullptr ? 15 : std::atoi(text));
}

bool WithMinutes() {
  const char* const text = std::getenv("LEADLINE_BENCH_MINUTES");
  return text == nullptr || std::atoi(text) != 0;
}

double CpuSeconds() {
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9;
}

double Samples() { return static_cast<double>(kDays * kDayMs / IntervalMs() * int64_t{kSeries}); }

class Month {
 public:
  // `replaced`: pods every ten minutes.
  Month(const char* name, size_t replaced) : replaced_(replaced) {
    const char* const named = std::getenv("LEADLINE_BENCH_DIR");
    stays_ = named != nullptr;
    dir_ = (stays_ ? std::filesystem::path(named)
                   : std::filesystem::temp_directory_path() /
                         ("leadline-rollup-bench-" + std::to_string(getpid()))) /
           name;
    const bool is_there = std::filesystem::exists(dir_ / "MANIFEST");
    std::filesystem::create_directories(dir_);
    auto opened = engine::OpenStore({.dir = dir_,
                                     .retention_minutes_ms = WithMinutes() ? 400 * kDayMs : 0,
                                     .retention_hours_ms = 400 * kDayMs,
                                     .maintenance_interval = absl::Hours(1),
                                     .clock = &clock_});
    if (!opened.ok()) Fail(opened.status());
    store_ = *std::move(opened);
    if (is_there) return;
    Fill();
    RollUp(name);
  }
  ~Month() {
    store_.reset();
    if (!stays_) std::filesystem::remove_all(dir_);
  }
  Month(const Month&) = delete;
  Month& operator=(const Month&) = delete;

  const Queryable& queryable() const { return store_->queryable(); }

 private:
  static void Fail(const absl::Status& status) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::exit(1);
  }
  static void Check(const absl::Status& status) {
    if (!status.ok()) Fail(status);
  }

  // A pod that has the place of one of the kSeries.
  struct Pod {
    model::EntityVersion entity;
    double value = 0;
    uint32_t number = 0;  // of its series in the batch
  };

  void RollUp(const char* name) {
    const double before = CpuSeconds();
    Check(store_->RollUp());
    std::printf("%s: rolled up: %.3f CPU seconds a million samples\n", name,
                (CpuSeconds() - before) / Samples() * 1e6);
    Check(store_->Flush());
    for (const char* const of : {"raw", "minutes", "hours"}) {
      uint64_t bytes = 0;
      for (const auto& file :
           std::filesystem::recursive_directory_iterator(dir_ / "windows" / of)) {
        if (file.path().extension() == ".sst") bytes += file.file_size();
      }
      std::printf("%s: %s: %.3f bytes a sample\n", name, of,
                  static_cast<double>(bytes) / Samples());
    }
  }

  void Begin(size_t place, int64_t now_ms, WriteBatch& batch) {
    Pod& pod = pods_[place];
    const std::string name = "pod-of-some-name-" + std::to_string(pods_begun_++);
    pod.entity = {.id = HashId({"pod", name}),
                  .labels = LabelSet({{"cluster", "bench"},
                                      {"container", "main"},
                                      {"image", "registry.example.com/shop/main:1.2.3"},
                                      {"namespace", "n" + std::to_string(place % kNamespaces)},
                                      {"node", "node-" + std::to_string(place / kPodsANode)},
                                      {"pod", name},
                                      {"service", "s" + std::to_string(place % kServices)}}),
                  .start_ms = now_ms,
                  .valid_from_ms = now_ms,
                  .revision = 1};
    pod.value = 0;
    batch.entities.push_back(pod.entity);
    Add(pod, batch);
  }

  void Add(Pod& pod, WriteBatch& batch) {
    const auto handles = store_->Resolve(kTenant, {{"requests_total", pod.entity.id, LabelSet()}});
    if (!handles.ok()) Fail(handles.status());
    pod.number = static_cast<uint32_t>(batch.series.size());
    batch.series.push_back(handles->front());
  }

  // Ends some pods and begins others in their places.
  void Replace(int64_t now_ms, WriteBatch& batch) {
    FloatFrame ends{now_ms, {}, {}};
    for (size_t i = 0; i < replaced_; ++i) {
      const size_t place = random_() % kSeries;
      Pod& pod = pods_[place];
      if (pod.entity.start_ms == now_ms) continue;  // just begun
      pod.entity.revision = 2;
      pod.entity.end_ms = now_ms;
      batch.entities.push_back(pod.entity);
      ends.series.push_back(pod.number);
      ends.values.push_back(model::StaleNan());
      Begin(place, now_ms, batch);
    }
    if (!ends.series.empty()) batch.floats.push_back(std::move(ends));
  }

  void Fill() {
    WriteBatch batch;
    for (size_t place = 0; place < kSeries; ++place) Begin(place, kT0, batch);
    for (int64_t hour = 0; hour < 24 * kDays; ++hour) {
      for (int64_t ms = 0; ms < kHourMs; ms += IntervalMs()) {
        const int64_t now_ms = kT0 + hour * kHourMs + ms + 1'234;
        if (ms % kReplaceEveryMs == 0 && now_ms > kT0 + kHourMs) Replace(now_ms, batch);
        FloatFrame frame{now_ms, {}, {}};
        for (Pod& pod : pods_) {
          pod.value =
              random_() % 200'000 == 0 ? 0 : pod.value + static_cast<double>(random_() % 100);
          frame.series.push_back(pod.number);
          frame.values.push_back(pod.value);
        }
        batch.floats.push_back(std::move(frame));
      }
      std::promise<absl::Status> outcome;
      store_->Append(kTenant, std::move(batch),
                     [&](const absl::Status& status) { outcome.set_value(status); });
      Check(outcome.get_future().get());
      if (hour % 24 == 23) Check(store_->Flush());
      batch = {};
      for (Pod& pod : pods_) Add(pod, batch);
    }
  }

  const size_t replaced_;
  bool stays_ = false;
  std::filesystem::path dir_;
  ManualClock clock_{kT0 + (kDays + 1) * kDayMs};
  std::unique_ptr<Store> store_;
  std::mt19937 random_{1};
  std::vector<Pod> pods_ = std::vector<Pod>(kSeries);
  size_t pods_begun_ = 0;
};

const Month& Steady() {
  static const Month month("steady", 0);
  return month;
}
const Month& Churning() {
  static const Month month("churning", kSeries / 100);
  return month;
}

void Ask(benchmark::State& state, const Month& month, const std::string& query, int64_t step_ms,
         std::optional<absl::Duration> most) {
  const promql::Engine engine(month.queryable(), {.max_samples = UINT64_MAX});
  promql::QueryOptions options;
  options.max_source_resolution = most;
  for ([[maybe_unused]] auto _ : state) {
    const auto result =
        engine.Range(kTenant, query, kT0 + kDayMs, kT0 + kDays * kDayMs, step_ms, options);
    if (!result.ok() || result->series.size() != kNamespaces) {
      state.SkipWithError("no such answer");
      return;
    }
  }
}

void BM_ThirtyDaysByHours(benchmark::State& state) {
  Ask(state, Steady(), "sum by (namespace) (rate(requests_total[1h]))", kHourMs, std::nullopt);
}
BENCHMARK(BM_ThirtyDaysByHours)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysOfDailySums(benchmark::State& state) {
  Ask(state, Steady(), "sum by (namespace) (increase(requests_total[1d]))", kHourMs, std::nullopt);
}
BENCHMARK(BM_ThirtyDaysOfDailySums)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysByMinutes(benchmark::State& state) {
  Ask(state, Steady(), "sum by (namespace) (rate(requests_total[5m]))", kHourMs, absl::Minutes(1));
}
BENCHMARK(BM_ThirtyDaysByMinutes)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysFromSamples(benchmark::State& state) {
  Ask(state, Steady(), "sum by (namespace) (rate(requests_total[1h]))", kHourMs,
      absl::ZeroDuration());
}
BENCHMARK(BM_ThirtyDaysFromSamples)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Iterations(1);

void BM_ThirtyDaysWithChurn(benchmark::State& state) {
  Ask(state, Churning(), "sum by (namespace) (rate(requests_total[1h]))", kHourMs, std::nullopt);
}
BENCHMARK(BM_ThirtyDaysWithChurn)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysWithChurnFromSamples(benchmark::State& state) {
  Ask(state, Churning(), "sum by (namespace) (rate(requests_total[1h]))", kHourMs,
      absl::ZeroDuration());
}
BENCHMARK(BM_ThirtyDaysWithChurnFromSamples)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
}  // namespace leadline::collector::store

BENCHMARK_MAIN();
