// Queries answered from rollups for parts of the time and from samples for the rest, beside the
// same queries answered from all samples.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/promql/engine.h"
#include "collector/store/rollup/buckets.h"
#include "collector/store/rollup/summary.h"
#include "tests/promql/memory_queryable.h"

namespace leadline::collector::promqltest {
namespace {

using store::SeriesBlock;
using testing::Contains;
using testing::HasSubstr;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kBaseMs = 1'700'006'400'000;

// Every second stretch of five hours has rollups.
constexpr int64_t kStretchMs = 5 * kHourMs;
bool IsRolledUp(int64_t ts_ms) { return (ts_ms - 1) / kStretchMs % 2 == 0; }

template <typename Value>
void Take(const std::vector<int64_t>& ts_ms, const std::vector<Value>& values, bool rolled_up,
          store::chunk::Samples<Value>& to) {
  for (size_t i = 0; i < ts_ms.size(); ++i) {
    if (IsRolledUp(ts_ms[i]) == rolled_up) to.Append(ts_ms[i], values[i]);
  }
}

template <typename Value>
void Merge(std::vector<int64_t>& ts_ms, std::vector<Value>& values, std::vector<uint32_t>& counts,
           std::vector<double>* lost) {
  std::vector<size_t> order(ts_ms.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ts_ms[a] < ts_ms[b]; });
  const auto permute = [&](auto& column) {
    auto permuted = column;
    for (size_t i = 0; i < order.size(); ++i) permuted[i] = column[order[i]];
    column = std::move(permuted);
  };
  permute(values);
  permute(counts);
  if (lost != nullptr) permute(*lost);
  permute(ts_ms);
}

class RolledUpSelection final : public store::Selection {
 public:
  RolledUpSelection(std::unique_ptr<store::Selection> inner, const store::RollupHints& hints)
      : inner_(std::move(inner)), hints_(hints) {}

  size_t size() const override { return inner_->size(); }
  uint64_t held_bytes() const override { return 0; }
  store::ReadCounts counts() const override {
    store::ReadCounts counts = inner_->counts();
    (hints_.resolution_ms == kHourMs ? counts.hours : counts.minutes) = buckets_;
    return counts;
  }
  absl::Status Read(size_t first, size_t count, UseBlock use) const override {
    return inner_->Read(first, count, [&](SeriesBlock& block) {
      absl::Status status = RollUp(block);
      return status.ok() ? use(block) : status;
    });
  }

 private:
  absl::Status RollUp(SeriesBlock& block) const {
    store::chunk::MergedSamples rolled_up;
    store::chunk::MergedSamples as_they_are;
    for (const bool which : {true, false}) {
      auto& to = which ? rolled_up : as_they_are;
      Take(block.ts_ms, block.values, which, to.floats);
      Take(block.histogram_ts_ms, block.histograms, which, to.histograms);
    }
    store::rollup::Buckets buckets;
    store::rollup::Fold(rolled_up, hints_.resolution_ms, buckets);
    store::rollup::SummarySamples summary;
    const absl::Status status =
        store::rollup::Summarize(hints_.summary, buckets, hints_.resolution_ms, summary);
    EXPECT_EQ(summary.inexact, 0);
    buckets_ += summary.buckets;
    SeriesBlock made;
    made.labels = block.labels;
    made.entity_start_ms = block.entity_start_ms;
    made.entity_end_ms = block.entity_end_ms;
    made.ts_ms = std::move(summary.samples.floats.ts_ms);
    made.values = std::move(summary.samples.floats.values);
    made.counts = std::move(summary.counts);
    made.lost = std::move(summary.lost);
    made.histogram_ts_ms = std::move(summary.samples.histograms.ts_ms);
    made.histograms = std::move(summary.samples.histograms.values);
    made.histogram_counts = std::move(summary.histogram_counts);
    const auto add = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(made.ts_ms, as_they_are.floats.ts_ms);
    add(made.values, as_they_are.floats.values);
    made.counts.resize(made.ts_ms.size(), 1);
    made.lost.resize(made.ts_ms.size(), std::nan(""));
    add(made.histogram_ts_ms, as_they_are.histograms.ts_ms);
    add(made.histograms, as_they_are.histograms.values);
    made.histogram_counts.resize(made.histogram_ts_ms.size(), 1);
    Merge(made.ts_ms, made.values, made.counts, &made.lost);
    Merge(made.histogram_ts_ms, made.histograms, made.histogram_counts, nullptr);
    block = std::move(made);
    return status;
  }

  const std::unique_ptr<store::Selection> inner_;
  const store::RollupHints hints_;
  mutable uint64_t buckets_ = 0;
};

class RolledUpQueryable final : public store::Queryable {
 public:
  explicit RolledUpQueryable(const store::Queryable& inner) : inner_(inner) {}

  absl::StatusOr<std::unique_ptr<store::Selection>> Find(
      std::string_view tenant, absl::Span<const store::Matcher> matchers,
      const store::SelectHints& hints) const override {
    last_ = hints.rollups;
    store::SelectHints of_samples = hints;
    of_samples.columns = false;  // they are folded one by one
    auto found = inner_.Find(tenant, matchers, of_samples);
    if (!found.ok() || hints.rollups.summary == store::Summary::kSamples ||
        hints.rollups.if_needed) {
      return found;
    }
    EXPECT_EQ((hints.start_ms - 1) % hints.rollups.resolution_ms, 0);
    EXPECT_EQ(hints.end_ms % hints.rollups.resolution_ms, 0);
    return std::make_unique<RolledUpSelection>(*std::move(found), hints.rollups);
  }
  absl::Status UseLabelNames(std::string_view tenant, const store::SeriesFilter& filter,
                             TakeTexts take) const override {
    return inner_.UseLabelNames(tenant, filter, take);
  }
  absl::Status UseLabelValues(std::string_view tenant, std::string_view name,
                              const store::SeriesFilter& filter, TakeTexts take) const override {
    return inner_.UseLabelValues(tenant, name, filter, take);
  }
  absl::Status UseSeries(std::string_view tenant, const store::SeriesFilter& filter,
                         TakeSeries take) const override {
    return inner_.UseSeries(tenant, filter, take);
  }
  absl::StatusOr<std::vector<model::EntityVersion>> EntitiesAt(std::string_view tenant,
                                                               int64_t t_ms) const override {
    return inner_.EntitiesAt(tenant, t_ms);
  }
  const store::RollupHints& last() const { return last_; }

 private:
  const store::Queryable& inner_;
  mutable store::RollupHints last_;
};

// Near enough: sums may be added up in another order.
bool IsNear(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
  return a == b || std::fabs(a - b) <= 1e-12 * std::max(std::fabs(a), std::fabs(b));
}

class RollupQueries : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937_64 random(3);
    const auto below = [&](uint64_t limit) { return static_cast<int64_t>(random() % limit); };
    for (int pod = 0; pod < 6; ++pod) {
      SeriesBlock counter = Named("calls_total", pod);
      SeriesBlock gauge = Named("bytes", pod);
      SeriesBlock native = Named("seconds", pod);
      SeriesBlock parts = Named("parts", pod);  // a counter of fractions
      SeriesBlock rates = Named("rates", pod);
      double calls = 0;
      uint64_t seen = 0;
      int64_t ts_ms = kBaseMs + 1 + below(30'000);
      counter.entity_start_ms = ts_ms;
      for (int i = 0; i < 4000; ++i) {
        calls = below(300) == 0 ? 0 : calls + static_cast<double>(below(20));
        seen = below(200) == 0 ? 0 : seen + static_cast<uint64_t>(below(5));
        const bool ends = below(500) == 0;
        counter.ts_ms.push_back(ts_ms);
        counter.values.push_back(ends ? model::StaleNan() : calls);
        gauge.ts_ms.push_back(ts_ms);
        gauge.values.push_back(below(400) == 0 ? std::nan("")
                                               : static_cast<double>(below(1000)) / 8 - 50);
        native.histogram_ts_ms.push_back(ts_ms);
        native.histograms.push_back({.schema = 3,
                                     .count = 3 * seen,
                                     .sum = static_cast<double>(seen),
                                     .positive = {{-2, seen + 1}, {7, 2 * seen + 1}}});
        const auto third = [](uint64_t count) {
          return model::FloatCount(static_cast<double>(count) / 3);
        };
        parts.histogram_ts_ms.push_back(ts_ms);
        parts.histograms.push_back({.schema = 2,
                                    .float_counts = true,
                                    .count = third(2 * seen + 4),
                                    .sum = static_cast<double>(seen) / 7,
                                    .positive = {{3, third(seen + 4)}, {5, third(seen)}}});
        if (seen == 0) parts.histograms.back().positive.pop_back();
        rates.histogram_ts_ms.push_back(ts_ms);
        rates.histograms.push_back({.schema = 2,
                                    .reset_hint = model::ResetHint::kGauge,
                                    .float_counts = true,
                                    .zero_count = third(seen % 5),
                                    .count = third(seen % 5 + seen % 7 + 1),
                                    .positive = {{3, third(seen % 7 + 1)}}});
        ts_ms += below(7) == 0 ? kMinuteMs - ts_ms % kMinuteMs : 1 + below(25'000);
        if (below(700) == 0) ts_ms += below(3 * kHourMs);
      }
      // In the middle of floats.
      if (pod == 5) {
        gauge.histogram_ts_ms = {gauge.ts_ms[2000] + 1, gauge.ts_ms[2001] + 1};
        gauge.histograms = {native.histograms[0], native.histograms[1]};
      }
      for (SeriesBlock* const block : {&counter, &gauge, &native, &parts, &rates}) {
        queryable_.Add(std::move(*block));
      }
    }
  }

  static SeriesBlock Named(const std::string& name, int pod) {
    SeriesBlock block;
    block.labels = std::make_shared<const LabelSet>(LabelSet(
        {{"__name__", name}, {"ns", std::to_string(pod % 2)}, {"pod", std::to_string(pod)}}));
    return block;
  }

  static promql::QueryResult Ask(const promql::Engine& engine, const std::string& query,
                                 int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                 std::optional<absl::Duration> most,
                                 promql::QueryStats* stats = nullptr) {
    promql::QueryOptions options;
    options.stats = stats;
    options.max_source_resolution = most;
    auto result = step_ms == 0 ? engine.Instant("default", query, end_ms, options)
                               : engine.Range("default", query, start_ms, end_ms, step_ms, options);
    EXPECT_TRUE(result.ok()) << query << ": " << result.status();
    return result.ok() ? *std::move(result) : promql::QueryResult();
  }

  void Compare(const std::string& query, int64_t start_ms, int64_t end_ms, int64_t step_ms,
               bool is_rolled_up = true) {
    promql::QueryStats of_samples;
    promql::QueryStats of_rollups;
    const auto from_samples =
        Ask(engine_, query, start_ms, end_ms, step_ms, absl::ZeroDuration(), &of_samples);
    const auto from_rollups =
        Ask(rolled_up_engine_, query, start_ms, end_ms, step_ms, absl::Hours(1), &of_rollups);
    // The same samples are looked at; histograms of a rollup have the buckets of all that it is of.
    if (query.find("calls_total") != std::string::npos ||
        query.find("bytes") != std::string::npos) {
      EXPECT_EQ(of_rollups.samples_looked_at, of_samples.samples_looked_at) << query;
    }
    EXPECT_THAT(from_samples.annotations.infos, testing::Not(Contains(HasSubstr("rollups"))));
    if (is_rolled_up) {
      EXPECT_THAT(from_rollups.annotations.infos, Contains(HasSubstr("rollups"))) << query;
    }
    EXPECT_EQ(from_rollups.annotations.warnings, from_samples.annotations.warnings) << query;
    ASSERT_EQ(from_rollups.series.size(), from_samples.series.size()) << query;
    for (size_t i = 0; i < from_samples.series.size(); ++i) {
      const auto& expected = from_samples.series[i];
      const auto& got = from_rollups.series[i];
      EXPECT_EQ(got.labels, expected.labels) << query;
      ASSERT_EQ(got.ts_ms, expected.ts_ms) << query;
      for (size_t k = 0; k < expected.values.size(); ++k) {
        ASSERT_PRED2(IsNear, got.values[k], expected.values[k])
            << query << " of " << expected.labels.ToString() << " at "
            << expected.ts_ms[k] - kBaseMs;
      }
      ASSERT_EQ(got.histogram_ts_ms, expected.histogram_ts_ms) << query;
      for (size_t k = 0; k < expected.histograms.size(); ++k) {
        const auto& a = *got.histograms[k];
        const auto& b = *expected.histograms[k];
        ASSERT_EQ(a.positive.size(), b.positive.size()) << query;
        ASSERT_PRED2(IsNear, a.count, b.count) << query;
        ASSERT_PRED2(IsNear, a.sum, b.sum) << query;
        for (size_t bucket = 0; bucket < a.positive.size(); ++bucket) {
          ASSERT_PRED2(IsNear, a.positive[bucket].count, b.positive[bucket].count) << query;
        }
        EXPECT_EQ(a.reset_hint, b.reset_hint) << query;
      }
    }
  }

  MemoryQueryable queryable_;
  RolledUpQueryable rolled_up_{queryable_};
  promql::Engine engine_{queryable_, {}};
  promql::Engine rolled_up_engine_{rolled_up_, {}};
};

TEST_F(RollupQueries, GiveWhatTheyDoFromSamples) {
  const int64_t end_ms = kBaseMs + 16 * kHourMs;
  for (const char* const function :
       {"rate", "increase", "delta", "avg_over_time", "count_over_time", "first_over_time",
        "last_over_time", "max_over_time", "min_over_time", "present_over_time", "sum_over_time",
        "ts_of_first_over_time", "ts_of_last_over_time"}) {
    for (const char* const metric : {"calls_total", "bytes", "seconds", "parts", "rates"}) {
      // What falls often has no rise that rollups know, and the stretches here have no samples.
      const std::string_view name = function;
      if (std::string_view(metric) == "bytes" && (name == "rate" || name == "increase")) continue;
      for (const auto& [range, step_ms] :
           {std::pair{"1m", kMinuteMs}, std::pair{"7m", 3 * kMinuteMs}, std::pair{"1h", kHourMs},
            std::pair{"3h", 2 * kHourMs}, std::pair{"90m", kHourMs}, std::pair{"2h", int64_t{0}}}) {
        Compare(fmt::format("{}({}[{}])", function, metric, range), kBaseMs, end_ms, step_ms,
                step_ms > 0);
        Compare(fmt::format("sum by (ns) ({}({}[{}] offset 1h))", function, metric, range),
                kBaseMs + kHourMs, end_ms, step_ms, step_ms > 0);
        if (HasFailure()) return;
      }
      Compare(fmt::format("{}({}[2h] @ {})", function, metric, end_ms / 1000), kBaseMs,
              kBaseMs + 10'000, 1'000, /*is_rolled_up=*/false);
    }
  }
  Compare("histogram_quantile(0.9, sum by (ns) (rate(seconds[1h])))", kBaseMs, end_ms, kHourMs);
  Compare("max_over_time(rate(calls_total[10m])[2h:10m])", kBaseMs, end_ms, kHourMs);
}

TEST_F(RollupQueries, AskForRollupsOnlyWhereRangesHoldWholeBuckets) {
  const auto asked = [&](const std::string& query, int64_t start_ms, int64_t end_ms,
                         int64_t step_ms, std::optional<absl::Duration> most = absl::Hours(1)) {
    Ask(rolled_up_engine_, query, start_ms, end_ms, step_ms, most);
    return rolled_up_.last();
  };
  const int64_t later_ms = kBaseMs + 10 * kHourMs;
  EXPECT_EQ(asked("rate(calls_total[1h])", kBaseMs, later_ms, kHourMs).resolution_ms, kHourMs);
  EXPECT_EQ(asked("rate(calls_total[1h])", kBaseMs, later_ms, kMinuteMs).resolution_ms, kMinuteMs);
  EXPECT_EQ(asked("rate(calls_total[5m])", kBaseMs, later_ms, kHourMs).resolution_ms, kMinuteMs);
  EXPECT_EQ(asked("rate(calls_total[1h] offset 1m)", kBaseMs, later_ms, kHourMs).resolution_ms,
            kMinuteMs);
  EXPECT_EQ(asked("rate(calls_total[1h] offset 1s)", kBaseMs, later_ms, kHourMs).resolution_ms, 0);
  EXPECT_EQ(asked("rate(calls_total[1h])", kBaseMs + 1, later_ms, kHourMs).resolution_ms, 0);
  EXPECT_EQ(asked("rate(calls_total[1h])", kBaseMs, later_ms, 15'000).resolution_ms, 0);
  EXPECT_EQ(asked("irate(calls_total[1h])", kBaseMs, later_ms, kHourMs).resolution_ms, 0);
  EXPECT_EQ(asked("calls_total", kBaseMs, later_ms, kHourMs).resolution_ms, 0);
  EXPECT_EQ(asked("rate(calls_total[1h] anchored)", kBaseMs, later_ms, kHourMs).resolution_ms, 0);
  // As the query says.
  const std::string rate = "rate(calls_total[1h])";
  EXPECT_EQ(asked(rate, kBaseMs, later_ms, kHourMs, absl::ZeroDuration()).resolution_ms, 0);
  EXPECT_EQ(asked(rate, kBaseMs, later_ms, kHourMs, absl::Minutes(5)).resolution_ms, kMinuteMs);
  EXPECT_FALSE(asked(rate, kBaseMs, later_ms, kHourMs, std::nullopt).if_needed);
  EXPECT_TRUE(asked(rate, kBaseMs, kBaseMs + kHourMs, kHourMs, std::nullopt).if_needed);
  EXPECT_TRUE(asked(rate, kBaseMs, later_ms, kMinuteMs, std::nullopt).if_needed);
}

}  // namespace
}  // namespace leadline::collector::promqltest
