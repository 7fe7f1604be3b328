#include "collector/ingest/translate.h"

#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "collector/ingest/series_numbers.h"

namespace leadline::collector::ingest {
namespace {

using google::protobuf::RepeatedField;

class FrameReader {
 public:
  FrameReader(const v1::Frame& frame, const SessionTables& tables, SeriesNumbers& numbers,
              store::WriteBatch* batch)
      : frame_(frame), tables_(tables), numbers_(numbers), batch_(batch) {
    numbers_.BeginFrame();
  }

  MaybeRefusal ReadFloats() {
    if (auto refusal =
            CheckLength("integers", frame_.integers_size(), frame_.integer_series_size())) {
      return refusal;
    }
    if (auto refusal = CheckLength("doubles", frame_.doubles_size(), frame_.double_series_size())) {
      return refusal;
    }
    const int count = frame_.integers_size() + frame_.doubles_size();
    if (count == 0) return std::nullopt;
    store::FloatFrame& floats = batch_->floats.emplace_back();
    floats.ts_ms = frame_.timestamp_unix_ms();
    floats.series.reserve(static_cast<size_t>(count));
    floats.values.reserve(static_cast<size_t>(count));
    if (auto refusal = ReadRefs("integer_series", frame_.integer_series(), &floats.series)) {
      return refusal;
    }
    for (int64_t value : frame_.integers()) floats.values.push_back(static_cast<double>(value));
    if (auto refusal = ReadRefs("double_series", frame_.double_series(), &floats.series)) {
      return refusal;
    }
    floats.values.insert(floats.values.end(), frame_.doubles().begin(), frame_.doubles().end());
    return std::nullopt;
  }

  MaybeRefusal ReadHistograms() {
    const v1::HistogramColumns& columns = frame_.histograms();
    const int count = columns.series_size();
    for (const auto& [name, length] :
         {std::pair("schema", columns.schema_size()), std::pair("sum", columns.sum_size()),
          std::pair("zero_count", columns.zero_count_size()),
          std::pair("zero_threshold", columns.zero_threshold_size()),
          std::pair("bucket_count", columns.bucket_count_size())}) {
      if (auto refusal = CheckLength(name, length, count)) return refusal;
    }
    uint64_t buckets = 0;
    for (uint32_t bucket_count : columns.bucket_count()) buckets += bucket_count;
    if (buckets != static_cast<uint64_t>(columns.bucket_index_size()) ||
        buckets != static_cast<uint64_t>(columns.bucket_value_size())) {
      return Invalid(
          Reason::kColumns,
          fmt::format("{}: bucket_count has {} buckets, bucket_index {}, bucket_value {}", Where(),
                      buckets, columns.bucket_index_size(), columns.bucket_value_size()));
    }
    if (count == 0) return std::nullopt;

    store::HistogramFrame& frame = batch_->histograms.emplace_back();
    frame.ts_ms = frame_.timestamp_unix_ms();
    frame.series.reserve(static_cast<size_t>(count));
    frame.values.resize(static_cast<size_t>(count));
    if (auto refusal = ReadRefs("histograms.series", columns.series(), &frame.series)) {
      return refusal;
    }
    int bucket = 0;
    for (int i = 0; i < count; ++i) {
      if (auto refusal =
              ReadHistogram(columns, i, &bucket, &frame.values[static_cast<size_t>(i)])) {
        return refusal;
      }
    }
    return std::nullopt;
  }

 private:
  std::string Where() const { return fmt::format("frame at {} ms", frame_.timestamp_unix_ms()); }

  MaybeRefusal CheckLength(std::string_view column, int length, int expected) const {
    if (length == expected) return std::nullopt;
    return Invalid(Reason::kColumns, fmt::format("{}: column {} has {} values for {} series",
                                                 Where(), column, length, expected));
  }

  MaybeRefusal ReadRefs(std::string_view column, const RepeatedField<uint32_t>& differences,
                        std::vector<uint32_t>* indices) {
    uint64_t ref = 0;
    for (int i = 0; i < differences.size(); ++i) {
      if (i > 0 && differences[i] == 0) {
        return Invalid(Reason::kColumns,
                       fmt::format("{}: {} has series {} twice", Where(), column, ref));
      }
      ref += differences[i];
      const auto handle = ref <= std::numeric_limits<uint32_t>::max()
                              ? tables_.FindSeries(static_cast<uint32_t>(ref))
                              : std::nullopt;
      if (!handle) {
        return Invalid(
            Reason::kUnknownRef,
            fmt::format("{}: {} has series {}, which is not defined", Where(), column, ref));
      }
      const auto next = static_cast<uint32_t>(batch_->series.size());
      const auto number = numbers_.Take(static_cast<uint32_t>(ref), next);
      if (!number) {
        return Invalid(Reason::kColumns,
                       fmt::format("{}: series {} is in two columns", Where(), ref));
      }
      if (*number == next) batch_->series.push_back(*handle);
      indices->push_back(*number);
    }
    return std::nullopt;
  }

  // `bucket` is the histogram's first in the columns, and then the next one's.
  MaybeRefusal ReadHistogram(const v1::HistogramColumns& columns, int i, int* bucket,
                             model::NativeHistogram* histogram) const {
    const auto invalid = [&](std::string_view what) {
      return Invalid(Reason::kHistogram, fmt::format("{}: histogram {}: {}", Where(), i, what));
    };
    histogram->schema = columns.schema(i);
    histogram->sum = columns.sum(i);
    histogram->zero_count = columns.zero_count(i);
    histogram->zero_threshold = columns.zero_threshold(i);
    histogram->count = histogram->zero_count;
    if (histogram->schema < -4 || histogram->schema > 8) {
      return invalid(fmt::format("schema {} is not in -4 to 8", histogram->schema));
    }
    if (!(histogram->zero_threshold >= 0) || std::isinf(histogram->zero_threshold)) {
      return invalid(fmt::format("zero_threshold {}", histogram->zero_threshold));
    }
    if (columns.bucket_count(i) > kMaxHistogramBuckets) {
      return invalid(fmt::format("{} buckets, at most {} are taken", columns.bucket_count(i),
                                 kMaxHistogramBuckets));
    }
    const int end = *bucket + static_cast<int>(columns.bucket_count(i));
    histogram->positive.reserve(columns.bucket_count(i));
    int64_t index = 0;
    for (bool first = true; *bucket < end; ++*bucket, first = false) {
      const int32_t difference = columns.bucket_index(*bucket);
      const uint64_t value = columns.bucket_value(*bucket);
      if (!first && difference < 1) return invalid("bucket indices do not ascend");
      index += difference;
      if (index < -kMaxBucketIndex || index > kMaxBucketIndex) {
        return invalid(fmt::format("bucket index {}", index));
      }
      if (value == 0) return invalid(fmt::format("bucket {} is empty", index));
      if (__builtin_add_overflow(histogram->count, value, &histogram->count)) {
        return invalid("more than 2^64 observations");
      }
      histogram->positive.push_back({static_cast<int32_t>(index), value});
    }
    return std::nullopt;
  }

  const v1::Frame& frame_;
  const SessionTables& tables_;
  SeriesNumbers& numbers_;
  store::WriteBatch* const batch_;
};

MaybeRefusal CheckTimestamp(int64_t ts_ms, int64_t newest_ms) {
  if (ts_ms <= 0) {
    return Invalid(Reason::kTimestamp, fmt::format("timestamp {} ms is not positive", ts_ms));
  }
  if (ts_ms > newest_ms) {
    // It may be taken later, so this says nothing against the message.
    return Refusal{Reason::kTimestamp, absl::FailedPreconditionError(fmt::format(
                                           "timestamp {} ms is {} ms further ahead of the "
                                           "collector's clock than max-ahead allows; "
                                           "compare the clocks",
                                           ts_ms, ts_ms - newest_ms))};
  }
  return std::nullopt;
}

}  // namespace

MaybeRefusal Translate(const v1::Batch& message, int64_t newest_ms, SessionTables& tables,
                       store::WriteBatch* batch, uint64_t* samples) {
  batch->sequence = message.sequence();
  thread_local SeriesNumbers numbers;  // one for all sessions
  numbers.BeginBatch(static_cast<size_t>(message.frames_size()));
  *samples = 0;
  for (const v1::Frame& frame : message.frames()) {
    if (auto refusal = CheckTimestamp(frame.timestamp_unix_ms(), newest_ms)) return refusal;
    FrameReader reader(frame, tables, numbers, batch);
    if (auto refusal = reader.ReadFloats()) return refusal;
    if (auto refusal = reader.ReadHistograms()) return refusal;
    *samples += static_cast<uint64_t>(frame.integers_size()) +
                static_cast<uint64_t>(frame.doubles_size()) +
                static_cast<uint64_t>(frame.histograms().series_size());
  }
  batch->entities = tables.TakeVersions();
  return std::nullopt;
}

}  // namespace leadline::collector::ingest
