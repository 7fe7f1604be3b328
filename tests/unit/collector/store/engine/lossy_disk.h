// A disk that loses power: what was not synced is gone, or a part of it, or is zeros.
//
// Everything that the store writes goes through it: its own files (LossyFiles) and those of RocksDB
// (MakeEnv). Nothing is really synced. What is durable: the contents of a file up to its last sync;
// that a file is where it is, was renamed or removed, from the next sync of its directory on. Of
// what is not, LosePower keeps some, at random: of each directory's changes the first ones, of a
// file's bytes the first ones, perhaps with zeros behind them.
//
// Thread-safe. Source: POSIX, fsync(2); Pillai et al., "All File Systems Are Not Created Equal",
// OSDI 2014.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include <rocksdb/env.h>

#include "collector/store/file/files.h"
#include "common/mutex.h"

namespace leadline::collector::store {

class LossyDisk {
 public:
  // `scratch`: an empty folder beside the store's, for what was removed and may come back.
  explicit LossyDisk(std::string scratch) : scratch_(std::move(scratch)) {}

  // The power fails after that many more operations: all those behind them fail.
  void CutPowerAfter(uint64_t operations);
  // Makes of the folder what is left on the disk, and switches the power on again. REQUIRES: no
  // file is open.
  void LosePower(std::mt19937& random);

  std::unique_ptr<rocksdb::Env> MakeEnv();

  // --- For the files that are written to it ---

  // Whether the operation may go on.
  bool Use() ABSL_LOCKS_EXCLUDED(mutex_);
  void Created(const std::string& path);
  void Opened(const std::string& path);
  void Synced(const std::string& path);
  void MadeDir(const std::string& path);
  // Does it.
  bool Rename(const std::string& from, const std::string& to);
  bool Remove(const std::string& path);
  void SyncedDir(const std::string& path);

 private:
  struct Change {
    enum class Kind { kCreate, kRename, kRemove };
    Kind kind = Kind::kCreate;
    std::string path;
    std::string from;   // of a rename
    std::string saved;  // what was at `path`, "" for nothing
  };

  void Add(Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Save(const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Undo(const Change& change);

  const std::string scratch_;
  Mutex mutex_;
  bool counts_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t left_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t saved_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t> synced_bytes_ ABSL_GUARDED_BY(mutex_);  // by path
  std::vector<Change> changes_ ABSL_GUARDED_BY(mutex_);  // not durable yet, in order
};

// The store's own files on such a disk.
class LossyFiles final : public file::Files {
 public:
  explicit LossyFiles(LossyDisk& disk) : disk_(disk) {}

  absl::StatusOr<std::unique_ptr<file::WritableFile>> Create(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<file::WritableFile>> OpenForAppend(
      const std::string& path) override;
  absl::StatusOr<std::string> Read(const std::string& path) override { return real_.Read(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    return real_.List(dir);
  }
  absl::Status MakeDirs(const std::string& dir) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<uint64_t> SizeBytes(const std::string& path) override {
    return real_.SizeBytes(path);
  }
  absl::StatusOr<uint64_t> FreeBytes(const std::string& dir) override {
    return real_.FreeBytes(dir);
  }
  absl::StatusOr<std::unique_ptr<file::FileLock>> Lock(const std::string& path) override {
    return real_.Lock(path);
  }

 private:
  LossyDisk& disk_;
  file::Files& real_ = file::PosixFiles();
};

}  // namespace leadline::collector::store
