#include "collector/store/engine/window_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/manifest.h"
#include "collector/store/engine/quarantine.h"
#include "collector/store/window/rocks.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {

WindowSet::WindowSet(file::Files& files, const Paths& paths, const Options& options,
                     Metrics& metrics)
    : files_(files),
      paths_(paths),
      metrics_(metrics),
      shared_{window::MakeBlockCache(options.block_cache_bytes), options.env} {}

std::string WindowSet::PathOf(int64_t start_ms) const {
  return fmt::format("{}/{}", paths_.windows, WindowName(start_ms));
}

absl::Status WindowSet::OpenAll(const std::set<int64_t>& listed) {
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(paths_.windows));
  for (const std::string& name : names) {
    if (listed.contains(WindowStartOfName(name))) continue;
    spdlog::info("removing unlisted window dir={}/{}", paths_.windows, name);
    LL_RETURN_IF_ERROR(files_.Remove(fmt::format("{}/{}", paths_.windows, name)));
  }
  for (const int64_t start_ms : listed) {
    auto opened = window::Window::Open(PathOf(start_ms), start_ms, shared_, /*create=*/false);
    if (opened.ok()) {
      MutexLock lock(mutex_);
      windows_[start_ms] = *std::move(opened);
      continue;
    }
    if (!absl::IsDataLoss(opened.status())) return opened.status();
    if (!std::binary_search(names.begin(), names.end(), WindowName(start_ms))) {
      metrics_.quarantined_windows.Increment();
      spdlog::error("window is missing dir={}", PathOf(start_ms));
      continue;
    }
    LL_RETURN_IF_ERROR(MoveToQuarantine(start_ms, opened.status()));
  }
  return absl::OkStatus();
}

std::set<int64_t> WindowSet::Starts() const {
  MutexLock lock(mutex_);
  std::set<int64_t> starts;
  for (const auto& [start_ms, window] : windows_) starts.insert(start_ms);
  return starts;
}

std::vector<std::shared_ptr<window::Window>> WindowSet::Overlapping(int64_t start_ms,
                                                                    int64_t end_ms) const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<window::Window>> found;
  for (const auto& [window_start_ms, window] : windows_) {
    if (chunk::WindowLast(window_start_ms) >= start_ms && window_start_ms <= end_ms) {
      found.push_back(window);
    }
  }
  return found;
}

absl::StatusOr<std::shared_ptr<window::Window>> WindowSet::GetOrCreate(int64_t start_ms) {
  MutexLock lock(mutex_);
  if (const auto it = windows_.find(start_ms); it != windows_.end()) return it->second;
  // An earlier try may have left a part of it.
  if (absl::Status removed = files_.Remove(PathOf(start_ms));
      !removed.ok() && !absl::IsNotFound(removed)) {
    return removed;
  }
  LL_ASSIGN_OR_RETURN(std::shared_ptr<window::Window> created,
                      window::Window::Open(PathOf(start_ms), start_ms, shared_, /*create=*/true));
  LL_RETURN_IF_ERROR(files_.SyncDir(paths_.windows));
  windows_[start_ms] = created;
  return created;
}

std::vector<std::shared_ptr<window::Window>> WindowSet::All() const {
  return Overlapping(chunk::kMinTimestampMs, chunk::kMaxTimestampMs);
}

absl::Status WindowSet::QuarantineIfDamaged(int64_t start_ms, const absl::Status& status) {
  return absl::IsDataLoss(status) ? Quarantine(start_ms, status) : status;
}

absl::Status WindowSet::Settle(int64_t before_ms) {
  for (const auto& window : All()) {
    LL_RETURN_IF_ERROR(QuarantineIfDamaged(window->start_ms(), window->Settle(before_ms)));
  }
  return absl::OkStatus();
}

absl::Status WindowSet::SettleAll() {
  for (const auto& window : All()) {
    absl::Status settled = window->Settle(model::kOpenEnd);
    if (settled.ok()) settled = window->Compact();
    LL_RETURN_IF_ERROR(QuarantineIfDamaged(window->start_ms(), settled));
  }
  return absl::OkStatus();
}

absl::Status WindowSet::Drop(int64_t start_ms) {
  {
    MutexLock lock(mutex_);
    windows_.erase(start_ms);
  }
  return files_.Remove(PathOf(start_ms));
}

absl::Status WindowSet::Quarantine(int64_t start_ms, const absl::Status& why) {
  {
    MutexLock lock(mutex_);
    windows_.erase(start_ms);
  }
  return MoveToQuarantine(start_ms, why);
}

absl::Status WindowSet::MoveToQuarantine(int64_t start_ms, const absl::Status& why) {
  metrics_.quarantined_windows.Increment();
  return QuarantinePath(files_, paths_, PathOf(start_ms),
                        fmt::format("window-{}", WindowName(start_ms)), why);
}

}  // namespace leadline::collector::store::engine
