// The log: a segment as it is, and, since a fuzzer does not find checksums, records as they are and
// in a frame.
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/store/log/record.h"
#include "collector/store/log/segment.h"

namespace {

namespace log = leadline::collector::store::log;

constexpr uint64_t kNumber = 12;  // that of tests/golden/store/segment.log

absl::Status Read(std::string_view segment) {
  std::vector<log::Record> records;
  const auto end = log::ReadSegment(
      segment, "segment", kNumber, /*is_last=*/true,
      [&](const log::Frame& frame) { return log::ReadRecords(frame.payload, records); });
  if (!end.ok()) return end.status();
  return end->damage.empty() ? absl::OkStatus() : end->damage.front();
}

// Those of a batch are written as what they are.
void CheckHistograms(const log::Record& record) {
  const auto* const read = std::get_if<log::BatchRecord>(&record);
  if (read == nullptr) return;
  std::string again;
  log::AppendRecord(read->tenant, read->batch, again);
  std::vector<log::Record> records;
  if (!log::ReadRecords(again, records).ok() || records.size() != 1) abort();
  const auto& histograms = std::get<log::BatchRecord>(records[0]).batch.histograms;
  if (histograms.size() != read->batch.histograms.size()) abort();
  for (size_t i = 0; i < histograms.size(); ++i) {
    if (histograms[i].values != read->batch.histograms[i].values) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Read(input).IgnoreError();
  std::vector<log::Record> records;
  const bool good = log::ReadRecords(input, records).ok();
  std::string framed;
  log::AppendSegmentHeader(kNumber, 0, framed);
  log::AppendFrame({kNumber, 1}, input, framed);
  if (Read(framed).ok() != good) abort();
  if (!good) return 0;
  for (const log::Record& record : records) CheckHistograms(record);
  return 0;
}
