#include "collector/remote/encode/series.h"

#include <bit>
#include <vector>

#include "collector/remote/wire/writer.h"

namespace leadline::collector::remote::encode {
namespace {

using model::NativeHistogram;

constexpr uint32_t kLabelName = 1;
constexpr uint32_t kLabelValue = 2;
constexpr uint32_t kSampleValue = 1;
constexpr uint32_t kSampleTimestamp = 2;
constexpr uint32_t kCountInt = 1;
constexpr uint32_t kCountFloat = 2;
constexpr uint32_t kSum = 3;
constexpr uint32_t kSchema = 4;
constexpr uint32_t kZeroThreshold = 5;
constexpr uint32_t kZeroCountInt = 6;
constexpr uint32_t kZeroCountFloat = 7;
constexpr uint32_t kNegativeSpans = 8;
constexpr uint32_t kNegativeDeltas = 9;
constexpr uint32_t kNegativeCounts = 10;
constexpr uint32_t kPositiveSpans = 11;
constexpr uint32_t kPositiveDeltas = 12;
constexpr uint32_t kPositiveCounts = 13;
constexpr uint32_t kResetHint = 14;
constexpr uint32_t kTimestamp = 15;
constexpr uint32_t kCustomValues = 16;
constexpr uint32_t kSpanOffset = 1;
constexpr uint32_t kSpanLength = 2;

// A gap of so few empty buckets is cheaper as counts than as a span.
constexpr int64_t kMaxBridged = 2;

void AppendSpan(uint32_t field, int64_t offset, uint64_t length, std::string& out) {
  std::string span;
  wire::AppendZigZag(kSpanOffset, offset, span);
  wire::AppendNumber(kSpanLength, length, span);
  wire::AppendBytes(field, span, out);
}

// Fields of the buckets of one sign.
struct SideFields {
  uint32_t spans = 0;
  uint32_t deltas = 0;
  uint32_t counts = 0;  // as floats, not as differences
};
constexpr SideFields kNegative = {kNegativeSpans, kNegativeDeltas, kNegativeCounts};
constexpr SideFields kPositive = {kPositiveSpans, kPositiveDeltas, kPositiveCounts};

void AppendBuckets(const std::vector<NativeHistogram::Bucket>& buckets, bool float_counts,
                   const SideFields& fields, std::string& out) {
  if (buckets.empty()) return;
  std::string counts;
  uint64_t previous = 0;
  const auto add_count = [&](uint64_t count) {
    if (float_counts) return AppendFixed64(count, counts);
    AppendSigned(static_cast<int64_t>(count - previous), counts);
    previous = count;
  };
  int64_t offset = buckets.front().index;
  int64_t next = offset;  // the index behind the span
  uint64_t length = 0;
  for (const NativeHistogram::Bucket& bucket : buckets) {
    const int64_t gap = bucket.index - next;
    if (gap > kMaxBridged) {
      AppendSpan(fields.spans, offset, length, out);
      offset = gap;
      length = 0;
    } else {
      for (int64_t i = 0; i < gap; ++i, ++length) add_count(0);
    }
    add_count(bucket.count);
    ++length;
    next = int64_t{bucket.index} + 1;
  }
  AppendSpan(fields.spans, offset, length, out);
  wire::AppendBytes(float_counts ? fields.counts : fields.deltas, counts, out);
}

}  // namespace

void AppendLabels(uint32_t field, const LabelSet& labels, std::string& out) {
  for (const Label& label : labels) {
    const size_t size = 1 + wire::VarintBytes(label.name.size()) + label.name.size() + 1 +
                        wire::VarintBytes(label.value.size()) + label.value.size();
    wire::AppendTag(field, wire::WireType::kLength, out);
    AppendVarint(size, out);
    wire::AppendBytes(kLabelName, label.name, out);
    wire::AppendBytes(kLabelValue, label.value, out);
  }
}

void AppendSample(uint32_t field, int64_t ts_ms, double value, std::string& out) {
  wire::AppendTag(field, wire::WireType::kLength, out);
  AppendVarint(1 + 8 + 1 + wire::VarintBytes(static_cast<uint64_t>(ts_ms)), out);
  wire::AppendDouble(kSampleValue, value, out);
  wire::AppendInt64(kSampleTimestamp, ts_ms, out);
}

void AppendHistogram(uint32_t field, int64_t ts_ms, const NativeHistogram& histogram,
                     std::string& out) {
  std::string message;
  const bool float_counts = histogram.float_counts;
  const auto append_count = [&](uint32_t whole, uint32_t as_float, uint64_t count) {
    if (float_counts) {
      wire::AppendDouble(as_float, std::bit_cast<double>(count), message);
    } else {
      wire::AppendNumber(whole, count, message);
    }
  };
  append_count(kCountInt, kCountFloat, histogram.count);
  wire::AppendDouble(kSum, histogram.sum, message);
  wire::AppendZigZag(kSchema, histogram.schema, message);
  wire::AppendDouble(kZeroThreshold, histogram.zero_threshold, message);
  append_count(kZeroCountInt, kZeroCountFloat, histogram.zero_count);
  AppendBuckets(histogram.negative, float_counts, kNegative, message);
  AppendBuckets(histogram.positive, float_counts, kPositive, message);
  wire::AppendNumber(kResetHint, static_cast<uint64_t>(histogram.reset_hint), message);
  wire::AppendInt64(kTimestamp, ts_ms, message);
  if (!histogram.custom_bounds.empty()) {
    std::string bounds;
    for (const double bound : histogram.custom_bounds) {
      AppendFixed64(std::bit_cast<uint64_t>(bound), bounds);
    }
    wire::AppendBytes(kCustomValues, bounds, message);
  }
  wire::AppendBytes(field, message, out);
}

}  // namespace leadline::collector::remote::encode
