// The hierarchy by whose cgroups everything is counted: one for the agent's whole life.
#pragma once

#include <cstdint>
#include <string>

namespace leadline::agent {

struct CgroupHierarchy {
  uint32_t number = 0;     // as in /proc/PID/cgroup; 0 is the v2 one
  std::string controller;  // of v1 the one that it is found by ("memory"); "" for v2
};

// Which one is wanted: kAuto is v2 wherever containers are members of it.
enum class CgroupChoice : uint8_t { kAuto, kV1, kV2 };

}  // namespace leadline::agent
