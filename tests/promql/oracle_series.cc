#include "tests/promql/oracle_series.h"

#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace leadline::collector::promqltest {
namespace {

void AddBuckets(std::mt19937& random, std::vector<LoadedSeries>& all) {
  for (int pod = 0; pod < 4; ++pod) {
    std::vector<std::vector<int64_t>> counts(kOracleSamples, std::vector<int64_t>(5));
    std::vector<int64_t> total(5, 100'000);
    for (auto& at_step : counts) {
      int64_t below = 0;
      for (size_t i = 0; i < total.size(); ++i) {
        total[i] += static_cast<int64_t>(random() % 50);
        at_step[i] = below += total[i];
      }
    }
    constexpr const char* kBounds[] = {"0.1", "1", "5", "10", "+Inf"};
    for (size_t i = 0; i < 5; ++i) {
      if (pod == 3 && i == 2) continue;
      LoadedSeries& series = all.emplace_back();
      series.text = fmt::format("bucket{{pod=\"h{}\",le=\"{}\"}}", pod, kBounds[i]);
      for (const auto& at_step : counts) series.values += fmt::format("{} ", at_step[i]);
    }
  }
}

std::vector<LoadedSeries> MakeSeries() {
  std::mt19937 random(7);
  const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
  std::vector<LoadedSeries> all;
  for (int i = 0; i < 40; ++i) {
    const bool counter = i % 2 == 0;
    LoadedSeries& series = all.emplace_back();
    series.text = fmt::format("{}{{ns=\"{}\",pod=\"p{}\"}}", counter ? "calls_total" : "size_bytes",
                              i % 3, i);
    const int begin = i % 5 == 0 ? 0 : static_cast<int>(random() % 50);
    const int end = chance(50) ? kOracleSamples : 100 + static_cast<int>(random() % 100);
    int64_t value = begin == 0 ? 0 : 100'000;
    bool begun = false;
    for (int step = 0; step < kOracleSamples; ++step) {
      if (step < begin || step > end || chance(5)) {
        series.values += "_ ";
        continue;
      }
      if (step == end) {
        series.values += "stale ";
        continue;
      }
      if (!begun) {
        begun = true;
      } else if (counter) {
        value = chance(2) ? 100'000 : value + static_cast<int>(random() % 1000);
      } else {
        value = static_cast<int>(random() % 100'000) - 50'000;
      }
      series.values += fmt::format("{} ", value);
    }
  }
  AddBuckets(random, all);
  return all;
}

}  // namespace

LoadCommand OracleSeries() {
  return {.interval_ms = kOracleIntervalSeconds * 1000,
          .entity_end_ms = model::kOpenEnd,
          .series = MakeSeries()};
}

}  // namespace leadline::collector::promqltest
