// Write requests: whatever comes, the parsers end, and what they found fits together.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "collector/remote/wire/snappy.h"
#include "collector/remote/write/batch.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/parse_v2.h"
#include "collector/remote/write/series_labels.h"
#include "collector/remote/write/start_times.h"
#include "collector/store/record/exemplars.h"
#include "collector/store/record/rows.h"

namespace leadline::collector::remote::write {
namespace {

void Check(bool holds) {
  if (!holds) abort();
}

void Parse(Version version, std::string_view message) {
  Request request;
  const bool is_1 = version == Version::k1;
  if (!(is_1 ? ParseV1(message, request) : ParseV2(message, request)).ok()) return;
  std::vector<store::SeriesHandle> handles;
  for (Series& series : request.series) {
    handles.push_back(kNoHandle);
    series.no_series = true;
    absl::StatusOr<RawLabels> labels =
        is_1 ? ReadLabelsV1(series.labels) : ReadLabelsV2(request, series.labels);
    if (!labels.ok()) continue;
    const auto definition = ToDefinition(*std::move(labels));
    if (!definition.ok()) continue;
    Check(!definition->metric.empty());
    handles.back() = handles.size();
    series.no_series = false;
  }
  StartTimes starts(1 << 20);
  for (size_t i = 0; i < handles.size(); i += 2) {
    if (handles[i] != kNoHandle) starts.Add(handles[i]);
  }
  starts.Keep(starts.Look(request, handles));
  BatchCounts counts;
  Rejections rejections;
  const store::TimeRange times{.oldest_ms = 0, .newest_ms = int64_t{1} << 50};
  const store::WriteBatch batch = BatchBuilder().Build(request, handles, times, counts, rejections);
  uint64_t samples = 0;
  const auto count = [&](const auto& frame) {
    Check(frame.series.size() == frame.values.size());
    for (const uint32_t index : frame.series) Check(index < batch.series.size());
    samples += frame.series.size();
  };
  for (const auto& frame : batch.floats) count(frame);
  for (const auto& frame : batch.histograms) count(frame);
  const uint64_t zeros = counts.zeros + counts.histogram_zeros;
  Check(samples == counts.samples + counts.histograms + zeros);
  uint64_t exemplars = counts.exemplars.kept;
  Check(batch.records.size() == exemplars);
  for (const uint64_t dropped : counts.exemplars.dropped) exemplars += dropped;
  Check(exemplars == request.exemplars.size());
  for (const model::Record& record : batch.records) {
    Check(store::record::CheckRecord(record).ok());
    Check(store::record::AsExemplar(record).has_value());
  }
  Check(samples - zeros + rejections.total() <= request.samples.size() + request.histograms.size());
}

}  // namespace
}  // namespace leadline::collector::remote::write

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leadline::collector::remote;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  wire::Buffer message;
  const bool packed = wire::UncompressSnappy(input, 1 << 20, message).ok();
  for (const auto version : {write::Version::k1, write::Version::k2}) {
    write::Parse(version, input);
    if (packed) write::Parse(version, message.view());
  }
  return 0;
}
