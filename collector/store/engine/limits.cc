#include "collector/store/engine/limits.h"

#include <cmath>

#include <fmt/format.h>

#include "collector/store/chunk/sealed_chunk.h"
#include "collector/store/chunk/window_time.h"
#include "collector/store/log/record.h"
#include "collector/store/record/rows.h"
#include "collector/store/tenant_limits.h"
#include "collector/store/window/keys.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckLabels(const LabelSet& labels, std::string_view whose) {
  if (labels.size() > kMaxLabels) {
    return Invalid("{} has {} labels; the limit is {}", whose, labels.size(), kMaxLabels);
  }
  for (const Label& label : labels) {
    if (label.name.empty()) return Invalid("{} has a label without a name", whose);
    if (label.name.size() > kMaxLabelNameBytes) {
      return Invalid("{} has a label name of {} bytes; the limit is {}", whose, label.name.size(),
                     kMaxLabelNameBytes);
    }
    if (label.value.size() > kMaxLabelValueBytes) {
      return Invalid("label {} of {} has a value of {} bytes; the limit is {}", label.name, whose,
                     label.value.size(), kMaxLabelValueBytes);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEntity(const model::EntityVersion& version) {
  const std::string whose = fmt::format("entity {}", version.id.ToHex());
  LL_RETURN_IF_ERROR(CheckLabels(version.labels, whose));
  LL_RETURN_IF_ERROR(CheckLabels(version.kubernetes_labels, whose));
  if (version.end_ms < version.start_ms) {
    return Invalid("{} ends at {} ms, before its start at {} ms", whose, version.end_ms,
                   version.start_ms);
  }
  return absl::OkStatus();
}

absl::Status CheckBuckets(const model::NativeHistogram& histogram,
                          const std::vector<model::NativeHistogram::Bucket>& buckets) {
  if (buckets.size() > chunk::kMaxHistogramBuckets) {
    return Invalid("a histogram has {} buckets of one sign; the limit is {}", buckets.size(),
                   chunk::kMaxHistogramBuckets);
  }
  for (size_t i = 0; i < buckets.size(); ++i) {
    const double count = histogram.AsDouble(buckets[i].count);
    if (count == 0) return Invalid("bucket {} of a histogram is empty", buckets[i].index);
    if (count < 0) {
      return Invalid("bucket {} of a histogram has {} observations", buckets[i].index, count);
    }
    if (i > 0 && buckets[i].index <= buckets[i - 1].index) {
      return Invalid("bucket {} of a histogram comes after bucket {}", buckets[i].index,
                     buckets[i - 1].index);
    }
  }
  return absl::OkStatus();
}

// Bounds of buckets that are named where, and only where, the schema says so.
absl::Status CheckCustomBuckets(const model::NativeHistogram& histogram) {
  const std::vector<double>& bounds = histogram.custom_bounds;
  if (histogram.schema != model::kCustomBuckets) {
    if (bounds.empty()) return absl::OkStatus();
    return Invalid("a histogram of schema {} has custom bounds", histogram.schema);
  }
  if (bounds.size() > chunk::kMaxHistogramBuckets) {
    return Invalid("a histogram has {} custom bounds; the limit is {}", bounds.size(),
                   chunk::kMaxHistogramBuckets);
  }
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isfinite(bounds[i])) {
      return Invalid("custom bound {} of a histogram is not finite", bounds[i]);
    }
    if (i > 0 && bounds[i] <= bounds[i - 1]) {
      return Invalid("custom bound {} of a histogram comes after {}", bounds[i], bounds[i - 1]);
    }
  }
  if (!histogram.negative.empty() || histogram.AsDouble(histogram.zero_count) != 0 ||
      histogram.zero_threshold != 0) {
    return Invalid("a histogram with custom bounds has a zero bucket or negative ones");
  }
  const std::vector<model::NativeHistogram::Bucket>& buckets = histogram.positive;
  if (!buckets.empty() &&
      (buckets.front().index < 0 || buckets.back().index > static_cast<int64_t>(bounds.size()))) {
    return Invalid("a bucket of a histogram is not among its {} custom bounds", bounds.size());
  }
  return absl::OkStatus();
}

template <typename Frame>
absl::Status CheckFrame(const Frame& frame, size_t series) {
  if (frame.series.size() != frame.values.size()) {
    return Invalid("a frame has {} series and {} values", frame.series.size(), frame.values.size());
  }
  for (const uint32_t index : frame.series) {
    if (index >= series) return Invalid("a frame refers to series {} of {}", index, series);
  }
  return absl::OkStatus();
}

absl::Status CheckTime(int64_t ts_ms) {
  if (ts_ms >= chunk::kMinTimestampMs && ts_ms <= chunk::kMaxTimestampMs) return absl::OkStatus();
  return Invalid("timestamp {} ms is not between {} and {}", ts_ms, chunk::kMinTimestampMs,
                 chunk::kMaxTimestampMs);
}

}  // namespace

absl::Status CheckTenant(std::string_view tenant) {
  if (tenant.empty() || tenant.size() > window::kMaxTenantBytes) {
    return Invalid("the tenant's name has {} bytes; 1 to {} are allowed", tenant.size(),
                   window::kMaxTenantBytes);
  }
  return absl::OkStatus();
}

absl::Status CheckBatch(const WriteBatch& batch) {
  if (batch.series.size() > log::kMaxBatchSeries) {
    return Invalid("a batch has {} series; the limit is {}", batch.series.size(),
                   log::kMaxBatchSeries);
  }
  for (const model::EntityVersion& version : batch.entities) {
    LL_RETURN_IF_ERROR(CheckEntity(version));
  }
  for (const model::Record& record : batch.records) {
    LL_RETURN_IF_ERROR(record::CheckRecord(record));
  }
  for (const FloatFrame& frame : batch.floats) {
    LL_RETURN_IF_ERROR(CheckFrame(frame, batch.series.size()));
  }
  for (const HistogramFrame& frame : batch.histograms) {
    LL_RETURN_IF_ERROR(CheckFrame(frame, batch.series.size()));
    for (const model::NativeHistogram& value : frame.values) {
      LL_RETURN_IF_ERROR(CheckBuckets(value, value.positive));
      LL_RETURN_IF_ERROR(CheckBuckets(value, value.negative));
      LL_RETURN_IF_ERROR(CheckCustomBuckets(value));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(const WriteBatch& batch) {
  for (const FloatFrame& frame : batch.floats) LL_RETURN_IF_ERROR(CheckTime(frame.ts_ms));
  for (const HistogramFrame& frame : batch.histograms) LL_RETURN_IF_ERROR(CheckTime(frame.ts_ms));
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
