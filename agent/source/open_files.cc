#include "agent/source/open_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/record/tape.h"
#include "common/descriptor_limit.h"

namespace leadline::agent::source {
namespace {

constexpr size_t kFirstBytes = 16 << 10;
constexpr uint32_t kMaxRetryGap = 16;
constexpr size_t kMaxBudget = 64 << 10;

bool IsGone(int error) {
  return error == ENOENT || error == ENODEV || error == ESRCH || error == ENOTDIR;
}

// What sysfs says of a device that is down: there may be a value later.
bool HasNoValue(int error) { return error == EINVAL || error == EOPNOTSUPP; }

}  // namespace

OpenFiles::~OpenFiles() {
  for (auto& [path, file] : files_) Close(file);
}

std::optional<std::string_view> OpenFiles::Read(std::string_view path, Records records) {
  const FileText file =
      record::Taped(record::Topic::kFile, path, [&] { return ReadNow(path, records); });
  return file.error == 0 ? std::optional(file.text) : std::nullopt;
}

FileText OpenFiles::ReadNow(std::string_view path, Records records) {
  const auto whole = [this] {
    return FileText{.error = 0, .text = std::string_view(buffer_.data(), length_)};
  };
  auto it = files_.find(path);
  if (it == files_.end()) it = files_.try_emplace(std::string(path)).first;
  File& file = it->second;
  file.round = round_;
  if (file.fd >= 0) {
    const int error = ReadWhole(file.fd, records);
    if (error == 0) return whole();
    if (HasNoValue(error)) return {.error = error};
    Close(file);
  }
  if (round_ < file.retry_round) return {};
  int error = Open(it->first, file);
  if (error == 0) {
    error = ReadWhole(file.fd, records);
    if (HasNoValue(error)) return {.error = error};
    if (error != 0) {
      Close(file);
    } else if (counts_.open > max_open_) {
      ++counts_.not_kept;
      Close(file);
    }
  }
  if (error == 0) {
    file.retry_gap = 1;
    return whole();
  }
  if (!IsGone(error)) Failed(it->first, error);
  file.retry_round = round_ + file.retry_gap;
  file.retry_gap = std::min(file.retry_gap * 2, kMaxRetryGap);
  return {.error = error};
}

void OpenFiles::EndRound() {
  absl::erase_if(files_, [this](auto& item) {
    if (item.second.round == round_) return false;
    Close(item.second);
    return true;
  });
  ++round_;
}

int OpenFiles::ReadWhole(int fd, Records records) {
  if (buffer_.empty()) buffer_.resize(kFirstBytes);
  length_ = 0;
  while (true) {
    const size_t room = buffer_.size() - length_;
    const ssize_t got = pread(fd, buffer_.data() + length_, room, static_cast<off_t>(length_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    length_ += static_cast<size_t>(got);
    const bool filled = static_cast<size_t>(got) == room;
    if (got == 0 || (records == Records::kOne && !filled)) return 0;
    if (!filled) continue;
    if (buffer_.size() >= kMaxBytes) return EFBIG;
    buffer_.resize(buffer_.size() * 2);
  }
}

int OpenFiles::Open(const std::string& path, File& file) {
  file.fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd < 0) return errno;
  ++counts_.opened;
  ++counts_.open;
  return 0;
}

void OpenFiles::Close(File& file) {
  if (file.fd < 0) return;
  close(file.fd);
  file.fd = -1;
  --counts_.open;
}

void OpenFiles::Failed(const std::string& path, int error) {
  ++counts_.failed;
  spdlog::debug("read {}: {}", path, std::strerror(error));
}

size_t DescriptorBudget() { return std::min<size_t>(RaiseDescriptorLimit() / 2, kMaxBudget); }

absl::Status CheckDescriptorLimit() {
  const rlim_t limit = RaiseDescriptorLimit();
  if (limit >= kLeastDescriptors) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the agent may open only {} files, and needs {}: raise the hard limit (ulimit "
                  "-Hn, LimitNOFILE= of its unit)",
                  limit, kLeastDescriptors));
}

}  // namespace leadline::agent::source
