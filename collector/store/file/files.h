// The file operations that the log and the manifest are made of, so that tests can make them fail.
//
// Paths are absolute or relative to the working directory. Errors: NOT_FOUND, RESOURCE_EXHAUSTED
// for a full disk (ENOSPC, EDQUOT), FAILED_PRECONDITION for a lock that is held, INTERNAL for the
// rest; the text has the operation, the path and the system's reason. Threading: Files may be
// called from any thread; a WritableFile belongs to one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace leadline::collector::store::file {

// Closed when destroyed, without a sync.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // On an error any part of `data` may have been written.
  virtual absl::Status Append(std::string_view data) = 0;
  // fdatasync.
  virtual absl::Status Sync() = 0;
  // What is appended next goes to `size`.
  virtual absl::Status Truncate(uint64_t size) = 0;
};

// Releases the lock when destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class Files {
 public:
  virtual ~Files() = default;
  // An empty file, made when missing; the directory is not synced.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) = 0;
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  // Names without the directory, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual absl::Status MakeDirs(const std::string& dir) = 0;
  virtual absl::Status SyncDir(const std::string& dir) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // With what is below it, when it is a directory.
  virtual absl::Status Remove(const std::string& path) = 0;
  // Of a file.
  virtual absl::StatusOr<uint64_t> SizeBytes(const std::string& path) = 0;
  // What may still be written to the file system of `dir` by who is not its administrator.
  virtual absl::StatusOr<uint64_t> FreeBytes(const std::string& dir) = 0;
  // Does not wait. The file holds the pid of the owner, for people, unless the disk is full.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The file system. Valid for the life of the program.
Files& PosixFiles();

// Replaces `path` as a whole: after a crash it has either its old or its new contents.
absl::Status ReplaceFile(Files& files, const std::string& dir, const std::string& name,
                         std::string_view contents);

}  // namespace leadline::collector::store::file
