#include "agent/aggregate/node_series.h"

namespace leadline::agent::aggregate {

void NodeSeries::Record(const Subject& subject, std::string_view metric,
                        absl::Span<const source::FigureLabel> labels, double value,
                        Recorder& recorder) {
  key_ = metric;
  for (const source::FigureLabel& label : labels) {
    key_ += '\0';
    key_ += label.value;
  }
  auto it = slots_.find(key_);
  if (it == slots_.end()) {
    const catalogue::MetricInfo* info = catalogue::FindMetric(metric);
    if (slots_.size() >= kMaxSeries) {
      if (info != nullptr) ++dropped_;
      return;
    }
    it = slots_.try_emplace(key_, Slot{.metric = info}).first;
  }
  Slot& slot = it->second;
  if (slot.metric == nullptr) return;
  LabelSet residual;
  if (!slot.series.ref) {
    for (const source::FigureLabel& label : labels) residual.Set(label.name, label.value);
  }
  recorder.Add(slot.series, slot.metric->id, subject, value, residual);
}

}  // namespace leadline::agent::aggregate
