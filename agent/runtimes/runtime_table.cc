#include "agent/runtimes/runtime_state.h"

namespace leadline::agent::runtimes {
namespace {

// Debian, Fedora and the kubelet's documentation; k3s and RKE2; MicroK8s.
constexpr std::string_view kContainerdDirs[] = {
    "/run/containerd",
    "/run/k3s/containerd",
    "/var/snap/microk8s/common/run/containerd",
};
constexpr std::string_view kDockerDirs[] = {"/var/lib/docker"};
// Transient containers are in the run root only.
constexpr std::string_view kStorageDirs[] = {"/var/lib/containers/storage",
                                             "/run/containers/storage"};

constexpr RuntimeRow kRows[] = {
    {"containerd", kContainerdDirs, OpenContainerd},
    {"docker", kDockerDirs, OpenDocker},
    {"containers-storage", kStorageDirs, OpenContainersStorage},
};

}  // namespace

absl::Span<const RuntimeRow> RuntimeTable() { return kRows; }

}  // namespace leadline::agent::runtimes
