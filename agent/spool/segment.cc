#include "agent/spool/segment.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "common/fd.h"

namespace leadline::agent::spool {
namespace {

// The first offset from `from` on at which a record begins; the end of `bytes` when there is none.
size_t FindRecord(std::string_view bytes, size_t from, uint64_t segment) {
  for (size_t at = bytes.find(kRecordMagic, from); at != std::string_view::npos;
       at = bytes.find(kRecordMagic, at + 1)) {
    if (ParseRecordHeader(bytes.substr(at), segment)) return at;
  }
  return bytes.size();
}

class Scanner {
 public:
  Scanner(std::string_view bytes, SegmentContents& contents) : bytes_(bytes), contents_(contents) {}

  void Run() {
    size_t at = kSegmentHeaderBytes;
    while (at < bytes_.size()) {
      const auto header = ParseRecordHeader(bytes_.substr(at), contents_.header.number);
      if (!header) {
        const size_t next = FindRecord(bytes_, at + 1, contents_.header.number);
        Note(at, fmt::format("{} bytes are torn or damaged", next - at));
        at = next;
        continue;
      }
      const size_t left = bytes_.size() - at;
      if (header->TotalBytes() > left) {
        Note(at, fmt::format("the record of batch {} has {} of its {} bytes", header->last, left,
                             header->TotalBytes()));
        if (header->type == RecordType::kBatch) AddBatch(at, *header, /*usable=*/false);
        at = FindRecord(bytes_, at + 1, contents_.header.number);
        continue;
      }
      Take(at, *header);
      at += header->TotalBytes();
    }
  }

 private:
  void Note(size_t offset, std::string what) {
    contents_.damage.push_back({offset, std::move(what)});
  }

  void AddBatch(size_t at, const RecordHeader& header, bool usable) {
    contents_.batches.push_back({at, header.last, header.samples, header.batch_bytes, usable});
  }

  void Take(size_t at, const RecordHeader& header) {
    const uint64_t number = contents_.header.number;
    const auto definitions = bytes_.substr(at + kRecordHeaderBytes, header.definitions_bytes);
    const auto batch =
        bytes_.substr(at + kRecordHeaderBytes + header.definitions_bytes, header.batch_bytes);
    contents_.acknowledged = std::max(contents_.acknowledged, header.acknowledged);

    if (definitions_whole_ && header.definitions_before != definitions_seen_) {
      definitions_whole_ = false;
      Note(at, "definitions before this are gone, the rest of the segment cannot be used");
    }
    if (Checksum(definitions, number) != header.definitions_checksum) {
      definitions_whole_ = false;
      Note(at, "damaged definitions, the rest of the segment cannot be used");
    }
    if (!definitions.empty() || header.type == RecordType::kKeyframe) {
      definitions_seen_ = header.definitions_before + 1;
      if (definitions_whole_) contents_.definitions.push_back(at);
    }
    const bool whole = Checksum(batch, number) == header.batch_checksum;
    if (!whole) Note(at, fmt::format("batch {} fails its checksum", header.last));
    if (header.type == RecordType::kBatch) AddBatch(at, header, whole && definitions_whole_);
    if (header.type == RecordType::kLost && whole) {
      if (const auto writer = ParseWriter(batch)) {
        contents_.lost.push_back({*writer, header.first, header.last, header.samples});
      }
    }
  }

  const std::string_view bytes_;
  SegmentContents& contents_;
  uint32_t definitions_seen_ = 0;
  bool definitions_whole_ = true;
};

absl::Status ReadAt(int fd, const std::string& path, uint64_t offset, size_t size,
                    std::string* out) {
  out->resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got =
        pread(fd, out->data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, fmt::format("agent spool: reading {}", path));
    if (got == 0) {
      return absl::DataLossError(fmt::format("agent spool: {} ends at {}", path, offset + done));
    }
    done += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<SegmentContents> Scan(std::string_view bytes) {
  const auto header = ParseSegmentHeader(bytes);
  if (!header) return std::nullopt;
  SegmentContents contents;
  contents.header = *header;
  contents.bytes = bytes.size();
  Scanner(bytes, contents).Run();
  return contents;
}

absl::StatusOr<Record> ReadRecord(const std::string& dir, uint64_t segment, uint64_t offset,
                                  Parts parts) {
  const std::string path = fmt::format("{}/{}", dir, SegmentFileName(segment));
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, fmt::format("agent spool: opening {}", path));
  const auto damaged = [&](std::string_view what) {
    return absl::DataLossError(fmt::format("agent spool: {} at {}: {}", path, offset, what));
  };
  std::string bytes;
  if (auto status = ReadAt(fd.get(), path, offset, kRecordHeaderBytes, &bytes); !status.ok()) {
    return status;
  }
  const auto header = ParseRecordHeader(bytes, segment);
  if (!header) return damaged("no record begins there");
  Record record;
  record.header = *header;
  const uint64_t definitions_at = offset + kRecordHeaderBytes;
  if (auto status =
          ReadAt(fd.get(), path, definitions_at, header->definitions_bytes, &record.definitions);
      !status.ok()) {
    return status;
  }
  if (Checksum(record.definitions, segment) != header->definitions_checksum) {
    return damaged("definitions fail their checksum");
  }
  if (parts == Parts::kDefinitions) return record;
  if (auto status = ReadAt(fd.get(), path, definitions_at + header->definitions_bytes,
                           header->batch_bytes, &record.batch);
      !status.ok()) {
    return status;
  }
  if (Checksum(record.batch, segment) != header->batch_checksum) {
    return damaged(fmt::format("batch {} fails its checksum", header->last));
  }
  return record;
}

}  // namespace leadline::agent::spool
