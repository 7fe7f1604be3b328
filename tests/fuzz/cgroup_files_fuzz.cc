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
    "cgroup.procs",  "cpu.stat",       "cpuacct.stat",
    "cpuacct.usage", "memory.current", "memory.limit_in_bytes",
    "memory.max",    "memory.stat",    "memory.usage_in_bytes",
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
  source::CgroupStatsReader v1({.v2 = "", .v1_cpuacct = cgroup.root(), .v1_memory = cgroup.root()});
  source::CgroupStatsReader v2({.v2 = cgroup.root(), .v2_memory = true});
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
