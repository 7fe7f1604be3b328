// Cgroups that the kernel has counted for and that neither an event nor a walk has named: they came
// and went while events were lost, or lie where the agent cannot look.
//
// A cgroup that was made just now is unknown until its event is read, so one read later decides:
// who is still unknown after a walk is a stray. What it counted belongs to the node then, and its
// rows are given up when they stop growing, lest they fill the kernel's table for ever.
//
//   for each row of an unknown cgroup:
//     if (strays.Note(id, walks)) { if (node counters grew by it) strays.Grew(id); }
//   for (uint64_t id : strays.EndRead()) probes.Forget(id);
//
// `walks` is the number of walks that succeeded so far. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace leadline::agent {

class StrayCgroups {
 public:
  // True when the cgroup is a stray.
  bool Note(uint64_t cgroup_id, uint64_t walks);
  void Grew(uint64_t cgroup_id) { unknown_[cgroup_id].grew = true; }

  // After a read of all rows: the strays whose rows did not grow since the last one, each once.
  std::vector<uint64_t> EndRead();

  // Unknown cgroups of the last read, strays included.
  size_t size() const { return unknown_.size(); }

 private:
  struct State {
    uint64_t first_walks = 0;  // walks when it was first seen
    bool seen = false;         // in this read
    bool stray = false;
    bool grew = false;
    bool given_up = false;
  };
  absl::flat_hash_map<uint64_t, State> unknown_;
};

}  // namespace leadline::agent
