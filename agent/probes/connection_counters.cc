#include "agent/probes/connection_counters.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace leadline::agent::probes {

uint32_t AgentTgid() {
  // include/linux/proc_ns.h: PROC_PID_INIT_INO.
  constexpr ino_t kInitialPidNamespace = 0xEFFFFFFCU;
  struct stat found = {};
  const bool is_initial =
      stat("/proc/self/ns/pid", &found) == 0 && found.st_ino == kInitialPidNamespace;
  return is_initial ? static_cast<uint32_t>(getpid()) : 0;
}

bool DecodeConnectionKey(const connection_key& key, ConnectionCounters& out) {
  if (key.role != CONNECTION_CLIENT && key.role != CONNECTION_SERVER) return false;
  out.cgroup_id = key.cgroup;
  out.peer.role = static_cast<ConnectionPeer::Role>(key.role);
  out.peer.other = key.other != 0;
  out.peer.local_port = key.local_port;
  out.peer.remote_port = key.remote_port;
  std::memcpy(out.peer.remote.data(), key.remote, sizeof(key.remote));
  return true;
}

}  // namespace leadline::agent::probes
