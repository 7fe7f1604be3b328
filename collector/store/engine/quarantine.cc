#include "collector/store/engine/quarantine.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {

absl::Status QuarantinePath(file::Files& files, const Paths& paths, const std::string& path,
                            const std::string& name, const absl::Status& why) {
  LL_RETURN_IF_ERROR(files.MakeDirs(paths.quarantine));
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> taken, files.List(paths.quarantine));
  std::string target = name;
  for (int number = 2; std::binary_search(taken.begin(), taken.end(), target); ++number) {
    target = fmt::format("{}.{}", name, number);
  }
  spdlog::error("damaged, moved to quarantine path={} to={}/{} reason=\"{}\"", path,
                paths.quarantine, target, std::string(why.message()));
  LL_RETURN_IF_ERROR(files.Rename(path, fmt::format("{}/{}", paths.quarantine, target)));
  return files.SyncDir(paths.quarantine);
}

}  // namespace leadline::collector::store::engine
