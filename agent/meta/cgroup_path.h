// What a cgroup's path says about the container and pod that it belongs to.
//
// Pure and thread-safe; never fails: a path that says nothing is `kOther`. Understood are the
// cgroupfs and the systemd style of the kubelet, of containerd, CRI-O, Docker and podman, below any
// prefix (a kubelet in a container). Source: kubelet pkg/kubelet/cm, runc and crun cgroup drivers,
// containerd, CRI-O and libpod naming.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leadline::agent::meta {

enum class CgroupKind : uint8_t {
  kOther,      // neither of a container nor of a pod
  kPod,        // a pod's own cgroup, the parent of its containers'
  kContainer,  // a container's, or nested in a container's
};
enum class QosClass : uint8_t { kUnknown, kGuaranteed, kBurstable, kBestEffort };
enum class ContainerRuntime : uint8_t { kUnknown, kContainerd, kCrio, kDocker, kPodman };

struct CgroupPath {
  CgroupKind kind = CgroupKind::kOther;
  std::string pod_uid;       // with dashes, or a static pod's 32 hexadecimal digits; "" for no pod
  std::string container_id;  // kContainer
  QosClass qos = QosClass::kUnknown;
  ContainerRuntime runtime = ContainerRuntime::kUnknown;
  // Length of the path's prefix that is the container's (or pod's) own cgroup; shorter than the
  // path for a nested one.
  size_t own_length = 0;
  size_t pod_length = 0;  // likewise of the pod's own; 0 for no pod
  // kContainer: likewise of the outermost container within the pod (or within no pod): shorter than
  // own_length where a container runs containers (Docker in a pod). Its figures hold theirs.
  size_t outer_length = 0;
  // Of a pod and what is in it: likewise of the container that the pod's node is (kind), 0 for
  // none; and whether that container is in a pod itself.
  size_t host_length = 0;
  bool host_in_pod = false;

  bool operator==(const CgroupPath&) const = default;
};

// Bytes beyond which a path is kOther; the kernel's own limit is 4096.
inline constexpr size_t kMaxCgroupPathBytes = 4096;

CgroupPath ParseCgroupPath(std::string_view path);

}  // namespace leadline::agent::meta
