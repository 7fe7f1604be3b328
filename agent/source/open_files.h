// Reads the small files of /proc, /sys and cgroups again and again by descriptors that stay open.
//
//   if (const auto text = files.Read(path, OpenFiles::Records::kOne)) Parse(*text);
//   files.EndRound();  // once an interval
//
// A file that was read before costs one or two preads and no look-up of its path. One that is gone
// (its cgroup or device was removed) is opened again by its path; a path at which there is nothing
// is looked at again after 1, 2, 4, ... 16 rounds. EndRound closes what was not read in the round.
//
// Bounds: at most `max_open` descriptors; what is over that is opened for the one read and counted.
// A file longer than kMaxBytes is not read, and counted. What Read returns is valid until the next
// Read. Errors: a file that is not there, or has no value now (EINVAL), is nullopt; any other
// failure too, and is counted and logged. Not thread-safe. Source: kernel fs/seq_file.c,
// fs/kernfs/file.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "agent/source/node_files.h"
#include "common/string_map.h"

namespace leadline::agent::source {

class OpenFiles {
 public:
  enum class Records : uint8_t {
    kOne,   // the kernel writes all of it in one go, as every cgroup file but cgroup.procs
    kMany,  // it may come in several reads: /proc/net/dev, /proc/diskstats
  };

  struct Counts {
    size_t open = 0;        // descriptors that are held
    uint64_t opened = 0;    // files opened so far
    uint64_t not_kept = 0;  // of these, closed again because max_open are held
    uint64_t failed = 0;    // could not be read although they are there
  };

  explicit OpenFiles(size_t max_open) : max_open_(max_open) {}
  ~OpenFiles();
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  std::optional<std::string_view> Read(std::string_view path, Records records = Records::kMany);

  void EndRound();

  const Counts& counts() const { return counts_; }

  static constexpr size_t kMaxBytes = 4 << 20;

 private:
  struct File {
    int fd = -1;
    uint64_t round = 0;        // when it was last asked for
    uint64_t retry_round = 0;  // while it is missing
    uint32_t retry_gap = 1;
  };

  FileText ReadNow(std::string_view path, Records records);
  // 0, or the errno of what failed; the text is in buffer_.
  int ReadWhole(int fd, Records records);
  int Open(const std::string& path, File& file);
  void Close(File& file);
  void Failed(const std::string& path, int error);

  const size_t max_open_;
  uint64_t round_ = 1;
  StringMap<File> files_;
  std::string buffer_;
  size_t length_ = 0;
  Counts counts_;
};

// Raises this process' limit of open files to the most that it may have, and returns the half of
// it, for OpenFiles.
size_t DescriptorBudget();

// Half of it is enough for the probes (about 90), the HTTP server with its connections, the API
// server's and the collector's. gRPC aborts where it is given no descriptor.
inline constexpr size_t kLeastDescriptors = 512;

// RESOURCE_EXHAUSTED where the limit cannot be raised to kLeastDescriptors.
absl::Status CheckDescriptorLimit();

}  // namespace leadline::agent::source
