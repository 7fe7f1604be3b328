// Names of containers from the files of whichever runtime runs them, for a node without Kubernetes
// and for one whose API server is away.
//
//   RuntimeNames runtimes({}, registry);
//   if (auto names = runtimes.Find(container_id)) ...   // once a container, when it appears
//
// A look-up reads a file or two of the container and keeps nothing but podman's index; nothing is
// read between look-ups, so a container that is renamed later keeps its name. A file that is
// damaged or too long is named in the log and counted; a directory that may not be read is logged
// once.
//
//   leadline_agent_runtime_names_total{runtime}              "none" where no runtime knew it
//   leadline_agent_runtime_files_bad_total{runtime,reason}   malformed, too_large, unreadable
//
// Not thread-safe. The registry outlives it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include "agent/model/container_names.h"
#include "agent/runtimes/runtime_state.h"

namespace leadline::agent::runtimes {

// A directory besides the usual ones.
struct StateDirectory {
  std::string kind;  // of RuntimeTable()
  std::string path;

  bool operator==(const StateDirectory&) const = default;
};

// From "containerd=/run/other"; nullopt for an unknown kind or a path that is not absolute.
std::optional<StateDirectory> ParseStateDirectory(std::string_view text);

class RuntimeNames {
 public:
  struct Options {
    std::string root;                   // before the usual directories; "" but in tests
    std::vector<StateDirectory> extra;  // asked before the usual ones of their kind
  };

  RuntimeNames(const Options& options, prometheus::Registry& registry);

  // Directories that are there but may not be read.
  std::vector<std::string> Unreadable() const;

  // nullopt when no runtime has a name for it.
  std::optional<ContainerNames> Find(const std::string& container_id);

 private:
  struct Place {
    std::string_view kind;
    std::string dir;
    std::unique_ptr<RuntimeState> state;
    prometheus::Counter& named;
    bool denied = false;  // and logged
  };

  void AddPlace(const RuntimeRow& row, const std::string& dir);
  void NoteBad(Place& place, const absl::Status& status);

  prometheus::Family<prometheus::Counter>& named_;
  prometheus::Family<prometheus::Counter>& bad_;
  prometheus::Counter& unnamed_;
  std::vector<Place> places_;
};

}  // namespace leadline::agent::runtimes
