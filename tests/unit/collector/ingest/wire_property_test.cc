// Random definitions, frames, ends and breakages: the store ends with exactly what the agent was
// given.
#include <bit>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/model/entity_id.h"
#include "pipeline.h"

namespace leadline::collector::ingest {
namespace {

using agent::EntityRef;
using agent::SeriesRef;
using catalogue::Metric;
using testing::IsEmpty;

// Times are positive and not ahead of the collector's clock.
constexpr int64_t kBeginMs = kNowMs - 3'600'000;

// What was given to the batcher, as the store should have it in the end.
class Model {
 public:
  explicit Model(std::mt19937& random) : random_(random) {}

  Samples samples;
  std::map<Id128, agent::Entity> entities;  // newest version

  // One interval of an agent's life.
  void Interval(agent::Batcher& batcher) {
    if (live_.size() < 2 || random_() % 3 == 0) Begin(batcher);
    if (random_() % 4 == 0) Relabel(batcher);
    now_ms_ += 1 + Below(1000);
    for (auto& [id, entity] : live_) {
      batcher.BeginFrame(now_ms_);
      for (Series& series : entity.series) {
        if (random_() % 5 != 0) Sample(batcher, series, now_ms_);
      }
    }
    if (live_.size() > 6 || random_() % 4 == 0) End(batcher);
  }

 private:
  struct Series {
    SeriesRef ref;
    Metric metric;
    std::string name;
    int64_t counted_from_ms = 0;
    int64_t newest_ms = 0;
    int64_t value = 0;
  };
  struct Live {
    EntityRef ref;
    std::vector<Series> series;
  };

  void Begin(agent::Batcher& batcher) {
    agent::Entity entity = Container(fmt::format("container-{}", ++containers_), now_ms_);
    entities[entity.id] = entity;
    Live& live = live_[entity.id];
    live.ref = batcher.DefineEntity(entity);
    const size_t count = 1 + random_() % 5;
    for (size_t i = 0; i < count; ++i) {
      static constexpr Metric kMetrics[] = {Metric::kContainerSyscalls,
                                            Metric::kContainerMemoryUsage,
                                            Metric::kContainerSyscallDuration};
      Series series;
      series.metric = kMetrics[random_() % 3];
      LabelSet residual{{"syscall", fmt::format("call-{}", i)}};
      series.name =
          SeriesName({std::string(catalogue::Info(series.metric).name), entity.id, residual});
      if (random_() % 2 == 0) series.counted_from_ms = now_ms_;
      series.ref = batcher.DefineSeries(series.metric, live.ref, residual, series.counted_from_ms);
      live.series.push_back(series);
    }
  }

  void Relabel(agent::Batcher& batcher) {
    if (live_.empty()) return;
    agent::Entity& entity = entities[live_.begin()->first];
    entity.labels.Set("pod", fmt::format("pod-{}", ++containers_));
    entity.kubernetes_labels = {{"app.kubernetes.io/name", entity.labels.Get("pod").data()}};
    entity.valid_from_ms = now_ms_;
    ++entity.revision;
    EXPECT_EQ(batcher.DefineEntity(entity), live_.begin()->second.ref);
  }

  void Sample(agent::Batcher& batcher, Series& series, int64_t ts_ms) {
    const bool is_histogram = series.metric == Metric::kContainerSyscallDuration;
    std::map<int64_t, Value>& kept = samples[series.name];
    const bool has_zero = series.metric != Metric::kContainerMemoryUsage &&
                          series.counted_from_ms != 0 && series.newest_ms == 0 &&
                          series.counted_from_ms < ts_ms;
    series.newest_ms = ts_ms;
    series.value += Below(100000);
    if (is_histogram) {
      const agent::HistogramBucket buckets[] = {{-2, static_cast<uint64_t>(series.value) + 1},
                                                {7, 3}};
      const double sum = static_cast<double>(series.value) / 7;
      EXPECT_TRUE(batcher.AddHistogram(
          series.ref, {.schema = 2, .sum = sum, .zero_count = 1, .buckets = buckets}));
      kept[ts_ms] = model::NativeHistogram{.schema = 2,
                                           .zero_count = 1,
                                           .count = static_cast<uint64_t>(series.value) + 5,
                                           .sum = sum,
                                           .positive = {{-2, buckets[0].count}, {7, 3}}};
      if (has_zero) kept[series.counted_from_ms] = model::NativeHistogram{.schema = 2};
      return;
    }
    if (random_() % 2 == 0) {
      EXPECT_TRUE(batcher.Add(series.ref, series.value));
      kept[ts_ms] = std::bit_cast<uint64_t>(static_cast<double>(series.value));
    } else {
      const double value = static_cast<double>(series.value) / 3;
      EXPECT_TRUE(batcher.Add(series.ref, value));
      kept[ts_ms] = std::bit_cast<uint64_t>(value);
    }
    if (has_zero) kept[series.counted_from_ms] = std::bit_cast<uint64_t>(0.0);
  }

  void End(agent::Batcher& batcher) {
    if (live_.empty()) return;
    auto it = std::next(live_.begin(), static_cast<ptrdiff_t>(random_() % live_.size()));
    agent::Entity& entity = entities[it->first];
    entity.end_ms = now_ms_ - Below(500);
    entity.end_ms = std::max(entity.end_ms, entity.start_ms);
    ++entity.revision;
    EXPECT_EQ(batcher.DefineEntity(entity), it->second.ref);
    const int64_t last_ms = batcher.EndFrameMs(it->second.ref);
    batcher.BeginFrame(last_ms);
    for (Series& series : it->second.series) {
      if (random_() % 2 == 0) Sample(batcher, series, last_ms);
      if (series.newest_ms == 0) continue;
      const int64_t marker_ms = std::max(entity.end_ms, series.newest_ms) + 1;
      if (series.metric == Metric::kContainerSyscallDuration) {
        markers_[series.name] = marker_ms;
      } else {
        samples[series.name][marker_ms] = model::kStaleNanBits;
      }
    }
    now_ms_ = std::max(now_ms_, last_ms + 1);
    batcher.Forget(it->second.ref);
    live_.erase(it);
  }

 public:
  // Takes the histograms' markers, which equal nothing, out of `stored`; false when one is missing.
  bool TakeHistogramMarkers(Samples& stored) const {
    for (const auto& [name, ts_ms] : markers_) {
      auto it = stored[name].find(ts_ms);
      if (it == stored[name].end()) return false;
      const auto* marker = std::get_if<model::NativeHistogram>(&it->second);
      if (marker == nullptr || !model::IsStaleNan(marker->sum) || marker->count != 0) return false;
      stored[name].erase(it);
    }
    return true;
  }

 private:
  // From 0, and less than `limit`.
  int64_t Below(uint32_t limit) { return static_cast<int64_t>(random_() % limit); }

  std::mt19937& random_;
  int64_t now_ms_ = kBeginMs;
  int containers_ = 0;
  std::map<Id128, Live> live_;
  std::map<std::string, int64_t> markers_;
};

std::vector<std::string> Differences(const Samples& stored, const Samples& expected) {
  std::vector<std::string> differences;
  const auto compare = [&](const Samples& a, const Samples& b, std::string_view what) {
    for (const auto& [name, samples] : a) {
      const auto series = b.find(name);
      for (const auto& [ts_ms, value] : samples) {
        if (series == b.end() || !series->second.contains(ts_ms)) {
          differences.push_back(fmt::format("{} at {} is {}", name, ts_ms, what));
        } else if (series->second.at(ts_ms) != value) {
          differences.push_back(fmt::format("{} at {} differs", name, ts_ms));
        }
      }
    }
  };
  compare(stored, expected, "too much");
  compare(expected, stored, "missing");
  return differences;
}

class WireProperty : public testing::TestWithParam<uint32_t> {};

TEST_P(WireProperty, TheStoreEndsWithWhatTheAgentWasGiven) {
  std::mt19937 random(GetParam());
  FakeStore store;
  TestCollector collector(&store);
  collector.Start();
  TestAgent agent(collector.proxy().port(), 1, {}, {.max_batch_bytes = 1000});
  Model model(random);
  bool held = false;
  bool failing = false;
  bool swallowing = false;
  uint64_t submitted = 0;
  for (int step = 0; step < 150; ++step) {
    agent.batcher().Acknowledged(agent.sender().acknowledged_sequence());
    model.Interval(agent.batcher());
    if (random() % 10 != 0) {
      auto batches = agent.batcher().Seal();
      if (!batches.empty()) submitted = batches.back().sequence;
      agent.sender().Submit(std::move(batches));
    }
    switch (random() % 20) {
      case 0:
        collector.proxy().Cut();
        break;
      case 1:
        collector.proxy().Abandon();
        break;
      case 2:
        collector.Kill();
        collector.Start();
        break;
      case 3:
        swallowing = !swallowing;
        collector.proxy().SwallowAnswers(swallowing);
        if (!swallowing) collector.proxy().Cut();  // what was swallowed will not come again
        break;
      case 4:
      case 5:
        failing = !failing;
        store.FailWith(failing ? absl::UnavailableError("for a while") : absl::OkStatus());
        break;
      case 6:
      case 7:
        held = !held;
        store.Hold(held);
        break;
      case 8:
      case 9:
        if (held || failing || swallowing) break;
        ASSERT_TRUE(
            Eventually([&] { return agent.sender().acknowledged_sequence() == submitted; }));
        break;
    }
  }
  agent.sender().Submit(agent.batcher().Seal());
  store.FailWith(absl::OkStatus());
  store.Hold(false);
  collector.proxy().SwallowAnswers(false);
  collector.proxy().Cut();
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());

  EXPECT_THAT(store.complaints(), IsEmpty());
  const std::vector<uint64_t> sequences = store.sequences(agent.writer());
  for (size_t i = 0; i < sequences.size(); ++i) ASSERT_EQ(sequences[i], i + 1);
  Samples stored = store.samples();
  EXPECT_TRUE(model.TakeHistogramMarkers(stored));
  std::erase_if(model.samples, [](const auto& series) { return series.second.empty(); });
  EXPECT_THAT(Differences(stored, model.samples), IsEmpty());
  const auto entities = store.entities();
  uint64_t missing_versions = 0;
  EXPECT_EQ(entities.size(), model.entities.size());
  for (const auto& [id, entity] : model.entities) {
    const auto it = entities.find(id);
    ASSERT_NE(it, entities.end());
    const auto newest =
        std::max_element(it->second.begin(), it->second.end(),
                         [](const auto& a, const auto& b) { return a.revision < b.revision; });
    EXPECT_EQ(newest->labels, entity.labels);
    EXPECT_EQ(newest->end_ms, entity.end_ms == 0 ? model::kOpenEnd : entity.end_ms);
    std::set<uint64_t> revisions;
    for (const model::EntityVersion& version : it->second) revisions.insert(version.revision);
    missing_versions += entity.revision - revisions.size();
  }
  EXPECT_LE(missing_versions, agent.Metric("entity_versions_dropped_total"));
  EXPECT_EQ(
      MetricValue(collector.registry(), "leadline_collector_ingest_refusals_total", "sequence"), 0);
}

// More of them by LEADLINE_WIRE_SEEDS=200.
uint32_t Seeds() {
  const char* const wanted = std::getenv("LEADLINE_WIRE_SEEDS");
  return wanted == nullptr ? 20 : static_cast<uint32_t>(std::strtoul(wanted, nullptr, 10));
}

INSTANTIATE_TEST_SUITE_P(Seeds, WireProperty, testing::Range(0u, Seeds()));

}  // namespace
}  // namespace leadline::collector::ingest
