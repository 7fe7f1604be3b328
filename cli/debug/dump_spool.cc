#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "agent/export/definition_stream.h"
#include "agent/spool/segment.h"
#include "cli/debug/dump.h"
#include "cli/debug/wire_text.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::cli {
namespace {

namespace spool = agent::spool;

void WriteMessages(const std::string& dir, uint64_t segment, uint64_t offset, std::ostream& out) {
  const auto record = spool::ReadRecord(dir, segment, offset);
  if (!record.ok()) {
    fmt::print(out, "  at {}: {}\n", offset, StatusMessage(record.status()));
    return;
  }
  std::string_view stream = record->definitions;
  while (const auto message = agent::TakeDefinitions(stream)) {
    v1::Definitions definitions;
    if (!definitions.ParseFromArray(message->data(), static_cast<int>(message->size()))) break;
    WriteDefinitions(definitions, out);
  }
  v1::Batch batch;
  if (!record->batch.empty() && batch.ParseFromString(record->batch)) WriteBatch(batch, out);
}

absl::Status DumpSegment(const std::filesystem::path& path, bool messages, std::ostream& out) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open()) return absl::NotFoundError(path.string() + ": cannot be read");
  if (const auto version = spool::NewerVersion(bytes)) {
    return absl::UnimplementedError(fmt::format("{}: of version {}, this program reads {}",
                                                path.string(), *version, spool::kVersion));
  }
  const auto contents = spool::Scan(bytes);
  if (!contents) {
    return absl::DataLossError(path.string() + ": at 0: no header of a segment");
  }
  const spool::SegmentHeader& header = contents->header;
  fmt::print(out, "segment {} of agent {} epoch {} instance {:016x}: {} bytes, acknowledged {}\n",
             header.number, header.writer.agent_id.ToHex(), header.writer.epoch,
             header.writer.instance, bytes.size(), contents->acknowledged);
  for (const spool::SegmentBatch& batch : contents->batches) {
    fmt::print(out, "  at {}: batch {} of {} samples in {} bytes{}\n", batch.offset, batch.sequence,
               batch.samples, batch.batch_bytes, batch.usable ? "" : ", which cannot be used");
    if (messages && batch.usable) {
      WriteMessages(path.parent_path().string(), header.number, batch.offset, out);
    }
  }
  for (const spool::LostRange& lost : contents->lost) {
    fmt::print(out, "  lost: batches {} to {} of epoch {} with {} samples\n", lost.first, lost.last,
               lost.writer.epoch, lost.samples);
  }
  for (const spool::Damage& damage : contents->damage) {
    fmt::print(out, "  at {}: {}\n", damage.offset, damage.what);
  }
  if (contents->damage.empty()) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{}: {} damaged places", path.string(), contents->damage.size()));
}

}  // namespace

absl::Status DumpSpool(const DumpFlags& flags, std::ostream& out) {
  std::error_code error;
  if (!std::filesystem::is_directory(flags.path, error)) {
    return DumpSegment(flags.path, flags.messages, out);
  }
  std::vector<std::filesystem::path> segments;
  for (std::filesystem::directory_iterator it(flags.path, error), end; !error && it != end;
       it.increment(error)) {
    if (spool::ParseSegmentFileName(it->path().filename().string())) segments.push_back(it->path());
  }
  if (error) return absl::NotFoundError(flags.path + ": " + error.message());
  if (segments.empty()) return absl::NotFoundError(flags.path + ": no segments of a spool");
  std::sort(segments.begin(), segments.end());
  absl::Status first_problem;
  for (const std::filesystem::path& segment : segments) {
    first_problem.Update(DumpSegment(segment, flags.messages, out));
  }
  return first_problem;
}

}  // namespace leadline::cli
