#include "agent/export/batcher.h"

#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <new>
#include <variant>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/model/entity_id.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {
namespace {

using catalogue::Metric;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Metric kCounter = Metric::kContainerSyscalls;
constexpr Metric kGauge = Metric::kContainerMemoryUsage;
constexpr Metric kHistogram = Metric::kContainerSyscallDuration;

Entity Container(const std::string& id) {
  Entity entity;
  entity.id = ContainerId(id);
  entity.labels = {{"container", id}};
  entity.start_ms = 100;
  return entity;
}

std::string Number(double value) {
  return std::bit_cast<uint64_t>(value) == 0x7ff0000000000002 ? "stale" : fmt::format("{}", value);
}

// "<ts>: <ref>=<integer>i <ref>=<double>d <ref>=<histogram>h", a line a frame.
std::vector<std::string> Frames(const SealedBatch& sealed) {
  v1::Batch batch;
  EXPECT_TRUE(batch.ParseFromString(sealed.wire));
  EXPECT_EQ(batch.sequence(), sealed.sequence);
  std::vector<std::string> lines;
  for (const v1::Frame& frame : batch.frames()) {
    std::string line = fmt::format("{}:", frame.timestamp_unix_ms());
    uint32_t ref = 0;
    for (int i = 0; i < frame.integers_size(); ++i) {
      line += fmt::format(" {}={}i", ref += frame.integer_series(i), frame.integers(i));
    }
    ref = 0;
    for (int i = 0; i < frame.doubles_size(); ++i) {
      line += fmt::format(" {}={}d", ref += frame.double_series(i), Number(frame.doubles(i)));
    }
    ref = 0;
    const v1::HistogramColumns& columns = frame.histograms();
    int bucket = 0;
    for (int i = 0; i < columns.series_size(); ++i) {
      line += fmt::format(" {}=[{};{};{}", ref += columns.series(i), columns.schema(i),
                          Number(columns.sum(i)), columns.zero_count(i));
      int32_t index = 0;
      for (uint32_t b = 0; b < columns.bucket_count(i); ++b, ++bucket) {
        index += columns.bucket_index(bucket);
        line += fmt::format(" {}:{}", index, columns.bucket_value(bucket));
      }
      line += "]h";
    }
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> AllFrames(const std::vector<SealedBatch>& batches) {
  std::vector<std::string> lines;
  for (const SealedBatch& batch : batches) {
    for (std::string& line : Frames(batch)) lines.push_back(std::move(line));
  }
  return lines;
}

class BatcherTest : public testing::Test {
 protected:
  double Refused(const std::string& reason) {
    for (const auto& family : registry_.Collect()) {
      if (family.name != "leadline_agent_export_samples_refused_total") continue;
      for (const auto& metric : family.metric) {
        if (metric.label[0].value == reason) return metric.counter.value;
      }
    }
    return -1;
  }

  prometheus::Registry registry_;
  Batcher batcher_{{}, registry_};
};

TEST_F(BatcherTest, HasNothingToSealAtFirst) { EXPECT_THAT(batcher_.Seal(), IsEmpty()); }

TEST_F(BatcherTest, DefinesOnceAndSealsColumnsInTheOrderOfRefs) {
  const EntityRef a = batcher_.DefineEntity(Container("a"));
  const SeriesRef s0 = batcher_.DefineSeries(kCounter, a, {{"syscall", "read"}});
  const SeriesRef s1 = batcher_.DefineSeries(kCounter, a, {{"syscall", "write"}});
  const SeriesRef s2 = batcher_.DefineSeries(kGauge, a, {});
  EXPECT_EQ(batcher_.DefineEntity(Container("a")), a);
  EXPECT_EQ(batcher_.DefineSeries(kCounter, a, {{"syscall", "write"}}), s1);
  batcher_.BeginFrame(1000);
  EXPECT_TRUE(batcher_.Add(s1, int64_t{-7}));
  EXPECT_TRUE(batcher_.Add(s2, 0.5));
  EXPECT_TRUE(batcher_.Add(s0, uint64_t{9}));
  batcher_.BeginFrame(2000);
  EXPECT_TRUE(batcher_.Add(s2, 4.0));
  auto batches = batcher_.Seal();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_EQ(batches[0].sequence, 1);
  EXPECT_EQ(batches[0].samples, 4);
  EXPECT_THAT(Frames(batches[0]), ElementsAre("1000: 0=9i 1=-7i 2=0.5d", "2000: 2=4i"));
  ASSERT_THAT(batches[0].changes.entities, SizeIs(1));
  EXPECT_EQ(*batches[0].changes.entities[0].entity, Container("a"));
  ASSERT_THAT(batches[0].changes.series, SizeIs(3));
  EXPECT_EQ(*batches[0].changes.series[0].key, (SeriesKey{kCounter, a, {{"syscall", "read"}}}));

  batcher_.BeginFrame(3000);
  EXPECT_TRUE(batcher_.Add(s0, uint64_t{10}));
  batches = batcher_.Seal();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_EQ(batches[0].sequence, 2);
  EXPECT_TRUE(batches[0].changes.empty());
}

TEST_F(BatcherTest, AChangedEntityIsAnotherVersionOfTheSameRef) {
  Entity entity = Container("a");
  const EntityRef ref = batcher_.DefineEntity(entity);
  batcher_.Seal();
  entity.labels.Set("pod", "web-1");
  EXPECT_EQ(batcher_.DefineEntity(entity), ref);
  const auto batches = batcher_.Seal();
  ASSERT_THAT(batches, SizeIs(1));  // though it has no samples
  EXPECT_THAT(Frames(batches[0]), IsEmpty());
  ASSERT_THAT(batches[0].changes.entities, SizeIs(1));
  EXPECT_EQ(*batches[0].changes.entities[0].entity, entity);
}

struct NumberCase {
  const char* name;
  double value;
  const char* sealed;
};
class Numbers : public BatcherTest, public testing::WithParamInterface<NumberCase> {};

TEST_P(Numbers, TakeTheShorterColumnThatIsExact) {
  const SeriesRef gauge = batcher_.DefineSeries(kGauge, batcher_.DefineEntity(Container("a")), {});
  batcher_.BeginFrame(1);
  EXPECT_TRUE(batcher_.Add(gauge, GetParam().value));
  EXPECT_THAT(AllFrames(batcher_.Seal()), ElementsAre(std::string("1: ") + GetParam().sealed));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Numbers,
    testing::Values(NumberCase{"zero", 0.0, "0=0i"}, NumberCase{"minus_zero", -0.0, "0=-0d"},
                    NumberCase{"whole", 1e9, "0=1000000000i"}, NumberCase{"half", 0.5, "0=0.5d"},
                    NumberCase{"largest_exact", 9007199254740992.0, "0=9007199254740992i"},
                    NumberCase{"larger", 1e300, "0=1e+300d"},
                    NumberCase{"infinite", std::numeric_limits<double>::infinity(), "0=infd"},
                    NumberCase{"nan", std::numeric_limits<double>::quiet_NaN(), "0=nand"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(BatcherTest, ACounterOverInt64IsADouble) {
  const SeriesRef counter =
      batcher_.DefineSeries(kCounter, batcher_.DefineEntity(Container("a")), {});
  batcher_.BeginFrame(1);
  EXPECT_TRUE(batcher_.Add(counter, uint64_t{1} << 63));
  EXPECT_THAT(AllFrames(batcher_.Seal()), ElementsAre("1: 0=9.223372036854776e+18d"));
}

TEST_F(BatcherTest, CountersBeginWithAZeroWhereCountingBegan) {
  const EntityRef a = batcher_.DefineEntity(Container("a"));
  const SeriesRef counter = batcher_.DefineSeries(kCounter, a, {}, 100);
  const SeriesRef gauge = batcher_.DefineSeries(kGauge, a, {}, 100);
  const SeriesRef histogram = batcher_.DefineSeries(kHistogram, a, {}, 200);
  const SeriesRef at_once = batcher_.DefineSeries(kCounter, a, {{"syscall", "read"}}, 1000);
  const HistogramBucket buckets[] = {{-3, 2}, {4, 0}, {5, 1}};
  batcher_.BeginFrame(1000);
  EXPECT_TRUE(batcher_.Add(counter, int64_t{5}));
  EXPECT_TRUE(batcher_.Add(gauge, int64_t{6}));
  EXPECT_TRUE(batcher_.AddHistogram(
      histogram, {.schema = 2, .sum = 8.5, .zero_count = 4, .buckets = buckets}));
  EXPECT_TRUE(batcher_.Add(at_once, int64_t{1}));
  batcher_.BeginFrame(2000);
  EXPECT_TRUE(batcher_.Add(counter, int64_t{6}));
  EXPECT_THAT(AllFrames(batcher_.Seal()),
              ElementsAre("100: 0=0i", "200: 2=[2;0;0]h",
                          "1000: 0=5i 1=6i 3=1i 2=[2;8.5;4 -3:2 5:1]h", "2000: 0=6i"));
}

TEST_F(BatcherTest, AnEndedEntitysSeriesGetAMarker) {
  Entity entity = Container("a");
  const EntityRef a = batcher_.DefineEntity(entity);
  const SeriesRef counter = batcher_.DefineSeries(kCounter, a, {});
  const SeriesRef histogram = batcher_.DefineSeries(kHistogram, a, {});
  batcher_.DefineSeries(kGauge, a, {});  // never sampled
  batcher_.BeginFrame(1000);
  EXPECT_TRUE(batcher_.Add(counter, int64_t{5}));
  EXPECT_TRUE(batcher_.AddHistogram(histogram, {.schema = 1, .sum = 1}));
  entity.end_ms = 1500;
  EXPECT_EQ(batcher_.DefineEntity(entity), a);
  EXPECT_EQ(batcher_.EndFrameMs(a), 1500);
  batcher_.BeginFrame(batcher_.EndFrameMs(a));
  EXPECT_TRUE(batcher_.Add(counter, int64_t{6}));
  batcher_.Forget(a);
  const auto batches = batcher_.Seal();
  EXPECT_THAT(AllFrames(batches),
              ElementsAre("1000: 0=5i 1=[1;1;0]h", "1500: 0=6i", "1501: 0=staled 1=[0;stale;0]h"));
  EXPECT_THAT(batches[0].changes.forgotten_entities, ElementsAre(a));
  EXPECT_THAT(batches[0].changes.forgotten_series, SizeIs(3));
}

TEST_F(BatcherTest, AnEndBeforeTheNewestSampleMovesBehindIt) {
  Entity entity = Container("a");
  const EntityRef a = batcher_.DefineEntity(entity);
  const SeriesRef counter = batcher_.DefineSeries(kCounter, a, {});
  batcher_.BeginFrame(2000);
  EXPECT_TRUE(batcher_.Add(counter, int64_t{5}));
  entity.end_ms = 1500;
  batcher_.DefineEntity(entity);
  EXPECT_EQ(batcher_.EndFrameMs(a), 2001);
  batcher_.Forget(a);
  EXPECT_THAT(AllFrames(batcher_.Seal()), ElementsAre("2000: 0=5i", "2001: 0=staled"));
}

TEST_F(BatcherTest, AnEntityWithoutAnEndGetsNoMarker) {
  const EntityRef a = batcher_.DefineEntity(Container("a"));
  const SeriesRef counter = batcher_.DefineSeries(kCounter, a, {});
  batcher_.BeginFrame(1000);
  EXPECT_TRUE(batcher_.Add(counter, int64_t{5}));
  batcher_.Forget(a);
  EXPECT_THAT(AllFrames(batcher_.Seal()), ElementsAre("1000: 0=5i"));
}

TEST_F(BatcherTest, RefsAreUsedAgainOnlyAfterTheirLastBatchIsAcknowledged) {
  const EntityRef a = batcher_.DefineEntity(Container("a"));
  const SeriesRef series = batcher_.DefineSeries(kCounter, a, {});
  batcher_.Seal();
  batcher_.Forget(a);
  const uint64_t last = batcher_.Seal().back().sequence;
  EXPECT_NE(batcher_.DefineEntity(Container("b")), a);
  batcher_.Acknowledged(last - 1);
  EXPECT_NE(batcher_.DefineEntity(Container("c")), a);
  batcher_.Acknowledged(last);
  const EntityRef d = batcher_.DefineEntity(Container("d"));
  EXPECT_EQ(d, a);
  EXPECT_EQ(batcher_.DefineSeries(kCounter, d, {}), series);
}

TEST_F(BatcherTest, AForgottenEntityThatComesBackIsDefinedAnew) {
  const EntityRef a = batcher_.DefineEntity(Container("a"));
  const SeriesRef series = batcher_.DefineSeries(kCounter, a, {});
  batcher_.Forget(a);
  const EntityRef again = batcher_.DefineEntity(Container("a"));
  EXPECT_NE(again, a);
  EXPECT_NE(batcher_.DefineSeries(kCounter, again, {}), series);
}

TEST_F(BatcherTest, WhatCannotBeTakenIsRefusedAndCounted) {
  const EntityRef a = batcher_.DefineEntity(Container("a"));
  const SeriesRef counter = batcher_.DefineSeries(kCounter, a, {});
  const SeriesRef histogram = batcher_.DefineSeries(kHistogram, a, {});
  EXPECT_FALSE(batcher_.Add(counter, int64_t{1}));
  EXPECT_EQ(Refused("no_frame"), 1);
  batcher_.BeginFrame(1000);
  EXPECT_TRUE(batcher_.Add(counter, int64_t{1}));
  EXPECT_FALSE(batcher_.Add(counter, int64_t{2}));
  batcher_.BeginFrame(999);
  EXPECT_FALSE(batcher_.Add(counter, 0.5));
  EXPECT_EQ(Refused("not_newer"), 2);
  EXPECT_FALSE(batcher_.Add(histogram, int64_t{1}));
  EXPECT_FALSE(batcher_.AddHistogram(counter, {}));
  EXPECT_EQ(Refused("wrong_type"), 1);  // the counter's sample at 1000 came first
  EXPECT_FALSE(batcher_.Add(SeriesRef(77), int64_t{1}));
  EXPECT_FALSE(batcher_.Add(batcher_.DefineSeries(kCounter, EntityRef(9), {}), int64_t{1}));
  batcher_.Forget(a);
  EXPECT_FALSE(batcher_.Add(counter, int64_t{3}));
  EXPECT_EQ(Refused("unknown_series"), 3);
  const HistogramBucket twice[] = {{3, 1}, {3, 1}};
  EXPECT_FALSE(batcher_.AddHistogram(histogram, {.buckets = twice}));
  EXPECT_FALSE(batcher_.AddHistogram(histogram, {.schema = 9}));
  EXPECT_FALSE(batcher_.AddHistogram(histogram, {.zero_threshold = -1}));
  EXPECT_EQ(Refused("invalid_histogram"), 3);
  EXPECT_THAT(AllFrames(batcher_.Seal()), ElementsAre("1000: 0=1i"));
}

TEST_F(BatcherTest, LargeIntervalsAreSplit) {
  constexpr size_t kLimit = 2000;
  prometheus::Registry registry;
  Batcher batcher({.max_batch_bytes = kLimit}, registry);
  const EntityRef a = batcher.DefineEntity(Container("a"));
  constexpr int kSeries = 500;
  std::vector<SeriesRef> counters;
  std::vector<SeriesRef> histograms;
  for (int i = 0; i < kSeries; ++i) {
    const LabelSet residual{{"syscall", std::to_string(i)}};
    counters.push_back(batcher.DefineSeries(kCounter, a, residual));
    histograms.push_back(batcher.DefineSeries(kHistogram, a, residual));
  }
  const HistogramBucket buckets[] = {{-300, 1}, {2, uint64_t{1} << 60}, {400, 3}};
  for (int64_t ts_ms : {1000, 2000}) {
    batcher.BeginFrame(ts_ms);
    for (int i = 0; i < kSeries; ++i) {
      EXPECT_TRUE(batcher.Add(counters[i], int64_t{i} << 40));
      EXPECT_TRUE(batcher.AddHistogram(histograms[i], {.schema = 2, .buckets = buckets}));
    }
  }
  const auto batches = batcher.Seal();
  EXPECT_GT(batches.size(), 10);
  uint64_t samples = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    EXPECT_EQ(batches[i].sequence, i + 1);
    EXPECT_LE(batches[i].wire.size(), kLimit);
    samples += batches[i].samples;
    // Definitions precede and forgetting follows everything.
    EXPECT_EQ(batches[i].changes.series.empty(), i != 0);
  }
  EXPECT_EQ(samples, 4 * kSeries);
  // All of it, each once.
  std::map<std::string, int> seen;
  for (const std::string& line : AllFrames(batches)) {
    const std::string ts = line.substr(0, line.find(':'));
    size_t begin = line.find(' ');
    while (begin != std::string::npos) {
      const size_t equals = line.find('=', begin);
      ++seen[ts + line.substr(begin, equals - begin)];
      const size_t next = line.find('=', equals + 1);
      begin = next == std::string::npos ? next : line.rfind(' ', next);
    }
  }
  EXPECT_EQ(seen.size(), 4 * kSeries);
}

}  // namespace
}  // namespace leadline::agent
