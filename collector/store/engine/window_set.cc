#include "collector/store/engine/window_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/manifest.h"
#include "collector/store/engine/quarantine.h"
#include "collector/store/window/rocks.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {

using window::Window;

WindowSet::WindowSet(file::Files& files, const Paths& paths, const Options& options,
                     Metrics& metrics)
    : files_(files),
      paths_(paths),
      metrics_(metrics),
      shared_{window::MakeBlockCache(options.block_cache_bytes), options.env} {}

std::string WindowSet::PathOf(const WindowId& id) const {
  return fmt::format("{}/{}", paths_.windows, NameOf(id));
}

absl::Status WindowSet::ClearUnlisted(RetentionClass retention, const Manifest::Windows& listed,
                                      Unlisted unlisted) {
  const std::string dir = fmt::format("{}/{}", paths_.windows, NameOf(retention));
  LL_RETURN_IF_ERROR(files_.MakeDirs(dir));
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(dir));
  for (const std::string& name : names) {
    const WindowId id{DayOfName(name), retention};
    if (listed.contains(id)) continue;
    if (unlisted == Unlisted::kQuarantine && id.start_ms >= 0) {
      LL_RETURN_IF_ERROR(
          MoveToQuarantine(id, absl::DataLossError("the manifest's copy does not list it")));
      continue;
    }
    spdlog::info("removing unlisted window dir={}/{}", dir, name);
    LL_RETURN_IF_ERROR(files_.Remove(fmt::format("{}/{}", dir, name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Window>> WindowSet::OpenAsMayBe(const WindowId& id) const {
  auto opened = Window::Open(PathOf(id), id.start_ms, shared_, Window::Access::kWrite,
                             LengthMs(id.retention));
  if (!absl::IsResourceExhausted(opened.status())) return opened;
  spdlog::warn("window is opened for reading only reason=\"{}\"",
               std::string(opened.status().message()));
  return Window::Open(PathOf(id), id.start_ms, shared_, Window::Access::kRead,
                      LengthMs(id.retention));
}

absl::Status WindowSet::OpenAll(const Manifest::Windows& listed, Unlisted unlisted) {
  for (size_t i = 0; i < kRetentionClasses.size(); ++i) {
    LL_RETURN_IF_ERROR(ClearUnlisted(static_cast<RetentionClass>(i), listed, unlisted));
  }
  LL_RETURN_IF_ERROR(files_.SyncDir(paths_.windows));
  LL_RETURN_IF_ERROR(FindGaps());
  for (const auto& [id, sequence] : listed) {
    const std::string path = PathOf(id);
    // RocksDB would make it.
    if (absl::IsNotFound(files_.List(path).status())) {
      LL_RETURN_IF_ERROR(NoteMissing(id));
      continue;
    }
    auto opened = OpenAsMayBe(id);
    if (opened.ok() && (*opened)->durable_sequence() < sequence) {
      opened =
          window::DamagedWindow(path, fmt::format("window {} has {} writes; {} were durable once",
                                                  path, (*opened)->durable_sequence(), sequence));
    }
    if (opened.ok()) {
      MutexLock lock(mutex_);
      windows_[id] = *std::move(opened);
      continue;
    }
    if (!absl::IsDataLoss(opened.status())) return opened.status();
    LL_RETURN_IF_ERROR(MoveToQuarantine(id, opened.status()));
  }
  return absl::OkStatus();
}

Manifest::Windows WindowSet::Listed() const {
  MutexLock lock(mutex_);
  Manifest::Windows listed;
  for (const auto& [id, window] : windows_) listed[id] = window->durable_sequence();
  return listed;
}

int64_t WindowSet::NewestMs() const {
  MutexLock lock(mutex_);
  int64_t of_samples_ms = chunk::kBeforeAllTime;
  int64_t of_any_ms = chunk::kBeforeAllTime;
  for (const auto& [id, window] : windows_) {
    of_any_ms = std::max(of_any_ms, LastMs(id));
    if (!IsRollup(id.retention)) of_samples_ms = std::max(of_samples_ms, LastMs(id));
  }
  return of_samples_ms == chunk::kBeforeAllTime ? of_any_ms : of_samples_ms;
}

std::map<int64_t, uint64_t> WindowSet::Sizes() {
  const int64_t newest_ms = NewestMs();
  MutexLock lock(mutex_);
  for (auto of = other_files_.begin(); of != other_files_.end();) {
    of = windows_.contains(of->first) ? std::next(of) : other_files_.erase(of);
  }
  std::map<int64_t, uint64_t> sizes;
  for (const auto& [id, window] : windows_) {
    sizes[std::min(LastMs(id), newest_ms)] += SizeOf(id, *window);
  }
  return sizes;
}

// Tables that were merged may still be there for a moment, and are not counted. The others are
// looked at again when something was written.
uint64_t WindowSet::SizeOf(const WindowId& id, const Window& window) {
  OtherFiles& others = other_files_[id];
  const uint64_t sequence = window.durable_sequence();
  const uint64_t table_bytes = window.table_bytes();
  if (others.sequence != sequence || others.table_bytes != table_bytes) {
    others = {sequence, table_bytes, 0};
    for (const std::string& name : files_.List(PathOf(id)).value_or(std::vector<std::string>())) {
      if (window::IsTable(name)) continue;
      others.bytes += files_.SizeBytes(fmt::format("{}/{}", PathOf(id), name)).value_or(0);
    }
  }
  return table_bytes + others.bytes;
}

WindowSet::Opened WindowSet::OverlappingById(int64_t start_ms, int64_t end_ms) const {
  MutexLock lock(mutex_);
  Opened found;
  for (const auto& [id, window] : windows_) {
    if (LastMs(id) < start_ms || id.start_ms > end_ms) continue;
    if (!hidden_.contains(id)) found.emplace_back(id, window);
  }
  return found;
}

std::vector<std::shared_ptr<Window>> WindowSet::Overlapping(int64_t start_ms,
                                                            int64_t end_ms) const {
  std::vector<std::shared_ptr<Window>> found;
  for (auto& [id, window] : KnowingById(start_ms, end_ms)) found.push_back(std::move(window));
  return found;
}

WindowSet::Opened WindowSet::KnowingById(int64_t start_ms, int64_t end_ms) const {
  const int64_t samples_from_ms = OldestSamplesMs();
  Opened found = OverlappingById(start_ms, end_ms);
  std::erase_if(found, [&](const auto& window) {
    const WindowId& id = window.first;
    return IsRollup(id.retention) && std::max(start_ms, id.start_ms) >= samples_from_ms;
  });
  return found;
}

std::shared_ptr<Window> WindowSet::Find(const WindowId& id) const {
  MutexLock lock(mutex_);
  const auto it = windows_.find(id);
  return it == windows_.end() ? nullptr : it->second;
}

std::shared_ptr<Window> WindowSet::FindShown(const WindowId& id) const {
  MutexLock lock(mutex_);
  const auto it = windows_.find(id);
  return it == windows_.end() || hidden_.contains(id) ? nullptr : it->second;
}

int64_t WindowSet::OldestSamplesMs() const {
  MutexLock lock(mutex_);
  for (const auto& [id, window] : windows_) {
    if (!IsRollup(id.retention)) return id.start_ms;
  }
  return model::kOpenEnd;
}

absl::StatusOr<std::shared_ptr<Window>> WindowSet::GetOrCreate(const WindowId& id) {
  MutexLock lock(mutex_);
  if (const auto it = windows_.find(id); it != windows_.end()) {
    LL_RETURN_IF_ERROR(OpenForWriting(it->second));
    return it->second;
  }
  // An earlier try may have left a part of it.
  if (absl::Status removed = files_.Remove(PathOf(id));
      !removed.ok() && !absl::IsNotFound(removed)) {
    return removed;
  }
  LL_ASSIGN_OR_RETURN(std::shared_ptr<Window> created,
                      Window::Open(PathOf(id), id.start_ms, shared_, Window::Access::kCreate,
                                   LengthMs(id.retention)));
  LL_RETURN_IF_ERROR(files_.SyncDir(fmt::format("{}/{}", paths_.windows, NameOf(id.retention))));
  windows_[id] = created;
  return created;
}

// Beside it, since it may not be possible. Only with nobody reading the one for reading, since the
// other removes files.
absl::Status WindowSet::OpenForWriting(std::shared_ptr<Window>& window) {
  if (!window->is_read_only()) return absl::OkStatus();
  if (window.use_count() > 1) {
    return absl::UnavailableError(
        fmt::format("window {} is still read, and cannot be opened for writing", window->path()));
  }
  LL_ASSIGN_OR_RETURN(window, Window::Open(window->path(), window->start_ms(), shared_,
                                           Window::Access::kWrite, window->length_ms()));
  spdlog::info("window is open for writing again path={}", window->path());
  return absl::OkStatus();
}

absl::Status WindowSet::OpenForWriting() {
  absl::Status damaged;
  {
    MutexLock lock(mutex_);
    for (auto& [id, window] : windows_) {
      if (hidden_.contains(id)) continue;
      absl::Status opened = OpenForWriting(window);
      if (absl::IsUnavailable(opened)) continue;
      if (!absl::IsDataLoss(opened)) LL_RETURN_IF_ERROR(opened);
      if (!opened.ok()) damaged = std::move(opened);
    }
  }
  HideDamaged(damaged);
  return absl::OkStatus();
}

void WindowSet::WarmUp(window::MayReadOn go_on) const {
  const int64_t newest_ms = NewestMs();
  for (const auto& [id, window] : OverlappingById(newest_ms, newest_ms)) {
    if (!IsRollup(id.retention)) window->WarmUp(go_on).IgnoreError();
  }
}

absl::Status WindowSet::GoOn() {
  for (const auto& [id, window] : OverlappingById(chunk::kMinTimestampMs, chunk::kMaxTimestampMs)) {
    if (!window->is_read_only()) LL_RETURN_IF_ERROR(window->GoOn());
  }
  return absl::OkStatus();
}

absl::Status WindowSet::Settle(int64_t before_ms) {
  for (const auto& [id, window] : OverlappingById(chunk::kMinTimestampMs, chunk::kMaxTimestampMs)) {
    if (IsRollup(id.retention) || window->is_read_only()) continue;
    const absl::Status settled = window->Settle(before_ms);
    if (!HideDamaged(settled)) LL_RETURN_IF_ERROR(settled);
  }
  return absl::OkStatus();
}

absl::Status WindowSet::SettleAll() {
  for (const auto& [id, window] : OverlappingById(chunk::kMinTimestampMs, chunk::kMaxTimestampMs)) {
    if (window->is_read_only()) continue;
    absl::Status settled = window->Settle(model::kOpenEnd);
    if (settled.ok()) settled = window->Compact();
    if (!HideDamaged(settled)) LL_RETURN_IF_ERROR(settled);
  }
  return absl::OkStatus();
}

bool WindowSet::HideDamaged(const absl::Status& status) {
  const auto path = window::DamagedWindowOf(status);
  if (!path.has_value()) return false;
  MutexLock lock(mutex_);
  for (const auto& [id, window] : windows_) {
    if (window->path() != *path || !hidden_.emplace(id, status).second) continue;
    gaps_.insert(id);
    spdlog::error("window is damaged, and not read any more dir={} reason=\"{}\"", *path,
                  std::string(status.message()));
  }
  return true;
}

absl::Status WindowSet::WhyHidden(const std::set<WindowId>& ids) const {
  MutexLock lock(mutex_);
  for (const auto& [id, why] : hidden_) {
    if (ids.contains(id)) return why;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> WindowSet::QuarantineHidden() {
  std::map<WindowId, absl::Status> hidden;
  {
    MutexLock lock(mutex_);
    hidden = hidden_;
  }
  // Out of the manifest only once it is moved: what the manifest does not list is removed at the
  // next start.
  for (const auto& [id, why] : hidden) {
    LL_RETURN_IF_ERROR(MoveToQuarantine(id, why));
    MutexLock lock(mutex_);
    windows_.erase(id);
    hidden_.erase(id);
  }
  return !hidden.empty();
}

std::vector<std::string> WindowSet::Gaps(int64_t start_ms, int64_t end_ms) const {
  const int64_t samples_from_ms = OldestSamplesMs();
  MutexLock lock(mutex_);
  std::vector<std::string> texts;
  for (const WindowId& gap : gaps_) {
    if (LastMs(gap) < start_ms || gap.start_ms > end_ms) continue;
    // Rollups are made again of samples.
    if (IsRollup(gap.retention) && std::max(start_ms, gap.start_ms) >= samples_from_ms) continue;
    texts.push_back(
        fmt::format("data of {} ({}) was found damaged or missing, and is left out; see {}",
                    DayName(gap.start_ms), NameOf(gap.retention), paths_.quarantine));
  }
  return texts;
}

absl::Status WindowSet::FindGaps() {
  const auto names = files_.List(paths_.quarantine);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  LL_RETURN_IF_ERROR(names.status());
  MutexLock lock(mutex_);
  for (const std::string& name : *names) {
    if (const auto id = WindowOfQuarantined(name)) gaps_.insert(*id);
  }
  return absl::OkStatus();
}

absl::Status WindowSet::Drop(const WindowId& id) {
  {
    MutexLock lock(mutex_);
    windows_.erase(id);
    hidden_.erase(id);
  }
  return files_.Remove(PathOf(id));
}

absl::Status WindowSet::DropQuarantined(const ByClass<int64_t>& kept_from_ms) {
  std::vector<WindowId> passed;
  {
    MutexLock lock(mutex_);
    for (const WindowId& gap : gaps_) {
      const int64_t kept_ms = kept_from_ms[static_cast<size_t>(gap.retention)];
      if (LastMs(gap) < kept_ms && !hidden_.contains(gap)) {
        passed.push_back(gap);
      }
    }
  }
  if (passed.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> listed = files_.List(paths_.quarantine);
  if (!listed.ok() && !absl::IsNotFound(listed.status())) return listed.status();
  const std::vector<std::string> names =
      listed.ok() ? *std::move(listed) : std::vector<std::string>();
  for (const WindowId& gap : passed) {
    for (const std::string& name : names) {
      if (WindowOfQuarantined(name) != gap) continue;
      LL_RETURN_IF_ERROR(files_.Remove(fmt::format("{}/{}", paths_.quarantine, name)));
      spdlog::info("dropped from quarantine path={}/{}", paths_.quarantine, name);
    }
    MutexLock lock(mutex_);
    gaps_.erase(gap);
  }
  return absl::OkStatus();
}

absl::Status WindowSet::MoveToQuarantine(const WindowId& id, const absl::Status& why) {
  {
    MutexLock lock(mutex_);
    gaps_.insert(id);
  }
  const absl::Status moved = QuarantinePath(files_, paths_, PathOf(id), QuarantinedName(id), why);
  if (!moved.ok() && !absl::IsNotFound(moved)) return moved;  // who moved it away did it for us
  metrics_.quarantined_windows.Increment();
  return absl::OkStatus();
}

// A directory in its stead, so that the gap is known after the next start too.
absl::Status WindowSet::NoteMissing(const WindowId& id) {
  metrics_.quarantined_windows.Increment();
  spdlog::error("window is missing dir={}", PathOf(id));
  {
    MutexLock lock(mutex_);
    gaps_.insert(id);
  }
  return files_.MakeDirs(fmt::format("{}/{}.missing", paths_.quarantine, QuarantinedName(id)));
}

}  // namespace leadline::collector::store::engine
