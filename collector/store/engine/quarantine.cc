#include "collector/store/engine/quarantine.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr std::string_view kQuarantinedWindow = "window-";
constexpr size_t kDayBytes = 10;

}  // namespace

std::string QuarantinedName(const WindowId& id) {
  return fmt::format("{}{}-{}", kQuarantinedWindow, NameOf(id.retention), DayName(id.start_ms));
}

std::optional<WindowId> WindowOfQuarantined(std::string_view name) {
  if (!name.starts_with(kQuarantinedWindow)) return std::nullopt;
  name.remove_prefix(kQuarantinedWindow.size());
  const size_t dash = std::min(name.find('-'), name.size());
  const auto retention = ClassOfName(name.substr(0, dash));
  name.remove_prefix(std::min(dash + 1, name.size()));
  const int64_t start_ms = DayOfName(name.substr(0, kDayBytes));
  if (!retention || start_ms < 0) return std::nullopt;
  return WindowId{start_ms, *retention};
}

absl::Status QuarantinePath(file::Files& files, const Paths& paths, const std::string& path,
                            const std::string& name, const absl::Status& why) {
  LL_RETURN_IF_ERROR(files.MakeDirs(paths.quarantine));
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> taken, files.List(paths.quarantine));
  std::string target = name;
  for (int number = 2; std::binary_search(taken.begin(), taken.end(), target); ++number) {
    target = fmt::format("{}.{}", name, number);
  }
  LL_RETURN_IF_ERROR(files.Rename(path, fmt::format("{}/{}", paths.quarantine, target)));
  spdlog::error("damaged, moved to quarantine path={} to={}/{} reason=\"{}\"", path,
                paths.quarantine, target, std::string(why.message()));
  return files.SyncDir(paths.quarantine);
}

}  // namespace leadline::collector::store::engine
