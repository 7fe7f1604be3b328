#include "collector/store/log/writer.h"

#include <fmt/format.h>

#include "collector/store/log/segment.h"
#include "common/status_macros.h"

namespace leadline::collector::store::log {

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(file::Files& files, std::string dir,
                                                     uint64_t number) {
  std::unique_ptr<Writer> writer(new Writer(files, std::move(dir)));
  LL_RETURN_IF_ERROR(writer->Begin(number));
  return writer;
}

absl::Status Writer::Begin(uint64_t number) {
  const std::string path = fmt::format("{}/{}", dir_, SegmentName(number));
  LL_ASSIGN_OR_RETURN(std::unique_ptr<file::WritableFile> file, files_.Create(path));
  std::string header;
  AppendSegmentHeader(number, header);
  absl::Status begun = file->Append(header);
  begun.Update(file->Sync());
  begun.Update(files_.SyncDir(dir_));
  if (!begun.ok()) {
    // A segment behind the one that is written to would make a torn write there look like damage,
    // also one that is back after a power cut.
    files_.Remove(path).IgnoreError();  // the disk has failed already; the next rotation overwrites
    files_.SyncDir(dir_).IgnoreError();
    return begun;
  }
  file_ = std::move(file);
  segment_ = number;
  size_ = header.size();
  return absl::OkStatus();
}

absl::Status Writer::Rotate() {
  LL_RETURN_IF_ERROR(broken_);
  return Begin(segment_ + 1);
}

absl::Status Writer::Commit(std::string_view payload) {
  LL_RETURN_IF_ERROR(broken_);
  if (payload.size() > kMaxFrameBytes) {
    return absl::InvalidArgumentError(
        fmt::format("log record of {} bytes; the limit is {}", payload.size(), kMaxFrameBytes));
  }
  std::string frame;
  frame.reserve(kFrameHeaderBytes + payload.size());
  AppendFrame(segment_, payload, frame);
  if (absl::Status written = file_->Append(frame); !written.ok()) {
    if (absl::Status cut = file_->Truncate(size_); !cut.ok()) {
      broken_ = absl::InternalError(fmt::format("log stopped, a partial write remains: {}; {}",
                                                std::string(written.message()),
                                                std::string(cut.message())));
    }
    return written;
  }
  if (absl::Status synced = file_->Sync(); !synced.ok()) {
    broken_ = absl::InternalError(
        fmt::format("log stopped after a failed sync: {}", std::string(synced.message())));
    return broken_;
  }
  size_ += frame.size();
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::log
