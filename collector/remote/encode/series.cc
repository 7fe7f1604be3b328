#include "collector/remote/encode/series.h"

#include <bit>
#include <vector>

#include "collector/remote/wire/histogram_fields.h"
#include "collector/remote/wire/writer.h"

namespace leadline::collector::remote::encode {
namespace {

using model::NativeHistogram;
namespace histogram_field = wire::histogram_field;

constexpr uint32_t kLabelName = 1;
constexpr uint32_t kLabelValue = 2;
constexpr uint32_t kSampleValue = 1;
constexpr uint32_t kSampleTimestamp = 2;

// A gap of so few empty buckets is cheaper as counts than as a span.
constexpr int64_t kMaxBridged = 2;

void AppendSpan(uint32_t field, int64_t offset, uint64_t length, std::string& out) {
  std::string span;
  wire::AppendZigZag(histogram_field::kSpanOffset, offset, span);
  wire::AppendNumber(histogram_field::kSpanLength, length, span);
  wire::AppendBytes(field, span, out);
}

// Fields of the buckets of one sign.
struct SideFields {
  uint32_t spans = 0;
  uint32_t deltas = 0;
  uint32_t counts = 0;  // as floats, not as differences
};
constexpr SideFields kNegative = {histogram_field::kNegativeSpans, histogram_field::kNegativeDeltas,
                                  histogram_field::kNegativeCounts};
constexpr SideFields kPositive = {histogram_field::kPositiveSpans, histogram_field::kPositiveDeltas,
                                  histogram_field::kPositiveCounts};

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
  append_count(histogram_field::kCountInt, histogram_field::kCountFloat, histogram.count);
  wire::AppendDouble(histogram_field::kSum, histogram.sum, message);
  wire::AppendZigZag(histogram_field::kSchema, histogram.schema, message);
  wire::AppendDouble(histogram_field::kZeroThreshold, histogram.zero_threshold, message);
  append_count(histogram_field::kZeroCountInt, histogram_field::kZeroCountFloat,
               histogram.zero_count);
  AppendBuckets(histogram.negative, float_counts, kNegative, message);
  AppendBuckets(histogram.positive, float_counts, kPositive, message);
  wire::AppendNumber(histogram_field::kResetHint, static_cast<uint64_t>(histogram.reset_hint),
                     message);
  wire::AppendInt64(histogram_field::kTimestamp, ts_ms, message);
  if (!histogram.custom_bounds.empty()) {
    std::string bounds;
    for (const double bound : histogram.custom_bounds) {
      AppendFixed64(std::bit_cast<uint64_t>(bound), bounds);
    }
    wire::AppendBytes(histogram_field::kCustomValues, bounds, message);
  }
  wire::AppendBytes(field, message, out);
}

}  // namespace leadline::collector::remote::encode
