#include "collector/remote/otlp/exemplars.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

#include "collector/model/exemplar.h"
#include "common/utf8.h"

namespace leadline::collector::remote::otlp {
namespace {

constexpr size_t kTraceIdBytes = 16;
constexpr size_t kSpanIdBytes = 8;

// In hexadecimal digits; "" where it is none. OTLP's JSON has such digits already, which a parser
// of Protocol Buffers takes for base64, so that these come to half as many bytes more.
std::string IdText(std::string_view id, size_t bytes) {
  if (id.size() == bytes) return absl::BytesToHexString(std::string(id));
  if (id.size() != bytes * 3 / 2) return "";
  std::string text = absl::Base64Escape(std::string(id));
  const bool is_hex = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (!is_hex) return "";
  absl::AsciiStrToLower(&text);
  return text;
}

bool FitExemplar(const Labels& labels) {
  size_t characters = 0;
  for (const auto& [name, value] : labels) {
    characters += CountCharacters(name) + CountCharacters(value);
  }
  return characters <= model::kMaxExemplarCharacters;
}

template <typename Points>
uint64_t CountIn(const Points& points) {
  uint64_t count = 0;
  for (const auto& point : points) count += static_cast<uint64_t>(point.exemplars_size());
  return count;
}

}  // namespace

double ValueOf(const pb::Exemplar& exemplar) {
  return exemplar.value_case() == pb::Exemplar::kAsInt ? static_cast<double>(exemplar.as_int())
                                                       : exemplar.as_double();
}

Labels LabelsOf(const pb::Exemplar& exemplar) {
  Labels labels;
  if (std::string id = IdText(exemplar.trace_id(), kTraceIdBytes); !id.empty()) {
    labels["trace_id"] = std::move(id);
  }
  if (std::string id = IdText(exemplar.span_id(), kSpanIdBytes); !id.empty()) {
    labels["span_id"] = std::move(id);
  }
  Labels all = labels;
  for (const pb::KeyValue& attribute : exemplar.filtered_attributes()) {
    std::string text = ValueText(attribute.value());
    if (attribute.key().empty() || text.empty()) continue;
    all.try_emplace(attribute.key(), std::move(text));
  }
  return FitExemplar(all) ? all : labels;
}

uint64_t CountExemplars(const pb::Metric& metric) {
  switch (metric.data_case()) {
    case pb::Metric::kGauge:
      return CountIn(metric.gauge().data_points());
    case pb::Metric::kSum:
      return CountIn(metric.sum().data_points());
    case pb::Metric::kHistogram:
      return CountIn(metric.histogram().data_points());
    case pb::Metric::kExponentialHistogram:
      return CountIn(metric.exponential_histogram().data_points());
    case pb::Metric::kSummary:
    case pb::Metric::DATA_NOT_SET:
      return 0;
  }
  return 0;
}

}  // namespace leadline::collector::remote::otlp
