#include <dirent.h>

#include <cerrno>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/runtimes/annotations.h"
#include "agent/runtimes/json_file.h"
#include "agent/runtimes/runtime_state.h"
#include "common/status_macros.h"

namespace leadline::agent::runtimes {
namespace {

constexpr size_t kMaxBundleBytes = 4 << 20;
constexpr size_t kMaxNamespaces = 64;
constexpr size_t kMadeIdBytes = 64;
// Docker's containers are bundles here too, without names.
constexpr std::string_view kDockersNamespace = "moby";

class Containerd final : public RuntimeState {
 public:
  explicit Containerd(const std::string& dir) : tasks_(dir + "/io.containerd.runtime.v2.task") {}

  absl::StatusOr<std::optional<ContainerNames>> Find(const std::string& id) override {
    LL_ASSIGN_OR_RETURN(const std::vector<std::string> namespaces, Namespaces());
    for (const std::string& name : namespaces) {
      auto bundle =
          ReadJsonFile(fmt::format("{}/{}/{}/config.json", tasks_, name, id), kMaxBundleBytes);
      if (absl::IsNotFound(bundle.status())) continue;
      LL_RETURN_IF_ERROR(bundle.status());
      auto names = NamesIn(ObjectIn(&*bundle, "annotations"));
      if (names) return names;
      // Whoever runs containers by hand picks their ids.
      if (id.size() != kMadeIdBytes) return ContainerNames{.container = id};
    }
    return std::nullopt;
  }

 private:
  absl::StatusOr<std::vector<std::string>> Namespaces() const {
    std::vector<std::string> names;
    DIR* dir = opendir(tasks_.c_str());
    if (dir == nullptr) {
      if (errno == ENOENT) return names;
      return absl::ErrnoToStatus(errno, fmt::format("open {}", tasks_));
    }
    while (const dirent* entry = readdir(dir)) {
      if (entry->d_name[0] == '.' || entry->d_name == kDockersNamespace) continue;
      if (names.size() == kMaxNamespaces) break;
      names.emplace_back(entry->d_name);
    }
    closedir(dir);
    return names;
  }

  const std::string tasks_;
};

}  // namespace

std::unique_ptr<RuntimeState> OpenContainerd(const std::string& dir) {
  return std::make_unique<Containerd>(dir);
}

}  // namespace leadline::agent::runtimes
