#include <sys/stat.h>

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/runtimes/annotations.h"
#include "agent/runtimes/json_file.h"
#include "agent/runtimes/runtime_state.h"
#include "common/status_macros.h"
#include "common/string_map.h"

namespace leadline::agent::runtimes {
namespace {

namespace json = boost::json;

constexpr size_t kMaxSpecBytes = 4 << 20;
constexpr size_t kMaxIndexBytes = 16 << 20;
constexpr size_t kMaxContainers = 16384;

// Storage drivers that containers run on.
constexpr std::string_view kDrivers[] = {"overlay", "vfs", "btrfs", "zfs"};
// Those of transient containers are in a file of their own (containers/storage 1.46).
constexpr std::string_view kIndexes[] = {"containers.json", "volatile-containers.json"};

// What podman calls its containers: one file for all of them, read when it has changed.
class Index {
 public:
  explicit Index(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<std::optional<ContainerNames>> Find(const std::string& id) {
    LL_RETURN_IF_ERROR(Refresh());
    const auto it = names_.find(id);
    if (it == names_.end()) return std::nullopt;
    return it->second;
  }

 private:
  struct Stamp {
    ino_t inode = 0;
    off_t size = 0;
    int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  // A damaged file is an error once; until it changes it holds no names.
  absl::Status Refresh() {
    struct stat info {};
    Stamp stamp;
    if (lstat(path_.c_str(), &info) == 0) {
      stamp = {info.st_ino, info.st_size,
               info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
    }
    if (stamp == stamp_) return absl::OkStatus();
    stamp_ = stamp;
    names_.clear();
    const auto containers = ReadJsonArray(path_, kMaxIndexBytes);
    if (absl::IsNotFound(containers.status())) return absl::OkStatus();
    LL_RETURN_IF_ERROR(containers.status());
    for (const json::value& value : *containers) {
      if (names_.size() == kMaxContainers) {
        return absl::ResourceExhaustedError(
            fmt::format("{} has more than {} containers", path_, kMaxContainers));
      }
      Note(value.if_object());
    }
    return absl::OkStatus();
  }

  void Note(const json::object* container) {
    const std::string_view id = TextIn(container, "id");
    const json::value* names = container == nullptr ? nullptr : container->if_contains("names");
    const json::array* list = names == nullptr ? nullptr : names->if_array();
    if (id.empty() || list == nullptr || list->empty() || !list->front().is_string()) return;
    const json::string& name = list->front().get_string();
    if (name.size() > kMaxNameBytes) return;
    names_.insert_or_assign(std::string(id),
                            ContainerNames{.container = std::string(name.data(), name.size()),
                                           .image = ImageOf(container)});
  }

  // The user of the library keeps a document of its own in a string.
  static std::string ImageOf(const json::object* container) {
    const json::value* metadata = container->if_contains("metadata");
    const json::string* text = metadata == nullptr ? nullptr : metadata->if_string();
    if (text == nullptr) return {};
    json::parse_options options;
    options.max_depth = kMaxStateDepth;
    json::error_code error;
    const json::value inner = json::parse(*text, error, {}, options);
    return error ? std::string() : std::string(TextIn(inner.if_object(), "image-name"));
  }

  const std::string path_;
  Stamp stamp_;
  StringMap<ContainerNames> names_;
};

class ContainersStorage final : public RuntimeState {
 public:
  explicit ContainersStorage(const std::string& dir) {
    for (const std::string_view driver : kDrivers) {
      drivers_.push_back({fmt::format("{}/{}-containers", dir, driver), {}});
      for (const std::string_view index : kIndexes) {
        drivers_.back().indexes.emplace_back(fmt::format("{}/{}", drivers_.back().dir, index));
      }
    }
  }

  absl::StatusOr<std::optional<ContainerNames>> Find(const std::string& id) override {
    for (Driver& driver : drivers_) {
      // The bundle, to which CRI-O adds annotations.
      const auto spec =
          ReadJsonFile(fmt::format("{}/{}/userdata/config.json", driver.dir, id), kMaxSpecBytes);
      if (!spec.ok() && !absl::IsNotFound(spec.status())) return spec.status();
      if (spec.ok()) {
        if (auto names = NamesIn(ObjectIn(&*spec, "annotations"))) return names;
      }
      for (Index& index : driver.indexes) {
        LL_ASSIGN_OR_RETURN(auto names, index.Find(id));
        if (names) return names;
      }
    }
    return std::nullopt;
  }

 private:
  struct Driver {
    std::string dir;
    std::vector<Index> indexes;
  };
  std::vector<Driver> drivers_;
};

}  // namespace

std::unique_ptr<RuntimeState> OpenContainersStorage(const std::string& dir) {
  return std::make_unique<ContainersStorage>(dir);
}

}  // namespace leadline::agent::runtimes
