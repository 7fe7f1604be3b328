#include "collector/ingest/agent_registry.h"

#include <utility>

#include <fmt/format.h>

namespace leadline::collector::ingest {
namespace {

bool GivesWay(const AgentClaim& holder, const AgentClaim& claim) {
  // A copy of the spool has the instance too, of batches that it would deliver once more.
  const bool elsewhere = claim.place != 0 && holder.place != 0 && claim.place != holder.place;
  if (elsewhere) return false;
  return claim.epoch > holder.epoch ||
         (claim.epoch == holder.epoch && claim.instance == holder.instance);
}

}  // namespace

MaybeRefusal AgentRegistry::Claim(std::shared_ptr<Claimant> claimant, const AgentClaim& claim) {
  std::shared_ptr<Claimant> granted;
  std::shared_ptr<Claimant> evicted;
  {
    MutexLock lock(mutex_);
    auto [it, is_new] = agents_.try_emplace(claim.agent_id);
    Agent& agent = it->second;
    if (is_new) {
      agent.holder = {claimant, claim};
      granted = std::move(claimant);
    } else {
      Place& last = agent.next ? *agent.next : agent.holder;
      if (!last.ended && !GivesWay(last.claim, claim)) {
        return Refusal{
            Reason::kAgentInUse,
            absl::AlreadyExistsError(fmt::format(
                "agent {} epoch {} has a live session from {} with epoch {}: two agents "
                "have one state directory or copies of it (a copy without its file identity "
                "is a new agent), or the machine was reset and its last session is not over yet",
                claim.agent_id.ToHex(), claim.epoch, last.claim.peer, last.claim.epoch))};
      }
      if (!last.ended) evicted = last.claimant;
      last.ended = true;
      agent.next = Place{std::move(claimant), claim};
    }
  }
  if (granted != nullptr) granted->Granted();
  if (evicted != nullptr) evicted->TakenOver(claim);
  return std::nullopt;
}

void AgentRegistry::Ended(const Id128& agent_id, const Claimant* claimant) {
  MutexLock lock(mutex_);
  auto it = agents_.find(agent_id);
  if (it == agents_.end()) return;
  if (it->second.holder.claimant.get() == claimant) it->second.holder.ended = true;
}

void AgentRegistry::Release(const Id128& agent_id, const Claimant* claimant) {
  std::shared_ptr<Claimant> granted;
  {
    MutexLock lock(mutex_);
    auto it = agents_.find(agent_id);
    if (it == agents_.end()) return;
    Agent& agent = it->second;
    if (agent.next && agent.next->claimant.get() == claimant) {
      agent.next.reset();
    } else if (agent.holder.claimant.get() == claimant) {
      if (agent.next) {
        agent.holder = *std::exchange(agent.next, std::nullopt);
        granted = agent.holder.claimant;
      } else {
        agents_.erase(it);
      }
    }
  }
  if (granted != nullptr) granted->Granted();
}

}  // namespace leadline::collector::ingest
