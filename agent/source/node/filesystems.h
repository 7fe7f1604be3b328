// The node's file systems: which are mounted, and how full they are, safe against mounts that hang.
//
// statfs of a dead NFS server does not return, so it is called on a thread of its own. A mount that
// does not answer in time is reported as such until it does; its thread is left behind, another
// takes over, and the mount is not asked again before it has answered. At most kMaxHung threads
// wait so; when there are that many, or no thread can be had, which is logged, no mount is asked.
// Source: proc(5) on mounts, statfs(2).
//
// FilesystemStat: one thread calls it; its own threads end with it, but those that hang.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace leadline::agent::source {

struct Filesystem {
  std::string device;
  std::string mount_point;
  std::string type;
  bool read_only = false;

  bool operator==(const Filesystem&) const = default;
};

// Of the text of /proc/PID/mounts: the ones that node-exporter reports, without those of pods and
// container runtimes, which come and go; each (device, mount point, type) once. At most
// kMaxFilesystems; `left_out` is how many more there are.
struct Filesystems {
  std::vector<Filesystem> mounted;
  size_t left_out = 0;
};
Filesystems ParseMounts(std::string_view text);
inline constexpr size_t kMaxFilesystems = 256;

struct FilesystemSize {
  double size_bytes = 0;
  double free_bytes = 0;
  double available_bytes = 0;
  double files = 0;
  double files_free = 0;
};
template <typename Archive>
void Fields(Archive& archive, FilesystemSize& size) {
  archive("size_bytes", size.size_bytes, "free_bytes", size.free_bytes, "available_bytes",
          size.available_bytes, "files", size.files, "files_free", size.files_free);
}

class FilesystemStat {
 public:
  // nullopt when the file system cannot be asked.
  using Ask = std::function<std::optional<FilesystemSize>(const std::string& path)>;

  // `timeout`: for one mount to answer.
  explicit FilesystemStat(absl::Duration timeout, Ask ask = AskKernel);
  ~FilesystemStat();
  FilesystemStat(const FilesystemStat&) = delete;
  FilesystemStat& operator=(const FilesystemStat&) = delete;

  // nullopt: an error, or no answer (yet). Takes at most kMaxNewlyHung times the timeout; what
  // comes after that many new hanging mounts is not asked this time.
  std::vector<std::optional<FilesystemSize>> Stat(const std::vector<std::string>& paths);

  // How many mounts do not answer.
  size_t hung() const;

  static constexpr size_t kMaxHung = 16;
  static constexpr size_t kMaxNewlyHung = 2;

 private:
  struct Shared;

  static std::optional<FilesystemSize> AskKernel(const std::string& path);
  // False where there is no thread to be had.
  bool StartWorker();

  const absl::Duration timeout_;
  std::shared_ptr<Shared> shared_;  // with the threads
  bool has_worker_ = false;
};

}  // namespace leadline::agent::source
