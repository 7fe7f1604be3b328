#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "collector/store/file/files.h"
#include "common/huge_pages.h"
#include "common/status_macros.h"

namespace leadline::collector::store::file {
namespace {

constexpr mode_t kFileMode = 0640;

absl::Status ErrorOf(int error, std::string_view operation, const std::string& path) {
  const std::string text =
      fmt::format("{} {}: {}", operation, path, std::generic_category().message(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::InternalError(text);
  }
}

class Descriptor {
 public:
  Descriptor(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  if (fd < 0) return ErrorOf(errno, "open", path);
  return Descriptor(fd, path);
}

class PosixWritableFile final : public WritableFile {
 public:
  explicit PosixWritableFile(Descriptor file) : file_(std::move(file)) {}

  absl::Status Append(std::string_view data) override {
    while (!data.empty()) {
      const ssize_t written = write(file_.fd(), data.data(), data.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return ErrorOf(errno, "write", file_.path());
      }
      data.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (fdatasync(file_.fd()) != 0) return ErrorOf(errno, "fdatasync", file_.path());
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    if (ftruncate(file_.fd(), static_cast<off_t>(size)) != 0) {
      return ErrorOf(errno, "truncate", file_.path());
    }
    return absl::OkStatus();
  }

 private:
  Descriptor file_;  // O_APPEND
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;
};

class PosixFilesImpl final : public Files {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    return Open(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC);
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) override {
    return Open(path, O_WRONLY | O_APPEND);
  }

  absl::StatusOr<std::string> Read(const std::string& path) override {
    LL_ASSIGN_OR_RETURN(const Descriptor file, OpenDescriptor(path, O_RDONLY));
    std::string contents;
    constexpr size_t kReadBytes = 1 << 20;
    if (struct stat found{}; fstat(file.fd(), &found) == 0 && found.st_size > 0) {
      contents.reserve(static_cast<size_t>(found.st_size) + kReadBytes);
      AdviseHugePages(contents.data(), contents.capacity());
    }
    while (true) {
      const size_t size = contents.size();
      contents.resize(size + kReadBytes);
      const ssize_t got = read(file.fd(), contents.data() + size, kReadBytes);
      if (got < 0 && errno != EINTR) return ErrorOf(errno, "read", path);
      contents.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
      if (got == 0) return contents;
    }
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    std::error_code error;
    std::filesystem::directory_iterator entries(dir, error);
    std::vector<std::string> names;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
      names.push_back(entries->path().filename().string());
    }
    if (error) return ErrorOf(error.value(), "list", dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status MakeDirs(const std::string& dir) override {
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    return error ? ErrorOf(error.value(), "make directory", dir) : absl::OkStatus();
  }

  absl::Status SyncDir(const std::string& dir) override {
    LL_ASSIGN_OR_RETURN(const Descriptor file, OpenDescriptor(dir, O_RDONLY | O_DIRECTORY));
    if (fsync(file.fd()) != 0) return ErrorOf(errno, "fsync", dir);
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) {
      return ErrorOf(errno, "rename", fmt::format("{} to {}", from, to));
    }
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    std::error_code error;
    const auto removed = std::filesystem::remove_all(path, error);
    if (error) return ErrorOf(error.value(), "remove", path);
    return removed == 0 ? ErrorOf(ENOENT, "remove", path) : absl::OkStatus();
  }

  absl::StatusOr<uint64_t> SizeBytes(const std::string& path) override {
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) return ErrorOf(errno, "stat", path);
    return static_cast<uint64_t>(found.st_size);
  }

  absl::StatusOr<uint64_t> FreeBytes(const std::string& dir) override {
    struct statvfs found {};
    if (statvfs(dir.c_str(), &found) != 0) return ErrorOf(errno, "statvfs", dir);
    return uint64_t{found.f_bavail} * found.f_frsize;
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    LL_ASSIGN_OR_RETURN(Descriptor file, OpenDescriptor(path, O_RDWR | O_CREAT));
    if (flock(file.fd(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return ErrorOf(errno, "lock", path);
      std::string owner = Read(path).value_or("");
      std::erase(owner, '\n');
      return absl::FailedPreconditionError(fmt::format("lock {}: held by another process (pid {})",
                                                       path, owner.empty() ? "unknown" : owner));
    }
    const std::string pid = fmt::format("{}\n", getpid());
    if (ftruncate(file.fd(), 0) != 0) return ErrorOf(errno, "write", path);
    if (pwrite(file.fd(), pid.data(), pid.size(), 0) < 0) {
      absl::Status written = ErrorOf(errno, "write", path);
      if (!absl::IsResourceExhausted(written)) return written;
    }
    return std::make_unique<PosixFileLock>(std::move(file));
  }

 private:
  static absl::StatusOr<std::unique_ptr<WritableFile>> Open(const std::string& path, int flags) {
    LL_ASSIGN_OR_RETURN(Descriptor file, OpenDescriptor(path, flags));
    return std::make_unique<PosixWritableFile>(std::move(file));
  }
};

}  // namespace

Files& PosixFiles() {
  static PosixFilesImpl files;
  return files;
}

absl::Status ReplaceFile(Files& files, const std::string& dir, const std::string& name,
                         std::string_view contents) {
  const std::string path = fmt::format("{}/{}", dir, name);
  const std::string temporary = path + ".tmp";
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, files.Create(temporary));
  LL_RETURN_IF_ERROR(file->Append(contents));
  LL_RETURN_IF_ERROR(file->Sync());
  LL_RETURN_IF_ERROR(files.Rename(temporary, path));
  return files.SyncDir(dir);
}

}  // namespace leadline::collector::store::file
