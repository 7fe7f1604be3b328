// A value that is made of files and made again when they change.
//
// The files are looked at when the value is asked for, at most once in kLookEvery. When they have
// changed and what they hold is no good, the last good value stays, which is logged once and
// counted. Files that are replaced as Kubernetes does it (by links to another folder) have changed
// too.
//
// Thread-safe. `load` is called by one thread at a time; the clock outlives the object.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include <spdlog/spdlog.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "common/tls/reload_metrics.h"

namespace leadline::tls {

inline constexpr absl::Duration kLookEvery = absl::Seconds(1);

// What tells a changed file from an unchanged one; all 0 for a file that is not there.
struct FileStamp {
  uint64_t device = 0, inode = 0;
  int64_t size_bytes = 0, modified_ns = 0, changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
  static FileStamp Of(const std::string& file);
};

template <typename T>
class Reloading {
 public:
  using Load = std::function<absl::StatusOr<T>()>;

  // Loads for the first time; the error is that of `load`.
  static absl::StatusOr<std::shared_ptr<Reloading>> Open(std::vector<std::string> files, Load load,
                                                         const Clock& clock,
                                                         ReloadMetrics metrics) {
    auto reloading = std::shared_ptr<Reloading>(
        new Reloading(std::move(files), std::move(load), clock, metrics));
    MutexLock lock(reloading->mutex_);
    reloading->stamps_ = reloading->Stamps();
    LL_ASSIGN_OR_RETURN(T value, reloading->load_());
    reloading->value_ = std::make_shared<const T>(std::move(value));
    return reloading;
  }

  // Never nullptr; another object when it was made again.
  std::shared_ptr<const T> Get() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    const int64_t now_ns = clock_.NowMonoNs();
    if (now_ns - looked_ns_ < absl::ToInt64Nanoseconds(kLookEvery)) return value_;
    looked_ns_ = now_ns;
    std::vector<FileStamp> stamps = Stamps();
    if (stamps == stamps_) return value_;
    stamps_ = std::move(stamps);
    auto loaded = load_();
    metrics_.Reloaded(loaded.ok());
    if (loaded.ok()) {
      value_ = std::make_shared<const T>(*std::move(loaded));
      spdlog::info("{} has changed and is in use", files_.front());
    } else {
      spdlog::error("what was read before stays in use: {}", StatusMessage(loaded.status()));
    }
    return value_;
  }

 private:
  Reloading(std::vector<std::string> files, Load load, const Clock& clock, ReloadMetrics metrics)
      : files_(std::move(files)),
        load_(std::move(load)),
        clock_(clock),
        metrics_(metrics),
        looked_ns_(clock.NowMonoNs()) {}

  std::vector<FileStamp> Stamps() const {
    std::vector<FileStamp> stamps;
    for (const std::string& file : files_) stamps.push_back(FileStamp::Of(file));
    return stamps;
  }

  const std::vector<std::string> files_;
  const Load load_;
  const Clock& clock_;
  ReloadMetrics metrics_;
  Mutex mutex_;
  int64_t looked_ns_ ABSL_GUARDED_BY(mutex_);
  std::vector<FileStamp> stamps_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::tls
