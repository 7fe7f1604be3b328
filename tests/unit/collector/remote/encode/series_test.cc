// What is encoded reads back the same: by Protocol Buffers' parser, and by ours of write requests.
#include "collector/remote/encode/series.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/remote/wire/reader.h"
#include "collector/remote/write/native_histogram.h"
#include "prometheus/write_v1.pb.h"

namespace leadline::collector::remote::encode {
namespace {

TEST(Series, IsTheMessage) {
  std::string bytes;
  const LabelSet labels({{"__name__", "up"}, {"long", std::string(300, 'x')}});
  AppendLabels(1, labels, bytes);
  AppendSample(2, 1'700'000'000'000, -0.0, bytes);
  AppendSample(2, -5, 2.5, bytes);
  leadline::test::v1::TimeSeries series;
  ASSERT_TRUE(series.ParseFromString(bytes));
  ASSERT_EQ(series.labels_size(), 2);
  EXPECT_EQ(series.labels(0).name(), "__name__");
  EXPECT_EQ(series.labels(0).value(), "up");
  EXPECT_EQ(series.labels(1).value(), std::string(300, 'x'));
  ASSERT_EQ(series.samples_size(), 2);
  EXPECT_EQ(series.samples(0).timestamp(), 1'700'000'000'000);
  EXPECT_TRUE(std::signbit(series.samples(0).value()));
  EXPECT_EQ(series.samples(1).timestamp(), -5);
  EXPECT_EQ(series.samples(1).value(), 2.5);
  EXPECT_EQ(series.ByteSizeLong(), bytes.size());
}

std::vector<model::NativeHistogram::Bucket> RandomBuckets(std::mt19937_64& random, int32_t index) {
  std::vector<model::NativeHistogram::Bucket> buckets;
  for (size_t i = random() % 10; i > 0; --i) {
    buckets.push_back({index, 1 + random() % 1000});
    index += 1 + static_cast<int32_t>(random() % 5);
  }
  return buckets;
}

model::NativeHistogram RandomHistogram(std::mt19937_64& random) {
  model::NativeHistogram histogram;
  const bool custom = random() % 4 == 0;
  histogram.schema = custom ? model::kCustomBuckets : static_cast<int32_t>(random() % 13) - 4;
  histogram.reset_hint = static_cast<model::ResetHint>(random() % 4);
  histogram.sum = static_cast<double>(random()) / 3;
  histogram.positive =
      RandomBuckets(random, custom ? 0 : static_cast<int32_t>(random() % 100) - 50);
  if (custom) {
    for (int i = 0; i < 60; ++i) histogram.custom_bounds.push_back(i / 4.0);
  } else {
    histogram.zero_threshold = 0.25;
    histogram.zero_count = random() % 10;
    histogram.negative = RandomBuckets(random, -3);
  }
  histogram.count = histogram.zero_count;
  for (const auto& bucket : histogram.positive) histogram.count += bucket.count;
  for (const auto& bucket : histogram.negative) histogram.count += bucket.count;
  if (random() % 2 == 0) return histogram;
  histogram.float_counts = true;
  const auto third = [](uint64_t& count) {
    count = model::FloatCount(static_cast<double>(count) / 3);
  };
  third(histogram.zero_count);
  third(histogram.count);
  for (auto& bucket : histogram.positive) third(bucket.count);
  for (auto& bucket : histogram.negative) third(bucket.count);
  return histogram;
}

TEST(Histogram, ReadsBackTheSame) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const model::NativeHistogram histogram = RandomHistogram(random);
    std::string field;
    AppendHistogram(4, i, histogram, field);
    wire::Reader reader(field);
    ASSERT_TRUE(reader.Next());
    write::HistogramSample read;
    ASSERT_TRUE(write::ParseHistogram(reader.bytes(), read));
    ASSERT_EQ(read.error, "") << i;
    EXPECT_EQ(read.ts_ms, i);
    EXPECT_EQ(read.value, histogram) << i;
    EXPECT_FALSE(reader.Next());
    leadline::test::v1::Histogram theirs;
    EXPECT_TRUE(theirs.ParseFromString(std::string(reader.bytes())));
    EXPECT_EQ(theirs.count_case(), histogram.float_counts
                                       ? leadline::test::v1::Histogram::kCountFloat
                                       : leadline::test::v1::Histogram::kCountInt);
    EXPECT_EQ(theirs.count_int() + theirs.count_float(), histogram.AsDouble(histogram.count));
  }
}

TEST(Histogram, KeepsTheStalenessMarker) {
  std::string field;
  AppendHistogram(4, 1, {.sum = model::StaleNan()}, field);
  wire::Reader reader(field);
  ASSERT_TRUE(reader.Next());
  write::HistogramSample read;
  ASSERT_TRUE(write::ParseHistogram(reader.bytes(), read));
  EXPECT_EQ(read.error, "");
  EXPECT_TRUE(model::IsStaleNan(read.value.sum));
}

}  // namespace
}  // namespace leadline::collector::remote::encode
