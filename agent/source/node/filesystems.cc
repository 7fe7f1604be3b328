#include "agent/source/node/filesystems.h"

#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include <spdlog/spdlog.h>

#include "agent/source/escapes.h"
#include "agent/source/text.h"
#include "common/catch_status.h"
#include "common/mutex.h"
#include "common/status_text.h"

namespace leadline::agent::source {
namespace {

// node-exporter's own list.
constexpr std::string_view kIgnoredTypes[] = {
    "autofs",     "binfmt_misc", "bpf",       "cgroup",   "cgroup2",   "configfs",
    "debugfs",    "devpts",      "devtmpfs",  "fusectl",  "hugetlbfs", "iso9660",
    "mqueue",     "nsfs",        "overlay",   "proc",     "procfs",    "pstore",
    "rpc_pipefs", "securityfs",  "selinuxfs", "squashfs", "sysfs",     "tracefs",
};

// A mount point that is one of these or below it.
constexpr std::string_view kIgnoredTrees[] = {"/dev", "/proc", "/sys"};
// One that is below: credentials, and what belongs to containers and pods.
constexpr std::string_view kIgnoredBelow[] = {
    "/run/containerd/",     "/run/credentials/",
    "/run/k3s/containerd/", "/var/lib/containers/storage/",
    "/var/lib/docker/",     "/var/lib/kubelet/pods/",
};

bool IsIgnoredMountPoint(std::string_view path) {
  for (const std::string_view tree : kIgnoredTrees) {
    if (path.starts_with(tree) && (path.size() == tree.size() || path[tree.size()] == '/')) {
      return true;
    }
  }
  return std::any_of(
      std::begin(kIgnoredBelow), std::end(kIgnoredBelow),
      [&](std::string_view tree) { return path.starts_with(tree) && path.size() > tree.size(); });
}

bool HasOption(std::string_view options, std::string_view option) {
  while (!options.empty()) {
    if (TakeUntil(options, ',') == option) return true;
  }
  return false;
}

}  // namespace

Filesystems ParseMounts(std::string_view text) {
  Filesystems found;
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    Filesystem filesystem{.device = UnescapeMountField(TakeWord(line))};
    filesystem.mount_point = UnescapeMountField(TakeWord(line));
    filesystem.type = TakeWord(line);
    filesystem.read_only = HasOption(TakeWord(line), "ro");
    const bool ignored = std::find(std::begin(kIgnoredTypes), std::end(kIgnoredTypes),
                                   filesystem.type) != std::end(kIgnoredTypes) ||
                         IsIgnoredMountPoint(filesystem.mount_point);
    if (filesystem.type.empty() || ignored) continue;
    const bool known =
        std::any_of(found.mounted.begin(), found.mounted.end(), [&](const Filesystem& other) {
          return other.device == filesystem.device && other.type == filesystem.type &&
                 other.mount_point == filesystem.mount_point;
        });
    if (known) continue;
    if (found.mounted.size() == kMaxFilesystems) {
      ++found.left_out;
    } else {
      found.mounted.push_back(std::move(filesystem));
    }
  }
  return found;
}

struct FilesystemStat::Shared {
  explicit Shared(Ask a) : ask(std::move(a)) {}

  // Runs on a thread until another has taken over or the owner is gone.
  static void Work(const std::shared_ptr<Shared>& shared, uint64_t worker);

  const Ask ask;
  Mutex mutex;
  CondVar changed;
  uint64_t worker ABSL_GUARDED_BY(mutex) = 0;  // whose turn it is
  bool stop ABSL_GUARDED_BY(mutex) = false;
  std::optional<std::string> asked ABSL_GUARDED_BY(mutex);  // taken off when it is answered
  std::optional<FilesystemSize> answer ABSL_GUARDED_BY(mutex);
  absl::flat_hash_set<std::string> hung ABSL_GUARDED_BY(mutex);
};

void FilesystemStat::Shared::Work(const std::shared_ptr<Shared>& shared, uint64_t worker) {
  while (true) {
    std::string path;
    {
      MutexLock lock(shared->mutex);
      while (!shared->stop && shared->worker == worker && !shared->asked.has_value()) {
        shared->changed.Wait(shared->mutex);
      }
      if (shared->stop || shared->worker != worker) return;
      path = *shared->asked;
    }
    const std::optional<FilesystemSize> answer = shared->ask(path);
    MutexLock lock(shared->mutex);
    if (shared->worker != worker) {
      shared->hung.erase(path);
      return;
    }
    shared->answer = answer;
    shared->asked.reset();
    shared->changed.NotifyAll();
  }
}

FilesystemStat::FilesystemStat(absl::Duration timeout, Ask ask)
    : timeout_(timeout), shared_(std::make_shared<Shared>(std::move(ask))) {}

bool FilesystemStat::StartWorker() {
  uint64_t worker = 0;
  {
    MutexLock lock(shared_->mutex);
    worker = ++shared_->worker;
  }
  auto thread = CatchStatus("measure file systems",
                            [&] { return std::thread(Shared::Work, shared_, worker); });
  has_worker_ = thread.ok();
  if (has_worker_) {
    thread->detach();
  } else {
    spdlog::warn("{}", StatusMessage(thread.status()));
  }
  return has_worker_;
}

FilesystemStat::~FilesystemStat() {
  MutexLock lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.NotifyAll();
}

std::vector<std::optional<FilesystemSize>> FilesystemStat::Stat(
    const std::vector<std::string>& paths) {
  std::vector<std::optional<FilesystemSize>> sizes(paths.size());
  size_t newly_hung = 0;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (!has_worker_ && !StartWorker()) break;
    MutexLock lock(shared_->mutex);
    if (shared_->hung.contains(paths[i]) || shared_->hung.size() >= kMaxHung) continue;
    if (newly_hung == kMaxNewlyHung) continue;
    shared_->answer.reset();
    shared_->asked = paths[i];
    shared_->changed.NotifyAll();
    while (shared_->asked.has_value() && shared_->changed.WaitFor(shared_->mutex, timeout_)) {
    }
    if (!shared_->asked.has_value()) {
      sizes[i] = shared_->answer;
      continue;
    }
    ++newly_hung;
    shared_->hung.insert(paths[i]);
    shared_->asked.reset();
    ++shared_->worker;    // its thread is on its own from now on
    has_worker_ = false;  // another takes over with the next mount
  }
  return sizes;
}

size_t FilesystemStat::hung() const {
  MutexLock lock(shared_->mutex);
  return shared_->hung.size();
}

std::optional<FilesystemSize> FilesystemStat::AskKernel(const std::string& path) {
  struct statfs info {};
  while (statfs(path.c_str(), &info) != 0) {
    if (errno != EINTR) return std::nullopt;
  }
  const auto block = static_cast<double>(info.f_bsize);
  return FilesystemSize{.size_bytes = static_cast<double>(info.f_blocks) * block,
                        .free_bytes = static_cast<double>(info.f_bfree) * block,
                        .available_bytes = static_cast<double>(info.f_bavail) * block,
                        .files = static_cast<double>(info.f_files),
                        .files_free = static_cast<double>(info.f_ffree)};
}

}  // namespace leadline::agent::source
