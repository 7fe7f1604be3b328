// Where one kind of container runtime keeps what it knows of its containers, on disk.
//
// One file or two a look-up, none between them; no socket. Errors: INVALID_ARGUMENT and
// RESOURCE_EXHAUSTED for a file that is not as documented or too long, PERMISSION_DENIED, INTERNAL;
// the text names it. nullopt: this runtime does not know the container, or no name of it.
// Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "agent/model/container_names.h"

namespace leadline::agent::runtimes {

class RuntimeState {
 public:
  virtual ~RuntimeState() = default;
  // `id` as in the container's cgroup: letters, digits, - and _ only.
  virtual absl::StatusOr<std::optional<ContainerNames>> Find(const std::string& id) = 0;
};

struct RuntimeRow {
  std::string_view kind;
  absl::Span<const std::string_view> usual_dirs;
  std::unique_ptr<RuntimeState> (*open)(const std::string& dir);
};

// One row a kind, in the order in which they are asked.
absl::Span<const RuntimeRow> RuntimeTable();

// containerd's `state` directory: the bundles of its shims. Source: containerd's
// docs/ops.md and runtime/v2/bundle.go; the OCI runtime specification, config.md.
std::unique_ptr<RuntimeState> OpenContainerd(const std::string& dir);
// Docker's data root. Source: moby, container/container.go.
std::unique_ptr<RuntimeState> OpenDocker(const std::string& dir);
// A graph or run root of containers/storage, which CRI-O and podman share. Source:
// containers/storage, containers.go; CRI-O, internal/storage; podman, libpod/storage.go.
std::unique_ptr<RuntimeState> OpenContainersStorage(const std::string& dir);

}  // namespace leadline::agent::runtimes
