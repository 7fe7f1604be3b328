// Cgroup paths, which whoever makes a cgroup names: what is found holds together and lies within
// the path, and a container's own cgroup says by itself what it says as a prefix.
#include <cstdlib>
#include <string_view>

#include "agent/meta/cgroup_path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace meta = leadline::agent::meta;
  const std::string_view path(reinterpret_cast<const char*>(data), size);
  const meta::CgroupPath found = meta::ParseCgroupPath(path);
  if (found.kind == meta::CgroupKind::kOther) {
    if (found != meta::CgroupPath{}) abort();
    return 0;
  }
  if (found.own_length == 0 || found.own_length > size) abort();
  if (found.own_length < size && path[found.own_length] != '/') abort();
  if (found.pod_length > found.own_length || (found.pod_length == 0) != found.pod_uid.empty()) {
    abort();
  }
  if (found.container_id.empty() == (found.kind == meta::CgroupKind::kContainer)) abort();
  if (meta::ParseCgroupPath(path.substr(0, found.own_length)) != found) abort();
  if (found.pod_length > 0 &&
      meta::ParseCgroupPath(path.substr(0, found.pod_length)).pod_uid != found.pod_uid) {
    abort();
  }
  return 0;
}
