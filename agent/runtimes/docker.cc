#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/runtimes/annotations.h"
#include "agent/runtimes/json_file.h"
#include "agent/runtimes/runtime_state.h"
#include "common/status_macros.h"

namespace leadline::agent::runtimes {
namespace {

constexpr size_t kMaxConfigBytes = 4 << 20;

class Docker final : public RuntimeState {
 public:
  explicit Docker(std::string dir) : dir_(std::move(dir)) {}

  absl::StatusOr<std::optional<ContainerNames>> Find(const std::string& id) override {
    auto state =
        ReadJsonFile(fmt::format("{}/containers/{}/config.v2.json", dir_, id), kMaxConfigBytes);
    if (absl::IsNotFound(state.status())) return std::nullopt;
    LL_RETURN_IF_ERROR(state.status());
    const boost::json::object* config = ObjectIn(&*state, "Config");
    const std::string image(TextIn(config, "Image"));
    if (auto names = NamesIn(ObjectIn(config, "Labels"))) {
      // Only containers have a name besides the pod's. The kubelet starts them by digest.
      if (!names->container.empty() && !image.starts_with("sha256:")) names->image = image;
      return names;
    }
    std::string_view name = TextIn(&*state, "Name");
    if (name.starts_with('/')) name.remove_prefix(1);
    if (name.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("{}/containers/{}/config.v2.json has no Name", dir_, id));
    }
    return ContainerNames{.container = std::string(name), .image = image};
  }

 private:
  const std::string dir_;
};

}  // namespace

std::unique_ptr<RuntimeState> OpenDocker(const std::string& dir) {
  return std::make_unique<Docker>(dir);
}

}  // namespace leadline::agent::runtimes
