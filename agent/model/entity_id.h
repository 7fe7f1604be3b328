// Entity ids: hashes of what never changes about an entity. They are on disk: never change these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/id128.h"

namespace leadline::agent {

inline Id128 NodeId(std::string_view cluster, std::string_view node) {
  return HashId({"node", cluster, node});
}
inline Id128 PodId(std::string_view uid) { return HashId({"pod", uid}); }
inline Id128 ContainerId(std::string_view container_id) {
  return HashId({"container", container_id});
}
inline Id128 ProcessId(std::string_view boot_id, int32_t pid, uint64_t start_ticks) {
  return HashId({"process", boot_id, std::to_string(pid), std::to_string(start_ticks)});
}
// A control group outside of any container; ids are unique within a hierarchy of one boot.
inline Id128 CgroupId(std::string_view boot_id, uint32_t hierarchy, uint64_t cgroup) {
  return HashId({"cgroup", boot_id, std::to_string(hierarchy), std::to_string(cgroup)});
}
// What an owner of sockets has to do with one peer. `role`: "client" or "server"; ports that are
// not told apart are 0.
inline Id128 EdgeId(const Id128& owner, std::string_view transport, std::string_view role,
                    std::string_view remote_address, uint16_t local_port, uint16_t remote_port) {
  return HashId({"edge", owner.ToBytes(), transport, role, remote_address,
                 std::to_string(local_port), std::to_string(remote_port)});
}

}  // namespace leadline::agent
