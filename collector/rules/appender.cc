#include "collector/rules/appender.h"

#include <future>
#include <memory>
#include <utility>

#include "collector/model/series.h"
#include "common/status_macros.h"

namespace leadline::collector::rules {
namespace {

// Of no entity: the labels are all that there is.
model::SeriesDefinition ToDefinition(const LabelSet& labels) {
  model::SeriesDefinition series{.metric = std::string(labels.Get(kMetricName)),
                                 .residual = labels};
  series.residual.Remove(kMetricName);
  return series;
}

}  // namespace

absl::Status Appender::Append(int64_t ts_ms, const std::vector<Recorded>& samples,
                              const std::vector<LabelSet>& ended) const {
  if (samples.empty() && ended.empty()) return absl::OkStatus();
  std::vector<model::SeriesDefinition> series;
  series.reserve(samples.size() + ended.size());
  store::FloatFrame floats{.ts_ms = ts_ms};
  store::HistogramFrame histograms{.ts_ms = ts_ms};
  for (const Recorded& sample : samples) {
    const auto index = static_cast<uint32_t>(series.size());
    series.push_back(ToDefinition(sample.labels));
    if (sample.histogram) {
      histograms.series.push_back(index);
      histograms.values.push_back(*sample.histogram);
    } else {
      floats.series.push_back(index);
      floats.values.push_back(sample.value);
    }
  }
  for (const LabelSet& labels : ended) {
    floats.series.push_back(static_cast<uint32_t>(series.size()));
    floats.values.push_back(model::StaleNan());
    series.push_back(ToDefinition(labels));
  }
  store::WriteBatch batch;
  LL_ASSIGN_OR_RETURN(batch.series, store_.Resolve(tenant_, series));
  if (!floats.series.empty()) batch.floats.push_back(std::move(floats));
  if (!histograms.series.empty()) batch.histograms.push_back(std::move(histograms));
  auto durable = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> outcome = durable->get_future();
  store_.Append(tenant_, std::move(batch),
                [durable](const absl::Status& status) { durable->set_value(status); });
  return outcome.get();
}

}  // namespace leadline::collector::rules
