#include "collector/remote/write/read_labels.h"

#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/parse_v2.h"

namespace leadline::collector::remote::write {

absl::StatusOr<RawLabels> ReadLabels(const Request& request, size_t number) {
  return ReadLabels(request, request.series[number].labels);
}

absl::StatusOr<RawLabels> ReadLabels(const Request& request, std::string_view labels) {
  if (request.version == Version::k1) return ReadLabelsV1(labels);
  return ReadLabelsV2(request, labels);
}

std::string DescribeSeries(const Request& request, size_t number) {
  const absl::StatusOr<RawLabels> labels = ReadLabels(request, number);
  return labels.ok() ? Describe(*labels) : "{}";
}

}  // namespace leadline::collector::remote::write
