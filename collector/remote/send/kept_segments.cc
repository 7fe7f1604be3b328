#include "collector/remote/send/kept_segments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "collector/store/log/segment.h"
#include "common/fd.h"
#include "common/status_macros.h"

namespace leadline::collector::remote::send {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(std::string_view what, const std::string& path) {
  const int error = errno;
  const std::string text = fmt::format("{} {}: {}", what, path, std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(text) : absl::InternalError(text);
}

}  // namespace

// Everything but Remove goes on as it is.
class KeptSegments::LinkingFiles final : public store::file::Files {
 public:
  LinkingFiles(store::file::Files& base, KeptSegments& owner) : base_(base), owner_(owner) {}

  absl::StatusOr<std::unique_ptr<store::file::WritableFile>> Create(
      const std::string& path) override {
    return base_.Create(path);
  }
  absl::StatusOr<std::unique_ptr<store::file::WritableFile>> OpenForAppend(
      const std::string& path) override {
    return base_.OpenForAppend(path);
  }
  absl::StatusOr<std::string> Read(const std::string& path) override { return base_.Read(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    return base_.List(dir);
  }
  absl::Status MakeDirs(const std::string& dir) override { return base_.MakeDirs(dir); }
  absl::Status SyncDir(const std::string& dir) override { return base_.SyncDir(dir); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    LL_RETURN_IF_ERROR(owner_.Keep(from));
    return base_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override {
    LL_RETURN_IF_ERROR(owner_.Keep(path));
    return base_.Remove(path);
  }
  absl::StatusOr<uint64_t> SizeBytes(const std::string& path) override {
    return base_.SizeBytes(path);
  }
  absl::StatusOr<uint64_t> FreeBytes(const std::string& dir) override {
    return base_.FreeBytes(dir);
  }
  absl::StatusOr<std::unique_ptr<store::file::FileLock>> Lock(const std::string& path) override {
    return base_.Lock(path);
  }

 private:
  store::file::Files& base_;
  KeptSegments& owner_;
};

KeptSegments::KeptSegments(store::file::Files& files, std::string log_dir, std::string kept_dir)
    : base_(files),
      log_dir_(std::move(log_dir)),
      kept_dir_(std::move(kept_dir)),
      wrapped_(std::make_unique<LinkingFiles>(files, *this)) {}

absl::StatusOr<std::unique_ptr<KeptSegments>> KeptSegments::Open(store::file::Files& files,
                                                                 std::string log_dir,
                                                                 std::string kept_dir) {
  LL_RETURN_IF_ERROR(files.MakeDirs(kept_dir));
  return std::unique_ptr<KeptSegments>(
      new KeptSegments(files, std::move(log_dir), std::move(kept_dir)));
}

std::string KeptSegments::KeptPath(uint64_t segment) const {
  return fmt::format("{}/{}", kept_dir_, store::log::SegmentName(segment));
}

absl::Status KeptSegments::Keep(const std::string& path) {
  const fs::path parts(path);
  const uint64_t segment = store::log::SegmentNumber(parts.filename().string());
  if (segment == 0 || segment < needed_from_ || parts.parent_path() != fs::path(log_dir_)) {
    return absl::OkStatus();
  }
  const std::string kept = KeptPath(segment);
  if (link(path.c_str(), kept.c_str()) != 0 && errno != EEXIST) {
    absl::Status status = FileError("keep for remote write", path);
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }
  return base_.SyncDir(kept_dir_);
}

absl::Status KeptSegments::NeedFrom(uint64_t segment) {
  needed_from_ = segment;
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, base_.List(kept_dir_));
  for (const std::string& name : names) {
    const uint64_t number = store::log::SegmentNumber(name);
    if (number != 0 && number < segment) LL_RETURN_IF_ERROR(base_.Remove(KeptPath(number)));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> KeptSegments::OldestOfStore(uint64_t none) const {
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, base_.List(log_dir_));
  for (const std::string& name : names) {  // sorted, and so are their numbers
    if (const uint64_t number = store::log::SegmentNumber(name)) return number;
  }
  return none;
}

absl::StatusOr<std::vector<uint64_t>> KeptSegments::Numbers() const {
  std::vector<uint64_t> numbers;
  // In this order: what the store removes in between was kept before.
  for (const std::string& dir : {log_dir_, kept_dir_}) {
    const absl::StatusOr<std::vector<std::string>> names = base_.List(dir);
    if (absl::IsNotFound(names.status())) continue;  // before the store was opened
    LL_RETURN_IF_ERROR(names.status());
    for (const std::string& name : *names) {
      if (const uint64_t number = store::log::SegmentNumber(name)) numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

absl::StatusOr<std::string> KeptSegments::Read(uint64_t segment, uint64_t offset,
                                               size_t max_bytes) const {
  const std::string path = fmt::format("{}/{}", log_dir_, store::log::SegmentName(segment));
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) file = Fd(open(KeptPath(segment).c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FileError("open", path);
  std::string bytes(max_bytes, '\0');
  size_t size = 0;
  while (size < max_bytes) {
    const ssize_t n =
        pread(file.get(), bytes.data() + size, max_bytes - size, static_cast<off_t>(offset + size));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("read", path);
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  bytes.resize(size);
  return bytes;
}

uint64_t KeptSegments::kept_bytes() const {
  uint64_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(kept_dir_, error)) {
    if (store::log::SegmentNumber(entry.path().filename().string()) == 0) continue;
    const uint64_t size = entry.file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

std::optional<uint64_t> KeptSegments::OldestKept() const {
  const auto names = base_.List(kept_dir_);
  if (!names.ok()) return std::nullopt;
  for (const std::string& name : *names) {  // sorted, and so are their numbers
    if (const uint64_t number = store::log::SegmentNumber(name)) return number;
  }
  return std::nullopt;
}

}  // namespace leadline::collector::remote::send
