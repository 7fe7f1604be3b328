#include "collector/store/head/head.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::head {
namespace {

constexpr std::string_view kTenant = "t";
constexpr int64_t kT0 = 1'700'006'400'000;
constexpr int kSeries = 300;

model::NativeHistogram Histogram(int buckets, uint64_t count) {
  model::NativeHistogram histogram;
  histogram.schema = 3;
  histogram.sum = 0.1 * static_cast<double>(count);
  for (int i = 0; i < buckets; ++i) {
    histogram.positive.push_back({i, 1000 + count});
    histogram.count += 1000 + count;
  }
  return histogram;
}

std::vector<SeriesHandle> ResolveAll(Head& head) {
  std::vector<model::SeriesDefinition> series;
  for (int i = 0; i < kSeries; ++i) series.push_back({"m", HashId({std::to_string(i)}), {}});
  return head.Resolve(kTenant, series);
}

void Append(Head& head, const std::vector<SeriesHandle>& handles, int number, int buckets) {
  WriteBatch batch;
  batch.series = handles;
  std::vector<uint32_t> all(handles.size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  const int64_t ts_ms = kT0 + number * int64_t{10'000};
  if (buckets > 0) {
    const auto value = Histogram(buckets, static_cast<uint64_t>(number));
    batch.histograms.push_back({ts_ms, all, std::vector(all.size(), value)});
  } else {
    batch.floats.push_back({ts_ms, all, std::vector<double>(all.size(), number)});
  }
  head.Append(kTenant, batch, 0);
}

// What waits for a flush of the first shard is bounded with the samples that do.
TEST(Head, CountsRecordsAmongWhatWaitsForAFlush) {
  Head head(4);
  WriteBatch batch;
  batch.records = {{model::RecordTable::kExemplars, "key", kT0, std::string(1000, 'x')}};
  head.Append(kTenant, batch, 0);
  EXPECT_GT(head.sample_bytes(), 1000u);
  head.Freeze(Head::kRecordShard);
  EXPECT_GT(head.sample_bytes(), 1000u);
  head.DropFrozen(Head::kRecordShard, {});
  EXPECT_EQ(head.sample_bytes(), 0u);
}

// Histograms have many bytes in their first sample, which is no reason to flush them at once: what
// comes after it is measured by it.
TEST(Head, KnowsWhatFirstSamplesTake) {
  for (const int buckets : {0, 8, 160}) {
    Head head(4);
    EXPECT_EQ(head.first_sample_bytes(), 0u);
    const std::vector<SeriesHandle> handles = ResolveAll(head);
    Append(head, handles, 0, buckets);
    const uint64_t first = head.first_sample_bytes();
    EXPECT_GE(first, kSeries * 40u + kSeries * static_cast<uint64_t>(buckets) * 16);
    EXPECT_GE(head.sample_bytes(), first);
    EXPECT_LT(head.sample_bytes(), first * 3 / 2) << buckets << " buckets";
    int number = 1;
    for (; number < 1000 && head.sample_bytes() < 2 * first; ++number) {
      Append(head, handles, number, buckets);
    }
    EXPECT_LT(number, 1000);
    EXPECT_GT(number, 4);
    EXPECT_EQ(head.first_sample_bytes(), first);
    // A shard that was flushed will take as much again.
    for (size_t shard = 0; shard < head.shard_count(); ++shard) {
      head.Freeze(shard);
      EXPECT_EQ(head.first_sample_bytes(), first);
      head.DropFrozen(shard, {});
      EXPECT_EQ(head.first_sample_bytes(), first);
    }
    EXPECT_EQ(head.sample_bytes(), 0u);
    Append(head, handles, number, buckets);
    EXPECT_GE(head.first_sample_bytes(), first);
  }
}

// A definition's shard is the same however it is told.
TEST(Head, FindsTheShardOfViewsAsOfDefinitions) {
  const std::vector<model::SeriesDefinition> series = {
      {"m", HashId({"e"}), LabelSet({{"a", "b"}})},
      {"m", Id128(), LabelSet({{"instance", "i"}, {"job", "j"}})},
      {"m", Id128(), LabelSet({{"instance", "i"}})},
      {"m", Id128(), LabelSet({{"a", "b"}, {"le", "5"}})},
      {"m", Id128(), {}},
  };
  for (const model::SeriesDefinition& one : series) {
    std::vector<index::LabelView> labels;
    for (const Label& label : one.residual) labels.push_back({label.name, label.value});
    for (const size_t shards : {1, 7, 64}) {
      Head head(shards);
      const size_t shard = Head::ShardOf(one.metric, one.entity, labels, shards);
      EXPECT_EQ(shard, Head::ShardOf(one, shards)) << one.residual.ToString();
      const index::DefinitionKey key(one.metric, one.entity, labels);
      const auto handles = head.AddSeries(shard, kTenant, {index::Intern(key)});
      EXPECT_EQ(handles, head.Resolve(kTenant, {&one, 1}));
      EXPECT_EQ(head.AddSeries(shard, kTenant, {index::Intern(key)}), handles) << "known";
    }
  }
}

}  // namespace
}  // namespace leadline::collector::store::head
