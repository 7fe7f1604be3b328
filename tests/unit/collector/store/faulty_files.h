// Files that fail when they are told to. Wraps the file system; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "collector/store/file/files.h"
#include "common/mutex.h"

namespace leadline::collector::store {

class FaultyFiles final : public file::Files {
 public:
  // Writes succeed for `bytes` more; the one that goes beyond is written in part and fails as on a
  // full disk, and so do all after it, until HealWrites.
  void FillDiskAfter(uint64_t bytes) {
    MutexLock lock(mutex_);
    disk_limited_ = true;
    disk_left_ = bytes;
  }
  void HealWrites() {
    MutexLock lock(mutex_);
    disk_limited_ = false;
  }
  // What FreeBytes says from now on; UINT64_MAX for the truth.
  void SayFree(uint64_t bytes) {
    MutexLock lock(mutex_);
    free_bytes_ = bytes;
  }
  void FailSyncs(bool fail) {
    MutexLock lock(mutex_);
    fail_syncs_ = fail;
  }
  void FailTruncates(bool fail) {
    MutexLock lock(mutex_);
    fail_truncates_ = fail;
  }

  absl::StatusOr<std::unique_ptr<file::WritableFile>> Create(const std::string& path) override {
    return Wrap(real_.Create(path));
  }
  absl::StatusOr<std::unique_ptr<file::WritableFile>> OpenForAppend(
      const std::string& path) override {
    return Wrap(real_.OpenForAppend(path));
  }
  absl::StatusOr<std::string> Read(const std::string& path) override { return real_.Read(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    return real_.List(dir);
  }
  absl::Status MakeDirs(const std::string& dir) override { return real_.MakeDirs(dir); }
  absl::Status SyncDir(const std::string& dir) override { return real_.SyncDir(dir); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return real_.Remove(path); }
  absl::StatusOr<uint64_t> SizeBytes(const std::string& path) override {
    return real_.SizeBytes(path);
  }
  absl::StatusOr<uint64_t> FreeBytes(const std::string& dir) override {
    MutexLock lock(mutex_);
    return free_bytes_ != UINT64_MAX ? free_bytes_ : real_.FreeBytes(dir);
  }
  absl::StatusOr<std::unique_ptr<file::FileLock>> Lock(const std::string& path) override {
    return real_.Lock(path);
  }

 private:
  class FaultyFile final : public file::WritableFile {
   public:
    FaultyFile(FaultyFiles& owner, std::unique_ptr<file::WritableFile> real)
        : owner_(owner), real_(std::move(real)) {}

    absl::Status Append(std::string_view data) override {
      const size_t room = owner_.TakeRoom(data.size());
      if (absl::Status written = real_->Append(data.substr(0, room)); !written.ok()) return written;
      return room == data.size() ? absl::OkStatus()
                                 : absl::ResourceExhaustedError("write: injected, disk full");
    }
    absl::Status Sync() override {
      MutexLock lock(owner_.mutex_);
      if (owner_.fail_syncs_) return absl::InternalError("fdatasync: injected");
      return real_->Sync();
    }
    absl::Status Truncate(uint64_t size) override {
      MutexLock lock(owner_.mutex_);
      if (owner_.fail_truncates_) return absl::InternalError("truncate: injected");
      return real_->Truncate(size);
    }

   private:
    FaultyFiles& owner_;
    const std::unique_ptr<file::WritableFile> real_;
  };

  absl::StatusOr<std::unique_ptr<file::WritableFile>> Wrap(
      absl::StatusOr<std::unique_ptr<file::WritableFile>> opened) {
    if (!opened.ok()) return opened;
    return std::make_unique<FaultyFile>(*this, *std::move(opened));
  }

  size_t TakeRoom(size_t wanted) {
    MutexLock lock(mutex_);
    if (!disk_limited_) return wanted;
    const size_t room = wanted <= disk_left_ ? wanted : static_cast<size_t>(disk_left_);
    disk_left_ = wanted <= disk_left_ ? disk_left_ - wanted : 0;
    return room;
  }

  file::Files& real_ = file::PosixFiles();
  Mutex mutex_;
  bool disk_limited_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t disk_left_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t free_bytes_ ABSL_GUARDED_BY(mutex_) = UINT64_MAX;
  bool fail_syncs_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_truncates_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leadline::collector::store
