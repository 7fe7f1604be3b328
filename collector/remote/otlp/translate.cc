#include "collector/remote/otlp/translate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/remote/otlp/attributes.h"
#include "collector/remote/otlp/exemplars.h"
#include "collector/remote/otlp/exponential.h"
#include "collector/remote/otlp/names.h"
#include "collector/remote/wire/writer.h"
#include "collector/remote/write/limits.h"
#include "common/utf8.h"

namespace leadline::collector::remote::otlp {
namespace {

using write::MetricType;

constexpr int64_t kNanosecondsPerMs = 1'000'000;
constexpr uint32_t kNoValueFlag = 1;
constexpr size_t kMaxErrors = 5;
constexpr uint32_t kLabelsField = 1;
constexpr uint32_t kNameField = 1;
constexpr uint32_t kValueField = 2;

// target_info is written so often, within half of what PromQL looks back.
constexpr int64_t kInfoStepMs = 150'000;
constexpr int64_t kMaxInfoSteps = 1000;

int64_t ToMs(uint64_t ns) { return static_cast<int64_t>(ns / kNanosecondsPerMs); }

// Labels as the fields of a write request.
void AppendLabel(std::string_view name, std::string_view value, std::string& out) {
  std::string label;
  wire::AppendBytes(kNameField, name, label);
  wire::AppendBytes(kValueField, value, label);
  wire::AppendBytes(kLabelsField, label, out);
}

// What every point has, whatever its kind.
struct PointHead {
  int64_t ts_ms = 0;
  int64_t start_ms = 0;
  bool is_stale = false;
  const Attributes* attributes = nullptr;
};

template <typename Point>
PointHead HeadOf(const Point& point) {
  return {ToMs(point.time_unix_nano()), ToMs(point.start_time_unix_nano()),
          (point.flags() & kNoValueFlag) != 0, &point.attributes()};
}

// The numbers of a point's exemplars behind those of their buckets, in the order of these: that of
// the first bound which is not below the value, or the one behind all bounds.
std::vector<std::pair<int, int>> ByBucket(const pb::HistogramDataPoint& point) {
  std::vector<std::pair<int, int>> numbers;
  const auto& bounds = point.explicit_bounds();
  for (int i = 0; i < point.exemplars_size(); ++i) {
    const double value = ValueOf(point.exemplars(i));
    // NaN is behind all, too.
    const auto bound = std::partition_point(bounds.begin(), bounds.end(),
                                            [value](double upper) { return !(value <= upper); });
    numbers.emplace_back(static_cast<int>(bound - bounds.begin()), i);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

class Translator {
 public:
  explicit Translator(Translated& out) : out_(out) {}

  void AddResource(const pb::ResourceMetrics& resource) {
    identity_.clear();
    info_ = {};
    bool has_name = false;
    for (const pb::KeyValue& attribute : resource.resource().attributes()) {
      std::string text = ValueText(attribute.value());
      if (attribute.key() == "service.name") {
        has_name = !text.empty();
        identity_["job"] += text;
      } else if (attribute.key() == "service.namespace") {
        if (!text.empty()) identity_["job"].insert(0, text + "/");
      } else if (attribute.key() == "service.instance.id") {
        identity_["instance"] = std::move(text);
      } else {
        *info_.Add() = attribute;
      }
    }
    if (!has_name) identity_.erase("job");
    std::erase_if(identity_, [](const auto& label) { return label.second.empty(); });
    first_ms_ = INT64_MAX;
    last_ms_ = INT64_MIN;
    for (const pb::ScopeMetrics& scope : resource.scope_metrics()) {
      for (const pb::Metric& metric : scope.metrics()) AddMetric(metric);
    }
    AddInfo();
  }

 private:
  void AddMetric(const pb::Metric& metric) {
    metric_ = &metric;
    out_.exemplars += CountExemplars(metric);
    switch (metric.data_case()) {
      case pb::Metric::kGauge:
        Begin(Kind::kGauge, MetricType::kGauge);
        for (const auto& point : metric.gauge().data_points()) AddNumber(point);
        return;
      case pb::Metric::kSum: {
        const pb::Sum& sum = metric.sum();
        if (!IsCumulative(sum)) return;
        Begin(sum.is_monotonic() ? Kind::kMonotonicSum : Kind::kOther,
              sum.is_monotonic() ? MetricType::kCounter : MetricType::kGauge);
        for (const auto& point : sum.data_points()) AddNumber(point);
        return;
      }
      case pb::Metric::kHistogram:
        if (!IsCumulative(metric.histogram())) return;
        Begin(Kind::kOther, MetricType::kHistogram);
        for (const auto& point : metric.histogram().data_points()) AddHistogram(point);
        return;
      case pb::Metric::kExponentialHistogram:
        if (!IsCumulative(metric.exponential_histogram())) return;
        Begin(Kind::kOther, MetricType::kHistogram);
        for (const auto& point : metric.exponential_histogram().data_points()) {
          AddExponential(point);
        }
        return;
      case pb::Metric::kSummary:
        Begin(Kind::kOther, MetricType::kSummary);
        for (const auto& point : metric.summary().data_points()) AddSummary(point);
        return;
      case pb::Metric::DATA_NOT_SET:
        return;
    }
  }

  // Otherwise all of its points are rejected.
  template <typename Data>
  bool IsCumulative(const Data& data) {
    if (data.aggregation_temporality() == pb::AGGREGATION_TEMPORALITY_CUMULATIVE) return true;
    Reject(static_cast<size_t>(data.data_points_size()),
           data.aggregation_temporality() == pb::AGGREGATION_TEMPORALITY_DELTA
               ? "delta temporality is not taken; let the sender make it cumulative"
               : "no aggregation temporality");
    return false;
  }

  // Otherwise the point is rejected.
  bool HasRoom() {
    if (out_.request.series.size() < write::kMaxSeries) return true;
    Reject(1, fmt::format("more than {} series in a request", write::kMaxSeries));
    return false;
  }

  void Reject(size_t points, std::string_view why) {
    out_.rejected += points;
    if (points == 0 || errors_ == kMaxErrors) return;
    if (errors_++ > 0) out_.error += "; ";
    out_.error +=
        fmt::format("metric \"{}\": {}", ToValidUtf8(metric_->name().substr(0, 200)), why);
  }

  void Begin(Kind kind, MetricType type) {
    name_ = MetricName(metric_->name(), metric_->unit(), kind);
    type_ = type;
    if (name_.empty()) return;
    out_.request.metadata.push_back(
        {.metric = out_.request.gathered.emplace_back(name_),
         .type = type,
         .help = metric_->description(),
         .unit = out_.request.gathered.emplace_back(UnitName(metric_->unit()))});
  }

  void BeginPoint(const PointHead& head) {
    head_ = head;
    labels_ = ToLabels(*head.attributes);
    for (const auto& [name, value] : identity_) labels_[name] = value;
    first_ms_ = std::min(first_ms_, head.ts_ms);
    last_ms_ = std::max(last_ms_, head.ts_ms);
    point_ = out_.points++;
  }

  // The bytes of labels, sorted by name, as every time.
  std::string_view Gather(const Labels& labels) {
    std::string& bytes = out_.request.gathered.emplace_back();
    for (const auto& [name, value] : labels) AppendLabel(name, value, bytes);
    return bytes;
  }

  std::string_view LabelBytes(std::string_view metric,
                              std::optional<std::pair<std::string, std::string>> more) {
    Labels labels = labels_;
    if (more.has_value()) labels[more->first] = more->second;
    labels["__name__"] = metric;
    return Gather(labels);
  }

  // Of the series that ends next.
  void AddExemplar(const pb::Exemplar& exemplar) {
    if (out_.request.exemplars.size() >= write::kMaxExemplars) return;
    out_.request.exemplars.push_back({.ts_ms = ToMs(exemplar.time_unix_nano()),
                                      .value = ValueOf(exemplar),
                                      .labels = Gather(LabelsOf(exemplar))});
  }

  void EndSeries(std::string_view labels) {
    write::Series series;
    series.labels = labels;
    series.key = write::HashLabels(labels);
    series.samples_end = static_cast<uint32_t>(out_.request.samples.size());
    series.histograms_end = static_cast<uint32_t>(out_.request.histograms.size());
    series.exemplars_end = static_cast<uint32_t>(out_.request.exemplars.size());
    series.metadata.type = type_;
    series.created_ms = head_.start_ms;
    out_.request.has_starts |= head_.start_ms != 0;
    out_.request.series.push_back(series);
    out_.point_of_series.push_back(point_);
  }

  void AddFloat(std::string_view suffix, double value,
                std::optional<std::pair<std::string, std::string>> more = std::nullopt) {
    out_.request.samples.push_back({head_.ts_ms, head_.is_stale ? model::StaleNan() : value});
    EndSeries(LabelBytes(name_ + std::string(suffix), std::move(more)));
  }

  void AddNumber(const pb::NumberDataPoint& point) {
    if (!HasRoom()) return;
    const PointHead head = HeadOf(point);
    if (!head.is_stale && point.value_case() == pb::NumberDataPoint::VALUE_NOT_SET) {
      return Reject(1, "a point without a value");
    }
    BeginPoint(head);
    for (const pb::Exemplar& exemplar : point.exemplars()) AddExemplar(exemplar);
    AddFloat("", point.value_case() == pb::NumberDataPoint::kAsInt
                     ? static_cast<double>(point.as_int())
                     : point.as_double());
  }

  void AddHistogram(const pb::HistogramDataPoint& point) {
    if (!HasRoom()) return;
    const int bounds = point.explicit_bounds_size();
    const int counts = point.bucket_counts_size();
    if (counts != 0 && counts != bounds + 1) {
      return Reject(1, fmt::format("{} bucket counts for {} bounds", counts, bounds));
    }
    BeginPoint(HeadOf(point));
    const auto exemplars = ByBucket(point);
    auto exemplar = exemplars.begin();
    const auto add_up_to = [&](int bucket) {
      for (; exemplar != exemplars.end() && exemplar->first <= bucket; ++exemplar) {
        AddExemplar(point.exemplars(exemplar->second));
      }
    };
    uint64_t below = 0;
    for (int i = 0; i + 1 < counts; ++i) {
      below += point.bucket_counts(i);
      add_up_to(i);
      AddFloat("_bucket", static_cast<double>(below),
               std::pair("le", NumberText(point.explicit_bounds(i))));
    }
    add_up_to(bounds);
    AddFloat("_bucket", static_cast<double>(point.count()), std::pair("le", "+Inf"));
    if (point.has_sum()) AddFloat("_sum", point.sum());
    AddFloat("_count", static_cast<double>(point.count()));
  }

  void AddExponential(const pb::ExponentialHistogramDataPoint& point) {
    if (!HasRoom()) return;
    const PointHead head = HeadOf(point);
    model::NativeHistogram histogram;
    if (head.is_stale) {
      histogram.sum = model::StaleNan();
    } else if (const std::string error = ToNative(point, histogram); !error.empty()) {
      return Reject(1, error);
    }
    BeginPoint(head);
    for (const pb::Exemplar& exemplar : point.exemplars()) AddExemplar(exemplar);
    out_.request.histograms.push_back({.ts_ms = head.ts_ms, .value = std::move(histogram)});
    EndSeries(LabelBytes(name_, std::nullopt));
  }

  void AddSummary(const pb::SummaryDataPoint& point) {
    if (!HasRoom()) return;
    BeginPoint(HeadOf(point));
    for (const auto& quantile : point.quantile_values()) {
      AddFloat("", quantile.value(), std::pair("quantile", NumberText(quantile.quantile())));
    }
    AddFloat("_sum", point.sum());
    AddFloat("_count", static_cast<double>(point.count()));
  }

  // What the resource is, beside the series that its points made.
  void AddInfo() {
    if (last_ms_ < first_ms_ || identity_.empty() || info_.empty()) return;
    labels_ = ToLabels(info_);
    for (const auto& [name, value] : identity_) labels_[name] = value;
    head_ = {};
    type_ = MetricType::kGauge;
    point_ = kNoPoint;
    // Mostly all points are of one time; of a replay the last hours.
    const int64_t from_ms = std::max(first_ms_, last_ms_ - kMaxInfoSteps * kInfoStepMs);
    for (int64_t ts_ms = from_ms; ts_ms < last_ms_; ts_ms += kInfoStepMs) {
      out_.request.samples.push_back({ts_ms, 1});
    }
    out_.request.samples.push_back({last_ms_, 1});
    EndSeries(LabelBytes("target_info", std::nullopt));
    out_.request.series.back().derived = true;
  }

  Translated& out_;
  size_t errors_ = 0;
  // Of the resource:
  Labels identity_;  // job and instance
  Attributes info_;  // the others
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  // Of the metric:
  const pb::Metric* metric_ = nullptr;
  std::string name_;
  MetricType type_ = MetricType::kUnknown;
  // Of the point:
  PointHead head_;
  Labels labels_;
  uint32_t point_ = 0;
};

}  // namespace

Translated Translate(const pb::ExportMetricsServiceRequest& message) {
  Translated out;
  Translator translator(out);
  for (const pb::ResourceMetrics& resource : message.resource_metrics()) {
    translator.AddResource(resource);
  }
  return out;
}

}  // namespace leadline::collector::remote::otlp
