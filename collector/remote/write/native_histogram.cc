#include "collector/remote/write/native_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "collector/remote/wire/histogram_fields.h"
#include "collector/remote/wire/reader.h"
#include "collector/remote/write/limits.h"

namespace leadline::collector::remote::write {
namespace {

using model::NativeHistogram;
using wire::ForEachNumber;
using wire::Reader;
using wire::WireType;
namespace histogram_field = wire::histogram_field;

constexpr int32_t kMinSchema = -4;
constexpr int32_t kMaxSchema = 8;
// Finer ones, up to what a float can tell apart, are joined to kMaxSchema (Prometheus pull 17189).
constexpr int32_t kFinestSchema = 52;

struct Span {
  int32_t offset = 0;  // from the end of the one before; of the first, from 0
  uint32_t length = 0;
};

// The buckets of one sign, as they come: either differences of whole numbers or floats.
struct Side {
  std::vector<Span> spans;
  std::vector<int64_t> deltas;
  std::vector<double> counts;
};

struct Parsed {
  int32_t schema = 0;
  uint64_t reset_hint = 0;
  double zero_threshold = 0;
  double sum = 0;
  uint64_t count = 0;
  uint64_t zero_count = 0;
  // Set where the count, or the zero bucket's, came as a float.
  std::optional<double> count_float;
  std::optional<double> zero_count_float;
  Side positive;
  Side negative;
  std::vector<double> custom_bounds;
};

bool ParseSpan(std::string_view message, Span& span) {
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(histogram_field::kSpanOffset, WireType::kVarint))
      span.offset = reader.AsZigZag32();
    if (reader.Is(histogram_field::kSpanLength, WireType::kVarint)) span.length = reader.AsUint32();
  }
  return reader.ok();
}

bool ParseSide(const Reader& reader, uint32_t spans, uint32_t deltas, uint32_t counts, Side& side) {
  if (reader.Is(spans, WireType::kLength)) {
    return ParseSpan(reader.bytes(), side.spans.emplace_back());
  }
  if (reader.field() == deltas) {
    return ForEachNumber(reader, WireType::kVarint,
                         [&](const Reader& number) { side.deltas.push_back(number.AsZigZag()); });
  }
  if (reader.field() == counts) {
    return ForEachNumber(reader, WireType::kFixed64,
                         [&](const Reader& number) { side.counts.push_back(number.AsDouble()); });
  }
  return true;
}

void ParseNumber(const Reader& reader, Parsed& parsed) {
  if (reader.type() == WireType::kVarint) {
    switch (reader.field()) {
      case histogram_field::kCountInt:
        parsed.count = reader.number();
        parsed.count_float.reset();  // one of the two, the last that came
        break;
      case histogram_field::kZeroCountInt:
        parsed.zero_count = reader.number();
        parsed.zero_count_float.reset();
        break;
      case histogram_field::kSchema:
        parsed.schema = reader.AsZigZag32();
        break;
      case histogram_field::kResetHint:
        parsed.reset_hint = reader.number();
        break;
      default:
        break;
    }
  } else if (reader.type() == WireType::kFixed64) {
    switch (reader.field()) {
      case histogram_field::kCountFloat:
        parsed.count_float = reader.AsDouble();
        break;
      case histogram_field::kZeroCountFloat:
        parsed.zero_count_float = reader.AsDouble();
        break;
      case histogram_field::kSum:
        parsed.sum = reader.AsDouble();
        break;
      case histogram_field::kZeroThreshold:
        parsed.zero_threshold = reader.AsDouble();
        break;
      default:
        break;
    }
  }
}

// --- What it means ---

// Turns deltas or float counts into `absolute` ones; floats as their bits.
std::string AbsoluteCounts(const Side& side, bool is_float, std::string_view sign,
                           std::vector<uint64_t>& absolute) {
  if (is_float) {
    for (const double value : side.counts) {
      if (value < 0) {
        return fmt::format(
            "{} bucket number {} has an observation count of {}, which must not be "
            "negative",
            sign, absolute.size() + 1, value);
      }
      absolute.push_back(value == 0 ? 0 : model::FloatCount(value));
    }
    return "";
  }
  int64_t count = 0;
  for (const int64_t delta : side.deltas) {
    if (__builtin_add_overflow(count, delta, &count) || count < 0) {
      return fmt::format("{} bucket number {} has an observation count below 0 or above 2^63", sign,
                         absolute.size() + 1);
    }
    absolute.push_back(static_cast<uint64_t>(count));
  }
  return "";
}

// Adds to the last bucket, if that has the index. Whole numbers are all in `total`, which fits.
void AddBucket(int32_t index, uint64_t count, bool is_float,
               std::vector<NativeHistogram::Bucket>& buckets) {
  if (buckets.empty() || buckets.back().index != index) {
    buckets.push_back({index, count});
  } else if (is_float) {
    uint64_t& sum = buckets.back().count;
    sum = model::FloatCount(std::bit_cast<double>(sum) + std::bit_cast<double>(count));
  } else {
    buckets.back().count += count;
  }
}

// 2^`joined_bits` buckets become one. `total`: of whole numbers.
std::string ToBuckets(const Side& side, bool is_float, int joined_bits, std::string_view sign,
                      std::vector<NativeHistogram::Bucket>& buckets, uint64_t& total) {
  std::vector<uint64_t> counts;
  if (std::string error = AbsoluteCounts(side, is_float, sign, counts); !error.empty())
    return error;
  if (counts.size() > kMaxHistogramBuckets) {
    return fmt::format("{} {} buckets, at most {} are taken", counts.size(), sign,
                       kMaxHistogramBuckets);
  }
  size_t at = 0;
  int64_t index = 0;
  for (size_t i = 0; i < side.spans.size(); ++i) {
    const Span& span = side.spans[i];
    if (i > 0 && span.offset < 0) {
      return fmt::format("{} side, span number {} with offset {}: span offset must not be negative",
                         sign, i + 1, span.offset);
    }
    index += span.offset;
    if (span.length > counts.size() - at) break;
    for (uint32_t j = 0; j < span.length; ++j, ++at, ++index) {
      if (index != static_cast<int32_t>(index)) {
        return fmt::format("{} bucket index {} is out of range", sign, index);
      }
      if (counts[at] == 0) continue;
      if (!is_float && __builtin_add_overflow(total, counts[at], &total)) {
        return "more than 2^64 observations";
      }
      // Bucket i ends at the power i of the base (and has it).
      const int64_t joined = joined_bits == 0 ? index : ((index - 1) >> joined_bits) + 1;
      AddBucket(static_cast<int32_t>(joined), counts[at], is_float, buckets);
    }
  }
  uint64_t needed = 0;
  for (const Span& span : side.spans) needed += span.length;
  if (needed != counts.size()) {
    return fmt::format("{} side: spans need {} buckets, have {} buckets", sign, needed,
                       counts.size());
  }
  return "";
}

// What only histograms with custom buckets may have, and what they may not.
std::string CheckCustomBuckets(const NativeHistogram& histogram) {
  const std::vector<double>& bounds = histogram.custom_bounds;
  if (histogram.schema != model::kCustomBuckets) {
    return bounds.empty() ? "" : "histogram with exponential buckets must not have custom bounds";
  }
  if (histogram.zero_threshold != 0 || histogram.AsDouble(histogram.zero_count) != 0 ||
      !histogram.negative.empty()) {
    return "custom buckets: must have neither a zero bucket nor negative buckets";
  }
  if (bounds.size() > kMaxHistogramBuckets) {
    return fmt::format("custom buckets: {} bounds, at most {} are taken", bounds.size(),
                       kMaxHistogramBuckets);
  }
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isfinite(bounds[i])) return "custom buckets: bounds must be finite";
    if (i > 0 && !(bounds[i] > bounds[i - 1])) {
      return fmt::format("custom buckets: bound {} is not above {}", bounds[i], bounds[i - 1]);
    }
  }
  for (const NativeHistogram::Bucket& bucket : histogram.positive) {
    if (bucket.index >= 0 && static_cast<size_t>(bucket.index) <= bounds.size()) continue;
    return fmt::format("custom buckets: no bucket {} with {} bounds", bucket.index, bounds.size());
  }
  return "";
}

std::string ToModel(const Parsed& parsed, NativeHistogram& histogram) {
  histogram.sum = parsed.sum;
  if (model::IsStaleNan(parsed.sum)) return "";
  const bool is_exponential = parsed.schema >= kMinSchema && parsed.schema <= kFinestSchema;
  if (!is_exponential && parsed.schema != model::kCustomBuckets) {
    return fmt::format("histogram has schema {}, which is neither in {} to {} nor {}",
                       parsed.schema, kMinSchema, kFinestSchema, model::kCustomBuckets);
  }
  histogram.schema = std::min(parsed.schema, kMaxSchema);
  const int joined_bits = std::min(parsed.schema - histogram.schema, 31);
  histogram.custom_bounds = parsed.custom_bounds;
  if (parsed.reset_hint <= static_cast<uint64_t>(model::ResetHint::kGauge)) {
    histogram.reset_hint = static_cast<model::ResetHint>(parsed.reset_hint);
  }
  if (!(parsed.zero_threshold >= 0) || std::isinf(parsed.zero_threshold)) {
    return fmt::format("histogram has a zero threshold of {}", parsed.zero_threshold);
  }
  histogram.zero_threshold = parsed.zero_threshold;
  histogram.count = parsed.count;
  histogram.zero_count = parsed.zero_count;
  const bool is_float = parsed.count_float.has_value();
  if (is_float) {
    histogram.float_counts = true;
    histogram.count = model::FloatCount(*parsed.count_float);
    histogram.zero_count = model::FloatCount(parsed.zero_count_float.value_or(0));
  }
  uint64_t total = histogram.zero_count;  // of all buckets
  if (std::string error =
          ToBuckets(parsed.positive, is_float, joined_bits, "positive", histogram.positive, total);
      !error.empty()) {
    return error;
  }
  if (std::string error =
          ToBuckets(parsed.negative, is_float, joined_bits, "negative", histogram.negative, total);
      !error.empty()) {
    return error;
  }
  if (std::string error = CheckCustomBuckets(histogram); !error.empty()) return error;
  // Floats add up to about the count at best.
  if (is_float) return "";
  // Observations of NaN are in the count and in no bucket.
  const bool fits = std::isnan(parsed.sum) ? histogram.count >= total : histogram.count == total;
  if (!fits) {
    return fmt::format("{} observations found in buckets, but the Count field is {}", total,
                       histogram.count);
  }
  return "";
}

}  // namespace

bool ParseHistogram(std::string_view message, HistogramSample& sample) {
  Parsed parsed;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(histogram_field::kTimestamp, WireType::kVarint)) {
      sample.ts_ms = reader.AsInt64();
    } else if (reader.Is(histogram_field::kStartTimestamp, WireType::kVarint)) {
      sample.start_ms = reader.AsInt64();
    } else if (reader.field() == histogram_field::kCustomValues) {
      const auto add = [&](const Reader& bound) {
        parsed.custom_bounds.push_back(bound.AsDouble());
      };
      if (!ForEachNumber(reader, WireType::kFixed64, add)) return false;
    } else if (!ParseSide(reader, histogram_field::kPositiveSpans, histogram_field::kPositiveDeltas,
                          histogram_field::kPositiveCounts, parsed.positive) ||
               !ParseSide(reader, histogram_field::kNegativeSpans, histogram_field::kNegativeDeltas,
                          histogram_field::kNegativeCounts, parsed.negative)) {
      return false;
    } else {
      ParseNumber(reader, parsed);
    }
  }
  if (!reader.ok()) return false;
  sample.error = ToModel(parsed, sample.value);
  return true;
}

}  // namespace leadline::collector::remote::write
