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
constexpr uint32_t kExemplarLabels = 1;
constexpr uint32_t kExemplarValue = 2;
constexpr uint32_t kExemplarTimestamp = 3;
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

// Numbers of labels' symbols: in one piece, but for senders that no one has seen.
class LabelNumbers {
 public:
  void Add(const Reader& field, Request& request) {
    if (field.type() == WireType::kLength && bytes_.empty()) {
      bytes_ = field.bytes();
      return;
    }
    if (gathered_ == nullptr) gathered_ = &request.gathered.emplace_back(bytes_);
    if (field.type() == WireType::kLength) {
      *gathered_ += field.bytes();
    } else if (field.type() == WireType::kVarint) {
      // As it came, without the tag, which is one byte for this field or longer for no good reason.
      std::string_view whole(field.begin(), static_cast<size_t>(field.end() - field.begin()));
      while ((static_cast<uint8_t>(whole.front()) & 0x80) != 0) whole.remove_prefix(1);
      *gathered_ += whole.substr(1);
    }
    bytes_ = *gathered_;
  }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
  std::string* gathered_ = nullptr;  // once they came in pieces
};

// One series, read into the request.
class SeriesParser {
 public:
  explicit SeriesParser(Request& request) : request_(request) {}

  absl::Status Parse(std::string_view message) {
    Reader reader(message);
    while (reader.Next()) LL_RETURN_IF_ERROR(ParseField(reader));
    if (!reader.ok()) return Malformed("TimeSeries");
    series_.labels = labels_.bytes();
    LL_RETURN_IF_ERROR(HashNumbers(series_.labels, "labels"));
    series_.key = HashLabels({reinterpret_cast<const char*>(request_.hashes.data()),
                              request_.hashes.size() * sizeof(uint64_t)});
    const SeriesMetadata& metadata = series_.metadata;
    if (metadata.help >= request_.symbols.size() || metadata.unit >= request_.symbols.size()) {
      // Without metadata both are 0, which is in every table but an empty one.
      if (metadata.help != 0 || metadata.unit != 0) return Malformed("Metadata: no such symbol");
    }
    series_.samples_end = static_cast<uint32_t>(request_.samples.size());
    series_.histograms_end = static_cast<uint32_t>(request_.histograms.size());
    series_.exemplars_end = static_cast<uint32_t>(request_.exemplars.size());
    request_.has_starts |= series_.created_ms != 0;
    request_.series.push_back(series_);
    return request_.CheckSize();
  }

 private:
  absl::Status ParseField(const Reader& reader) {
    if (reader.field() == kSeriesLabels) {
      labels_.Add(reader, request_);
      return absl::OkStatus();
    }
    if (reader.Is(kSeriesCreated, WireType::kVarint)) series_.created_ms = reader.AsInt64();
    if (reader.type() != WireType::kLength) return absl::OkStatus();
    switch (reader.field()) {
      case kSeriesSamples: {
        int64_t start_ms = 0;
        if (!ParseSample(reader.bytes(), request_.samples.emplace_back(), start_ms)) {
          return Malformed("Sample");
        }
        if (request_.samples.size() > kMaxSamples) return request_.CheckSize();
        NoteStart(start_ms);
        break;
      }
      case kSeriesHistograms:
        if (!ParseHistogram(reader.bytes(), request_.histograms.emplace_back())) {
          return Malformed("Histogram");
        }
        if (request_.histograms.size() > kMaxHistograms) return request_.CheckSize();
        if (series_.created_ms == 0) series_.created_ms = request_.histograms.back().start_ms;
        break;
      case kSeriesExemplars:
        LL_RETURN_IF_ERROR(ParseExemplar(reader.bytes()));
        if (request_.exemplars.size() > kMaxExemplars) return request_.CheckSize();
        break;
      case kSeriesMetadata:
        if (!ParseMetadata(reader.bytes(), series_.metadata)) return Malformed("Metadata");
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  // Of the sample that was read last.
  void NoteStart(int64_t start_ms) {
    if (start_ms == 0) return;
    if (last_start_ms_ == 0) {
      series_.created_ms = start_ms;
    } else if (start_ms != last_start_ms_) {
      request_.later_starts.push_back(
          {static_cast<uint32_t>(request_.samples.size()) - 1, start_ms});
    }
    last_start_ms_ = start_ms;
  }

  absl::Status ParseExemplar(std::string_view message) {
    Exemplar& exemplar = request_.exemplars.emplace_back();
    LabelNumbers labels;
    Reader reader(message);
    while (reader.Next()) {
      if (reader.field() == kExemplarLabels) labels.Add(reader, request_);
      if (reader.Is(kExemplarValue, WireType::kFixed64)) exemplar.value = reader.AsDouble();
      if (reader.Is(kExemplarTimestamp, WireType::kVarint)) exemplar.ts_ms = reader.AsInt64();
    }
    if (!reader.ok()) return Malformed("Exemplar");
    exemplar.labels = labels.bytes();
    return HashNumbers(exemplar.labels, "labels of an Exemplar");
  }

  // Looks for the symbols of the numbers; request_.hashes are theirs then.
  absl::Status HashNumbers(std::string_view labels, std::string_view what) {
    Reader numbers(labels);
    request_.hashes.clear();
    // Of more labels than a series may have the first and one too many, as ReadLabelsV2 reads them.
    while (request_.hashes.size() < 2 * (kMaxLabels + 1) && numbers.NextPacked(WireType::kVarint)) {
      const uint32_t number = numbers.AsUint32();
      if (number >= request_.symbol_hashes.size()) {
        return Malformed(
            fmt::format("{}: no symbol {} among {}", what, number, request_.symbol_hashes.size()));
      }
      request_.hashes.push_back(request_.symbol_hashes[number]);
    }
    if (!numbers.ok()) return Malformed(what);
    if (request_.hashes.size() % 2 != 0) {
      return Malformed(fmt::format("{}: a name without a value", what));
    }
    return absl::OkStatus();
  }

  Request& request_;
  Series series_;
  int64_t last_start_ms_ = 0;  // of its samples
  LabelNumbers labels_;
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
