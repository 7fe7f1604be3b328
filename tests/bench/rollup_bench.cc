// Thirty days by namespace over 1,000 series: from rollups, and from samples. Google Benchmark.
//
// The store is made once: a counter, a sample every 15 s (LEADLINE_BENCH_INTERVAL_S), in a
// directory of its own that stays where LEADLINE_BENCH_DIR names one. What rolling up takes is
// printed; with LEADLINE_BENCH_MINUTES=0 that of hours alone, as is the default of the collector.
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
constexpr size_t kSeries = 1000;
constexpr size_t kNamespaces = 20;
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

class Month {
 public:
  static Month& Get() {
    static Month month;
    return month;
  }

  ~Month() {
    store_.reset();
    if (std::getenv("LEADLINE_BENCH_DIR") == nullptr) std::filesystem::remove_all(dir_);
  }
  const Queryable& queryable() const { return store_->queryable(); }

 private:
  Month() {
    const char* const named = std::getenv("LEADLINE_BENCH_DIR");
    dir_ = named != nullptr ? named
                            : std::filesystem::temp_directory_path() /
                                  ("leadline-rollup-bench-" + std::to_string(getpid()));
    const bool is_there = std::filesystem::exists(dir_ / "MANIFEST");
    auto opened = engine::OpenStore({.dir = dir_,
                                     .retention_minutes_ms = WithMinutes() ? 400 * kDayMs : 0,
                                     .retention_hours_ms = 400 * kDayMs,
                                     .maintenance_interval = absl::Hours(1),
                                     .clock = &clock_});
    if (!opened.ok()) Fail(opened.status());
    store_ = *std::move(opened);
    if (is_there) return;
    Fill();
    const double before = CpuSeconds();
    Check(store_->RollUp());
    const double samples = static_cast<double>(kDays * kDayMs / IntervalMs() * int64_t{kSeries});
    std::printf("rolled up: %.3f CPU seconds a million samples\n",
                (CpuSeconds() - before) / samples * 1e6);
    Check(store_->Flush());
    for (const char* const of : {"raw", "minutes", "hours"}) {
      uint64_t bytes = 0;
      for (const auto& file :
           std::filesystem::recursive_directory_iterator(dir_ / "windows" / of)) {
        if (file.path().extension() == ".sst") bytes += file.file_size();
      }
      std::printf("%s: %.3f bytes a sample\n", of, static_cast<double>(bytes) / samples);
    }
  }

  static void Fail(const absl::Status& status) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::exit(1);
  }
  static void Check(const absl::Status& status) {
    if (!status.ok()) Fail(status);
  }

  void Fill() {
    std::vector<model::SeriesDefinition> series;
    for (size_t i = 0; i < kSeries; ++i) {
      series.push_back({"requests_total", HashId({"pod", std::to_string(i)}),
                        LabelSet({{"namespace", "n" + std::to_string(i % kNamespaces)},
                                  {"pod", "p" + std::to_string(i)}})});
    }
    std::mt19937 random(1);
    std::vector<double> values(kSeries);
    for (int64_t hour = 0; hour < 24 * kDays; ++hour) {
      WriteBatch batch;
      const auto handles = store_->Resolve(kTenant, series);
      if (!handles.ok()) Fail(handles.status());
      batch.series = *handles;
      for (int64_t ms = 0; ms < kHourMs; ms += IntervalMs()) {
        FloatFrame frame{kT0 + hour * kHourMs + ms + 1'234, {}, {}};
        for (uint32_t i = 0; i < kSeries; ++i) {
          values[i] = random() % 200'000 == 0 ? 0 : values[i] + static_cast<double>(random() % 100);
          frame.series.push_back(i);
          frame.values.push_back(values[i]);
        }
        batch.floats.push_back(std::move(frame));
      }
      std::promise<absl::Status> outcome;
      store_->Append(kTenant, std::move(batch),
                     [&](const absl::Status& status) { outcome.set_value(status); });
      Check(outcome.get_future().get());
      if (hour % 24 == 23) Check(store_->Flush());
    }
  }

  std::filesystem::path dir_;
  ManualClock clock_{kT0 + (kDays + 1) * kDayMs};
  std::unique_ptr<Store> store_;
};

void Ask(benchmark::State& state, const std::string& query, int64_t step_ms,
         std::optional<absl::Duration> most) {
  const promql::Engine engine(Month::Get().queryable(), {.max_samples = UINT64_MAX});
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
  Ask(state, "sum by (namespace) (rate(requests_total[1h]))", kHourMs, std::nullopt);
}
BENCHMARK(BM_ThirtyDaysByHours)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysOfDailySums(benchmark::State& state) {
  Ask(state, "sum by (namespace) (increase(requests_total[1d]))", kHourMs, std::nullopt);
}
BENCHMARK(BM_ThirtyDaysOfDailySums)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysByMinutes(benchmark::State& state) {
  Ask(state, "sum by (namespace) (rate(requests_total[5m]))", kHourMs, absl::Minutes(1));
}
BENCHMARK(BM_ThirtyDaysByMinutes)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void BM_ThirtyDaysFromSamples(benchmark::State& state) {
  Ask(state, "sum by (namespace) (rate(requests_total[1h]))", kHourMs, absl::ZeroDuration());
}
BENCHMARK(BM_ThirtyDaysFromSamples)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
}  // namespace leadline::collector::store

BENCHMARK_MAIN();
