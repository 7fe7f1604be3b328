// The figures of a cgroup: every file that is read holds the input.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "agent/source/cgroup_stats.h"
#include "agent/source/cgroup_tree.h"

namespace {

namespace source = leadline::agent::source;

constexpr const char* kFiles[] = {
    "blkio.throttle.io_service_bytes_recursive",
    "blkio.throttle.io_serviced_recursive",
    "cgroup.procs",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "cpu.max",
    "cpu.pressure",
    "cpu.shares",
    "cpu.stat",
    "cpu.weight",
    "cpuacct.stat",
    "cpuacct.usage",
    "io.pressure",
    "io.stat",
    "memory.current",
    "memory.events",
    "memory.limit_in_bytes",
    "memory.max",
    "memory.oom_control",
    "memory.stat",
    "memory.usage_in_bytes",
    "pids.current",
    "pids.max",
};

// One file under all its names, in memory where the machine has such a folder.
class Cgroup {
 public:
  Cgroup() {
    const std::filesystem::path memory = "/dev/shm";
    root_ =
        (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
        ("leadline-fuzz-" + std::to_string(getpid()));
    std::filesystem::create_directories(root_);
    std::ofstream(root_ / "all").flush();
    for (const char* name : kFiles) std::filesystem::create_hard_link(root_ / "all", root_ / name);
  }
  ~Cgroup() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  const std::filesystem::path& root() const { return root_; }
  void Fill(std::string_view text) const {
    if (!std::ofstream(root_ / "all")
             .write(text.data(), static_cast<std::streamsize>(text.size()))) {
      abort();
    }
  }

 private:
  std::filesystem::path root_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Cgroup cgroup;
  cgroup.Fill({reinterpret_cast<const char*>(data), size});
  static source::OpenFiles files(100);
  static const std::string root = cgroup.root();
  static source::CgroupStatsReader v1(
      {.v1_cpuacct = root, .v1_memory = root, .v1_cpu = root, .v1_blkio = root, .v1_pids = root},
      files);
  static source::CgroupStatsReader v2({.v2 = root, .v2_memory = true}, files);
  for (source::CgroupStatsReader* reader : {&v1, &v2}) {
    const source::CgroupStats stats = reader->Read("");
    if (stats.memory_working_set_bytes &&
        (!stats.memory_usage_bytes ||
         *stats.memory_working_set_bytes > *stats.memory_usage_bytes)) {
      abort();
    }
  }
  const auto pids = source::CgroupProcesses(cgroup.root());
  if (!pids.ok()) abort();
  for (const int32_t pid : *pids) {
    if (pid <= 0) abort();
  }
  return 0;
}
