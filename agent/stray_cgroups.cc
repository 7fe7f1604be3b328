#include "agent/stray_cgroups.h"

namespace leadline::agent {

bool StrayCgroups::Note(uint64_t cgroup_id, uint64_t walks) {
  State& state = unknown_.try_emplace(cgroup_id, State{.first_walks = walks}).first->second;
  state.seen = true;
  state.stray = walks > state.first_walks;
  return state.stray;
}

std::vector<uint64_t> StrayCgroups::EndRead() {
  std::vector<uint64_t> idle;
  absl::erase_if(unknown_, [&](auto& item) {
    auto& [id, state] = item;
    if (!state.seen) return true;  // known by now, or its rows are gone
    const bool give_up = state.stray && !state.grew;
    if (give_up && !state.given_up) idle.push_back(id);
    state.given_up = give_up;
    state.seen = state.grew = false;
    return false;
  });
  return idle;
}

}  // namespace leadline::agent
