// OTLP's metrics, as Protocol Buffers: whatever comes is translated into series that fit together.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collector/remote/otlp/translate.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/series_labels.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leadline::collector::remote;
  otlp::pb::ExportMetricsServiceRequest message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  const otlp::Translated translated = otlp::Translate(message);
  const write::Request& request = translated.request;
  if (request.series.size() != translated.point_of_series.size()) abort();
  for (size_t i = 0; i < request.series.size(); ++i) {
    const uint32_t point = translated.point_of_series[i];
    if (point != otlp::kNoPoint && point >= translated.points) abort();
    if (request.series[i].samples_end > request.samples.size()) abort();
    if (request.series[i].exemplars_end > request.exemplars.size()) abort();
    // The labels are a write request's, sorted and each once.
    const auto labels = write::ReadLabelsV1(request.series[i].labels);
    if (!labels.ok()) abort();
    for (size_t j = 1; j < labels->size(); ++j) {
      if ((*labels)[j - 1].first >= (*labels)[j].first) abort();
    }
  }
  if (request.exemplars.size() > translated.exemplars) abort();
  for (const write::Exemplar& exemplar : request.exemplars) {
    if (!write::ReadLabelsV1(exemplar.labels).ok()) abort();
  }
  return 0;
}
