#include "collector/promql/exec/classic_series.h"

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <re2/re2.h>

#include "catalogue/classic_buckets.h"
#include "catalogue/metrics.h"
#include "collector/promql/functions/quantile.h"
#include "collector/promql/value/number_text.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::LabelMatcher;
using Part = ClassicSelector::Part;

struct Suffix {
  std::string_view text;
  Part part;
};
constexpr Suffix kSuffixes[] = {
    {"_bucket", Part::kBucket}, {"_sum", Part::kSum}, {"_count", Part::kCount}};

bool Matches(const LabelMatcher& matcher, const std::string& value) {
  switch (matcher.op) {
    case LabelMatcher::Op::kEqual:
      return value == matcher.value;
    case LabelMatcher::Op::kNotEqual:
      return value != matcher.value;
    case LabelMatcher::Op::kRegex:
      return RE2::FullMatch(value, matcher.value);
    case LabelMatcher::Op::kNotRegex:
      return !RE2::FullMatch(value, matcher.value);
  }
  return false;
}

// The metric's name where it is given once and by equality, else "".
std::string_view ExactName(absl::Span<const LabelMatcher> matchers) {
  std::string_view name;
  for (const LabelMatcher& matcher : matchers) {
    if (matcher.name != kMetricName) continue;
    if (!name.empty() || matcher.op != LabelMatcher::Op::kEqual) return "";
    name = matcher.value;
  }
  return name;
}

std::vector<ClassicSelector::Bound> SelectedBounds(const catalogue::MetricInfo& histogram,
                                                   absl::Span<const LabelMatcher> matchers) {
  std::vector<ClassicSelector::Bound> bounds;
  const auto add = [&](double value) {
    std::string le = OpenMetricsFloat(value);
    for (const LabelMatcher& matcher : matchers) {
      if (matcher.name == kBucketLabel && !Matches(matcher, le)) return;
    }
    bounds.push_back({value, std::move(le)});
  };
  for (const double value : catalogue::ClassicBounds(histogram)) add(value);
  add(std::numeric_limits<double>::infinity());
  return bounds;
}

store::SeriesBlock LikeNative(const store::SeriesBlock& native, LabelSet labels) {
  store::SeriesBlock block;
  block.labels = std::make_shared<const LabelSet>(std::move(labels));
  block.entity = native.entity;
  block.entity_start_ms = native.entity_start_ms;
  block.entity_end_ms = native.entity_end_ms;
  return block;
}

void Append(store::SeriesBlock& block, int64_t ts_ms, double value) {
  block.ts_ms.push_back(ts_ms);
  block.values.push_back(value);
}

}  // namespace

std::optional<ClassicSelector> ClassicSelector::From(absl::Span<const LabelMatcher> matchers) {
  const std::string_view name = ExactName(matchers);
  for (const Suffix& suffix : kSuffixes) {
    if (!name.ends_with(suffix.text)) continue;
    const std::string_view base = name.substr(0, name.size() - suffix.text.size());
    const catalogue::MetricInfo* const histogram = catalogue::FindMetric(base);
    if (histogram == nullptr || histogram->type != catalogue::MetricType::kHistogram) continue;
    ClassicSelector selector;
    selector.part = suffix.part;
    selector.name = name;
    selector.histogram = base;
    for (const LabelMatcher& matcher : matchers) {
      if (matcher.name == kMetricName) {
        selector.matchers.push_back({matcher.op, matcher.name, std::string(base)});
      } else if (matcher.name != kBucketLabel || suffix.part != Part::kBucket) {
        selector.matchers.push_back(matcher);
      }
    }
    if (suffix.part == Part::kBucket) selector.bounds = SelectedBounds(*histogram, matchers);
    return selector;
  }
  return std::nullopt;
}

absl::Status ClassicSelector::Expand(
    const store::SeriesBlock& native,
    absl::FunctionRef<absl::Status(store::SeriesBlock)> use) const {
  LabelSet labels = *native.labels;
  labels.Set(kMetricName, name);
  std::vector<store::SeriesBlock> blocks;
  std::vector<double> bound_values;
  for (size_t i = 0; i < series(); ++i) {
    if (part == Part::kBucket) {
      labels.Set(kBucketLabel, bounds[i].le);
      bound_values.push_back(bounds[i].value);
    }
    blocks.push_back(LikeNative(native, labels));
  }
  const auto end = [&](int64_t ts_ms) {
    for (store::SeriesBlock& block : blocks) Append(block, ts_ms, model::StaleNan());
  };
  size_t next_float = 0;
  const auto end_before = [&](int64_t ts_ms) {
    for (; next_float < native.ts_ms.size() && native.ts_ms[next_float] < ts_ms; ++next_float) {
      if (model::IsStaleNan(native.values[next_float])) end(native.ts_ms[next_float]);
    }
  };
  for (size_t i = 0; i < native.histograms.size(); ++i) {
    const model::NativeHistogram& sample = native.histograms[i];
    const int64_t ts_ms = native.histogram_ts_ms[i];
    end_before(ts_ms);
    if (IsStale(sample)) {
      end(ts_ms);
    } else if (part == Part::kBucket) {
      const std::vector<double> counts = CountsUpTo(Histogram::From(sample), bound_values);
      for (size_t k = 0; k < counts.size(); ++k) Append(blocks[k], ts_ms, counts[k]);
    } else {
      Append(blocks.front(), ts_ms,
             part == Part::kSum ? sample.sum : sample.AsDouble(sample.count));
    }
  }
  end_before(std::numeric_limits<int64_t>::max());
  for (store::SeriesBlock& block : blocks) LL_RETURN_IF_ERROR(use(std::move(block)));
  return absl::OkStatus();
}

std::string OpenMetricsFloat(double value) {
  std::string text = NumberText(value == 0 ? 0 : value);  // -0 too
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace leadline::collector::promql::exec
