#include "collector/store/rollup/summary.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::collector::store::rollup {
namespace {

constexpr Column kOfRise[] = {Column::kLast,           Column::kFirst,        Column::kLost,
                              Column::kCount,          Column::kLastBack,     Column::kFirstBack,
                              Column::kHistogramCount, Column::kHistogramEnds};
constexpr Column kOfEnds[] = {Column::kLast,         Column::kFirst,     Column::kCount,
                              Column::kLastBack,     Column::kFirstBack, Column::kHistogramCount,
                              Column::kHistogramEnds};
constexpr Column kOfCount[] = {Column::kCount, Column::kHistogramCount, Column::kHistogramEnds};
constexpr Column kOfSum[] = {Column::kSum, Column::kCount, Column::kHistogramCount,
                             Column::kHistogramSum};
constexpr Column kOfMin[] = {Column::kMin, Column::kCount, Column::kHistogramCount,
                             Column::kHistogramEnds};
constexpr Column kOfMax[] = {Column::kMax, Column::kCount, Column::kHistogramCount,
                             Column::kHistogramEnds};

constexpr double kAsValuesTell = std::numeric_limits<double>::quiet_NaN();

absl::Status Misfit(std::string_view what) {
  return absl::DataLossError(fmt::format("columns of a rollup do not fit: {}", what));
}

bool IsCount(double value) { return value >= 1 && value <= std::numeric_limits<uint32_t>::max(); }

// All columns have a value for each bucket.
absl::Status CheckFloats(Summary summary, const Buckets& buckets, int64_t resolution_ms) {
  const std::vector<int64_t>& ends_ms = buckets.Floats(Column::kCount).ts_ms;
  for (const Column column : ColumnsOf(summary)) {
    if (static_cast<size_t>(column) >= static_cast<size_t>(Column::kHistogramCount)) continue;
    if (buckets.Floats(column).ts_ms != ends_ms) return Misfit("buckets of floats differ");
  }
  for (const double count : buckets.Floats(Column::kCount).values) {
    if (!IsCount(count)) return Misfit("a count is none");
  }
  for (const Column column : {Column::kLastBack, Column::kFirstBack}) {
    for (const double back_ms : buckets.Floats(column).values) {
      if (!(back_ms >= 0 && back_ms < static_cast<double>(resolution_ms))) {
        return Misfit("a sample is outside of its bucket");
      }
    }
  }
  return absl::OkStatus();
}

class FloatSummary {
 public:
  explicit FloatSummary(SummarySamples& out) : out_(out) {}
  void Add(int64_t ts_ms, double value, double count, double lost = kAsValuesTell) {
    out_.samples.floats.Append(ts_ms, value);
    out_.counts.push_back(static_cast<uint32_t>(count));
    out_.lost.push_back(lost);
  }

 private:
  SummarySamples& out_;
};

absl::Status AddEnds(bool with_lost, const Buckets& buckets, SummarySamples& out) {
  const chunk::Floats& counts = buckets.Floats(Column::kCount);
  FloatSummary add(out);
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto sample_ms = [&](Column back) {
      return counts.ts_ms[i] - static_cast<int64_t>(buckets.Floats(back).values[i]);
    };
    const int64_t first_ms = sample_ms(Column::kFirstBack);
    const int64_t last_ms = sample_ms(Column::kLastBack);
    const double count = counts.values[i];
    if (first_ms > last_ms || (first_ms == last_ms) != (count == 1)) {
      return Misfit("the last sample is before the first");
    }
    add.Add(first_ms, buckets.Floats(Column::kFirst).values[i], 1);
    if (count == 1) continue;
    double lost = kAsValuesTell;
    if (with_lost) {
      lost = buckets.Floats(Column::kLost).values[i];
      if (IsNotKept(lost)) {
        lost = kAsValuesTell;
        ++out.inexact;
      }
    }
    add.Add(last_ms, buckets.Floats(Column::kLast).values[i], count - 1, lost);
  }
  return absl::OkStatus();
}

void AddValues(Column column, const Buckets& buckets, SummarySamples& out) {
  const chunk::Floats& counts = buckets.Floats(Column::kCount);
  const chunk::Floats& values = buckets.Floats(column);
  FloatSummary add(out);
  for (size_t i = 0; i < counts.size(); ++i) {
    if (IsNotKept(values.values[i])) {
      ++out.inexact;
    } else {
      add.Add(counts.ts_ms[i], values.values[i], counts.values[i]);
    }
  }
}

// The last of each bucket stands for those that are not there.
absl::Status AddHistograms(Column column, const Buckets& buckets, SummarySamples& out) {
  const chunk::Floats& counts = buckets.Floats(Column::kHistogramCount);
  const chunk::Histograms& from = buckets.Histograms(column);
  size_t next = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (!IsCount(counts.values[i])) return Misfit("a count of histograms is none");
    const auto count = static_cast<uint32_t>(counts.values[i]);
    const size_t first = next;
    for (; next < from.size() && from.ts_ms[next] <= counts.ts_ms[i]; ++next) {
      out.samples.histograms.Append(from.ts_ms[next], from.values[next]);
      out.histogram_counts.push_back(1);
    }
    const size_t kept = next - first;
    if (kept > count) return Misfit("more histograms than their count");
    if (kept > 0) {
      out.histogram_counts.back() += count - static_cast<uint32_t>(kept);
    } else if (column == Column::kHistogramSum) {
      ++out.inexact;
    } else {
      return Misfit("a bucket without its histograms");
    }
  }
  return next == from.size() ? absl::OkStatus() : Misfit("histograms without a count");
}

}  // namespace

void SummarySamples::Clear() {
  samples.floats.Clear();
  samples.histograms.Clear();
  counts.clear();
  lost.clear();
  histogram_counts.clear();
  buckets = 0;
  inexact = 0;
}

absl::Span<const Column> ColumnsOf(Summary summary) {
  switch (summary) {
    case Summary::kRise:
      return kOfRise;
    case Summary::kEnds:
      return kOfEnds;
    case Summary::kCount:
      return kOfCount;
    case Summary::kSum:
      return kOfSum;
    case Summary::kMin:
      return kOfMin;
    case Summary::kMax:
      return kOfMax;
    case Summary::kSamples:
      break;
  }
  return {};
}

absl::Status Summarize(Summary summary, const Buckets& buckets, int64_t resolution_ms,
                       SummarySamples& out) {
  out.Clear();
  LL_RETURN_IF_ERROR(CheckFloats(summary, buckets, resolution_ms));
  out.buckets =
      buckets.Floats(Column::kCount).size() + buckets.Floats(Column::kHistogramCount).size();
  switch (summary) {
    case Summary::kRise:
    case Summary::kEnds:
      LL_RETURN_IF_ERROR(AddEnds(summary == Summary::kRise, buckets, out));
      break;
    case Summary::kCount:
      AddValues(Column::kCount, buckets, out);
      break;
    case Summary::kSum:
      AddValues(Column::kSum, buckets, out);
      break;
    case Summary::kMin:
      AddValues(Column::kMin, buckets, out);
      break;
    case Summary::kMax:
      AddValues(Column::kMax, buckets, out);
      break;
    case Summary::kSamples:
      return absl::InternalError("rollups do not have all samples");
  }
  return AddHistograms(summary == Summary::kSum ? Column::kHistogramSum : Column::kHistogramEnds,
                       buckets, out);
}

}  // namespace leadline::collector::store::rollup
