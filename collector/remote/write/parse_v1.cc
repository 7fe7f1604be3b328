#include "collector/remote/write/parse_v1.h"

#include "collector/remote/wire/reader.h"
#include "collector/remote/write/limits.h"
#include "collector/remote/write/native_histogram.h"
#include "common/status_macros.h"

namespace leadline::collector::remote::write {
namespace {

using wire::Reader;
using wire::WireType;

// Field numbers, by message.
constexpr uint32_t kRequestTimeSeries = 1;
constexpr uint32_t kRequestMetadata = 3;
constexpr uint32_t kV2RequestSymbols = 4;  // no field of this version: they tell the other
constexpr uint32_t kV2RequestTimeSeries = 5;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesExemplars = 3;
constexpr uint32_t kSeriesHistograms = 4;
constexpr uint32_t kLabelName = 1;
constexpr uint32_t kLabelValue = 2;
constexpr uint32_t kSampleValue = 1;
constexpr uint32_t kSampleTimestamp = 2;
constexpr uint32_t kExemplarLabels = 1;
constexpr uint32_t kExemplarValue = 2;
constexpr uint32_t kExemplarTimestamp = 3;
constexpr uint32_t kMetadataType = 1;
constexpr uint32_t kMetadataFamily = 2;
constexpr uint32_t kMetadataHelp = 4;
constexpr uint32_t kMetadataUnit = 5;

absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError("proto: malformed " + std::string(what));
}

// Label fields of a series or an exemplar: mostly one piece of its message.
class LabelBytes {
 public:
  void Add(const Reader& field, Request& request) {
    if (!bytes_.empty() && bytes_.data() + bytes_.size() != field.begin()) {
      if (gathered_ == nullptr) gathered_ = &request.gathered.emplace_back(bytes_);
    }
    const std::string_view more(field.begin(), static_cast<size_t>(field.end() - field.begin()));
    if (gathered_ != nullptr) {
      gathered_->append(more);
      bytes_ = *gathered_;
    } else if (bytes_.empty()) {
      bytes_ = more;
    } else {
      bytes_ = std::string_view(bytes_.data(), bytes_.size() + more.size());
    }
  }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
  std::string* gathered_ = nullptr;
};

bool ParseSample(std::string_view message, Sample& sample) {
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kSampleValue, WireType::kFixed64)) sample.value = reader.AsDouble();
    if (reader.Is(kSampleTimestamp, WireType::kVarint)) sample.ts_ms = reader.AsInt64();
  }
  return reader.ok();
}

bool ParseExemplar(std::string_view message, Request& request) {
  Exemplar& exemplar = request.exemplars.emplace_back();
  LabelBytes labels;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kExemplarLabels, WireType::kLength)) labels.Add(reader, request);
    if (reader.Is(kExemplarValue, WireType::kFixed64)) exemplar.value = reader.AsDouble();
    if (reader.Is(kExemplarTimestamp, WireType::kVarint)) exemplar.ts_ms = reader.AsInt64();
  }
  exemplar.labels = labels.bytes();
  return reader.ok();
}

absl::Status ParseSeries(std::string_view message, Request& request) {
  Series series;
  LabelBytes labels;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.type() != WireType::kLength) continue;
    switch (reader.field()) {
      case kSeriesLabels:
        labels.Add(reader, request);
        break;
      case kSeriesSamples:
        if (!ParseSample(reader.bytes(), request.samples.emplace_back())) {
          return Malformed("Sample");
        }
        if (request.samples.size() > kMaxSamples) return request.CheckSize();
        break;
      case kSeriesExemplars:
        if (!ParseExemplar(reader.bytes(), request)) return Malformed("Exemplar");
        if (request.exemplars.size() > kMaxExemplars) return request.CheckSize();
        break;
      case kSeriesHistograms:
        if (!ParseHistogram(reader.bytes(), request.histograms.emplace_back())) {
          return Malformed("Histogram");
        }
        if (request.histograms.size() > kMaxHistograms) return request.CheckSize();
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return Malformed("TimeSeries");
  series.labels = labels.bytes();
  series.key = HashLabels(series.labels);
  series.samples_end = static_cast<uint32_t>(request.samples.size());
  series.histograms_end = static_cast<uint32_t>(request.histograms.size());
  series.exemplars_end = static_cast<uint32_t>(request.exemplars.size());
  request.series.push_back(series);
  return request.CheckSize();
}

absl::Status ParseMetadata(std::string_view message, Request& request) {
  Metadata metadata;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kMetadataType, WireType::kVarint)) metadata.type = MetricTypeOf(reader.number());
    if (reader.Is(kMetadataFamily, WireType::kLength)) metadata.metric = reader.bytes();
    if (reader.Is(kMetadataHelp, WireType::kLength)) metadata.help = reader.bytes();
    if (reader.Is(kMetadataUnit, WireType::kLength)) metadata.unit = reader.bytes();
  }
  if (!reader.ok()) return Malformed("MetricMetadata");
  request.metadata.push_back(metadata);
  return request.CheckSize();
}

}  // namespace

absl::Status ParseV1(std::string_view message, Request& request) {
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kRequestTimeSeries, WireType::kLength)) {
      LL_RETURN_IF_ERROR(ParseSeries(reader.bytes(), request));
    } else if (reader.Is(kRequestMetadata, WireType::kLength)) {
      LL_RETURN_IF_ERROR(ParseMetadata(reader.bytes(), request));
    } else if (reader.Is(kV2RequestSymbols, WireType::kLength) ||
               reader.Is(kV2RequestTimeSeries, WireType::kLength)) {
      return Malformed(
          "WriteRequest: it is a message of version 2.0, which the Content-Type has to say: "
          "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    }
  }
  return reader.ok() ? absl::OkStatus() : Malformed("WriteRequest");
}

absl::StatusOr<RawLabels> ReadLabelsV1(std::string_view labels) {
  RawLabels out;
  Reader reader(labels);
  while (out.size() <= kMaxLabels && reader.Next()) {  // one more, which is one too many
    auto& [name, value] = out.emplace_back();
    Reader label(reader.bytes());
    while (label.Next()) {
      if (label.Is(kLabelName, WireType::kLength)) name = label.bytes();
      if (label.Is(kLabelValue, WireType::kLength)) value = label.bytes();
    }
    if (!label.ok()) return Malformed("Label");
  }
  return out;
}

}  // namespace leadline::collector::remote::write
