#include "agent/export/identity.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/fd.h"
#include "common/status_macros.h"

namespace leadline::agent {
namespace {

// "leadline-agent-identity 1\nid <32 hex digits>\nepoch <decimal>\n"
constexpr std::string_view kHeader = "leadline-agent-identity 1\nid ";
constexpr std::string_view kEpoch = "\nepoch ";
constexpr size_t kHexDigits = 32;
constexpr size_t kMaxFileBytes = 256;

struct Record {
  Id128 agent_id;
  uint64_t epoch = 0;
};

// Never FAILED_PRECONDITION, Abseil's for ENOTDIR and EISDIR: here it means another agent.
absl::Status ErrnoStatus(int error, std::string_view what, const std::string& path) {
  absl::Status status = absl::ErrnoToStatus(error, fmt::format("agent state: {} {}", what, path));
  return absl::IsFailedPrecondition(status) ? absl::UnavailableError(status.message()) : status;
}

// All digits of `text`, and nothing else.
template <typename T>
std::optional<T> ParseNumber(std::string_view text, int base) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Record> Parse(std::string_view text) {
  if (!text.starts_with(kHeader)) return std::nullopt;
  text.remove_prefix(kHeader.size());
  if (text.size() < kHexDigits || !text.ends_with('\n')) return std::nullopt;
  const auto high = ParseNumber<uint64_t>(text.substr(0, 16), 16);
  const auto low = ParseNumber<uint64_t>(text.substr(16, 16), 16);
  text.remove_prefix(kHexDigits);
  text.remove_suffix(1);
  if (!high || !low || !text.starts_with(kEpoch)) return std::nullopt;
  const auto epoch = ParseNumber<uint64_t>(text.substr(kEpoch.size()), 10);
  if (!epoch || *epoch == 0) return std::nullopt;
  return Record{{*high, *low}, *epoch};
}

// nullopt where there is no file yet.
absl::StatusOr<std::optional<Record>> Read(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    return ErrnoStatus(errno, "cannot open", path);
  }
  char buffer[kMaxFileBytes];
  const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
  if (size < 0) return ErrnoStatus(errno, "cannot read", path);
  const auto record = Parse({buffer, static_cast<size_t>(size)});
  if (!record) {
    return absl::DataLossError(fmt::format(
        "agent state: {} is not an identity file; remove it to begin as a new agent", path));
  }
  return record;
}

// The old file or the new one is there whatever happens.
absl::Status Write(const std::string& dir, const std::string& path, const Record& record) {
  const std::string text =
      fmt::format("{}{}{}{}\n", kHeader, record.agent_id.ToHex(), kEpoch, record.epoch);
  const std::string temporary = path + ".new";
  const Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd.get() < 0) return ErrnoStatus(errno, "cannot write", temporary);
  const ssize_t written = write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(written < 0 ? errno : ENOSPC, "cannot write", temporary);
  }
  if (fdatasync(fd.get()) != 0) return ErrnoStatus(errno, "cannot sync", temporary);
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, "cannot rename to", path);
  }
  const Fd dir_fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir_fd.get() < 0 || fsync(dir_fd.get()) != 0) return ErrnoStatus(errno, "cannot sync", dir);
  return absl::OkStatus();
}

absl::StatusOr<Id128> NewAgentId() {
  Id128 id;
  static_assert(sizeof(id) == 16);
  if (getrandom(&id, sizeof(id), 0) != sizeof(id)) {
    return absl::ErrnoToStatus(errno, "agent state: no random bytes for a new agent id");
  }
  return id;
}

// By the file's inode on this boot of the machine.
uint64_t PlaceOf(int fd) {
  struct stat info {};
  std::string boot_id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
  if (boot_id.empty() || fstat(fd, &info) != 0) return 0;
  return HashId({"place", boot_id, std::to_string(info.st_dev), std::to_string(info.st_ino)}).low;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Identity>> Identity::Open(const std::string& state_dir) {
  std::error_code error;
  std::filesystem::create_directories(state_dir, error);
  if (error) return ErrnoStatus(error.value(), "cannot make the directory", state_dir);

  const std::string lock_path = state_dir + "/lock";
  Fd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.get() < 0) return ErrnoStatus(errno, "cannot write", lock_path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "cannot lock", lock_path);
    return absl::FailedPreconditionError(
        fmt::format("agent state: {} is in use by another agent", state_dir));
  }

  const std::string path = state_dir + "/identity";
  LL_ASSIGN_OR_RETURN(const std::optional<Record> stored, Read(path));
  Record record;
  if (stored) {
    record = *stored;
  } else {
    LL_ASSIGN_OR_RETURN(record.agent_id, NewAgentId());
  }
  ++record.epoch;
  LL_RETURN_IF_ERROR(Write(state_dir, path, record));
  const uint64_t place = PlaceOf(lock.get());
  return std::unique_ptr<Identity>(
      new Identity(std::move(lock), record.agent_id, record.epoch, place));
}

absl::StatusOr<std::unique_ptr<Identity>> Identity::ForOnce() {
  LL_ASSIGN_OR_RETURN(const Id128 agent_id, NewAgentId());
  return std::unique_ptr<Identity>(new Identity(/*lock=*/Fd(), agent_id, /*epoch=*/1, /*place=*/0));
}

}  // namespace leadline::agent
