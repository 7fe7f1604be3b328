#include "collector/remote/write/parse_v2.h"

#include <fmt/format.h>

#include "collector/remote/wire/reader.h"
#include "collector/remote/write/limits.h"
#include "collector/remote/write/native_histogram.h"
#include "common/status_macros.h"

namespace leadline::collector::remote::write::v2 {
namespace {

using wire::ForEachNumber;
using wire::Reader;
using wire::WireType;

// Field numbers, by message.
constexpr uint32_t kV1RequestTimeSeries = 1;  // reserved, so that it is told
constexpr uint32_t kRequestSymbols = 4;
constexpr uint32_t kRequestTimeSeries = 5;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesHistograms = 3;
constexpr uint32_t kSeriesExemplars = 4;
constexpr uint32_t kSeriesMetadata = 5;
constexpr uint32_t kSeriesCreated = 6;
constexpr uint32_t kSampleValue = 1;
constexpr uint32_t kSampleTimestamp = 2;
constexpr uint32_t kSampleStart = 3;
constexpr uint32_t kMetadataType = 1;
constexpr uint32_t kMetadataHelp = 3;
constexpr uint32_t kMetadataUnit = 4;

absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("proto: malformed {}", what));
}

bool ParseSample(std::string_view message, Sample& sample, int64_t& start_ms) {
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kSampleValue, WireType::kFixed64)) sample.value = reader.AsDouble();
    if (reader.Is(kSampleTimestamp, WireType::kVarint)) sample.ts_ms = reader.AsInt64();
    if (reader.Is(kSampleStart, WireType::kVarint)) start_ms = reader.AsInt64();
  }
  return reader.ok();
}

bool ParseMetadata(std::string_view message, SeriesMetadata& metadata) {
  Reader reader(message);
  while (reader.Next()) {
    if (reader.type() != WireType::kVarint) continue;
    if (reader.field() == kMetadataType) metadata.type = MetricTypeOf(reader.number());
    if (reader.field() == kMetadataHelp) metadata.help = reader.AsUint32();
    if (reader.field() == kMetadataUnit) metadata.unit = reader.AsUint32();
  }
  return reader.ok();
}

// One series, read into the request.
class SeriesParser {
 public:
  explicit SeriesParser(Request& request)
      : request_(request), first_sample_(request.samples.size()) {}

  absl::Status Parse(std::string_view message) {
    Reader reader(message);
    while (reader.Next()) LL_RETURN_IF_ERROR(ParseField(reader));
    if (!reader.ok()) return Malformed("TimeSeries");
    LL_RETURN_IF_ERROR(HashNumbers());
    const SeriesMetadata& metadata = series_.metadata;
    if (metadata.help >= request_.symbols.size() || metadata.unit >= request_.symbols.size()) {
      // Without metadata both are 0, which is in every table but an empty one.
      if (metadata.help != 0 || metadata.unit != 0) return Malformed("Metadata: no such symbol");
    }
    series_.samples_end = static_cast<uint32_t>(request_.samples.size());
    series_.histograms_end = static_cast<uint32_t>(request_.histograms.size());
    request_.series.push_back(series_);
    return request_.CheckSize();
  }

 private:
  absl::Status ParseField(const Reader& reader) {
    if (reader.field() == kSeriesLabels) return AddNumbers(reader);
    if (reader.Is(kSeriesCreated, WireType::kVarint)) series_.created_ms = reader.AsInt64();
    if (reader.type() != WireType::kLength) return absl::OkStatus();
    switch (reader.field()) {
      case kSeriesSamples: {
        int64_t start_ms = 0;
        if (!ParseSample(reader.bytes(), request_.samples.emplace_back(), start_ms)) {
          return Malformed("Sample");
        }
        if (request_.samples.size() > kMaxSamples) return request_.CheckSize();
        const bool is_first = request_.samples.size() == first_sample_ + 1;
        if (is_first && start_ms != 0) series_.created_ms = start_ms;
        break;
      }
      case kSeriesHistograms:
        if (!ParseHistogram(reader.bytes(), request_.histograms.emplace_back())) {
          return Malformed("Histogram");
        }
        if (request_.histograms.size() > kMaxHistograms) return request_.CheckSize();
        break;
      case kSeriesExemplars:
        ++series_.exemplars;
        break;
      case kSeriesMetadata:
        if (!ParseMetadata(reader.bytes(), series_.metadata)) return Malformed("Metadata");
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  // Numbers of labels' symbols: in one piece, but for senders that no one has seen.
  absl::Status AddNumbers(const Reader& reader) {
    if (reader.type() == WireType::kLength && series_.labels.empty()) {
      series_.labels = reader.bytes();
      return absl::OkStatus();
    }
    if (gathered_ == nullptr) gathered_ = &request_.gathered.emplace_back(series_.labels);
    if (reader.type() == WireType::kLength) {
      *gathered_ += reader.bytes();
    } else if (reader.type() == WireType::kVarint) {
      // As it came, without the tag, which is one byte for this field or longer for no good reason.
      std::string_view field(reader.begin(), static_cast<size_t>(reader.end() - reader.begin()));
      while ((static_cast<uint8_t>(field.front()) & 0x80) != 0) field.remove_prefix(1);
      *gathered_ += field.substr(1);
    }
    series_.labels = *gathered_;
    return absl::OkStatus();
  }

  absl::Status HashNumbers() {
    Reader numbers(series_.labels);
    request_.hashes.clear();
    // Of more labels than a series may have the first and one too many, as ReadLabelsV2 reads them.
    while (request_.hashes.size() < 2 * (kMaxLabels + 1) && numbers.NextPacked(WireType::kVarint)) {
      const uint32_t number = numbers.AsUint32();
      if (number >= request_.symbol_hashes.size()) {
        return Malformed(
            fmt::format("labels: no symbol {} among {}", number, request_.symbol_hashes.size()));
      }
      request_.hashes.push_back(request_.symbol_hashes[number]);
    }
    if (!numbers.ok()) return Malformed("labels");
    if (request_.hashes.size() % 2 != 0) return Malformed("labels: a name without a value");
    series_.key = HashLabels({reinterpret_cast<const char*>(request_.hashes.data()),
                              request_.hashes.size() * sizeof(uint64_t)});
    return absl::OkStatus();
  }

  Request& request_;
  const size_t first_sample_;
  Series series_;
  std::string* gathered_ = nullptr;  // labels, once they came in pieces
};

}  // namespace
}  // namespace leadline::collector::remote::write::v2

namespace leadline::collector::remote::write {

absl::Status ParseV2(std::string_view message, Request& request) {
  using wire::WireType;
  request.version = Version::k2;
  wire::Reader symbols(message);
  while (symbols.Next()) {
    if (symbols.Is(v2::kV1RequestTimeSeries, WireType::kLength)) {
      return v2::Malformed(
          "Request: it is a message of version 1.0, prometheus.WriteRequest, and the Content-Type "
          "says otherwise");
    }
    if (!symbols.Is(v2::kRequestSymbols, WireType::kLength)) continue;
    request.symbols.push_back(symbols.bytes());
    request.symbol_hashes.push_back(HashSymbol(symbols.bytes()));
    if (request.symbols.size() > kMaxSymbols) return request.CheckSize();
  }
  if (!symbols.ok()) return v2::Malformed("Request");
  if (!request.symbols.empty() && !request.symbols.front().empty()) {
    return v2::Malformed("Request: the first symbol is not the empty one");
  }
  wire::Reader series(message);
  while (series.Next()) {
    if (!series.Is(v2::kRequestTimeSeries, WireType::kLength)) continue;
    LL_RETURN_IF_ERROR(v2::SeriesParser(request).Parse(series.bytes()));
  }
  return absl::OkStatus();
}

RawLabels ReadLabelsV2(const Request& request, std::string_view labels) {
  RawLabels out;
  wire::Reader numbers(labels);
  while (out.size() <= kMaxLabels && numbers.NextPacked(wire::WireType::kVarint)) {
    const std::string_view name = request.symbols[numbers.AsUint32()];
    numbers.NextPacked(wire::WireType::kVarint);
    out.emplace_back(name, request.symbols[numbers.AsUint32()]);
  }
  return out;
}

}  // namespace leadline::collector::remote::write
